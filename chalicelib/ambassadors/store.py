"""Appointments and invitations in the table `ambassadors`.

    pk                      sk           what                                                    read by
    amb_…                   appointment  an appointment as JSON; `list_key`, `place`; `rev`       key, batch
    inf_…                   card         what of a person stands, ids of all they had; `rev`      key, batch
    code#<letter's code>    -            whose letter it is: appointment and person               key
    inv_…                   invitation   an invitation as JSON; `list_key`, `place`; `rev`        key
    waiting                 <time>#<id>  which invitation was made then, for the sweep                 query
    address#<kind>#<hash>   -            which invitation went to this address: one for ever      key

Index `by_place` (list_key, place): `open`, `ended` and `invitation`, each by the ids of its area's path, then
its own id: those of an area and of all below begin alike.

Access, in request units (an appointment is about half a KB, a card less):
    one appointment     1 r, consistent
    appoint, renew, end 1 r each of person, card, appointment; 1 transaction: appointment with its index
                        entry, card, (once) the letter, a check of the person, two items of the audit
    a letter            3 r: its code, the appointment, the person
    list                1 query a page of the index: half a unit for 4 KB
    shortlist           half a unit a card, 100 a request
    invite              1 transaction: the invitation with its index entry, a claim and two checks for each
                        address, two items of the audit; when it is sent 2 r and 1 w
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.transactions import TransactWrite

from chalicelib.ambassadors.invitation import Invitation
from chalicelib.ambassadors.model import Appointment, Card
from chalicelib.clock import rfc3339
from chalicelib.lists import prefix_of
from chalicelib.tables import Table, TableName

APPOINTMENT, CARD, ALONE = "appointment", "card", "-"
OPEN, ENDED, INVITATION = "open", "ended", "invitation"
WAITING = "waiting"
BATCH = 100
Position = dict[str, Any]


class ByPlace(GlobalSecondaryIndex["Record"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by_place"
        projection = AllProjection()

    list_key = UnicodeAttribute(hash_key=True)
    place = UnicodeAttribute(range_key=True)


class Record(Table):
    class Meta:
        table_name = TableName("ambassadors")

    by_place = ByPlace()
    list_key = UnicodeAttribute(null=True)
    place = UnicodeAttribute(null=True)
    body = UnicodeAttribute(null=True)
    rev = NumberAttribute(null=True)


class AmbassadorStore:
    # --- appointments

    def find(self, appointment: str) -> Appointment | None:
        """The appointment, read consistently."""
        row = _get(appointment, APPOINTMENT)
        return Appointment.model_validate_json(row.body or "") if row else None

    def many(self, ids: Iterable[str]) -> list[Appointment]:
        """Those of these appointments that there are, the first made first."""
        rows = _batch(((one, APPOINTMENT) for one in ids), consistent=True)
        found = (Appointment.model_validate_json(row.body or "") for row in rows)
        return sorted(found, key=lambda one: (one.at, one.id))

    def letter(self, code: str) -> tuple[str, str] | None:
        """The appointment whose letter has this code, and its person."""
        row = _get(f"code#{code}", ALONE)
        appointment, _, influencer = (row.body or "").partition(" ") if row else ("", "", "")
        return (appointment, influencer) if appointment else None

    def card(self, influencer: str) -> Card:
        """What there is of a person, read consistently; an empty card when nothing is."""
        row = _get(influencer, CARD)
        return Card.model_validate_json(row.body or "") if row else Card(influencer=influencer)

    def cards(self, influencers: Sequence[str]) -> dict[str, Card]:
        """The cards of those of these people who have one; they may be a second old."""
        rows = _batch((one, CARD) for one in influencers)
        return {row.pk: Card.model_validate_json(row.body or "") for row in rows}

    def write(self, transaction: TransactWrite, after: Appointment, card: Card) -> None:
        """Adds an appointment as it became, new with its letter, and its person's card; refused when either
        was changed meanwhile."""
        new = after.rev == 1
        if new:
            letter = Record(f"code#{after.code}", ALONE, body=f"{after.id} {after.influencer}")
            transaction.save(letter, condition=Record.pk.does_not_exist())
        same = Record.pk.does_not_exist() if new else Record.rev == after.rev - 1
        transaction.save(_item(after), condition=same)
        body = card.model_dump_json(exclude_defaults=True)
        seen = Record.pk.does_not_exist() if card.rev == 1 else Record.rev == card.rev - 1
        transaction.save(Record(card.influencer, CARD, body=body, rev=card.rev), condition=seen)

    # --- areas that move

    def placed(self, list_key: str, prefix: str) -> Iterator[Appointment | Invitation]:
        """All of one list whose place begins so."""
        kind = Invitation if list_key == INVITATION else Appointment
        for row, _ in _walk(list_key, prefix, None, BATCH):
            yield kind.model_validate_json(row.body or "")

    def refile(self, ident: str, path: Sequence[str]) -> None:
        """Files an appointment or invitation under another path, as it is now; nothing when it lies there, or
        somebody changes it at the same moment. Whoever has read it before has to read it again."""
        seen = self.find(ident) or self.invitation(ident)
        if seen is None or seen.path == tuple(path):
            return
        after = seen.model_copy(update={"path": tuple(path), "rev": seen.rev + 1})
        item = _invitation(after) if isinstance(after, Invitation) else _item(after)
        try:
            item.save(condition=Record.rev == seen.rev)
        except PutError as refused:
            if refused.cause_response_code != "ConditionalCheckFailedException":
                raise

    # --- lists

    def listed(
        self, list_key: str, prefix: str, after: Position | None, page: int
    ) -> Iterator[tuple[Appointment, Position]]:
        """Appointments whose place begins so, behind the place `after`; each with its own."""
        for row, place in _walk(list_key, prefix, after, page):
            yield Appointment.model_validate_json(row.body or ""), place

    # --- invitations

    def invitation(self, invitation: str) -> Invitation | None:
        """The invitation, read consistently."""
        row = _get(invitation, INVITATION)
        return Invitation.model_validate_json(row.body or "") if row else None

    def invitation_to(self, kind: str, hashed: str) -> str | None:
        """Which invitation went to this address, or is to."""
        row = _get(_address_key(kind, hashed), ALONE)
        return row.body if row else None

    def put_invitation(self, transaction: TransactWrite, made: Invitation, hashed: Mapping[str, str]) -> None:
        """Adds a new invitation, with the claims of its addresses (hash by kind): refused when one of them
        was invited before."""
        for kind, digest in hashed.items():
            claim = Record(_address_key(kind, digest), ALONE, body=made.id)
            transaction.save(claim, condition=Record.pk.does_not_exist())
        transaction.save(_invitation(made), condition=Record.pk.does_not_exist())
        transaction.save(Record(WAITING, f"{rfc3339(made.at)}#{made.id}", body=made.id))

    def waiting_since(self, before: datetime, limit: int) -> Iterator[tuple[str, str]]:
        """Invitations made before then that nobody has looked at since, the oldest first: where each is
        noted, and its id."""
        rows = Record.query(WAITING, Record.sk < rfc3339(before), limit=limit, consistent_read=True)
        return ((row.sk, row.body or "") for row in rows)

    def looked_at(self, place: str) -> None:
        """Takes such a note away."""
        Record(WAITING, place).delete()

    def change_invitation(self, after: Invitation) -> bool:
        """An invitation as it became; False when somebody else has changed it."""
        try:
            _invitation(after).save(condition=Record.rev == after.rev - 1)
        except PutError as refused:
            if refused.cause_response_code != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def invitations(
        self, prefix: str, after: Position | None, page: int
    ) -> Iterator[tuple[Invitation, Position]]:
        """Invitations whose place begins so, behind the place `after`; each with its own."""
        for row, place in _walk(INVITATION, prefix, after, page):
            yield Invitation.model_validate_json(row.body or ""), place


def _address_key(kind: str, hashed: str) -> str:
    return f"address#{kind}#{hashed}"


def _invitation(one: Invitation) -> Record:
    return Record(
        one.id,
        INVITATION,
        list_key=INVITATION,
        place=f"{prefix_of(one.path)}{one.id}",
        body=one.model_dump_json(exclude_defaults=True),
        rev=one.rev,
    )


def _item(one: Appointment) -> Record:
    return Record(
        one.id,
        APPOINTMENT,
        list_key=OPEN if one.ended_at is None else ENDED,
        place=f"{prefix_of(one.path)}{one.id}",
        body=one.model_dump_json(exclude_defaults=True),
        rev=one.rev,
    )


def _walk(list_key: str, prefix: str, after: Position | None, page: int) -> Iterator[tuple[Record, Position]]:
    begins = ByPlace.place.startswith(prefix) if prefix else None
    for row in Record.by_place.query(list_key, begins, last_evaluated_key=after, page_size=page):
        place = {"pk": row.pk, "sk": row.sk, "list_key": list_key, "place": row.place or ""}
        yield row, {name: {"S": value} for name, value in place.items()}


def _get(pk: str, sk: str) -> Record | None:
    try:
        return Record.get(pk, sk, consistent_read=True)
    except DoesNotExist:
        return None


def _batch(keys: Iterable[tuple[str, str]], *, consistent: bool = False) -> Iterator[Record]:
    wanted = list(dict.fromkeys(keys))
    for begin in range(0, len(wanted), BATCH):
        yield from Record.batch_get(wanted[begin : begin + BATCH], consistent_read=consistent)
