"""Signup, verification, review and withdrawal; what people are told on the way; whom a sender may reach."""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pynamodb.transactions import TransactWrite

from chalicelib import ids, lists, telemetry
from chalicelib.clock import Clock, rfc3339
from chalicelib.errors import FieldError, InvalidInput, NotFound, PlatformOff
from chalicelib.events.catalog import (
    DeliveryOptedOut,
    Event,
    InfluencerApproved,
    InfluencerDeclined,
    InfluencerSignedUp,
    InfluencerSuspended,
    InfluencerVerified,
    InfluencerWithdrawn,
)
from chalicelib.i18n import negotiate, translate
from chalicelib.identity.audit import Audit, nothing
from chalicelib.identity.roles import Principal
from chalicelib.influencers.claims import Proof, Taken
from chalicelib.influencers.model import (
    ADDRESS_KIND,
    CODE_DIGITS,
    STATUSES,
    Filter,
    Influencer,
    ReviewRequest,
    SignupAnswer,
    SignupRequest,
    StateRefused,
    Status,
    Verification,
    age_problem,
    alike,
    new_influencer,
)
from chalicelib.influencers.resuming import Resumptions
from chalicelib.influencers.store import PeopleStore
from chalicelib.ops import RateLimits, network
from chalicelib.platforms.base import Channel, Outgoing
from chalicelib.ports import Appointee, Area, Areas, Contact, DirectSender, Invitee, ServiceTexts, Way
from chalicelib.queues import Queue
from chalicelib.secrets import Secrets

CODE_HOLDS_S = 600
LINK_HOLDS_S = 3600
CONFIRMATION_HOLDS_S = 14 * 24 * 3600
"""Emails are read late."""
LONGEST_UNTIL = 12
"""Digits of the end of a link."""
UNVERIFIED_KEPT_S = 48 * 3600
HOUR_S = 3600
ALIAS_KEPT_S = 400 * 24 * 3600
SIGNUPS_AN_ADDRESS = 1000
"""An hour. A hall full of creators signs up over one wireless network, a provider has thousands behind one
address."""
MESSAGES_A_NUMBER = 5
"""An hour: nobody can have a stranger's phone or mailbox flooded with codes."""
TRIES_AN_ADDRESS = 2000
PAGE = 100
"""People looked at for one page of a list: a rare filter answers early, with a cursor to go on."""
HOME_LANGUAGE = "hi"
STOPPED_BEFORE = "You have written STOP. To get our messages again, write START."
MOST_WAITING = 500
"""People who wait for a review, looked at so that the oldest come first; more are behind a smaller area."""
NAMESAKES_READ = 200
"""Approved people of one place, among whom a namesake is looked for."""
READERS = 16
READ, REVIEW, REVEAL = "influencer.read", "influencer.review", "influencer.reveal"
"""What staff do with a person (identity.roles.MATRIX)."""


def spoken(language: str) -> str:
    """The language in which we speak to a person who reads `language`."""
    return negotiate(language, None, HOME_LANGUAGE)


def _of(person: Influencer) -> dict[str, str]:
    return {"influencer_id": person.id, "area": person.area}


def _verified(person: Influencer) -> Event:
    return InfluencerVerified(channel=person.channel, **_of(person))


@dataclass(frozen=True)
class Codes:
    """Codes that need not be stored: made from the pepper, so that the same request gives the
    same code however often its message comes. Kept and compared are hashes. The subject is a signup or a
    sign-in."""

    keyed_hash: Callable[[str], str]

    def code(self, subject: str, nonce: str) -> str:
        return f"{int(self.keyed_hash(f'code {subject} {nonce}'), 16) % 10**CODE_DIGITS:0{CODE_DIGITS}d}"

    def digest(self, subject: str, code: str) -> str:
        return self.keyed_hash(f"digest {subject} {code}")

    def check(self, store: PeopleStore, subject: str, code: str, now: datetime) -> str:
        """Counts a try; whose sign-in it is, after a right code. Raises InvalidInput for a wrong one, NoCode,
        TriesUsedUp."""
        valid, owner = store.spend_try(subject, now.timestamp())
        if not hmac.compare_digest(valid, self.digest(subject, code)):
            raise InvalidInput.of(
                "code", "code_wrong", "This code is not right. Please check the message again."
            )
        return owner


@dataclass(frozen=True)
class Signups:
    """From the form to the review queue. Whether a phone is known shows neither in an answer nor in its
    timing: the same work is done, and only the handler behind the queue looks (see Messenger)."""

    store: PeopleStore
    queue: Queue
    areas: Areas
    themes: Callable[[], Sequence[str]]
    limits: RateLimits
    secrets: Secrets
    clock: Clock
    channels: Callable[[], Sequence[Channel]]
    """All that are configured and on."""
    texts: ServiceTexts

    def sign_up(self, request: SignupRequest, address: str) -> SignupAnswer:
        """Stores an unverified signup and sets its verification going. Raises InvalidInput,
        TooManyRequests."""
        self._spend("signup", network(address), SIGNUPS_AN_ADDRESS)
        now, today = self.clock.now(), self.clock.today_ist()
        area = self._checked(request, today)
        person = new_influencer(
            request, influencer_id=ids.new_id("inf"), area_path=area.path, today=today, at=rfc3339(now)
        )
        self._spend_a_message(person)
        token = ids.new_token() if request.channel == "telegram" else None
        self.store.add_unverified(
            person,
            InfluencerSignedUp(**_of(person)),
            at=now,
            expires=int(now.timestamp()) + UNVERIFIED_KEPT_S,
            link=token,
            link_expires=int(now.timestamp()) + LINK_HOLDS_S,
        )
        return SignupAnswer(id=person.id, verification=self._begin(person, token, now))

    def new_code(self, influencer_id: str) -> SignupAnswer:
        """Another code, which ends the one before, or another deep link beside the one before."""
        person = self._unverified(influencer_id)
        self._spend_a_message(person)
        now, token = self.clock.now(), None
        if person.channel == "telegram":
            token = ids.new_token()
            self.store.add_link(token, person.id, int(now.timestamp()) + LINK_HOLDS_S)
        return SignupAnswer(id=person.id, verification=self._begin(person, token, now))

    def verify(self, influencer_id: str, code: str, address: str) -> Status:
        """The state after a right code. Raises InvalidInput for a wrong one, NoCode, TriesUsedUp, Taken."""
        self._spend("verify", network(address), TRIES_AN_ADDRESS)
        now = self.clock.now()
        person = self.find(influencer_id)
        if person.status == "pending_review":
            return person.status
        if person.status != "unverified":
            raise StateRefused(status=person.status)
        Codes(self.secrets.keyed_hash).check(self.store, influencer_id, code, now)
        proof = Proof(person.channel, person.own_address, now, f"code over {person.channel}")
        return self.store.verify(influencer_id, proof, _verified).status

    def confirmed(self, token: str) -> Influencer:
        """Whose email the link with this token confirms. Raises NotFound for a token that is not ours, was
        for another address, or has run out."""
        return self._confirmed(token)[0]

    def _confirmed(self, token: str) -> tuple[Influencer, str]:
        """The same, with the address that the link was sent to."""
        influencer_id, _, rest = token.partition(".")
        person = self.store.find(influencer_id) if influencer_id else None
        confirmations = Confirmations(self.secrets.keyed_hash)
        address = confirmations.address(person, rest, self.clock.epoch()) if person else ""
        if person is None or not address:
            raise NotFound("This link does not hold (any more).")
        return person, address

    def confirm(self, token: str) -> Influencer:
        """Makes the email that a link was sent to this person's: they can be reached there. Raises NotFound
        as `confirmed`, Taken, StateRefused."""
        person, address = self._confirmed(token)
        proof = Proof("email", address, self.clock.now(), "link by email")
        return self.store.prove_email(person.id, proof)

    def start_telegram(self, token: str, chat_id: str, at: datetime) -> str | None:
        """See ports.People. None for a token that is not ours or has run out."""
        influencer_id = self.store.linked(token, self.clock.epoch())
        person = self.store.find(influencer_id) if influencer_id else None
        if person is None:
            return None
        language = spoken(person.language)
        if person.status == "unverified":
            try:
                person = self.store.verify(person.id, Proof("telegram", chat_id, at, "deep link"), _verified)
            except Taken:
                return translate(
                    language, "This Telegram account is registered already. Nothing needs to be done."
                )
        if person.chat != chat_id:
            return None
        thanks = "Thank you, %(name)s. Your signup is complete. We will look at it and write to you here."
        reply = translate(language, thanks, {"name": person.name})
        return f"{reply} {translate(language, STOPPED_BEFORE)}" if person.may_restart else reply

    def offered(self) -> tuple[str, ...]:
        """Channels over which this deployment can verify people."""
        return tuple(dict.fromkeys(channel.medium for channel in self.channels() if self._verifies(channel)))

    def find(self, influencer_id: str) -> Influencer:
        """A signup, for who holds its id. Raises NotFound."""
        person = self.store.find(influencer_id)
        if person is None:
            raise NotFound
        return person

    def _checked(self, request: SignupRequest, today: date) -> Area:
        """The person's area, when everything that must be looked up is right; InvalidInput with all that is
        not."""
        area = self.areas.many([request.area], fresh=True).get(request.area)  # it may just have moved
        wrong = [problem] if (problem := age_problem(request.birth_date, today)) else []
        if area is None:
            wrong.append(no_area("area", request.area))
        served = [one for one in request.areas_served if one != request.area]
        wrong += unknown_areas(self.areas, served)
        wrong += unknown_themes(self.themes, request.themes)
        if request.channel not in self.offered():
            wrong.append(
                FieldError("channel", "channel_off", "This channel is not offered here. Choose another.")
            )
        by_email = request.channel == "email" or any(c.channel == "email" for c in request.consents)
        if by_email and not request.email:
            wrong.append(FieldError("email", "missing", "Please fill in this field."))
        if wrong or area is None:
            raise InvalidInput(wrong)
        return area

    def _begin(self, person: Influencer, token: str | None, now: datetime) -> Verification:
        """Queues the code, or makes the deep link."""
        if token:
            link = f"https://t.me/{self._bot()}?start={token}"
            return Verification(channel="telegram", expires_at=after(now, LINK_HOLDS_S), deep_link=link)
        until = after(now, CODE_HOLDS_S)
        wanted = {"kind": "code", "influencer": person.id, "nonce": ids.new_token()}
        self.queue.put([{**wanted, "until": int(until.timestamp())}])
        return Verification(channel=person.channel, expires_at=until)

    def _bot(self) -> str:
        bots = (c for c in self.channels() if c.medium == "telegram" and self._verifies(c))
        return next(str(bot.config["bot_username"]) for bot in bots)

    def _verifies(self, channel: Channel) -> bool:
        """Whether it can verify somebody: a bot without its name in the secret has no deep link, and no code
        goes by SMS before its words are registered."""
        if channel.medium == "telegram":
            return bool(channel.config.get("bot_username"))
        return (
            channel.medium != "sms" or self.texts.sms(CODE_TEXT, HOME_LANGUAGE, "0" * CODE_DIGITS) is not None
        )

    def _unverified(self, influencer_id: str) -> Influencer:
        person = self.find(influencer_id)
        if person.status != "unverified":
            raise StateRefused(status=person.status)
        return person

    def _spend_a_message(self, person: Influencer) -> None:
        """Capitals lead to the same mailbox."""
        self._spend("number", person.own_address.lower(), MESSAGES_A_NUMBER)

    def _spend(self, what: str, of: str, limit: int) -> None:
        self.limits.spend(f"{what}#{self.secrets.keyed_hash(of)}", limit, HOUR_S)


def no_area(name: str, area: str) -> FieldError:
    return FieldError(name, "area_unknown", "There is no area %(id)s.", {"id": area})


def unknown_areas(areas: Areas, served: Sequence[str]) -> list[FieldError]:
    """Those of the areas that somebody serves which do not exist."""
    return [no_area(f"areas_served.{i}", one) for i, one in enumerate(served) if areas.get(one) is None]


def unknown_themes(themes: Callable[[], Sequence[str]], given: Sequence[str]) -> list[FieldError]:
    """Those of the themes given which do not exist."""
    known = set(themes()) if given else set()
    sentence = "There is no theme %(id)s."
    return [
        FieldError(f"themes.{i}", "theme_unknown", sentence, {"id": theme})
        for i, theme in enumerate(given)
        if theme not in known
    ]


def after(now: datetime, seconds: int) -> datetime:
    return (now + timedelta(seconds=seconds)).replace(microsecond=0)


@dataclass(frozen=True)
class Confirmations:
    """Links that prove an email, which need not be stored: signed, with the address that they were sent
    to."""

    keyed_hash: Callable[[str], str]

    def token(self, person: Influencer, address: str, until: int) -> str:
        """`<id>.<until>.<signature>`: no address in it."""
        return f"{person.id}.{until}.{self._signature(person, address, until)}"

    def address(self, person: Influencer, rest: str, now: float) -> str:
        """For which of the addresses that the person has given `<until>.<signature>` is ours and still holds;
        empty for none."""
        until, _, signature = rest.partition(".")
        number = until.isascii() and until.isdigit() and len(until) <= LONGEST_UNTIL
        if not number or int(until) <= now:
            return ""
        for one in filter(None, (person.email_wanted, person.email)):
            signed = self._signature(person, one, int(until))
            if hmac.compare_digest(signature.encode("utf-8", "replace"), signed.encode()):
                return one
        return ""

    def _signature(self, person: Influencer, address: str, until: int) -> str:
        return self.keyed_hash(f"confirm email {person.id} {until} {address}")


CODE_TEXT, KNOWN_TEXT, WELCOME_TEXT = "janjan_code", "janjan_known_number", "janjan_welcome"
"""Names under which the words of service messages are registered, over WhatsApp and over SMS."""


@dataclass(frozen=True)
class Notice:
    """A word to somebody about something of theirs that waits for them on one of our pages: never the thing
    itself, since others may read over their shoulder."""

    name: str
    """Under which its words are registered, with two variables over WhatsApp (name, link), one over SMS."""
    subject: str
    text: str
    path: str


NOTICES = {
    "appeal_answered": Notice(
        name="janjan_appeal_answered",
        subject="Your appeal has been answered.",
        text="Namaste %(name)s! Your appeal has been answered. Read the answer here: %(link)s",
        path="/me/appeals",
    )
}


@dataclass(frozen=True)
class Messenger:
    """Service messages: behind the queue, so that no caller sees what is sent to whom."""

    store: PeopleStore
    sender: DirectSender
    secrets: Secrets
    clock: Clock
    public_url: str
    texts: ServiceTexts

    def deliver(self, message: Mapping[str, Any]) -> None:
        """Sends one message of the service queue, at most once. Raises Transient when the platform asks to
        wait."""
        if message["kind"] == "sign_in":
            self._sign_in(str(message["asked"]), str(message["number"]), int(message["until"]))
            return
        person = self.store.find(str(message["influencer"]))
        if person is None:
            return
        if message["kind"] == "welcome":
            self._welcome(person, str(message["event"]))
        elif message["kind"] == "notice":
            self._notice(person, NOTICES[str(message["notice"])], str(message["event"]))
        elif message["kind"] == "confirm_email":
            self._confirmation(person, str(message["nonce"]))
        elif message["kind"] == "resume_email":
            self._resumption(person, str(message["nonce"]), int(message["until"]))
        else:
            self._code(person, str(message["nonce"]), int(message["until"]))

    def _code(self, person: Influencer, nonce: str, until: int) -> None:
        """A code to an address that is free; a notice to the person whose address it is already."""
        if person.status != "unverified" or until <= self.clock.epoch():
            return
        codes = Codes(self.secrets.keyed_hash)
        code = codes.code(person.id, nonce)
        channel, to = person.channel, person.own_address
        owner = self.store.owner_of(channel, to)
        known = self.store.find(owner) if owner else None
        sent = code if known is None else ids.new_token()  # a known address gets a code that nobody can enter
        digest = codes.digest(person.id, sent)
        if not self.store.put_code(person.id, nonce=nonce, digest=digest, until=until):
            return
        if known is not None:
            day = self.clock.today_ist().isoformat()
            self._send(known.id, f"known#{day}", channel, to, self._known(channel, spoken(known.language)))
        else:
            message = self._code_message(channel, spoken(person.language), code)
            self._send(person.id, f"code#{nonce}", channel, to, message)

    def _code_message(self, channel: str, language: str, code: str) -> Outgoing | None:
        if channel == "whatsapp":
            return _template(CODE_TEXT, "authentication", language, code)
        if channel == "sms":
            return self.texts.sms(CODE_TEXT, language, code)
        text = "Your code is %(code)s. It holds for 10 minutes. Give it to nobody."
        said = translate(language, text, {"code": code})
        return _text(channel, translate(language, "Here is your code."), said)

    def _known(self, channel: str, language: str) -> Outgoing | None:
        if channel == "whatsapp":
            return _template(KNOWN_TEXT, "utility", language)
        if channel == "sms":
            return self.texts.sms(KNOWN_TEXT, language)
        text = (
            "Somebody has tried to join JanJan with this address. You are registered already: nothing needs"
            " to be done. If it was not you, nothing has happened."
        )
        return _text(channel, translate(language, "You are registered already."), translate(language, text))

    def _sign_in(self, asked: str, hashed: str, until: int) -> None:
        """A code to the person whose number it is, over their own channel, or the next one that they have
        proven where that is off, stopped or refuses; for a number that nobody has, one that nobody can
        enter."""
        if until <= self.clock.epoch():
            return
        codes, person = Codes(self.secrets.keyed_hash), self.store.holder_of_phone(hashed)
        ways = person.addresses if person and person.hearing is not None else {}
        code = codes.code(asked, asked) if ways else ids.new_token()
        owner = person.id if person and ways else None
        digest = codes.digest(asked, code)
        if not self.store.put_code(asked, nonce=asked, digest=digest, until=until, owner=owner):
            return
        if person and ways:
            language = spoken(person.language)
            self._send_first(person, f"code#{asked}", lambda way: self._code_message(way, language, code))

    def _notice(self, person: Influencer, notice: Notice, event_id: str) -> None:
        """Not to who has left, nor to an address that has said STOP: it stands on their page."""
        if person.hearing is None:
            return
        language = spoken(person.language)
        said = {"name": person.name, "link": f"{self.public_url}{notice.path}?lang={language}"}

        def words(channel: str) -> Outgoing | None:
            if channel == "whatsapp":
                return _template(notice.name, "utility", language, said["name"], said["link"])
            if channel == "sms":
                return self.texts.sms(notice.name, language, said["name"])
            subject = translate(language, notice.subject)
            return _text(channel, subject, translate(language, notice.text, dict(said)))

        try:
            self._send_first(person, f"notice#{event_id}", words, stopped_too=False)
        except PlatformOff:
            telemetry.count("service_message_without_channel")

    def _send_first(
        self,
        person: Influencer,
        key: str,
        words: Callable[[str], Outgoing | None],
        *,
        stopped_too: bool = True,
    ) -> None:
        """One message over the first of the person's proven channels that takes it: their own before others,
        and an address that has said STOP or takes nothing last, or not at all."""
        stopped, own = person.suppressed_channels, person.channel
        order = sorted(
            (one for one in person.addresses.items() if stopped_too or one[0] not in stopped),
            key=lambda one: (one[0] != own, one[0] in stopped),
        )
        said = [(channel, to, words(channel)) for channel, to in order]
        ways = [Way(channel, to, message) for channel, to, message in said if message is not None]
        if not ways:
            telemetry.count("service_message_without_template")
            return
        outcome = self.sender.send_first(subject=person.id, key=key, ways=ways)
        telemetry.count(f"service_message_{outcome.partition(':')[0]}")

    def _welcome(self, person: Influencer, event_id: str) -> None:
        """A first message to who was let in; not to an address that has said STOP meanwhile. And to a second
        address that campaigns may go to, the link that proves it."""
        if person.status != "approved":
            return
        language, channel = spoken(person.language), person.channel
        if channel in person.addresses.keys() - person.suppressed_channels:
            message = self._welcome_message(channel, language, person)
            self._send(person.id, f"welcome#{event_id}", channel, person.addresses[channel], message)
        self._confirmation(person, event_id)

    def _welcome_message(self, channel: str, language: str, person: Influencer) -> Outgoing | None:
        link = f"{self.public_url}/?lang={language}"
        if channel == "whatsapp":
            return _template(WELCOME_TEXT, "utility", language, person.name, link)
        if channel == "sms":
            return self.texts.sms(WELCOME_TEXT, language, person.name)  # a link is too long for a variable
        text = "Welcome, %(name)s! You are now part of JanJan. All about it: %(link)s"
        said = translate(language, text, {"name": person.name, "link": link})
        return _text(channel, translate(language, "Welcome to JanJan."), said)

    def _confirmation(self, person: Influencer, event_id: str) -> None:
        """Not to an address that is somebody else's already, or that has said STOP: nobody there has asked
        for it."""
        to = person.email_to_confirm
        if not to or self.store.owner_of("email", to) or self.store.is_stopped("email", to):
            return
        until = int(self.clock.epoch()) + CONFIRMATION_HOLDS_S
        token = Confirmations(self.secrets.keyed_hash).token(person, to, until)
        text = (
            "Namaste %(name)s! You have joined JanJan and asked for messages at this address. If it was not"
            " you, do nothing: no more will come. If it is yours, please confirm it here: %(link)s"
        )
        about = "Please confirm your address."
        self._link(person, to, f"confirm#{event_id}", (about, text), f"confirm/{token}")

    def _resumption(self, person: Influencer, nonce: str, until: int) -> None:
        """The link that takes emails up again, to the address that has said no: its owner has asked for it on
        their own page."""
        if not person.may_resume_email or until <= self.clock.epoch():
            return
        stop = self.store.last_word("email", person.email)
        if not stop.stopped:
            return
        token = Resumptions(self.secrets.keyed_hash).token(person, stop, until)
        text = (
            "Namaste %(name)s! You have asked on your page to get our emails again. If it was you, please"
            " press the button here: %(link)s If not, do nothing: it stays as it is."
        )
        about = "Do you want our emails again?"
        self._link(person, person.email, f"resume#{nonce}", (about, text), f"resume/{token}")

    def _link(self, person: Influencer, to: str, key: str, words: tuple[str, str], path: str) -> None:
        """An email to an address of the person's, `words` its subject and text, with a link to one of our
        pages, in their language."""
        language = spoken(person.language)
        link = f"{self.public_url}/{path}?lang={language}"
        subject, text = words
        said = translate(language, text, {"name": person.name, "link": link})
        try:
            self._send(person.id, key, "email", to, _text("email", translate(language, subject), said))
        except PlatformOff:
            telemetry.count("service_message_without_channel")

    def _send(self, subject: str, key: str, channel: str, to: str, message: Outgoing | None) -> None:
        if message is None:  # no words are registered for it: an SMS without them may not go out
            telemetry.count("service_message_without_template")
            return
        outcome = self.sender.send(subject=subject, key=key, channel=channel, to=to, message=message)
        telemetry.count(f"service_message_{outcome.partition(':')[0]}")


def _template(name: str, category: str, language: str, *params: str) -> Outgoing:
    return Outgoing(template=name, template_language=language, category=category, params=params)


def _text(channel: str, subject: str, text: str) -> Outgoing:
    """What needs no template; an email has its subject beside it."""
    return Outgoing(subject=subject if channel == "email" else "", text=text)


@dataclass(frozen=True)
class People:
    """Implements ports.People, ports.Creators, ports.Appointees and ports.Invitees."""

    store: PeopleStore
    signups: Signups

    def standing(self, person: str) -> int | None:
        found = self.store.find(person)
        return found.standing if found else None

    def hearing(self, person: str) -> int | None:
        found = self.store.find(person)
        return found.hearing if found else None

    def appointee(self, person: str) -> Appointee | None:
        found = self.store.find(person)
        if found is None:
            return None
        return Appointee(
            id=found.id,
            name=found.name,
            status=found.status,
            area_path=found.area_path,
            ambassador_of=found.ambassador_of,
            barred=found.barred,
            hold=lambda transaction: self.store.hold(transaction, found),
        )

    def invitee(self, person: str) -> Invitee | None:
        found = self.store.find(person)
        if found is None:
            return None
        return Invitee(
            id=found.id,
            name=found.name,
            status=found.status,
            language=found.language,
            area_path=found.area_path,
            phone=found.phone,
            email=found.email,
            hold=lambda transaction: self.store.hold(transaction, found),
        )

    def hashed(self, kind: str, address: str) -> str:
        return self.store.hashed(kind, address)

    def word_on(self, kind: str, address: str) -> str:
        return self.store.word_on(kind, address)

    def hold_free(self, transaction: TransactWrite, kind: str, address: str) -> None:
        self.store.hold_free(transaction, kind, address)

    def stop_hashed(self, channel: str, hashed: str, *, evidence: str, at: datetime) -> None:
        def opted_out(person: Influencer) -> Event:
            return DeliveryOptedOut(influencer_id=person.id, channel=channel)

        self.store.heard(channel, "", stopped=True, at=at, evidence=evidence, event=opted_out, hashed=hashed)

    def contacts(self, ids: Sequence[str]) -> dict[str, Contact]:
        return {person_id: person.contact() for person_id, person in self.store.people(ids).items()}

    def owner(self, channel: str, address: str) -> str | None:
        return self.store.owner_of(channel, _as_stored(channel, address))

    def stop(self, channel: str, address: str, *, evidence: str, at: datetime) -> str | None:
        def opted_out(person: Influencer) -> Event:
            return DeliveryOptedOut(influencer_id=person.id, channel=channel)

        return self._heard(channel, address, evidence=evidence, at=at, stopped=True, event=opted_out)

    def stopped(self, channel: str, address: str) -> bool:
        return self.store.is_stopped(channel, _as_stored(channel, address))

    def unsubscribe(self, person_id: str, *, at: datetime) -> None:
        """Ends the emails to a person, by their own click; nothing for who has no address (any more). Each
        click is a word of its own: one after a link was asked for that takes emails up ends that link."""
        person = self.store.find(person_id)
        address = person.addresses.get("email") if person else None
        if address:
            self.stop("email", address, evidence=f"one click in an email, {rfc3339(at)}", at=at)

    def also_known(self, channel: str, address: str, alias: str, *, at: datetime) -> None:
        before = self.store.also_known(
            _as_stored(channel, address), alias, int(at.timestamp()) + ALIAS_KEPT_S
        )
        if before:
            self.stop(channel, address, evidence=before[1], at=before[0])

    def restart(self, channel: str, address: str, *, evidence: str, at: datetime) -> str | None:
        return self._heard(channel, address, evidence=evidence, at=at, stopped=False)

    def start_telegram(self, token: str, chat_id: str, *, at: datetime) -> str | None:
        return self.signups.start_telegram(token, chat_id, at)

    def _heard(
        self,
        channel: str,
        address: str,
        *,
        evidence: str,
        at: datetime,
        stopped: bool,
        event: Callable[[Influencer], Event | None] = lambda person: None,
    ) -> str | None:
        counts, person = self.store.heard(
            channel, _as_stored(channel, address), stopped=stopped, at=at, evidence=evidence, event=event
        )
        return (person.language if person else HOME_LANGUAGE) if counts else None


def _as_stored(channel: str, address: str) -> str:
    """WhatsApp and some SMS gateways leave the plus out; an id that stands for a number has none."""
    bare = address.removeprefix("+")
    return f"+{bare}" if ADDRESS_KIND[channel] == "phone" and bare.isdigit() else address


@dataclass(frozen=True)
class Register:
    """The register as staff use it; a coordinator sees and decides within their own areas."""

    store: PeopleStore
    areas: Areas
    audit: Audit
    clock: Clock

    def listed(
        self,
        who: Principal,
        *,
        status: Status | None,
        area: str | None,
        pick: Filter,
        limit: int,
        after: Mapping[str, Any] | None,
    ) -> tuple[list[Influencer], dict[str, Any] | None]:
        """Up to `limit` people, by state and place, and where to go on. Raises InvalidInput
        for an area that is none or not theirs."""
        prefixes = self._prefixes(who, area)
        stretches = [(state, prefix) for state in ([status] if status else STATUSES) for prefix in prefixes]
        rows = lists.walk(stretches, lambda at, begin: self.store.listed(*at, begin, PAGE), after)
        return lists.page(rows, limit, pick.picks)

    def waiting(self, who: Principal, area: str | None, most: int = MOST_WAITING) -> list[Influencer]:
        """Who waits for a review in the caller's areas, who came first before all others; no more than `most`
        and one are looked at, so that who calls sees whether there are more. One query for each area, side
        by side."""
        prefixes = self._prefixes(who, area)
        read = self._read([("pending_review", prefix) for prefix in prefixes], most + 1)
        found = [person for one in read for person in one]
        return sorted(found, key=lambda person: (person.verified_at, person.id))[: most + 1]

    def namesakes(
        self, people: Sequence[Influencer], waiting: Sequence[Influencer]
    ) -> dict[str, list[Influencer]]:
        """Others of the same place with nearly the same name, by whom of `people` they resemble: who is
        approved there, or among `waiting`. Perhaps somebody has signed up twice."""
        paths = sorted({person.area_path for person in people})
        there = self._read([("approved", f"{lists.prefix_of(path)}inf_") for path in paths], NAMESAKES_READ)
        by_place = dict(zip(paths, there, strict=True))
        for person in waiting:
            by_place.get(person.area_path, []).append(person)
        return {
            person.id: [
                one for one in by_place[person.area_path] if one.id != person.id and alike(one, person)
            ]
            for person in people
        }

    def _read(self, stretches: Sequence[tuple[Status, str]], most: int) -> list[list[Influencer]]:
        """The first people of each stretch, all read at the same time."""

        def one(stretch: tuple[Status, str]) -> list[Influencer]:
            found = self.store.listed(*stretch, None, most)
            return [person for person, _ in itertools.islice(found, most)]

        with ThreadPoolExecutor(READERS) as readers:
            return list(readers.map(one, stretches))

    def get(self, who: Principal, influencer_id: str, action: str = READ) -> Influencer:
        """One person, for somebody who may do `action` in their area. Raises NotFound, also for people of
        other areas."""
        person = self.store.find(influencer_id)
        if person is None or not who.covers_area(person.area_path, action):
            raise NotFound
        return person

    def names(self, who: Principal, ids: Collection[str]) -> dict[str, str]:
        """The names of those of these people whom the caller may see, by id; one request for each hundred."""
        found = self.store.people([*dict.fromkeys(ids)]) if ids and who.may(READ) else {}
        return {one.id: one.name for one in found.values() if who.covers_area(one.area_path, READ)}

    def review(
        self, who: Principal, influencer_id: str, decision: ReviewRequest, seen: Status | None = None
    ) -> Influencer:
        """Approves, declines or suspends; raises StateRefused where the state does not allow it, or is not
        the one in which who decides has `seen` the person."""
        now = self.clock.now()
        before = self.get(who, influencer_id, REVIEW)
        if seen and before.status != seen:
            raise StateRefused(status=before.status)
        if decision.ambassador_of:
            self._own_area(who, decision.ambassador_of, "ambassador_of", REVIEW)
        after = before.moved(
            decision.status,
            reviewed_at=rfc3339(now),
            reviewed_by=who.id,
            reason=decision.reason,
            ambassador_of=decision.ambassador_of or "",
        )
        events: dict[Status, Event] = {
            "approved": InfluencerApproved(ambassador_of=after.ambassador_of, **_of(after)),
            "declined": InfluencerDeclined(**_of(after)),
            "suspended": InfluencerSuspended(**_of(after)),
        }
        detail = {"from": before.status, "ambassador_of": after.ambassador_of}
        self._commit(who.id, before, after, event=events.get(after.status), detail=detail, now=now)
        return after

    def letting_in(self, who: Principal, influencer_id: str, at: datetime) -> Callable[[TransactWrite], None]:
        """See ports.Profiles; the entry of the audit is the caller's."""
        before = self.get(who, influencer_id, REVIEW)
        if before.status == "approved":
            return nothing
        after = before.moved("approved", reviewed_at=rfc3339(at), reviewed_by=who.id, reason="")
        event = InfluencerApproved(ambassador_of=after.ambassador_of, **_of(after))

        def write(transaction: TransactWrite) -> None:
            self.store.write_change(transaction, before, after, event, at)

        return write

    def withdraw(self, who: Principal, influencer_id: str) -> Influencer:
        """Takes a person out at their own wish: consents end, number and handles are free again."""
        now = self.clock.now()
        before = self.get(who, influencer_id, REVIEW)
        after = before.moved("withdrawn", consents=(), reviewed_at=rfc3339(now), reviewed_by=who.id)
        event = InfluencerWithdrawn(**_of(after))
        self._commit(who.id, before, after, event=event, detail={"from": before.status}, now=now)
        return after

    def reveal(self, who: Principal, influencer_id: str) -> Influencer:
        """One person with number and address in clear; that they were looked at is kept."""
        person = self.get(who, influencer_id, REVEAL)
        self.audit.committing(
            subject=f"influencer#{person.id}", action="influencer.revealed", actor=who.id, at=self.clock.now()
        )
        return person

    def _commit(
        self,
        actor: str,
        before: Influencer,
        after: Influencer,
        *,
        event: Event | None,
        detail: Mapping[str, str],
        now: datetime,
    ) -> None:
        def write(transaction: TransactWrite) -> None:
            self.store.write_change(transaction, before, after, event, now)

        self.audit.committing(
            subject=f"influencer#{after.id}",
            action=f"influencer.{after.status}",
            actor=actor,
            at=now,
            detail=dict(detail),
            write=write,
        )

    def _prefixes(self, who: Principal, area: str | None) -> list[str]:
        """Beginnings of the area keys that `who` may see, none inside another."""
        if area:
            return [lists.prefix_of(self._own_area(who, area, "area", READ).path)]
        return lists.covered_prefixes(self.areas, who, READ)

    def _own_area(self, who: Principal, area_id: str, name: str, action: str) -> Area:
        area = self.areas.get(area_id)
        if area is None or not who.covers_area(area.path, action):
            raise InvalidInput.of(name, "area_unknown", "There is no area %(id)s among yours.", id=area_id)
        return area
