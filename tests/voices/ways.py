"""The ways in and out on the engine's tables: people, platforms, sender and queue are small and remember."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalicelib.errors import PlatformOff, Transient
from chalicelib.platforms.base import Inbound, Line, MediaRef, Outgoing
from chalicelib.ports import Area, Contact
from chalicelib.voices.gallery import Gallery
from chalicelib.voices.hearing import Hearing
from chalicelib.voices.places import Districts
from chalicelib.voices.telling import Telling
from tests.influencers.world import SmallDirectory
from tests.voices.test_pictures import exif, photo
from tests.voices.world import World

LINE = Line("whatsapp", ("106",))
CARRIER, CITIZEN = "+918123400001", "+918123456789"
AREAS = [
    Area("IN-XN", "state", ("IN", "IN-XN"), {"hi": "नमूना प्रदेश", "en": "Namuna Pradesh"}),
    Area("IN-XM", "state", ("IN", "IN-XM"), {"hi": "दूसरा प्रदेश", "en": "Second Pradesh"}),
    Area("D9001", "district", ("IN", "IN-XN", "D9001"), {"hi": "जनपुर", "en": "Janpur"}),
    Area(
        "D9002",
        "district",
        ("IN", "IN-XN", "D9002"),
        {"hi": "लोकनगर", "en": "Loknagar"},
        aliases=("पुराना नगर",),
    ),
    Area("D9003", "district", ("IN", "IN-XM", "D9003"), {"hi": "लोकनगर", "en": "Loknagar"}),
]


class Names:
    """Search as the directory's: by the beginning of a name."""

    def search(self, parent: str, typed: str, after: Any, limit: int) -> tuple[list[Area], Any]:
        from chalicelib.directory.model import fold

        wanted = fold(typed)
        found = [a for a in AREAS if any(fold(n).startswith(wanted) for n in (*a.names.values(), *a.aliases))]
        return found[:limit], None

    def get(self, area_id: str, *, fresh: bool = False) -> Area | None:
        return next((one for one in AREAS if one.id == area_id), SmallDirectory().get(area_id))

    def many(self, area_ids: Iterable[str], *, fresh: bool = False) -> dict[str, Area]:
        return {one: area for one in area_ids if (area := self.get(one))}


@dataclass
class Crowd:
    """People by address; who has said STOP."""

    known: dict[tuple[str, str], Contact] = field(default_factory=dict)
    silent: set[tuple[str, str]] = field(default_factory=set)

    def add(self, person: str, **addresses: str) -> None:
        contact = Contact(
            person,
            "approved",
            "सुनीता नमूना",
            "hi",
            ("IN", "IN-XN", "D9001"),
            addresses,
            frozenset(),
            frozenset(),
        )
        self.known |= {(channel, address): contact for channel, address in addresses.items()}

    def owner(self, channel: str, address: str) -> str | None:
        found = self.known.get((channel, address))
        return found.id if found else None

    def contacts(self, ids: list[str]) -> dict[str, Contact]:
        return {one.id: one for one in self.known.values() if one.id in ids}

    def stopped(self, channel: str, address: str) -> bool:
        return (channel, address) in self.silent


class Camera:
    def picture_in(self, platform: str, said: Inbound) -> MediaRef | None:
        return MediaRef("m1", "image/jpeg") if said.kind == "image" else None

    def earlier(self, platform: str, said: Inbound) -> str:
        return said.reply_to if platform == "whatsapp" else ""


@dataclass
class Post:
    """Sends once for (subject, key); refuses, is off or breaks down as it is told."""

    sent: dict[tuple[str, str], tuple[str, str, Outgoing]] = field(default_factory=dict)
    lines: list[Line | None] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    """Kinds, `text` or `template`, that are refused as WhatsApp does outside of the window."""
    outcomes: dict[tuple[str, str], str] = field(default_factory=dict)
    """What stands under each claim: a refusal too, as with the real one."""
    breaks: bool = False
    off: bool = False

    def send(
        self, *, subject: str, key: str, channel: str, to: str, message: Outgoing, line: Line | None = None
    ) -> str:
        if self.breaks:
            raise Transient
        if self.off:
            raise PlatformOff(platform=channel)
        if (subject, key) in self.outcomes:
            return "already"
        refused = ("template" if message.template else "text") in self.refuses
        self.outcomes[subject, key] = "refused:131047" if refused else "accepted"
        if not refused:
            self.sent[subject, key] = (channel, to, message)
            self.lines.append(line)
        return self.outcomes[subject, key]

    def outcome_of(self, *, subject: str, key: str) -> str:
        return self.outcomes.get((subject, key), "")

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """Address, template or nothing, and text of all that went out, in order."""
        return [(to, message.template, message.text) for _, to, message in self.sent.values()]


class Registered:
    def sms(self, name: str, language: str, *params: str) -> Outgoing | None:
        if name != "janjan_voice_answered":
            return None
        return Outgoing(text=" ".join(params), template="11071600000000", header="NAMUNA")


@dataclass
class Line1:
    """A queue that remembers."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    def put(self, messages: list[dict[str, Any]], delay_s: float = 0) -> None:
        self.messages += messages


@dataclass
class Library:
    """What the platform has of every picture."""

    content: bytes | Exception = field(default_factory=lambda: photo(exif=exif()))

    def fetch(self, line: Line, medium: str, media: str, most: int) -> bytes:
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


class Ways(World):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.people, self.post, self.queue = Crowd(), Post(), Line1()
        self.people.add("inf_sunita", whatsapp=CARRIER, telegram="7000000001")
        self.voices = type(self.voices)(**{**vars(self.voices), "areas": Names()})
        self.telling = Telling(
            self.voices,
            self.people,
            self.post,
            Registered(),
            self.clock,
            "https://janjan.test",  # type: ignore[arg-type]
        )
        self.hearing = Hearing(
            voices=self.voices,
            people=self.people,  # type: ignore[arg-type]
            districts=Districts(Names()),
            cameras=Camera(),  # type: ignore[arg-type]
            queue=self.queue,  # type: ignore[arg-type]
            waiting=self.telling,
            public_url="https://janjan.test",
            months=12,
        )
        self.library = Library()
        self.gallery = Gallery(self.voices, self.files, None, self.library, self.telling)  # type: ignore[arg-type]
        self.number = 0

    def fetch(self) -> None:
        """Every picture that is asked for."""
        for wanted in self.queue.messages:
            self.gallery.fetch(wanted)

    def hear(
        self,
        text: str,
        sender: str = CITIZEN,
        *,
        kind: str = "text",
        evidence: str = "",
        reply_to: str = "",
        channel: str = "whatsapp",
        after: timedelta = timedelta(0),
    ) -> str | None:
        self.clock.forward(after.total_seconds())
        self.number += 1
        said = Inbound(evidence or f"{channel}:{self.number}", sender, text, kind, None, reply_to, "आशा नमूना")
        line = LINE if channel == "whatsapp" else Line(channel)
        return self.hearing.heard(channel, said, line=line, at=self.clock.now())

    def all(self) -> list[Any]:
        """All voices, oldest first."""
        from chalicelib.voices.model import Voice
        from chalicelib.voices.store import VOICE, VoiceItem

        found = [Voice.model_validate_json(row.body or "{}") for row in VoiceItem.scan() if row.sk == VOICE]
        return sorted(found, key=lambda one: one.received_at)

    def now(self) -> datetime:
        return self.clock.now()
