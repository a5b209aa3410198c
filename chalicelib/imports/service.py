"""Making, starting and looking at import jobs."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib import ids
from chalicelib.clock import Clock
from chalicelib.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound
from chalicelib.files import Files
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.imports.model import MOST_BYTES, SEES_ALL, Job, action_of, options_missing, sees
from chalicelib.imports.store import JobStore, Position
from chalicelib.ops import RateLimits
from chalicelib.ports import ImportKind
from chalicelib.queues import Queue

Kinds = Mapping[str, Callable[[], ImportKind[Any]]]
HOLDS_S = 3600
JOBS_AN_HOUR = 60
LINK_S = 900
CONTENT_TYPE = "text/csv"
MOST_IN_A_FORM = 4 * 1024 * 1024
"""Bytes: a Lambda is given at most 6 MB, and a third of that is how bytes travel there (base64)."""
TOO_LARGE = "This file is larger than %(most)s MB. Divide it, or bring it in over the interface."
WHOLE = 2**40
_REASON = "reason_"


@dataclass(frozen=True)
class RowError:
    """A row that was not taken: its number as spreadsheets count, the column, and why, by language."""

    row: int
    column: str
    reasons: Mapping[str, str]

    @classmethod
    def of(cls, cells: Mapping[str, str]) -> RowError:
        reasons = {name[len(_REASON) :]: text for name, text in cells.items() if name.startswith(_REASON)}
        return cls(int(cells["row"]), cells["column"], reasons)


@dataclass(frozen=True)
class Imports:
    store: JobStore
    kinds: Kinds
    files: Files
    queue: Queue
    audit: Audit
    limits: RateLimits
    clock: Clock

    def make(
        self,
        by: Principal,
        *,
        kind: str,
        dry_run: bool,
        sha256: str,
        size: int,
        options: Mapping[str, str],
        columns: Mapping[str, str],
    ) -> tuple[Job, str, dict[str, str]]:
        """A new job; where, and with which fields before the file, its file is to be posted within an hour.

        Raises InvalidInput; Forbidden for a kind that this person may not import; TooManyRequests.
        """
        job = self._announced(
            by,
            ids.new_id("imp"),
            kind=kind,
            dry_run=dry_run,
            sha256=sha256,
            size=size,
            options=options,
            columns=columns,
        )
        return job, *self.form(job)

    def hand_in(self, by: Principal, *, kind: str, options: Mapping[str, str], file: bytes, once: str) -> Job:
        """A dry run of a file that is at hand, started. The same file with the same `once` again is the same
        job. Raises as `make` does, InvalidInput on `file` for one that is empty or too large for a form."""
        if not file or len(file) > MOST_IN_A_FORM:
            wrong = ("file_missing", "Please choose a file.") if not file else ("file_too_large", TOO_LARGE)
            raise InvalidInput.of("file", *wrong, most=MOST_IN_A_FORM // 1024 // 1024)
        sha256 = hashlib.sha256(file).hexdigest()
        told = sorted(f"{name} {value}" for name, value in options.items())
        ident = ids.id_from("imp", by.id, once, kind, sha256, *told)
        job = self.store.get(ident) or self._announced(
            by, ident, kind=kind, dry_run=True, sha256=sha256, size=len(file), options=options, columns={}
        )
        if job.status != "created":
            return job
        self.files.put(job.file, file, CONTENT_TYPE)
        return self.start(by, job.id)

    def taken_over(self, job: Job) -> str:
        """The id of the import that takes what this dry run has looked at, whether there is one yet or
        not."""
        return ids.id_from("imp", job.id, "taken over")

    def take_over(self, by: Principal, job_id: str) -> Job:
        """Does what a dry run has shown: an import of the same file, started; asked again it is the same one.
        Raises NotFound; Forbidden for who did not make the dry run; Conflict for one that has not ended, and
        when the file is gone."""
        shown = self.get(by, job_id)
        if shown.actor != by.id:
            raise Forbidden("Only who made an import may start it.")
        if not shown.dry_run or shown.status != "finished":
            raise Conflict
        ident = self.taken_over(shown)
        job = self.store.get(ident)
        if job is None and self.files.part(shown.file, 0, 1) is None:
            raise Conflict("The file has not been uploaded yet, or is gone.")
        job = job or self._announced(
            by,
            ident,
            kind=shown.kind,
            dry_run=False,
            sha256=shown.sha256,
            size=shown.bytes,
            options=shown.options,
            columns=shown.columns,
        )
        if job.status != "created":
            return job
        self.files.copy(shown.file, job.file)
        return self.start(by, job.id)

    def _announced(
        self,
        by: Principal,
        ident: str,
        *,
        kind: str,
        dry_run: bool,
        sha256: str,
        size: int,
        options: Mapping[str, str],
        columns: Mapping[str, str],
    ) -> Job:
        known = self.kinds.get(kind)
        if known is None:
            choice = ", ".join(sorted(self.kinds))
            raise InvalidInput.of("kind", "literal_error", "Choose one of: %(expected)s.", expected=choice)
        if not by.may(action_of(kind)):
            raise Forbidden
        if size > MOST_BYTES:
            raise InvalidInput.of(
                "bytes", "less_than_equal", "The most that is allowed is %(le)s.", le=MOST_BYTES
            )
        job = Job(
            id=ident,
            kind=kind,
            dry_run=dry_run,
            sha256=sha256,
            bytes=size,
            options={name: value.strip() for name, value in options.items()},
            columns=dict(columns),
            actor=by.id,
            roles=tuple(sorted(by.roles)),
            areas=tuple(sorted(by.areas)),
            departments=tuple(sorted(by.departments)),
            created_at=self.clock.now(),
        )
        self._check(job, known())
        self.limits.spend(f"import#{by.id}", JOBS_AN_HOUR, 3600)
        self.store.add(job)
        return job

    def form(self, job: Job) -> tuple[str, dict[str, str]]:
        """Where, and with which fields before it, the file of a job is to be posted, while that is open."""
        left = (self.upload_until(job) - self.clock.now()).total_seconds()
        return self.files.post_to(job.file, CONTENT_TYPE, job.bytes, max(1, int(left)))

    def start(self, by: Principal, job_id: str) -> Job:
        """Starts a job whose file is there, or goes on with one that failed on the way; one that was started
        before stays as it is. The caller's areas and departments of this moment hold.

        Raises NotFound; Conflict for a file that is not there, or a job that has ended; InvalidInput for a
        file of another size than was said.
        """
        job = self.get(by, job_id)
        if job.actor != by.id:
            raise Forbidden("Only who made an import may start it.")
        if job.status in ("queued", "running"):
            self.queue.put([{"import": job.id}])
            return job
        if job.status == "finished" or (job.failure is not None and not job.failure.resumable):
            raise Conflict("This import has ended. Please make a new one.")
        if not by.may(action_of(job.kind)):
            raise Forbidden
        part = self.files.part(job.file, 0, 1)
        if part is None:
            raise Conflict("The file has not been uploaded yet, or is gone.")
        if part.size != job.bytes:
            sentence = "The file has %(given)s bytes, and %(expected)s were announced."
            raise InvalidInput.of("bytes", "bytes_differ", sentence, given=part.size, expected=job.bytes)
        started = job.with_(
            status="queued",
            started_at=job.started_at or self.clock.now(),
            finished_at=None,
            failure=None,
            tries=0,
            roles=tuple(sorted(by.roles)),
            areas=tuple(sorted(by.areas)),
            departments=tuple(sorted(by.departments)),
        )
        self.audit.committing(
            subject=f"import#{job.id}",
            action="import.started",
            actor=by.id,
            at=self.clock.now(),
            detail={"kind": job.kind, "dry_run": job.dry_run, "sha256": job.sha256, "bytes": job.bytes},
            write=lambda transaction: self.store.save_within(transaction, started),
        )
        self.queue.put([{"import": job.id}])
        return started

    def get(self, by: Principal, job_id: str) -> Job:
        """A job. Raises NotFound, also for one that this person may not know of."""
        job = self.store.get(job_id)
        if job is None or not sees(by, job):
            raise NotFound
        return job

    def listed(self, by: Principal, limit: int, after: Position | None) -> tuple[list[Job], Position | None]:
        """The jobs that this person may know of, the newest first; where to go on."""
        return self.store.listed(None if by.roles & SEES_ALL else by.id, after, limit)

    def errors_url(self, job: Job) -> str | None:
        """From where the file of errors may be read for a quarter of an hour; None where there is none."""
        ended = job.status in ("finished", "failed")
        return self.files.link(job.errors_file, LINK_S) if ended and job.sums.listed else None

    def errors(self, job: Job) -> list[RowError]:
        """The rows that were not taken, as far as they are listed; none while the job goes on."""
        if job.status not in ("finished", "failed") or not job.sums.listed:
            return []
        part = self.files.part(job.errors_file, 0, WHOLE)
        text = part.body.decode("utf-8-sig") if part is not None else ""
        return [RowError.of(row) for row in csv.DictReader(io.StringIO(text))]

    def upload_until(self, job: Job) -> datetime:
        """Until when the file may be posted."""
        return job.created_at + timedelta(seconds=HOLDS_S)

    def _check(self, job: Job, kind: ImportKind[Any]) -> None:
        faults = options_missing(kind.options, job.options)
        known = {column.name for column in kind.columns}
        faults += [
            FieldError(f"columns.{name}", "column_unknown", "There is no column %(name)s.", {"name": name})
            for name in job.columns
            if name not in known
        ]
        if faults:
            raise InvalidInput(faults)
        kind.check(job.seen_by_kind())
