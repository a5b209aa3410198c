"""What becomes of callbacks: facts for the tallies, people's wishes, words for voices, news, the unknown.

Every step may be repeated: facts are set once by whoever comes first, wishes and kept items are the same the
second time, a confirmation has the callback's id as its key. What a person said is marked as seen after all
of its steps: a crash between any two repeats them, and a copy days later undoes nothing that was said since.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib import i18n
from chalicelib.callbacks.letters import Letter, Letterbox
from chalicelib.callbacks.stopwords import meaning_of
from chalicelib.callbacks.store import CallbackStore
from chalicelib.errors import PlatformOff
from chalicelib.events.bus import Bus, Entry
from chalicelib.events.catalog import CallbackUnknown
from chalicelib.ops import Seen
from chalicelib.platforms.base import (
    MEDIUMS,
    Engaged,
    Inbound,
    Leased,
    Line,
    Measured,
    Notice,
    Outgoing,
    Platform,
    Posted,
    Preference,
    Status,
    Unknown,
    Update,
)
from chalicelib.ports import (
    CampaignHalts,
    ChannelHalts,
    DirectSender,
    Following,
    Ownership,
    People,
    Posts,
    Proof,
    ServiceTexts,
    Tallies,
    Voices,
    Waiting,
)
from chalicelib.telemetry import count, logger

STOPPED = "You will get no more messages from us. To join again, write START."
RESTARTED = "Welcome back: you will get our messages again. To stop them, write STOP."
STILL_NEWS = timedelta(minutes=10)
"""A failure that is about channel or campaign stops it when it is not older: it may be mended since."""
RUN_OF_A_KEY = re.compile(r"([a-z0-9_]+)-\d+\.")
"""The campaign in a delivery key, `<campaign>-<number of the run>.…`."""
KEPT_NOTICES = ("template.", "account.", "person.")
FREE_TEXT = frozenset({"whatsapp", "telegram"})
"""Where whoever has just written may be answered in any words."""
WITHOUT_VOICE = frozenset({"reaction"})
"""Kinds of message that say nothing to keep."""


@dataclass
class Batch:
    """What one batch of letters has come to so far: each finding beside the id of its letter."""

    failed: set[str] = field(default_factory=set)
    proofs: list[tuple[str, Proof]] = field(default_factory=list)
    entries: list[tuple[str, Entry]] = field(default_factory=list)


@dataclass(frozen=True)
class Callbacks:
    adapters: Mapping[str, Platform]
    letterbox: Letterbox
    people: People
    tallies: Tallies
    waiting: Waiting
    posts: Posts
    voices: Voices
    follows: Following
    ownership: Ownership
    direct: DirectSender
    texts: ServiceTexts
    seen: Seen
    store: CallbackStore
    bus: Bus
    channel_halts: ChannelHalts
    campaign_halts: CampaignHalts
    pseudonym: Callable[[str], str]
    """A keyed hash, which stands for an address where the address must not."""

    def process(self, messages: Mapping[str, str]) -> list[str]:
        """Takes a batch of queue messages, bodies by id, and gives the ids of those that must come again.

        All facts of a batch go to the tallies in one call, so that each touched tally is written once.
        """
        batch = Batch()
        for message_id, message in messages.items():
            with _failing(batch, [message_id]):
                letter = self.letterbox.open(message_id, message)
                for update in self.adapters[letter.platform].parse(letter.body):
                    with _failing(batch, [message_id], update.dedupe_id):
                        self._take(update, letter, batch)
        with _failing(batch, [message_id for message_id, _ in batch.proofs]):
            self._record([proof for _, proof in batch.proofs])
        with _failing(batch, [message_id for message_id, _ in batch.entries]):
            self.bus.publish([entry for _, entry in batch.entries])
        return sorted(batch.failed)

    def _take(self, update: Update, letter: Letter, batch: Batch) -> None:
        match update:
            case Status():
                self._status(update, letter, batch)
            case Inbound():
                self._once(update.dedupe_id, lambda: self._inbound(update, letter))
            case Preference():
                self._once(update.dedupe_id, lambda: self._preference(update, letter))
            case Notice():
                self._notice(update, letter)
            case Posted() | Measured() | Engaged():
                self._once(
                    update.dedupe_id, lambda: self.posts.told(letter.platform, update, letter.received_at)
                )
            case Leased():
                self.follows.told(letter.platform, update, letter.received_at)
            case Unknown():
                self._unknown(update, letter, batch)

    def _once(self, dedupe_id: str, act: Callable[[], object]) -> None:
        """Marks after the work, not before: a crash between must not swallow a STOP."""
        if self.seen.already(dedupe_id):
            count("CallbacksRepeated")
            return
        act()
        self.seen.first_time(dedupe_id)

    def _status(self, status: Status, letter: Letter, batch: Batch) -> None:
        at = status.at or letter.received_at
        medium = status.medium or letter.platform
        if status.opted_out:
            evidence = status.dedupe_id
            self._once(
                evidence,
                lambda: self.people.stop(medium, status.recipient, evidence=evidence, at=at),
            )
        if status.fact == "failed" and letter.received_at - at < STILL_NEWS:
            self._beyond_the_person(status, letter.platform)
        if status.key:
            batch.proofs.append((letter.id, Proof(status.key, status.fact, at, status.code, status.scope)))
        else:
            count("CallbacksUnmatched")

    def _beyond_the_person(self, failed: Status, platform: str) -> None:
        """A failure that holds for everybody stops the channel, or pauses the campaign, once."""
        campaign = RUN_OF_A_KEY.match(failed.key)
        if failed.scope == "channel":
            self._once(failed.dedupe_id, lambda: self.channel_halts.stop_platform(platform, failed.code))
        elif failed.scope == "campaign" and campaign:
            self._once(failed.dedupe_id, lambda: self.campaign_halts.pause_campaign(campaign[1], failed.code))

    def _record(self, proofs: list[Proof]) -> None:
        unmatched = self.tallies.record(proofs) if proofs else []
        if unmatched:
            count("CallbacksUnmatched", len(unmatched))

    def _inbound(self, said: Inbound, letter: Letter) -> None:
        at, channel = said.at or letter.received_at, said.medium or letter.platform
        writes_back = channel in MEDIUMS  # else there is nothing to stop, nothing that waits, and no reply
        meaning = meaning_of(said.text) if writes_back else None
        if alias := str(said.extra.get("alias", "")):
            self.people.also_known(channel, said.sender, alias, at=letter.received_at)
        if said.kind == "deep_link":
            reply = self.people.start_telegram(str(said.extra["token"]), said.sender, at=at)
            if reply:
                self._reply(said, letter, Outgoing(text=reply))
                return
            meaning = "start"  # an old link, pressed to come back
        match meaning:
            case "stop":
                language = self.people.stop(channel, said.sender, evidence=said.dedupe_id, at=at)
                self._confirm(said, letter, language, STOPPED, "janjan_stopped")
            case "start":
                language = self.people.restart(channel, said.sender, evidence=said.dedupe_id, at=at)
                self._confirm(said, letter, language, RESTARTED, "janjan_restarted")
            case None if (shown := self.ownership.heard(channel, said, at)) is not None:
                if writes_back:
                    self._reply(said, letter, Outgoing(text=shown))
            case None if said.kind not in WITHOUT_VOICE:
                self._spoke(said, letter, at, writes_back=writes_back)

    def _spoke(self, said: Inbound, letter: Letter, at: datetime, *, writes_back: bool) -> None:
        """What is no wish and no code: kept for a month where neither a post nor a voice takes it."""
        channel = said.medium or letter.platform
        reply = None
        if writes_back:
            self.waiting.replied(channel, said.sender, at, Line(letter.platform, said.to))
            reply = self._taken(said, letter, at)
        if reply is None:
            self.store.keep_inbound(channel, said, letter.received_at)
        elif reply and channel in FREE_TEXT:
            self._reply(said, letter, Outgoing(text=reply))

    def _taken(self, said: Inbound, letter: Letter, at: datetime) -> str | None:
        """Takes the posts whose links stand in a message, else the voice that it is; the reply, None when it
        is neither. An SMS would have to be registered, an email have a subject: there posts are taken without
        a word."""
        evidence, channel = said.dedupe_id, said.medium or letter.platform
        line = Line(letter.platform, said.to)
        reply = self.posts.handed_in(channel, said.sender, said.text, evidence=evidence, at=at)
        return self.voices.heard(channel, said, line=line, at=at) if reply is None else reply

    def _confirm(
        self, said: Inbound, letter: Letter, language: str | None, sentence: str, registered_as: str
    ) -> None:
        """One confirmation in the person's language. An SMS says what is registered for it: none goes out
        where nothing is. The same words are lawful over any of our SMS channels, where the platform on which
        the SMS came in has none."""
        if language is None:
            return
        by_sms = (said.medium or letter.platform) == "sms"
        words = Outgoing(text=i18n.translate(language, sentence))
        message = self.texts.sms(registered_as, language) if by_sms else words
        if message is not None:
            self._reply(said, letter, message)

    def _reply(self, said: Inbound, letter: Letter, message: Outgoing) -> None:
        """One reply to one message, over the line on which it came: there free text is allowed, the person
        has just written. An SMS, whose words are registered, else goes over any line of ours. With none there
        is no reply: what the person wanted is done all the same, and that nobody told them is counted."""
        channel = said.medium or letter.platform
        line = Line(letter.platform, said.to)
        for way in (line, None) if channel == "sms" else (line,):
            try:
                self.direct.send(
                    subject=self.pseudonym(f"{channel}:{said.sender}"),
                    key=said.dedupe_id,
                    channel=channel,
                    to=said.sender,
                    message=message,
                    line=way,
                )
            except PlatformOff:
                continue
            return
        logger.warning("reply_unsent", extra={"platform": letter.platform, "callback_id": said.dedupe_id})
        count("RepliesUnsent")

    def _preference(self, wish: Preference, letter: Letter) -> None:
        """Set in the platform's own settings, which have told the person: no confirmation of ours."""
        act = self.people.restart if wish.wants else self.people.stop
        act(
            wish.medium or letter.platform,
            wish.sender,
            evidence=wish.dedupe_id,
            at=wish.at or letter.received_at,
        )

    def _notice(self, news: Notice, letter: Letter) -> None:
        logger.info("notice", extra={"platform": letter.platform, "kind": news.kind, "id": news.dedupe_id})
        count("CallbackNotices")
        if news.kind.startswith(KEPT_NOTICES):
            self.store.keep_notice(letter.platform, news, letter.received_at)
        if news.halts:
            self._once(news.dedupe_id, lambda: self._halt(news, letter.platform))

    def _halt(self, news: Notice, platform: str) -> None:
        if news.halts == "channels":
            self.channel_halts.stop_platform(platform, news.kind)
        elif news.halts == "unheard":
            self.channel_halts.stop_platform(platform, news.kind, probed=False)
        else:
            self.campaign_halts.pause_template(platform, news.template, news.language, news.kind)

    def _unknown(self, what: Unknown, letter: Letter, batch: Batch) -> None:
        count("CallbacksUnknown")
        self.store.keep_unknown(letter.platform, what, letter.received_at)
        event = CallbackUnknown(platform=letter.platform, kind=what.kind, callback_id=what.dedupe_id)
        batch.entries.append((letter.id, Entry.of(event, what.dedupe_id, letter.received_at)))


@contextmanager
def _failing(batch: Batch, letters: list[str], callback_id: str = "") -> Iterator[None]:
    """What goes wrong inside makes these letters come again, and nothing else."""
    try:
        yield
    except Exception:
        logger.exception("callback", extra={"letters": letters, "callback_id": callback_id})
        batch.failed.update(letters)
