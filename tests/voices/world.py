"""Voices on the engine's tables: two districts, two departments, staff, a clock that a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.voices.casework import VoiceDesk
from chalicelib.voices.changes import Changes
from chalicelib.voices.folding import Folding
from chalicelib.voices.model import Arrival, Received, Sender, Voice
from chalicelib.voices.routing import Rule
from chalicelib.voices.service import Voices
from chalicelib.voices.settings import Rules, VoiceSettings
from chalicelib.voices.store import VoiceStore
from chalicelib.voices.tending import Tending
from tests.influencers.world import NOON, MovedClock, SmallDirectory

NAMES = {"water": {"en": "Water", "hi": "जल विभाग"}, "roads": {"en": "Roads", "hi": "सड़क विभाग"}}
RULES = (
    Rule(id="water", keywords=("पानी", "water", "नल*"), department="water"),
    Rule(id="roads", keywords=("सड़क*", "road*"), department="roads"),
    Rule(id="idea", keywords=("सुझाव", "suggestion"), means="suggestion"),
)
TEXT = "हमारे गाँव में तीन दिन से पानी नहीं आ रहा है"
PHONE = "+918123456789"


def staff(
    role: str, *, areas: tuple[str, ...] = (), departments: tuple[str, ...] = (), name: str = ""
) -> Principal:
    roles: Any = frozenset({role})
    return Principal(name or f"usr_{role}", role, "x@x.test", roles, frozenset(areas), frozenset(departments))


ADMIN, AUDITOR, EDITOR = staff("admin"), staff("auditor"), staff("editor")
ONE = staff("coordinator", areas=("D9001",), name="usr_one")
TWO = staff("coordinator", areas=("D9002",), name="usr_two")
WATER = staff("nodal_officer", departments=("water",), name="usr_water")
ROADS = staff("nodal_officer", departments=("roads",), name="usr_roads")


def hashed(text: str) -> str:
    import hashlib

    return hashlib.sha256(f"test {text}".encode()).hexdigest()[:40]


def arrival(evidence: str = "e1", text: str = TEXT, at: datetime = NOON, **more: Any) -> Arrival:
    sender = Sender(channel="whatsapp", address=PHONE, name="आशा नमूना", language="hi")
    given: dict[str, Any] = {"area": "D9001-B1", "source": "whatsapp", "sender": sender} | more
    return Arrival(evidence=evidence, text=text, at=at, **given)


@dataclass
class KeptTeller:
    """Keeps what was told, each step once, as the real one does."""

    told: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Ticket, occasion, text, address."""
    fail: list[Exception] = field(default_factory=list)
    outcome: str = "accepted"
    claims: set[tuple[str, str]] = field(default_factory=set)

    def tell(self, voice: Voice, sender: Sender | None, occasion: str, text: str, *, step: str) -> str:
        if self.fail:
            raise self.fail.pop()
        if (voice.id, step) in self.claims:
            return "already"
        self.claims.add((voice.id, step))
        self.told.append((voice.ticket, occasion, text, sender.address if sender else ""))
        return self.outcome


@dataclass
class KeptNotifier:
    told: list[tuple[str, str]] = field(default_factory=list)
    claims: set[tuple[str, str]] = field(default_factory=set)

    def notify(self, voice: Voice, step: str, key: str) -> str:
        if (voice.id, key) in self.claims:
            return "officer:already"
        self.claims.add((voice.id, key))
        self.told.append((voice.ticket, step))
        return "officer:accepted"


@dataclass
class Bucket:
    """The bucket's pictures, by key."""

    kept: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, body: bytes, content_type: str = "") -> None:
        self.kept[key] = body

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)


@dataclass
class World:
    clock: MovedClock = field(default_factory=MovedClock)

    def __post_init__(self) -> None:
        self.files = Bucket()
        self.store, self.audit = VoiceStore(), Audit(pause=lambda seconds: None)
        self.changes = Changes(self.store, self.audit, self.clock, 12)
        self.settings = VoiceSettings(
            self.store,
            SmallDirectory(),
            lambda: frozenset(NAMES),
            self.audit,
            self.clock,  # type: ignore[arg-type]
        )
        self.voices = Voices(
            store=self.store,
            settings=self.settings,
            changes=self.changes,
            areas=SmallDirectory(),  # type: ignore[arg-type]
            departments=lambda: NAMES,
            audit=self.audit,
            clock=self.clock,
            keyed_hash=hashed,
            drop=self.files.delete,
        )

        self.teller, self.notifier = KeptTeller(), KeptNotifier()
        forget = self.voices.forget_sender
        self.tending = Tending(self.store, self.changes, self.teller, self.notifier, self.clock, forget)
        self.folding = Folding(self.store, self.clock)
        self.desk = VoiceDesk(
            store=self.store,
            settings=self.settings,
            changes=self.changes,
            areas=SmallDirectory(),  # type: ignore[arg-type]
            departments=lambda: frozenset(NAMES),
            by_ticket=self.voices.by_ticket,
            link=lambda key, seconds: f"https://files.test/{key}?{seconds}",
            audit=self.audit,
            clock=self.clock,
        )

    def tick(self) -> int:
        """A minute's tick."""
        until = self.clock.epoch() + 40
        found = self.tending.tend(until)
        self.folding.fold(until)
        return found

    def days(self, number: float) -> None:
        self.clock.forward(number * 24 * 3600)

    def rules(self) -> None:
        self.settings.put(ADMIN, Rules(rules=RULES), None)

    def receive(self, evidence: str = "e1", text: str = TEXT, **more: Any) -> Received:
        return self.voices.receive(arrival(evidence, text, more.pop("at", self.clock.now()), **more))

    def voice(self, voice_id: str) -> Voice:
        found = self.store.find(voice_id)
        assert found is not None
        return found

    def audited(self, voice_id: str) -> list[tuple[str, str]]:
        return [(entry.action, entry.actor) for entry in self.audit.all_of(f"voice#{voice_id}")]
