"""An import job: what was asked, how far it is, and what came of the rows."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from chalicelib.errors import FieldError, InvalidInput, JanJanError
from chalicelib.identity.roles import Principal, known_roles
from chalicelib.ports import ImportJob
from chalicelib.shapes import Utc, View

Status = Literal["created", "queued", "running", "finished", "failed"]
READ, WRITE = "import.read", "import.write"
SEES_ALL = frozenset({"admin", "auditor"})
"""Roles that see everybody's jobs; others see their own."""
MOST_BYTES = 64 * 1024 * 1024
"""Some 500,000 rows: its hash takes a Lambda a second or two."""
SLICE_ROWS = 1000
MOST_TRIES = 5
"""So often a job is taken up without getting on, before it is failed."""
MOST_LISTED = 10_000
"""Errors by row that the file of errors tells; all are counted."""
FOLDER = "imports/"


class Fault(View):
    """A `FieldError` as it is kept."""

    field: str = ""
    code: str
    message: str
    params: dict[str, Any] = {}

    @classmethod
    def of(cls, error: FieldError) -> Fault:
        return cls(field=error.field, code=error.code, message=error.message, params=dict(error.params))


class Failure(View):
    """Why a job ended before its file did. `resumable`: starting it again goes on where it stopped."""

    code: str
    message: str
    params: dict[str, Any] = {}
    errors: tuple[Fault, ...] = ()
    resumable: bool = False

    @classmethod
    def of(cls, error: JanJanError, *, resumable: bool = False) -> Failure:
        faults = tuple(map(Fault.of, error.errors)) if isinstance(error, InvalidInput) else ()
        return cls(
            code=error.code, message=error.message, params=error.params, errors=faults, resumable=resumable
        )


class KeptLayout(View):
    """A `reading.Layout` as it is kept, and the version of the file that it was read from."""

    encoding: str
    newline: str
    delimiter: str
    width: int
    places: dict[str, int]
    offset: int
    row: int
    etag: str


class Progress(View):
    """How far the file has been taken: all before the byte `offset` and up to `row`."""

    offset: int = 0
    row: int = 0
    slices: int = 0
    read: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    rejected: int = 0
    duplicates: int = 0
    listed: int = 0
    """Errors that the file of errors tells."""

    @property
    def accepted(self) -> int:
        return self.new + self.changed + self.same

    def after(self, slice_: Slice) -> Progress:
        """With one more slice."""
        counts = Counter(slice_.effects)
        return Progress(
            offset=slice_.end,
            row=slice_.row,
            slices=self.slices + 1,
            read=self.read + len(slice_.effects),
            new=self.new + counts["n"],
            changed=self.changed + counts["c"],
            same=self.same + counts["s"],
            rejected=self.rejected + counts["e"],
            duplicates=self.duplicates + counts["d"],
            listed=self.listed + slice_.listed,
        )


class Slice(View):
    """Some rows whose effects are settled and kept before the first of them is written: when they come again
    after a crash, what was half written is not taken for what had been there."""

    end: int
    row: int
    effects: str
    """A letter a row: n(ew), c(hanged), s(ame), d(uplicate), e(rror)."""
    listed: int


class Job(View):
    id: str
    rev: int = 0
    kind: str
    dry_run: bool
    sha256: str
    bytes: int
    options: dict[str, str] = {}
    columns: dict[str, str] = {}
    """Their header by our name, where the caller said so."""
    actor: str
    roles: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    status: Status = "created"
    created_at: Utc
    started_at: Utc | None = None
    finished_at: Utc | None = None
    layout: KeptLayout | None = None
    progress: Progress = Progress()
    pending: Slice | None = None
    """Counted and not (surely) written yet."""
    failure: Failure | None = None
    tries: int = 0
    holder: str = ""
    held_until: float = 0

    @property
    def sums(self) -> Progress:
        """What is settled so far."""
        return self.progress if self.pending is None else self.progress.after(self.pending)

    @property
    def file(self) -> str:
        return f"{FOLDER}{self.id}/file"

    @property
    def errors_file(self) -> str:
        return f"{FOLDER}{self.id}/errors.csv"

    def part(self, what: str, number: int) -> str:
        """Where a slice's keys (`keys`) or errors (`errors`) lie in the bucket."""
        return f"{FOLDER}{self.id}/{what}/{number:06d}"

    def with_(self, **changes: object) -> Job:
        return self.model_copy(update=changes)

    def seen_by_kind(self) -> ImportJob:
        """The job as its kind sees it."""
        caller = Principal(
            self.actor,
            "",
            "",
            known_roles(self.roles),
            areas=frozenset(self.areas),
            departments=frozenset(self.departments),
        )
        return ImportJob(
            self.id,
            self.actor,
            self.started_at or self.created_at,
            self.options,
            caller,
            frozenset(self.layout.places if self.layout else ()),
        )


def action_of(kind: str) -> str:
    """The action of the matrix that an import of this kind needs: `turnout_matches` is turnout too."""
    return f"import.{kind.partition('_')[0]}"


def sees(principal: Principal, job: Job) -> bool:
    """Whether this person may know of a job."""
    return job.actor == principal.id or bool(principal.roles & SEES_ALL)


def options_missing(wanted: Iterable[str], given: Mapping[str, str]) -> list[FieldError]:
    """The options that a kind needs and that were not given."""
    return [
        FieldError(f"options.{name}", "missing", "Please fill in this field.")
        for name in wanted
        if not given.get(name, "").strip()
    ]


def key_hash(key: str) -> int:
    """Eight bytes that stand for a key; never 0. Two keys of a million have the same in one file of 37
    million."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little") or 1


class Keys:
    """A set of hashes in 8 bytes each (and room to grow): a file's keys, whatever its size."""

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * 1024))
        self._used = 0

    def add(self, key: int) -> bool:
        """Whether it is new."""
        if 3 * self._used > 2 * len(self._slots):
            self._grow()
        place = self._place(key)
        if self._slots[place]:
            return False
        self._slots[place] = key
        self._used += 1
        return True

    def _place(self, key: int) -> int:
        most = len(self._slots) - 1
        place = key & most
        while self._slots[place] not in (0, key):
            place = (place + 1) & most
        return place

    def _grow(self) -> None:
        old = self._slots
        self._slots = array("Q", bytes(16 * len(old)))
        for key in old:
            if key:
                self._slots[self._place(key)] = key


def now_or_later(job: Job, now: datetime) -> float:
    """Seconds until whoever holds a job has surely let go of it; 0 when nobody does."""
    return max(0.0, job.held_until - now.timestamp())
