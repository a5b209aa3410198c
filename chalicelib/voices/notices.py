"""Notices to staff: a deadline comes near, or is over. To the officer, the deputy, the coordinators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.clock import IST, Clock
from chalicelib.errors import PlatformOff
from chalicelib.i18n import translate
from chalicelib.platforms.base import Outgoing
from chalicelib.ports import AreaDuty, DepartmentDuty, DirectSender, OnDuty, ServiceTexts, Way
from chalicelib.voices.model import Step, Voice

LANGUAGE = "hi"
SEATS: dict[str, tuple[str, ...]] = {"soon": ("officer", "deputy"), "over": ("deputy",)}
"""Whom a notice is for, in this order: of a vacant seat, for the next one; behind all, for the
coordinators."""
MOST_COORDINATORS = 3
SUBJECT_SOON = "Voice %(ticket)s waits: due %(due)s"
SUBJECT_OVER = "Voice %(ticket)s is overdue since %(due)s"
TEXT_SOON = "Voice %(ticket)s (%(department)s) waits for your word. It is due on %(due)s. Please sign in."
TEXT_OVER = "Voice %(ticket)s (%(department)s) got no word in time: it was due on %(due)s. Please sign in."
REGISTERED = {"soon": "janjan_voice_due", "over": "janjan_voice_overdue"}
"""Names of the registered SMS (chalicelib/ports.py, ServiceTexts): ticket, due."""
First = TypeVar("First")


@dataclass(frozen=True)
class Notices:
    officers: DepartmentDuty
    coordinators: AreaDuty
    direct: DirectSender
    texts: ServiceTexts
    department_name: Callable[[str, str], str]
    """Of a department, in a language."""
    clock: Clock

    def notify(self, voice: Voice, step: Step, key: str) -> str:
        """Tells who is to know of this step, each at most once for (voice, key), and gives the outcome:
        `<seat>:<what came of it>`, or `nobody`. Raises Transient to be asked again."""
        kind = step.rpartition("_")[2]
        people = self._people(voice, SEATS[kind])
        told = [
            f"{one.seat}:{self._tell(voice, step, kind, f'{key}:{number}', one)}"
            for number, one in enumerate(people)
        ]
        return " ".join(told) or "nobody"

    def _people(self, voice: Voice, seats: Sequence[str]) -> list[OnDuty]:
        if voice.department:
            today = self.clock.today_ist()
            on_duty = {one.seat: one for one in self.officers.of_department(voice.department, today)}
            for seat in seats:
                if seat in on_duty:
                    return [on_duty[seat]]
        return self.coordinators.of_area(voice.path)[:MOST_COORDINATORS]

    def _tell(self, voice: Voice, step: Step, kind: str, key: str, one: OnDuty) -> str:
        ways = self._ways(voice, step, kind, one)
        if not ways:
            return "no_way"
        try:
            return self.direct.send_first(subject=f"voice#{voice.id}", key=key, ways=ways)
        except PlatformOff:
            return "no_way"

    def _ways(self, voice: Voice, step: Step, kind: str, one: OnDuty) -> list[Way]:
        at = voice.answer_due if step.startswith("answer") else voice.resolve_due
        due = at.astimezone(IST).strftime("%d-%m-%Y %H:%M") if at else ""
        said: dict[str, object] = {
            "ticket": voice.ticket,
            "due": due,
            "department": self.department_name(voice.department, LANGUAGE) or "-",
        }
        subject, text = (SUBJECT_SOON, TEXT_SOON) if kind == "soon" else (SUBJECT_OVER, TEXT_OVER)
        ways = []
        if one.email:
            message = Outgoing(
                subject=translate(LANGUAGE, subject, said), text=translate(LANGUAGE, text, said)
            )
            ways.append(Way("email", one.email, message))
        sms = self.texts.sms(REGISTERED[kind], LANGUAGE, voice.ticket, due) if one.phone else None
        if sms is not None:
            ways.append(Way("sms", one.phone, sms))
        return ways
