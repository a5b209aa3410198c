"""Erasure: a person goes at once, and what others keep of them is forgotten behind the event.

The profile goes in one transaction, with all that it claims: from then on nobody signs in, is sent to, or is
found. What is left is noted in the same transaction without a name or address, and forgotten step by step;
each step may be repeated, and whoever dies between two is followed by the hour's sweep. It is looked at again
a day later, when nothing is under way any more, and until the last run that had claimed them is long over.
What stays, and why: docs/privacy.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from chalicelib.clock import Clock, parse_rfc3339
from chalicelib.errors import InvalidInput, NotFound, Transient, Unauthenticated
from chalicelib.events.catalog import InfluencerErased
from chalicelib.i18n import languages, translate
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.influencers.model import Influencer
from chalicelib.influencers.store import Left, PeopleStore
from chalicelib.names import fold
from chalicelib.pages.shell import mark
from chalicelib.ports import PersonalRecords
from chalicelib.shapes import Strict
from chalicelib.telemetry import count, logger

ERASE = "influencer.erase"
"""What staff do with a person (identity.roles.MATRIX)."""
WORD = mark("ERASE")
"""What a person types, in the language of the page, so that nobody is erased by a slip of the thumb."""
LOOKED_AT_AGAIN = timedelta(days=1)
"""By then no request, callback or message that knew the person is under way any more."""
A_PASS = 100
"""People whom one sweep goes on with."""
TRIED_AGAIN = timedelta(hours=1)
"""Who could not be forgotten stands behind all others until then, so that a hundred of them starve nobody."""
TRIES = 6
Asked = Literal["in_writing", "by_phone", "in_person", "by_a_court", "for_the_deceased", "wrong_person"]


class ErasureRequest(Strict):
    """A person's own wish."""

    word: Annotated[str, Field(max_length=40)]


class StaffErasure(Strict):
    """How a person without access to their page has asked for it: no words, for an audit cannot be erased."""

    asked: Asked


@dataclass(frozen=True)
class Erasing:
    store: PeopleStore
    records: Callable[[], Sequence[PersonalRecords]]
    """What features keep of a person, under the person's id."""
    sources: Callable[[str, str], str]
    """What stands for an address (channel, address) where voices are kept."""
    more: Callable[[Left], object]
    """Forgets what does not lie under the person's id."""
    audit: Audit
    clock: Clock

    def mine(self, person: str, word: str) -> None:
        """Erases whoever asks. Raises InvalidInput for another word."""
        if fold(word) not in {fold(translate(lang, WORD)) for lang in languages()}:
            sentence = "Please type the word exactly as it stands there."
            raise InvalidInput.of("word", "word_wrong", sentence)
        found = self.store.find(person)
        if found is None:
            raise Unauthenticated
        self._erase(found, "self", {})

    def for_them(self, who: Principal, influencer_id: str, asked: Asked) -> None:
        """Erases somebody who has asked in another way. Raises NotFound."""
        found = self.store.find(influencer_id)
        if found is None or not who.covers_area(found.area_path, ERASE):
            raise NotFound
        self._erase(found, who.id, {"asked": asked})

    def _erase(self, person: Influencer, actor: str, detail: dict[str, str]) -> None:
        """Once; anew while the profile was changed meanwhile."""
        found: Influencer | None = person
        for _ in range(TRIES):
            if found is None:  # this very wish, whose answer was lost, or the same from another page
                return
            now = self.clock.now()
            sources = [
                self.sources(channel, address)
                for channel, address in found.addresses.items()
                if self.store.owner_of(channel, address) in (None, found.id)  # who left may not have it now
            ]
            write = self.store.erasure(found, InfluencerErased(influencer_id=found.id), now, sources)
            try:
                self.audit.committing(
                    subject=f"influencer#{found.id}",
                    action="influencer.erased",
                    actor=actor,
                    at=now,
                    detail=detail,
                    write=write,
                    refused=lambda failed: _Changed(),
                )
            except _Changed:
                found = self.store.find(person.id)
                continue
            count("InfluencersErased")
            return
        raise Transient

    # --- what is left

    def forget(self, person: str) -> None:
        """Goes on with forgetting what is left of a person; nothing for whom nothing is. May be repeated, run
        twice at once, and die at any moment."""
        left = self.store.left_of(person)
        if left is None:
            return
        now, whole = self.clock.now(), True
        for records in self.records():
            whole = records.forget(person) and whole
        self.more(left)
        self.store.forget_rows(left)
        if whole and now >= parse_rfc3339(left.at) + LOOKED_AT_AGAIN:
            self.store.erased(left)
        else:
            self.store.erase_later(left, now + LOOKED_AT_AGAIN)

    def sweep(self, until: float) -> None:
        """Goes on with all who are due. One who cannot be forgotten now holds nobody else up; what was in the
        way is raised behind all others, so that staff hear of it, and they come again in an hour."""
        failed: Exception | None = None
        for person in self.store.erasing(self.clock.now(), A_PASS):
            if self.clock.epoch() >= until:
                break
            try:
                self.forget(person)
            except Exception as error:
                failed = error
                count("NotForgottenYet")
                logger.exception("not_forgotten_yet", extra={"influencer": person})
                with suppress(Exception):  # else they come again with the next sweep, before others
                    self._put_off(person)
        if failed is not None:
            raise failed

    def _put_off(self, person: str) -> None:
        left = self.store.left_of(person)
        if left is not None:
            self.store.erase_later(left, self.clock.now() + TRIED_AGAIN)


class _Changed(Transient):
    """Another writer was quicker."""
