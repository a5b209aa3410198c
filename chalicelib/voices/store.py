"""Voices in the table `voices`.

    pk                      sk                    what                                              read by
    voi_…                   voice                 the voice as JSON; `rev`, `event`, index keys     key, batch
    voi_…                   sender                whose it is: address and name; `expires`          key
    voi_…                   said#<key>            words, the first ones and those added             query
    voi_…                   original#<key>        words as they were before parts were taken out;   -
                                                  30 days
    voi_…                   answer#<number>       what it was answered                              query
    voi_…                   note#<revision>       why staff did something                           query
    voi_…                   told#<step>           whom a word was brought to, and the outcome       query
    ticket#<ticket>         -                     the voice's id; the event that it was received    key
    from#<keyed hash>       <time>#<voice>        voices from an address; `expires`                 query
    carried#<influencer>    <time>#<voice>        voices that somebody brought                      query
    settings                rules, calendar,      what routes voices, when offices work             key
                            targets
    facts#<month>#<cell>    <voice>               what a voice adds to the public counts            fold
    dirty                   <month>#<cell>#<v.>   counts that are to be folded anew; `rev`          fold
    sums#<month>            <cell>                a cell's sum, folded; `rev`                       fold
    table                   <month>#<evening>     a month's public table as from an evening on      key

Indexes: `by_desk` (desk = `<department or ->#<shelf>`, placed = `<time>#<id>`), `by_ground` (ground = shelf,
place = `<ids of the path down to the district>/#<time>#<id>`), `due` (due_key, due_at; sparse: open voices
and those of which something is still to be told).

Access, in request units (a voice is about 1.5 KB, its words up to 12 KB in Devanagari):
    receive           1 transaction of up to 12 items
    a change          1 transaction: the voice, its two facts, their marks, two items of the audit
    one voice         1 r; all of it: 1 query
    a list            1 query a page and stretch; the senders of a page: 1 batch
    a ticket          1 r, and the query of all of it
    sweep             1 query of what is due
    public counts     1 r a month
All open voices share one partition of `by_ground`, all marks one of the table: some 300 changes a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DeleteError, DoesNotExist, PutError
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.transactions import TransactWrite

from chalicelib.clock import rfc3339
from chalicelib.events.catalog import Event
from chalicelib.events.outbox import raise_event
from chalicelib.tables import Table, TableName
from chalicelib.voices.counts import Cell, Fact, cells_of
from chalicelib.voices.model import Answer, Note, Said, Sender, Shelf, Told, Voice, placed_key

VOICE, SENDER, SAID, ORIGINAL = "voice", "sender", "said#", "original#"
ANSWER, TOLD, NOTE = "answer#", "told#", "note#"
ALONE, DUE, DIRTY, TABLE, SETTINGS = "-", "due", "dirty", "table", "settings"
UNROUTED = "-"
PAGE = 50
NEWEST = 20
"""Voices of an address that are looked at for an open one."""
REFUSED = "ConditionalCheckFailedException"
Position = Mapping[str, Any]
Kept = TypeVar("Kept", bound=BaseModel)


class ByDesk(GlobalSecondaryIndex["VoiceItem"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by_desk"
        projection = AllProjection()

    desk = UnicodeAttribute(hash_key=True)
    placed = UnicodeAttribute(range_key=True)


class ByGround(GlobalSecondaryIndex["VoiceItem"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by_ground"
        projection = AllProjection()

    ground = UnicodeAttribute(hash_key=True)
    place = UnicodeAttribute(range_key=True)


class Due(GlobalSecondaryIndex["VoiceItem"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    due_key = UnicodeAttribute(hash_key=True)
    due_at = UnicodeAttribute(range_key=True)


class VoiceItem(Table):
    class Meta:
        table_name = TableName("voices")

    by_desk = ByDesk()
    by_ground = ByGround()
    due = Due()
    body = UnicodeAttribute(null=True)
    rev = NumberAttribute(null=True)
    event = UnicodeAttribute(null=True)
    expires = NumberAttribute(null=True)
    desk = UnicodeAttribute(null=True)
    placed = UnicodeAttribute(null=True)
    ground = UnicodeAttribute(null=True)
    place = UnicodeAttribute(null=True)
    due_key = UnicodeAttribute(null=True)
    due_at = UnicodeAttribute(null=True)


def ground_prefix(path: Sequence[str]) -> str:
    """How the places of all voices in this area begin; of an area below a district, those of the district."""
    return "".join(f"{part}/" for part in path[:3])


def time_of(place: Position) -> Position:
    """A place of `on_ground` that names no voice: behind it is all of this second, and what is older."""
    return {"place": f"{place['place'].rpartition('#')[0]}~"}


@dataclass(frozen=True)
class Whole:
    """All that is kept of a voice."""

    voice: Voice
    sender: Sender | None = None
    said: tuple[Said, ...] = ()
    """Oldest first."""
    answers: tuple[Answer, ...] = ()
    told: tuple[Told, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Beginning:
    """What is written with a new voice."""

    said: Said
    sender: Sender | None
    """None: nothing is known of who sent it."""
    events: Sequence[Event] = field(default_factory=tuple)


class VoiceStore:
    # --- writing

    def put_new(self, transaction: TransactWrite, voice: Voice, begun: Beginning, now: datetime) -> None:
        """Adds a new voice: refused when it is there."""
        received, *more = begun.events
        item = _item(voice, more[0] if more else None, now)
        transaction.save(item, condition=VoiceItem.pk.does_not_exist())
        ticket = VoiceItem(f"ticket#{voice.ticket}", ALONE, body=voice.id, rev=1)
        ticket.event = raise_event(received, voice.received_at)
        transaction.save(ticket, condition=VoiceItem.pk.does_not_exist())
        transaction.save(_row(voice.id, f"{SAID}{begun.said.key}", begun.said))
        if begun.sender is not None:
            transaction.save(_row(voice.id, SENDER, begun.sender))
            transaction.save(VoiceItem(*_from(voice), body=voice.id))
        if voice.carried_by:
            transaction.save(VoiceItem(f"carried#{voice.carried_by}", placed_key(voice), body=voice.id))
        _count(transaction, None, voice)

    def put(
        self,
        transaction: TransactWrite,
        before: Voice,
        after: Voice,
        now: datetime,
        *,
        event: Event | None = None,
        answer: Answer | None = None,
        keep_until: int | None = None,
    ) -> None:
        """Adds a voice as it became, one revision on; refused when somebody else has changed it. When it is
        over, open again or by itself again, it is set when its sender is forgotten (`keep_until`; None: not
        yet)."""
        transaction.save(_item(after, event, now), condition=VoiceItem.rev == before.rev)
        if before.source_key and not after.source_key:
            transaction.delete(VoiceItem(before.id, SENDER))
            transaction.delete(VoiceItem(*_from(before)))
        elif after.source_key and (before.over != after.over or (before.main and not after.main)):
            change = VoiceItem.expires.set(keep_until) if keep_until else VoiceItem.expires.remove()
            for key in ((after.id, SENDER), _from(after)):
                transaction.update(VoiceItem(*key), actions=[change])
        if before.carried_by and not after.carried_by:
            transaction.delete(VoiceItem(f"carried#{before.carried_by}", placed_key(before)))
        if answer is not None:
            transaction.save(_row(after.id, f"{ANSWER}{answer.number:03d}", answer))
        _count(transaction, before, after)

    def put_said(self, transaction: TransactWrite, voice_id: str, said: Said) -> None:
        """Adds words to a voice; refused when they are there."""
        row = _row(voice_id, f"{SAID}{said.key}", said)
        transaction.save(row, condition=VoiceItem.pk.does_not_exist())

    def put_edited(
        self, transaction: TransactWrite, voice_id: str, before: Said, after: Said, keep_until: int = 0
    ) -> None:
        """Adds other words in the place of those that were there; those are kept aside `keep_until`."""
        same = VoiceItem.body == before.model_dump_json()
        transaction.save(_row(voice_id, f"{SAID}{after.key}", after), condition=same)
        if keep_until:
            row = _row(voice_id, f"{ORIGINAL}{before.key}", before)
            row.expires = keep_until
            transaction.save(row)

    def put_note(self, transaction: TransactWrite, voice: Voice, note: Note) -> None:
        """Adds why a member of staff did what made this revision of a voice."""
        transaction.save(_row(voice.id, f"{NOTE}{voice.rev:06d}", note))

    def put_told(self, voice_id: str, told: Told) -> None:
        _row(voice_id, f"{TOLD}{told.step}", told).save()

    def keep_sender(self, voice: Voice, until: int) -> None:
        """Sets when the sender of a voice is forgotten whose main one is over."""
        if not voice.source_key:
            return
        sender, listed = _get(voice.id, SENDER), VoiceItem(*_from(voice), body=voice.id)
        for row in (sender, listed):
            if row is not None and row.body:
                row.expires = until
                _put_again(row)

    # --- reading

    def find(self, voice_id: str) -> Voice | None:
        """The voice, read consistently."""
        row = _get(voice_id, VOICE)
        return Voice.model_validate_json(row.body or "{}") if row else None

    def many(self, ids: Iterable[str]) -> dict[str, Voice]:
        """Those of these voices that there are."""
        return _batch(Voice, ((one, VOICE) for one in ids))

    def senders(self, ids: Iterable[str], now: float) -> dict[str, Sender]:
        """Whose these voices are, as far as that is still kept."""
        return _batch(Sender, ((one, SENDER) for one in ids), now)

    def sender(self, voice_id: str, now: float) -> Sender | None:
        return self.senders([voice_id], now).get(voice_id)

    def whole(self, voice_id: str, now: float) -> Whole | None:
        """All of a voice, read consistently."""
        rows = {row.sk: row for row in VoiceItem.query(voice_id, consistent_read=True)}
        if VOICE not in rows:
            return None
        said = sorted(_rows(Said, rows, SAID), key=lambda one: (one.at, one.key))
        sender = rows.get(SENDER)
        return Whole(
            voice=_read(Voice, rows[VOICE]),
            sender=_read(Sender, sender) if sender is not None and _holds(sender, now) else None,
            said=tuple(said),
            answers=tuple(_rows(Answer, rows, ANSWER)),
            told=tuple(sorted(_rows(Told, rows, TOLD), key=lambda one: one.at)),
            notes=tuple(_rows(Note, rows, NOTE)),
        )

    def said(self, voice_id: str, key: str) -> Said | None:
        row = _get(voice_id, f"{SAID}{key}")
        return _read(Said, row) if row else None

    def has_original(self, voice_id: str, key: str, now: float) -> bool:
        """Whether these words are kept aside as they were at first."""
        row = _get(voice_id, f"{ORIGINAL}{key}")
        return row is not None and _holds(row, now)

    def by_ticket(self, ticket: str) -> str | None:
        """The id of the voice with this ticket."""
        row = _get(f"ticket#{ticket}", ALONE)
        return row.body if row else None

    def answer(self, voice_id: str, number: int) -> Answer | None:
        row = _get(voice_id, f"{ANSWER}{number:03d}")
        return _read(Answer, row) if row else None

    def told(self, voice_id: str, step: str) -> Told | None:
        row = _get(voice_id, f"{TOLD}{step}")
        return _read(Told, row) if row else None

    def of_address(self, source_key: str, now: float, until: datetime | None = None) -> list[Voice]:
        """The newest voices from an address, the newest first; of those that came `until` then (with the
        whole of that second), where it is given."""
        rows = VoiceItem.query(
            f"from#{source_key}",
            VoiceItem.sk < f"{rfc3339(until)}~" if until else None,
            consistent_read=True,
            scan_index_forward=False,
            limit=NEWEST,
        )
        ids = [row.body or "" for row in rows if _holds(row, now)]
        found = self.many(ids)
        return [found[one] for one in ids if one in found]

    def carried(self, person: str) -> Iterator[str]:
        """The ids of all voices that somebody brought, the newest first."""
        rows = VoiceItem.query(f"carried#{person}", consistent_read=True, scan_index_forward=False)
        return (row.body or "" for row in rows)

    def due_now(self, now: datetime) -> Iterator[str]:
        """Ids of voices that are to be looked after by now, the longest due first. It may lag behind."""
        rows = VoiceItem.due.query(DUE, Due.due_at <= f"{rfc3339(now)}~", page_size=PAGE)
        return (row.pk for row in rows)

    def on_desk(
        self, department: str, shelf: Shelf, after: Position | None
    ) -> Iterator[tuple[Voice, Position]]:
        """Voices of a department (empty: of none), the newest first, each with its place."""
        desk = f"{department or UNROUTED}#{shelf}"
        rows = VoiceItem.by_desk.query(
            desk, scan_index_forward=False, last_evaluated_key=_key(after), page_size=PAGE
        )
        for row in rows:
            place = {"pk": row.pk, "sk": row.sk, "desk": desk, "placed": row.placed or ""}
            yield _read(Voice, row), place

    def on_ground(
        self, shelf: Shelf, prefix: str, after: Position | None
    ) -> Iterator[tuple[Voice, Position]]:
        """Voices whose place begins so, by district, the newest first; behind a voice, or behind `time_of`
        one."""
        begins: Condition | None = ByGround.place.startswith(prefix) if prefix else None
        if after and "pk" not in after:
            begins, after = ByGround.place.between(prefix or " ", after["place"]), None
        rows = VoiceItem.by_ground.query(
            shelf, begins, scan_index_forward=False, last_evaluated_key=_key(after), page_size=PAGE
        )
        for row in rows:
            place = {"pk": row.pk, "sk": row.sk, "ground": shelf, "place": row.place or ""}
            yield _read(Voice, row), place

    # --- settings

    def setting(self, name: str) -> tuple[str, int]:
        """A setting as JSON and its revision; empty and 0 while nobody has set it."""
        row = _get(SETTINGS, name)
        return (row.body or "", int(row.rev or 0)) if row else ("", 0)

    def put_setting(self, transaction: TransactWrite, name: str, body: str, seen: int) -> None:
        """Adds a setting as it became; refused when somebody else has changed it since revision `seen`."""
        same = VoiceItem.rev == seen if seen else VoiceItem.pk.does_not_exist()
        transaction.save(VoiceItem(SETTINGS, name, body=body, rev=seen + 1), condition=same)

    # --- counts

    def dirty(self, limit: int) -> list[tuple[str, int]]:
        """Marks of what is to be folded anew, each with its revision."""
        rows = VoiceItem.query(DIRTY, consistent_read=True, limit=limit)
        return [(row.sk, int(row.rev or 0)) for row in rows]

    def clean(self, mark: str, rev: int) -> None:
        """Takes a mark away, unless it was set anew."""
        _quietly(lambda: VoiceItem(DIRTY, mark).delete(condition=VoiceItem.rev == rev))

    def facts(self, cell: Cell) -> list[Fact]:
        """What the voices of a cell add to the counts, read consistently."""
        rows = VoiceItem.query(f"facts#{cell.month}#{cell.name}", consistent_read=True)
        return [_read(Fact, row) for row in rows]

    def sum_rev(self, cell: Cell) -> int:
        row = _get(f"sums#{cell.month}", cell.name)
        return int(row.rev or 0) if row else 0

    def put_sum(self, cell: Cell, body: str, seen: int) -> bool:
        """Writes a cell's sum; False when somebody else has folded it since revision `seen`."""
        item = VoiceItem(f"sums#{cell.month}", cell.name, body=body, rev=seen + 1)
        return _quietly(
            lambda: item.save(condition=VoiceItem.rev == seen if seen else VoiceItem.pk.does_not_exist())
        )

    def sums(self, month: str) -> dict[str, str]:
        """All sums of a month, by cell."""
        rows = VoiceItem.query(f"sums#{month}", consistent_read=True)
        return {row.sk: row.body or "" for row in rows}

    def table_rev(self, month: str, evening: datetime) -> int:
        """The revision of the table that a month shows from an evening on; 0 for none."""
        row = _get(TABLE, f"{month}#{rfc3339(evening)}")
        return int(row.rev or 0) if row else 0

    def put_table(self, month: str, evening: datetime, body: str, seen: int) -> bool:
        """Writes it; False when somebody else has, since revision `seen`."""
        item = VoiceItem(TABLE, f"{month}#{rfc3339(evening)}", body=body, rev=seen + 1)
        return _quietly(
            lambda: item.save(condition=VoiceItem.rev == seen if seen else VoiceItem.pk.does_not_exist())
        )

    def table(self, month: str, now: datetime) -> str:
        """The public table of a month, or of the latest one before it that has any, as JSON, as it was on the
        last evening; empty for none."""
        rows = self._tables(VoiceItem.sk <= f"{month}#{rfc3339(now)}")
        return next((row.body or "" for row in rows if row.sk.partition("#")[2] <= rfc3339(now)), "")

    def forget_tables(self, month: str, now: datetime) -> None:
        """Deletes the tables of evenings before the last one."""
        past = list(self._tables(VoiceItem.sk.between(f"{month}#", f"{month}#{rfc3339(now)}")))
        for row in past[1:]:
            row.delete()

    def _tables(self, which: Condition) -> Iterator[VoiceItem]:
        return VoiceItem.query(TABLE, which, scan_index_forward=False, page_size=2)


def _from(voice: Voice) -> tuple[str, str]:
    return f"from#{voice.source_key}", placed_key(voice)


def _item(voice: Voice, event: Event | None, now: datetime) -> VoiceItem:
    placed = placed_key(voice)
    item = VoiceItem(voice.id, VOICE, body=voice.model_dump_json(exclude_defaults=True), rev=voice.rev)
    item.desk, item.placed = f"{voice.department or UNROUTED}#{voice.shelf}", placed
    item.ground, item.place = voice.shelf, f"{ground_prefix(voice.path)}#{placed}"
    if event is not None:
        item.event = raise_event(event, now)
    due = voice.due_at(now)
    if due is not None:
        item.due_key, item.due_at = DUE, f"{rfc3339(due)}#{voice.id}"
    return item


def _count(transaction: TransactWrite, before: Voice | None, after: Voice) -> None:
    """Adds what a voice is to the counts, and marks what must be folded anew. A fact that is as it was is not
    written."""
    old = cells_of(before) if before is not None else {}
    new = cells_of(after)
    for cell in sorted(old.keys() | new.keys(), key=lambda one: one.name):
        if old.get(cell) == new.get(cell):
            continue
        pk = f"facts#{cell.month}#{cell.name}"
        if cell in new:
            transaction.save(_row(pk, after.id, new[cell]))
        else:
            transaction.delete(VoiceItem(pk, after.id))
        transaction.save(VoiceItem(DIRTY, f"{cell.month}#{cell.name}#{after.id}", rev=after.rev))


def _row(pk: str, sk: str, kept: BaseModel) -> VoiceItem:
    return VoiceItem(pk, sk, body=kept.model_dump_json())


def _read(kind: type[Kept], row: VoiceItem) -> Kept:
    return kind.model_validate_json(row.body or "{}")


def _rows(kind: type[Kept], rows: Mapping[str, VoiceItem], begins: str) -> list[Kept]:
    return [_read(kind, row) for sk, row in sorted(rows.items()) if sk.startswith(begins)]


def _get(pk: str, sk: str) -> VoiceItem | None:
    try:
        return VoiceItem.get(pk, sk, consistent_read=True)
    except DoesNotExist:
        return None


def _batch(kind: type[Kept], keys: Iterable[tuple[str, str]], now: float = 0) -> dict[str, Kept]:
    wanted, found = list(dict.fromkeys(keys)), {}
    for first in range(0, len(wanted), 100):
        for row in VoiceItem.batch_get(wanted[first : first + 100], consistent_read=True):
            if _holds(row, now):
                found[row.pk] = _read(kind, row)
    return found


def _holds(row: VoiceItem, now: float) -> bool:
    """Whether a row is still to be seen: DynamoDB takes it away up to two days after its time; a time that is
    set later leaves a row with nothing in it."""
    until: float | None = row.expires
    return bool(row.body) and (until is None or until > now)


def _key(after: Position | None) -> dict[str, Any] | None:
    return {name: {"S": value} for name, value in after.items()} if after else None


def _put_again(row: VoiceItem) -> None:
    """Writes a row that is there still."""
    _quietly(lambda: row.save(condition=VoiceItem.body == row.body))


def _quietly(write: Any) -> bool:  # noqa: ANN401 - a call of PynamoDB's
    """Whether a conditional write took effect."""
    try:
        write()
    except (PutError, DeleteError) as refused:
        if refused.cause_response_code != REFUSED:
            raise
        return False
    return True
