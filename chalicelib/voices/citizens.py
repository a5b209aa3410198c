"""Voices from pages and the API: how often, from whom, and what whoever has the ticket may do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.clock import Clock
from chalicelib.errors import InvalidInput, NotFound
from chalicelib.i18n import translate
from chalicelib.ids import new_token
from chalicelib.ops import RateLimits, network
from chalicelib.ports import Areas, People
from chalicelib.uploads import Upload
from chalicelib.voices.form import CarriedRequest, MoreWords, VoiceRequest
from chalicelib.voices.gallery import Gallery
from chalicelib.voices.model import Arrival, PublicVoice, Received, Sender, Voice
from chalicelib.voices.service import Voices
from chalicelib.voices.words import STATES, page_of

HOUR_S = 3600
VOICES_AN_HOUR = 30
"""From one network: a whole village may share one."""
BROUGHT_AN_HOUR = 60
LOOKS_AN_HOUR = 600
WORDS_AN_HOUR = 60
LISTED = 20


@dataclass(frozen=True)
class Citizens:
    voices: Voices
    gallery: Gallery
    areas: Areas
    departments: Callable[[], Mapping[str, object]]
    people: People
    limits: RateLimits
    keyed_hash: Callable[[str], str]
    clock: Clock
    public_url: str

    def link(self, ticket: str, lang: str) -> str:
        """The page of a voice."""
        return page_of(self.public_url, ticket, lang)

    def say(self, asked: VoiceRequest, lang: str, source_ip: str, once: str = "") -> Received:
        """Takes a voice from the page or the API. The same words with the same `once` are the same voice.
        Its answers are read by its ticket. Raises InvalidInput, TooManyRequests."""
        self._checked(asked)
        self._spend("voice", network(source_ip), VOICES_AN_HOUR)
        return self.voices.receive(self._arrival(asked, lang, "form", once))

    def bring(self, person: str, asked: CarriedRequest, lang: str, once: str = "") -> Received:
        """Takes what a creator brings: their own word, to be answered over their own channel; or another
        person's, to be answered over WhatsApp where they named a number that has not said STOP. Raises as
        `say`."""
        self._checked(asked)
        self._spend("brought", person, BROUGHT_AN_HOUR)
        arrival = self._arrival(asked, lang, "creator", f"{person} {once}" if once else "")
        return self.voices.receive(
            arrival.model_copy(
                update={
                    "sender": self._to(person, asked, lang),
                    "carried_by": person,
                    "on_behalf": asked.on_behalf,
                }
            )
        )

    def _to(self, person: str, asked: CarriedRequest, lang: str) -> Sender:
        if asked.on_behalf:
            told = asked.phone and not self.people.stopped("whatsapp", asked.phone)
            return Sender(
                channel="whatsapp" if told else "", address=asked.phone if told else "", language=lang
            )
        contact = self.people.contacts([person]).get(person)
        channel = next(iter(contact.addresses), "") if contact else ""
        address = contact.addresses[channel] if contact and channel else ""
        return Sender(channel=channel, address=address, language=contact.language if contact else lang)

    def look(self, ticket: str, source_ip: str) -> PublicVoice:
        """How the voice with this ticket stands. Raises NotFound, TooManyRequests."""
        return self.voices.public(ticket, lambda: self._spend("ticket", network(source_ip), LOOKS_AN_HOUR))

    def place(self, ticket: str, source_ip: str, then: str = "") -> Upload:
        """A place for one picture of the voice with this ticket. Raises as `Gallery.place`, NotFound."""
        return self.gallery.place(self._found(ticket, source_ip), then)

    def add(self, ticket: str, more: MoreWords, source_ip: str, once: str = "") -> PublicVoice:
        """Adds words, a picture or both. Raises InvalidInput, NotFound, Refused, TooManyRequests."""
        voice = self._found(ticket, source_ip)
        if not more.text and not more.picture:
            raise InvalidInput.of("text", "missing", "Please fill in this field.")
        pictures = (self.gallery.keep(voice, more.picture),) if more.picture else ()
        evidence = self._evidence(f"more {voice.id}", more.text + more.picture, once)
        self.voices.add_words(voice.id, more.text, pictures, self.clock.now(), evidence)
        return self.voices.public(ticket)

    def reopen(self, ticket: str, text: str, source_ip: str) -> PublicVoice:
        """Opens it again, once. Raises NotFound, Refused, TooManyRequests."""
        self._spend("words", network(source_ip), WORDS_AN_HOUR)
        return self.voices.reopen(ticket, text)

    def brought(self, person: str, lang: str) -> Sequence[tuple[str, str]]:
        """Tickets of what a creator has brought, the newest first, and how each stands."""
        found: list[tuple[str, str]] = []
        for whole in self.voices.carried(person):
            if len(found) == LISTED:
                break
            found.append((whole.voice.ticket, translate(lang, STATES[whole.voice.status])))
        return found

    def _found(self, ticket: str, source_ip: str) -> Voice:
        self._spend("words", network(source_ip), WORDS_AN_HOUR)
        voice = self.voices.by_ticket(ticket)
        if voice is None or voice.hidden:
            raise NotFound
        return voice

    def _arrival(self, asked: VoiceRequest, lang: str, source: str, once: str) -> Arrival:
        return Arrival(
            evidence=self._evidence(source, asked.text, once),
            source=source,  # type: ignore[arg-type]
            text=asked.text,
            at=self.clock.now(),
            kind=asked.kind,
            area=asked.area,
            department=asked.department,
            sender=Sender(language=lang),
            occasion=asked.occasion,
        )

    def _evidence(self, what: str, text: str, once: str) -> str:
        """Of a form that may be sent twice: its own number and its words. What was changed in between is
        another voice: no word is lost."""
        told = hashlib.sha256(text.encode()).hexdigest()
        return f"{what} {once or new_token()} {told}"

    def _checked(self, asked: VoiceRequest) -> None:
        if asked.area and self.areas.get(asked.area) is None:
            raise InvalidInput.of("area", "area_unknown", "There is no area %(id)s.", id=asked.area)
        if asked.department and asked.department not in self.departments():
            raise InvalidInput.of(
                "department", "department_unknown", "There is no department %(id)s.", id=asked.department
            )

    def _spend(self, what: str, of: str, limit: int) -> None:
        self.limits.spend(f"{what}#{self.keyed_hash(of)}", limit, HOUR_S)
