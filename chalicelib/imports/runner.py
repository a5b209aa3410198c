"""Takes the rows of a job's file, slice by slice, as long as its Lambda has time.

Queue `imports`: {"import": id}. One conditional write a slice says that the slice before is done, and what
the next one's rows will do: counted before the first of them is written. A slice that comes again after a
crash is written again by those effects, and counted once. Who lost a job to another stops at its next write.
"""

from __future__ import annotations

import csv
import hashlib
import io
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from chalicelib.cells import safe
from chalicelib.clock import Clock
from chalicelib.errors import FieldError, InvalidInput, Rejected
from chalicelib.files import Files, Part
from chalicelib.i18n import COMPLETE, translate
from chalicelib.imports.model import (
    MOST_LISTED,
    MOST_TRIES,
    SLICE_ROWS,
    Failure,
    Job,
    KeptLayout,
    Keys,
    Slice,
    key_hash,
    now_or_later,
)
from chalicelib.imports.reading import HEADER_BYTES, Layout, Row, by_name, layout_of, rows
from chalicelib.imports.service import Kinds
from chalicelib.imports.store import JobStore, Moved
from chalicelib.ports import ImportJob, ImportKind
from chalicelib.queues import Queue
from chalicelib.telemetry import count, logger

SPARE_S = 20
"""No slice is begun when less is left of the invocation."""
BLOCK = 256 * 1024
"""Bytes that a slice is looked for in."""
READ = 4 * BLOCK
"""Bytes a request to the bucket."""
A_CALL = 100
"""Records that a kind compares or writes at once."""
PAUSE_S = 5.0
BOM = "\ufeff"
WHOLE = 2**40

DIFFERS = "The file is not the one that was announced: its SHA-256 differs. Please make a new import."
REPLACED = "The file was replaced while it was read. Please make a new import."
GONE = "The file is gone. Please make a new import."
STOPPED = "The import stopped behind row %(row)s and got no further. Start it again; what was taken stays."
TAKEN = "A row above has the same key: the first one counts."


class Unreadable(Rejected):
    """A file that this job cannot go on with."""

    code = "file_unreadable"


@dataclass
class Source:
    """A file of the bucket, read from wherever one likes, in few requests."""

    files: Files
    key: str
    version: str
    size: int
    _at: int = 0
    _kept: bytes = b""

    def block(self, offset: int, length: int) -> bytes:
        """The bytes from `offset` on, at most `length`, fewer at the end. Raises Unreadable."""
        begin = offset - self._at
        wanted = min(length, self.size - offset)
        if begin < 0 or begin + wanted > len(self._kept):
            self._kept, self._at, begin = self._read(offset, max(READ, wanted)), offset, 0
        return self._kept[begin : begin + wanted]

    def _read(self, offset: int, length: int) -> bytes:
        part = _there(self.files.part(self.key, offset, length))
        if part.version != self.version:
            raise Unreadable(REPLACED)
        return part.body


def _there(part: Part | None) -> Part:
    if part is None:
        raise Unreadable(GONE)
    return part


@dataclass
class Runner:
    store: JobStore
    kinds: Kinds
    files: Files
    queue: Queue
    clock: Clock
    slice_rows: int = SLICE_ROWS

    def run(self, job_id: str, holder: str, deadline: float) -> None:
        """Works on a job until it ends or `deadline` (epoch seconds) is near; then queues it again.

        Whoever comes while another holds the job comes again when that one has surely ended.
        """
        job = self.store.get(job_id)
        if job is None or job.status not in ("queued", "running"):
            return
        wait = now_or_later(job, self.clock.now())
        if wait and job.holder != holder:
            self.queue.put([{"import": job_id}], wait + 1)
            return
        try:
            self._take(job, holder, deadline)
        except Moved:
            logger.info("import taken by another", extra={"import": job_id})

    def _take(self, job: Job, holder: str, deadline: float) -> None:
        tries = job.tries + 1
        held = self.store.save(job.with_(holder=holder, held_until=deadline, status="running", tries=tries))
        work = _Work(self, held, deadline)
        try:
            if tries > MOST_TRIES:
                raise Unreadable(STOPPED, row=held.sums.row)
            wait = work.go()
        except Moved:
            raise
        except Rejected as error:
            work.end(Failure.of(error, resumable=error.message == STOPPED))
            return
        except Exception:
            logger.exception("import interrupted", extra={"import": held.id, "tries": tries})
            wait = PAUSE_S * 2**work.job.tries if work.job.tries else 0.0
        if wait is not None:
            self.store.save(work.job.with_(holder="", held_until=0))
            self.queue.put([{"import": held.id}], wait)


@dataclass
class _Work:
    """One invocation's work on one job."""

    at: Runner
    job: Job
    deadline: float
    _keys: Keys = field(default_factory=Keys)
    _ready: list[Any] | None = None
    """The records of the pending slice that are to be written; None: they must be read again."""

    def go(self) -> float | None:
        """None: the job has ended; else after how many seconds it is to go on."""
        kind = self.at.kinds[self.job.kind]()
        if self.job.layout is None:
            self._open(kind)
        layout, asked = self._layout(), self.job.seen_by_kind()
        source = Source(self.at.files, self.job.file, self._version(), self.job.bytes)
        self._recall()
        while True:
            if self.job.pending is not None:
                self._write(kind, source, layout, asked)
            if self._late():
                return 0.0
            done, found = self.job.sums, self._next(source, layout, self.job.sums)
            if found is None:
                break
            settled = self._settle(kind, found, layout, asked)
            self.job = self.at.store.save(self.job.with_(progress=done, pending=settled, tries=0))
        while not self.job.dry_run and (more := kind.finish(asked)):
            written = self.job.with_(tries=0, progress=self.job.sums, pending=None)
            self.job = self.at.store.save(written)
            if more is not True or self._late():
                return 0.0 if more is True else more
        self.end(None)
        return None

    def end(self, failure: Failure | None) -> None:
        """Writes the file of errors, and that the job has ended. What was pending when it failed may be half
        written, and is not counted."""
        self._bind_errors()
        self.job = self.at.store.save(
            self.job.with_(
                status="failed" if failure else "finished",
                failure=failure,
                progress=self.job.progress if failure else self.job.sums,
                pending=self.job.pending if failure else None,
                finished_at=self.at.clock.now(),
                holder="",
                held_until=0,
            )
        )
        count("ImportFailed" if failure else "ImportFinished")

    def _late(self) -> bool:
        return self.at.clock.epoch() > self.deadline - SPARE_S

    def _layout(self) -> Layout:
        kept = self.job.layout
        assert kept is not None
        return Layout(**kept.model_dump(exclude={"etag"}))

    def _version(self) -> str:
        assert self.job.layout is not None
        return self.job.layout.etag

    # --- the file as a whole

    def _open(self, kind: ImportKind[Any]) -> None:
        """Checks that the file is the announced one, and reads its header."""
        files, key = self.at.files, self.job.file
        first = _there(files.part(key, 0, HEADER_BYTES))
        source = Source(files, key, first.version, first.size)
        digest = hashlib.sha256()
        for offset in range(0, first.size, READ):
            digest.update(source.block(offset, READ))
        if digest.hexdigest() != self.job.sha256:
            raise Unreadable(DIFFERS)
        layout = layout_of(first.body, kind.columns, self.job.columns)
        kept = KeptLayout(**vars(layout) | {"places": dict(layout.places)}, etag=first.version)
        progress = self.job.progress.model_copy(update={"offset": layout.offset, "row": layout.row})
        opened = self.job.with_(layout=kept, progress=progress)
        kind.check(opened.seen_by_kind())
        self.job = self.at.store.save(opened)

    def _recall(self) -> None:
        """The keys of the slices before."""
        for number in range(self.job.sums.slices):
            part = self.at.files.part(self.job.part("keys", number), 0, WHOLE)
            for key in array("Q", part.body if part else b""):
                self._keys.add(key)

    # --- a slice

    def _next(self, source: Source, layout: Layout, done: Any) -> list[Row] | None:  # noqa: ANN401
        """The rows of the next slice, without blank ones; None at the end of the file."""
        offset, number = done.offset, done.row
        while offset < self.job.bytes:
            found = list(islice(self._rows(source, layout, offset, number), self.at.slice_rows))
            if any(not row.blank for row in found):
                return found
            offset, number = found[-1].end, found[-1].number
        return None

    def _rows(
        self, source: Source, layout: Layout, offset: int, number: int, until: int | None = None
    ) -> Iterator[Row]:
        """The rows behind a place of the file; with `until`, those of the slice that ends there."""
        block = source.block(offset, until - offset if until else BLOCK)
        last = until is not None or offset + len(block) >= self.job.bytes
        return rows(block, replace(layout, row=number), offset=offset, last=last)

    def _understood(
        self, kind: ImportKind[Any], rows_: Iterable[Row], layout: Layout, asked: ImportJob
    ) -> list[Any]:
        """Each row's record, or its faults."""
        found: list[Any] = []
        for row in rows_:
            try:
                if row.fault:
                    raise InvalidInput([row.fault])
                found.append(kind.read(by_name(row, layout), asked))
            except InvalidInput as error:
                found.append(error)
        return found

    def _settle(self, kind: ImportKind[Any], found: list[Row], layout: Layout, asked: ImportJob) -> Slice:
        """What each row of a slice does; its keys and errors are put into the bucket."""
        filled = [row for row in found if not row.blank]
        records = self._understood(kind, filled, layout, asked)
        outcomes: list[Any] = list(records)
        fresh, keys = [], array("Q")
        for place, record in enumerate(records):
            if isinstance(record, InvalidInput):
                continue
            key = key_hash(kind.key(record))
            if self._keys.add(key):
                keys.append(key)
                fresh.append(place)
            else:
                outcomes[place] = "duplicate"
        for some in _by_hundred(fresh):
            effects = kind.compare([records[place] for place in some], asked)
            for place, effect in zip(some, effects, strict=True):
                outcomes[place] = effect
        letters = "".join("e" if isinstance(one, InvalidInput) else one[0] for one in outcomes)
        listed = self._tell(filled, outcomes)
        self.at.files.put(self.job.part("keys", self.job.sums.slices), keys.tobytes())
        self._ready = [record for record, letter in zip(records, letters, strict=True) if letter in "nc"]
        return Slice(end=found[-1].end, row=found[-1].number, effects=letters, listed=listed)

    def _write(self, kind: ImportKind[Any], source: Source, layout: Layout, asked: ImportJob) -> None:
        """Writes the pending slice; it stays pending until the next save."""
        pending = self.job.pending
        assert pending is not None
        if self.job.dry_run:
            return
        if self._ready is None:
            done = self.job.progress
            again = self._rows(source, layout, done.offset, done.row, pending.end)
            filled = [row for row in again if not row.blank]
            wanted = [row for row, letter in zip(filled, pending.effects, strict=True) if letter in "nc"]
            self._ready = self._understood(kind, wanted, layout, asked)
            for refused in self._ready:
                if isinstance(refused, InvalidInput):  # what it leans on was changed meanwhile
                    raise refused
        for some in _by_hundred(self._ready):
            kind.write(some, asked)
        self._ready = []

    # --- errors

    def _tell(self, filled: Sequence[Row], outcomes: Sequence[Any]) -> int:
        """Puts the errors of a slice into the bucket, and says how many lines there are."""
        room = MOST_LISTED - self.job.sums.listed
        lines = [
            (row.number, fault)
            for row, outcome in zip(filled, outcomes, strict=True)
            for fault in _faults(outcome)
        ][: max(0, room)]
        if lines:
            out = io.StringIO()
            writer = csv.writer(out)
            for number, fault in lines:
                reasons = [translate(lang, fault.message, fault.params) for lang in COMPLETE]
                writer.writerow([safe(str(cell)) for cell in (number, fault.field, fault.code, *reasons)])
            self.at.files.put(self.job.part("errors", self.job.sums.slices), out.getvalue().encode())
        return len(lines)

    def _bind_errors(self) -> None:
        if not self.job.sums.listed:
            return
        header = ",".join(("row", "column", "code", *(f"reason_{lang}" for lang in COMPLETE)))
        whole = [f"{BOM}{header}\r\n".encode()]
        for number in range(self.job.sums.slices):
            part = self.at.files.part(self.job.part("errors", number), 0, WHOLE)
            if part is not None:
                whole.append(part.body)
        self.at.files.put(self.job.errors_file, b"".join(whole))


def _faults(outcome: Any) -> list[FieldError]:  # noqa: ANN401
    if isinstance(outcome, InvalidInput):
        return outcome.errors
    return [FieldError("", "duplicate", TAKEN)] if outcome == "duplicate" else []


def _by_hundred(found: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(found), A_CALL):
        yield found[start : start + A_CALL]
