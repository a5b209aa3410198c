"""Checks the proof bundle of a run offline: python verify_bundle.py FOLDER_OR_ZIP [--manifest SHA256]

The folder holds `manifest.json` and its parts, as JanJan gave them. Only Python's standard library is used,
nothing of JanJan. Compare the manifest's SHA-256 that is printed with the audit's `campaign.bundle_made`, and
the daily roots with those that were published: that binds this folder to the day on which it was made.

Exit 0: all holds. Exit 1: it does not, with the first discrepancies. Each part says what it checks.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

SHOWN = 20
HALT_S = 5
"""A pause, a stop or the withdrawal of an override holds back every new request after this."""
CALENDAR_S = 15
"""A change of the election calendar does after this: senders' copies are up to 10 s old."""
SILENCE = timedelta(hours=48)
START = "0" * 64
found: list[str] = []


def wrong(what: str) -> None:
    found.append(what)


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def digest(value: object) -> str:
    """Of the value as JSON with sorted names, no spaces, in UTF-8."""
    return sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def epoch(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


# --- files --------------------------------------------------------------------------------------------------


def read_files(where: Path) -> dict[str, bytes]:
    if where.is_dir():
        return {path.name: path.read_bytes() for path in where.iterdir() if path.is_file()}
    if not zipfile.is_zipfile(where):
        return {}
    with zipfile.ZipFile(where) as packed:
        return {Path(name).name: packed.read(name) for name in packed.namelist()}


def read_parts(manifest: dict, files: dict[str, bytes]) -> dict[str, list[dict]]:
    """1. Every part is there, and is the one that the manifest names."""
    lines: dict[str, list[dict]] = defaultdict(list)
    for part in manifest["parts"]:
        body = files.get(part["name"])
        if body is None:
            wrong(f"{part['name']}: missing")
        elif sha256(body) != part["sha256"]:
            wrong(f"{part['name']}: changed, its SHA-256 is {sha256(body)}")
        else:
            read = [json.loads(line) for line in gzip.decompress(body).decode().splitlines()]
            if len(read) != part["lines"]:
                wrong(f"{part['name']}: {len(read)} lines instead of {part['lines']}")
            lines[part["holds"]] += read
    return lines


MEANS = {
    "read": ("planned", "accepted", "delivered", "read"),
    "delivered": ("planned", "accepted", "delivered"),
    "sent": ("planned", "accepted"),
    "accepted": ("planned", "accepted"),
    "failed": ("planned", "failed"),
    "unknown": ("planned", "unknown"),
    "not_sent": ("planned",),
    "in_progress": ("planned", "in_progress"),
}
"""In which counts a status is; `superseded` is in none."""
STATED = ("targeted", "planned", "accepted", "delivered", "read", "failed", "unknown", "in_progress")


# --- people and counts --------------------------------------------------------------------------------------


def status_of(facts: dict) -> str:
    """What the facts of one attempt prove. Arrival beats failure, failure beats acceptance, any word of the
    platform beats `unknown`; whoever was sent to again counts there, unless that was given up (`kept`)."""
    if "kept" not in facts and ("resent" in facts or "next" in facts):
        return "superseded"
    order = ("read", "delivered", "failed", "sent", "accepted", "unknown", "not_sent", "superseded")
    return next((name for name in order if name in facts), "in_progress")


def outcomes(chunks: list[dict]) -> Iterator[tuple[str, str, dict]]:
    """Each place of each chunk: the person, the status, the facts."""
    for name, times in Counter(chunk["chunk"] for chunk in chunks).items():
        if times > 1:
            wrong(f"chunk {name}: {times} times")
    for chunk in chunks:
        if any(int(index) >= len(chunk["people"]) for index in chunk["facts"]):
            wrong(f"chunk {chunk['chunk']}: facts about people who are not in it")
        for index, person in enumerate(chunk["people"]):
            facts = chunk["facts"].get(str(index), {})
            yield person, status_of(facts), facts


def count_people(chunks: list[dict], manifest: dict) -> Counter:
    """2. Every planned person counts at exactly one place, and the outcomes add up to the counts stated."""
    places: Counter = Counter()
    counts: Counter = Counter()
    reasons: dict[str, Counter] = {"not_sent": Counter(), "skipped": Counter()}
    for chunk in chunks:
        reasons["skipped"].update(chunk["skipped"])
    for person, status, facts in outcomes(chunks):
        places[person] += status != "superseded"
        counts.update(MEANS.get(status, ()))
        if status == "not_sent":
            reasons["not_sent"][facts["not_sent"]] += 1
    for person, times in places.items():
        if times != 1:
            wrong(f"{person}: counted {times} times")
    counts["targeted"] = counts["planned"] + reasons["skipped"].total()
    compare({name: counts[name] for name in STATED} | reasons, manifest["counts"])
    counts.update({f"not sent: {reason}": n for reason, n in reasons["not_sent"].items()})
    return counts


def compare(ours: dict, stated: dict) -> None:
    for name, count in ours.items():
        if count != stated.get(name):
            wrong(f"{name}: {count} found, {stated.get(name)} stated")


# --- time, stops, silence -----------------------------------------------------------------------------------


def spans(entries: list[dict], begin: str, end: str, slack: float) -> list[tuple[float, float]]:
    """From when to when something held, by its entries in the audit; it takes effect after `slack`."""
    open_from, spans_found = None, []
    for entry in entries:
        if entry["action"] == begin and open_from is None:
            open_from = epoch(entry["at"]) + slack
        elif entry["action"] == end and open_from is not None:
            spans_found.append((open_from, epoch(entry["at"])))
            open_from = None
    return spans_found if open_from is None else [*spans_found, (open_from, float("inf"))]


def subjects(entries: list[dict]) -> dict[str, list[dict]]:
    by_subject: dict[str, list[dict]] = defaultdict(list)
    for entry in entries:
        by_subject[entry["subject"]].append(entry)
    return by_subject


def halts(manifest: dict, audit: list[dict]) -> list[tuple[str, float, float, str, str]]:
    """What held requests back: (reason, from, until, channel, area); no channel, no area: all."""
    made = []
    by_subject = subjects(audit)
    ours = by_subject[f"campaign#{manifest['campaign']}"]
    mine = [entry for entry in ours if entry["detail"].get("run") == manifest["run"]]
    made_alone = any("content" in e["detail"] and "every" not in e["detail"] for e in mine)
    mine = mine if made_alone else ours  # a paused series makes its next run paused
    made += [("paused", *span, "", "") for span in spans(mine, "run.paused", "run.resumed", HALT_S)]
    made += [
        (why, epoch(entry["at"]) + HALT_S, float("inf"), "", "")
        for entry in ours
        if (why := ended_by(entry, manifest))
    ]
    for subject, entries in by_subject.items():
        kind, _, scope = subject.partition("#")
        what, _, name = scope.partition(":")
        if kind != "stop" or (what == "department" and name != manifest["department"]):
            continue
        for span in spans(entries, "stop.put", "stop.lifted", HALT_S):
            carried_by = manifest.get("platforms", {})
            names = {p: {p, ident, carried_by.get(p)} for p, ident in manifest["channels"].items()}
            platforms = [p for p, known in names.items() if name in known]
            where = {"channel": platforms, "area": [name]}.get(what, [""])
            made += [
                (f"stop {scope}", *span, one if what == "channel" else "", one if what == "area" else "")
                for one in where
            ]
    return made + law(manifest, by_subject, ours)


def ended_by(entry: dict, manifest: dict) -> str:
    """Why nothing of this run goes out after the entry: it was called off, with its campaign or alone, or
    what it says was corrected or withdrawn; empty when the entry is about something else."""
    run, detail, action = manifest["run"], entry["detail"], entry["action"]
    if run in detail.get("cancelled", []) or (action == "run.cancelled" and detail.get("run") == run):
        return "called off"
    later = detail.get("run") != run and epoch(entry["at"]) >= epoch(manifest["at"])
    taken_back = action in ("campaign.withdrawn", "correction.approved", "withdrawal.approved")
    return "taken back" if taken_back and later else ""


def law(manifest: dict, by_subject: dict, ours: list[dict]) -> list[tuple[str, float, float, str, str]]:
    """Silence and codes of conduct, as the calendar had them. Where an election is held in a part of a
    district nothing is checked: a chunk knows its district, not the person's block."""
    kind, who, made = manifest["kind"], manifest["organisation_kind"], []
    silent = kind == "electioneering" or (kind == "awareness" and who == "party")
    bound = kind == "awareness" and who == "public_body"
    for subject, entries in by_subject.items():
        if not subject.startswith("election#") or not (silent or bound):
            continue
        election = subject.partition("#")[2]
        allowed = spans(
            [e for e in ours if e["detail"].get("election") == election],
            "campaign.overridden",
            "campaign.override_withdrawn",
            0,
        )
        for entry, after in zip(entries, [*entries[1:], None], strict=True):
            if entry["action"] == "election.removed":
                continue
            known = epoch(entry["at"]) + CALENDAR_S, epoch(after["at"]) if after else float("inf")
            detail = entry["detail"]
            polling = epoch(detail["polling_ends"])
            if silent:
                silence = polling - SILENCE.total_seconds(), polling
                made += cut("silence", known, silence, [], detail["areas"])
            if bound:
                code = epoch(detail["code_from"]), epoch(detail["code_until"])
                made += cut("code of conduct", known, code, allowed, detail["areas"])
    return made


def cut(why: str, known: tuple, holds: tuple, allowed: list, areas: list) -> list:
    """The time in which a rule held and was known, without the time in which it was overridden."""
    left = [(max(known[0], holds[0]), min(known[1], holds[1]))]
    for begin, end in allowed:
        parts = [[(a, min(b, begin)), (max(a, end + HALT_S), b)] for a, b in left]
        left = [part for pair in parts for part in pair]
    return [(why, a, b, "", area) for a, b in left if a < b for area in areas]


def check_times(chunks: list[dict], manifest: dict, audit: list[dict]) -> Counter:
    """3. No accepted request began before the run's time, at or after its expiry, or while it was held back:
    paused, called off, stopped, silent, under a code of conduct. Receipts that came later are listed."""
    begins, expires = epoch(manifest["at"]), epoch(manifest["expires_at"])
    against = halts(manifest, audit)
    off = [begin - HALT_S for why, begin, *_ in against if why == "called off"]
    late: Counter = Counter()
    for chunk in chunks:
        path = manifest["districts"].get(chunk["district"], [])
        mine = [halt for halt in against if halt[3] in ("", chunk["channel"])]
        mine = [halt for halt in mine if not halt[4] or halt[4] in path]
        for index, facts in chunk["facts"].items():
            place = f"{manifest['run']}.{chunk['chunk']}.{index}.{chunk['attempt']}"
            for name in ("delivered", "read"):
                late[f"{name} after the expiry"] += facts.get(name, 0) >= expires
                late[f"{name} after it was called off"] += bool(off) and facts.get(name, 0) >= off[0]
            began = facts.get("accepted")
            if began is None:
                continue
            if began >= expires:
                wrong(f"{place}: requested at {at(began)}, the run expired at {at(expires)}")
            if began < begins - 1:
                wrong(f"{place}: requested at {at(began)}, before the run's time {at(begins)}")
            for why, begin, end, *_ in mine:
                if begin < began < end:
                    wrong(f"{place}: requested at {at(began)} in spite of {why} (from {at(begin)})")
    return +late


# --- the audit ----------------------------------------------------------------------------------------------


def check_audit(audit: list[dict], roots: list[dict], manifest: dict) -> None:
    """4. The chains of the audit are whole from their first entry to their end, and daily roots seal them."""
    hashes: dict[tuple[str, int], str] = {}
    ends: dict[str, tuple[int, str]] = {}
    for entry in audit:
        chain, seq = entry["chain"], entry["seq"]
        before = ends.get(chain, (0, START))
        parts = [entry[name] for name in ("seq", "subject", "action", "actor", "at", "detail", "previous")]
        if seq != before[0] + 1 or entry["previous"] != before[1]:
            wrong(f"audit {chain}: entry {seq} does not follow entry {before[0]}")
        if digest(parts) != entry["hash"]:
            wrong(f"audit {chain}: entry {seq} was changed")
        ends[chain] = (seq, entry["hash"])
        hashes[chain, seq] = entry["hash"]
    for chain, (seq, end) in manifest["chains"].items():
        if ends.get(chain) != (seq, end):
            wrong(f"audit {chain}: it ends with entry {ends.get(chain, (0,))[0]}, not with {seq} as stated")
    if not any(entry["subject"] == f"campaign#{manifest['campaign']}" for entry in audit):
        wrong("audit: it says nothing of the campaign")
    check_roots(roots, hashes, ends)


def check_roots(roots: list[dict], hashes: dict, ends: dict) -> None:
    previous = None
    for root in roots:
        heads = {chain: [head["seq"], head["hash"]] for chain, head in root["heads"].items()}
        if digest([root["date"], root["sealed_at"], heads, root["previous"]]) != root["hash"]:
            wrong(f"root of {root['date']}: changed")
        if previous not in (None, root["previous"]):
            wrong(f"root of {root['date']}: does not follow the one before")
        previous = root["hash"]
        needed = {chain for chain in heads if chain.partition("#")[0] in ("stop", "election")}
        for chain in sorted(needed | (ends.keys() & heads.keys())):
            seq, sealed = heads[chain]
            if chain not in ends or seq > ends[chain][0]:
                wrong(f"audit {chain}: entry {seq} was sealed on {root['date']}, and is missing")
            elif hashes.get((chain, seq)) != sealed:
                wrong(f"root of {root['date']}: sealed another entry {seq} of {chain}")


def check_decisions(chunks: list[dict], decisions: list[dict], audit: list[dict], manifest: dict) -> None:
    """5. Every second attempt and every closed unknown is a person's decision, and in the audit; the text and
    audience are those of the audit."""
    decided = {one["key"]: one["decision"] for one in decisions}
    noted = {(entry["subject"], entry["action"]) for entry in audit}
    for key, decision in sorted(decided.items()):
        done = "closed" if decision == "close" else "resent"
        if (f"delivery#{key}", f"delivery.{done}") not in noted:
            wrong(f"{key}: {done}, and not in the audit")
    for chunk in chunks:
        for index, facts in chunk["facts"].items():
            key = f"{manifest['run']}.{chunk['chunk']}.{index}.{chunk['attempt']}"
            for fact, decision in (("resent", "resend"), ("closed", "close")):
                if fact in facts and decided.get(key) != decision:
                    wrong(f"{key}: {fact} without a decision")
    if manifest["content_sha256"] != content_noted(audit, manifest):
        wrong("the frozen text and audience are not those that were scheduled")


def content_noted(audit: list[dict], manifest: dict) -> str | None:
    """The fingerprint of what the run sends, as it was noted when a person made the run, or the first of its
    series; None when nobody did."""
    noted = None
    for entry in audit:
        detail = entry["detail"]
        if entry["subject"] == f"campaign#{manifest['campaign']}" and "content" in detail:
            if detail.get("run") == manifest["run"]:
                return detail["content"]
            if "every" in detail:
                noted = detail["content"]
    return noted


# --- all of it ----------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks the proof bundle of a run offline.")
    parser.add_argument("where", type=Path, help="a folder with manifest.json and its parts, or a zip of it")
    parser.add_argument("--manifest", help="the SHA-256 that the audit has of manifest.json")
    given = parser.parse_args()
    try:
        return verdict(given.where, given.manifest)
    except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, zlib.error) as error:
        print(f"{given.where}: this cannot be read as a bundle ({error!r})")
        return 1


def verdict(where: Path, stated: str | None) -> int:
    """Prints what was found; 0 when all holds. `stated`: what the manifest's SHA-256 should be."""
    files = read_files(where if where.name != "manifest.json" else where.parent)
    if "manifest.json" not in files:
        print(f"{where}: there is no manifest.json")
        return 1
    manifest, mine = json.loads(files["manifest.json"]), sha256(files["manifest.json"])
    if stated not in (None, mine):
        wrong(f"manifest.json: changed, its SHA-256 is {mine}")
    lines = read_parts(manifest, files)
    chunks, audit, roots = lines["chunks"], lines["audit"], lines["roots"]
    check_audit(audit, roots, manifest)
    counts = count_people(chunks, manifest)
    late = check_times(chunks, manifest, audit)
    check_decisions(chunks, lines["decisions"], audit, manifest)
    print(
        f"run {manifest['run']} ({manifest['kind']}, {manifest['status']}), bundle of {manifest['made_at']}"
    )
    print(f"manifest.json {mine}")
    for name, count in [*counts.items(), *late.items()]:
        print(f"  {name:<34}{count:>10}")
    sealed = roots[-1]["date"] if roots else "never: no day has ended since"
    print(f"audit: {len(audit)} entries of {len(manifest['chains'])} chains, sealed last {sealed}")
    for one in found[:SHOWN]:
        print(f"WRONG {one}")
    print(f"{len(found)} discrepancies" if found else "all holds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
