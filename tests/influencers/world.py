"""A small directory, a clock that a test moves, a queue and a sender that keep what they were given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.clock import Clock
from chalicelib.errors import InvalidInput, PlatformOff
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.influencers.model import Influencer, SignupRequest
from chalicelib.influencers.myself import Myself
from chalicelib.influencers.proofs import Proofs
from chalicelib.influencers.resuming import Resuming
from chalicelib.influencers.rosters import RosterStore
from chalicelib.influencers.service import Messenger, People, Register, Signups
from chalicelib.influencers.store import PeopleStore
from chalicelib.influencers.wishes import Wishes
from chalicelib.ops import RateLimits
from chalicelib.platforms import dlt
from chalicelib.platforms.base import AccountReading, Channel, Line, Outgoing
from chalicelib.ports import Area, Way
from local.config import platform_secret

NOON = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
THEMES = ["health", "education", "voter_awareness"]
PATHS = {
    "IN": ("IN",),
    "IN-XN": ("IN", "IN-XN"),
    "D9001": ("IN", "IN-XN", "D9001"),
    "D9002": ("IN", "IN-XN", "D9002"),
    "D9001-B1": ("IN", "IN-XN", "D9001", "D9001-B1"),
    "D9001-A1-P1": ("IN", "IN-XN", "D9001", "D9001-B1", "D9001-A1-P1"),
}
LEVELS = {1: "country", 2: "state", 3: "district", 4: "block", 5: "booth"}


@dataclass(frozen=True)
class MovedClock(Clock):
    """A clock that stands where a test puts it."""

    passed: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return NOON + timedelta(seconds=sum(self.passed))

    def forward(self, seconds: float) -> None:
        self.passed.append(seconds)


class SmallDirectory:
    def get(self, area_id: str, *, fresh: bool = False) -> Area | None:
        path = PATHS.get(area_id)
        return Area(area_id, LEVELS[len(path)], path, {"en": area_id}) if path else None  # type: ignore[arg-type]

    def many(self, area_ids: Iterable[str], *, fresh: bool = False) -> dict[str, Area]:
        return {one: area for one in area_ids if (area := self.get(one)) is not None}

    def ranges(self, area_ids: Iterable[str], *, fresh: bool = False) -> list[Any]:
        raise InvalidInput([])


class KnownSecrets:
    """The sample's secret, hashed for real."""

    def all(self) -> Mapping[str, Any]:
        return platform_secret()

    def platform(self, name: str) -> Mapping[str, Any] | None:
        return platform_secret().get(name)

    def keyed_hash(self, text: str) -> str:
        from chalicelib.secrets import Secrets

        real = Secrets("none")
        real._value, real._read_at = platform_secret(), float("inf")
        return real.keyed_hash(text)


CHANNELS = [
    Channel("email-main", "ses", {"from": "namuna@x.test"}, "email"),
    Channel("sms-main", "msg91", {"header": "NAMUNA"}, "sms"),
    Channel("telegram-main", "telegram", {"bot_username": "janjan_namuna_bot"}, "telegram"),
    Channel("whatsapp-main", "whatsapp", {}, "whatsapp"),
]


@dataclass
class KnownTexts:
    """The words that are registered for SMS, each in Hindi, by name."""

    words: dict[str, str] = field(
        default_factory=lambda: {
            "janjan_code": "आपका कोड: {#var#}",
            "janjan_known_number": "आप पहले से पंजीकृत हैं।",
            "janjan_welcome": "स्वागत है, {#var#}!",
            "janjan_appeal_answered": "नमस्ते {#var#}, आपकी अपील का उत्तर आ गया है।",
        }
    )

    def sms(self, name: str, language: str, *params: str) -> Outgoing | None:
        words = self.words.get(name)
        if words is None:
            return None
        return Outgoing(template=name, header="NAMUNA", params=params, text=dlt.filled(words, params))


@dataclass
class KeptQueue:
    messages: list[dict[str, Any]] = field(default_factory=list)

    def put(self, bodies: Iterable[Mapping[str, Any]], delay_s: float = 0) -> int:
        self.messages += [dict(body) for body in bodies]
        return len(self.messages)


@dataclass
class KeptSender:
    """Sends each (subject, key) once, as dispatch does."""

    sent: dict[tuple[str, str], tuple[str, str, Outgoing]] = field(default_factory=dict)
    outcome: str = "accepted"
    ways: list[list[str]] = field(default_factory=list)
    """Of each message that had several: the channels, in order."""

    def send(
        self, *, subject: str, key: str, channel: str, to: str, message: Outgoing, line: Line | None = None
    ) -> str:
        if (subject, key) in self.sent:
            return "already"
        self.sent[subject, key] = (channel, to, message)
        return self.outcome

    def send_first(self, *, subject: str, key: str, ways: Sequence[Way]) -> str:
        self.ways.append([way.channel for way in ways])
        first = ways[0]
        return self.send(subject=subject, key=key, channel=first.channel, to=first.to, message=first.message)

    def to(self, address: str) -> list[Outgoing]:
        return [message for _, to, message in self.sent.values() if to == address]


@dataclass
class KnownAccounts:
    """What platforms tell of accounts: each by its platform and present name."""

    readings: dict[tuple[str, str], AccountReading | Exception] = field(default_factory=dict)
    asked: int = 0

    def measurers(self) -> list[str]:
        return ["instagram", "youtube", "x"]

    def read_account(self, platform: str, handle: str) -> AccountReading | None:
        self.asked += 1
        if platform not in self.measurers():
            raise PlatformOff(platform=platform)
        reading = self.readings.get((platform, handle))
        if isinstance(reading, Exception):
            raise reading
        return reading

    def name_of(self, platform: str, sender: str) -> str:
        self.asked += 1
        name = self.readings.get((platform, f"sender {sender}"))
        if isinstance(name, Exception):
            raise name
        return name.handle if name else ""

    def show(self, platform: str, handle: str, bio: str | None, account: str = "178") -> None:
        self.readings[platform, handle] = AccountReading(account, handle, 10, bio)


@dataclass
class World:
    """The feature on the engine's tables, with everything around it in a test's hands."""

    clock: MovedClock = field(default_factory=MovedClock)
    queue: KeptQueue = field(default_factory=KeptQueue)
    sender: KeptSender = field(default_factory=KeptSender)
    secrets: KnownSecrets = field(default_factory=KnownSecrets)
    texts: KnownTexts = field(default_factory=KnownTexts)
    channels: list[Channel] = field(default_factory=lambda: list(CHANNELS))
    accounts: KnownAccounts = field(default_factory=KnownAccounts)

    def __post_init__(self) -> None:
        areas = SmallDirectory()
        self.store = PeopleStore(self.secrets.keyed_hash)
        self.signups = Signups(
            self.store,
            self.queue,
            areas,
            lambda: THEMES,
            RateLimits(self.clock),
            self.secrets,
            self.clock,
            lambda: self.channels,
            self.texts,
        )
        self.people = People(self.store, self.signups)
        self.myself = Myself(self.store, self.queue, RateLimits(self.clock), self.secrets, self.clock)
        limits = RateLimits(self.clock)
        self.proofs = Proofs(self.store, self.accounts, Audit(), limits, self.secrets, self.clock)
        self.resuming = Resuming(self.store, self.queue, limits, self.secrets, self.clock)
        self.wishes = Wishes(
            self.store, areas, lambda: THEMES, self.queue, Audit(), limits, self.secrets, self.clock
        )
        self.register = Register(self.store, areas, Audit(), self.clock)
        self.messenger = Messenger(
            self.store, self.sender, self.secrets, self.clock, "https://x.test", self.texts
        )
        self.roster = RosterStore(lambda: THEMES, self.clock)

    def deliver(self) -> None:
        """What the service queue's handler does."""
        for message in self.queue.messages:
            self.messenger.deliver(message)
        self.queue.messages.clear()

    def sign_up(self, **changes: object) -> str:
        return self.signups.sign_up(SignupRequest.model_validate(signup(**changes)), "203.0.113.5").id

    def code_of(self, address: str) -> str:
        """The six digits that came to an address last."""
        message = self.sender.to(address)[-1]
        [code] = re.findall(r"\b\d{6}\b", message.text) or message.params
        return code

    def join(self, **changes: object) -> Influencer:
        """Signed up and verified over the channel given."""
        body = signup(**changes)
        if body["channel"] == "telegram":
            answer = self.signups.sign_up(SignupRequest.model_validate(body), "203.0.113.5")
            token = str(answer.verification.deep_link).partition("start=")[2]
            self.people.start_telegram(token, str(changes.get("chat", "7001")), at=self.clock.now())
            return self.store.person(answer.id)
        influencer_id = self.sign_up(**changes)
        self.deliver()
        to = body["email" if body["channel"] == "email" else "phone"]
        self.signups.verify(influencer_id, self.code_of(str(to)), "203.0.113.5")
        return self.store.person(influencer_id)

    def approved(self, **changes: object) -> Influencer:
        from chalicelib.influencers.model import ReviewRequest

        person = self.join(**changes)
        return self.register.review(ADMIN, person.id, ReviewRequest(decision="approve"))


def signup(**changes: object) -> dict[str, object]:
    """A good signup; `chat` is no field of it."""
    body: dict[str, object] = {
        "name": "सुनीता देवी",
        "phone": "+918123456789",
        "language": "hi",
        "area": "D9001-A1-P1",
        "birth_date": "1995-08-15",
        "channel": "whatsapp",
        "handles": [{"platform": "instagram", "handle": "@Sunita.Devi", "followers": 1200}],
        "themes": ["health"],
        "consents": [
            {"purpose": "campaigns", "channel": changes.get("channel", "whatsapp"), "notice_version": "1"}
        ],
    }
    return body | {name: value for name, value in changes.items() if name != "chat"}


ADMIN = Principal("usr_admin", "Admin", "a@x.test", frozenset({"admin"}))
COORDINATOR = Principal("usr_one", "One", "o@x.test", frozenset({"coordinator"}), frozenset({"D9001"}))
ELSEWHERE = Principal("usr_two", "Two", "t@x.test", frozenset({"coordinator"}), frozenset({"D9002"}))
