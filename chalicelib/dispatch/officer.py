"""What an officer asks after a campaign: what went out before it had to stop, what was stopped, what came
late, who decided; and a person's signature under these figures, in the audit."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from chalicelib.beside import together
from chalicelib.clock import Clock, rfc3339
from chalicelib.dispatch.channels import ways_now
from chalicelib.dispatch.model import (
    ARRIVED,
    SHARDS,
    TAKEN,
    Fact,
    Facts,
    Status,
    Tally,
    moment,
    seconds,
    status_of,
)
from chalicelib.dispatch.store import DispatchStore, Signature
from chalicelib.errors import Conflict
from chalicelib.identity.audit import Audit
from chalicelib.identity.chain import Entry, Head, Root, all_chains, canonical, chain_of
from chalicelib.platforms.base import Gateway
from chalicelib.ports import Areas, RunBrief

RECEIPTS = {"delivered": Fact.DELIVERED, "read": Fact.READ}


@dataclass
class Late:
    """Receipts of messages, by the platform's clock, that are later than a moment. Not people: a message that
    was read late may have been delivered in time."""

    delivered: int = 0
    read: int = 0

    def add(self, facts: Facts, after: int) -> None:
        for name, fact in RECEIPTS.items():
            at = facts.get(fact)
            if isinstance(at, int) and at >= after:
                setattr(self, name, getattr(self, name) + 1)


@dataclass
class Figures:
    """A run, or a part of it. planned = sent + failed + unknown + waiting + stopped."""

    planned: int = 0
    sent: int = 0
    """Taken by a platform, and not failed later."""
    arrived: int = 0
    """Of the sent: a receipt says so."""
    failed: int = 0
    unknown: int = 0
    waiting: int = 0
    """Nobody has begun with them."""
    stopped: Counter[str] = field(default_factory=Counter)
    """Not sent, by reason: expired, cancelled, silence, code_of_conduct, opted_out …"""
    late_after_expiry: Late = field(default_factory=Late)
    late_after_cancel: Late = field(default_factory=Late)
    """Both count a receipt that is later than both."""
    first_request: int | None = None
    last_request: int | None = None
    """Of the accepted ones, in seconds since EPOCH: refusals and unknowns leave no time of their request."""

    def add(self, tally: Tally, run: RunBrief) -> None:
        """Adds one tally of the run. Receipts count wherever they are, also of repeated attempts."""
        for index in range(tally.size):
            facts = tally.facts.get(index, {})
            self._count(facts)
            self.late_after_expiry.add(facts, seconds(run.expires_at))
            if run.status == "cancelled" and run.ended_at is not None:
                self.late_after_cancel.add(facts, seconds(run.ended_at))
            if isinstance(at := facts.get(Fact.ACCEPTED), int):
                self.first_request = at if self.first_request is None else min(at, self.first_request)
                self.last_request = at if self.last_request is None else max(at, self.last_request)

    def _count(self, facts: Facts) -> None:
        status = status_of(facts)
        self.planned += status is not Status.SUPERSEDED
        self.sent += status in TAKEN
        self.arrived += status in ARRIVED
        self.failed += status is Status.FAILED
        self.unknown += status is Status.UNKNOWN
        self.waiting += status is Status.PLANNED
        if status is Status.NOT_SENT:
            self.stopped[str(facts[Fact.NOT_SENT])] += 1

    def as_json(self) -> dict[str, Any]:
        """As it is shown and signed: times in RFC 3339."""
        times = {name: getattr(self, name) for name in ("first_request", "last_request")}
        return vars(self) | {
            "stopped": dict(sorted(self.stopped.items())),
            "late_after_expiry": vars(self.late_after_expiry),
            "late_after_cancel": vars(self.late_after_cancel),
            **{name: None if at is None else rfc3339(moment(at)) for name, at in times.items()},
        }


@dataclass(frozen=True)
class Seal:
    """Where the audit stood: the end of the campaign's chain, and the latest daily root."""

    chain: str
    head: Head
    root: Root | None


@dataclass(frozen=True)
class OfficerReport:
    """The figures of each run, whole and by district; `fingerprint` is the SHA-256 of them and names them."""

    runs: list[dict[str, Any]]
    fingerprint: str
    actions: list[Entry]
    """Who approved, scheduled, stopped, let go on, overrode: the audit of the campaign and of the stops that
    concern it, oldest first."""
    seal: Seal
    signatures: list[Signature]
    as_of: datetime


@dataclass(frozen=True)
class Officer:
    store: DispatchStore
    areas: Areas
    gateway: Gateway
    audit: Audit
    clock: Clock

    def report(self, campaign: str, runs: Sequence[RunBrief]) -> OfficerReport:
        """The report over these runs of a campaign, read now: 1 read unit for 9 chunks, and its audit."""
        shown: list[dict[str, Any]] = []
        districts: set[str] = set()
        subject, chain = f"campaign#{campaign}", chain_of(f"campaign#{campaign}")
        figures, stops, mine, head, roots, signatures = together(
            lambda: together(*(partial(self._figures, run) for run in runs)),
            self._stop_chains,
            lambda: self.audit.all_of(subject),
            lambda: self.audit.head(chain),
            lambda: self.audit.roots(1),
            lambda: self.store.signatures(campaign),
        )
        for run, (whole, by_area) in zip(runs, figures, strict=True):
            districts |= by_area.keys()
            times = {"at": rfc3339(run.at), "expires_at": rfc3339(run.expires_at)}
            ended = {"ended_at": rfc3339(run.ended_at) if run.ended_at else None}
            areas = {area: figures.as_json() for area, figures in sorted(by_area.items())}
            about = {"run": run.run_id, "purpose": run.occasion, "kind": run.kind, "status": run.status}
            shown.append(about | times | ended | whole.as_json() | {"by_area": areas})
        actions = mine + list(self._stops(stops, runs, districts, mine[0].at if mine else ""))
        return OfficerReport(
            shown,
            fingerprint({"campaign": campaign, "runs": shown}),
            sorted(actions, key=lambda entry: entry.at),
            Seal(chain, head, next(iter(roots), None)),
            signatures,
            self.clock.now(),
        )

    def sign(self, actor: str, campaign: str, runs: Sequence[RunBrief], reason: str) -> OfficerReport:
        """Puts the figures of this moment, by their fingerprint, into the audit under a person's name; gives
        the report with the signature. Raises Conflict when there is no run, or the
        same person has signed the same figures."""
        if not runs:
            raise Conflict("Nobody has been sent this campaign yet.")
        report = self.report(campaign, runs)
        signature = Signature(actor, self.clock.now(), report.fingerprint, reason)
        root = report.seal.root
        self.audit.committing(
            subject=f"campaign#{campaign}",
            action="campaign.report_signed",
            actor=actor,
            at=signature.at,
            detail={
                "figures": report.fingerprint,
                "root_date": root.date if root else None,
                "root": root.hash if root else None,
            },
            write=partial(self.store.put_signature, campaign=campaign, signature=signature),
            refused=lambda failed: Conflict("You have signed these very figures already."),
        )
        return self.report(campaign, runs)

    def _figures(self, run: RunBrief) -> tuple[Figures, dict[str, Figures]]:
        """Of a run, whole and by district: its tallies are read at once."""

        def read(shard: int) -> list[Tally]:
            return list(self.store.tallies_in(run.run_id, shard, consistent=True))

        found = together(*(partial(read, shard) for shard in range(SHARDS)))
        return _figures(run, (tally for part in found for tally in part))

    def _stop_chains(self) -> list[list[Entry]]:
        """The audit of all stops, chain by chain."""

        def read(chain: str) -> list[Entry]:
            return list(self.audit.chain(chain))

        return together(*(partial(read, chain) for chain in all_chains() if chain.startswith("stop#")))

    def _stops(
        self,
        chains: Iterable[Iterable[Entry]],
        runs: Sequence[RunBrief],
        districts: Iterable[str],
        since: str,
    ) -> Iterable[Entry]:
        """The entries about stops that concern one of these runs or districts: what stood then, and from
        then on until nothing of the runs could be sent any more."""
        until = max((rfc3339(_over(run)) for run in runs), default="")
        scopes = {"all"} | {f"department:{run.department}" for run in runs}
        mediums = {channel for run in runs for channel in run.channels}
        ways = ways_now(self.gateway, mediums).values()
        names = mediums | {way.id for way in ways} | {way.platform for way in ways}
        scopes |= {f"channel:{name}" for name in names}
        paths = [area.path for area in self.areas.many(list(districts)).values()]
        for chain in chains:
            before: dict[str, Entry] = {}
            for entry in chain:
                scope = entry.subject.removeprefix("stop#")
                if entry.at > until or (scope not in scopes and not self._meets(scope, paths)):
                    continue
                if entry.at >= since:
                    yield entry
                else:
                    before[scope] = entry
            yield from (entry for entry in before.values() if entry.action == "stop.put")

    def _meets(self, scope: str, paths: Iterable[Sequence[str]]) -> bool:
        """Whether a stop's area lies in one of these areas or around it."""
        kind, _, ident = scope.partition(":")
        area = self.areas.get(ident) if kind == "area" else None
        return area is not None and any(area.id in path or path[-1] in area.path for path in paths)


def _figures(run: RunBrief, tallies: Iterable[Tally]) -> tuple[Figures, dict[str, Figures]]:
    whole, by_area = Figures(), defaultdict[str, Figures](Figures)
    for tally in tallies:
        if tally.size:
            whole.add(tally, run)
            by_area[tally.district.removeprefix("ST#")].add(tally, run)
    return whole, dict(by_area)


def _over(run: RunBrief) -> datetime:
    """When nothing of the run can be sent any more: what was dispatched may be sent again until it
    expires."""
    return run.ended_at if run.status in ("cancelled", "expired") and run.ended_at else run.expires_at


def fingerprint(value: Mapping[str, Any]) -> str:
    """The SHA-256 of the value as JSON with sorted names, no spaces, in UTF-8."""
    return hashlib.sha256(canonical(value)).hexdigest()
