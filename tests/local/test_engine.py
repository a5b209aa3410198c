"""The embedded AWS as a process: it starts and stops cleanly, leaves nothing behind, keeps its promises."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.children import ChildFailed
from local.engine import ROOT, Engine
from local.ports import PortTaken, free_port

pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "localhost", "::1"])

STARTER = """
import signal, sys, time
from pathlib import Path
from local.engine import Engine
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore Ctrl-C
engine = Engine(Path(sys.argv[1]), int(sys.argv[2]))
engine.start()
engine.client("sqs").create_queue(QueueName="kept")
print("up", flush=True)
time.sleep(60)
"""
SLEEPER = """
import pathlib, time
def handler(event, context):
    if "asleep" in event:
        pathlib.Path(event["asleep"]).touch()
        time.sleep(50)
"""


def processes_with(text: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and text in (entry / "environ").read_text(errors="replace"):
                found.append(int(entry.name))
    return found


OWN_WAIT_S = 0.045
"""A little less than what MiniStack waits after each call for the last lines of its log."""


def eventually(condition: Callable[[], bool], within_s: float = 15) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def make_function(engine: Engine, source: str = SLEEPER, name: str = "sleeper") -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr(zipfile.ZipInfo("code.py"), source)  # without the time: equal sources, equal zips
    made = engine.client("lambda").create_function(
        FunctionName=name,
        Runtime=f"python3.{sys.version_info.minor}",
        Role="arn:aws:iam::000000000000:role/any",
        Handler="code.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=60,
    )
    return str(made["FunctionArn"])


def make_table(engine: Engine) -> str:
    table = engine.client("dynamodb").create_table(
        TableName="watched",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return str(table["TableDescription"]["LatestStreamArn"])


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that has started an engine and now sleeps, with the engine's folder."""
    folder = tmp_path / "engine"
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(folder), str(free_port())],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    yield process, folder
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_when_the_starter_is_gone(starter, number):
    process, folder = starter
    assert processes_with(f"STATE_DIR={folder}")
    process.send_signal(number)
    process.wait(60)
    assert eventually(lambda: not processes_with(f"STATE_DIR={folder}"))


def test_the_state_is_saved_when_the_starter_is_killed(starter):
    process, folder = starter
    process.kill()
    process.wait()
    assert eventually((folder / "state" / "sqs.json").exists)


def test_lambda_processes_end_with_the_engine_also_in_an_invocation(tmp_path):
    with Engine(tmp_path) as engine:
        make_function(engine)
        asleep = tmp_path / "asleep"
        payload = json.dumps({"asleep": str(asleep)})
        engine.client("lambda").invoke(FunctionName="sleeper", InvocationType="Event", Payload=payload)
        assert eventually(asleep.exists)
        mark = f"STATE_DIR={tmp_path}"
        assert len(processes_with(mark)) == 2
        os.kill(engine.child.pid, signal.SIGKILL)
        assert eventually(lambda: not processes_with(mark))


def test_a_taken_port_gives_one_line_that_names_the_variable(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken) as refused:
            Engine(tmp_path, port).start()
    assert str(refused.value) == (
        f"Port {port} for the embedded AWS is taken. Free it, or choose another: AWS_PORT=<port>."
    )


def test_another_version_of_ministack_is_refused_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as m\nfound = m.version\n"
        "m.version = lambda name: '9.9.9' if name == 'ministack' else found(name)\n"
    )
    engine = Engine(tmp_path / "engine")
    inherited = engine._child_environment
    monkeypatch.setattr(engine, "_child_environment", lambda t: inherited(t) | {"PYTHONPATH": str(tmp_path)})
    with pytest.raises(ChildFailed, match=r"needs ministack 1\.5\.33, found 9\.9\.9\. Run `make setup`\."):
        engine.start()


def test_a_snapshot_outlives_a_kill(tmp_path):
    engine = Engine(tmp_path)
    engine.start()
    try:
        engine.client("sqs").create_queue(QueueName="kept")
        assert engine.snapshot()
        engine.client("sqs").create_queue(QueueName="lost")
        os.kill(engine.child.pid, signal.SIGKILL)
        assert eventually(lambda: not engine.child.alive)
        engine.stop()
        engine.start()
        urls = engine.client("sqs").list_queues()["QueueUrls"]
        assert [url.rpartition("/")[2] for url in urls] == ["kept"]
    finally:
        engine.stop()


def test_a_killed_engine_leaves_no_folders_of_lambdas_after_the_next_stop(tmp_path):
    engine = Engine(tmp_path)
    engine.start()
    make_function(engine)
    engine.client("lambda").invoke(FunctionName="sleeper", Payload="{}")
    assert list((tmp_path / "tmp").iterdir())
    os.kill(engine.child.pid, signal.SIGKILL)
    engine.stop()
    assert not (tmp_path / "tmp").exists()


def test_records_written_before_a_restart_reach_their_stream_handler_after_it(tmp_path):
    seen = tmp_path / "seen"
    source = (
        "def handler(event, context):\n"
        f"    with open({str(seen)!r}, 'a') as out:\n"
        "        for record in event['Records']:\n"
        "            out.write(record['dynamodb']['Keys']['pk']['S'] + '\\n')\n"
    )
    with Engine(tmp_path / "engine") as engine:
        stream = make_table(engine)
        make_function(engine, source)
        functions = engine.client("lambda")
        mapping = functions.create_event_source_mapping(
            EventSourceArn=stream, FunctionName="sleeper", StartingPosition="TRIM_HORIZON"
        )
        engine.client("dynamodb").put_item(TableName="watched", Item={"pk": {"S": "first"}})
        assert eventually(lambda: seen.exists() and seen.read_text() == "first\n")
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        for name in ("second", "third"):
            engine.client("dynamodb").put_item(TableName="watched", Item={"pk": {"S": name}})
    with Engine(tmp_path / "engine") as engine:
        engine.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
        engine.client("dynamodb").put_item(TableName="watched", Item={"pk": {"S": "fourth"}})
        assert eventually(lambda: "fourth" in seen.read_text())
    assert list(dict.fromkeys(seen.read_text().splitlines())) == ["first", "second", "third", "fourth"]


def test_a_slow_stream_handler_does_not_hold_up_a_queue(tmp_path):
    done = tmp_path / "done"
    with Engine(tmp_path / "engine") as engine:
        stream = make_table(engine)
        make_function(engine, "import time\ndef handler(event, context):\n    time.sleep(40)\n", "slow")
        make_function(
            engine, f"def handler(event, context):\n    open({str(done)!r}, 'w').close()\n", "quick"
        )
        url = engine.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        functions = engine.client("lambda")
        functions.create_event_source_mapping(
            EventSourceArn=stream, FunctionName="slow", StartingPosition="TRIM_HORIZON"
        )
        arn = "arn:aws:sqs:ap-south-1:000000000000:q"
        functions.create_event_source_mapping(EventSourceArn=arn, FunctionName="quick")
        engine.client("dynamodb").put_item(TableName="watched", Item={"pk": {"S": "x"}})
        time.sleep(0.5)
        engine.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
        assert eventually(done.exists, within_s=30), "while the slow one still sleeps"


def test_a_warm_call_takes_less_than_ministacks_own_wait_for_log_lines(tmp_path):
    with Engine(tmp_path) as engine:
        make_function(engine)
        functions = engine.client("lambda")
        functions.invoke(FunctionName="sleeper", Payload="{}")

        def took() -> float:
            started = time.perf_counter()
            functions.invoke(FunctionName="sleeper", Payload="{}")
            return time.perf_counter() - started

        assert any(took() < OWN_WAIT_S for _ in range(200)), (
            "a busy machine has a quiet moment once in a while"
        )


def test_a_package_is_unzipped_once_for_all_its_processes(tmp_path):
    with Engine(tmp_path) as engine:
        for name in ("one", "two"):
            make_function(engine, name=name)
            engine.client("lambda").invoke(FunctionName=name, Payload="{}")
        codes = [path.resolve() for path in (tmp_path / "tmp").glob("ministack-lambda-*/code")]
    assert len(codes) == 2
    assert len(set(codes)) == 1


def test_a_burst_of_calls_is_answered_by_few_processes(tmp_path):
    with Engine(tmp_path) as engine:
        make_function(engine, "import time\ndef handler(event, context):\n    time.sleep(0.05)\n")
        functions = engine.client("lambda")
        with ThreadPoolExecutor(16) as pool:
            calls = [pool.submit(functions.invoke, FunctionName="sleeper", Payload="{}") for _ in range(48)]
            answers = [call.result() for call in calls]
        started = len(list((tmp_path / "tmp").glob("ministack-lambda-*")))
    assert not [answer for answer in answers if "FunctionError" in answer]
    assert started <= max(4, 2 * (os.cpu_count() or 1))
