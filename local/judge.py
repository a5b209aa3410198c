"""The judge: what truly happened, from the sandbox's log alone, against what a campaign's report says.

Imports nothing of chalicelib, so that the two can disagree.

`python -m local.judge --log FILE --report FILE [--marker TEXT]` prints the truth and every disagreement as
JSON, and exits 1 when there is one.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]

WITH_RECEIPTS = frozenset({"whatsapp"})
"""Platforms that say what became of a message after taking it."""
ARRIVALS = frozenset({"delivered", "read"})
MOST_ATTEMPTS = 2
"""A person's decision allows one attempt more, and no third."""
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
    """Requests beyond one an attempt, and all beyond the second attempt."""
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

    def request(self, attempt: int, outcome: str) -> None:
        """Takes in one request that was not throttled."""
        if attempt in self.asked or attempt > MOST_ATTEMPTS:
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
                person.request(_attempt_of(line["key"]), line["outcome"])
        elif line["kind"] == "callback" and line["taken"]:
            later += [(line["platform"], update) for update in line["updates"] if update.get("key")]
    for platform, update in later:
        place = (platform, update["to"])
        if _key_of(update["key"], campaign) and place in people:
            people[place].tell(_attempt_of(update["key"]), update["status"])
    return list(people.values())


def _belongs(line: Json, campaign: str, marker: str | None) -> bool:
    if line["platform"] in WITH_RECEIPTS:
        return _key_of(line["key"], campaign)
    return marker is not None and marker in str((line["payload"] or {}).get("text", ""))


def _key_of(key: object, campaign: str) -> bool:
    return isinstance(key, str) and key.startswith((f"{campaign}-", f"{campaign}."))


def _attempt_of(key: str | None) -> int:
    """The last number of a delivery's key; a platform that carries no key tells no attempts apart."""
    return int(key.rpartition(".")[2]) if key else 1


def truth_of(people: list[Person]) -> Truth:
    """The sums, whole and by channel."""
    by_channel: dict[str, Counter[str]] = defaultdict(Counter)
    for person in people:
        counts = by_channel[person.platform]
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
        people=len(asked),
        requests=sum(person.requests for person in people),
        throttled=sum(person.throttled for person in people),
        lost_replies=sum(person.lost for person in people),
        duplicate_sends=sum(person.repeated for person in asked),
        after_a_loss=sum(person.after_a_loss for person in asked),
        resent=sum(person.attempt > 1 for person in asked),
        late=sum(person.late for person in asked),
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
    decided = total(report.get("resent"))
    if truth.resent > decided:
        found.append(f"{truth.resent} people were sent to again, {decided} by a decision")
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


def read_log(file: Path) -> list[Json]:
    """The lines of a sandbox's log."""
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


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
