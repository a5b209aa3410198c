"""What people write to us over WhatsApp and Telegram: a voice, a further word to one, or a question about it.

Every step may be repeated: a voice and each word of it have the callback's id as their evidence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.errors import NotFound
from chalicelib.i18n import languages, say
from chalicelib.platforms.base import Cameras, Inbound, Line
from chalicelib.ports import Contact, People
from chalicelib.queues import Queue
from chalicelib.voices.model import Arrival, Received, Refused, Sender, Source, Voice
from chalicelib.voices.places import Districts
from chalicelib.voices.service import Voices, read_ticket
from chalicelib.voices.speech import behalf_of, is_voice, language_of, says_nothing, wants_erasure
from chalicelib.voices.words import (
    ADDED,
    ASK_DISTRICT,
    BEHALF,
    ERASED,
    NO_TICKET,
    NOTICE,
    PLACED,
    RECEIVED,
    SEVERAL,
    WHERE,
    page_of,
    state_in_words,
)

SOURCES: dict[str, Source] = {"whatsapp": "whatsapp", "telegram": "telegram"}
"""Over which voices are heard. An SMS would have to be answered in registered words, an email has a
subject."""
TOGETHER = timedelta(minutes=30)
"""What somebody writes so soon after their last word belongs to it."""
ASKED = timedelta(days=2)
"""So long a short answer may be the district that we asked for."""
LONGEST_TICKET = 60
LONGEST = 10_000
"""Letters: more than either platform lets anybody write, and than a row holds in any script."""


class Full(Protocol):
    """What of answers still waits for a person's word."""

    def bring(self, address: str, own: Sequence[Voice], person: str, line: Line, at: datetime) -> None:
        """Sends the full text of answers of which a template told, for the voices of this WhatsApp number and
        those that this person has brought; may be repeated."""
        ...


@dataclass(frozen=True)
class Hearing:
    """Implements ports.Voices."""

    voices: Voices
    people: People
    districts: Districts
    cameras: Cameras
    queue: Queue
    waiting: Full
    public_url: str
    months: int
    """How long address and name are kept after the end of a voice."""

    def heard(self, channel: str, said: Inbound, *, line: Line, at: datetime) -> str | None:
        """See ports.Voices."""
        if channel not in SOURCES or said.kind == "deep_link" or len(said.text) > LONGEST:
            return None
        own, carrier = self.voices.of_address(channel, said.sender), self._carrier(channel, said.sender)
        if channel == "whatsapp" and (own or carrier):  # elsewhere no template stands in for the words
            self.waiting.bring(said.sender, own, carrier.id if carrier else "", line, at)
        if (answer := self._asked(channel, said, own)) is not None:
            return answer
        if wants_erasure(said.text):
            return None  # nothing of theirs is here, or no more: it must not become a voice with their number
        open_voice = self._open(own, carrier)
        if said.kind in ("edit", "revoke"):
            return self._edited(said, line, at, open_voice)
        repeated = bool(own or carrier) and self.voices.find(self.voices.id_of(said.dedupe_id)) is not None
        if open_voice and not repeated:
            reply = self._more(open_voice, said, channel, line, at)
            if reply is not None:
                return reply
        return self._received(channel, said, line, at, carrier) if is_voice(said.text) else None

    # --- a new voice

    def _received(
        self, channel: str, said: Inbound, line: Line, at: datetime, carrier: Contact | None
    ) -> str:
        behalf = behalf_of(said.text) if carrier else None
        language = carrier.language if carrier else language_of(said.text)
        sender = Sender(channel=channel, address=said.sender, name=said.name, language=language)
        if behalf is not None:
            sender = self._of(behalf.phone, language)
        arrival = Arrival(
            evidence=said.dedupe_id,
            source=SOURCES[channel],
            text=said.text,
            at=at,
            area=carrier.area_path[-1] if carrier and carrier.area_path else "",
            sender=sender,
            carried_by=carrier.id if carrier else "",
            on_behalf=behalf is not None,
        )
        received = self.voices.receive(arrival)
        self._picture(received.id, said, channel, line, at, language=spoken(language))
        return self._confirmation(received, arrival, spoken(language), told=bool(sender.address))

    def _of(self, phone: str, language: str) -> Sender:
        """Somebody whom a creator names: nobody who has said STOP is written to for another's word."""
        if not phone or self.people.stopped("whatsapp", phone):
            return Sender(language=language)
        return Sender(channel="whatsapp", address=phone, language=language)

    def _confirmation(self, received: Received, arrival: Arrival, lang: str, *, told: bool) -> str:
        voice = self.voices.by_ticket(received.ticket)
        parts = [
            say(lang, RECEIVED, {"ticket": received.ticket}),
            say(lang, WHERE, {"link": page_of(self.public_url, received.ticket, lang)}),
        ]
        if arrival.on_behalf and told:
            parts.append(say(lang, BEHALF))
        if voice is not None and not voice.area:
            parts.append(say(lang, ASK_DISTRICT))
        parts.append(say(lang, NOTICE, {"months": self.months}))
        return "\n".join(parts)

    # --- more to one that is open

    def _open(self, own: Sequence[Voice], carrier: Contact | None) -> Voice | None:
        """The newest open voice that this address is the sender of, or that its owner has brought."""
        brought = next(iter(self.voices.carried(carrier.id)), None) if carrier else None
        found = [*own, *([brought.voice] if brought and brought.voice.on_behalf else [])]
        return max(self.voices.still_open(found), key=lambda one: one.received_at, default=None)

    def _more(self, voice: Voice, said: Inbound, channel: str, line: Line, at: datetime) -> str | None:
        """The reply to what belongs to this voice; None when it is something of its own."""
        placed = self._answered_where(voice, said, at)
        if placed is not None or not self._belongs(voice, said, line, at):
            return placed
        return self._added(voice, said, channel, line, at)

    def _answered_where(self, voice: Voice, said: Inbound, at: datetime) -> str | None:
        """The reply to the name of a district, where we had asked for it; None when this is no answer."""
        if at - voice.received_at > ASKED or not said.text:
            return None
        found = self.districts.named(said.text)
        lang = self._language(voice, said)
        if len(found) == 1 and voice.area in ("", found[0].id):
            if not voice.area:
                self.voices.place(voice.id, found[0].id)
            return say(lang, PLACED, {"area": self.districts.shown(found[0], lang), "ticket": voice.ticket})
        if len(found) > 1 and not voice.area:
            named = "\n".join(f"• {self.districts.shown(one, lang)}" for one in found)
            return f"{say(lang, SEVERAL)}\n{named}"
        return None

    def _belongs(self, voice: Voice, said: Inbound, line: Line, at: datetime) -> bool:
        """Whether it is a further word to this voice: whatever answers a question of ours, and what follows
        soon, but no mere thank you."""
        picture = self.cameras.picture_in(line.platform, said) is not None
        if voice.asks:
            return bool(said.text.strip()) or picture
        if says_nothing(said.text) and not picture:
            return False
        words = self.voices.whole(voice.id).said
        last = max([voice.received_at, *(one.at for one in words)])
        return abs(at - last) <= TOGETHER

    def _added(self, voice: Voice, said: Inbound, channel: str, line: Line, at: datetime) -> str:
        lang = self._language(voice, said)
        try:
            if said.text.strip():
                self.voices.add_words(voice.id, said.text, (), at, said.dedupe_id)
            self._picture(voice.id, said, channel, line, at, language=lang)
        except Refused as refused:
            return say(lang, refused.message, refused.params)
        return say(lang, ADDED, {"ticket": voice.ticket})

    def _edited(self, said: Inbound, line: Line, at: datetime, open_voice: Voice | None) -> str | None:
        """An edit changes what was said, a revocation takes it back; how it read before is kept. Where the
        platform does not tell which message it was, the new words join the voice."""
        text = said.text if said.kind == "edit" else ""
        earlier = self.cameras.earlier(line.platform, said)
        ids = [self.voices.id_of(earlier)] if earlier else []
        for voice_id in [*ids, *([open_voice.id] if open_voice else [])]:
            if earlier and self.voices.edit_words(voice_id, earlier, text):
                return ""
        if earlier or open_voice is None or says_nothing(text):
            return None
        if at - open_voice.received_at > TOGETHER:
            return None
        self.voices.add_words(open_voice.id, text, (), at, said.dedupe_id)
        return ""

    def _picture(
        self, voice_id: str, said: Inbound, channel: str, line: Line, at: datetime, *, language: str
    ) -> None:
        """Has the message's picture fetched behind the queue; where it fails, whoever sent it is told in this
        language."""
        media = self.cameras.picture_in(line.platform, said)
        if media is not None:
            wanted = {
                "kind": "voice_picture",
                "voice": voice_id,
                "channel": channel,
                "line": [line.platform, *line.to],
                "media": media.id,
                "evidence": said.dedupe_id,
                "at": at.isoformat(),
                "to": said.sender,
                "language": language,
            }
            self.queue.put([wanted])

    # --- about one's own voices

    def _asked(self, channel: str, said: Inbound, own: Sequence[Voice]) -> str | None:
        """The answer to who sends a ticket, or asks to be erased; None to anybody else."""
        lang = spoken(language_of(said.text))
        if ticket := read_ticket(said.text) if len(said.text) <= LONGEST_TICKET else "":
            lang = spoken(language_of(re.sub("[A-Za-z]", "", said.text)))
            try:
                return state_in_words(
                    self.voices.public(ticket), lang, page_of(self.public_url, ticket, lang)
                )
            except NotFound:
                return say(lang, NO_TICKET, {"ticket": ticket})
        if wants_erasure(said.text) and (own or self._carrier(channel, said.sender) is None):
            self.voices.forget_address(channel, said.sender)
            return say(lang, ERASED)  # also who was erased before: the same words may come again
        return None

    def _carrier(self, channel: str, address: str) -> Contact | None:
        """The approved creator who has proven that this address is theirs."""
        owner = self.people.owner(channel, address)
        contact = self.people.contacts([owner]).get(owner) if owner else None
        return contact if contact and contact.status == "approved" else None

    def _language(self, voice: Voice, said: Inbound) -> str:
        return spoken(voice.language or language_of(said.text))


def spoken(language: str) -> str:
    """The language in which somebody is answered: theirs where it has a catalogue, else Hindi."""
    return language if language in languages() else "hi"
