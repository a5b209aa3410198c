"""Rules of a channel's pace. Nothing here reads or writes; `paces` keeps one `Pace` a channel.

Slots are leased in blocks, evenly apart. A throttle halves the rate, and clean time brings it back. Who finds
no slot takes a place in the line: an estimate of when slots will come, not a right to them. Times are epoch
seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

AIM = 0.98
"""The share of the limit that is leased: what is sent some milliseconds late stays within the limit."""
LINE_AIM = 0.95
"""The share that the line counts on: a little less than is leased, so that chunks seldom come in vain."""
HORIZON_S = 2.0
"""How far ahead slots are leased: so long may an invocation sleep."""
FIRST_HORIZON_S = 5.0
"""The same for an emergency, which does not go back to the queue for some seconds."""
BLOCK_S = 10.0
"""The longest block: on a slow channel a chunk comes in parts."""
LATE_S = 0.1
"""A slot is forfeited when it is missed by more: late messages would come in a burst."""
FIRST_HOLD_S = 3.0
"""After an emergency's slots the channel is kept free for so long, for its next chunk."""
HALVED_AT_MOST_EVERY_S = 1.0
LEAST_FACTOR = 1 / 16
RECOVERY_S = 60.0
"""In so much clean time a rate comes back from nothing to its limit."""
CLOCKS_APART_S = 30.0
"""A pace that was noted so far ahead of now comes from a clock that has been set back since."""
HOUR_S = 3600
WINDOW_H = 25
"""A moving day of 24 h in whole hours: the oldest is counted to its very end."""


@dataclass(frozen=True)
class Limit:
    """What a channel may send: messages a second, and in a moving day (None: any number)."""

    rate_per_s: float
    per_day: int | None = None

    def lowered(self, rate_per_s: float | None, per_day: int | None) -> Limit:
        """This limit, or what is asked for where that is less."""
        days = [value for value in (self.per_day, per_day) if value is not None]
        return Limit(min(self.rate_per_s, rate_per_s or self.rate_per_s), min(days, default=None))


@dataclass(frozen=True)
class Lease:
    """`count` slots of a channel: the i-th request may start at `start + i * gap`."""

    start: float
    gap: float
    count: int

    def slot(self, position: int) -> float:
        return self.start + position * self.gap

    @property
    def end(self) -> float:
        """When the next slot would come."""
        return self.slot(self.count)

    @property
    def hour(self) -> str:
        """The hour since 1970 in which the last of them may be used."""
        return str(int((self.end + LATE_S) // HOUR_S))


@dataclass(frozen=True)
class Wait:
    """There is no slot yet: ask again after so many seconds."""

    seconds: float


@dataclass
class Slots:
    """Hands out the slots of a lease to several threads, each once. What was missed is forfeited."""

    lease: Lease
    taken: int = 0
    promised: int = 0
    """So many have begun and not taken theirs yet."""
    used: int = 0
    """In so many a request was made that the platform may have taken."""
    _lock: Lock = field(default_factory=Lock)

    def promise(self, now: float) -> float | None:
        """When the next slot comes that nobody waits for; None when there is none left."""
        with self._lock:
            self._forfeit(now)
            position = self.taken + self.promised
            return self.lease.slot(position) if position < self.lease.count else None

    def begun(self) -> None:
        """Somebody has begun, who will take a slot or give it back."""
        with self._lock:
            self.promised += 1

    def give_back(self) -> None:
        """Somebody who has begun needs none."""
        with self._lock:
            self.promised -= 1

    def use(self, more: int = 1) -> None:
        """A request is made that the platform may take; -1: it surely has not."""
        with self._lock:
            self.used += more

    @property
    def unused(self) -> int:
        """Slots in which the platform has surely taken nothing, when nobody is under way any more."""
        return self.lease.count - self.used

    def take(self, now: float) -> float | None:
        """The next slot whose time has not passed, for one who has begun; None when there is none left."""
        with self._lock:
            self._forfeit(now)
            self.promised -= 1
            self.taken += 1
            return self.lease.slot(self.taken - 1) if self.taken <= self.lease.count else None

    def _forfeit(self, now: float) -> None:
        while self.taken < self.lease.count and self.lease.slot(self.taken) < now - LATE_S:
            self.taken += 1


@dataclass(frozen=True)
class Pace:
    """What a channel's senders share."""

    until: float = 0.0
    """The first slot that is not leased."""
    line: float = 0.0
    """When those who stand in line will have had their slots, as far as one can tell."""
    first_until: float = 0.0
    """Until then only emergencies lease."""
    first_line: float = 0.0
    """As `line`, of emergencies: they stand before all others."""
    rest_until: float = 0.0
    """Until then the platform wants nothing."""
    factor: float = 1.0
    slowed_at: float = 0.0
    hours: Mapping[str, int] = field(default_factory=dict)
    """Slots leased and not given back, by the hour since 1970 in which they end."""
    rate_per_s: float | None = None
    per_day: int | None = None
    """What staff have set below the channel's own limits."""
    noted_at: float = 0.0
    """When slots, or places in the line, were given last."""

    def learned(self, now: float) -> float:
        """The share of the limit that the platform takes, as throttles taught: 1 after enough clean time."""
        clean = max(0.0, now - max(self.slowed_at, self.rest_until))
        return min(1.0, self.factor + clean / RECOVERY_S)

    def used(self, now: float) -> int:
        """Slots leased in the moving day and not given back: the limit is never passed."""
        oldest = int(now // HOUR_S) - WINDOW_H + 1
        return sum(count for hour, count in self.hours.items() if int(hour) >= oldest)

    def day_frees(self, allowed: Limit, now: float) -> float | None:
        """When the moving day has room again; None while it has."""
        per_day = allowed.lowered(self.rate_per_s, self.per_day).per_day
        if per_day is None or self.used(now) < per_day:
            return None
        oldest = int(now // HOUR_S) - WINDOW_H + 1
        first = min((int(hour) for hour in self.hours if int(hour) >= oldest), default=oldest)
        return float((first + WINDOW_H) * HOUR_S)

    def lease(
        self, messages: int, allowed: Limit, now: float, *, first: bool = False, queue: bool = True
    ) -> tuple[Pace, Lease | Wait]:
        """Slots for some or all of the messages, or how long to wait for them; and the pace after that.

        `first`: an emergency, which holds others off. Who must wait stands in line, unless not `queue`.
        """
        if self.noted_at > now + CLOCKS_APART_S:
            return self._set_back(now).lease(messages, allowed, now, first=first, queue=queue)
        if (frees := self.day_frees(allowed, now)) is not None:
            return self, Wait(frees - now)
        limit, begin = allowed.lowered(self.rate_per_s, self.per_day), self._begin(now)
        gap = 1 / (AIM * limit.rate_per_s * self.learned(begin))
        if first:
            held = replace(self, first_until=max(self.first_until, begin + FIRST_HOLD_S))
            if begin - now > FIRST_HORIZON_S:
                pace, place = held.stand(messages, allowed, now, first=True)
                return pace if queue else held, Wait(place.start - now - HORIZON_S)
        else:
            held = self
            if now < self.first_until or begin - now > HORIZON_S:
                pace, place = self.stand(messages, allowed, now)
                return pace if queue else self, Wait(max(gap, place.start - now))
        room = messages if limit.per_day is None else min(messages, limit.per_day - self.used(now))
        lease = Lease(begin, gap, max(1, min(room, int(BLOCK_S / gap))))
        oldest = int(now // HOUR_S) - WINDOW_H + 1
        hours = {known: count for known, count in self.hours.items() if int(known) >= oldest}
        hours[lease.hour] = hours.get(lease.hour, 0) + lease.count
        after = replace(held, until=lease.end, hours=hours, noted_at=now)
        if first:
            after = replace(after, first_until=max(after.first_until, lease.end + FIRST_HOLD_S))
        return after, lease

    def stand(self, messages: int, allowed: Limit, now: float, *, first: bool = False) -> tuple[Pace, Lease]:
        """A place in line: about when the slots of these messages will come."""
        if self.noted_at > now + CLOCKS_APART_S:
            return self._set_back(now).stand(messages, allowed, now, first=first)
        limit = allowed.lowered(self.rate_per_s, self.per_day)
        start = max(self._begin(now), self.first_line)
        start = start if first else max(start, self.line, self.first_until)
        place = Lease(start, 1 / (LINE_AIM * limit.rate_per_s * self.learned(start)), messages)
        if first:
            return replace(self, first_line=place.end, noted_at=now), place
        return replace(self, line=place.end, noted_at=now), place

    def given_back(self, lease: Lease, unused: int, allowed: Limit) -> Pace:
        """The pace when so many slots of a lease were not used: the moving day has room for them again."""
        if allowed.lowered(self.rate_per_s, self.per_day).per_day is None:
            return self
        hours = {**self.hours, lease.hour: self.hours.get(lease.hour, 0) - unused}
        return replace(self, hours={hour: count for hour, count in hours.items() if count > 0})

    def _set_back(self, now: float) -> Pace:
        """The pace after the clock was set back: what was to come by the old one holds nobody up. What the
        day has used stays so, and what was learned."""
        return replace(
            self, until=0.0, line=0.0, first_until=0.0, first_line=0.0, rest_until=0.0, noted_at=now
        )

    def _begin(self, now: float) -> float:
        return max(now, self.until, self.rest_until)

    def slowed(self, retry_after_s: float, now: float) -> Pace:
        """After a throttle: half as fast, at most once a second, and nothing leased before it is allowed."""
        rests = replace(self, rest_until=max(self.rest_until, now + retry_after_s))
        if 0 <= now - self.slowed_at < HALVED_AT_MOST_EVERY_S:
            return rests
        return replace(rests, factor=max(LEAST_FACTOR, self.learned(now) / 2), slowed_at=now)
