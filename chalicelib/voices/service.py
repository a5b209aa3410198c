"""Voices as those have them who speak: received once, added to, looked up by their ticket, opened again."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from pynamodb.transactions import TransactWrite

from chalicelib import lists
from chalicelib.beside import both, together
from chalicelib.clock import Clock, rfc3339
from chalicelib.errors import InvalidInput, NotFound, Transient
from chalicelib.events.catalog import Event, VoiceAssigned, VoiceReceived, VoiceReopened
from chalicelib.identity.audit import Audit
from chalicelib.ports import Area, Areas
from chalicelib.voices.changes import ChangedMeanwhile, Changes
from chalicelib.voices.masking import excerpt, mask
from chalicelib.voices.model import (
    EXCERPT,
    OPEN,
    SYSTEM,
    Arrival,
    Attachment,
    Forgotten,
    Kind,
    PublicAnswer,
    PublicVoice,
    Received,
    Refused,
    Said,
    Voice,
    about,
)
from chalicelib.voices.routing import route
from chalicelib.voices.settings import VoiceSettings
from chalicelib.voices.store import Beginning, VoiceStore, Whole

LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Of a ticket: nothing that is taken for another (no I, O, 0, 1). Twelve of them are 60 bits."""
TICKET_LETTERS, GROUP = 12, 4
CITIZEN = "citizen"
"""Who acts in the audit where nobody is known to us."""
TRIES = 5
AT_ONCE = 5
"""Voices of one step of an export: each may have fifty words of 2,000 letters."""
MOST_EDITS = 10
INDIA = ("IN",)


def new_ticket(digest: str) -> str:
    """`JJ-XXXX-XXXX-XXXX` out of a keyed hash, as hex digits: nobody without the key can guess one."""
    number, letters = int(digest, 16), []
    for _ in range(TICKET_LETTERS):
        number, at = divmod(number, len(LETTERS))
        letters.append(LETTERS[at])
    groups = ["".join(letters[i : i + GROUP]) for i in range(0, TICKET_LETTERS, GROUP)]
    return "-".join(["JJ", *groups])


def read_ticket(text: str) -> str:
    """A ticket as somebody typed it, in its own form; empty for what is none."""
    bare = "".join(one for one in text.upper() if one.isalnum()).removeprefix("JJ")
    if len(bare) != TICKET_LETTERS or not set(bare) <= set(LETTERS):
        return ""
    return "-".join(["JJ", *(bare[i : i + GROUP] for i in range(0, TICKET_LETTERS, GROUP))])


def source_key(keyed_hash: Callable[[str], str], channel: str, address: str) -> str:
    """What stands for an address in keys."""
    return keyed_hash(f"voices {channel}:{address}")


@dataclass(frozen=True)
class Voices:
    """Implements ports.PersonalRecords too, for influencers who brought voices."""

    store: VoiceStore
    settings: VoiceSettings
    changes: Changes
    areas: Areas
    departments: Callable[[], Mapping[str, Mapping[str, str]]]
    """Names by language, by id."""
    audit: Audit
    clock: Clock
    keyed_hash: Callable[[str], str]
    drop: Callable[[str], None]
    """Takes a picture out of the bucket; nothing when it is not there."""

    # --- coming in

    def receive(self, arrival: Arrival) -> Received:
        """Takes a voice, routes it by the rules, sets its deadlines. The same evidence again is the same
        voice, whatever else it says. An area or a department that is not known counts as not said."""
        voice_id = self.id_of(arrival.evidence)
        before = self.store.find(voice_id)
        if before is not None:
            return _received(before, repeated=True)
        now = self.clock.now()
        voice = self._routed(voice_id, arrival, now)
        said = Said(
            key=self._word_key(arrival.evidence),
            text=unicodedata.normalize("NFC", arrival.text),
            at=voice.received_at,
            attachments=arrival.attachments,
        )
        given = arrival.sender
        begun = Beginning(
            said=said, sender=given if given.address or given.name else None, events=_events(voice)
        )

        def write(transaction: TransactWrite) -> None:
            self.store.put_new(transaction, voice, begun, now)

        try:
            self.audit.committing(
                subject=f"voice#{voice.id}",
                action="voice.received",
                actor=arrival.carried_by or CITIZEN,
                at=now,
                detail={
                    "source": voice.source,
                    "kind": voice.kind,
                    "kind_by": voice.kind_by,
                    "area": voice.area,
                    "department": voice.department,
                    "routed_by": voice.routed_by,
                },
                write=write,
                refused=lambda failed: ChangedMeanwhile(),
            )
        except ChangedMeanwhile:
            if self.store.find(voice_id) is None:
                raise
            return _received(voice, repeated=True)
        return _received(voice, repeated=False)

    def id_of(self, evidence: str) -> str:
        """The id of the voice that this evidence makes."""
        return f"voi_{self.keyed_hash(f'voice {evidence}')[:20]}"

    def _routed(self, voice_id: str, arrival: Arrival, now: datetime) -> Voice:
        area = self._place(arrival.area)
        path = area.path if area is not None else INDIA
        routed = route(self.settings.rules(), arrival.text, path, arrival.kind)
        chosen = arrival.department if arrival.department in self.departments() else ""
        at = min(arrival.at, now)
        given = arrival.sender
        key = ""
        if given.address or given.name:
            key = source_key(self.keyed_hash, given.channel, given.address or voice_id)
        tells = arrival.on_behalf and given.address  # whoever speaks themself has the ticket already
        voice = Voice(
            id=voice_id,
            ticket=new_ticket(self.keyed_hash(f"ticket {arrival.evidence}")),
            kind=routed.kind,
            kind_by=routed.kind_by,
            source=arrival.source,
            language=given.language,
            area=area.id if area is not None else "",
            path=path,
            excerpt=excerpt(arrival.text, EXCERPT),
            source_key=key,
            carried_by=arrival.carried_by,
            on_behalf=arrival.on_behalf,
            occasion=arrival.occasion,
            received_at=at,
            pictures=len(arrival.attachments),
            pending=("received:0",) if tells else (),
        )
        department, by = (chosen, "sender") if chosen else (routed.department, routed.by)
        if department in self.departments():
            voice = voice.assigned(department, by, at)
        return voice.timed(at, self.settings.target(voice), self.settings.calendar())

    def _place(self, area_id: str) -> Area | None:
        """The area as it was last written: by its path the voice is filed, and it may just have moved."""
        return self.areas.get(area_id, fresh=True) if area_id else None

    def add_words(
        self,
        voice_id: str,
        text: str,
        attachments: Sequence[Attachment],
        at: datetime,
        evidence: str,
        *,
        owned: bool = False,
    ) -> bool:
        """Adds words to an open voice; False when the same evidence was added before. Raises NotFound,
        Refused for a closed voice or one to which too much was said; `owned`: also for one whose sender has
        been forgotten meanwhile."""
        said = Said(
            key=self._word_key(evidence),
            text=unicodedata.normalize("NFC", text),
            at=at,
            attachments=tuple(attachments),
        )

        def change(voice: Voice) -> Voice | None:
            if self.store.said(voice_id, said.key) is not None:
                return None
            if owned and not voice.source_key and not voice.carried_by:
                raise Forgotten
            if not self.still_open([voice]):
                raise Refused("This voice is closed.")
            return voice.with_more(len(attachments))

        return self._change(
            voice_id,
            change,
            "voice.words_added",
            lambda transaction: self.store.put_said(transaction, voice_id, said),
        )

    def edit_words(self, voice_id: str, evidence: str, text: str) -> bool:
        """Puts other words in the place of those that this evidence made (the sender edited or took back a
        message); how they read before is kept. False when they read so already, or are not there. Raises
        Transient."""
        key, new = self._word_key(evidence), unicodedata.normalize("NFC", text)
        for _ in range(TRIES):
            before = self.store.said(voice_id, key)
            voice = self.store.find(voice_id)
            if before is None or voice is None or before.text == new or before.redacted_by:
                return False
            kept = (*before.before, before.text)[-MOST_EDITS:]
            after = before.model_copy(update={"text": new, "before": kept})
            first = key == self._first_key(voice)
            shown = voice.model_copy(update={"excerpt": excerpt(new, EXCERPT)}) if first else voice
            try:
                self.changes.commit(
                    voice.carried_by or CITIZEN,
                    "voice.words_edited",
                    voice,
                    shown,
                    also=lambda t, b=before, a=after: self.store.put_edited(t, voice_id, b, a),  # type: ignore[misc]
                )
            except ChangedMeanwhile:
                continue
            return True
        raise Transient

    def _first_key(self, voice: Voice) -> str:
        whole = self.store.whole(voice.id, self.clock.epoch())
        return whole.said[0].key if whole and whole.said else ""

    def place(self, voice_id: str, area_id: str) -> Voice:
        """Notes from which area a voice comes, where that was not known: it is routed by its words anew while
        no department has it. Raises NotFound, InvalidInput for no area, Refused for a closed voice."""
        area = self._place(area_id)
        if area is None:
            raise InvalidInput.of("area", "area_unknown", "There is no area %(id)s.", id=area_id)

        def change(voice: Voice) -> Voice | None:
            if voice.area:
                return None
            after = voice.placed(area.id, area.path)
            whole = self.store.whole(voice_id, self.clock.epoch())
            words = " ".join(one.text for one in whole.said) if whole else ""
            said_kind: Kind | None = voice.kind if voice.kind_by == "said" else None
            found = route(self.settings.rules(), words, area.path, said_kind)
            if not voice.department and found.department in self.departments():
                after = after.assigned(found.department, found.by, self.clock.now())
            start = voice.reopened_at or voice.received_at
            timed = after.timed(start, self.settings.target(after), self.settings.calendar())
            return timed.model_copy(update={"steps": voice.steps})  # what time has done is done once

        self._change(voice_id, change, "voice.placed", assigns=True)
        return self._found(voice_id)

    # --- looking up

    def find(self, voice_id: str) -> Voice | None:
        """The voice of this id."""
        return self.store.find(voice_id)

    def of_address(self, channel: str, address: str) -> list[Voice]:
        """The newest voices from this address, the newest first."""
        key = source_key(self.keyed_hash, channel, address)
        return self.store.of_address(key, self.clock.epoch()) if address else []

    def still_open(self, voices: Sequence[Voice]) -> list[Voice]:
        """Those of these voices that are not closed: of one that was joined to another, when that one is
        not."""
        mains = self.store.many(one.main for one in voices if one.main)
        return [one for one in voices if mains.get(one.main, one).status in OPEN and not one.hidden]

    def by_ticket(self, ticket: str) -> Voice | None:
        """The voice with this ticket, however it was typed."""
        known = read_ticket(ticket)
        voice_id = self.store.by_ticket(known) if known else None
        return self.store.find(voice_id) if voice_id else None

    def whole(self, voice_id: str) -> Whole:
        """All of a voice. Raises NotFound."""
        found = self.store.whole(voice_id, self.clock.epoch())
        if found is None:
            raise NotFound
        return found

    def public(self, ticket: str, spend: Callable[[], None] = lambda: None) -> PublicVoice:
        """What whoever has the ticket may read: of a voice that was joined to another one, that one's state
        and answers. `spend` counts the look, beside the reads. Raises NotFound, also for a voice that is
        hidden, and first what `spend` raises."""

        def names() -> Mapping[str, Mapping[str, str]]:
            spend()
            return self.departments()

        departments, (own, whole) = both(names, lambda: self._followed(ticket))
        voice, now = whole.voice, self.clock.now()
        due = voice.answer_due if voice.status in ("received", "assigned") else voice.resolve_due
        return PublicVoice(
            ticket=own.ticket,
            kind=own.kind,
            status=voice.status,
            department=voice.department,
            names=departments.get(voice.department, {}),
            received_at=own.received_at,
            assigned_at=voice.assigned_at,
            answered_at=voice.answered_at,
            closed_at=voice.closed_at,
            reopened_at=voice.reopened_at,
            answer_due=due if voice.status in OPEN else None,
            overdue=voice.overdue(now),
            asks=voice.asks,
            may_reopen=own.may_reopen(now),
            answers=tuple(
                PublicAnswer(occasion=one.occasion, text=mask(one.text), at=one.at) for one in whole.answers
            ),
        )

    def _followed(self, ticket: str) -> tuple[Voice, Whole]:
        """The voice with this ticket, and all of the one that it was joined to, else of itself."""
        known = read_ticket(ticket)
        voice_id = self.store.by_ticket(known) if known else None
        if voice_id is None:
            raise NotFound
        whole = self.whole(voice_id)
        own = whole.voice
        if own.hidden:
            raise NotFound
        return own, self.whole(own.main) if own.main else whole

    def reopen(self, ticket: str, text: str = "", evidence: str = "") -> PublicVoice:
        """Opens a closed voice again by its sender's word, with new deadlines; `text` is added to it. Raises
        NotFound, Refused when it is too late or was done before."""
        voice = self.by_ticket(ticket)
        if voice is None or voice.hidden:
            raise NotFound
        now = self.clock.now()
        opened = voice.opened_again(
            now, self.settings.target(voice), self.settings.calendar(), by_citizen=True
        )
        said = None
        if text:
            key = self._word_key(evidence or f"reopened {voice.id}")
            said = Said(key=key, text=unicodedata.normalize("NFC", text), at=now)
            opened = opened.with_more(0)

        def also(transaction: TransactWrite) -> None:
            if said is not None:
                self.store.put_said(transaction, voice.id, said)

        event = VoiceReopened(**about(voice), by_citizen=True)
        self.changes.commit(CITIZEN, "voice.reopened", voice, opened, event=event, also=also)
        return self.public(ticket)

    # --- forgetting

    def forget_address(self, channel: str, address: str) -> int:
        """Takes address, name and pictures out of all voices from this address, and gives their number. May
        be repeated."""
        return self.forget_source(self.source(channel, address))

    def source(self, channel: str, address: str) -> str:
        """What stands for an address where its voices are found."""
        return source_key(self.keyed_hash, channel, address)

    def forget_source(self, key: str, until: datetime | None = None) -> int:
        """The same by what stands for the address; in those that came `until` then, where it is given: what
        came later may be the word of whoever has the address by now."""
        number = 0
        while found := [one for one in self.store.of_address(key, 0, until) if one.source_key == key]:
            for voice in found:
                self.forget_sender(voice.id)
                number += 1
        return number

    def forget_sender(self, voice_id: str, actor: str = "") -> None:
        """Takes address, name and pictures out of one voice. May be repeated. Raises NotFound."""
        self._forgetting(voice_id, Voice.without_sender, "voice.sender_forgotten", actor)

    def _forgetting(
        self, voice_id: str, change: Callable[[Voice], Voice], action: str, actor: str = ""
    ) -> None:
        """The pictures go first: who dies in between finds the voice as it was, and does it again. Raises
        Transient."""
        for _ in range(TRIES):
            whole = self.whole(voice_id)
            shown = [one for one in whole.said if one.attachments]
            if not shown and change(whole.voice) == whole.voice:
                return
            for picture in (one for said in shown for one in said.attachments):
                self.drop(picture.key)

            def also(transaction: TransactWrite, shown: Sequence[Said] = shown) -> None:
                for said in shown:
                    bare = said.model_copy(update={"attachments": ()})
                    self.store.put_edited(transaction, voice_id, said, bare)

            before = whole.voice
            try:
                by = actor or before.carried_by or CITIZEN
                self.changes.commit(by, action, before, change(before), also=also)
            except ChangedMeanwhile:
                continue
            return
        raise Transient

    def forget(self, person: str) -> bool:
        """Takes an influencer out of the voices that they brought; and out of those that were their own word
        their address, name and pictures. What was said stays, as what it is about does, and the pictures of
        another person's matter with it. May be repeated."""
        action = "voice.carrier_forgotten"
        for voice_id in list(self.store.carried(person)):
            voice = self.store.find(voice_id)
            if voice is None or voice.carried_by != person:
                continue
            if voice.on_behalf:
                self._change(voice_id, Voice.without_carrier, action)
            else:
                self._forgetting(voice_id, lambda one: one.without_carrier().without_sender(), action)
        return True

    def carried(self, person: str) -> Iterator[Whole]:
        """All that an influencer brought, the newest first, with what was answered; whose word it was on
        behalf of somebody else is not told."""
        for voice_id in self.store.carried(person):
            found = self.store.whole(voice_id, self.clock.epoch())
            if found is not None:
                yield Whole(found.voice, None, found.said, found.answers)

    def held(
        self, person: str, after: Mapping[str, Any] | None = None
    ) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
        """The same as plain values: what an export holds of it (ports.PersonalRecords)."""
        known = list(self.store.carried(person))
        ids, place = lists.step(known, str, after, AT_ONCE)
        read = together(*(partial(self.store.whole, one, self.clock.epoch()) for one in ids))
        return [
            {
                "kind": "voice",
                "ticket": one.voice.ticket,
                "status": one.voice.status,
                "on_behalf": one.voice.on_behalf,
                "received_at": rfc3339(one.voice.received_at),
                "said": [said.text for said in one.said],
                "answers": [answer.text for answer in one.answers],
            }
            for one in read
            if one is not None
        ], place

    # --- inside

    def _found(self, voice_id: str) -> Voice:
        voice = self.store.find(voice_id)
        if voice is None:
            raise NotFound
        return voice

    def _word_key(self, evidence: str) -> str:
        return self.keyed_hash(f"words {evidence}")

    def _change(
        self,
        voice_id: str,
        change: Callable[[Voice], Voice | None],
        action: str,
        also: Callable[[TransactWrite], None] = lambda transaction: None,
        *,
        assigns: bool = False,
    ) -> bool:
        """Changes a voice as it is now; anew when somebody else was quicker. False when `change` gives
        None. Raises Transient when too many were: who wrote asks again, and no word is lost."""
        for _ in range(TRIES):
            before = self._found(voice_id)
            after = change(before)
            if after is None:
                return False
            event = None
            if assigns and after.department != before.department:
                event = VoiceAssigned(**about(after))
            try:
                self.changes.commit(
                    before.carried_by or SYSTEM if assigns else before.carried_by or CITIZEN,
                    action,
                    before,
                    after,
                    event=event,
                    also=also,
                )
            except ChangedMeanwhile:
                continue
            return True
        raise Transient


def _events(voice: Voice) -> list[Event]:
    received = VoiceReceived(**about(voice), kind=voice.kind, source=voice.source)
    return [received, VoiceAssigned(**about(voice))] if voice.department else [received]


def _received(voice: Voice, *, repeated: bool) -> Received:
    return Received(id=voice.id, ticket=voice.ticket, language=voice.language, repeated=repeated)
