"""What the sandbox platforms know: behaviour, clock, log, inbox, people who wrote to us or blocked us."""

import json
import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Self

Json = dict[str, Any]
Failure = Literal["at once", "later"]

WINDOW = timedelta(hours=24)
"""Free text is allowed this long after a person's last message (WhatsApp: customer service window)."""
PAIR_BURST = 45
PAIR_REFILL_S = 6.0
"""One message each 6 s to one person, and bursts of up to 45, paid back (WhatsApp: pair rate limit)."""


class BadBehaviour(ValueError):
    """The asked behaviour has an unknown key or a value out of its range."""


@dataclass(frozen=True)
class Fate:
    """What will become of one request: drawn once, so that a seed repeats it."""

    throttled: bool
    failure: Failure | None
    lost_reply: bool
    read: bool
    variant: float
    reply: bool = False
    complains: bool = False


@dataclass(frozen=True)
class Behaviour:
    """Shares (0 to 1) of faults, and how callbacks travel.

    `delay_ms`: each callback is posted at a time drawn evenly from 0 to this, so they overtake each other.
    `aggregate_ms`: updates that fall due within this time of the first share a POST, as they do under load.
    `batch`: the most updates in one WhatsApp POST (Meta: 1,000; 1 posts each alone). `per_second`: the most
    requests a second that a platform takes before it throttles; 0 sets no limit. `reply`: of
    those whom a campaign's template reaches over WhatsApp, who writes back. `channel_ill`
    (true or 1): every send is refused for the whole channel, and its health says so. `complain`: of those
    whom an email reaches, who calls it spam.
    """

    fail: float = 0.0
    duplicate: float = 0.0
    delay_ms: int = 50
    throttle: float = 0.0
    read: float = 0.6
    lost_reply: float = 0.0
    seed: int = 0
    aggregate_ms: int = 20
    batch: int = 1000
    per_second: int = 0
    channel_ill: int = 0
    reply: float = 0.0
    complain: float = 0.0

    def changed(self, change: Json) -> Self:
        """This behaviour with some values changed; BadBehaviour names what is not known or out of range."""
        known = {f.name: f.type for f in fields(self)}
        if unknown := sorted(set(change) - set(known)):
            raise BadBehaviour(f"unknown behaviour: {', '.join(unknown)}")
        change = {n: int(v) if n == "channel_ill" and isinstance(v, bool) else v for n, v in change.items()}
        for name, value in change.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise BadBehaviour(f"{name} must be a number")
            if known[name] is float and not 0 <= value <= 1:
                raise BadBehaviour(f"{name} is a share: 0 to 1")
            if known[name] is int and (value != int(value) or value < 0):
                raise BadBehaviour(f"{name} must be a whole number, 0 or more")
        batch = change.get("batch", self.batch)
        if not 1 <= batch <= 1000:
            raise BadBehaviour("batch must be 1 to 1000")
        return replace(self, **{n: v if known[n] is float else int(v) for n, v in change.items()})

    def fate(self, to: str, nth: int) -> Fate:
        """What becomes of the n-th request to an address: the same for the same seed, whatever the order."""
        draw = random.Random(f"{self.seed}|{to}|{nth}")
        throttled = draw.random() < self.throttle
        failure: Failure | None = None
        if draw.random() < self.fail:
            failure = "later" if draw.random() < 0.5 else "at once"
        return Fate(
            throttled=throttled,
            failure=failure,
            lost_reply=failure != "at once" and draw.random() < self.lost_reply,
            read=draw.random() < self.read,
            variant=draw.random(),
            reply=draw.random() < self.reply,
            complains=draw.random() < self.complain,
        )


@dataclass
class SandboxClock:
    """Real time plus an offset that deployed handlers read from the same file."""

    file: Path | None
    offset_s: float = 0.0

    @classmethod
    def resumed(cls, file: Path | None) -> "SandboxClock":
        """A clock that goes on with the offset left in the file, if there is one."""
        if file is not None and file.exists():
            return cls(file, float(file.read_text().strip() or 0))
        clock = cls(file)
        clock.move(0)
        return clock

    def now(self) -> datetime:
        """The time in the sandbox, UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.offset_s)

    def move(self, offset_s: float) -> None:
        """Set the offset, here and in the file."""
        self.offset_s = offset_s
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.file.with_suffix(".new")
            fresh.write_text(f"{offset_s}\n")
            os.replace(fresh, self.file)


def stamp(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Journal:
    """The append-only log: one JSON object a line, each with `seq`, `at` and `kind`."""

    def __init__(self, file: Path, clock: SandboxClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file.open("a+b")
        self._starts: list[int] = []
        self._file.seek(0)
        for line in self._file:
            self._starts.append(self._file.tell() - len(line))

    def add(self, kind: str, **what: object) -> None:
        """Append one line; it is in the file when this returns."""
        with self._lock:
            seq = len(self._starts) + 1
            line = {"seq": seq, "at": stamp(self._clock.now()), "kind": kind, **what}
            start = self._file.seek(0, os.SEEK_END)
            self._file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
            self._starts.append(start)

    def since(self, seq: int, limit: int = 10_000) -> Iterator[Json]:
        """Lines after `seq`, oldest first."""
        with self._lock:
            wanted = self._starts[max(seq, 0) : max(seq, 0) + limit]
            if not wanted:
                return
            self._file.seek(wanted[0])
            lines = [self._file.readline() for _ in wanted]
        yield from map(json.loads, lines)

    def every(self) -> Iterator[Json]:
        """All lines, oldest first."""
        seq = 0
        while lines := list(self.since(seq)):
            seq = lines[-1]["seq"]
            yield from lines

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


@dataclass
class PairRate:
    """How many messages one person may still get at once."""

    left: float = PAIR_BURST
    at: float = field(default_factory=time.monotonic)

    def take(self, now: float) -> bool:
        """True when one more message may go."""
        self.left = min(PAIR_BURST, self.left + (now - self.at) / PAIR_REFILL_S)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class World:
    """Everything the platforms share. One lock: a request is handled whole, or not yet.

    The log is replayed at start, so people who wrote to us, blocks and registered templates outlive a
    restart; the inbox and the behaviour do not.
    """

    def __init__(self, log: Path, clock_file: Path | None, templates: list[Json]) -> None:
        self.lock = threading.RLock()
        self.clock = SandboxClock.resumed(clock_file)
        self.behaviour = Behaviour()
        self.journal = Journal(log, self.clock)
        self.inbox: list[Json] = []
        self.last_inbound: dict[tuple[str, str], datetime] = {}
        self.blocked: set[tuple[str, str]] = set()
        self.templates: dict[tuple[str, str], Json] = {}
        self._requests: dict[tuple[str, str], int] = defaultdict(int)
        self._pairs: dict[str, PairRate] = defaultdict(PairRate)
        self._second: dict[str, tuple[int, int]] = {}
        for template in templates:
            self.templates[template["name"], template["language"]] = template
        for line in self.journal.every():
            self._recall(line)

    def _recall(self, line: Json) -> None:
        if line["kind"] == "inbound":
            self.last_inbound[line["platform"], line["from"]] = datetime.fromisoformat(line["at"])
        elif line["kind"] == "block":
            self.block(line["platform"], line["address"], blocked=line["blocked"])
        elif line["kind"] == "template":
            template = line["template"]
            self.templates[template["name"], template["language"]] = template

    def fate(self, platform: str, to: str) -> Fate:
        """Draw what becomes of this request to an address."""
        self._requests[platform, to] += 1
        return self.behaviour.fate(f"{platform}:{to}", self._requests[platform, to])

    def over_rate(self, platform: str) -> bool:
        """True when this request is more than the platform takes in this second."""
        if not self.behaviour.per_second:
            return False
        second = int(time.monotonic())
        last, count = self._second.get(platform, (second, 0))
        count = count + 1 if last == second else 1
        self._second[platform] = (second, count)
        return count > self.behaviour.per_second

    def over_pair_rate(self, to: str) -> bool:
        """True when this person got too many messages of late."""
        return not self._pairs[to].take(time.monotonic())

    def window_open(self, platform: str, address: str) -> bool:
        """True when the person wrote within the last 24 hours."""
        last = self.last_inbound.get((platform, address))
        return last is not None and self.clock.now() - last < WINDOW

    def block(self, platform: str, address: str, *, blocked: bool) -> None:
        """A person blocks us, or lets us in again."""
        if blocked:
            self.blocked.add((platform, address))
        else:
            self.blocked.discard((platform, address))

    def deliver(self, platform: str, to: str, message_id: str, text: str, payload: Json) -> None:
        """Put a message into the person's inbox."""
        self.inbox.append(
            {
                "id": message_id,
                "platform": platform,
                "to": to,
                "text": text,
                "payload": payload,
                "at": stamp(self.clock.now()),
            }
        )

    def messages(self, to: str | None, platform: str | None) -> list[Json]:
        """What a person (an address in digits) received, newest last."""
        return [
            message
            for message in self.inbox
            if to in (None, message["to"].removeprefix("+")) and platform in (None, message["platform"])
        ]

    def forget(self, to: str | None) -> None:
        """Empty the inbox, of one person or of all; the log stays."""
        self.inbox = [m for m in self.inbox if to not in (None, m["to"].removeprefix("+"))]
