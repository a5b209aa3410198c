"""People and the roster in DynamoDB.

Table `people`:
    inf_…                     profile  the person as JSON; `status_key`, `area_key` for the list; `rev`,
                                       `event` for the outbox; `expires` until verified. Whoever is only
                                       invited has an id made from the number
    inf_…                     code     hash of the code sent last, its tries, its end
    sgn_…                     code     the same for one sign-in, and whose it is
    inf_…                     consent#<purpose>#<channel>#<time>   what was given or taken back; the evidence
                                       (of changes since the signup with `#<rev>` behind the time)
    inf_…                     followers#<platform>#<name>   when this account's followers are counted next
    phone#<keyed hash>        claim    whose number it is: `proven`, or only `stated`
    handle#<platform>#<name>  claim    whose account it is: `proven`, or only `stated`
    account#<platform>#<id>   claim    the same by the platform's own id, once it is proven
    proof#<code>              -        whose account, and which, the code in its own words is to prove
    telegram#<chat>           claim    whose chat it is
    email#<keyed hash>        claim    whose email address it is: always proven
    suppressed#<kind>#<hash>  -        whether an address has said STOP, when it last spoke, and the callback
                                       that made the last change; `proof` = `erased`: whoever had it asked to
                                       be forgotten, and nobody invites it again
    inf_…                     erased   what is still to be forgotten of somebody, and when to go on; `rev`,
                                       `event`; gone when all is. `status_key` = `erasing`
    past#<kind>#<hash>        consent#…  what somebody who was erased had agreed to, under no id; `expires`
    alias#<keyed hash>        -        the hash of the number of who also writes under a platform's own id
    link#<hash of the token>  -        the signup that a Telegram deep link belongs to
Index `by_status`: `status_key` = the state, `area_key` = the ids of the area's path, then the person's id.
Index `by_platform`: `on_platform` = the platform, `due_at`: accounts of people on the register.
Table `roster`: pk <district>, `IN` or `ST#<state>`; sk <ids below the district joined by />#<inf_…>.

Access, in request units (a profile is about 1 KB, 2 in Devanagari with many handles):
    sign up           1 transaction: the profile, its index entry, a deep link
    verify            1 batch read (a unit an item), 1 transaction (2 units a KB and item)
    import            3 reads a person (consistent), 1 transaction for 25: 3 items each
    approve, suspend  1 read, 1 transaction: profile, roster row, two items of the audit
    contacts          1 BatchGetItem for 25 people: 25 read units (consistent, to 4 KB each), no index
    roster page       32 rows a read unit
    list              1 query a page of the index, half a unit for 4 KB; the filters run here
    erase             1 read, 1 batch read, 1 transaction: the profile, what it claimed, the audit's two items
    followers         an account a week: a share of 1 query, 1 read, 1 transaction (profile, roster), 1 write
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DeleteError, TransactWriteError, UpdateError
from pynamodb.expressions.condition import And, Condition
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.transactions import TransactWrite

from chalicelib.clock import rfc3339
from chalicelib.errors import Transient
from chalicelib.events.catalog import Event
from chalicelib.events.outbox import raise_event
from chalicelib.influencers.model import Consent, Influencer
from chalicelib.influencers.roster import key_of, pack
from chalicelib.tables import Table, TableName, failed_conditions, is_passing

REFUSED = "ConditionalCheckFailedException"
PROFILE, CODE, CLAIM, ALONE = "profile", "code", "claim", "-"
TRIES = 6
"""How often a write is tried again when another writer was quicker."""
SHORTEST_PAUSE_S = 0.01


Done = TypeVar("Done")


class ByStatus(GlobalSecondaryIndex["ProfileItem"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by_status"
        projection = AllProjection()

    status_key = UnicodeAttribute(hash_key=True)
    area_key = UnicodeAttribute(range_key=True)


class ProfileItem(Table):
    class Meta:
        table_name = TableName("people")

    by_status = ByStatus()
    status_key = UnicodeAttribute()
    area_key = UnicodeAttribute()
    person = UnicodeAttribute()
    rev = NumberAttribute()
    event = UnicodeAttribute(null=True)
    expires = NumberAttribute(null=True)


class CodeItem(Table):
    class Meta:
        table_name = TableName("people")

    owner = UnicodeAttribute(null=True)
    nonce = UnicodeAttribute()
    digest = UnicodeAttribute()
    tries = NumberAttribute()
    until = NumberAttribute()
    expires = NumberAttribute()


class ConsentItem(Table):
    class Meta:
        table_name = TableName("people")

    given = BooleanAttribute()
    notice_version = UnicodeAttribute(null=True)
    language = UnicodeAttribute()
    at = UnicodeAttribute()
    evidence = UnicodeAttribute()
    expires = NumberAttribute(null=True)


class ByDue(GlobalSecondaryIndex["ErasedItem"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by_status"
        projection = AllProjection()

    status_key = UnicodeAttribute(hash_key=True)
    area_key = UnicodeAttribute(range_key=True)


class ErasedItem(Table):
    class Meta:
        table_name = TableName("people")

    by_due = ByDue()
    status_key = UnicodeAttribute()
    area_key = UnicodeAttribute()
    left = JSONAttribute()
    at = UnicodeAttribute()
    rev = NumberAttribute()
    event = UnicodeAttribute()


class OwnedItem(Table):
    """A claim, a suppression, a deep link or a code of proof: read together, so one class for all."""

    class Meta:
        table_name = TableName("people")

    owner = UnicodeAttribute(null=True)
    proof = UnicodeAttribute(null=True)
    account = UnicodeAttribute(null=True)
    stopped = BooleanAttribute(null=True)
    at = UnicodeAttribute(null=True)
    evidence = UnicodeAttribute(null=True)
    expires = NumberAttribute(null=True)


class ByPlatform(GlobalSecondaryIndex["FollowersItem"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by_platform"
        projection = KeysOnlyProjection()

    on_platform = UnicodeAttribute(hash_key=True)
    due_at = UnicodeAttribute(range_key=True)


class FollowersItem(Table):
    class Meta:
        table_name = TableName("people")

    by_platform = ByPlatform()
    on_platform = UnicodeAttribute()
    due_at = UnicodeAttribute()


class RosterItem(Table):
    class Meta:
        table_name = TableName("roster")

    l = UnicodeAttribute()  # noqa: E741 - one letter a name: the row is read a million times
    t = UnicodeAttribute(null=True)
    f = UnicodeAttribute(null=True)
    n = UnicodeAttribute(null=True)
    p = UnicodeAttribute(null=True)
    g = UnicodeAttribute(null=True)
    c = UnicodeAttribute(null=True)
    v = UnicodeAttribute(null=True)
    z = UnicodeAttribute(null=True)


def as_seen(item: OwnedItem | None) -> Condition:
    """That an item is still as it was read, or still absent."""
    if item is None:
        return OwnedItem.pk.does_not_exist()
    known = OwnedItem.owner == item.owner if item.owner else OwnedItem.stopped == item.stopped
    return And(known, OwnedItem.at == item.at)


def write_person(
    transaction: TransactWrite, before: Influencer, after: Influencer, event: Event | None, at: datetime
) -> None:
    """Adds the profile as it became, on condition that it is still `before`, and what follows from it: the
    roster row, and which accounts' followers are counted."""
    transaction.save(profile_of(after, event, at), condition=ProfileItem.rev == before.rev)
    for platform, handle in after.counted - before.counted:
        key = followers_key(platform, handle)
        transaction.save(FollowersItem(after.id, key, on_platform=platform, due_at=rfc3339(at)))
    for platform, handle in before.counted - after.counted:
        transaction.delete(FollowersItem(before.id, followers_key(platform, handle)))
    was, now = key_of(before.area_path, before.id), key_of(after.area_path, after.id)
    if before.status == "approved" and (after.status != "approved" or was != now):
        transaction.delete(RosterItem(*was))
    if after.status == "approved":
        facts: dict[str, Any] = pack(after)
        transaction.save(RosterItem(*now, **facts))


def profile_of(
    person: Influencer, event: Event | None, at: datetime, expires: int | None = None
) -> ProfileItem:
    """The item of a person, with what it tells the bus."""
    return ProfileItem(
        person.id,
        PROFILE,
        status_key=person.status,
        area_key=person.area_key,
        person=person.model_dump_json(exclude_defaults=True),
        rev=person.rev,
        event=raise_event(event, at) if event else None,
        expires=expires,
    )


def person_of(item: ProfileItem) -> Influencer:
    """The person in an item."""
    return Influencer.model_validate_json(item.person).identified()


def consent_row(
    person: Influencer, consent: Consent, *, given: bool, at: datetime, evidence: str
) -> ConsentItem:
    """What a person gave or took back at that moment, and what shows it."""
    return ConsentItem(
        person.id,
        f"consent#{consent.purpose}#{consent.channel}#{rfc3339(at)}",
        given=given,
        notice_version=consent.notice_version or None,
        language=person.language,
        at=rfc3339(at),
        evidence=evidence,
    )


def give_back(transaction: TransactWrite, key: str, owner: str) -> None:
    """Adds to a transaction that a claim ends; it must still be the owner's."""
    transaction.delete(OwnedItem(key, CLAIM), condition=OwnedItem.owner == owner)


def handle_key(platform: str, handle: str) -> str:
    return f"handle#{platform}#{handle}"


def account_key(platform: str, account: str) -> str:
    return f"account#{platform}#{account}"


def followers_key(platform: str, handle: str) -> str:
    return f"followers#{platform}#{handle}"


def link_key(token: str) -> str:
    return f"link#{hashlib.sha256(token.encode()).hexdigest()}"


def again(once: Callable[[], Done]) -> Done:
    """Reads, decides and writes; anew while another writer was quicker. Raises Transient in the end."""
    for attempt in range(TRIES):
        try:
            return once()
        except TransactWriteError as error:
            if not failed_conditions(error) and not is_passing(error):
                raise
            time.sleep(random.uniform(0, SHORTEST_PAUSE_S * 2**attempt))
    raise Transient


@contextmanager
def or_nothing() -> Iterator[None]:
    """A write that does nothing where its condition does not hold: another pass was quicker."""
    try:
        yield
    except (UpdateError, DeleteError) as refused:
        if refused.cause_response_code != REFUSED:
            raise
