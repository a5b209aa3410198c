"""Policies and appeals in the table `policies`.

    pk        sk               what                                                       read by
    policies  <policy>         a policy: names, which version holds from when; `rev`      key, query
    pol_…     v#<number, 4>    one version, as it was written                             key, batch, query
    inf_…     appeal#<appeal>  an appeal as JSON; `listed`, `place` for the list; `rev`,  key, query
                               `event` for the outbox
    inf_…     open#<subject>   the appeal that is open about this one thing               a condition

Index `by_place` (listed, place): appeals that are open, or answered, by the ids of their person's area, then
by time: those of an area and of all below begin alike. The id of an appeal names its person:
`apl_<inf>_<random>`.

Access, in request units (a version is 1 to 4 KB, an appeal about 2 KB in Devanagari):
    list of policies  1 query of all of them: few; 0.5 r for 4 KB
    a person's tier   the list, 1 read of the person, 1 query of their posts, a batch of the versions in force
    write, start      1 transaction: the policy (and its version), two items of the audit
    open an appeal    1 transaction: appeal and index entry, its claim, two items of the audit
    answer            the same; of a review the person's profile and roster row besides
    list of appeals   1 query a page of the index
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.transactions import TransactWrite

from chalicelib.clock import rfc3339
from chalicelib.events.catalog import Event
from chalicelib.events.outbox import raise_event
from chalicelib.lists import prefix_of
from chalicelib.policies.appeal import Appeal, State, person_of
from chalicelib.policies.model import Policy, Version
from chalicelib.tables import Table, TableName

MOST_KEPT = 500
POLICIES, VERSION, APPEAL, OPEN = "policies", "v#", "appeal#", "open#"
Position = dict[str, Any]


class ByPlace(GlobalSecondaryIndex["Record"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by_place"
        projection = AllProjection()

    listed = UnicodeAttribute(hash_key=True)
    place = UnicodeAttribute(range_key=True)


class Record(Table):
    class Meta:
        table_name = TableName("policies")

    by_place = ByPlace()
    listed = UnicodeAttribute(null=True)
    place = UnicodeAttribute(null=True)
    body = UnicodeAttribute()
    rev = NumberAttribute(null=True)
    event = UnicodeAttribute(null=True)


@dataclass(frozen=True)
class PolicyStore:
    """Versions that were read are kept: none that was written changes."""

    _versions: dict[tuple[str, int], Version] = field(default_factory=dict)

    # --- policies

    def policies(self) -> list[Policy]:
        """All of them."""
        return [Policy.model_validate_json(row.body) for row in Record.query(POLICIES, consistent_read=True)]

    def policy(self, policy: str) -> Policy | None:
        """The policy, read consistently."""
        row = _get(POLICIES, policy)
        return Policy.model_validate_json(row.body) if row else None

    def version(self, policy: str, number: int) -> Version | None:
        return self.many([(policy, number)]).get((policy, number))

    def many(self, wanted: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Version]:
        """These versions (up to 100), by policy and number."""
        kept = {one: self._versions[one] for one in wanted if one in self._versions}
        keys = [(policy, _version(number)) for policy, number in wanted if (policy, number) not in kept]
        rows = Record.batch_get(keys, consistent_read=True) if keys else ()
        found = (Version.model_validate_json(row.body) for row in rows)
        read = {(one.policy, one.number): one for one in found}
        if len(self._versions) < MOST_KEPT:
            self._versions.update(read)
        return kept | read

    def versions(self, policy: str) -> list[Version]:
        """All versions of a policy, the first one first."""
        rows = Record.query(policy, Record.sk.startswith(VERSION), consistent_read=True)
        return [Version.model_validate_json(row.body) for row in rows]

    def put_policy(self, transaction: TransactWrite, policy: Policy) -> None:
        """Adds a policy as it became; refused when somebody else has changed it."""
        _put(transaction, Record(POLICIES, policy.id), policy, policy.rev)

    def put_version(self, transaction: TransactWrite, version: Version) -> None:
        """Adds a new version; none that was written changes."""
        item = Record(version.policy, _version(version.number), body=version.model_dump_json())
        transaction.save(item, condition=Record.pk.does_not_exist())

    # --- appeals

    def appeal(self, appeal: str) -> Appeal | None:
        """The appeal, read consistently."""
        person = person_of(appeal)
        row = _get(person, f"{APPEAL}{appeal}") if person else None
        return Appeal.model_validate_json(row.body) if row else None

    def put_appeal(self, transaction: TransactWrite, appeal: Appeal, event: Event) -> None:
        """Adds an appeal as it became: refused when somebody else has changed it, or another one is open
        about the same."""
        item = _filed(appeal)
        item.event = raise_event(event, appeal.answered_at or appeal.opened_at)
        _put(transaction, item, appeal, appeal.rev)
        claim = Record(appeal.person, f"{OPEN}{appeal.place}", body=appeal.id)
        if appeal.state == "open":
            transaction.save(claim, condition=Record.pk.does_not_exist())
        else:
            transaction.delete(claim, condition=Record.body == appeal.id)

    def refile(self, appeal: str, path: Sequence[str]) -> None:
        """Files an appeal under another path, as it is now, and tells no event; nothing when it lies there,
        or somebody changes it at the same moment."""
        seen = self.appeal(appeal)
        if seen is None or seen.path == tuple(path):
            return
        after = seen.model_copy(update={"path": tuple(path), "rev": seen.rev + 1})
        item = _filed(after)
        item.body, item.rev = _body(after), after.rev
        try:
            item.save(condition=Record.rev == seen.rev)
        except PutError as refused:
            if refused.cause_response_code != "ConditionalCheckFailedException":
                raise

    def of_person(self, person: str) -> list[Appeal]:
        """All appeals of a person."""
        rows = Record.query(person, Record.sk.startswith(APPEAL), consistent_read=True)
        return [Appeal.model_validate_json(row.body) for row in rows]

    def listed(
        self, state: State, prefix: str, after: Mapping[str, str] | None, page: int
    ) -> Iterator[tuple[Appeal, dict[str, str]]]:
        """Appeals in a state whose place begins so, behind the place `after`; each with its own."""
        start: Any = {name: {"S": value} for name, value in after.items()} if after else None
        begins = ByPlace.place.startswith(prefix) if prefix else None
        for row in Record.by_place.query(state, begins, last_evaluated_key=start, page_size=page):
            place = {"pk": row.pk, "sk": row.sk, "listed": state, "place": row.place or ""}
            yield Appeal.model_validate_json(row.body), place

    def forget(self, person: str) -> None:
        """Takes away all that is kept of a person."""
        for row in list(Record.query(person, consistent_read=True)):
            row.delete()


def _filed(appeal: Appeal) -> Record:
    """Where an appeal lies."""
    place = f"{prefix_of(appeal.path)}{rfc3339(appeal.opened_at)}#{appeal.id}"
    return Record(appeal.person, f"{APPEAL}{appeal.id}", listed=appeal.state, place=place)


def _body(record: BaseModel) -> str:
    return record.model_dump_json(exclude_defaults=True)


def _version(number: int) -> str:
    return f"{VERSION}{number:04d}"


def _get(pk: str, sk: str) -> Record | None:
    try:
        return Record.get(pk, sk, consistent_read=True)
    except DoesNotExist:
        return None


def _put(transaction: TransactWrite, item: Record, record: BaseModel, rev: int) -> None:
    item.body, item.rev = _body(record), rev
    transaction.save(item, condition=Record.pk.does_not_exist() if rev == 1 else Record.rev == rev - 1)
