"""Making, starting and looking at import jobs."""

from __future__ import annotations

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
            id=ids.new_id("imp"),
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
        return job, *self.form(job)

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
