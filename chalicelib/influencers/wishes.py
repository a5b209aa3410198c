"""What creators change about themselves: profile, pause, consents, and that they leave.

A change of home within the district holds at once. To another district it is the review of that place that
lets somebody in: who was approved waits for it, and gets nothing until then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pynamodb.transactions import TransactWrite

from chalicelib import ids
from chalicelib.clock import Clock
from chalicelib.errors import FieldError, InvalidInput, Transient, Unauthenticated
from chalicelib.events.catalog import Event, InfluencerMoved, InfluencerWithdrawn
from chalicelib.identity.audit import Audit
from chalicelib.influencers.model import (
    ADDRESS_KIND,
    LONGEST_PAUSE_DAYS,
    NO_END,
    Consent,
    ConsentRequest,
    Influencer,
    ProfileChange,
)
from chalicelib.influencers.resuming import DAY_S
from chalicelib.influencers.service import no_area, unknown_areas, unknown_themes
from chalicelib.influencers.store import PeopleStore
from chalicelib.ops import RateLimits
from chalicelib.ports import Areas
from chalicelib.queues import Queue
from chalicelib.secrets import Secrets

TRIES = 6
CHANGES_A_DAY = 100
LINKS_A_DAY = 3
"""To one new address: nobody's mailbox is to be filled."""
DISTRICT = 3
"""Ids of a path down to the district."""
EVIDENCE = "own page or API, signed in"
SAME = ("name", "language", "gender", "profession", "idea", "channel", "areas_served", "themes")
"""What is taken as it is given."""


class _Overtaken(Exception):
    """Another writer was quicker."""


@dataclass(frozen=True)
class Wishes:
    store: PeopleStore
    areas: Areas
    themes: Callable[[], Sequence[str]]
    queue: Queue
    audit: Audit
    limits: RateLimits
    secrets: Secrets
    clock: Clock

    def change(self, person_id: str, wanted: ProfileChange) -> Influencer:
        """The person as they are now. Raises InvalidInput, with all that is wrong; TooManyRequests."""
        self.limits.spend(f"own#{person_id}", CHANGES_A_DAY, DAY_S)
        if wanted.email:
            self._spend_a_link(wanted.email)

        def once(before: Influencer) -> Influencer:
            return self._changed(before, wanted)

        after = self._keep(person_id, "influencer.changed", {"fields": ",".join(sorted(wanted.given))}, once)
        if wanted.email and after.email_wanted == wanted.email:
            self._ask(after)
        return after

    def give(self, person_id: str, consent: ConsentRequest) -> Influencer:
        """With one more consent. Raises InvalidInput for a channel over which there is no address."""
        given = Consent(**consent.model_dump())
        self.limits.spend(f"own#{person_id}", CHANGES_A_DAY, DAY_S)
        if given.channel == "email" and (to := self._person(person_id).email_to_confirm):
            self._spend_a_link(to)

        def once(before: Influencer) -> Influencer:
            if given.channel not in ways_of(before):
                raise InvalidInput.of(
                    "channel", "no_address", "We have no address of yours for this channel."
                )
            others = tuple(one for one in before.consents if not _same(one, given))
            return before if given in before.consents else before.changed(consents=(*others, given))

        detail = {"purpose": given.purpose, "channel": given.channel}
        after = self._keep(person_id, "influencer.consented", detail, once)
        if given.channel == "email" and not after.email_proven:
            self._ask(after)
        return after

    def take_back(self, person_id: str, purpose: str = "", channel: str = "") -> Influencer:
        """Without the consents for this purpose and channel; empty: for any. May be repeated."""

        def once(before: Influencer) -> Influencer:
            left = tuple(
                one
                for one in before.consents
                if purpose not in ("", one.purpose) or channel not in ("", one.channel)
            )
            return before if left == before.consents else before.changed(consents=left)

        detail = {"purpose": purpose or "all", "channel": channel or "all"}
        return self._keep(person_id, "influencer.consent_withdrawn", detail, once)

    def leave(self, person_id: str) -> None:
        """Takes the person out at their own wish: consents and sessions end, number and accounts are free
        again."""

        def once(before: Influencer) -> Influencer:
            return before.moved("withdrawn", consents=(), paused_until="", email_wanted="")

        self._keep(person_id, "influencer.withdrawn", {}, once)

    def _changed(self, before: Influencer, wanted: ProfileChange) -> Influencer:
        given, wrong = wanted.given, []
        changes: dict[str, Any] = {name: given[name] for name in SAME if name in given}
        for name in ("areas_served", "themes"):
            if name in changes:
                changes[name] = tuple(dict.fromkeys(changes[name]))
        wrong += unknown_areas(self.areas, changes.get("areas_served", ()))
        wrong += unknown_themes(self.themes, changes.get("themes", ()))
        if wanted.channel and wanted.channel not in before.addresses:
            sentence = "Choose a channel over which you have confirmed an address."
            wrong.append(FieldError("channel", "channel_unproven", sentence))
        if wanted.email is not None:
            changes["email_wanted"] = (
                "" if before.email_proven and wanted.email == before.email else wanted.email
            )
        if wanted.paused_until is not None:
            changes["paused_until"] = self._pause(wanted.paused_until, wrong)
        path, status = before.area_path, before.status
        if wanted.area and wanted.area != before.area:
            area = self.areas.many([wanted.area], fresh=True).get(wanted.area)
            path = area.path if area else ()
            wrong += [] if area and len(path) >= DISTRICT else [no_area("area", wanted.area)]
            changes |= {"area": wanted.area, "area_path": path}
        if wrong:
            raise InvalidInput(wrong)
        same = all(getattr(before, name) == value for name, value in changes.items())
        if status == "approved" and path[:DISTRICT] != before.area_path[:DISTRICT]:
            return before.moved("pending_review", ambassador_of="", **changes)
        return before if same else before.changed(**changes)

    def _pause(self, until: date | str, wrong: list[FieldError]) -> str:
        if isinstance(until, str):
            return NO_END if until else ""
        today = self.clock.today_ist()
        if not today < until <= today + timedelta(days=LONGEST_PAUSE_DAYS):
            sentence = "Choose a day after today and within a year, or pause until you say otherwise."
            wrong.append(FieldError("paused_until", "pause_day", sentence))
        return until.isoformat()

    def _ask(self, person: Influencer) -> None:
        """Has the link sent that proves an address."""
        if person.email_to_confirm:
            self.queue.put([{"kind": "confirm_email", "influencer": person.id, "nonce": ids.new_token()}])

    def _spend_a_link(self, address: str) -> None:
        self.limits.spend(f"confirm#{self.secrets.keyed_hash(address.lower())}", LINKS_A_DAY, DAY_S)

    def _person(self, person_id: str) -> Influencer:
        found = self.store.find(person_id)
        if found is None or found.standing is None:  # left since the session was looked at
            raise Unauthenticated
        return found

    def _keep(
        self, person_id: str, action: str, detail: dict[str, str], once: Callable[[Influencer], Influencer]
    ) -> Influencer:
        """What `once` makes of the person, kept and audited; nothing is written when nothing changes."""
        now = self.clock.now()
        for _ in range(TRIES):
            before = self._person(person_id)
            after = once(before)
            if after == before:
                return before
            event = _event(before, after)

            def write(
                transaction: TransactWrite,
                before: Influencer = before,
                after: Influencer = after,
                event: Event | None = event,
            ) -> None:
                self.store.write_change(transaction, before, after, event, now, evidence=EVIDENCE)

            try:
                self.audit.committing(
                    subject=f"influencer#{person_id}",
                    action=action,
                    actor="self",
                    at=now,
                    detail=detail,
                    write=write,
                    refused=lambda failed: _Overtaken(),
                )
            except _Overtaken:
                continue
            return after
        raise Transient


def _event(before: Influencer, after: Influencer) -> Event | None:
    facts = {"influencer_id": after.id, "area": after.area}
    if after.status == "withdrawn":
        return InfluencerWithdrawn(**facts)
    return (
        InfluencerMoved(**facts, review=after.status != before.status) if after.area != before.area else None
    )


def _same(one: Consent, other: Consent) -> bool:
    return (one.purpose, one.channel) == (other.purpose, other.channel)


def ways_of(person: Influencer) -> list[str]:
    """Channels for which the person may give consents: what leads to them, proven or not yet."""
    given = {"phone": person.phone, "telegram": person.chat, "email": person.email or person.email_wanted}
    return [channel for channel, kind in ADDRESS_KIND.items() if given[kind]]
