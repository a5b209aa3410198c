"""What a creator has got from us: campaigns with the words that they may publish, and every message.

Two round trips a page: the person beside the ledger, then what became of what was sent beside the campaigns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.beside import both
from chalicelib.errors import NotFound, Unauthenticated
from chalicelib.influencers.model import Influencer
from chalicelib.influencers.store import PeopleStore
from chalicelib.ports import Begun, CampaignShown, CampaignsShown, Histories, Sent, Spoken

AT_ONCE = 100
"""Of how many runs one request tells what became."""
LATEST = 3
"""Campaigns on a creator's first page."""
REACHED = frozenset({"accepted", "sent", "delivered", "read", "unknown"})
"""States of a delivery by which a campaign has reached somebody, or may have."""
SPOKEN_SHOWN = 20

Beside = TypeVar("Beside")


@dataclass(frozen=True)
class Got:
    """A campaign that somebody got, and its messages to them, the newest first."""

    campaign: CampaignShown
    sent: tuple[Sent, ...]


@dataclass(frozen=True)
class Whole:
    """The same with what its last message said."""

    got: Got
    words: str


@dataclass(frozen=True)
class Messages:
    """A page of what was sent: campaigns' messages with their titles, and on the first page service
    messages."""

    sent: tuple[tuple[Sent, str], ...]
    spoken: tuple[Spoken, ...]
    after: str | None


@dataclass(frozen=True)
class Inbox:
    people: PeopleStore
    histories: Histories
    campaigns: CampaignsShown

    def campaigns_of(
        self, person_id: str, limit: int, after: str | None, beside: Callable[[], Beside]
    ) -> tuple[Influencer, list[Got], str | None, Beside]:
        """The person, up to `limit` campaigns that they got, the newest week first, behind the campaign
        `after`, where to go on, and what `beside` reads meanwhile."""
        (person, begun), more = both(lambda: self._of(person_id), beside)
        ids = list(dict.fromkeys(one.campaign_id for one in begun))
        start = ids.index(after) + 1 if after in ids else 0
        page = ids[start : start + limit]
        wanted = _in_turn([one for one in begun if one.campaign_id in page])[:AT_ONCE]
        sent, shown = self._read(wanted, page, person.language)
        found = [
            Got(shown[one], reached)
            for one in page
            if one in shown and (reached := tuple(s for s in sent if _reached(s, one)))
        ]
        found.sort(key=lambda got: got.sent[0].at, reverse=True)
        return person, found, page[-1] if start + limit < len(ids) else None, more

    def campaign(self, person_id: str, campaign_id: str) -> tuple[Influencer, Whole]:
        """One that they got. Raises NotFound."""
        person, begun = self._of(person_id)
        wanted = [one for one in begun if one.campaign_id == campaign_id][:AT_ONCE]
        if not wanted:
            raise NotFound
        sent, shown = self._read(wanted, [campaign_id], person.language)
        reached = tuple(one for one in sent if _reached(one, campaign_id))
        if not reached or campaign_id not in shown:
            raise NotFound
        last = reached[0]
        words = self.campaigns.words(last.run_id, last.channel, last.language, person.name)
        return person, Whole(Got(shown[campaign_id], reached), words)

    def messages(self, person_id: str, limit: int, after: str | None) -> tuple[Influencer, Messages]:
        """Messages to them, the newest week first, behind the run `after`."""
        (person, begun), spoken = both(
            lambda: self._of(person_id), lambda: [] if after else self.histories.spoken(person_id)
        )
        runs = [one.run_id for one in begun]
        start = runs.index(after) + 1 if after in runs else 0
        wanted = begun[start : start + limit]
        sent, shown = self._read(wanted, [one.campaign_id for one in wanted], person.language)
        titled = tuple(
            (one, shown[one.campaign_id].title if one.campaign_id in shown else "") for one in sent
        )
        more = wanted[-1].run_id if start + limit < len(runs) else None
        return person, Messages(titled, tuple(spoken[:SPOKEN_SHOWN]), more)

    def _of(self, person_id: str) -> tuple[Influencer, Sequence[Begun]]:
        person, begun = both(lambda: self.people.find(person_id), lambda: self.histories.begun(person_id))
        if person is None or person.standing is None:  # left since the session was looked at
            raise Unauthenticated
        return person, begun

    def _read(
        self, begun: Sequence[Begun], campaigns: Sequence[str], language: str
    ) -> tuple[list[Sent], dict[str, CampaignShown]]:
        if not begun:
            return [], {}
        return both(lambda: self.histories.became(begun), lambda: self.campaigns.shown(campaigns, language))


def _in_turn(begun: Sequence[Begun]) -> list[Begun]:
    """The newest of each campaign before the second of any: what came each day hides nothing else."""
    turns: Counter[str] = Counter()
    ranked = []
    for one in begun:
        ranked.append((turns[one.campaign_id], one))
        turns[one.campaign_id] += 1
    return [one for _, one in sorted(ranked, key=lambda ranked: ranked[0])]


def _reached(sent: Sent, campaign: str) -> bool:
    return sent.campaign_id == campaign and sent.status in REACHED
