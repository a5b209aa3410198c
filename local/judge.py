"""The judge: what truly happened, from the sandbox's log alone, against what a campaign's report says.

Imports nothing of chalicelib, so that the two can disagree.

`python -m local.judge --log FILE --report FILE [--marker TEXT]` prints the truth and every disagreement as
JSON, and exits 1 when there is one.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]

WITH_RECEIPTS = frozenset({"whatsapp", "ses", "msg91", "twilio"})
"""Platforms that say what became of a message after taking it, and give our key back."""
MEDIUM = {"ses": "email", "msg91": "sms", "twilio": "sms"}
"""What the report calls a platform that has not the name of what it reaches people by."""
ARRIVALS = frozenset({"delivered", "read"})
MOST_ATTEMPTS = 2
"""A person's decision allows one attempt more, and no third."""
KEY_DOTS = 3
"""Our keys are run.chunk.index.attempt."""
CHUNK_DIGITS = 11
FELL_BACK = 25
"""The chunk of an attempt over the next channel is named after the place of the one before: the number of its
chunk, and two digits, this more than its index."""
NEEDS_REQUEST = frozenset({"accepted", "sent", "delivered", "read", "failed"})
PARTS = ("in_progress", "accepted", "failed", "unknown", "not_sent")
OUTCOMES = ("accepted", "failed", "unknown", "delivered", "read", "no_receipts")


@dataclass
class Person:
    """All that the log holds about one address of one campaign."""

    platform: str
    address: str
    attempt: int = 1
    """The newest that was asked for: what became of it is what counts. A second exists only where a person
    decided on it, and has its own number in the delivery's key."""
    requests: int = 0
    """Of all attempts."""
    asked: set[int] = field(default_factory=set)
    repeated: int = 0
    """Requests beyond one an attempt, and all beyond the second attempt over this channel."""
    after_a_loss: int = 0
    """Of those repeated, second ones after a lost answer where no key is carried: a person may have decided
    on them."""
    throttled: int = 0
    answered: bool = False
    lost: int = 0
    refused: list[str] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    """Statuses of the newest attempt in callbacks that were posted and taken."""
    late: bool = False
    """An earlier attempt arrived as well."""
    places: set[str] = field(default_factory=set)
    """`run.chunk.index` of each attempt, where a key is carried."""
    followed: bool = False
    """It went on over the next channel: the person counts there."""

    def request(self, attempt: int, outcome: str) -> None:
        """Takes in one request that was not throttled."""
        if attempt in self.asked or len(self.asked) >= MOST_ATTEMPTS:
            self.repeated += 1
            self.after_a_loss += self.platform not in WITH_RECEIPTS and self.requests == self.lost == 1
        if attempt > self.attempt:  # what is known of the earlier one counts no more
            self.attempt, self.answered, self.lost, self.refused = attempt, False, 0, []
        self.asked.add(attempt)
        self.requests += 1
        if outcome == "accepted":
            self.answered = True
        elif outcome == "lost_reply":
            self.lost += 1
        else:
            self.refused.append(outcome.removeprefix("refused:"))

    def tell(self, attempt: int, status: str) -> None:
        """Takes in what a callback said."""
        if attempt == self.attempt:
            self.told.add(status)
        elif status in ARRIVALS:
            self.late = True

    @property
    def name(self) -> str:
        """Where they are found."""
        return f"{self.platform}:{self.address}"

    @property
    def arrived(self) -> bool:
        """Delivered by what was told; read implies it."""
        return bool(self.told & ARRIVALS)

    @property
    def failed(self) -> bool:
        """A refusal or a failure told later counts only without a proof of arrival."""
        return not self.arrived and ("failed" in self.told or (bool(self.refused) and not self.accepted_once))

    @property
    def accepted_once(self) -> bool:
        """We know that the platform took it: by its answer, or by a callback about it."""
        return self.answered or bool(self.told & {"sent", "delivered", "read"})

    @property
    def accepted(self) -> bool:
        """Taken, and not failed later."""
        return self.accepted_once and not self.failed

    @property
    def unknown(self) -> bool:
        """Its answer was lost and nothing came later to prove it."""
        return self.lost > 0 and not self.accepted_once and not self.failed


@dataclass(frozen=True)
class Truth:
    """One campaign as the platforms saw it."""

    people: int
    requests: int
    throttled: int
    lost_replies: int
    accepted: int
    failed: int
    unknown: int
    delivered: int
    read: int
    no_receipts: int
    duplicate_sends: int
    after_a_loss: int
    resent: int
    late: int
    by_channel: dict[str, dict[str, int]]


def people_of(log: Iterable[Json], campaign: str, marker: str | None = None) -> list[Person]:
    """Everyone whom this campaign, or this run of one, reached for: by delivery key where the platform
    carries one (keys begin with the run's id, which begins with the campaign's), by the marker in the text
    where it does not."""
    people: dict[tuple[str, str], Person] = {}
    later: list[tuple[str, Json]] = []
    for line in log:
        if line["kind"] == "request" and _belongs(line, campaign, marker):
            place = (line["platform"], line["to"])
            person = people.setdefault(place, Person(*place))
            if line["outcome"] == "throttled":
                person.throttled += 1
            else:
                person.places |= _places(_key_in(line))
                person.request(_attempt_of(_key_in(line)), line["outcome"])
        elif line["kind"] == "callback" and line["taken"]:
            later += [(line["platform"], update) for update in line["updates"] if update.get("key")]
    for platform, update in later:
        place = (platform, update["to"])
        if _key_of(update["key"], campaign) and place in people:
            people[place].tell(_attempt_of(update["key"]), update["status"])
    before = {_before(place) for person in people.values() for place in person.places}
    for person in people.values():
        person.followed = bool(person.places & before)
    return list(people.values())


def _places(key: str | None) -> set[str]:
    return {key.rpartition(".")[0]} if key and key.count(".") == KEY_DOTS else set()


def _before(place: str) -> str:
    """The place whose failure this one followed; empty for one that followed none."""
    run, chunk, _ = place.split(".")
    digits = chunk[-2:]
    if not digits.isdigit() or int(digits) < FELL_BACK or len(chunk) <= CHUNK_DIGITS:
        return ""
    return f"{run}.{chunk[:-2]}.{int(digits) - FELL_BACK}"


def _belongs(line: Json, campaign: str, marker: str | None) -> bool:
    if line["platform"] in WITH_RECEIPTS:
        return _key_of(line["key"], campaign)
    return marker is not None and marker in str((line["payload"] or {}).get("text", ""))


def _key_of(key: object, campaign: str) -> bool:
    return isinstance(key, str) and key.startswith((f"{campaign}-", f"{campaign}."))


def _key_in(line: Json) -> str | None:
    """The delivery's key as the platform got it, or as a simulated one saw it in passing."""
    key: str | None = line["key"] or line.get("delivery")
    return key


def _attempt_of(key: str | None) -> int:
    """The last number of a delivery's key; a platform that carries no key tells no attempts apart."""
    return int(key.rpartition(".")[2]) if key else 1


def truth_of(people: list[Person]) -> Truth:
    """The sums, whole and by channel."""
    by_channel: dict[str, Counter[str]] = defaultdict(Counter)
    for person in (one for one in people if not one.followed):
        counts = by_channel[MEDIUM.get(person.platform, person.platform)]
        facts = {
            "accepted": person.accepted,
            "failed": person.failed,
            "unknown": person.unknown,
            "delivered": person.arrived,
            "read": "read" in person.told,
            "no_receipts": person.accepted and person.platform not in WITH_RECEIPTS,
        }
        counts.update({name: int(holds) for name, holds in facts.items()})
    asked = [person for person in people if person.requests]
    return Truth(
        people=sum(not person.followed for person in asked),
        requests=sum(person.requests for person in people),
        throttled=sum(person.throttled for person in people),
        lost_replies=sum(person.lost for person in people),
        duplicate_sends=sum(person.repeated for person in asked),
        after_a_loss=sum(person.after_a_loss for person in asked),
        resent=sum(person.attempt > 1 and not person.followed for person in asked),
        late=sum(person.late or (person.followed and person.arrived) for person in asked),
        by_channel={name: dict(counts) for name, counts in by_channel.items()},
        **{name: sum(counts[name] for counts in by_channel.values()) for name in OUTCOMES},
    )


def total(count: object) -> int:
    """A count, or the sum of one that is broken down by reason."""
    return sum(count.values()) if isinstance(count, dict) else int(str(count or 0))


def disagreements(truth: Truth, report: Json, *, crashed: bool = False) -> list[str]:
    """Each thing that the report says and the log does not.

    With `crashed`, people may be unknown whom no request ever reached: a claim was written and the process
    died before the request.
    """
    found = [
        f"{name}: the report says {total(report.get(name))}, the log {getattr(truth, name)}"
        for name in OUTCOMES
        if name != "unknown" and total(report.get(name)) != getattr(truth, name)
    ]
    planned, open_ = total(report.get("planned")), total(report.get("in_progress"))
    kept_back = total(report.get("not_sent"))
    never_asked = planned - open_ - kept_back - truth.people
    allowed = truth.unknown + (max(never_asked, 0) if crashed else 0)
    if (said := total(report.get("unknown"))) != allowed:
        found.append(f"unknown: the report says {said}, the log {allowed}")
    if never_asked and not crashed:
        found.append(f"{never_asked} people count as tried without a request in the log")
    decided = total(report.get("resent")) + total(report.get("fallbacks"))
    if truth.resent > decided:
        found.append(f"{truth.resent} people were sent to again, {decided} by a decision or a fallback")
    unasked = truth.duplicate_sends - min(truth.after_a_loss, max(decided - truth.resent, 0))
    if unasked:
        found.append(f"{unasked} requests were second ones to the same person")
    if (said := total(report.get("late"))) != truth.late:
        found.append(f"late: the report says {said}, the log {truth.late}")
    return found + _sums(report) + _by_channel(truth, report)


def _sums(report: Json) -> list[str]:
    targeted, planned, skipped = (total(report.get(name)) for name in ("targeted", "planned", "skipped"))
    parts = sum(total(report.get(name)) for name in PARTS)
    found = []
    if planned != parts:
        found.append(f"planned is {planned}, its parts are {parts}")
    if targeted != planned + skipped:
        found.append("targeted is not planned and skipped together")
    if not total(report.get("read")) <= total(report.get("delivered")) <= total(report.get("accepted")):
        found.append("read, delivered and accepted are not within each other")
    return found


def _by_channel(truth: Truth, report: Json) -> list[str]:
    found = []
    for channel, counts in truth.by_channel.items():
        said = (report.get("by_channel") or {}).get(channel)
        if said is None:
            found.append(f"by_channel lacks {channel}")
            continue
        found += [
            f"by_channel.{channel}.{name}: the report says {total(said[name])}, the log {counts[name]}"
            for name in OUTCOMES
            if name in said and name != "unknown" and total(said[name]) != counts[name]
        ]
    return found


# --- what no sum shows: who, when, and whether it stays so


@dataclass(frozen=True)
class Ban:
    """A time in which nobody whom it concerns may be asked for anything: epoch seconds."""

    why: str
    begins: float
    ends: float = float("inf")
    run: str = ""
    """A run, or a campaign and all of its runs; empty: all of them."""
    platform: str = ""
    addresses: frozenset[str] | None = None
    """None: everybody."""
    grace_s: float = 0.0
    """How much later than `begins` a request may still start, because copies may be so old."""
    first_only: bool = False
    """Second attempts may be made: somebody decided on them."""

    def forbids(self, line: Json, at: float, run: str) -> bool:
        """Whether a request in the log may not have been made."""
        return (
            self.begins + self.grace_s < at < self.ends
            and (not self.run or run == self.run or run.startswith(f"{self.run}-"))
            and self.platform in ("", line["platform"])
            and (self.addresses is None or line["to"] in self.addresses)
            and not (self.first_only and _attempt_of(_key_in(line)) > 1)
        )


def instant(line: Json) -> float:
    """When a line of a log was written: epoch seconds."""
    at = line["at"]
    return float(at) if isinstance(at, int | float) else datetime.fromisoformat(at).timestamp()


def run_of(line: Json, markers: Mapping[str, str]) -> str:
    """The run of a request: by its key, or by the marker in its text; empty for what belongs to none."""
    key = line["key"]
    if key:
        return str(key).partition(".")[0] if str(key).count(".") == KEY_DOTS else ""
    text = str((line["payload"] or {}).get("text", ""))
    return next((run for marker, run in markers.items() if marker in text), "")


def forbidden(log: Iterable[Json], bans: Sequence[Ban], markers: Mapping[str, str]) -> list[str]:
    """Each request that was made in a time when it was not to be made. `markers`: text -> run, for platforms
    that carry no key."""
    found = []
    for line in log:
        if line["kind"] != "request" or not (run := run_of(line, markers)):
            continue
        at = instant(line)
        found += [
            f"{ban.why}: {line['platform']} {line['to']} of {run} was asked {at - ban.begins:.2f} s after it"
            for ban in bans
            if ban.forbids(line, at, run)
        ]
    return found


@dataclass(frozen=True)
class Outcome:
    """What the application says of one person at one place that counts them."""

    status: str
    attempt: int = 1
    platform: str = ""


def counted(
    people: Iterable[Person], outcomes: Mapping[str, Sequence[Outcome]], who: Mapping[str, str]
) -> dict[str, Person]:
    """By name, each person whom the log knows, as the newest attempt left them. `who`: `platform:address` ->
    name.

    Over several channels a person is found several times; what arrived of an earlier attempt is `late`. An
    attempt that is `unknown` and never reached the platform stands for the earlier ones.
    """
    found: dict[str, list[Person]] = defaultdict(list)
    for person in people:
        if person.requests:
            found[who.get(person.name, person.name)].append(person)
    newest = {}
    for name, group in found.items():
        last = max(group, key=lambda one: one.attempt)
        last.late |= any(one.late or (one.arrived and one is not last) for one in group)
        said = outcomes[name][-1] if outcomes.get(name) else None
        if said is not None and said.attempt > last.attempt and said.status == "unknown":
            late = last.late or last.arrived
            last = Person(said.platform or last.platform, last.address, said.attempt, 1, lost=1, late=late)
        last.repeated = sum(one.repeated for one in group)
        newest[name] = last
    return newest


def unfounded(people: Iterable[Person], who: Mapping[str, str]) -> list[str]:
    """By name, who was asked over another channel though nothing says that the one before it failed."""
    found: dict[str, list[Person]] = defaultdict(list)
    for person in people:
        if person.requests:
            found[who.get(person.name, person.name)].append(person)
    return [
        f"{name} was asked over another channel, and {one.platform} had not failed"
        for name, group in found.items()
        for one in sorted(group, key=lambda one: one.attempt)[:-1]
        if not one.refused and "failed" not in one.told
    ]


def misjudged(
    people: Mapping[str, Person],
    outcomes: Mapping[str, Sequence[Outcome]],
    surely: Iterable[str],
    moved: Iterable[str] = (),
) -> list[str]:
    """Everybody whose outcome is not the one that the log shows, and who has none or several; all by name.

    Where a process may have died with an answer in its hands, `unknown` stands for what was answered: such
    people are marked here as those whose answer was lost, so that the sums may be compared. Who has `moved`
    while the plan was made may be `not_sent` at both places: nothing was claimed that could tell that they
    are one.
    """
    twice = frozenset(moved)
    found = []
    for name, said in outcomes.items():
        statuses = [one.status for one in said]
        if len(said) != 1 and not (name in twice and set(statuses) == {"not_sent"}):
            found.append(f"{name} has {len(said)} outcomes: {', '.join(statuses)}")
        if "planned" in statuses:
            found.append(f"{name} is still in progress")
        found += _misjudged_one(name, statuses[-1], people.get(name))
    found += [f"{name} was targeted and has no outcome" for name in surely if name not in outcomes]
    return found + [f"{name} was asked and is nowhere in the run" for name in people if name not in outcomes]


def _misjudged_one(name: str, status: str, person: Person | None) -> list[str]:
    if person is None:
        return [f"{name} is {status}, never asked"] if status in NEEDS_REQUEST else []
    fact = _outcome(person)
    if status == fact or (status, fact) == ("accepted", "sent"):
        return []
    if status == "unknown" and not person.told:
        person.answered, person.lost, person.refused = False, 1, []
        return []
    return [f"{name} is {status}, by the log {fact}"]


def _outcome(person: Person) -> str:
    if person.arrived:
        return "read" if "read" in person.told else "delivered"
    if person.failed:
        return "failed"
    if person.accepted_once:
        return "sent" if "sent" in person.told else "accepted"
    return "unknown"


def miscorrected(
    asked: Mapping[str, Person],
    parent: Mapping[str, Sequence[Outcome]],
    correction: Mapping[str, Sequence[Outcome]],
) -> list[str]:
    """Who got what was corrected and is not told, and who is told of what they never got; all by name.

    Who got it, and it failed later, and whose request was never made though its process died, may be told.
    """
    got = {name for name, person in asked.items() if not person.failed}
    may = set(asked) | {name for name, said in parent.items() if any(one.status == "unknown" for one in said)}
    return [f"{name} got what was wrong and is not told" for name in sorted(got - set(correction))] + [
        f"{name} is told of what they never got" for name in sorted(set(correction) - may)
    ]


def changed_facts(place: str, before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Facts of one place that were known once and were gone or different later."""
    return [
        f"{place}: fact {name} was {value}, then {after.get(name)}"
        for name, value in before.items()
        if after.get(name) != value
    ]


def over_cap(
    asked: Iterable[Iterable[str]], unknown: Iterable[Iterable[str]], cap: int, capped: Iterable[str]
) -> list[str]:
    """Who was asked by more runs of one week than the cap allows, and who was held back without need.

    `asked`, `unknown`: by run of the week, whom it asked, and of whom it does not know whether it did: their
    claims wear out the cap as well. `capped`: who was held back.
    """
    times = Counter(name for run in asked for name in run)
    claimed = times + Counter(name for run in unknown for name in run)
    over = {name: runs for name, runs in times.items() if runs > cap}
    found = [f"{name} was asked by {runs} runs of a week, {cap} are allowed" for name, runs in over.items()]
    needless = [name for name in set(capped) if claimed[name] < cap]
    if needless:
        found.append(f"{len(needless)} people were held back by a cap that they had not reached")
    return found


def unmatched_events(told: Iterable[str], committed: Iterable[str], log: Iterable[Json]) -> list[str]:
    """Events of an unknown delivery without one, and unknown deliveries that no event told. Both by key.

    An event goes out before its fact, so that it cannot be lost: where the answer of a request was lost, or
    its process died, a proof may have come before the fact was written.
    """
    events, changes = set(told), set(committed)
    unsure = {
        _key_in(line)
        for line in log
        if line["kind"] == "request" and (line["outcome"] == "lost_reply" or line.get("died"))
    }
    return [f"an event tells of {key}, which never was" for key in sorted(events - changes - unsure)] + [
        f"no event told of {key}" for key in sorted(changes - events)
    ]


def read_log(file: Path) -> list[Json]:
    """The lines of a sandbox's log; one that is being written just now is left for the next look."""
    with file.open("rb") as lines:
        return [json.loads(line) for line in lines if line.endswith(b"\n")]


def main() -> int:
    """Judge from the command line."""
    parser = argparse.ArgumentParser(prog="python -m local.judge", description=__doc__)
    parser.add_argument("--log", type=Path, required=True, help="the sandbox's log")
    parser.add_argument("--report", type=Path, required=True, help="JSON of /v1/campaigns/{id}/report")
    parser.add_argument("--campaign", help="its id, when the report does not name it")
    parser.add_argument("--marker", help="text that only this campaign's messages hold, for Telegram")
    parser.add_argument("--crashed", action="store_true", help="processes were killed during the run")
    given = parser.parse_args()
    report = json.loads(given.report.read_text(encoding="utf-8"))
    campaign = given.campaign or report.get("campaign") or report.get("id")
    if not campaign:
        parser.error("the report names no campaign: give --campaign")
    truth = truth_of(people_of(read_log(given.log), campaign, given.marker))
    found = disagreements(truth, report, crashed=given.crashed)
    sys.stdout.write(json.dumps({"truth": asdict(truth), "disagreements": found}, ensure_ascii=False) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
