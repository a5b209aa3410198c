"""Campaigns, their runs and registered templates in the table `campaigns`.

    pk                    sk              what                                          index
    <campaign id>         campaign        the campaign with its content                 by_type, newest first;
                                          while it waits for somebody                   due (by its state)
    <campaign id>         run#<n>         one occurrence: status and times              due (until it ends)
    <campaign id>         frozen#<n>      what the run sends and reads, never changed
    <campaign id>         correction#<n>  a correction or withdrawal: its words, who proposed and decided
    <campaign id>         judged          the content as an approver last decided on it
    <campaign id>         overrides       elections that it may go out under, for senders
    <campaign id>         begun           since its first run began: when to publish it next    due
    <campaign id>         public          what the public is shown of it                by_type (newest first)
    <job id>              counting        a large preview: what is counted so far; `expires`
    template#<channel>    <name>#<lang>   a template as the platform has approved it

Index `by_type` (type, created_at): 1 read unit for each 8 kB of campaigns. Index `due` (due_key, due_at),
sparse: `run` for runs that are scheduled, `dispatching` for those under way or paused, `publish` for what is
to be published, `draft`, `submitted` and `approved` for campaigns that wait for a person, by when they were
begun; 0.5 read units when nothing is due. A campaign or run is read by key, consistently: 1 read
unit for 4 kB. `frozen` is read once a container.
A change of a run is one transaction of run and campaign (2 items, 4 write units and their index entries); the
end of a run of a series makes the next one in the same (4 items).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.transactions import TransactWrite

from chalicelib.campaigns.correction import Correction
from chalicelib.campaigns.messages import Template
from chalicelib.campaigns.model import Campaign, Content, Run, run_id, split_run_id
from chalicelib.campaigns.publication import Publication
from chalicelib.clock import rfc3339
from chalicelib.errors import NotFound
from chalicelib.events.catalog import Event
from chalicelib.events.outbox import raise_event
from chalicelib.ports import RosterRange
from chalicelib.tables import Table, TableName, failed_conditions, write_together

CAMPAIGN = "campaign"
OVERRIDES = "overrides"
JUDGED = "judged"
COUNTING = "counting"
BEGUN, PUBLIC = "begun", "public"
SCHEDULED, DISPATCHING, PUBLISH = "run", "dispatching", "publish"
Waiting = Literal["draft", "submitted", "approved"]
WAITING: tuple[Waiting, ...] = get_args(Waiting)
Position = dict[str, Any]


class ByType(GlobalSecondaryIndex["CampaignItem"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "by_type"
        projection = AllProjection()

    type = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class Due(GlobalSecondaryIndex["CampaignItem"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    class Meta:
        index_name = "due"
        projection = AllProjection()

    due_key = UnicodeAttribute(hash_key=True)
    due_at = UnicodeAttribute(range_key=True)


class CampaignItem(Table):
    class Meta:
        table_name = TableName("campaigns")

    by_type = ByType()
    due = Due()
    body = UnicodeAttribute()
    rev = NumberAttribute(null=True)
    event = UnicodeAttribute(null=True)
    type = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    status = UnicodeAttribute(null=True)
    department = UnicodeAttribute(null=True)
    due_key = UnicodeAttribute(null=True)
    due_at = UnicodeAttribute(null=True)
    expires = NumberAttribute(null=True)


@dataclass(frozen=True)
class Snapshot:
    """What a run sends and whom it asks, as it was when the run was scheduled."""

    content: Content
    organisation: str
    ranges: tuple[RosterRange, ...]
    elections: Mapping[str, str] = field(default_factory=dict)
    """Of an audience by turnout: the election that is looked at, by district."""

    def packed(self) -> str:
        """As it is kept."""
        body = {
            "content": self.content.model_dump(mode="json"),
            "organisation": self.organisation,
            "ranges": [[one.partition, one.prefix] for one in self.ranges],
        }
        if self.elections:
            body["elections"] = dict(self.elections)
        return json.dumps(body, ensure_ascii=False, sort_keys=True)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of what is kept now: it names the very text and audience."""
        return _digest(self.packed())


class CampaignStore:
    def campaign(self, campaign_id: str) -> Campaign | None:
        item = _item(campaign_id, CAMPAIGN)
        return Campaign.model_validate_json(item.body) if item else None

    def campaigns(self, ids: Collection[str]) -> dict[str, Campaign]:
        """Those of these campaigns that there are, by id, in one request for each hundred."""
        rows = CampaignItem.batch_get([(one, CAMPAIGN) for one in dict.fromkeys(ids)])
        return {row.pk: Campaign.model_validate_json(row.body) for row in rows}

    def listed(
        self, status: str, departments: Collection[str], after: Position | None, page: int
    ) -> Iterator[tuple[Campaign, Position]]:
        """Campaigns, newest first, of one status and of some departments where given, each with its own
        place; read by `page`."""
        rows = CampaignItem.by_type.query(
            CAMPAIGN,
            filter_condition=_all_of(
                CampaignItem.status == status if status else None,
                CampaignItem.department.is_in(*sorted(departments)) if departments else None,
            ),
            scan_index_forward=False,
            page_size=page,
            last_evaluated_key=after,
        )
        for row in rows:
            place = {"pk": row.pk, "sk": row.sk, "type": row.type, "created_at": row.created_at}
            yield (
                Campaign.model_validate_json(row.body),
                {name: {"S": value} for name, value in place.items()},
            )

    def put_campaign(
        self, transaction: TransactWrite, campaign: Campaign, event: Event | None = None
    ) -> None:
        """Adds the write of a campaign's new state, which holds only over the one before it."""
        item = CampaignItem(
            campaign.id,
            CAMPAIGN,
            body=campaign.model_dump_json(),
            rev=campaign.rev,
            event=raise_event(event, campaign.updated_at) if event else None,
            type=CAMPAIGN,
            created_at=rfc3339(campaign.created_at),
            status=campaign.status,
            department=campaign.department,
        )
        if campaign.status in WAITING:
            item.due_key, item.due_at = campaign.status, item.created_at
        transaction.save(item, condition=_follows(campaign.rev))

    def waiting(self, status: Waiting) -> Iterator[Campaign]:
        """All campaigns that wait for a person in this state, newest first; a request for each MB of them,
        however many others there are."""
        for row in CampaignItem.due.query(status, scan_index_forward=False):
            yield Campaign.model_validate_json(row.body)

    def run(self, run: str) -> Run | None:
        key = split_run_id(run)
        item = _item(key[0], f"run#{key[1]}") if key else None
        return Run.model_validate_json(item.body) if item else None

    def put_overrides(self, transaction: TransactWrite, campaign: Campaign) -> None:
        """Adds the senders' copy of a campaign's overrides."""
        transaction.save(CampaignItem(campaign.id, OVERRIDES, body=json.dumps(sorted(campaign.overridden))))

    def put_judged(self, transaction: TransactWrite, campaign: Campaign) -> None:
        """Adds the copy of what an approver has just decided on, to compare with what comes next."""
        transaction.save(CampaignItem(campaign.id, JUDGED, body=campaign.content.model_dump_json()))

    def judged(self, campaign_id: str) -> Content | None:
        """The content as an approver last decided on it; None when nobody has."""
        item = _item(campaign_id, JUDGED)
        return Content.model_validate_json(item.body) if item else None

    def run_with_overrides(self, run: str) -> tuple[Run, frozenset[str]] | None:
        """A run, and the elections that its campaign may go out under, in one request."""
        key = split_run_id(run)
        if key is None:
            return None
        keys = [(key[0], f"run#{key[1]}"), (key[0], OVERRIDES)]
        found = {row.sk: row.body for row in CampaignItem.batch_get(keys, consistent_read=True)}
        body = found.get(f"run#{key[1]}")
        if body is None:
            return None
        return Run.model_validate_json(body), frozenset(json.loads(found.get(OVERRIDES, "[]")))

    def runs(self, campaign_id: str) -> list[Run]:
        """All runs of a campaign, oldest first."""
        rows = CampaignItem.query(campaign_id, CampaignItem.sk.startswith("run#"), consistent_read=True)
        return sorted((Run.model_validate_json(row.body) for row in rows), key=lambda run: run.number)

    def runs_with_campaigns(self, ids: Sequence[str]) -> list[tuple[Campaign, Run]]:
        """Those of these runs that there are, each with its campaign, in one request for each fifty."""
        keys = [(key[0], f"run#{key[1]}") for one in ids if (key := split_run_id(one))]
        wanted = [*keys, *dict.fromkeys((campaign, CAMPAIGN) for campaign, _ in keys)]
        found = {(row.pk, row.sk): row.body for row in (CampaignItem.batch_get(wanted) if wanted else ())}
        return [
            (
                Campaign.model_validate_json(found[key[0], CAMPAIGN]),
                Run.model_validate_json(found[key]),
            )
            for key in keys
            if key in found and (key[0], CAMPAIGN) in found
        ]

    def last_runs(self, campaigns: Collection[Campaign]) -> dict[str, Run]:
        """The newest run of each of these campaigns that has one, by the campaign's id; one request."""
        keys = [(one.id, f"run#{one.runs}") for one in campaigns if one.runs]
        found = CampaignItem.batch_get(keys) if keys else ()
        return {row.pk: Run.model_validate_json(row.body) for row in found}

    def put_run(self, transaction: TransactWrite, run: Run, event: Event | None, at: datetime) -> None:
        """Adds the write of a run's new state, which holds only over the one before it."""
        waits = {"scheduled": SCHEDULED, "dispatching": DISPATCHING, "paused": DISPATCHING}.get(run.status)
        item = CampaignItem(
            run.campaign_id,
            f"run#{run.number}",
            body=run.model_dump_json(),
            rev=run.rev,
            event=raise_event(event, at) if event else None,
            status=run.status,
            due_key=waits,
            due_at=rfc3339(run.at) if waits else None,
        )
        transaction.save(item, condition=_follows(run.rev))

    def freeze(self, transaction: TransactWrite, run: Run, snapshot: Snapshot) -> None:
        """Adds the write of what a run sends; it is never written again."""
        item = CampaignItem(run.campaign_id, f"frozen#{run.number}", body=snapshot.packed())
        transaction.save(item, condition=CampaignItem.pk.does_not_exist())

    def freeze_again(self, transaction: TransactWrite, run: Run, following: Run) -> None:
        """Adds for the run that follows what `run` sends."""
        kept = _item(run.campaign_id, f"frozen#{run.number}")
        if kept is None:
            raise NotFound("There is no run %(run)s.", run=run.id)
        item = CampaignItem(following.campaign_id, f"frozen#{following.number}", body=kept.body)
        transaction.save(item, condition=CampaignItem.pk.does_not_exist())

    def frozen(self, run: str) -> Snapshot | None:
        key = split_run_id(run)
        item = _item(key[0], f"frozen#{key[1]}") if key else None
        if item is None:
            return None
        body = json.loads(item.body)
        ranges = tuple(RosterRange(partition, prefix) for partition, prefix in body["ranges"])
        content = Content.model_validate(body["content"])
        return Snapshot(content, body["organisation"], ranges, body.get("elections", {}))

    def fingerprint(self, run: str) -> str:
        """The SHA-256 of what was frozen for a run, as it was written then. Raises NotFound."""
        key = split_run_id(run)
        item = _item(key[0], f"frozen#{key[1]}") if key else None
        if item is None:
            raise NotFound("There is no run %(run)s.", run=run)
        return _digest(item.body)

    def counting(self, job: str) -> str | None:
        """What is kept of a large preview."""
        item = _item(job, COUNTING)
        return item.body if item else None

    def keep_counting(self, job: str, rev: int, body: str, expires: int) -> bool:
        """Keeps it over what was there before; False when another writer was quicker."""
        try:
            CampaignItem(job, COUNTING, body=body, rev=rev, expires=expires).save(condition=_follows(rev))
        except PutError as refused:
            if refused.cause_response_code != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def correction(self, campaign_id: str, number: int | str) -> Correction | None:
        item = _item(campaign_id, f"correction#{number}")
        return Correction.model_validate_json(item.body) if item else None

    def corrections(self, campaign_id: str) -> list[Correction]:
        """All corrections and withdrawals of a campaign, oldest first."""
        rows = CampaignItem.query(
            campaign_id, CampaignItem.sk.startswith("correction#"), consistent_read=True
        )
        return sorted((Correction.model_validate_json(row.body) for row in rows), key=lambda one: one.number)

    def put_correction(self, transaction: TransactWrite, correction: Correction) -> None:
        """Adds the write of a correction's new state, which holds only over the one before it."""
        key = (correction.campaign_id, f"correction#{correction.number}")
        item = CampaignItem(*key, body=correction.model_dump_json(), rev=correction.rev)
        transaction.save(item, condition=_follows(correction.rev))

    def due(self, now: datetime, limit: int) -> list[str]:
        """Ids of runs scheduled for `now` or before, oldest first."""
        rows = CampaignItem.due.query(SCHEDULED, CampaignItem.due_at <= rfc3339(now), limit=limit)
        return [_run_id(row) for row in rows]

    def dispatching(self) -> list[str]:
        return [_run_id(row) for row in CampaignItem.due.query(DISPATCHING)]

    def put_begun(self, transaction: TransactWrite, run: Run, at: datetime) -> None:
        """Adds that a run of a campaign has begun, which is to be published."""
        mark = CampaignItem(run.campaign_id, BEGUN, body=run.id, due_key=PUBLISH, due_at=rfc3339(at))
        transaction.save(mark)

    def to_publish(self, now: datetime, limit: int) -> list[str]:
        """Ids of campaigns that are to be published by `now`."""
        rows = CampaignItem.due.query(PUBLISH, CampaignItem.due_at <= rfc3339(now), limit=limit)
        return [row.pk for row in rows]

    def begun(self, campaign_id: str) -> tuple[str, str] | None:
        """The run that was the last to begin, and when the campaign is to be published (empty: never again);
        None while none has begun."""
        item = _item(campaign_id, BEGUN)
        return (item.body, item.due_at or "") if item else None

    def publish(self, publication: Publication, seen: tuple[str, str], next_look: datetime | None) -> None:
        """Writes what the public is shown, and when to look again; nothing when a run began meanwhile or
        somebody else was quicker."""
        mark = CampaignItem(publication.id, BEGUN, body=seen[0])
        if next_look is not None:
            mark.due_key, mark.due_at = PUBLISH, rfc3339(next_look)
        item = CampaignItem(
            publication.id,
            PUBLIC,
            body=publication.model_dump_json(),
            type=PUBLIC,
            created_at=publication.begun_at,
        )
        try:
            with write_together() as transaction:
                same = (CampaignItem.body == seen[0]) & (CampaignItem.due_at == seen[1])
                transaction.save(mark, condition=same)
                transaction.save(item)
        except TransactWriteError as error:
            if not failed_conditions(error):
                raise

    def published(self, campaign_id: str) -> Publication | None:
        item = _item(campaign_id, PUBLIC)
        return Publication.model_validate_json(item.body) if item else None

    def publications(
        self, after: Position | None, page: int, begun: tuple[str, str] | None = None
    ) -> Iterator[tuple[Publication, Position]]:
        """What is published, what began last first, each with its own place; read by `page`. `begun`: only
        what began then, from the first to the second."""
        rows = CampaignItem.by_type.query(
            PUBLIC,
            CampaignItem.created_at.between(*begun) if begun else None,
            scan_index_forward=False,
            page_size=page,
            last_evaluated_key=after,
        )
        for row in rows:
            place = {"pk": row.pk, "sk": row.sk, "type": row.type, "created_at": row.created_at}
            yield (
                Publication.model_validate_json(row.body),
                {name: {"S": value} for name, value in place.items()},
            )

    def put_template(self, transaction: TransactWrite, channel: str, template: Template) -> None:
        """Adds the write of a registered template."""
        key = (f"template#{channel}", f"{template.name}#{template.language}")
        transaction.save(CampaignItem(*key, body=template.model_dump_json()))

    def templates(self, channel: str) -> list[Template]:
        """All that are registered for a channel's platform, by name and language."""
        return [Template.model_validate_json(row.body) for row in CampaignItem.query(f"template#{channel}")]

    def named_templates(self, channel: str, name: str) -> list[Template]:
        """Those of one name, by language, read consistently."""
        rows = CampaignItem.query(
            f"template#{channel}", CampaignItem.sk.startswith(f"{name}#"), consistent_read=True
        )
        return [Template.model_validate_json(row.body) for row in rows]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _item(pk: str, sk: str) -> CampaignItem | None:
    try:
        return CampaignItem.get(pk, sk, consistent_read=True)
    except DoesNotExist:
        return None


def _run_id(row: CampaignItem) -> str:
    return run_id(row.pk, int(row.sk.partition("#")[2]))


def _follows(rev: int) -> Condition:
    """That the item stands as it was read: one change at a time."""
    return CampaignItem.pk.does_not_exist() if rev == 1 else CampaignItem.rev == rev - 1


def _all_of(*conditions: Condition | None) -> Condition | None:
    given: Sequence[Condition] = [one for one in conditions if one is not None]
    return None if not given else given[0] if len(given) == 1 else given[0] & given[1]
