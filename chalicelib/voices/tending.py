"""What the minute's tick does with voices: deadlines pass, words are told, each once.

What is to be told stands in the voice itself (`pending`), written with what it tells of: a crash loses
nothing, and the sender's own claim keeps it from being told twice. A voice is looked at when its time has
come, by a sparse index: those that rest cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, cast, get_args

from chalicelib.clock import Clock
from chalicelib.errors import Transient
from chalicelib.events.catalog import VoiceOverdue
from chalicelib.telemetry import count, logger
from chalicelib.voices.changes import ChangedMeanwhile, Changes
from chalicelib.voices.masking import mask
from chalicelib.voices.model import SYSTEM, Step, Teller, Telling, Told, Voice, about, step_for
from chalicelib.voices.store import VoiceStore

SOONEST = timedelta(minutes=1)
AFTER_AN_ERROR = timedelta(minutes=15)
MOST_TRIES = 96
"""So often, for a day, what fails is told to one person again; then staff read that it was given up."""
FAILED, GIVEN_UP = "failed", "no_way:failed"


class Notifier(Protocol):
    def notify(self, voice: Voice, step: Step, key: str) -> str:
        """Tells staff of a step, each of them at most once for (voice, key), and gives the outcome. Raises
        Transient to be asked again."""
        ...


@dataclass(frozen=True)
class Tending:
    store: VoiceStore
    changes: Changes
    teller: Teller
    notifier: Notifier
    clock: Clock
    forget: Callable[[str, str], None]
    """Takes whose it is, and their pictures, out of a voice (service.Voices.forget_sender)."""

    def tend(self, until: float) -> int:
        """Looks after all that are due; none is begun after `until`. Gives how many there were. One that
        fails keeps none behind it waiting, and comes again."""
        seen: set[str] = set()
        for voice_id in self.store.due_now(self.clock.now()):
            if self.clock.epoch() > until:
                break
            if voice_id not in seen:
                seen.add(voice_id)
                self._safely(voice_id)
        return len(seen)

    def _safely(self, voice_id: str) -> None:
        try:
            self.look_after(voice_id)
        except (ChangedMeanwhile, Transient):
            count("VoicesAgain")
        except Exception:
            count("VoicesFailed")
            logger.exception("voice", extra={"voice": voice_id})

    def look_after(self, voice_id: str) -> None:
        """Does with one voice what its time calls for. May be repeated. Raises ChangedMeanwhile when somebody
        else was quicker, Transient: the next tick does it."""
        voice = self.store.find(voice_id)
        if voice is None:
            return
        voice = self._forgotten(self._pass_time(voice))
        for what in voice.pending:
            now = self.clock.now()
            if voice.again_at and voice.again_at > now:
                return
            try:
                done = self._tell(voice, what)
            except Transient as error:
                wait = max(SOONEST, timedelta(seconds=error.retry_after_s))
                self.changes.quietly(voice, voice.waiting(now + wait))
                return
            except Exception:
                count("VoicesUntold")
                logger.exception("voice", extra={"voice": voice_id, "what": what})
                done = False
            if not done:
                self.changes.quietly(voice, voice.waiting(now + AFTER_AN_ERROR))
                return
            voice = self.changes.quietly(voice, voice.told(what))

    def _forgotten(self, voice: Voice) -> Voice:
        """Without its sender when their time is over; those joined to it have no end of their own."""
        if voice.forget_at is None or voice.forget_at > self.clock.now():
            return voice
        for one in (*voice.joined, voice.id):
            self.forget(one, SYSTEM)
        left = self.store.find(voice.id) or voice
        return self.changes.quietly(left, left.kept_until(None))

    def _pass_time(self, voice: Voice) -> Voice:
        after, new = voice.stepped(self.clock.now())
        if not new:
            return voice
        over = [step for step in new if step.endswith("_over")]
        event = VoiceOverdue(**about(voice), step=over[-1]) if over else None
        action = "voice.overdue" if over else "voice.due_soon"
        detail = {"steps": [str(step) for step in new]}
        return self.changes.commit(SYSTEM, action, voice, after, event=event, detail=detail)

    def _tell(self, voice: Voice, what: str) -> bool:
        """Tells all whom a word is for; False: some are to be asked for again, they kept nobody waiting."""
        name, _, number = what.partition(":")
        if name in get_args(Step):
            return self._once(voice, what, lambda: self.notifier.notify(voice, cast("Step", name), what))
        if name == "received":
            return self._tell_one(voice, what, "")
        answer = self.store.answer(voice.id, int(number))
        text = answer.text if answer is not None else ""
        done = True
        for one in (voice, *self.store.many(voice.joined).values()):
            done &= self._tell_one(one, step_for(one, what, voice.id), text)
            if voice.over and one.main:
                self.store.keep_sender(one, self.changes.keep_until(self.clock.now()))
        return done

    def _tell_one(self, voice: Voice, what: str, text: str) -> bool:
        """Tells one of those on a voice. The carrier hears what was answered, and nothing that points at whom
        they spoke for."""
        occasion = cast("Telling", what.partition(":")[0])
        if voice.hidden or (occasion == "carried" and not voice.carried_by):
            return True

        def tell() -> str:
            if occasion == "carried":
                return self.teller.tell(voice, None, occasion, mask(text), step=what)
            sender = self.store.sender(voice.id, self.clock.epoch())
            return self.teller.tell(voice, sender, occasion, text, step=what)

        return self._once(voice, what, tell)

    def _once(self, voice: Voice, what: str, tell: Callable[[], str]) -> bool:
        """Tells, unless it was told or given up before; False: it failed, and is to be tried again. Raises
        Transient."""
        before = self.store.told(voice.id, what)
        if before is not None and before.outcome != FAILED:
            return True
        tries = before.tries if before is not None else 0
        try:
            outcome = tell()
        except Transient:
            raise
        except Exception:
            count("VoicesUntold")
            logger.exception("voice", extra={"voice": voice.id, "what": what})
            tries += 1
            outcome = FAILED if tries < MOST_TRIES else GIVEN_UP
        told = Told(step=what, outcome=outcome, at=self.clock.now(), tries=tries)
        self.store.put_told(voice.id, told)
        return outcome != FAILED
