"""The judge: truth from a log, and what it says of a report that differs."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.judge import Truth, disagreements, people_of, read_log, truth_of
from tests.local.conftest import Client, template

RUN = "cmp_a-1"
MARKER = "#नमूना1"


def asked(to: str, outcome: str, index: int = 0, run: str = RUN, attempt: int = 1) -> dict[str, Any]:
    return {
        "kind": "request",
        "platform": "whatsapp",
        "to": to,
        "key": f"{run}.0.{index}.{attempt}",
        "outcome": outcome,
        "payload": {},
    }


def wrote(to: str, outcome: str, words: str = f"संदेश {MARKER}") -> dict[str, Any]:
    return {
        "kind": "request",
        "platform": "telegram",
        "to": to,
        "key": None,
        "outcome": outcome,
        "payload": {"text": words},
    }


def told(to: str, *statuses: str, taken: bool = True, run: str = RUN, attempt: int = 1) -> dict[str, Any]:
    updates = [{"to": to, "status": status, "key": f"{run}.0.0.{attempt}"} for status in statuses]
    return {"kind": "callback", "platform": "whatsapp", "taken": taken, "updates": updates}


def judged(*log: dict[str, Any]) -> Truth:
    return truth_of(people_of(log, "cmp_a", MARKER))


def one(*log: dict[str, Any]) -> dict[str, int]:
    truth = judged(*log)
    counts = (
        *("accepted", "failed", "unknown", "delivered", "read", "no_receipts", "duplicate_sends"),
        *("resent", "late", "after_a_loss"),
    )
    return {name: getattr(truth, name) for name in counts if getattr(truth, name)}


@pytest.mark.parametrize(
    ("log", "counts"),
    [
        ([asked("+1", "accepted")], {"accepted": 1}),
        ([asked("+1", "accepted"), told("+1", "sent")], {"accepted": 1}),
        ([asked("+1", "accepted"), told("+1", "delivered")], {"accepted": 1, "delivered": 1}),
        ([asked("+1", "accepted"), told("+1", "read")], {"accepted": 1, "delivered": 1, "read": 1}),
        ([told("+1", "read"), asked("+1", "accepted")], {"accepted": 1, "delivered": 1, "read": 1}),
        ([asked("+1", "accepted"), told("+1", "sent", "failed")], {"failed": 1}),
        ([asked("+1", "accepted"), told("+1", "failed", "delivered")], {"accepted": 1, "delivered": 1}),
        ([asked("+1", "accepted"), told("+1", "read", taken=False)], {"accepted": 1}),
        ([asked("+1", "refused:131026")], {"failed": 1}),
        ([asked("+1", "throttled")], {}),
        ([asked("+1", "throttled"), asked("+1", "accepted")], {"accepted": 1}),
        ([asked("+1", "lost_reply")], {"unknown": 1}),
        ([asked("+1", "lost_reply"), told("+1", "sent")], {"accepted": 1}),
        ([asked("+1", "lost_reply"), told("+1", "failed")], {"failed": 1}),
        ([asked("+1", "lost_reply"), asked("+1", "accepted")], {"accepted": 1, "duplicate_sends": 1}),
        ([asked("+1", "refused:131026"), asked("+1", "refused:131026")], {"failed": 1, "duplicate_sends": 1}),
        ([wrote("5", "accepted")], {"accepted": 1, "no_receipts": 1}),
        ([wrote("5", "lost_reply")], {"unknown": 1}),
        ([wrote("5", "refused:403")], {"failed": 1}),
        ([wrote("5", "accepted", "स्वागत है")], {}),
        (
            [asked("+1", "lost_reply"), asked("+1", "accepted", attempt=2), told("+1", "read", attempt=2)],
            {"accepted": 1, "delivered": 1, "read": 1, "resent": 1},
        ),
        ([asked("+1", "lost_reply"), asked("+1", "lost_reply", attempt=2)], {"unknown": 1, "resent": 1}),
        (
            [asked("+1", "lost_reply"), asked("+1", "refused:1", attempt=2), told("+1", "delivered")],
            {"failed": 1, "resent": 1, "late": 1},
        ),
        (
            [asked("+1", "lost_reply"), asked("+1", "throttled", attempt=2), told("+1", "delivered")],
            {"accepted": 1, "delivered": 1},
        ),
        (
            [asked("+1", "lost_reply"), *[asked("+1", "accepted", attempt=2)] * 2],
            {"accepted": 1, "resent": 1, "duplicate_sends": 1},
        ),
        (
            [asked("+1", "accepted", attempt=n) for n in (1, 2, 3)],
            {"accepted": 1, "resent": 1, "duplicate_sends": 1},
        ),
        (
            [wrote("5", "lost_reply"), wrote("5", "accepted")],
            {"accepted": 1, "no_receipts": 1, "duplicate_sends": 1, "after_a_loss": 1},
        ),
        (
            [wrote("5", "accepted"), wrote("5", "accepted")],
            {"accepted": 1, "no_receipts": 1, "duplicate_sends": 1},
        ),
        ([asked("+1", "accepted", run="cmp_ab-1"), asked("+1", "accepted", run="cmp_b-1")], {}),
        ([asked("+1", "accepted"), told("+1", "read", run="cmp_b-1")], {"accepted": 1}),
    ],
)
def test_facts_make_the_truth_about_one_person(log: list[dict[str, Any]], counts: dict[str, int]) -> None:
    assert one(*log) == counts


def test_emails_are_known_by_our_key_and_called_what_the_report_calls_them() -> None:
    log = [
        asked("a@x.test", "accepted"),
        told("a@x.test", "sent", "failed"),
        asked("b@x.test", "lost_reply", 1),
    ]
    truth = judged(*({**line, "platform": "ses"} for line in log))
    assert truth.by_channel.keys() == {"email"}
    assert (truth.failed, truth.unknown, truth.no_receipts) == (1, 1, 0)


def over(platform: str, to: str, chunk: str, attempt: int, outcome: str = "accepted") -> dict[str, Any]:
    """A request over a platform that carries our key."""
    key = f"{RUN}.{chunk}.{3 if attempt == 1 else 0}.{attempt}"
    return asked(to, outcome) | {"platform": platform, "key": key}


def met(platform: str, to: str, key: str, *statuses: str) -> dict[str, Any]:
    updates = [{"to": to, "status": status, "key": f"{RUN}.{key}"} for status in statuses]
    return {"kind": "callback", "platform": platform, "taken": True, "updates": updates}


PLANNED, BY_SMS, BY_EMAIL = "00000000007", "0000000000728", "000000000072825"


def test_who_fell_back_over_two_channels_counts_at_the_last_one_alone() -> None:
    log = (
        over("whatsapp", "+1", PLANNED, 1, "refused:131026"),
        over("msg91", "+1", BY_SMS, 2),
        met("msg91", "+1", f"{BY_SMS}.0.2", "failed"),
        over("ses", "a@x.test", BY_EMAIL, 3),
        met("ses", "a@x.test", f"{BY_EMAIL}.0.3", "delivered"),
        over("whatsapp", "+2", PLANNED.replace("7", "8"), 1),
    )
    truth = judged(*log)
    assert (truth.people, truth.accepted, truth.delivered, truth.failed, truth.resent) == (2, 2, 1, 0, 1)
    assert {name: counts["accepted"] for name, counts in truth.by_channel.items()} == {
        "email": 1,
        "whatsapp": 1,
    }
    report = {**REPORT, "targeted": 2, "planned": 2, "accepted": 2, "delivered": 1, "read": 0, "failed": 0}
    report |= {"unknown": 0, "not_sent": {}, "skipped": {}, "no_receipts": 0, "fallbacks": 1}
    report["by_channel"] = {"email": {"accepted": 1}, "whatsapp": {"accepted": 1}}
    assert disagreements(truth, report) == []


def test_an_arrival_over_a_channel_that_was_given_up_is_late() -> None:
    log = (
        over("whatsapp", "+1", PLANNED, 1),
        met("whatsapp", "+1", f"{PLANNED}.3.1", "failed", "delivered"),
        over("msg91", "+1", BY_SMS, 2),
    )
    truth = judged(*log)
    assert (truth.people, truth.accepted, truth.late, truth.delivered) == (1, 1, 1, 0)


def test_sums_are_kept_by_channel_and_throttled_requests_apart() -> None:
    truth = judged(
        asked("+1", "accepted"), asked("+2", "throttled"), asked("+2", "lost_reply"), wrote("5", "accepted")
    )
    assert (truth.people, truth.requests, truth.throttled, truth.lost_replies) == (3, 3, 1, 1)
    assert truth.by_channel["whatsapp"]["unknown"] == 1
    assert truth.by_channel["telegram"]["no_receipts"] == 1


LOG = [
    asked("+1", "accepted"),
    told("+1", "read"),
    asked("+2", "refused:131026"),
    asked("+3", "lost_reply"),
    wrote("5", "accepted"),
]
REPORT = {
    "campaign": "cmp_a",
    "targeted": 7,
    "skipped": {"no_consent": 2},
    "planned": 5,
    "in_progress": 0,
    "accepted": 2,
    "failed": 1,
    "unknown": 1,
    "not_sent": {"suppressed": 1},
    "delivered": 1,
    "read": 1,
    "no_receipts": 1,
    "by_channel": {
        "whatsapp": {"accepted": 1, "failed": 1, "unknown": 1, "delivered": 1, "read": 1, "no_receipts": 0},
        "telegram": {"accepted": 1, "failed": 0, "unknown": 0, "delivered": 0, "read": 0, "no_receipts": 1},
    },
}


def test_a_true_report_finds_no_disagreement() -> None:
    assert disagreements(judged(*LOG), REPORT) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"accepted": 3, "failed": 0}, "accepted: the report says 3, the log 2"),
        ({"read": 0}, "read: the report says 0, the log 1"),
        ({"no_receipts": 2}, "no_receipts: the report says 2, the log 1"),
        ({"unknown": 0, "not_sent": 2}, "unknown: the report says 0, the log 1"),
        ({"planned": 6, "targeted": 8}, "planned is 6, its parts are 5"),
        ({"targeted": 9}, "targeted is not planned and skipped together"),
        ({"delivered": 0}, "read, delivered and accepted are not within each other"),
        ({"planned": 6, "targeted": 8, "unknown": 2}, "1 people count as tried without a request in the log"),
        ({"by_channel": {"whatsapp": {"accepted": 2}}}, "whatsapp.accepted: the report says 2, the log 1"),
        ({"by_channel": {"whatsapp": {}}}, "by_channel lacks telegram"),
    ],
)  # fmt: skip
def test_a_report_that_differs_is_told_how(change: dict[str, Any], complaint: str) -> None:
    found = disagreements(judged(*LOG), {**REPORT, **change})
    assert any(complaint in line for line in found)


def test_a_second_request_is_a_disagreement_even_when_the_counts_hold() -> None:
    log = [*LOG, asked("+1", "accepted")]
    assert disagreements(judged(*log), REPORT) == ["1 requests were second ones to the same person"]


DECIDED = [asked("+3", "accepted", attempt=2)]
ANSWERED = {"accepted": 3, "unknown": 0, "resent": 1, "by_channel": {"whatsapp": {}, "telegram": {}}}


def test_a_second_request_that_a_person_decided_on_is_none_too_many() -> None:
    truth = judged(*LOG, *DECIDED)
    assert disagreements(truth, {**REPORT, **ANSWERED}) == []
    unasked = disagreements(truth, {**REPORT, **ANSWERED, "resent": 0})
    assert unasked == ["1 people were sent to again, 0 by a decision or a fallback"]


def test_where_no_key_is_carried_as_many_second_requests_are_allowed_as_were_decided() -> None:
    log = [line for line in LOG if line["platform"] != "telegram"]
    log += [wrote("5", "lost_reply"), wrote("5", "accepted")]
    assert disagreements(judged(*log), {**REPORT, "resent": 1}) == []
    assert disagreements(judged(*log), REPORT) == ["1 requests were second ones to the same person"]
    assert disagreements(judged(*log, *DECIDED), {**REPORT, **ANSWERED}) == [
        "1 requests were second ones to the same person"
    ]


def test_a_late_arrival_is_in_the_report() -> None:
    truth = judged(*LOG, *DECIDED, told("+3", "delivered"))
    assert disagreements(truth, {**REPORT, **ANSWERED, "late": 1}) == []
    assert disagreements(truth, {**REPORT, **ANSWERED}) == ["late: the report says 0, the log 1"]


def test_after_a_crash_a_claim_without_a_request_is_rightly_unknown() -> None:
    report = {**REPORT, "planned": 6, "targeted": 8, "unknown": 2}
    assert disagreements(judged(*LOG), report, crashed=True) == []
    assert disagreements(judged(*LOG), report)


def test_the_command_prints_the_truth_and_says_by_its_exit_whether_it_agrees(tmp_path: Path) -> None:
    log, report = tmp_path / "log", tmp_path / "report.json"
    log.write_text("".join(json.dumps(line) + "\n" for line in LOG), encoding="utf-8")
    report.write_text(json.dumps(REPORT), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "local.judge",
        "--log",
        str(log),
        "--report",
        str(report),
        "--marker",
        MARKER,
    ]
    agreed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert agreed.returncode == 0
    assert json.loads(agreed.stdout)["truth"]["accepted"] == 2
    report.write_text(json.dumps({**REPORT, "read": 0}), encoding="utf-8")
    differed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert differed.returncode == 1
    assert json.loads(differed.stdout)["disagreements"]


def test_the_judge_imports_nothing_of_the_application() -> None:
    tree = ast.parse((Path(__file__).parents[2] / "local" / "judge.py").read_text(encoding="utf-8"))
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert not any(name.split(".")[0] in {"chalicelib", "app", "local"} for name in imported)


def test_the_log_of_a_real_sandbox_is_judged(sandbox: Client) -> None:
    sandbox.call("POST", "/behaviour", {"fail": 0.3, "read": 0.5, "duplicate": 0.5, "throttle": 0.2})
    for n in range(40):
        sandbox.whatsapp(template(f"9190000{n:05}", "1", key=f"{RUN}.0.{n}.1"))
    sandbox.settled()
    truth = truth_of(people_of(sandbox.lines(), "cmp_a"))
    assert truth.requests + truth.throttled == 40
    assert truth.accepted == truth.delivered
    assert truth.accepted + truth.failed == truth.people == truth.requests
    assert 0 < truth.read < truth.delivered
    assert truth.duplicate_sends == truth.unknown == 0


def test_a_line_that_is_being_written_is_left_for_the_next_look(tmp_path: Path) -> None:
    log = tmp_path / "sandbox.jsonl"
    log.write_text('{"kind": "clock"}\n{"kind": "requ')
    assert read_log(log) == [{"kind": "clock"}]
