"""The sandbox's controls: behaviour, clock, log, and the process itself."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import urllib3

from local.sandbox.world import BadBehaviour, Behaviour
from tests.local.conftest import HTTP, Client, Receiver, eventually, template


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"oops": 1}, "unknown behaviour: oops"),
        ({"fail": 1.5}, "fail is a share"),
        ({"fail": "much"}, "fail must be a number"),
        ({"fail": True}, "fail must be a number"),
        ({"delay_ms": -1}, "delay_ms must be a whole number"),
        ({"delay_ms": 0.5}, "delay_ms must be a whole number"),
        ({"batch": 1001}, "batch must be 1 to 1000"),
        ({"batch": 0}, "batch must be 1 to 1000"),
    ],
)
def test_a_bad_behaviour_is_refused_by_name(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(BadBehaviour, match=complaint):
        Behaviour().changed(change)


def test_a_change_keeps_the_other_shares() -> None:
    behaviour = Behaviour().changed({"fail": 0.1}).changed({"read": 1, "delay_ms": 10.0})
    assert (behaviour.fail, behaviour.read, behaviour.delay_ms) == (0.1, 1, 10)


def test_a_seed_repeats_every_fate_in_any_order() -> None:
    behaviour = Behaviour(fail=0.3, throttle=0.3, lost_reply=0.3, seed=7)
    people = [f"+9190000{n:05}" for n in range(200)]
    fates = {to: behaviour.fate(to, 1) for to in people}
    assert {to: behaviour.fate(to, 1) for to in reversed(people)} == fates
    assert {
        to: Behaviour(fail=0.3, throttle=0.3, lost_reply=0.3, seed=8).fate(to, 1) for to in people
    } != fates


def test_shares_are_met_over_many_requests() -> None:
    fates = [Behaviour(fail=0.1, throttle=0.2, lost_reply=0.05).fate(str(n), 1) for n in range(5000)]
    assert sum(f.throttled for f in fates) == pytest.approx(1000, rel=0.15)
    assert sum(f.failure is not None for f in fates) == pytest.approx(500, rel=0.2)
    assert sum(f.failure == "at once" for f in fates) == pytest.approx(250, rel=0.3)
    assert sum(f.lost_reply for f in fates) == pytest.approx(240, rel=0.3)
    assert not any(f.lost_reply and f.failure == "at once" for f in fates)


def test_behaviour_over_http_answers_the_whole_of_it(sandbox: Client) -> None:
    status, answer = sandbox.call("POST", "/behaviour", {"fail": 0.02, "read": 0.9})
    assert (status, answer["fail"], answer["read"], answer["duplicate"]) == (200, 0.02, 0.9, 0.0)
    assert sandbox.call("GET", "/behaviour")[1] == answer
    assert sandbox.call("POST", "/behaviour", {"oops": 1}) == (400, {"error": "unknown behaviour: oops"})


def test_the_clock_moves_in_the_file_and_stays_over_a_restart(start: Callable[[], Client]) -> None:
    sandbox = start()
    assert float(sandbox.clock_file.read_text()) == 0
    assert sandbox.call("POST", "/clock", {"offset_s": 3600}) == (200, {"offset_s": 3600})
    assert float(sandbox.clock_file.read_text()) == 3600
    before = time.time()
    sandbox.whatsapp(template("919000000001", "1"))
    asked_at = datetime.fromisoformat(sandbox.lines("request")[0]["at"]).timestamp()
    assert before - 1 <= asked_at - 3600 <= time.time() + 1
    sandbox = start()
    assert float(sandbox.clock_file.read_text()) == 3600
    for bad in ({}, {"offset_s": "1"}, {"offset_s": 1, "more": 2}):
        assert sandbox.call("POST", "/clock", bad)[0] == 400


def test_the_log_is_read_from_where_one_left_off(start: Callable[[], Client]) -> None:
    sandbox = start()
    sandbox.call("POST", "/behaviour", {"seed": 1})
    sandbox.call("POST", "/behaviour", {"seed": 2})
    page = sandbox.call("GET", "/log?since=1")[1]
    assert [line["seed"] for line in page["items"]] == [2]
    assert page["next"] == 2
    assert sandbox.call("GET", "/log?since=2")[1] == {"items": [], "next": None}
    sandbox = start()
    sandbox.call("POST", "/behaviour", {"seed": 3})
    assert [line["seq"] for line in sandbox.lines()] == [1, 2, 3]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/inbound", {"platform": "whatsapp", "from": "12", "text": "a"}),
        ("/inbound", {"platform": "telegram", "from": "Rekha", "text": "a"}),
        ("/inbound", {"platform": "pigeon", "from": "919000000001", "text": "a"}),
        ("/inbound", {"platform": "whatsapp", "from": "919000000001", "text": "a", "oops": 1}),
        ("/block", {"platform": "whatsapp"}),
        ("/block", {"platform": "pigeon", "from": "919000000001"}),
        ("/log?since=x", None),
    ],
)
def test_bad_control_calls_are_refused(sandbox: Client, path: str, body: object) -> None:
    assert sandbox.call("GET" if body is None else "POST", path, body)[0] == 400


def test_unknown_paths_are_404(sandbox: Client) -> None:
    assert sandbox.call("GET", "/nothing")[0] == 404
    assert sandbox.call("DELETE", "/behaviour")[0] == 404
    assert sandbox.call("GET", "/a/b/c")[0] == 404


def test_a_body_that_is_too_large_is_refused(sandbox: Client) -> None:
    assert sandbox.call("POST", "/behaviour", {"x": "y" * 1024 * 1024})[0] == 413


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_process_serves_says_when_its_port_is_taken_and_ends_on_sigterm(
    receiver: Receiver, tmp_path: Path
) -> None:
    port = free_port()
    command = [sys.executable, "-m", "local.sandbox", "--port", str(port), "--webhooks", receiver.url]
    command += ["--log", str(tmp_path / "log"), "--clock-file", str(tmp_path / "clock")]
    process = subprocess.Popen(command)

    def healthy() -> bool:
        try:
            answer = urllib3.request("GET", f"http://127.0.0.1:{port}/healthz", retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return bool(json.loads(answer.data)["status"] == "ok")

    try:
        eventually(healthy)
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 1
        assert second.stderr == f"The sandbox cannot listen on 127.0.0.1:{port}: Address already in use.\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()


def test_a_person_without_tools_reads_what_came_the_newest_first_as_a_page(sandbox: Client) -> None:
    for to, code in (("919000000001", "123456"), ("919000000002", "<b>2</b>")):
        sandbox.whatsapp(template(to, code))
    answer = HTTP.request("GET", f"{sandbox.url}/")
    page = answer.data.decode()
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.index("+919000000002") < page.index("+919000000001")
    assert "123456" in page
    assert "<b>2</b>" not in page
    theirs = HTTP.request("GET", f"{sandbox.url}/?to=%2B919000000001").data.decode()
    assert "123456" in theirs
    assert "+919000000002" not in theirs
