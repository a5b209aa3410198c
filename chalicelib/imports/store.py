"""Import jobs in the table `ops`; they are forgotten after a year.

    pk                 sk               read by                                        cost
    import#<id>        -                key, consistently: how far a job is            1 to 3 read units
    imports            <created>#<id>   query, the newest first: everybody's jobs      0.5 for 50
    imports#<person>   <created>#<id>   query, the newest first: one person's jobs     0.5 for 50

A job is 1 to 3 kB: one conditional write a slice of 1,000 rows, 1 to 3 write units.
"""

from __future__ import annotations

from typing import Any, cast

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError
from pynamodb.transactions import TransactWrite

from chalicelib.clock import rfc3339
from chalicelib.errors import Conflict
from chalicelib.imports.model import Job
from chalicelib.tables import Table, TableName, write_together

KEPT_S = 366 * 86400
Position = dict[str, Any]


class ImportItem(Table):
    class Meta:
        table_name = TableName("ops")

    job = UnicodeAttribute(null=True)
    rev = NumberAttribute(null=True)
    expires = NumberAttribute()


class Moved(Conflict):
    """Somebody else has changed the job meanwhile."""


class JobStore:
    def add(self, job: Job) -> None:
        """Stores a new job, and names it in the lists."""
        place, expires = f"{rfc3339(job.created_at)}#{job.id}", _expires(job)
        with write_together() as transaction:
            transaction.save(_item(job), condition=ImportItem.pk.does_not_exist())
            for listed in ("imports", f"imports#{job.actor}"):
                transaction.save(ImportItem(listed, place, expires=expires))

    def get(self, job_id: str) -> Job | None:
        """A job, read consistently."""
        try:
            item = ImportItem.get(f"import#{job_id}", "-", consistent_read=True)
        except DoesNotExist:
            return None
        return Job.model_validate_json(item.job or "{}")

    def listed(self, person: str | None, after: Position | None, limit: int) -> tuple[list[Job], Any]:
        """The jobs of a person, or all of them, the newest first; where to go on."""
        rows = ImportItem.query(
            "imports" if person is None else f"imports#{person}",
            scan_index_forward=False,
            limit=limit,
            page_size=limit,
            last_evaluated_key=after,
        )
        ids = [row.sk.rpartition("#")[2] for row in rows]
        jobs = {
            item.pk: Job.model_validate_json(item.job or "{}")
            for item in ImportItem.batch_get([(f"import#{one}", "-") for one in ids])
        }
        found = [jobs[f"import#{one}"] for one in ids if f"import#{one}" in jobs]
        return found, cast("Position | None", rows.last_evaluated_key)

    def save(self, job: Job) -> Job:
        """Stores a job over the one that it was made from. Raises Moved when that is not there any more."""
        try:
            _item(kept := job.with_(rev=job.rev + 1)).save(condition=ImportItem.rev == job.rev)
        except PutError as refused:
            if refused.cause_response_code != "ConditionalCheckFailedException":
                raise
            again = self.get(job.id)
            if again == kept:  # our own write, whose answer was lost
                return kept
            raise Moved from None
        return kept

    def save_within(self, transaction: TransactWrite, job: Job) -> None:
        """Adds the same to a transaction."""
        transaction.save(_item(job.with_(rev=job.rev + 1)), condition=ImportItem.rev == job.rev)


def _expires(job: Job) -> int:
    return int(job.created_at.timestamp()) + KEPT_S


def _item(job: Job) -> ImportItem:
    return ImportItem(f"import#{job.id}", "-", job=job.model_dump_json(), rev=job.rev, expires=_expires(job))
