"""Words that go back to people: over the way on which their voice came, at most once each, never into silence
without a word to staff.

Free text goes where the person's own last message is younger than 24 hours (WhatsApp) or always (Telegram).
Else a registered template tells that there is an answer, with the link; whoever writes back gets the answer
in full. An answer to one's own voice is a service message: STOP, which ends what we send by ourselves, does
not hold it back; of whom somebody else has named, it does (decisions/voices.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from itertools import islice
from typing import Any, cast

from chalicelib.clock import Clock
from chalicelib.errors import JanJanError, PlatformOff, Transient
from chalicelib.i18n import COMPLETE, say
from chalicelib.pictures import LARGEST
from chalicelib.platforms.base import Line, Outgoing
from chalicelib.ports import DirectSender, People, ServiceTexts
from chalicelib.voices.hearing import spoken
from chalicelib.voices.masking import mask
from chalicelib.voices.model import Refused, Sender, Voice, step_for
from chalicelib.voices.model import Telling as Occasion
from chalicelib.voices.service import Voices
from chalicelib.voices.words import (
    AGAIN,
    ANSWERED,
    BROUGHT,
    CARRIED,
    DECLINED,
    PICTURE_LOST,
    PICTURE_REFUSED,
    RESOLVED,
    SUBJECT,
    page_of,
)

WINDOW = timedelta(hours=24) - timedelta(minutes=1)
"""How long after a person's word WhatsApp takes free text, with a minute for clocks that differ."""
NEEDS_TEMPLATE = "refused:131047"
CHATS = ("whatsapp", "telegram")
"""Where words go in full, as far as the window allows."""
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
NEWEST = 20
"""Voices of a carrier that are looked at."""
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
    """Implements model.Teller and hearing.Full."""

    voices: Voices
    people: People
    direct: DirectSender
    texts: ServiceTexts
    clock: Clock
    public_url: str

    def tell(self, voice: Voice, sender: Sender | None, occasion: Occasion, text: str, *, step: str) -> str:
        """See model.Teller. `notified`: a template told of it, the words wait for the person's own."""
        to = self._carrier(voice) if occasion == "carried" else self._sender(voice, sender)
        if to is None and voice.on_behalf and occasion == "answered":
            to = self._carrier(voice)  # who named no number tells the person themself
        if occasion == "carried" and not voice.on_behalf:
            return "already"  # it was their own word: they have heard as its sender
        if to is None:
            return "no_way:no_address"
        if occasion != "carried" and voice.on_behalf and self.people.stopped(to.channel, to.address):
            return "no_way:stopped"
        try:
            return self._send(voice, to, occasion, text, step)
        except PlatformOff:
            return "no_way:channel_off"

    def bring(self, address: str, own: Sequence[Voice], person: str, line: Line, at: datetime) -> None:
        """See hearing.Full."""
        brought = [one.voice for one in islice(self.voices.carried(person), NEWEST)] if person else []
        for voice in {one.id: one for one in (*own, *brought)}.values():
            if voice.answers or voice.main:
                self._waiting_of(voice, address, line, at)

    def picture_lost(self, wanted: Mapping[str, Any], ticket: str, why: JanJanError) -> None:
        """See gallery.Regrets."""
        lang, (platform, *line) = str(wanted["language"]), map(str, wanted["line"])
        if isinstance(why, Refused):
            reason = say(lang, why.message, why.params)
            text = say(lang, PICTURE_REFUSED, {"ticket": ticket, "why": reason})
        else:
            text = say(lang, PICTURE_LOST, {"ticket": ticket, "most": LARGEST // 1024 // 1024})
        with suppress(PlatformOff):
            self.direct.send(
                subject=f"voice#{wanted['voice']}",
                key=f"picture_lost:{wanted['evidence']}",
                channel=str(wanted["channel"]),
                to=str(wanted["to"]),
                message=Outgoing(text=text),
                line=Line(platform, tuple(line)),
            )

    # --- to whom

    def _sender(self, voice: Voice, sender: Sender | None) -> _To | None:
        if sender is None or not sender.address:
            return None
        wrote = sender.channel == voice.source and not voice.on_behalf
        return _To(
            sender.channel, sender.address, spoken(voice.language), self._last(voice) if wrote else None
        )

    def _carrier(self, voice: Voice) -> _To | None:
        """The creator who brought another person's word."""
        contact = self.people.contacts([voice.carried_by]).get(voice.carried_by) if voice.carried_by else None
        if contact is None or not voice.on_behalf:
            return None
        channel = next((one for one in (voice.source, *CHANNELS) if one in contact.addresses), None)
        if channel is None:
            return None
        last = self._last(voice) if channel == voice.source else None
        return _To(channel, contact.addresses[channel], spoken(contact.language), last)

    def _last(self, voice: Voice) -> datetime:
        """When the voice's way in was last used, by whoever wrote."""
        said = self.voices.whole(voice.id).said
        return max([voice.received_at, *(one.at for one in said)])

    # --- how

    def _send(self, voice: Voice, to: _To, occasion: Occasion, said: str, what: str) -> str:
        link = page_of(self.public_url, voice.ticket, to.language)
        text = self._text(voice, to.language, occasion, said)
        outcome = self._in_words(voice, to, what, text) if to.channel in CHATS else NEEDS_TEMPLATE
        if outcome != NEEDS_TEMPLATE:
            return outcome
        if to.channel == "email":
            subject = say(to.language, SUBJECT, {"ticket": voice.ticket})
            page = f"<p>{escape(text)}</p>".replace("\n", "<br>")
            return self._out(voice, to, what, Outgoing(subject=subject, text=text, html=page))
        told = self._template(to, TEMPLATES.get(occasion, ANSWER_TEMPLATE), voice.ticket, link)
        if told is None:
            return "no_way:no_template"
        outcome = self._out(voice, to, f"{what}:template", told)
        if to.channel != "whatsapp" or occasion == "received":
            return outcome
        if outcome == "already":
            outcome = self.direct.outcome_of(subject=_subject(voice), key=f"{what}:template")
        return NOTIFIED if outcome == "accepted" else outcome

    def _in_words(self, voice: Voice, to: _To, what: str, text: str) -> str:
        """What came of the words in full. Whoever died after sending them may have left them to us: what
        stands there decides, also when the window has closed since."""
        begun = self.direct.outcome_of(subject=_subject(voice), key=what)
        if begun:
            return begun
        if to.channel != "telegram" and (to.last is None or self.clock.now() - to.last > WINDOW):
            return NEEDS_TEMPLATE
        return self._out(voice, to, what, Outgoing(text=text))

    def _out(self, voice: Voice, to: _To, key: str, message: Outgoing) -> str:
        return self.direct.send(
            subject=_subject(voice), key=key, channel=to.channel, to=to.address, message=message
        )

    def _template(self, to: _To, name: str, ticket: str, link: str) -> Outgoing | None:
        language = to.language if to.language in COMPLETE else "hi"  # what is registered everywhere
        if to.channel == "sms":
            return self.texts.sms(name, language, ticket, link)
        params = (ticket, link)
        return Outgoing(template=name, template_language=language, category="utility", params=params)

    def _text(self, voice: Voice, lang: str, occasion: Occasion, said: str) -> str:
        """The words in full. What staff wrote goes out without numbers and addresses of others."""
        link = page_of(self.public_url, voice.ticket, lang)
        params: dict[str, object] = {"ticket": voice.ticket, "text": mask(said), "link": link}
        text = say(lang, SENTENCES[occasion], params)
        if occasion in ("resolved", "declined") and not (voice.reopened_by_citizen or voice.main):
            return f"{text}\n\n{say(lang, AGAIN, {'link': link})}"
        return text if occasion == "received" else f"{text}\n\n{link}"

    # --- what a template told of

    def _waiting_of(self, voice: Voice, address: str, line: Line, at: datetime) -> None:
        whole = self.voices.whole(voice.id)
        joined = self.voices.whole(voice.main).answers if voice.main else ()
        answers = {(voice.id, one.number): one for one in whole.answers}
        answers |= {(voice.main, one.number): one for one in joined}
        for told in whole.told:
            occasion, number = told.step.split(":")[:2]
            what = f"{occasion}:{number}"
            of = next((one for one in (voice.id, voice.main) if step_for(voice, what, one) == told.step), "")
            answer = answers.get((of, int(number)))
            if told.outcome != NOTIFIED or at - told.at > WAITS or answer is None:
                continue
            to = self._carrier(voice) if occasion == "carried" else self._sender(voice, whole.sender)
            if to is not None and (to.channel, to.address) == ("whatsapp", address):
                text = self._text(voice, to.language, cast("Occasion", occasion), answer.text)
                self._in_full(voice, to, text, told.step, line)

    def _in_full(self, voice: Voice, to: _To, text: str, step: str, line: Line) -> None:
        """Once, over the line on which the person has just written."""
        with suppress(Transient):  # it waits for their next word
            self.direct.send(
                subject=_subject(voice),
                key=f"{step}:full",
                channel=to.channel,
                to=to.address,
                message=Outgoing(text=text),
                line=line,
            )


def _subject(voice: Voice) -> str:
    """Under which the sender claims what is told of it."""
    return f"voice#{voice.id}"
