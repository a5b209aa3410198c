"""Words that go back to people: over the way on which their voice came, at most once each, never into silence
without a word to staff.

Free text goes where the person's own last message is younger than 24 hours (WhatsApp) or always (Telegram).
Else a registered template tells that there is an answer, with the link; whoever writes back gets the answer
in full. An answer to one's own voice is a service message: STOP, which ends what we send by ourselves, does
not hold it back; of whom somebody else has named, it does (decisions/voices.md).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from chalicelib.clock import Clock
from chalicelib.errors import PlatformOff, Transient
from chalicelib.i18n import translate
from chalicelib.platforms.base import Line, Outgoing
from chalicelib.ports import DirectSender, People, ServiceTexts
from chalicelib.voices.hearing import spoken
from chalicelib.voices.masking import mask
from chalicelib.voices.model import Answer, Voice
from chalicelib.voices.service import Voices
from chalicelib.voices.store import Whole
from chalicelib.voices.words import AGAIN, ANSWERED, BROUGHT, CARRIED, DECLINED, RESOLVED, SUBJECT

WINDOW = timedelta(hours=24) - timedelta(minutes=1)
"""How long after a person's word WhatsApp takes free text, with a minute for clocks that differ."""
NEEDS_TEMPLATE = "refused:131047"
WAITS = timedelta(days=30)
"""So long an answer of which a template told is brought in full to who writes."""
NOTIFIED = "notified"
"""Only the template went out: the answer itself waits for the person's word."""
TEMPLATES = {"received": "janjan_voice_received", "carried": "janjan_voice_carried"}
ANSWER_TEMPLATE = "janjan_voice_answered"
SENTENCES = {
    "received": BROUGHT,
    "answered": ANSWERED,
    "resolved": RESOLVED,
    "declined": DECLINED,
    "carried": CARRIED,
}
CHANNELS = ("whatsapp", "telegram", "sms", "email")
"""In which a carrier is written to, when they did not write by any of them."""


@dataclass(frozen=True)
class _To:
    """Somebody to tell."""

    channel: str
    address: str
    language: str
    last: datetime | None
    """When they wrote last over this channel, as far as the voice shows it."""


@dataclass(frozen=True)
class Telling:
    voices: Voices
    people: People
    direct: DirectSender
    texts: ServiceTexts
    clock: Clock
    link: Callable[[str, str], str]
    """Of a ticket and a language: the page of the voice."""

    def tell(self, whole: Whole, what: str, answer: Answer | None) -> str:
        """Sends one word about a voice to whom it belongs: `received:0` and answers to its sender,
        `carried:<number>` to who brought it. `answer` may be that of the voice to which it was joined.
        Gives `accepted`, `notified`, `already`, `unknown`, `refused:<code>`, or why there was no way:
        `no_address`, `no_template`, `no_channel`, `stopped`. Raises Transient: to be tried again."""
        occasion = what.partition(":")[0]
        to = self._carrier(whole) if occasion == "carried" else self._sender(whole)
        if to is None:
            return "no_address"
        if occasion != "carried" and whole.voice.on_behalf and self.people.stopped(to.channel, to.address):
            return "stopped"
        try:
            return self._send(whole.voice, to, occasion, what, answer)
        except PlatformOff:
            return "no_channel"

    def bring(self, channel: str, address: str, line: Line, at: datetime) -> None:
        """See hearing.Full. A carrier gets theirs with their own next word as well."""
        person = self.people.owner(channel, address)
        brought = [one.voice for one in self.voices.carried(person)] if person else []
        for voice in {one.id: one for one in (*self.voices.of_address(channel, address), *brought)}.values():
            whole = self.voices.whole(voice.id)
            for told in whole.told:
                if told.outcome == NOTIFIED and at - told.at <= WAITS:
                    self._in_full(whole, told.step, channel, address, line)

    # --- to whom

    def _sender(self, whole: Whole) -> _To | None:
        given, voice = whole.sender, whole.voice
        if given is None or not given.address:
            return None
        wrote = given.channel == voice.source and not voice.on_behalf
        last = max((one.at for one in whole.said), default=None) if wrote else None
        return _To(given.channel, given.address, spoken(voice.language), last)

    def _carrier(self, whole: Whole) -> _To | None:
        """The creator who brought it, unless they are its sender and have heard of it already."""
        voice = whole.voice
        contact = self.people.contacts([voice.carried_by]).get(voice.carried_by) if voice.carried_by else None
        if contact is None or not voice.on_behalf:
            return None
        order = [voice.source, *CHANNELS]
        channel = next((one for one in order if one in contact.addresses), None)
        if channel is None:
            return None
        last = voice.received_at if channel == voice.source else None
        return _To(channel, contact.addresses[channel], spoken(contact.language), last)

    # --- how

    def _send(self, voice: Voice, to: _To, occasion: str, what: str, answer: Answer | None) -> str:
        link = self.link(voice.ticket, to.language)
        text = self._text(voice, to.language, occasion, answer, link)
        open_window = to.last is not None and self.clock.now() - to.last <= WINDOW
        if to.channel == "telegram" or to.channel == "whatsapp" and open_window:
            outcome = self._out(voice, to, what, Outgoing(text=text))
            if outcome != NEEDS_TEMPLATE:
                return outcome
        if to.channel == "email":
            subject = translate(to.language, SUBJECT, {"ticket": voice.ticket})
            page = f"<p>{escape(text)}</p>".replace("\n", "<br>")
            return self._out(voice, to, what, Outgoing(subject=subject, text=text, html=page))
        told = self._template(to, TEMPLATES.get(occasion, ANSWER_TEMPLATE), voice.ticket, link)
        if told is None:
            return "no_template"
        outcome = self._out(voice, to, f"{what}:template", told)
        full = to.channel == "whatsapp" and occasion != "received"
        return NOTIFIED if full and outcome in ("accepted", "already") else outcome

    def _out(self, voice: Voice, to: _To, key: str, message: Outgoing) -> str:
        return self.direct.send(
            subject=f"voice#{voice.id}", key=key, channel=to.channel, to=to.address, message=message
        )

    def _template(self, to: _To, name: str, ticket: str, link: str) -> Outgoing | None:
        if to.channel == "sms":
            return self.texts.sms(name, to.language, ticket, link)
        params = (ticket, link)
        return Outgoing(template=name, template_language=to.language, category="utility", params=params)

    def _text(self, voice: Voice, lang: str, occasion: str, answer: Answer | None, link: str) -> str:
        """The words in full. What staff wrote goes out without numbers and addresses of others."""
        said = mask(answer.text) if answer else ""
        text = translate(lang, SENTENCES[occasion], {"ticket": voice.ticket, "text": said, "link": link})
        if occasion in ("resolved", "declined") and not voice.reopened_by_citizen:
            return f"{text}\n\n{translate(lang, AGAIN, {'link': link})}"
        return text if occasion == "received" else f"{text}\n\n{link}"

    def _in_full(self, whole: Whole, step: str, channel: str, address: str, line: Line) -> None:
        """What a template told of, once, over the line on which the person has just written."""
        occasion, _, number = step.partition(":")
        to = self._carrier(whole) if occasion == "carried" else self._sender(whole)
        answers = self.voices.answers_to(whole.voice)
        answer = next((one for one in answers if str(one.number) == number), None)
        if to is None or answer is None or (to.channel, to.address) != (channel, address):
            return
        text = self._text(
            whole.voice, to.language, occasion, answer, self.link(whole.voice.ticket, to.language)
        )
        with suppress(Transient):  # it waits for their next word
            self.direct.send(
                subject=f"voice#{whole.voice.id}",
                key=f"{step}:full",
                channel=channel,
                to=address,
                message=Outgoing(text=text),
                line=line,
            )
