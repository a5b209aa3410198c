"""The proof bundle of a run: made in steps that may break and come twice, checked by a script that knows
nothing of JanJan, and every tampering found."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from chalicelib.dispatch import bundle as module
from chalicelib.dispatch.bundle import Bundler
from chalicelib.dispatch.store import BundleState
from chalicelib.errors import Conflict, NotFound, PlatformOff
from chalicelib.identity import chain
from chalicelib.identity.audit import Audit
from chalicelib.platforms.base import Channel, OutcomeUnknown, SendRefused
from chalicelib.ports import Area, Proof
from tests.dispatch.test_fallback import reachable_over_all, work
from tests.dispatch.world import (
    RUN,
    START,
    Crash,
    World,
    address,
    empty_tables,
    person_id,
    world,
)

pytestmark = pytest.mark.usefixtures("tables")

ROOT = Path(__file__).parents[2]
CAMPAIGN = RUN[:-2]
SUBJECT = f"campaign#{CAMPAIGN}"
AREAS = {name: Area(name, "district", ("IN", "IN-XN", name), {}) for name in ("D1", "D2")}
PEOPLE = 110


@dataclass
class MemoryFiles:
    kept: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, body: bytes) -> None:
        self.kept[key] = body

    def link(self, key: str, seconds: int) -> str:
        return key


@pytest.fixture(scope="module")
def verify() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_bundle", ROOT / "scripts" / "verify_bundle.py")
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def check(verify, monkeypatch, capsys) -> Callable[..., tuple[int, str]]:
    """`check(folder)`: the script's exit and what it printed."""

    def run(where: Path, *more: str) -> tuple[int, str]:
        verify.found.clear()
        monkeypatch.setattr("sys.argv", ["verify_bundle.py", str(where), *more])
        code = verify.main()
        return code, capsys.readouterr().out

    return run


@pytest.fixture(autouse=True)
def few_chains(monkeypatch) -> None:
    """Every world here is sealed twice, and a seal looks at all chains."""
    monkeypatch.setattr(chain, "CHAINS_A_TYPE", 2)


@pytest.fixture
def small_slices(monkeypatch) -> None:
    monkeypatch.setattr(module, "SLICE", 2)


def bundler(made: World, files: MemoryFiles) -> Bundler:
    wrap = made.faults.wrap
    made.faults.dead = False
    return Bundler(
        store=wrap(made.store, "put_bundle", "begin_bundle", "end_bundle"),
        runs=made.runs,
        areas=AREAS,  # type: ignore[arg-type]
        gateway=made.platform,  # type: ignore[arg-type]
        audit=wrap(Audit(lambda _: None), "committing"),
        files=wrap(files, "put"),
        plan_queue=wrap(made.plan_queue, "put"),
        clock=made.clock,
        organisation_kind="public_body",
    )


def note(action: str, subject: str = SUBJECT, at=START, **detail: Any) -> None:
    Audit(lambda _: None).committing(subject=subject, action=action, actor="u-approver", at=at, detail=detail)


def dispatched(people: int = PEOPLE) -> World:
    """A run with all kinds of outcomes, that has ended."""
    made = world(people)
    note("campaign.created", at=START - timedelta(days=2))
    note("campaign.created", "campaign#cmp_other", START - timedelta(days=2))
    note("campaign.approved", at=START - timedelta(days=1))
    Audit().seal(START - timedelta(days=1))
    note("run.scheduled", at=START - timedelta(hours=1), run=RUN, content="0" * 64)
    made.platform.answers |= {address(1): [SendRefused("131026", "person")]}
    made.platform.answers |= {address(n): [OutcomeUnknown()] for n in (2, 4, 6)}
    made.people.change(person_id(7), status="suspended")
    made.launch()
    made.send()
    key = {to: message.key for to, message in made.platform.requests}
    decide = made.decisions().decide
    decide("u-admin", key[address(2)], "resend", "sample")
    decide("u-admin", key[address(4)], "close", "sample")
    made.send()
    made.tallying.record(
        [Proof(key[address(n)], "delivered", START + timedelta(hours=1)) for n in range(10, 30)]
    )
    made.tallying.record([Proof(key[address(9)], "read", made.runs.briefs[RUN].expires_at)])
    made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], status="dispatched", ended_at=made.clock.now())
    Audit().seal(START + timedelta(hours=2))
    return made


def make(made: World, files: MemoryFiles) -> BundleState:
    """Orders a bundle and handles the queue until it is there; what dies comes again, or is asked again."""
    try:
        bundler(made, files).order("u-auditor", RUN)
    except Crash:
        bundler(made, files).order("u-auditor", RUN)
    for _ in range(400):
        message = made.plan_queue.take()
        if message is None:
            break
        if "bundle" in message:
            try:
                bundler(made, files).step(message)
            except Crash:
                made.plan_queue.put([message], 360)
    state = made.store.bundle(RUN)
    assert state is not None
    return state


def unpacked(made: World, files: MemoryFiles, state: BundleState, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name, key in bundler(made, files).links(state).items():
        (folder / name).write_bytes(files.kept[key])
    return folder


@pytest.fixture
def good(tables, tmp_path, small_slices) -> Path:
    """The folder of a good bundle of several parts."""
    made, files = dispatched(), MemoryFiles()
    return unpacked(made, files, make(made, files), tmp_path / "bundle")


def part_of(folder: Path, holds: str, number: int = 0) -> Path:
    return sorted(folder.glob(f"{holds}-*"))[number]


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def forge(folder: Path, path: Path, lines: list[dict[str, Any]]) -> None:
    """Writes a part anew and makes the manifest agree with it, as somebody would who hides a change."""
    body = gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode(), mtime=0)
    path.write_bytes(body)
    manifest = json.loads((folder / "manifest.json").read_text())
    for part in manifest["parts"]:
        if part["name"] == path.name:
            part |= {"sha256": hashlib.sha256(body).hexdigest(), "lines": len(lines), "bytes": len(body)}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_good_bundle_passes_and_tells_what_the_report_tells(good, check):
    code, said = check(good)
    assert code == 0, said
    counts = json.loads((good / "manifest.json").read_text())["counts"]
    assert (counts["planned"], counts["accepted"], counts["failed"], counts["unknown"]) == (PEOPLE, 106, 1, 2)
    assert counts["not_sent"] == {"not_approved": 1}
    assert counts["read"] == 1
    assert counts["delivered"] == 21
    for wanted in ("all holds", "read after the expiry", f"run {RUN}", "sealed last 2026-11-02"):
        assert wanted in said
    assert len(list(good.glob("chunks-*"))) > 2


def test_it_passes_as_a_zip_and_against_the_hash_in_the_audit(good, check, tmp_path):
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as packed:
        for path in good.iterdir():
            packed.write(path, f"bundle/{path.name}")
    noted = Audit().all_of(SUBJECT)[-1]
    assert noted.action == "campaign.bundle_made"
    assert noted.detail["run"] == RUN
    assert check(tmp_path / "bundle.zip", "--manifest", str(noted.detail["manifest"]))[0] == 0
    (good / "manifest.json").write_text((good / "manifest.json").read_text() + " ")
    assert check(good, "--manifest", str(noted.detail["manifest"]))[0] == 1


def test_no_name_number_or_text_is_in_it(good):
    everything = "".join(
        gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
        for path in good.iterdir()
    )
    for n in range(PEOPLE):
        assert address(n) not in everything
        assert f"Sample {n}" not in everything
    assert person_id(1) in everything


def test_attempts_over_other_channels_count_once_and_what_follows_is_read_with_what_it_follows(
    tmp_path, check, monkeypatch
):
    monkeypatch.setattr(module, "SLICE", 1)
    note("run.scheduled", run=RUN, content="0" * 64)
    made, files = reachable_over_all(40), MemoryFiles()
    made.platform.answers |= {address(n): [SendRefused("131026", "person")] for n in range(0, 40, 3)}
    made.plan_queue.put([{"launch": RUN}])
    work(made)
    made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], status="dispatched", ended_at=made.clock.now())
    folder = unpacked(made, files, make(made, files), tmp_path / "bundle")
    code, said = check(folder)
    assert code == 0, said
    counts = json.loads((folder / "manifest.json").read_text())["counts"]
    assert (counts["planned"], counts["accepted"], counts["failed"]) == (40, 40, 0)
    assert made.counts().fallbacks == 14


# --- tampering ----------------------------------------------------------------------------------------------


def first_with(lines: list[dict[str, Any]], fact: str) -> dict[str, Any]:
    """The facts of the first person of whom this is known."""
    return next(known for line in lines for known in line["facts"].values() if fact in known)


def changed_fact(lines):
    first_with(lines, "delivered").pop("delivered")


def late_acceptance(lines):
    first_with(lines, "accepted")["accepted"] += 3 * 86400


def early_acceptance(lines):
    first_with(lines, "accepted")["accepted"] -= 86400


def removed_chunk(lines):
    lines.pop()


def chunk_twice(lines):
    lines.append(lines[0])


def person_twice(lines):
    lines[0]["people"][1] = lines[0]["people"][0]


def removed_person(lines):
    lines[0]["people"].pop()


def second_attempt_undecided(lines):
    next(iter(lines[0]["facts"].values()))["closed"] = 0


def changed_entry(lines):
    next(line for line in lines if line["action"] == "campaign.approved")["actor"] = "u-other"


def changed_entry_with_its_hash(lines):
    entry = next(line for line in lines if line["action"] == "campaign.approved")
    entry["actor"] = "u-other"
    names = ("seq", "subject", "action", "actor", "at", "detail", "previous")
    packed = json.dumps([entry[n] for n in names], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    entry["hash"] = hashlib.sha256(packed.encode()).hexdigest()


def removed_entry(lines):
    lines.remove(next(line for line in lines if line["action"] == "campaign.approved"))


def removed_last_entry(lines):
    lines.pop()


def changed_root(lines):
    lines[0]["sealed_at"] = "2026-01-01T00:00:00Z"


def removed_decision(lines):
    lines.pop()


def other_decision(lines):
    lines[0]["decision"] = "close" if lines[0]["decision"] == "resend" else "resend"


def emptied(lines):
    lines.clear()


TAMPERINGS = [
    ("chunks", changed_fact),
    ("chunks", late_acceptance),
    ("chunks", early_acceptance),
    ("chunks", removed_chunk),
    ("chunks", chunk_twice),
    ("chunks", person_twice),
    ("chunks", removed_person),
    ("chunks", second_attempt_undecided),
    ("audit", changed_entry),
    ("audit", changed_entry_with_its_hash),
    ("audit", removed_entry),
    ("audit", removed_last_entry),
    ("roots", changed_root),
    ("decisions", removed_decision),
    ("decisions", other_decision),
    ("audit", emptied),
]


@pytest.mark.parametrize(("holds", "tamper"), TAMPERINGS, ids=lambda given: getattr(given, "__name__", given))
def test_a_tampering_is_found_also_when_the_manifest_was_made_to_agree(good, check, holds, tamper):
    for path in sorted(good.glob(f"{holds}-*")):
        lines = lines_of(path)
        try:
            tamper(lines)
        except StopIteration:  # not in this part
            continue
        forge(good, path, lines)
        break
    code, said = check(good)
    assert code == 1
    assert "WRONG" in said


def test_a_part_that_is_missing_or_one_byte_that_is_changed_is_found(good, check):
    path = part_of(good, "chunks", 1)
    body = path.read_bytes()
    path.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
    assert "changed" in check(good)[1]
    path.unlink()
    assert "missing" in check(good)[1]


@pytest.mark.parametrize(
    "name", ["targeted", "planned", "accepted", "delivered", "read", "failed", "unknown"]
)
def test_a_count_that_is_changed_is_found(good, check, name):
    manifest = json.loads((good / "manifest.json").read_text())
    manifest["counts"][name] += 1
    (good / "manifest.json").write_text(json.dumps(manifest))
    code, said = check(good)
    assert code == 1
    assert f"WRONG {name}:" in said


# --- what should have held requests back --------------------------------------------------------------------


def bundle_after(act: Callable[[World], None], folder: Path, **brief: Any) -> Path:
    made, files = dispatched(30), MemoryFiles()
    act(made)
    made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], **brief)
    return unpacked(made, files, make(made, files), folder)


@pytest.mark.parametrize(
    ("subject", "concerns"),
    [
        ("stop#all", True),
        ("stop#department:dept_sample", True),
        ("stop#channel:whatsapp", True),
        ("stop#channel:whatsapp-main", True),
        ("stop#area:IN-XN", True),
        ("stop#area:D1", True),
        ("stop#department:other", False),
        ("stop#channel:telegram", False),
        ("stop#area:D3", False),
    ],
)
def test_a_request_in_spite_of_a_stop_is_found_where_it_concerns_the_run(tmp_path, check, subject, concerns):
    ago = START - timedelta(minutes=1)
    folder = bundle_after(lambda made: note("stop.put", subject, ago), tmp_path / "bundle")
    code, said = check(folder)
    assert (code, "in spite of stop" in said) == ((1, True) if concerns else (0, False))


def test_a_stop_of_who_carries_the_messages_concerns_the_run_too(tmp_path, check):
    def act(made: World) -> None:
        made.platform.carried_by = {"whatsapp": "twilio"}
        note("stop.put", "stop#channel:twilio", START - timedelta(minutes=1))

    code, said = check(bundle_after(act, tmp_path / "bundle"))
    assert (code, "in spite of stop" in said) == (1, True)


def test_what_was_requested_before_a_stop_or_within_its_five_seconds_is_fine(tmp_path, check):
    def act(made: World) -> None:
        note("stop.put", "stop#channel:whatsapp", START - timedelta(hours=2))
        note("stop.lifted", "stop#channel:whatsapp", START - timedelta(hours=1))
        note("stop.put", "stop#all", START)
        note("stop.lifted", "stop#all", START + timedelta(hours=4))

    code, said = check(bundle_after(act, tmp_path / "bundle"))
    assert code == 0, said


def test_a_request_while_the_run_was_paused_or_called_off_is_found(tmp_path, check):
    for n, action in enumerate(("run.paused", "run.cancelled")):
        folder = tmp_path / str(n)

        def act(made: World, action: str = action) -> None:
            note(action, at=START - timedelta(minutes=1), run=RUN)

        code, said = check(bundle_after(act, folder))
        assert code == 1
        assert "in spite of" in said
        empty_tables()


@pytest.mark.parametrize(
    ("action", "detail"),
    [
        ("campaign.withdrawn", {"cancelled": [RUN]}),
        ("campaign.withdrawn", {"cancelled": []}),
        ("correction.approved", {"run": f"{CAMPAIGN}-2"}),
        ("withdrawal.approved", {"run": f"{CAMPAIGN}-2"}),
    ],
)
def test_a_request_after_the_run_was_corrected_or_withdrawn_is_found(tmp_path, check, action, detail):
    folder = bundle_after(
        lambda made: note(action, at=START - timedelta(minutes=1), **detail),
        tmp_path / "bundle",
        at=START - timedelta(minutes=2),
    )
    code, said = check(folder)
    assert code == 1
    assert "in spite of" in said


def test_the_approval_of_a_correction_does_not_hold_its_own_run(tmp_path, check):
    code, said = check(
        bundle_after(lambda made: note("correction.approved", run=RUN, correction=1), tmp_path / "bundle")
    )
    assert code == 0, said


def chains_hidden(folder: Path, hidden: Callable[[dict[str, Any]], bool]) -> None:
    """The bundle without these entries of the audit, its manifest made to agree."""
    path = part_of(folder, "audit")
    left = [line for line in lines_of(path) if not hidden(line)]
    forge(folder, path, left)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["chains"] = {line["chain"]: [line["seq"], line["hash"]] for line in left}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_chain_of_stops_that_a_root_has_sealed_cannot_be_left_out_or_cut_short(tmp_path, check):
    def act(made: World) -> None:
        note("stop.put", "stop#all", START - timedelta(days=1))
        note("stop.lifted", "stop#all", START - timedelta(hours=12))
        note("stop.put", "stop#all", START + timedelta(hours=3))
        Audit().seal(START + timedelta(days=1))

    for name, least in (("out", 1), ("short", 3)):
        folder = bundle_after(act, tmp_path / name)
        assert check(folder)[0] == 0
        chains_hidden(
            folder, lambda line, least=least: line["subject"] == "stop#all" and line["seq"] >= least
        )
        code, said = check(folder)
        assert code == 1
        assert "is missing" in said
        empty_tables()


@pytest.mark.parametrize(
    ("action", "detail", "fine"),
    [
        ("run.scheduled", {"run": RUN, "content": "0" * 64}, True),
        ("correction.approved", {"run": RUN, "content": "0" * 64}, True),
        ("run.scheduled", {"run": f"{CAMPAIGN}-0", "content": "0" * 64, "every": "day"}, True),
        ("run.scheduled", {"run": f"{CAMPAIGN}-0", "content": "0" * 64}, False),
        ("run.scheduled", {"run": RUN, "content": "1" * 64}, False),
        ("run.scheduled", {"run": RUN}, False),
    ],
)
def test_text_and_audience_are_those_that_were_noted_when_the_run_was_made(
    tmp_path, check, action, detail, fine
):
    made, files = world(30), MemoryFiles()
    note(action, at=START - timedelta(hours=1), **detail)
    made.launch()
    made.send()
    made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], status="dispatched", ended_at=made.clock.now())
    code, said = check(unpacked(made, files, make(made, files), tmp_path / "bundle"))
    assert code == (0 if fine else 1), said


@pytest.mark.parametrize("resumed", [True, False])
def test_a_pause_of_a_series_holds_its_next_run_too(tmp_path, check, resumed):
    before = f"{CAMPAIGN}-0"
    note("run.scheduled", at=START - timedelta(days=2), run=before, content="0" * 64, every="day")
    note("run.paused", at=START - timedelta(days=1), run=before)
    if resumed:
        note("run.resumed", at=START - timedelta(hours=1), run=RUN)
    made, files = world(5), MemoryFiles()
    made.launch()
    made.send()
    made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], status="dispatched", ended_at=made.clock.now())
    code, said = check(unpacked(made, files, make(made, files), tmp_path / "bundle"))
    assert (code, "in spite of paused" in said) == ((0, False) if resumed else (1, True)), said


def test_a_channel_that_was_switched_off_since_keeps_no_proof_back(tmp_path, check, monkeypatch):
    made, files = dispatched(30), MemoryFiles()
    monkeypatch.setattr(made.platform, "channel_for", switched_off)
    folder = unpacked(made, files, make(made, files), tmp_path / "bundle")
    assert json.loads((folder / "manifest.json").read_text())["channels"] == {"whatsapp": ""}
    assert check(folder)[0] == 0


def test_what_is_no_bundle_is_said_in_one_line(good, check, tmp_path):
    assert check(tmp_path / "none") == (1, f"{tmp_path / 'none'}: there is no manifest.json\n")
    (good / "manifest.json").write_text("{")
    code, said = check(good)
    assert (code, said.count("\n")) == (1, 1)


def switched_off(platform: str) -> Channel:
    raise PlatformOff(platform=platform)


def election(made: World, **more: Any) -> None:
    times = {
        "polling_ends": "2026-11-03T05:30:00Z",
        "code_from": "2026-10-01T00:00:00Z",
        "code_until": "2026-11-20T00:00:00Z",
    }
    note("election.added", "election#elc_1", START - timedelta(days=3), areas=["D1"], **times | more)


def test_awareness_under_a_code_is_found_and_an_override_explains_it(tmp_path, check):
    code, said = check(bundle_after(election, tmp_path / "bare"))
    assert code == 1
    assert "code of conduct" in said
    empty_tables()

    def overridden(made: World) -> None:
        election(made)
        note("campaign.overridden", at=START - timedelta(hours=1), election="elc_1")

    code, said = check(bundle_after(overridden, tmp_path / "overridden"))
    assert code == 0, said


def test_electioneering_in_silence_is_found(tmp_path, check):
    code, said = check(bundle_after(election, tmp_path / "silent", kind="electioneering"))
    assert code == 1
    assert "in spite of silence" in said


# --- making it ----------------------------------------------------------------------------------------------


def test_a_run_that_has_not_ended_has_no_proof_yet():
    made = world(3)
    made.launch()
    with pytest.raises(Conflict):
        bundler(made, MemoryFiles()).order("u-auditor", RUN)
    with pytest.raises(NotFound):
        bundler(made, MemoryFiles()).order("u-auditor", "cmp_none-1")


def test_somebody_without_an_outcome_makes_it_unfinished_and_it_can_be_ordered_again():
    made, files = world(30), MemoryFiles()
    note("campaign.created")
    made.launch()
    made.runs.briefs[RUN] = replace(made.runs.briefs[RUN], status="cancelled", ended_at=START)
    assert make(made, files).status == "unfinished"
    made.send()
    assert make(made, files).status == "done"


def test_a_copy_of_any_message_changes_nothing(small_slices):
    made, files = dispatched(), MemoryFiles()
    bundler(made, files).order("u-auditor", RUN)
    bundler(made, files).order("u-auditor", RUN)  # asked again: hurries it on
    chance, handled = random.Random(7), []
    for _ in range(400):
        message = made.plan_queue.take()
        if message is None:
            break
        if "bundle" in message:
            handled.append(message)
            for one in (message, chance.choice(handled)):
                bundler(made, files).step(one)
    state = made.store.bundle(RUN)
    assert state is not None
    assert state.status == "done"
    entries = [entry for entry in Audit().all_of(SUBJECT) if entry.action == "campaign.bundle_made"]
    assert [entry.detail["manifest"] for entry in entries] == [state.sha256]
    assert made.plan_queue.messages == []


def test_a_crash_before_or_after_any_step_ends_in_one_whole_bundle(tmp_path, check, monkeypatch):
    monkeypatch.setattr(module, "SLICE", 4)
    made = dispatched(60)
    at, undisturbed = 0, False
    while not undisturbed:
        at += 1
        for after in (False, True):
            files = MemoryFiles()
            made.faults.calls, made.faults.at, made.faults.after = 0, at, after
            state = make(made, files)
            undisturbed = made.faults.calls < at
            made.faults.at = None
            where = f"{'after' if after else 'before'} call {at}: {made.faults.seen[-9:]}"
            assert state.status == "done", where
            code, said = check(unpacked(made, files, state, tmp_path / f"{at}{after}"))
            assert code == 0, (where, said)
