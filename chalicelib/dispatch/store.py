"""Where dispatch keeps what it planned and what became of it. Costs in request units (w: write, r: read).

Table `ledger`, one item a person and week: history, caps, export and erasure of a person are one query.
    <person>       w<year>-<week> claims by runs of that ISO week (`week_of`), an attribute each under the
                                  run's id: `<chunk>.<index>.<attempt> <until> <token>`, then ` -` if it does
                                  not wear out the cap; the place alone when it was given back. `n`: how many
                                  runs do; `last`, `by`: when one was claimed last, and which. An entry takes
                                  at most 85 bytes, so that ten fit into 1 KB.
                                                                1 w a claim; 1 w and 1 r one that is refused;
                                                                1 w when the person may not be sent to
    <person>       service#<key>  a service message's claim     2 w (claim, outcome)

Table `tallies`, all of one run, spread over SHARDS partitions; items stay under 1 KB.
    <run>          plan           stretches of the audience and how far they are planned       1 w a page
    <run>          g<page>        a frozen page of people       ~12 w for 500 people, once
    <run>          d<delivery>    a person's decision about an unknown, with the reason
                                                                11 w: decision, old tally, and the new chunk
                                                                and its tally, with the audit's entry
    <run>#<shard>  c<chunk>       the people of a chunk         1 w a chunk
    <run>#<shard>  t<chunk>       its tally                     1 w a chunk, then 1 w for each batch of facts
    <run>#<shard>  e<hash>        where somebody counts who was erased: a hash of run and person
                                                                1 w each
    stops          <scope>        a stop that stands            2 w with its audit entry's transaction; all of
                                                                them 1 r, each 2 s in each sending container
    <run>          bundle         how far the proof of the run is
                                                                1 w for each KB of its list, a step
    <campaign>     signed#<hash>  a signature under an officer's report
                                                                2 w with its audit entry's transaction
    parked         <due>#<hash>   a message that waits longer than a queue can      2 w: put, and taken away

A sum reads `t…` of all shards: about 1 r for 9 chunks.

An attempt that follows another, by decision or over the next channel, is claimed together with a check of
the one before in its tally: 4 w and 2 w for the claim; when it is not made, both tallies say so in one
transaction (6 w). A fallback is made by one transaction: 6 w, the old tally, the new chunk and its tally.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from string import ascii_lowercase
from typing import Any, Literal

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.clock import parse_rfc3339, rfc3339
from chalicelib.dispatch.model import (
    CHAINS,
    CHUNK_SIZE,
    PROOFS,
    SHARDS,
    Bounds,
    Chunk,
    Claim,
    Decided,
    DeliveryKey,
    Fact,
    Facts,
    Page,
    Plan,
    Tally,
    Week,
    first_places,
    is_fallback,
    moment,
    origin_of,
    partition_of,
    partitions,
    place_of,
    seconds,
    week_of,
)
from chalicelib.errors import Transient
from chalicelib.tables import Table, TableName, failed_conditions, is_passing, write_together

REFUSED = "ConditionalCheckFailedException"
CONFLICT = "TransactionConflictException"
"""A transaction held the item (another run's second attempt in the same week); the SDK does not ask again."""
TRIES = 5
PAUSE_S = 0.05
INDEX_LETTERS = ascii_lowercase[:CHUNK_SIZE]
"""A fact's name is its letter and its person's: `ra` is the first person's read."""
FACTS_A_WRITE = 75
"""An update expression holds 4 KB; a fact takes about 40 bytes of it."""
STOPS = "stops"
SIGNED = "signed#"
BUNDLE = "bundle"
PARKED = "parked"


class WeekItem(Table):
    """A person's week; the runs' entries are attributes under the runs' ids."""

    class Meta:
        table_name = TableName("ledger")

    counted = NumberAttribute(attr_name="n", null=True)
    last = NumberAttribute(null=True)
    by = UnicodeAttribute(null=True)


class ServiceItem(Table):
    class Meta:
        table_name = TableName("ledger")

    token = UnicodeAttribute()
    until = NumberAttribute()
    released = BooleanAttribute(null=True)
    outcome = UnicodeAttribute(null=True)
    channel = UnicodeAttribute(null=True)


class TallyItem(Table):
    """Every item of the table `tallies`; which attributes are there depends on the sort key's first
    letter."""

    class Meta:
        table_name = TableName("tallies")

    people = ListAttribute(of=UnicodeAttribute, null=True)
    attempt = NumberAttribute(null=True)
    size = NumberAttribute(attr_name="n", null=True)
    channel = UnicodeAttribute(attr_name="ch", null=True)
    language = UnicodeAttribute(attr_name="la", null=True)
    district = UnicodeAttribute(attr_name="di", null=True)
    skipped: Any = MapAttribute(attr_name="sk_", null=True)  # type: ignore[no-untyped-call]
    facts: Any = MapAttribute(attr_name="fa", null=True)  # type: ignore[no-untyped-call]
    planned_at = NumberAttribute(attr_name="at", null=True)
    page = JSONAttribute(null=True)
    decision = JSONAttribute(null=True)
    stretches = NumberAttribute(null=True)
    chains: Any = MapAttribute(null=True)  # type: ignore[no-untyped-call]
    place = UnicodeAttribute(null=True)


class StopItem(Table):
    class Meta:
        table_name = TableName("tallies")

    reason = UnicodeAttribute()
    by = UnicodeAttribute()
    at = UnicodeAttribute()
    code = UnicodeAttribute(null=True)
    probe_at = UnicodeAttribute(null=True)
    probes = NumberAttribute(null=True)
    told = BooleanAttribute(null=True)


class SignatureItem(Table):
    class Meta:
        table_name = TableName("tallies")

    figures = UnicodeAttribute()
    by = UnicodeAttribute()
    at = UnicodeAttribute()
    reason = UnicodeAttribute()


class BundleItem(Table):
    class Meta:
        table_name = TableName("tallies")

    id = UnicodeAttribute()
    step = NumberAttribute()
    status = UnicodeAttribute()
    body = JSONAttribute()


class ParkedItem(Table):
    class Meta:
        table_name = TableName("tallies")

    queue = UnicodeAttribute()
    message = JSONAttribute()


@dataclass(frozen=True)
class Parked:
    """A message that waits for its time outside of the queues: `queue` is `plan` or `send`."""

    key: str
    queue: str
    message: dict[str, Any]


@dataclass(frozen=True)
class Stop:
    """A switch that somebody has thrown, and why."""

    scope: str
    reason: str
    by: str
    at: datetime
    code: str = ""
    """What the platform said, when its word set this stop."""
    probe_at: datetime | None = None
    """When the platform is asked whether the channel is well again; None: a person lifts it."""
    probes: int = 0
    told: bool = False
    """Whether the event has been published."""


@dataclass(frozen=True)
class Signature:
    """Who put their name to an officer's report: `figures` is its fingerprint."""

    by: str
    at: datetime
    figures: str
    reason: str


@dataclass(frozen=True)
class BundleState:
    """How far the making of a bundle is. `unfinished`: somebody was still without an outcome."""

    id: str
    run: str
    status: Literal["running", "done", "unfinished"]
    by: str
    at: datetime
    step: int = 0
    shard: int = 0
    after: str = ""
    """The last chunk of the shard that has been read; empty at its beginning."""
    counts: Mapping[str, Any] = field(default_factory=dict)
    parts: list[dict[str, Any]] = field(default_factory=list)
    districts: list[str] = field(default_factory=list)
    manifest: str = ""
    sha256: str = ""
    """Of the manifest."""


@dataclass(frozen=True)
class ServiceClaim:
    """Who holds one service message; `outcome` is empty until it is known."""

    token: str
    until: float
    outcome: str
    channel: str = ""
    """Over which it went; empty where that was not noted."""


class DispatchStore:
    """Reads and writes of dispatch; every method is safe to repeat."""

    # --- planning

    def begin_plan(self, run: str, stretches: int, at: int) -> None:
        """Notes how many stretches of the roster the run reads; how far it has come stays."""
        begins = {str(chain): place for chain, place in first_places(stretches).items()}
        TallyItem(run, "plan").change(
            actions=[
                TallyItem.stretches.set(stretches),
                TallyItem.chains.set(TallyItem.chains | begins),
                TallyItem.planned_at.set(TallyItem.planned_at | at),
            ]
        )

    def plan(self, run: str) -> Plan | None:
        """How far planning is; None before it began."""
        try:
            item = TallyItem.get(run, "plan", consistent_read=True)
        except DoesNotExist:
            return None
        chains = {int(chain): int(place) for chain, place in item.chains.as_dict().items()}
        return Plan(int(item.stretches), chains, moment(int(item.planned_at)))

    def plan_goes_on(self, run: str, range_no: int, page_no: int, at: int) -> None:
        """Notes that planning goes on with this page, `at` seconds since EPOCH; what is further stays so."""
        place = place_of(range_no, page_no)
        chain = TallyItem.chains[str(range_no % CHAINS)]
        try:
            TallyItem(run, "plan").change(
                actions=[chain.set(place), TallyItem.planned_at.set(at)], condition=chain < place
            )
        except UpdateError as refused:
            if refused.cause_response_code != REFUSED:
                raise

    def page(self, run: str, range_no: int, page_no: int) -> Page | None:
        """A page that has been frozen; None when it has not."""
        try:
            item = TallyItem.get(run, _page_key(range_no, page_no), consistent_read=True)
        except DoesNotExist:
            return None
        return _page_of(run, range_no, page_no, item)

    def freeze(self, page: Page) -> Page:
        """Keeps the page, unless it has been kept before: gives the one that counts."""
        body = {
            "district": page.district,
            "groups": {group: list(people) for group, people in page.groups.items()},
            "skipped": dict(page.skipped),
            "after": page.after,
        }
        item = TallyItem(page.run, _page_key(page.range_no, page.page_no), page=body)
        try:
            item.save(condition=TallyItem.pk.does_not_exist())
        except PutError as refused:
            if refused.cause_response_code != REFUSED:
                raise
            kept = self.page(page.run, page.range_no, page.page_no)
            return kept if kept is not None else page
        return page

    def write_chunks(self, page: Page, at: int) -> list[Chunk]:
        """Writes a frozen page's chunks with their people and empty tallies; facts that stand already
        stay."""
        chunks = page.chunks()
        with TallyItem.batch_write() as batch:
            for chunk in chunks:
                batch.save(_manifest(chunk))
        for chunk in chunks:
            self._open_tally(chunk, {}, at)
        if page.skipped:
            self._open_tally(Chunk(page.run, page.skipped_id, "", "", page.district, ()), page.skipped, at)
        return chunks

    @staticmethod
    def _open_tally(chunk: Chunk, skipped: Mapping[str, int], at: int) -> None:
        actions = _opening(chunk, at)
        if skipped:
            actions.append(TallyItem.skipped.set(dict(skipped)))
        _tally_item(chunk.run, chunk.id).change(actions=actions)

    # --- sending

    def chunk(self, run: str, chunk: str) -> tuple[Chunk, Tally] | None:
        """A chunk and its tally as they are now, in one request; None when there is no such chunk."""
        pk = partition_of(run, chunk)
        keys = [(pk, f"c{chunk}"), (pk, f"t{chunk}")]
        found = {item.sk[0]: item for item in TallyItem.batch_get(keys, consistent_read=True)}
        if len(found) != len(keys):
            return None
        return _chunk_of(run, found["c"]), _tally_of(found["t"])

    def claim(self, wanted: Claim, bounds: Bounds) -> Week | None:
        """Takes the right to send; None when it is ours now, else the week that did not let us in or was
        busy: `judge_claim` reads it.

        One conditional write asks for the place, the weekly cap and the gap between two messages. A claim
        that was given back for the same attempt may be taken again. An attempt that follows another takes
        over from it, and only while that one is what it was: an unknown without any proof, or failed without
        a proof of arrival.
        """
        item, entry = _week_item(wanted), _entry(wanted)
        actions: list[Action] = [entry.set(_held(wanted)), WeekItem.last.set(round(bounds.now, 3))]
        actions += [WeekItem.by.set(wanted.run)]
        actions += [WeekItem.counted.add(1)] if wanted.counts else []
        condition, before, answered = _claimable(wanted, bounds), origin_of(wanted.chunk), False
        try:
            if before is None:
                item.change(actions=actions, condition=condition)
            else:
                with write_together() as transaction:
                    chunk, index = before
                    closed = (
                        _failed(index, goes_on=True)
                        if is_fallback(wanted.chunk)
                        else _still_unknown(index, resent=True)
                    )
                    where = partition_of(wanted.run, chunk)
                    transaction.condition_check(TallyItem, where, f"t{chunk}", closed)
                    transaction.update(item, actions=actions, condition=condition)
        except UpdateError as refused:
            if refused.cause_response_code not in (REFUSED, CONFLICT):
                raise
        except TransactWriteError as refused:
            answered = 0 in failed_conditions(refused)
            if not (failed_conditions(refused) or is_passing(refused)):
                raise
        else:
            return None
        return replace(self.week(wanted), answered=answered)

    def week(self, wanted: Claim) -> Week:
        """What the person's week says to this run, read consistently."""
        found = WeekItem._get_connection().get_item(wanted.person, f"w{wanted.week}", consistent_read=True)
        item: dict[str, Any] = found.get("Item", {})
        return Week(
            _claim_of(wanted, item[wanted.run]["S"]) if wanted.run in item else None,
            int(item["n"]["N"]) if "n" in item else 0,
            float(item["last"]["N"]) if "last" in item and item.get("by") != {"S": wanted.run} else None,
        )

    def keep_place(self, wanted: Claim) -> Week:
        """Notes that the person counts at this place, though nothing is sent: no other place of the run may
        claim them. Gives the week that stands in the way; an empty one when nothing does."""
        entry = _entry(wanted)
        kept = _unless_refused(_week_item(wanted), [entry.set(wanted.place)], _free(wanted))
        return Week() if kept else self.week(wanted)

    def keep_nameless_place(self, wanted: Claim) -> bool:
        """Whether somebody who was erased counts at this place: they do at the first that asks, and at no
        other. The run keeps it, under a hash; nothing is written under the person's id."""
        sort = f"e{hashlib.sha256(f'{wanted.run}#{wanted.person}'.encode()).hexdigest()[:32]}"
        item = TallyItem(partition_of(wanted.run, sort), sort)
        free = TallyItem.place.does_not_exist() | (TallyItem.place == wanted.place)
        return _unless_refused(item, [TallyItem.place.set(wanted.place)], free)

    def give_up(self, wanted: Claim, reason: str, at: int) -> None:
        """Notes that an attempt which follows another is not made: the person counts at the one before again,
        which tells why.

        Nothing happens when somebody holds this attempt, or when this has been noted before.
        """
        before = origin_of(wanted.chunk)
        if before is None:
            raise ValueError(f"follows no other attempt: {wanted.chunk}")
        chunk, index = before
        kept, gone = _fact(Fact.KEPT, index), _fact(Fact.SUPERSEDED, wanted.index)
        announced = Fact.NEXT if is_fallback(wanted.chunk) else Fact.RESENT
        try:
            with write_together() as transaction:
                transaction.condition_check(WeekItem, wanted.person, f"w{wanted.week}", _free(wanted))
                transaction.update(
                    _tally_item(wanted.run, chunk),
                    actions=[TallyItem.facts[kept].set(reason)],
                    condition=_known(announced, index) & ~_known(Fact.KEPT, index),
                )
                transaction.update(
                    _tally_item(wanted.run, wanted.chunk),
                    actions=[TallyItem.facts[gone].set(at)],
                    condition=TallyItem.size.exists(),
                )
        except TransactWriteError as refused:
            if not _refused(refused):
                raise

    def release(self, held: Claim) -> None:
        """Gives a claim back, and what it wore out of the cap, when it is certain that nothing was sent.

        Once, and not when it has passed to another holder: this write may be a late repetition.
        """
        entry = _entry(held)
        actions: list[Action] = [entry.set(held.place)]
        actions += [WeekItem.counted.add(-1)] if held.counts else []
        _unless_refused(_week_item(held), actions, entry == _held(held))

    def history(self, person: str) -> list[str]:
        """Ids of the runs that a person was claimed for, week by week."""
        weeks = WeekItem._get_connection().query(person, WeekItem.sk.startswith("w"))
        known = {attribute.attr_name for attribute in WeekItem.get_attributes().values()}
        return [name for item in weeks["Items"] for name in sorted(item.keys() - known)]

    def weeks(self, person: str) -> dict[str, list[str]]:
        """A person's weeks, and the runs that they were claimed for in each."""
        found = self._weeks(person, WeekItem.sk.startswith("w"))
        return {week: [claim.run for claim in claims] for week, claims in found.items()}

    def all_claims(self, person: str) -> list[Claim]:
        """All claims by which a person was sent to; without those that were given back."""
        found = self._weeks(person, WeekItem.sk.startswith("w"))
        return [claim for claims in found.values() for claim in claims if not claim.released]

    def forget_week(self, person: str, week: str) -> None:
        """Takes a person's week away, when none of its runs sends any more."""
        WeekItem(person, week).delete()

    def claims(self, person: str, since: datetime, until: datetime) -> list[Claim]:
        """The claims by which a person was sent to, of runs that began in these weeks; without those that
        were given back."""
        first, last = f"w{week_of(since)}", f"w{week_of(until)}"
        found = self._weeks(person, WeekItem.sk.between(first, last))
        return [claim for claims in found.values() for claim in claims if not claim.released]

    @staticmethod
    def _weeks(person: str, which: Condition) -> dict[str, list[Claim]]:
        """The claims of each of these weeks, those too that were given back."""
        known = {attribute.attr_name for attribute in WeekItem.get_attributes().values()}
        connection, after, found = WeekItem._get_connection(), None, dict[str, list[Claim]]()
        while True:
            page: Any = connection.query(person, which, exclusive_start_key=after)
            for item in page["Items"]:
                week = item["sk"]["S"]
                found[week] = [
                    _claim_of(Claim(person, week[1:], run, "", 0, 0, "", 0.0), item[run]["S"])
                    for run in sorted(item.keys() - known)
                ]
            after = page.get("LastEvaluatedKey")
            if not after:
                return found

    # --- service messages

    def claim_service(self, subject: str, key: str, token: str, until: float) -> ServiceClaim | None:
        """Takes the right to send one service message; None when it is ours, else the claim that stands
        there."""
        item = ServiceItem(subject, f"service#{key}", token=token, until=until)
        try:
            item.save(condition=ServiceItem.pk.does_not_exist() | (ServiceItem.released == True))  # noqa: E712
        except PutError as refused:
            if refused.cause_response_code != REFUSED:
                raise
            row = ServiceItem.get(subject, f"service#{key}", consistent_read=True)
            return ServiceClaim(row.token, float(row.until), row.outcome or "")
        return None

    def service_claim(self, subject: str, key: str) -> ServiceClaim | None:
        """The claim that stands there; None while nobody has one, also when it was given back."""
        try:
            row = ServiceItem.get(subject, f"service#{key}", consistent_read=True)
        except DoesNotExist:
            return None
        return None if row.released else ServiceClaim(row.token, float(row.until), row.outcome or "")

    def service_claims(self, subject: str) -> list[tuple[str, ServiceClaim]]:
        """All service messages to somebody, each with its key."""
        rows = ServiceItem.query(subject, ServiceItem.sk.startswith("service#"))
        return [
            (
                row.sk.removeprefix("service#"),
                ServiceClaim(row.token, float(row.until), row.outcome or "", row.channel or ""),
            )
            for row in rows
        ]

    def forget_service(self, subject: str, key: str) -> None:
        """Takes away what came of a service message."""
        ServiceItem(subject, f"service#{key}").delete()

    def service_outcome(
        self, subject: str, key: str, token: str, outcome: str, *, released: bool = False, channel: str = ""
    ) -> None:
        """Writes what became of the service message that `token` holds; `released` when it surely was not
        sent. A later holder's claim is left alone."""
        actions: list[Action] = [ServiceItem.outcome.set(outcome)]
        if released:
            actions.append(ServiceItem.released.set(True))
        if channel:
            actions.append(ServiceItem.channel.set(channel))
        _unless_refused(ServiceItem(subject, f"service#{key}"), actions, ServiceItem.token == token)

    # --- tallies

    def record(self, run: str, chunk: str, facts: Mapping[int, Facts]) -> bool:
        """Adds facts to a tally, each only where it is not known yet. False when there is no such tally."""
        letters = [
            (_fact(fact, index), value) for index, known in facts.items() for fact, value in known.items()
        ]
        for start in range(0, len(letters), FACTS_A_WRITE):
            actions: list[Action] = [
                TallyItem.facts[name].set(TallyItem.facts[name] | value)
                for name, value in letters[start : start + FACTS_A_WRITE]
            ]
            try:
                TallyItem(partition_of(run, chunk), f"t{chunk}").change(
                    actions=actions, condition=TallyItem.size.exists()
                )
            except UpdateError as refused:
                if refused.cause_response_code != REFUSED:
                    raise
                return False
        return True

    def tallies(self, run: str, *, consistent: bool = False) -> Iterator[Tally]:
        """Every tally of a run, shard by shard; `consistent` costs twice as much and misses nothing that was
        written before."""
        for shard in range(SHARDS):
            yield from self.tallies_in(run, shard, consistent=consistent)

    def tallies_in(self, run: str, shard: int, *, consistent: bool = False) -> Iterator[Tally]:
        """The tallies of one partition of a run."""
        pk = partitions(run)[shard]
        for item in TallyItem.query(pk, TallyItem.sk.startswith("t"), consistent_read=consistent):
            yield _tally_of(item)

    def some_tallies(self, run: str, chunks: Sequence[str]) -> dict[str, Tally]:
        """The tallies of these chunks, by chunk, read consistently; a chunk that has none is left out."""
        keys = [(partition_of(run, chunk), f"t{chunk}") for chunk in chunks]
        found = (_tally_of(item) for item in TallyItem.batch_get(keys, consistent_read=True))
        return {tally.chunk: tally for tally in found}

    def tallies_at(self, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Tally]:
        """The tallies of these runs' chunks, by run and chunk, in one request for each hundred; a chunk that
        has none is left out."""
        keys = {(partition_of(run, chunk), f"t{chunk}"): (run, chunk) for run, chunk in places}
        return {keys[item.pk, item.sk]: _tally_of(item) for item in TallyItem.batch_get(list(keys))}

    def stale_chunks(self, run: str, before: int) -> list[str]:
        """Chunks planned before `before` (seconds since EPOCH) of which somebody has no outcome yet."""
        found = []
        for pk in partitions(run):
            for item in TallyItem.query(
                pk, TallyItem.sk.startswith("t"), filter_condition=TallyItem.planned_at < before
            ):
                tally = _tally_of(item)
                if not all(tally.settled(i) for i in range(tally.size)):
                    found.append(tally.chunk)
        return found

    def chunks_of(self, run: str, chunks: Sequence[str]) -> dict[str, Chunk]:
        """These chunks with their people, without their tallies."""
        keys = [(partition_of(run, chunk), f"c{chunk}") for chunk in chunks]
        return {item.sk[1:]: _chunk_of(run, item) for item in TallyItem.batch_get(keys)}

    def chunks_at(self, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Chunk]:
        """These runs' chunks with their people, by run and chunk, in one request for each hundred."""
        keys = {(partition_of(run, chunk), f"c{chunk}"): (run, chunk) for run, chunk in places}
        found = ((keys[item.pk, item.sk], item) for item in TallyItem.batch_get(list(keys)))
        return {place: _chunk_of(place[0], item) for place, item in found}

    def people_of(self, run: str, chunks: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Who is in these chunks."""
        return {ident: chunk.people for ident, chunk in self.chunks_of(run, chunks).items()}

    # --- fallback

    def fall_back(self, before: DeliveryKey, following: Chunk, at: int) -> bool:
        """Lets a failed delivery go on in a chunk of its own: fact, chunk and the chunk's tally are one
        transaction. False when it is not to be (any more): it arrived, or this was done or ruled out before.

        Raises Transient when another write was in the way.
        """
        try:
            with write_together() as transaction:
                transaction.save(_manifest(following), condition=TallyItem.pk.does_not_exist())
                transaction.update(_tally_item(following.run, following.id), actions=_opening(following, at))
                transaction.update(
                    _tally_item(before.run, before.chunk),
                    actions=[TallyItem.facts[_fact(Fact.NEXT, before.index)].set(at)],
                    condition=_failed(before.index, goes_on=False),
                )
        except TransactWriteError as refused:
            if not _refused(refused):
                raise
            return False
        return True

    # --- decisions

    def decision(self, key: DeliveryKey) -> Decided | None:
        """What was decided about a delivery, read consistently; None when nothing was."""
        try:
            return _decided_of(TallyItem.get(key.run, _decision_key(str(key)), consistent_read=True))
        except DoesNotExist:
            return None

    def decisions(self, keys: Iterable[str]) -> dict[str, Decided]:
        """What was decided about these deliveries, by key."""
        wanted = [(key.partition(".")[0], _decision_key(key)) for key in keys]
        found = [_decided_of(item) for item in TallyItem.batch_get(wanted)]
        return {decided.key: decided for decided in found}

    @staticmethod
    def put_decision(
        transaction: TransactWrite, key: DeliveryKey, decided: Decided, again: Chunk | None
    ) -> None:
        """Adds to the transaction: the decision, its fact in the delivery's tally, and for a resend the new
        chunk with its tally. Refused when the delivery is not unknown any more, or was decided before."""
        at = seconds(decided.at)
        body = vars(decided) | {"at": at}
        item = TallyItem(key.run, _decision_key(str(key)), decision=body)
        transaction.save(item, condition=TallyItem.pk.does_not_exist())
        if again is not None:
            transaction.save(_manifest(again), condition=TallyItem.pk.does_not_exist())
            transaction.update(_tally_item(again.run, again.id), actions=_opening(again, at))
        fact = Fact.CLOSED if again is None else Fact.RESENT
        transaction.update(
            _tally_item(key.run, key.chunk),
            actions=[TallyItem.facts[_fact(fact, key.index)].set(at)],
            condition=_still_unknown(key.index, resent=False),
        )

    # --- stops

    def stops(self) -> list[Stop]:
        """All stops that stand, by scope, read consistently in one request."""
        return [_stop_of(item) for item in StopItem.query(STOPS, consistent_read=True)]

    def put_stop(self, transaction: TransactWrite, stop: Stop, *, only_new: bool = False) -> None:
        """Adds the write of a stop, new or with another reason; `only_new`: refused when one stands, but for
        one that a probe may lift where only a person may lift this."""
        free: Condition = StopItem.pk.does_not_exist()
        if stop.probe_at is None:
            free = free | StopItem.probe_at.exists()
        transaction.save(_stop_item(stop), condition=free if only_new else None)

    def change_stop(self, seen: Stop, after: Stop) -> None:
        """Writes what has changed about a stop, unless another stands there by now."""
        try:
            _stop_item(after).save(condition=_same_stop(seen))
        except PutError as refused:
            if refused.cause_response_code != REFUSED:
                raise

    def remove_stop(self, transaction: TransactWrite, scope: str, seen: Stop | None = None) -> None:
        """Adds the end of a stop; refused when there is none, or not the one that was `seen`."""
        condition = StopItem.pk.exists() if seen is None else _same_stop(seen)
        transaction.delete(StopItem(STOPS, scope), condition=condition)

    # --- bundles

    def tally_page(self, run: str, shard: int, after: str, limit: int) -> tuple[list[Tally], str]:
        """Up to `limit` tallies of one partition behind the chunk `after`, read consistently, and the chunk
        to go on behind; empty at the end. What follows `after` itself by a second attempt is left out."""
        behind = f"t{after}~" if after else "t"
        rows = TallyItem.query(
            partitions(run)[shard], TallyItem.sk.between(behind, "t~"), limit=limit, consistent_read=True
        )
        found = [_tally_of(row) for row in rows]
        return found, found[-1].chunk if len(found) == limit else ""

    def family(self, run: str, chunk: str) -> list[Tally]:
        """A planned chunk's tally and those of all attempts that follow it, read consistently."""
        mine = TallyItem.sk.startswith(f"t{chunk}")
        rows = [row for pk in partitions(run) for row in TallyItem.query(pk, mine, consistent_read=True)]
        return sorted((_tally_of(row) for row in rows), key=lambda tally: tally.chunk)

    def all_decisions(self, run: str) -> list[Decided]:
        """Every decision about a delivery of this run."""
        rows = TallyItem.query(run, TallyItem.sk.startswith("d"), consistent_read=True)
        return [_decided_of(row) for row in rows]

    def bundle(self, run: str) -> BundleState | None:
        """The state of a run's latest bundle; None when there is none."""
        try:
            body = BundleItem.get(run, BUNDLE, consistent_read=True).body
        except DoesNotExist:
            return None
        return _bundle_of(body)

    def bundles(self, runs: Iterable[str]) -> dict[str, BundleState]:
        """The states of these runs' latest bundles, by run: an item each."""
        found = BundleItem.batch_get([(run, BUNDLE) for run in runs], consistent_read=True)
        return {state.run: state for state in (_bundle_of(item.body) for item in found)}

    def begin_bundle(self, begun: BundleState, before: BundleState | None) -> bool:
        """Puts a new bundle in the place of the one before; False when somebody else has."""
        free = BundleItem.pk.does_not_exist() if before is None else BundleItem.id == before.id
        return self._put_bundle(begun, free)

    def put_bundle(self, state: BundleState) -> bool:
        """Notes a step, once; False when it has been noted, or another bundle has begun."""
        return self._put_bundle(state, _one_step_before(state))

    def end_bundle(self, transaction: TransactWrite, state: BundleState) -> None:
        """Adds the last step; refused when it has been noted."""
        transaction.save(_bundle_item(state), condition=_one_step_before(state))

    @staticmethod
    def _put_bundle(state: BundleState, condition: Condition) -> bool:
        try:
            _bundle_item(state).save(condition=condition)
        except PutError as refused:
            if refused.cause_response_code != REFUSED:
                raise
            return False
        return True

    # --- officer's reports

    def signatures(self, campaign: str) -> list[Signature]:
        """All signatures under a campaign's reports, oldest first."""
        rows = SignatureItem.query(campaign, SignatureItem.sk.startswith(SIGNED), consistent_read=True)
        found = [Signature(row.by, parse_rfc3339(row.at), row.figures, row.reason) for row in rows]
        return sorted(found, key=lambda signature: signature.at)

    def put_signature(self, transaction: TransactWrite, campaign: str, signature: Signature) -> None:
        """Adds a signature; refused when the same person has signed the same figures."""
        name = hashlib.sha256(f"{signature.figures} {signature.by}".encode()).hexdigest()[:24]
        body = vars(signature) | {"at": rfc3339(signature.at)}
        item = SignatureItem(campaign, f"{SIGNED}{name}", **body)
        transaction.save(item, condition=SignatureItem.pk.does_not_exist())

    # --- parking

    def park(self, queue: Literal["plan", "send"], message: Mapping[str, Any], due: datetime) -> None:
        """Keeps a message until `due`; the same message for the same second is kept once."""
        body = dict(message)
        name = hashlib.sha256(json.dumps([queue, body], sort_keys=True).encode()).hexdigest()[:24]
        ParkedItem(PARKED, f"{int(due.timestamp()):011d}#{name}", queue=queue, message=body).save()

    def parked(self, now: datetime, limit: int) -> list[Parked]:
        """Up to `limit` messages whose time has come, the oldest first."""
        until = ParkedItem.sk < f"{int(now.timestamp()) + 1:011d}"
        rows = ParkedItem.query(PARKED, until, limit=limit, consistent_read=True)
        return [Parked(row.sk, row.queue, row.message) for row in rows]

    def unpark(self, parked: Iterable[Parked]) -> None:
        """Forgets messages that are on their queue again."""
        with ParkedItem.batch_write() as batch:
            for one in parked:
                batch.delete(ParkedItem(PARKED, one.key))


def _bundle_of(body: Mapping[str, Any]) -> BundleState:
    return BundleState(**{**body, "at": parse_rfc3339(body["at"])})


def _bundle_item(state: BundleState) -> BundleItem:
    body = vars(state) | {"at": rfc3339(state.at)}
    return BundleItem(state.run, BUNDLE, id=state.id, step=state.step, status=state.status, body=body)


def _one_step_before(state: BundleState) -> Condition:
    before: Condition = (BundleItem.id == state.id) & (BundleItem.step == state.step - 1)
    return before


def _stop_of(item: StopItem) -> Stop:
    return Stop(
        item.sk,
        item.reason,
        item.by,
        parse_rfc3339(item.at),
        item.code or "",
        parse_rfc3339(item.probe_at) if item.probe_at else None,
        int(item.probes or 0),
        bool(item.told),
    )


def _stop_item(stop: Stop) -> StopItem:
    item = StopItem(STOPS, stop.scope, reason=stop.reason, by=stop.by, at=rfc3339(stop.at))
    if stop.code:
        item.code, item.probes, item.told = stop.code, stop.probes, stop.told
        item.probe_at = rfc3339(stop.probe_at) if stop.probe_at else None
    return item


def _same_stop(seen: Stop) -> Condition:
    """That the stop that was seen still stands."""
    same: Condition = (StopItem.by == seen.by) & (StopItem.at == rfc3339(seen.at))
    return same


def _fact(fact: Fact, index: int) -> str:
    """The name under which a person's fact stands in a tally."""
    return f"{fact}{INDEX_LETTERS[index]}"


def _known(fact: Fact, index: int) -> Condition:
    known: Condition = TallyItem.facts[_fact(fact, index)].exists()
    return known


def _still_unknown(index: int, *, resent: bool) -> Condition:
    """That a person is unknown and the platform has said nothing; with `resent` that a second attempt was
    decided on and not given up, without it that nothing was decided."""
    holds = _known(Fact.UNKNOWN, index)
    if resent:
        holds &= _known(Fact.RESENT, index)
    for fact in (*PROOFS, *((Fact.KEPT,) if resent else (Fact.CLOSED, Fact.RESENT))):
        holds &= ~_known(fact, index)
    return holds


def _failed(index: int, *, goes_on: bool) -> Condition:
    """That an attempt failed and nothing proves that it arrived; with `goes_on` that one over the next
    channel was announced and not given up, without it that nothing was decided about what follows."""
    holds = _known(Fact.FAILED, index)
    if goes_on:
        holds &= _known(Fact.NEXT, index)
    others = (Fact.KEPT,) if goes_on else (Fact.NEXT, Fact.LAST, Fact.RESENT, Fact.CLOSED)
    for fact in (Fact.DELIVERED, Fact.READ, *others):
        holds &= ~_known(fact, index)
    return holds


def _week_item(claim: Claim) -> WeekItem:
    return WeekItem(claim.person, f"w{claim.week}")


def _entry(claim: Claim) -> Path:
    """Where a run's claim stands in the week."""
    return Path([claim.run])


def _held(claim: Claim) -> str:
    """How a claim stands in the week; given back, only its place does."""
    return f"{claim.place} {claim.until:.0f} {claim.token}{'' if claim.counts else ' -'}"


def _claim_of(wanted: Claim, held: str) -> Claim:
    """The claim that stands where `wanted` was to stand."""
    place, *holder = held.split(" ")
    chunk, index, attempt = place.split(".")
    until, token, *exempt = holder or ("0", "")
    return Claim(
        person=wanted.person,
        week=wanted.week,
        run=wanted.run,
        chunk=chunk,
        index=int(index),
        attempt=int(attempt),
        token=token,
        until=float(until),
        counts=not exempt,
        released=not holder,
    )


def _claimable(wanted: Claim, bounds: Bounds) -> Condition:
    """What `judge_claim` asks, as a condition: the place, the gap, the cap."""
    holds = _free(wanted)
    if bounds.gap_s:
        gap = WeekItem.last.does_not_exist() | (WeekItem.last <= bounds.now - bounds.gap_s)
        holds &= gap | (WeekItem.last >= bounds.now + bounds.gap_s) | (WeekItem.by == wanted.run)
    if wanted.counts and bounds.cap:
        holds &= WeekItem.counted.does_not_exist() | (WeekItem.counted < bounds.cap)
    return holds


def _free(wanted: Claim) -> Condition:
    """That no claim of this run stands in the way: `Claim.may_take_over` as a condition."""
    entry = _entry(wanted)
    free: Condition = entry.does_not_exist() | (entry == wanted.place)
    before = origin_of(wanted.chunk)
    if before is not None:
        chunk, index = before
        free |= entry.startswith(f"{chunk}.{index}.")
    return free


def _unless_refused(item: Table, actions: list[Action], condition: Condition) -> bool:
    """Writes, again while a transaction holds the item; False when the condition does not hold."""
    tries = 0
    while True:
        try:
            item.change(actions=actions, condition=condition)
            return True
        except UpdateError as refused:
            tries += 1
            if refused.cause_response_code == REFUSED:
                return False
            if refused.cause_response_code != CONFLICT or tries == TRIES:
                raise
        time.sleep(PAUSE_S)


def _refused(error: TransactWriteError) -> bool:
    """Whether a condition did not hold. Raises Transient when another transaction was in the way."""
    if failed_conditions(error):
        return True
    if is_passing(error):
        raise Transient from error
    return False


def _tally_item(run: str, chunk: str) -> TallyItem:
    return TallyItem(partition_of(run, chunk), f"t{chunk}")


def _manifest(chunk: Chunk) -> TallyItem:
    """A chunk with its people."""
    return TallyItem(
        partition_of(chunk.run, chunk.id),
        f"c{chunk.id}",
        people=list(chunk.people),
        attempt=chunk.attempt,
        channel=chunk.channel,
        language=chunk.language,
        district=chunk.district,
    )


def _chunk_of(run: str, item: TallyItem) -> Chunk:
    people = tuple(str(p) for p in item.people)
    return Chunk(run, item.sk[1:], item.channel, item.language, item.district, people, int(item.attempt or 1))


def _opening(chunk: Chunk, at: int) -> list[Action]:
    """What makes an empty tally; facts that stand already stay."""
    return [
        TallyItem.size.set(len(chunk.people)),
        TallyItem.channel.set(chunk.channel),
        TallyItem.language.set(chunk.language),
        TallyItem.district.set(chunk.district),
        TallyItem.planned_at.set(TallyItem.planned_at | at),
        TallyItem.facts.set(TallyItem.facts | {}),
    ]


def _decision_key(key: str) -> str:
    return f"d{key.partition('.')[2]}"


def _decided_of(item: TallyItem) -> Decided:
    body = item.decision
    return Decided(**body | {"at": moment(body["at"])})


def _page_key(range_no: int, page_no: int) -> str:
    return f"g{range_no:04d}{page_no:04d}"


def _page_of(run: str, range_no: int, page_no: int, item: TallyItem) -> Page:
    body = item.page
    groups = {group: tuple(people) for group, people in body["groups"].items()}
    return Page(run, range_no, page_no, body["district"], groups, body["skipped"], body["after"])


def _tally_of(item: TallyItem) -> Tally:
    facts: defaultdict[int, dict[Fact, int | str]] = defaultdict(dict)
    stored = item.facts.as_dict() if item.facts is not None else {}
    for name, value in stored.items():
        facts[INDEX_LETTERS.index(name[1])][Fact(name[0])] = value if isinstance(value, str) else int(value)
    return Tally(
        chunk=item.sk[1:],
        size=int(item.size or 0),
        channel=item.channel or "",
        language=item.language or "",
        district=item.district or "",
        facts=dict(facts),
        skipped={
            reason: int(n)
            for reason, n in (item.skipped.as_dict() if item.skipped is not None else {}).items()
        },
    )
