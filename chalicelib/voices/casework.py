"""Voices as staff have them: nodal officers those of their departments, coordinators those of their areas."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pynamodb.transactions import TransactWrite

from chalicelib import lists
from chalicelib.clock import Clock, rfc3339
from chalicelib.errors import InvalidInput, NotFound
from chalicelib.events.catalog import (
    Event,
    VoiceAnswered,
    VoiceAssigned,
    VoiceDeclined,
    VoiceReopened,
    VoiceResolved,
)
from chalicelib.identity.audit import Audit, nothing
from chalicelib.identity.chain import Detail
from chalicelib.identity.roles import Principal
from chalicelib.ports import Area, Areas
from chalicelib.voices.changes import ChangedMeanwhile, Changes
from chalicelib.voices.masking import excerpt
from chalicelib.voices.model import (
    ANSWER,
    ASSIGN,
    EXCERPT,
    MERGE,
    MODERATE,
    READ,
    REVEAL,
    Answer,
    Kind,
    Note,
    Occasion,
    Sender,
    Shelf,
    Voice,
    about,
    desks_of,
    everywhere,
    grounds_of,
    sees,
)
from chalicelib.voices.settings import VoiceSettings
from chalicelib.voices.store import Position, VoiceStore, Whole, ground_prefix, time_of

MOST_READ = 1000
"""Voices that one call reads, whosever they are, and the rest of a second; behind them the list goes on with
its cursor."""
KEPT_ASIDE = timedelta(days=30)
"""So long words stay as they were, after parts were taken out of them."""
BLOT = "▇▇▇"
LINK_S = 120
IDS = "voi_"
Standing = Literal["received", "assigned", "answered", "resolved", "declined", "joined", "hidden"]
SHELF: Mapping[str, Shelf] = {
    "resolved": "closed",
    "declined": "closed",
    "joined": "joined",
    "hidden": "hidden",
}


@dataclass(frozen=True)
class Asked:
    """Which voices of a list are wanted."""

    area: str | None = None
    department: str | None = None
    """Empty: those that no department has."""
    status: Standing | None = None
    """None: all that are open."""
    kind: Kind | None = None
    overdue: bool | None = None

    @property
    def shelf(self) -> Shelf:
        return SHELF.get(self.status or "", "open")


@dataclass(frozen=True)
class _Row:
    """A voice as a list comes upon it."""

    voice: Voice
    stretch: int
    place: Mapping[str, Any]
    again: bool
    """Whether it lay on one of the caller's desks too."""


@dataclass(frozen=True)
class VoiceDesk:
    """What a member of staff may not know of is not there for them."""

    store: VoiceStore
    settings: VoiceSettings
    changes: Changes
    areas: Areas
    departments: Callable[[], frozenset[str]]
    by_ticket: Callable[[str], Voice | None]
    link: Callable[[str, int], str]
    """An address from which a file can be read for so many seconds."""
    audit: Audit
    clock: Clock

    # --- reading

    def get(self, who: Principal, voice_id: str, action: str = READ) -> Voice:
        """One voice, by its id or its ticket. Raises NotFound, also for one of other departments and
        areas."""
        voice = self.store.find(voice_id) if voice_id.startswith(IDS) else self.by_ticket(voice_id)
        if voice is None or not sees(who, voice, action):
            raise NotFound
        return voice

    def whole(self, who: Principal, voice_id: str) -> Whole:
        """All of a voice but its sender in clear; of those joined with it, the ones that the caller may know
        of. Raises NotFound."""
        ident = voice_id if voice_id.startswith(IDS) else self.get(who, voice_id).id
        found = self.store.whole(ident, self.clock.epoch())
        if found is None or not sees(who, found.voice, READ):
            raise NotFound
        voice = found.voice
        others = self.store.many([*voice.joined, *([voice.main] if voice.main else [])])
        known = {one.id for one in others.values() if sees(who, one, READ)}
        shown = voice.model_copy(
            update={
                "joined": tuple(one for one in voice.joined if one in known),
                "main": voice.main if voice.main in known else "",
            }
        )
        return Whole(shown, found.sender, found.said, found.answers, found.told, found.notes)

    def overdue(self, who: Principal, most: int) -> int:
        """How many of the caller's open voices should have been answered by now; counted up to `most`."""
        found, _ = self.listed(who, Asked(overdue=True), most, None)
        return len(found)

    def listed(
        self, who: Principal, asked: Asked, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Voice], dict[str, Any] | None]:
        """Up to `limit` voices, the newest first in each department or district, and where to go on. Raises
        InvalidInput for an area that is none or not the caller's."""
        found: list[Voice] = []
        area = self._area(who, asked.area)
        now = self.clock.now()
        last = ""
        for read, row in enumerate(self._walk(who, asked, area, after), start=1):
            voice, second = row.voice, f"{row.stretch} {rfc3339(row.voice.received_at)}"
            if not sees(who, voice, READ):
                # a cursor can be read: it names nobody else's voice, and no second is cut in two by it
                if read > MOST_READ and second != last:
                    return found, {"stretch": row.stretch, "key": time_of(row.place)}
            else:
                fits = not row.again and _wanted(voice, asked, area)
                if fits and asked.overdue in (None, voice.overdue(now)):
                    found.append(voice)
                if len(found) == limit or read >= MOST_READ:
                    return found, {"stretch": row.stretch, "key": row.place}
            last = second
        return found, None

    def with_ticket(self, who: Principal, ticket: str) -> list[Voice]:
        """The voice with this ticket, when the caller may know of it."""
        voice = self.by_ticket(ticket)
        return [voice] if voice is not None and sees(who, voice, READ) else []

    def senders(self, voices: list[Voice]) -> dict[str, Sender]:
        return self.store.senders((one.id for one in voices if one.source_key), self.clock.epoch())

    def reveal(self, who: Principal, voice_id: str) -> Sender:
        """Address and name in clear; that they were looked at is kept. Raises NotFound when nothing is kept
        (any more)."""
        voice = self.get(who, voice_id, REVEAL)
        found = self.store.sender(voice.id, self.clock.epoch())
        if found is None:
            raise NotFound
        self.audit.committing(
            subject=f"voice#{voice.id}", action="voice.revealed", actor=who.id, at=self.clock.now()
        )
        return found

    def picture(self, who: Principal, voice_id: str, number: int) -> str:
        """An address from which the picture (counted from 0) can be read for two minutes. Raises NotFound."""
        pictures = [one for said in self.whole(who, voice_id).said for one in said.attachments]
        if not 0 <= number < len(pictures):
            raise NotFound
        return self.link(pictures[number].key, LINK_S)

    # --- acting

    def assign(
        self,
        who: Principal,
        voice_id: str,
        department: str,
        reason: str,
        kind: Kind | None = None,
        *,
        seen: int | None = None,
    ) -> Voice:
        """Gives a voice to a department, or to another one with a reason; corrects its kind. Its deadlines
        stay. Raises InvalidInput, NotFound, Refused, ChangedMeanwhile."""
        before = self._looked_at(who, voice_id, ASSIGN, seen)
        if department not in self.departments():
            sentence = "There is no department %(id)s."
            raise InvalidInput.of("department", "department_unknown", sentence, id=department)
        moved = department != before.department
        if moved and before.department and not reason:
            sentence = "Say why it is given to another department."
            raise InvalidInput.of("reason", "missing", sentence)
        after = before.assigned(department, who.id, self.clock.now()) if moved else before
        after = after.corrected(kind, who.id) if kind and kind != before.kind else after
        detail: Detail = {"from": before.department, "to": department, "kind": after.kind}
        event = VoiceAssigned(**about(after)) if moved else None
        return self._commit(who, "assigned", before, after, reason, event=event, detail=detail)

    def answer(
        self, who: Principal, voice_id: str, text: str, *, asks: bool = False, seen: int | None = None
    ) -> Voice:
        """Answers a voice, and all that are joined to it. Raises NotFound, Refused, ChangedMeanwhile."""
        before = self._looked_at(who, voice_id, ANSWER, seen)
        after = before.answered(self.clock.now(), self.settings.calendar(), asks=asks)
        event = VoiceAnswered(**about(after), answer=after.answers)
        return self._speak(who, before, after, occasion="answered", text=text, event=event, asks=asks)

    def close(
        self,
        who: Principal,
        voice_id: str,
        status: Literal["resolved", "declined"],
        text: str,
        *,
        seen: int | None = None,
    ) -> Voice:
        """Ends a voice: what was done, or why nothing is. Raises NotFound, Refused, ChangedMeanwhile."""
        before = self._looked_at(who, voice_id, ANSWER, seen)
        after = before.closed(status, self.clock.now(), self.settings.calendar())
        kind = VoiceResolved if status == "resolved" else VoiceDeclined
        return self._speak(who, before, after, occasion=status, text=text, event=kind(**about(after)))

    def reopen(self, who: Principal, voice_id: str, reason: str) -> Voice:
        """Opens a closed voice again, with new deadlines; its sender may still do so too."""
        before = self.get(who, voice_id, ANSWER)
        after = before.opened_again(
            self.clock.now(), self.settings.target(before), self.settings.calendar(), by_citizen=False
        )
        event = VoiceReopened(**about(after), by_citizen=False)
        return self._commit(who, "reopened", before, after, reason, event=event)

    def merge(self, who: Principal, voice_id: str, into: str, reason: str) -> Voice:
        """Joins a voice to another one that is the same: who sent it hears what that one is answered. Raises
        NotFound for either, Refused."""
        before, main = self.get(who, voice_id, MERGE), self.get(who, into, MERGE)
        after, joined = before.joined_to(main), main.with_joined(before.id)
        return self._with_main(who, "joined", before, after, main=(main, joined), reason=reason)

    def part(self, who: Principal, voice_id: str, reason: str) -> Voice:
        """Undoes `merge`. Raises NotFound, Refused."""
        before = self.get(who, voice_id, MERGE)
        after, main = before.parted(), self.store.find(before.main)
        pair = (main, main.without_joined(before.id)) if main is not None else None
        return self._with_main(who, "parted", before, after, main=pair, reason=reason)

    def hide(self, who: Principal, voice_id: str, reason: str) -> Voice:
        """Takes a voice out of lists and of the public page as abuse; without a reason, puts it back. Raises
        NotFound, Refused."""
        before = self.get(who, voice_id, MODERATE)
        action = "hidden" if reason else "shown"
        return self._commit(who, action, before, before.hidden_as(reason), reason)

    def redact(self, who: Principal, voice_id: str, key: str, parts: list[str]) -> Voice:
        """Takes parts out of words; how they were at first is kept for 30 days. Raises NotFound, InvalidInput
        for a part that does not stand there, Conflict when the words changed meanwhile."""
        before = self.get(who, voice_id, MODERATE)
        said = self.store.said(before.id, key)
        if said is None:
            raise NotFound
        text = said.text
        for number, part in enumerate(parts):
            if part not in text and not any(part in old for old in said.before):
                sentence = "These words do not stand there."
                raise InvalidInput.of(f"parts.{number}", "not_there", sentence)
            text = text.replace(part, BLOT)
        # what was edited away would give it away
        clean = said.model_copy(update={"text": text, "before": (), "redacted_by": who.id})
        kept = self.store.has_original(before.id, key, self.clock.epoch())
        until = 0 if kept else int((self.clock.now() + KEPT_ASIDE).timestamp())
        whole = self.store.whole(before.id, self.clock.epoch())
        first = whole is not None and whole.said[0].key == key
        after = before.model_copy(update={"excerpt": excerpt(text, EXCERPT)}) if first else before

        def also(transaction: TransactWrite) -> None:
            self.store.put_edited(transaction, before.id, said, clean, until)

        return self._commit(who, "redacted", before, after, "", detail={"parts": len(parts)}, also=also)

    # --- inside

    def _looked_at(self, who: Principal, voice_id: str, action: str, seen: int | None) -> Voice:
        """The voice, unless it has changed since the revision `seen`: nobody is answered twice by a second
        click, nor in ignorance of what somebody else has just written."""
        voice = self.get(who, voice_id, action)
        if seen not in (None, voice.rev):
            raise ChangedMeanwhile
        return voice

    def _speak(
        self,
        who: Principal,
        before: Voice,
        after: Voice,
        *,
        occasion: Occasion,
        text: str,
        event: Event,
        asks: bool = False,
    ) -> Voice:
        now = self.clock.now()
        answer = Answer(number=after.answers, occasion=occasion, text=text, at=now, by=who.id, asks=asks)
        detail: Detail = {"answer": answer.number}
        return self.changes.commit(
            who.id, f"voice.{occasion}", before, after, event=event, answer=answer, detail=detail
        )

    def _commit(
        self,
        who: Principal,
        action: str,
        before: Voice,
        after: Voice,
        reason: str,
        *,
        event: Event | None = None,
        detail: Detail | None = None,
        also: Callable[[TransactWrite], None] = nothing,
    ) -> Voice:
        """Why it was done may name people: it stands beside the voice, not in the audit."""
        note = Note(at=self.clock.now(), by=who.id, action=action, text=reason)

        def write(transaction: TransactWrite) -> None:
            also(transaction)
            if reason:
                self.store.put_note(transaction, after.next(), note)

        return self.changes.commit(
            who.id, f"voice.{action}", before, after, event=event, detail=detail, also=write
        )

    def _with_main(
        self,
        who: Principal,
        action: str,
        before: Voice,
        after: Voice,
        *,
        main: tuple[Voice, Voice] | None,
        reason: str,
    ) -> Voice:
        def also(transaction: TransactWrite) -> None:
            if main is not None:
                self.store.put(transaction, main[0], main[1].next(), self.clock.now())

        detail: Detail = {"main": main[0].id if main else ""}
        return self._commit(who, action, before, after, reason, detail=detail, also=also)

    def _area(self, who: Principal, area_id: str | None) -> Area | None:
        """The area by which a list is asked for. Nodal officers pick among their own voices by any area."""
        if area_id is None:
            return None
        area = self.areas.get(area_id)
        ground = grounds_of(who, READ)
        free = everywhere(who, READ) or bool(desks_of(who, READ))
        if area is None or not (free or not ground.isdisjoint(area.path)):
            raise InvalidInput.of("area", "area_unknown", "There is no area %(id)s among yours.", id=area_id)
        return area

    def _walk(
        self, who: Principal, asked: Asked, area: Area | None, after: Mapping[str, Any] | None
    ) -> Iterator[_Row]:
        """All voices of the stretches that the caller covers, behind a place."""
        stretches, own = self._stretches(who, asked, area), desks_of(who, READ)

        def read(stretch: tuple[str, str], begin: Position | None) -> Iterator[tuple[Voice, Position]]:
            index, key = stretch
            if index == "desk":
                return self.store.on_desk(key, asked.shelf, begin)
            return self.store.on_ground(asked.shelf, key, begin)

        for voice, place in lists.walk(stretches, read, after):
            desk = ("desk", voice.department)
            again = stretches[place["stretch"]][0] == "ground" and desk[1] in own and desk in stretches
            yield _Row(voice, place["stretch"], place["key"], again)

    def _stretches(
        self, who: Principal, asked: Asked, area: Area | None
    ) -> list[tuple[Literal["desk", "ground"], str]]:
        if everywhere(who, READ):
            if area is not None:
                return [("ground", ground_prefix(area.path))]
            return [("desk", asked.department)] if asked.department is not None else [("ground", "")]
        desks = desks_of(who, READ)
        if asked.department is not None:
            desks &= {asked.department}
        return [
            *(("desk", one) for one in sorted(desks)),
            *(("ground", one) for one in self._grounds(who, area)),
        ]

    def _grounds(self, who: Principal, area: Area | None) -> list[str]:
        """Beginnings of the places that a coordinator covers, none inside another."""
        mine = grounds_of(who, READ)
        if area is not None:
            # in an area above theirs, nothing but their own is theirs
            return [ground_prefix(area.path)] if not mine.isdisjoint(area.path) else []
        found = self.areas.many(mine) if mine else {}
        return lists.outermost(ground_prefix(one.path) for one in found.values())


def _wanted(voice: Voice, asked: Asked, area: Area | None) -> bool:
    if area is not None and voice.path[: len(area.path)] != tuple(area.path):
        return False
    if asked.department not in (None, voice.department) or asked.kind not in (None, voice.kind):
        return False
    return asked.status in (None, "joined", "hidden", voice.status)
