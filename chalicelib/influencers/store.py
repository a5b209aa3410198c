"""People in DynamoDB; chalicelib/influencers/rows.py draws the tables and their costs."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pynamodb.exceptions import DeleteError, DoesNotExist, PutError, TransactWriteError, UpdateError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.clock import parse_rfc3339, rfc3339
from chalicelib.errors import Rejected
from chalicelib.events.catalog import Event, HandleContested
from chalicelib.events.outbox import raise_event
from chalicelib.handles import is_id
from chalicelib.influencers.claims import Held, Loser, OwnersClaim, Proof, Taken, Takeover
from chalicelib.influencers.model import ADDRESS_KIND, Consent, Influencer, StateRefused, Status
from chalicelib.influencers.roster import key_of, pack
from chalicelib.influencers.rows import (
    ALONE,
    CLAIM,
    CODE,
    PROFILE,
    REFUSED,
    ByDue,
    ByStatus,
    CodeItem,
    ConsentItem,
    ErasedItem,
    FollowersItem,
    OwnedItem,
    ProfileItem,
    RosterItem,
    account_key,
    again,
    as_seen,
    consent_row,
    followers_key,
    give_back,
    handle_key,
    link_key,
    or_nothing,
    person_of,
    profile_of,
    write_person,
)
from chalicelib.ports import Area, Loses, Shown, holding_department
from chalicelib.proving import HeldByAnother, ProvenByAnother
from chalicelib.tables import failed_conditions, is_passing, write_together

ERASED, ERASING, ERASURE = "erased", "erasing", "erasure"
OUR_EVIDENCE = (
    "code over ",
    "deep link",
    "link by email",
    "one click in ",
    "own page",
    "platform ",
    "withdrawal",
    ERASURE,
)
"""How the evidence of a consent or STOP begins that is our own word; any other is a platform's id."""
FORGOTTEN_BY_EVENT_WITHIN = timedelta(hours=1)
"""What the event has not brought about by then, the hour's sweep does."""
DISTRICT = 3
"""Parts of an area's path down to the district."""
PAST_KEPT_S = 3 * 366 * 24 * 3600
"""How long the proof of a consent outlives its person (docs/privacy.md)."""
NEVER = "1970-01-01T00:00:00Z"
"""When an address spoke that has not: any word that comes later counts."""
MOST_TRIES_OF_A_CODE = 5
INVITED_AT_ONCE = 25
"""People of one transaction, which takes 100 items."""


class NoCode(Rejected):
    status = 409
    code = "code_expired"
    message = "There is no valid code any more. Please ask for a new one."


class TriesUsedUp(Rejected):
    status = 409
    code = "code_used_up"
    message = "The code was wrong five times. Please ask for a new one."


@dataclass(frozen=True)
class Word:
    """What an address has said last: whether STOP, when, and by what it last changed."""

    stopped: bool = False
    at: str = ""
    evidence: str = ""


@dataclass(frozen=True)
class KnownPhone:
    """What there is of a number: whether it said STOP, whether somebody gave it as theirs, and who was
    invited by it."""

    stopped: bool = False
    held: bool = False
    invited: Influencer | None = None


@dataclass(frozen=True)
class Left:
    """What is needed to forget the rest of somebody whose profile is gone: hashes and ids alone."""

    person: str
    at: str
    rev: int
    hashes: Mapping[str, str]
    """The keyed hash of each address that was theirs, by its kind."""
    sources: tuple[str, ...] = ()
    """What stands for their addresses where voices are kept."""
    path: tuple[str, ...] = ()
    """Where they lived, down to the district: groups that they looked after are near."""


@dataclass(frozen=True)
class PeopleStore:
    """Reads and writes people, and whose an account is. `keyed_hash` stands for an address in keys."""

    keyed_hash: Callable[[str], str]
    department_loses: Loses = lambda owner, platform, handle: None

    # --- signup

    def add_unverified(
        self,
        person: Influencer,
        event: Event,
        *,
        at: datetime,
        expires: int,
        link: str | None = None,
        link_expires: int = 0,
    ) -> None:
        """Stores a signup that reserves nothing, and the deep link that proves it."""
        with write_together() as transaction:
            transaction.save(
                profile_of(person, event, at, expires), condition=ProfileItem.pk.does_not_exist()
            )
            if link:
                transaction.save(self._link(link, person.id, link_expires))

    def add_link(self, token: str, influencer_id: str, expires: int) -> None:
        self._link(token, influencer_id, expires).save()

    def linked(self, token: str, now: float) -> str | None:
        """The signup behind a deep link's token, while it holds."""
        try:
            item = OwnedItem.get(link_key(token), ALONE, consistent_read=True)
        except DoesNotExist:
            return None
        return item.owner if (item.expires or 0) > now else None

    def put_code(
        self, subject: str, *, nonce: str, digest: str, until: int, owner: str | None = None
    ) -> bool:
        """Makes a code the only valid one, with five tries; False when a later one is valid already. The same
        `nonce` again changes nothing: the message that asks for it may come twice, and its tries must not
        begin anew."""
        item = CodeItem(subject, CODE, nonce=nonce, digest=digest, tries=0, until=until, expires=until)
        item.owner = owner
        try:
            newer = (CodeItem.nonce != nonce) & (CodeItem.until <= until)
            item.save(condition=CodeItem.pk.does_not_exist() | newer)
        except PutError as refused:
            if refused.cause_response_code != REFUSED:
                raise
        else:
            return True
        try:
            return CodeItem.get(subject, CODE, consistent_read=True).nonce == nonce
        except DoesNotExist:
            return False

    def spend_try(self, subject: str, now: float) -> tuple[str, str]:
        """Counts a try and gives the hash of the valid code, and whose sign-in it is. Raises NoCode or
        TriesUsedUp."""
        item = CodeItem(subject, CODE)
        fresh = (CodeItem.tries < MOST_TRIES_OF_A_CODE) & (CodeItem.until > now)
        try:
            item.update(actions=[CodeItem.tries.add(1)], condition=fresh)
        except UpdateError as refused:
            if refused.cause_response_code != REFUSED:
                raise
        else:
            return item.digest, item.owner or ""
        try:
            seen = CodeItem.get(subject, CODE, consistent_read=True)
        except DoesNotExist:
            raise NoCode from None
        raise NoCode if seen.until <= now else TriesUsedUp

    def end_code(self, subject: str) -> None:
        """Takes a code away. Raises NoCode when it was used meanwhile."""
        try:
            CodeItem(subject, CODE).delete(condition=CodeItem.pk.exists())
        except DeleteError as refused:
            if refused.cause_response_code != REFUSED:
                raise
            raise NoCode from refused

    def verify(self, influencer_id: str, proof: Proof, event: Callable[[Influencer], Event]) -> Influencer:
        """unverified -> pending_review, with everything claimed in one transaction; the person as it is now.

        A proven number beats one that was only stated: the other person keeps the account without it. A
        stated number or handle that another person holds is not claimed. Raises Taken when the proven address
        itself is another's, StateRefused, or KeyError when there is no such person.
        """

        def once() -> Influencer:
            person = self.person(influencer_id)
            held = self._held(person, proof)
            after = person.moved(
                "pending_review", verified_at=rfc3339(proof.at), **held.outcome(person, proof)
            )
            with write_together() as transaction:
                held.write(transaction, after, proof)
                write_person(transaction, person, after, event(after), proof.at)
                for consent in after.consents:
                    transaction.save(
                        consent_row(after, consent, given=True, at=proof.at, evidence=proof.evidence)
                    )
                transaction.delete(CodeItem(influencer_id, CODE))
                if after.phone_proof == "proven":  # who was invited is here now
                    transaction.delete(ProfileItem(self.invited_id(after.phone), PROFILE))
            return after

        return again(once)

    def _held(self, person: Influencer, proof: Proof) -> Held:
        handles = {(h.platform, h.handle): handle_key(h.platform, h.handle) for h in person.handles}
        phone = self._claim_key("phone", person.phone)
        proven = self._claim_key(proof.kind, proof.address)
        stops = {"phone": self._stop_key("phone", person.phone)}
        stops[proof.kind] = self._stop_key(proof.kind, proof.address)
        keys = [(key, CLAIM) for key in {*handles.values(), phone, proven}]
        keys += [(key, ALONE) for key in stops.values()]
        items = {item.pk: item for item in OwnedItem.batch_get(keys, consistent_read=True)}
        held = Held(items, handles, phone, proven, stops)
        owner = items.get(phone)
        if proof.kind == "phone" and owner and owner.proof == "stated" and owner.owner != person.id:
            held.loser = self.person(str(owner.owner))
        return held

    def prove_email(self, influencer_id: str, proof: Proof) -> Influencer:
        """Makes an email that a verified person gave theirs, in the place of the one before: the person as
        it is now.

        The same proof again changes nothing. Raises Taken when somebody else was quicker, StateRefused for
        who is not verified (any more) or has given another address since, or KeyError.
        """
        claim_key = self._claim_key("email", proof.address)
        stop_key = self._stop_key("email", proof.address)

        def once() -> Influencer:
            person = self.person(influencer_id)
            if person.email_proven and person.email == proof.address:
                return person
            unready = person.status in ("invited", "unverified", "withdrawn")
            if unready or proof.address not in (person.email_wanted, person.email):
                raise StateRefused(status=person.status)
            keys = [(claim_key, CLAIM), (stop_key, ALONE)]
            items = {item.pk: item for item in OwnedItem.batch_get(keys, consistent_read=True)}
            claim, stop = items.get(claim_key), items.get(stop_key)
            if claim is not None and claim.owner != person.id:
                raise Taken
            others = person.suppressed - {"email"}
            after = person.changed(
                email=proof.address,
                email_proven=True,
                email_wanted="",
                suppressed=others | {"email"} if stop and stop.stopped else others,
            )
            mine = OwnedItem(
                claim_key,
                CLAIM,
                owner=person.id,
                proof="proven",
                at=rfc3339(proof.at),
                evidence=proof.evidence,
            )
            with write_together() as transaction:
                transaction.save(mine, condition=as_seen(claim))
                before = self._claim_key("email", person.email) if person.email_proven else claim_key
                if before != claim_key:
                    give_back(transaction, before, person.id)
                transaction.condition_check(OwnedItem, stop_key, ALONE, condition=as_seen(stop))
                write_person(transaction, person, after, None, proof.at)
            return after

        return again(once)

    # --- people who were invited

    def invited_id(self, phone: str) -> str:
        """The id of whoever is invited by this number: always the same, telling nothing of the number."""
        digest = bytes.fromhex(self.keyed_hash(f"invited {phone}"))
        return f"inf_{base64.b32encode(digest[:10]).decode('ascii').lower()}"

    def known_phones(self, phones: Sequence[str]) -> dict[str, KnownPhone]:
        """What there is of each of these numbers: three items each, read consistently."""
        if not phones:
            return {}
        keys = {phone: (self._claim_key("phone", phone), self._stop_key("phone", phone)) for phone in phones}
        pairs = [pair for claim, stop in keys.values() for pair in ((claim, CLAIM), (stop, ALONE))]
        owned = {item.pk: item for item in OwnedItem.batch_get(pairs, consistent_read=True)}
        ids = {phone: self.invited_id(phone) for phone in phones}
        profiles = ProfileItem.batch_get([(one, PROFILE) for one in ids.values()], consistent_read=True)
        invited = {item.pk: person_of(item) for item in profiles}
        return {
            phone: KnownPhone(
                stopped=_not_invited(owned.get(stop)),
                held=claim in owned,
                invited=invited.get(ids[phone]),
            )
            for phone, (claim, stop) in keys.items()
        }

    def put_invited(
        self, invited: Sequence[tuple[Influencer | None, Influencer]], at: datetime, expires: int
    ) -> None:
        """Stores people who are invited, each over what was read of them; who was quicker, has said STOP or
        given the number as theirs meanwhile is left as they are.

        One transaction for each 25, and for each alone where one of these was in the way: 3 items a person.
        """
        for begin in range(0, len(invited), INVITED_AT_ONCE):
            some = invited[begin : begin + INVITED_AT_ONCE]
            try:
                self._put_invited(some, at, expires)
            except TransactWriteError as error:
                if not failed_conditions(error) and not is_passing(error):
                    raise
                for one in some:
                    self._put_alone(one, at, expires)

    def _put_alone(self, one: tuple[Influencer | None, Influencer], at: datetime, expires: int) -> None:
        def once() -> None:
            try:
                self._put_invited([one], at, expires)
            except TransactWriteError as error:
                if not failed_conditions(error):
                    raise

        again(once)

    def _put_invited(
        self, invited: Sequence[tuple[Influencer | None, Influencer]], at: datetime, expires: int
    ) -> None:
        with write_together() as transaction:
            for before, after in invited:
                rev = before.rev if before else 0
                item = profile_of(after.model_copy(update={"rev": rev + 1}), None, at, expires)
                there = ProfileItem.rev == rev if before else ProfileItem.pk.does_not_exist()
                transaction.save(item, condition=there)
                self.hold_free(transaction, "phone", after.phone)

    def hold_free(self, transaction: TransactWrite, kind: str, address: str) -> None:
        """Adds to a transaction that this address has not said STOP, nor was somebody's who is to be
        forgotten, and that nobody has given it as theirs."""
        spoke = (OwnedItem.stopped == False) & OwnedItem.proof.does_not_exist()  # noqa: E712 - an expression
        may_write = OwnedItem.pk.does_not_exist() | spoke
        transaction.condition_check(OwnedItem, self._stop_key(kind, address), ALONE, condition=may_write)
        nobodys = OwnedItem.pk.does_not_exist()
        transaction.condition_check(OwnedItem, self._claim_key(kind, address), CLAIM, condition=nobodys)

    # --- one person

    def find(self, influencer_id: str) -> Influencer | None:
        """The person, read consistently."""
        try:
            return person_of(ProfileItem.get(influencer_id, PROFILE, consistent_read=True))
        except DoesNotExist:
            return None

    def person(self, influencer_id: str) -> Influencer:
        """The person; KeyError when there is none."""
        found = self.find(influencer_id)
        if found is None:
            raise KeyError(influencer_id)
        return found

    def hold(self, transaction: TransactWrite, person: Influencer) -> None:
        """Adds to a transaction that this person is still as they were read."""
        same = ProfileItem.rev == person.rev
        transaction.condition_check(ProfileItem, person.id, PROFILE, condition=same)

    def holder_of_phone(self, hashed: str) -> Influencer | None:
        """Who has proven or stated the number with this keyed hash."""
        try:
            claim = OwnedItem.get(f"phone#{hashed}", CLAIM, consistent_read=True)
        except DoesNotExist:
            return None
        return self.find(str(claim.owner))

    def owner_of(self, channel: str, address: str) -> str | None:
        """Who has proven that this address is theirs."""
        try:
            key = self._claim_key(ADDRESS_KIND[channel], address)
            claim = OwnedItem.get(key, CLAIM, consistent_read=True)
        except DoesNotExist:
            return None
        return claim.owner if claim.proof == "proven" else None

    def last_word(self, channel: str, address: str) -> Word:
        """What this address has said last of STOP and START, whoever it belongs to."""
        try:
            item = OwnedItem.get(self._stop_key(ADDRESS_KIND[channel], address), ALONE, consistent_read=True)
        except DoesNotExist:
            return Word()
        return Word(bool(item.stopped), item.at or "", item.evidence or "")

    def hashed(self, kind: str, address: str) -> str:
        """The keyed hash that stands for a number or an email in keys."""
        return self._hashed(kind, address)

    def word_on(self, kind: str, address: str) -> str:
        """See ports.Invitees."""
        keys = [(self._stop_key(kind, address), ALONE), (self._claim_key(kind, address), CLAIM)]
        found = {item.pk: item for item in OwnedItem.batch_get(keys, consistent_read=True)}
        if _not_invited(found.get(keys[0][0])):
            return "opted_out"
        return "joined" if keys[1][0] in found else ""

    def is_stopped(self, channel: str, address: str) -> bool:
        """Whether this address has said STOP, whoever it belongs to."""
        return self.last_word(channel, address).stopped

    def write_change(
        self,
        transaction: TransactWrite,
        before: Influencer,
        after: Influencer,
        event: Event | None,
        at: datetime,
        *,
        evidence: str = "withdrawal",
    ) -> None:
        """Adds a change of one person to a transaction: profile, roster row, the `evidence` of consents that
        were given or taken back by it, and what a withdrawal gives back."""
        write_person(transaction, before, after, event, at)
        if after.status == "withdrawn" and before.status not in ("invited", "unverified"):
            for key in self._claims_of(before):
                transaction.delete(OwnedItem(key, CLAIM), condition=OwnedItem.owner == before.id)
        if before.status in ("invited", "unverified"):
            return
        for given, ones in ((True, after.consents), (False, before.consents)):
            others = before.consents if given else after.consents
            for consent in (one for one in ones if not _agreed(others, one)):
                row = consent_row(after, consent, given=given, at=at, evidence=evidence)
                row.sk = f"{row.sk}#{after.rev}"  # given and taken back within a second are two
                transaction.save(row)

    def _claims_of(self, person: Influencer) -> Iterator[str]:
        if person.phone_proof != "none":
            yield self._claim_key("phone", person.phone)
        if person.chat:
            yield self._claim_key("telegram", person.chat)
        if person.email_proven:
            yield self._claim_key("email", person.email)
        for account in person.handles:
            yield handle_key(account.platform, account.handle)
        known = [one for one in (*person.handles, *person.contested) if one.account]
        yield from dict.fromkeys(account_key(one.platform, one.account) for one in known)

    # --- erasure

    def erasure(
        self, person: Influencer, event: Event, at: datetime, sources: Sequence[str]
    ) -> Callable[[TransactWrite], None]:
        """What adds to a transaction that this person goes, as they were read: the profile, all that it
        claims, their place on the roster; and what is still to be forgotten of them. Nobody invites their
        addresses again; a STOP of theirs stands. 1 batch read."""
        own = {ADDRESS_KIND[channel]: address for channel, address in person.addresses.items()}
        if person.status == "invited":
            own = {"phone": person.phone} | ({"email": person.email} if person.email else {})
        stops = {self._stop_key(kind, address): kind for kind, address in own.items()}
        claims = list(dict.fromkeys(self._claims_of(person)))
        keys = [*((key, ALONE) for key in stops), *((key, CLAIM) for key in claims)]
        found = {item.pk: item for item in OwnedItem.batch_get(keys, consistent_read=True)}
        hashes = {kind: key.rpartition("#")[2] for key, kind in stops.items()}
        rev = int(at.timestamp() * 1000)  # somebody may be invited, and forgotten, under the same id again
        left = ErasedItem(person.id, ERASED, status_key=ERASING, rev=rev, at=rfc3339(at))
        left.area_key = rfc3339(at + FORGOTTEN_BY_EVENT_WITHIN)
        left.event = raise_event(event, at)
        left.left = {
            "hashes": hashes,
            "sources": list(sources),
            "path": list(person.area_path[:DISTRICT]),
        }

        def write(transaction: TransactWrite) -> None:
            transaction.delete(ProfileItem(person.id, PROFILE), condition=ProfileItem.rev == person.rev)
            transaction.delete(CodeItem(person.id, CODE))
            for platform, handle in person.counted:
                transaction.delete(FollowersItem(person.id, followers_key(platform, handle)))
            if person.status == "approved":
                transaction.delete(RosterItem(*key_of(person.area_path, person.id)))
            for key in claims:
                if key in found and found[key].owner == person.id:
                    give_back(transaction, key, person.id)
            for consent in person.consents:
                row = consent_row(person, consent, given=False, at=at, evidence=ERASURE)
                row.sk = f"{row.sk}#{person.rev + 1}"  # given and erased within a second are two
                transaction.save(row)
            for key in stops:
                transaction.save(self._forgotten(key, found.get(key)), condition=as_seen(found.get(key)))
            transaction.save(left)

        return write

    def _forgotten(self, key: str, said: OwnedItem | None) -> OwnedItem:
        """What is kept of an address: that it is not to be invited, and whether it said STOP. By what is
        hashed, since a platform's id of a message may hold the number."""
        item = OwnedItem(key, ALONE, proof=ERASED, stopped=bool(said and said.stopped))
        item.at = (said.at if said else None) or NEVER
        item.evidence = self._kept(said.evidence) if said and said.evidence else None
        return item

    def _kept(self, evidence: str) -> str:
        """The evidence of a word as it may be kept: ours in clear, a callback's id as a hash."""
        return evidence if evidence.startswith(OUR_EVIDENCE) else self.keyed_hash(f"evidence {evidence}")

    def consents(self, influencer_id: str) -> list[dict[str, Any]]:
        """What a person has agreed to and taken back, the oldest first, with the evidence."""
        rows = ConsentItem.query(influencer_id, ConsentItem.sk.startswith("consent#"), consistent_read=True)
        found = [
            {
                "purpose": row.sk.split("#")[1],
                "channel": row.sk.split("#")[2],
                "given": bool(row.given),
                "at": row.at,
                "notice_version": row.notice_version or "",
                "language": row.language,
                "evidence": row.evidence,
            }
            for row in rows
        ]
        return sorted(found, key=lambda one: str(one["at"]))

    def left_of(self, influencer_id: str) -> Left | None:
        """What is still to be forgotten of somebody; None when nothing is."""
        try:
            item = ErasedItem.get(influencer_id, ERASED, consistent_read=True)
        except DoesNotExist:
            return None
        left: Mapping[str, Any] = item.left
        return Left(
            person=item.pk,
            at=item.at,
            rev=int(item.rev),
            hashes=left["hashes"],
            sources=tuple(left["sources"]),
            path=tuple(left["path"]),
        )

    def erasing(self, now: datetime, limit: int) -> list[str]:
        """Of whom something is to be forgotten now: the longest due first."""
        until = ByDue.area_key <= rfc3339(now)
        return [item.pk for item in ErasedItem.by_due.query(ERASING, until, limit=limit)]

    def forget_rows(self, left: Left) -> None:
        """Takes away what lies under the person's id, and files the proof of their consents under their
        address's hash, where no id leads to what else was done with it. May be repeated."""
        for consent in list(ConsentItem.query(left.person, ConsentItem.sk.startswith("consent#"))):
            channel = consent.sk.split("#")[2]
            kind = (
                ADDRESS_KIND[channel] if ADDRESS_KIND[channel] in left.hashes else next(iter(left.hashes), "")
            )
            if kind:
                past = ConsentItem(f"past#{kind}#{left.hashes[kind]}", consent.sk, given=consent.given)
                past.notice_version, past.language = consent.notice_version, consent.language
                past.at, past.evidence = consent.at, self._kept(consent.evidence)
                past.expires = int(parse_rfc3339(left.at).timestamp()) + PAST_KEPT_S
                past.save()
            consent.delete()
        for row in list(FollowersItem.query(left.person, FollowersItem.sk.startswith("followers#"))):
            row.delete()
        CodeItem(left.person, CODE).delete()

    def erase_later(self, left: Left, due: datetime) -> None:
        """Has what is left looked at again then; nothing where another pass has finished meanwhile."""
        item = ErasedItem(left.person, ERASED)
        with or_nothing():
            item.change([ErasedItem.area_key.set(rfc3339(due))], ErasedItem.rev == left.rev)

    def erased(self, left: Left) -> None:
        """Nothing is left of them; the same where another pass has said so before."""
        with or_nothing():
            ErasedItem(left.person, ERASED).delete(condition=ErasedItem.rev == left.rev)

    # --- whose account it is

    def put_proof_code(self, code: str, person: str, handle_id: str, expires: int) -> None:
        """Notes what a code is to prove; the same again changes nothing."""
        OwnedItem(f"proof#{code}", ALONE, owner=person, evidence=handle_id, expires=expires).save()

    def proof_code(self, code: str, now: float) -> tuple[str, str] | None:
        """Whose account, and which, this code is to prove, while it holds."""
        try:
            item = OwnedItem.get(f"proof#{code}", ALONE, consistent_read=True)
        except DoesNotExist:
            return None
        return (str(item.owner), str(item.evidence)) if (item.expires or 0) > now else None

    def takeover(self, influencer_id: str, handle_id: str, shown: Shown) -> Takeover | None:
        """What it takes to make an account the person's for good; None when it is already. Raises KeyError
        without such a person or account, ProvenByAnother."""
        person = self.person(influencer_id)
        before = person.account_named(handle_id)
        if before is None:
            raise KeyError(handle_id)
        claims, loser = self._claims_on(person.id, before.platform, shown.handle, shown, shown.at)
        name = claims.get(handle_key(before.platform, shown.handle))
        after = before.model_copy(
            update={
                "handle": shown.handle,
                "proof": "verified",
                "account": shown.account or before.account,
                "proven_at": rfc3339(shown.at),
            }
        )
        stands = name is not None and name.owner == person.id and name.proof == "proven"
        if stands and after.model_copy(update={"proven_at": before.proven_at}) == before:
            return None
        return Takeover(person, before, after, loser, shown, claims)

    def _claims_on(
        self, owner: str, platform: str, handle: str, shown: Shown | None, at: datetime
    ) -> tuple[dict[str, OwnedItem | None], Loser | None]:
        """The claims on an account as they stand, and who loses it to `owner`. Raises ProvenByAnother, and
        HeldByAnother where nothing has `shown` whose it is."""
        keys = [handle_key(platform, handle)]
        keys += [account_key(platform, shown.account)] if shown and shown.account else []
        found = {i.pk: i for i in OwnedItem.batch_get([(k, CLAIM) for k in keys], consistent_read=True)}
        name, *accounts = [found.get(key) for key in keys]
        if any(account is not None and account.owner != owner for account in accounts):
            raise ProvenByAnother
        loser = None
        if name is not None and name.owner != owner:
            if shown is None:
                raise HeldByAnother
            renamed = name.account and shown.account and name.account != shown.account
            if name.proof == "proven" and not renamed:
                raise ProvenByAnother
            loser = self._loser(str(name.owner), platform, handle, at)
        return {key: found.get(key) for key in keys}, loser

    def _loser(self, owner: str, platform: str, handle: str, at: datetime) -> Loser | None:
        """Who has held a name so far, if they still do."""
        if holding_department(owner):
            loses = self.department_loses(owner, platform, handle)
            return Loser(owner, loses) if loses else None
        holder = self.find(owner)
        if holder is None or (platform, handle) not in {(one.platform, one.handle) for one in holder.handles}:
            return None
        theirs = holder.without(platform, handle)
        told = HandleContested(influencer_id=theirs.id, area=theirs.area, handle_id=theirs.contested[-1].id)

        def loses_it(transaction: TransactWrite) -> None:
            write_person(transaction, holder, theirs, told, at)

        return Loser(owner, loses_it)

    def claim(
        self, owner: str, platform: str, handle: str, at: datetime, shown: Shown | None = None
    ) -> OwnersClaim:
        """See ports.Claims."""
        name = shown.handle if shown else handle
        claims, loser = self._claims_on(owner, platform, name, shown, at)
        return OwnersClaim(owner, claims, loser, shown, at)

    def give_back(
        self, transaction: TransactWrite, owner: str, platform: str, handle: str, account: str
    ) -> None:
        """See ports.Claims."""
        if handle:
            give_back(transaction, handle_key(platform, handle), owner)
        if account:
            give_back(transaction, account_key(platform, account), owner)

    # --- accounts

    def proven_owner(self, platform: str, accounts: Set[str]) -> str:
        """Who has shown that the one account with these names and ids is theirs; empty when nobody has. The
        platform's id decides before a name, and a name that was shown with an id only together with it."""
        keys = {account_key(platform, one): one for one in accounts}
        keys |= {handle_key(platform, one): one for one in accounts}
        found = OwnedItem.batch_get([(key, CLAIM) for key in keys], consistent_read=True)
        proven = sorted(
            (item for item in found if item.proof == "proven"), key=lambda item: item.pk.startswith("handle#")
        )
        ids = {one for one in accounts if is_id(one)}
        for item in proven:
            if not item.account or not ids or item.account in ids:
                return str(item.owner)
        return ""

    def accounts(self, platform: str, due: datetime | None, limit: int | None) -> Iterator[tuple[str, str]]:
        """Accounts on a platform of people who are on the register, person and name: the longest due first,
        up to those of `due` where it is given."""
        until = FollowersItem.due_at <= rfc3339(due) if due else None
        for item in FollowersItem.by_platform.query(platform, until, limit=limit):
            yield item.pk, item.sk.removeprefix(followers_key(platform, ""))

    def counted(
        self, influencer_id: str, platform: str, handle: str, followers: int, at: datetime, *, account: str
    ) -> None:
        """Writes down what a platform told of an account's followers: profile and roster row together;
        nothing for an account that is not theirs (any more), whose name another `account` bears now, or when
        a newer number is known."""

        def once() -> None:
            person = self.find(influencer_id)
            if person is None or (platform, handle) not in person.counted:
                return
            after = tuple(
                one.counted(followers, rfc3339(at))
                if (one.platform, one.handle) == (platform, handle) and one.may_be(account)
                else one
                for one in person.handles
            )
            if after != person.handles:
                with write_together() as transaction:
                    write_person(transaction, person, person.changed(handles=after), None, at)

        again(once)

    def count_next(self, influencer_id: str, platform: str, handle: str, at: datetime) -> None:
        """When an account's followers are counted next; nothing when it has left the register."""
        item = FollowersItem(influencer_id, followers_key(platform, handle))
        with or_nothing():
            item.change([FollowersItem.due_at.set(rfc3339(at))], FollowersItem.pk.exists())

    # --- stop and start

    def heard(
        self,
        channel: str,
        address: str,
        *,
        stopped: bool,
        at: datetime,
        evidence: str,
        event: Callable[[Influencer], Event | None],
        hashed: str = "",
    ) -> tuple[bool, Influencer | None]:
        """Keeps the last word of an address, or of the one with this keyed hash: whether this word counts,
        and whose address it is.

        A word counts when it changes something and is not older than what was heard before (callbacks come
        late and out of order; of the same second, STOP wins). The callback that made the change counts again
        when it comes again: its confirmation may have been lost, and is sent under the same key.
        """
        kind = ADDRESS_KIND[channel]
        claim_key, stop_key = self._claim_key(kind, address), self._stop_key(kind, address)
        if hashed:
            claim_key, stop_key = f"{kind}#{hashed}", f"suppressed#{kind}#{hashed}"

        def once() -> tuple[bool, Influencer | None]:
            keys = [(claim_key, CLAIM), (stop_key, ALONE)]
            items = {item.pk: item for item in OwnedItem.batch_get(keys, consistent_read=True)}
            claim, before = items.get(claim_key), items.get(stop_key)
            person = self.find(str(claim.owner)) if claim else None
            if before and (before.stopped, before.evidence) == (stopped, evidence):
                return True, person
            if before and (before.at or "", bool(before.stopped)) >= (rfc3339(at), stopped):
                return False, person
            was_stopped = bool(before and before.stopped)
            changed_by = evidence if was_stopped != stopped else (before.evidence if before else None)
            with write_together() as transaction:
                word = OwnedItem(stop_key, ALONE, stopped=stopped, at=rfc3339(at), evidence=changed_by)
                word.proof = before.proof if before else None
                transaction.save(word, condition=as_seen(before))
                if person is None:
                    transaction.condition_check(OwnedItem, claim_key, CLAIM, condition=as_seen(claim))
                elif was_stopped != stopped:
                    others = person.suppressed - {kind}
                    after = person.changed(suppressed=others | {kind} if stopped else others)
                    write_person(transaction, person, after, event(after), at)
                    everything = Consent(purpose="all", channel=channel)
                    transaction.save(
                        consent_row(after, everything, given=not stopped, at=at, evidence=evidence)
                    )
            return was_stopped != stopped, person

        return again(once)

    def also_known(self, number: str, alias: str, expires: int) -> tuple[datetime, str] | None:
        """Notes that who has this number also writes under `alias`. When they had said STOP under it before
        that was known: when, and the callback that brought it."""
        hashed, behind = self.keyed_hash(alias), self.keyed_hash(number)
        if self._number_behind(hashed) == behind:
            return None
        OwnedItem(f"alias#{hashed}", ALONE, owner=behind, expires=expires).save()
        try:
            before = OwnedItem.get(f"suppressed#phone#{hashed}", ALONE, consistent_read=True)
        except DoesNotExist:
            return None
        return (parse_rfc3339(str(before.at)), before.evidence or alias) if before.stopped else None

    def move(self, influencer_id: str, area: Area) -> bool:
        """Files a person where their area lies by now; False when they are there already, or elsewhere. Tells
        no event; a signup that is to expire still does."""
        before = self.find(influencer_id)
        if before is None or before.area != area.id or before.area_path == area.path:
            return False
        after = before.changed(area_path=area.path)
        actions: list[Action] = [
            ProfileItem.area_key.set(after.area_key),
            ProfileItem.person.set(after.model_dump_json(exclude_defaults=True)),
            ProfileItem.rev.set(after.rev),
            ProfileItem.event.remove(),
        ]
        was, now = key_of(before.area_path, before.id), key_of(after.area_path, after.id)
        try:
            with write_together() as transaction:
                same = ProfileItem.rev == before.rev
                transaction.update(ProfileItem(before.id, PROFILE), actions=actions, condition=same)
                if after.status == "approved" and was != now:
                    facts: dict[str, Any] = pack(after)
                    transaction.save(RosterItem(*now, **facts))
                    transaction.delete(RosterItem(*was))
        except TransactWriteError as error:
            if not failed_conditions(error) and not is_passing(error):
                raise
        return True

    # --- many people

    def people(self, ids: Sequence[str]) -> dict[str, Influencer]:
        """These people, in one request for each hundred, read consistently. Whether their addresses are
        suppressed stands in their profiles: a STOP writes it there in the same transaction."""
        keys = [(influencer_id, PROFILE) for influencer_id in ids]
        return {item.pk: person_of(item) for item in ProfileItem.batch_get(keys, consistent_read=True)}

    def listed(
        self, status: Status, prefix: str, after: Mapping[str, str] | None, page: int
    ) -> Iterator[tuple[Influencer, dict[str, str]]]:
        """People in a state whose area key begins with `prefix`, behind the place `after`; each with its own
        place."""
        start: Any = {name: {"S": value} for name, value in after.items()} if after else None
        below = ByStatus.area_key.startswith(prefix) if prefix else None
        for item in ProfileItem.by_status.query(status, below, last_evaluated_key=start, page_size=page):
            place = {"pk": item.pk, "sk": item.sk, "status_key": item.status_key, "area_key": item.area_key}
            yield person_of(item), place

    def _claim_key(self, kind: str, address: str) -> str:
        bare = kind == "telegram"  # a chat's number tells nobody who it is
        return f"{kind}#{address}" if bare else f"{kind}#{self._hashed(kind, address)}"

    def _stop_key(self, kind: str, address: str) -> str:
        return f"suppressed#{kind}#{self._hashed(kind, address)}"

    def _hashed(self, kind: str, address: str) -> str:
        """What stands for an address in keys. An id that stands for a number is that number, where it is
        known."""
        plain = self.keyed_hash(_same(kind, address))
        if kind != "phone" or address.removeprefix("+").isdigit():
            return plain
        return self._number_behind(plain) or plain

    def _number_behind(self, hashed: str) -> str | None:
        try:
            return OwnedItem.get(f"alias#{hashed}", ALONE, consistent_read=True).owner
        except DoesNotExist:
            return None

    def _link(self, token: str, influencer_id: str, expires: int) -> OwnedItem:
        return OwnedItem(link_key(token), ALONE, owner=influencer_id, expires=expires)


def _same(kind: str, address: str) -> str:
    """One spelling of an address: whether capitals differ in an email's first part, no provider minds."""
    return address.lower() if kind == "email" else address


def _not_invited(word: OwnedItem | None) -> bool:
    """Whether an address must not be written to first: it said STOP, or whoever had it was erased."""
    return word is not None and (bool(word.stopped) or word.proof == ERASED)


def _agreed(consents: Iterable[Consent], to: Consent) -> bool:
    return any((one.purpose, one.channel) == (to.purpose, to.channel) for one in consents)
