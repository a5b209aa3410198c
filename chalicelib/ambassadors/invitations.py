"""Invitations to people who have not signed up: one message, by a person, recorded; never a second one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pynamodb.transactions import TransactWrite

from chalicelib import lists, telemetry
from chalicelib.ambassadors.invitation import (
    FORBIDDING,
    KINDS,
    OUTCOMES,
    READ,
    TEMPLATE,
    WAITS_AT_MOST,
    WRITE,
    Channel,
    Invitation,
    NotInvitable,
    Status,
    masked_address,
)
from chalicelib.ambassadors.service import covered, prefixes
from chalicelib.ambassadors.store import AmbassadorStore
from chalicelib.clock import Clock, rfc3339
from chalicelib.errors import InvalidInput, NotFound, OnHold, PlatformOff, Transient
from chalicelib.i18n import negotiate, translate
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.ids import new_id
from chalicelib.ops import RateLimits
from chalicelib.platforms.base import Outgoing
from chalicelib.ports import (
    Areas,
    Calendar,
    DirectSender,
    Invitee,
    Invitees,
    QuietHours,
    ServiceTexts,
    keeps_silence,
    needs_override,
)
from chalicelib.queues import Queue

A_DAY_S = 24 * 3600
INVITATIONS_A_DAY = 100
"""Of one member of staff: each is written for one person."""
RECORDED_BY_THEN_S = 60
"""Longer than a request of the API may take."""
LOOKS_AGAIN_S = 900
STOPPED_WAIT_S = 60
A_PASS = 200
"""Invitations that one sweep looks at."""
PAGE = 100
HOME_LANGUAGE = "hi"
KEY = "invitation"


@dataclass(frozen=True)
class Wanted:
    """Whom to invite, over what, and why."""

    channel: Channel
    reason: str
    address: str = ""
    name: str = ""
    area: str = ""
    language: str = HOME_LANGUAGE
    influencer: str = ""
    """In place of address, name, area and language: who is known from a file."""


@dataclass(frozen=True)
class Invitations:
    store: AmbassadorStore
    areas: Areas
    invitees: Invitees
    sender: DirectSender
    texts: ServiceTexts
    queue: Queue
    offered: Callable[[], Collection[str]]
    """The channels that are on."""
    calendar: Callable[[], Calendar]
    held: Callable[[Sequence[str]], bool]
    """Whether staff have stopped all campaigns, or those to the area with this path."""
    quiet: QuietHours | None
    limits: RateLimits
    audit: Audit
    clock: Clock
    organisation: str
    organisation_kind: str
    public_url: str
    unsubscribe_url: Callable[[str], str]

    # --- what staff do

    def invite(self, who: Principal, wanted: Wanted) -> Invitation:
        """Queues the message of an invitation, for a minute later, and records it. The same again, while it
        waits, queues it once more: it is sent once.

        Raises InvalidInput, NotFound for somebody of a file who is not the caller's, NotInvitable for an
        address that was invited before, is somebody's or has said STOP (which of these is not told), Silent
        and UnderCode as the law says, TooManyRequests.
        """
        if wanted.channel not in self.offered():
            sentence = "This channel is not offered here. Choose another."
            raise InvalidInput.of("channel", "channel_off", sentence)
        invitee, made = self._written(who, wanted)
        if self._message(made, made.name or (invitee.name if invitee else "")) is None:
            sentence = "No words are registered for an invitation over this channel."
            raise InvalidInput.of("channel", "no_words", sentence)
        if against := self._law(made.path):
            raise FORBIDDING[against]
        if waiting := self._waiting(who, made):
            self.queue.put([{"kind": KEY, "invitation": waiting.id}])
            return waiting
        self.limits.spend(f"invitation#{who.id}", INVITATIONS_A_DAY, A_DAY_S)
        # first: whoever dies before the record leaves nothing, and behind it no address that nobody drops
        self.queue.put([{"kind": KEY, "invitation": made.id}], RECORDED_BY_THEN_S)
        self._record(who, made, invitee)
        return made

    def get(self, who: Principal, invitation: str) -> Invitation:
        """One invitation. Raises NotFound, also for one that the caller may not know of."""
        found = self.store.invitation(invitation)
        if found is None or not who.covers_area(found.path, READ):
            raise NotFound
        return found

    def listed(
        self,
        who: Principal,
        *,
        area: str | None,
        status: Status | None,
        limit: int,
        after: Mapping[str, Any] | None,
    ) -> tuple[list[Invitation], dict[str, Any] | None]:
        """Up to `limit` invitations by place, and where to go on: a page may be short, even empty, and the
        list go on. Raises InvalidInput for an area that is none or not the caller's."""
        stretches = prefixes(self.areas, who, area, READ)
        rows = lists.walk(stretches, lambda at, begin: self.store.invitations(at, begin, PAGE), after)
        return lists.page(rows, limit, lambda one: status in (None, one.status))

    # --- behind the queue

    def deliver(self, invitation: str) -> None:
        """Sends a waiting invitation, at most once. Raises OnHold while it must wait, Transient when the
        platform asks to."""
        seen = self.store.invitation(invitation)
        if seen is None or seen.status != "waiting":
            return
        now = self.clock.now()
        invitee = self.invitees.invitee(seen.influencer) if seen.influencer else None
        to = _address(invitee, seen.kind) if invitee else seen.to
        if against := self._against(seen, invitee, to, now):
            self._done(seen, "unknown" if seen.tried else "not_sent", against)
            return
        if self.held(seen.path):
            raise OnHold(retry_after_s=STOPPED_WAIT_S)
        if self.quiet and (until := self.quiet.until(now)):
            raise OnHold(retry_after_s=min(LOOKS_AGAIN_S, (until - now).total_seconds()))
        message = self._message(seen, invitee.name if invitee else seen.name)
        if message is None:
            raise OnHold(retry_after_s=LOOKS_AGAIN_S)
        if not seen.tried:
            seen = seen.trying()
            if not self.store.change_invitation(seen):
                raise Transient  # it came twice at once: who was quicker is at it
        try:
            outcome = self.sender.send(subject=seen.id, key=KEY, channel=seen.channel, to=to, message=message)
        except PlatformOff:
            raise OnHold(retry_after_s=LOOKS_AGAIN_S) from None
        told, _, code = outcome.partition(":")
        self._done(seen, OUTCOMES.get(told, "refused"), code)

    def sweep(self, until: float) -> None:
        """Closes invitations whose term is over and whose message never came, or came to the dead letters:
        name and address go. At most A_PASS a time. May be repeated, and die at any moment."""
        term = self.clock.now() - WAITS_AT_MOST - timedelta(seconds=1)
        for place, invitation in self.store.waiting_since(term, A_PASS):
            if self.clock.epoch() >= until:
                return
            seen = self.store.invitation(invitation)
            if seen is not None and seen.status == "waiting":
                self._close_late(seen)
            self.store.looked_at(place)

    def _close_late(self, seen: Invitation) -> None:
        """Whoever is about to send it has the last word: their change is another revision."""
        found: Invitation | None = seen
        while found is not None and found.status == "waiting":
            status: Status = "unknown" if found.tried else "not_sent"
            if self.store.change_invitation(found.done(status, "too_late", self.clock.now())):
                telemetry.count(f"invitation_{status}")
                return
            found = self.store.invitation(seen.id)

    def unsubscribe(self, invitation: str, *, at: datetime) -> None:
        """Ends all emails to the address of an invitation, by its owner's click; the address itself is not
        kept."""
        seen = self.store.invitation(invitation)
        if seen is not None and seen.channel == "email":
            evidence = f"one click in an invitation, {rfc3339(at)}"
            self.invitees.stop_hashed("email", seen.hashed, evidence=evidence, at=at)

    def _against(self, seen: Invitation, invitee: Invitee | None, to: str, now: datetime) -> str:
        """Why it is not sent any more; empty when it may be."""
        if seen.late(now):
            return "too_late"
        if seen.influencer and (invitee is None or invitee.status != "invited"):
            return "gone" if invitee is None or invitee.status == "withdrawn" else "joined"
        if not to or self.invitees.hashed(seen.kind, to) != seen.hashed:
            return "address_changed"
        return self.invitees.word_on(seen.kind, to) or self._law(seen.path)

    def _done(self, seen: Invitation, status: Status, why: str) -> None:
        """Keeps what became of an invitation, also of one that was filed anew meanwhile; another delivery
        that is at it, or was quicker, has the last word."""
        found: Invitation | None = seen
        while found is not None and (found.status, found.tried) == ("waiting", seen.tried):
            if self.store.change_invitation(found.done(status, why, self.clock.now())):
                telemetry.count(f"invitation_{status}")
                return
            found = self.store.invitation(seen.id)

    def _law(self, path: Sequence[str]) -> str:
        """What of election law forbids it now: inviting is what an awareness campaign is."""
        election = self.calendar().at(path, self.clock.now())
        if election.silent and keeps_silence("awareness", self.organisation_kind):
            return "silence"
        held = election.codes and needs_override("awareness", self.organisation_kind)
        return "code_of_conduct" if held else ""

    # --- how it is recorded

    def _written(self, who: Principal, wanted: Wanted) -> tuple[Invitee | None, Invitation]:
        kind, invitee = KINDS[wanted.channel], None
        address, language, area_id = wanted.address, wanted.language, wanted.area
        if wanted.influencer:
            invitee = self.invitees.invitee(wanted.influencer)
            if invitee is None or not who.covers_area(invitee.area_path, WRITE):
                raise NotFound
            if invitee.status != "invited":
                raise NotInvitable
            address, language, area_id = _address(invitee, kind), invitee.language, invitee.area_path[-1]
            if not address:
                raise InvalidInput.of("channel", "no_address", "There is no address for this channel.")
        area = covered(self.areas, who, area_id, WRITE)
        return invitee, Invitation(
            id=new_id("inv"),
            channel=wanted.channel,
            masked=masked_address(kind, address),
            hashed=self.invitees.hashed(kind, address),
            to="" if invitee else address,
            name="" if invitee else wanted.name,
            influencer=wanted.influencer,
            language=language,
            area=area.id,
            path=area.path,
            reason=wanted.reason,
            by=who.id,
            at=self.clock.now().replace(microsecond=0),
        )

    def _waiting(self, who: Principal, made: Invitation) -> Invitation | None:
        """The invitation to the same address that waits still, for who covers it: the message that was to
        send it may be lost."""
        ident = self.store.invitation_to(made.kind, made.hashed)
        found = self.store.invitation(ident) if ident else None
        theirs = found is not None and found.status == "waiting" and who.covers_area(found.path, WRITE)
        return found if theirs else None

    def _record(self, who: Principal, made: Invitation, invitee: Invitee | None) -> None:
        """The invitation, a claim on each address that is known of them, and the audit's entry, while nobody
        has given these addresses and none has said STOP: all or none."""
        addresses = {made.kind: _address(invitee, made.kind) if invitee else made.to}
        if invitee:
            addresses |= {kind: known for kind in ("phone", "email") if (known := _address(invitee, kind))}
        hashed = {kind: self.invitees.hashed(kind, address) for kind, address in addresses.items()}

        def write(transaction: TransactWrite) -> None:
            if invitee:
                invitee.hold(transaction)
            for kind, address in addresses.items():
                self.invitees.hold_free(transaction, kind, address)
            self.store.put_invitation(transaction, made, hashed)

        self.audit.committing(
            subject=f"invitation#{made.id}",
            action="invitation.made",
            actor=who.id,
            at=made.at,
            detail={"channel": made.channel, "area": made.area, "influencer": made.influencer},
            write=write,
            refused=lambda failed: NotInvitable(),
        )

    def _message(self, one: Invitation, name: str) -> Outgoing | None:
        """The words of an invitation; None where none are registered."""
        language = negotiate(one.language, None, HOME_LANGUAGE)
        link = f"{self.public_url}/signup?lang={language}"
        if one.channel == "whatsapp":
            params = (name, self.organisation, link)
            return Outgoing(
                template=TEMPLATE, template_language=language, category="marketing", params=params
            )
        if one.channel == "sms":
            return self.texts.sms(TEMPLATE, language, name, self.organisation)  # a link is too long
        stop = self.unsubscribe_url(one.id)
        text = (
            "Namaste %(name)s! %(organisation)s invites you to join as a creator. How, and what is kept of"
            " you: %(link)s This is the only message: if you do not want to, do nothing. If we are never to"
            " write to this address again: %(stop)s"
        )
        given: dict[str, object] = {
            "name": name,
            "organisation": self.organisation,
            "link": link,
            "stop": stop,
        }
        subject = translate(language, "An invitation from %(organisation)s", given)
        return Outgoing(subject=subject, text=translate(language, text, given), unsubscribe_url=stop)


def _address(invitee: Invitee | None, kind: str) -> str:
    if invitee is None:
        return ""
    return invitee.phone if kind == "phone" else invitee.email
