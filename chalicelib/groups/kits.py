"""The copy kit of a campaign for a group: words, a tracked link of this group, and that it was posted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from pynamodb.transactions import TransactWrite

from chalicelib import lists
from chalicelib.clock import Clock
from chalicelib.errors import Conflict, NotFound, Transient
from chalicelib.groups.clicks import Clicks, ClickStore, Handed, place_of
from chalicelib.groups.model import READ, WRITE, Group, sees
from chalicelib.groups.service import Groups
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.ports import Calendar, CampaignKit, keeps_silence, needs_override
from chalicelib.ports import Kits as CampaignKits
from chalicelib.telemetry import logger

PAGE = 100
MOST_READ = 1000
CODE_LETTERS = 12
_BOT = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|facebookexternalhit|facebookcatalog|whatsapp/|telegrambot|"
    r"skypeuripreview|embedly|headless|monitor|scanner|curl/|wget/|python|okhttp|go-http-client|java/|libwww",
    re.IGNORECASE,
)
"""What fetches a link to show its preview, to check it or to index it: no person has looked."""


class Silenced(Conflict):
    code = "silence"
    message = "The election law does not allow this campaign to be spread in this area now."


class _HandedMeanwhile(Exception):  # noqa: N818 - says what happened, and goes no further than this file
    """Somebody else has fetched the same kit at the same time."""


@dataclass(frozen=True)
class Kit:
    """What a group gets of a campaign."""

    group: Group
    campaign: CampaignKit
    link: str
    """Its own tracked link; empty where the campaign has none."""
    handed: Handed


def _meant(campaign: CampaignKit, group: Group) -> bool:
    """Whether a campaign is for a group: it goes to the group's area, or is of a department in it."""
    return not campaign.areas.isdisjoint(group.path) or campaign.department in group.departments


def is_bot(agent: str) -> bool:
    """Whether a click was made by no person, as far as its browser says; one that says nothing is none."""
    return not agent.strip() or bool(_BOT.search(agent))


@dataclass(frozen=True)
class GroupKits:
    groups: Groups
    store: ClickStore
    campaigns: CampaignKits
    calendar: Calendar
    audit: Audit
    clock: Clock
    keyed_hash: Callable[[str], str]
    public_url: str
    organisation_kind: str

    def kit(self, who: Principal, group_id: str, campaign: str) -> Kit:
        """For staff who keep the group; that it was handed out is in the audit. Raises NotFound, Silenced."""
        return self._kit(self.groups.get(who, group_id, WRITE), campaign, who.id)

    def own_kit(self, person: str, group_id: str, campaign: str) -> Kit:
        """For an approved creator who looks after the group. Raises NotFound, Silenced."""
        return self._kit(self.groups.looked_after(person, group_id), campaign, person)

    def posted(self, who: Principal, group_id: str, campaign: str) -> Handed:
        """Notes that the kit was posted, by the word of staff. The first word stays. Raises NotFound."""
        return self._posted(self.groups.get(who, group_id, WRITE), campaign, who.id)

    def own_posted(self, person: str, group_id: str, campaign: str) -> Handed:
        """The same by the word of who looks after the group."""
        return self._posted(self.groups.looked_after(person, group_id), campaign, person)

    def of_campaign(
        self, who: Principal, campaign: str, area: str | None, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[tuple[Group, Handed, Clicks]], dict[str, Any] | None]:
        """Up to `limit` groups that a campaign's kit was handed to, with what became of it, and where to go
        on: those that the caller sees."""
        found: list[tuple[Group, Handed]] = []
        place = None
        for read, (group, handed, here) in enumerate(self._walk(who, campaign, area, after), start=1):
            if group is None or place_of(group) != handed.place or not sees(who, group, READ):
                continue  # nor is it a place to go on from: a cursor can be read
            found.append((group, handed))
            if len(found) == limit or read >= MOST_READ:
                place = here
                break
        sums = self.store.sums([handed.code for _, handed in found])
        return [(group, handed, sums[handed.code]) for group, handed in found], place

    def follow(self, code: str, visitor: str, agent: str) -> str:
        """Where a tracked link leads; the click is counted. Raises NotFound."""
        target = self.store.target(code) if re.fullmatch(r"[a-z2-7]{12}", code) else None
        if target is None:
            raise NotFound
        try:
            self.store.count(code, visitor, bot=is_bot(agent), at=self.clock.now())
        except Exception:
            logger.exception("click not counted")  # the reader goes on all the same
        return target

    def _kit(self, group: Group, campaign: str, by: str) -> Kit:
        code = self._code(group, campaign)
        link = f"{self.public_url}/r/{code}"
        found = self.campaigns.kit(campaign, group.platform, link)
        if found is None or not found.texts or group.state == "archived" or not _meant(found, group):
            raise NotFound
        election = self.calendar.at(group.path, self.clock.now())
        silent = election.silent and keeps_silence(found.kind, self.organisation_kind)
        held = needs_override(found.kind, self.organisation_kind) and election.codes - found.overrides
        if silent or held:
            raise Silenced
        handed = self._hand_out(group, campaign, code, found.link, by)
        return Kit(group, found, link if found.link else "", handed)

    def _hand_out(self, group: Group, campaign: str, code: str, url: str, by: str) -> Handed:
        """Keeps that the group got this kit, and where its link leads, with an entry of the audit; what is
        kept already is not written again. Raises Transient when the audit stays too busy."""
        handed, now = self.store.handed(group, campaign), self.clock.now()
        leads = not url or self.store.target(code) == url
        if handed is not None and leads:
            return handed

        def write(transaction: TransactWrite) -> None:
            if handed is None:
                self.store.put_handed(transaction, group, campaign, code, now)
            if not leads:
                self.store.put_target(transaction, group, campaign, code, url)

        try:
            self.audit.committing(
                subject=f"group#{group.id}",
                action="group.kit",
                actor=by,
                at=now,
                detail={"campaign": campaign},
                write=write,
                refused=lambda failed: _HandedMeanwhile(),
            )
        except _HandedMeanwhile:
            logger.info("kit handed out meanwhile", extra={"group": group.id, "campaign": campaign})
        known = self.store.handed(group, campaign)
        if known is None:
            raise Transient
        return known

    def _posted(self, group: Group, campaign: str, by: str) -> Handed:
        handed = self.store.handed(group, campaign)
        if handed is None:
            raise NotFound
        if handed.posted_at is not None:
            return handed
        now = self.clock.now()
        self.audit.committing(
            subject=f"group#{group.id}",
            action="group.posted",
            actor=by,
            at=now,
            detail={"campaign": campaign},
            write=partial(self.store.put_posted, group=group, campaign=campaign, by=by, at=now),
        )
        return self.store.handed(group, campaign) or handed

    def _code(self, group: Group, campaign: str) -> str:
        """Always the same for a group and campaign, and not to be guessed."""
        digest = int(self.keyed_hash(f"tracked link {group.id} {campaign}")[:16], 16)
        letters = "abcdefghijklmnopqrstuvwxyz234567"
        return "".join(letters[(digest >> 5 * place) & 31] for place in range(CODE_LETTERS))

    def _walk(
        self, who: Principal, campaign: str, area: str | None, after: Mapping[str, Any] | None
    ) -> Iterator[tuple[Group | None, Handed, dict[str, Any]]]:
        rows = lists.walk(
            self.groups.prefixes(who, area),
            lambda at, begin: self.store.of_campaign(campaign, at, begin, PAGE),
            after,
        )
        while some := list(islice(rows, PAGE)):
            known = self.groups.store.many(handed.group for handed, _ in some)
            for handed, place in some:
                yield known.get(handed.group), handed, place
