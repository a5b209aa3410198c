"""What staff do with campaigns, from the first draft to the run."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from pynamodb.transactions import TransactWrite

from chalicelib.campaigns.audience import Audience, Low, Preview
from chalicelib.campaigns.law import ElectionLaw
from chalicelib.campaigns.media import Medium
from chalicelib.campaigns.messages import (
    CHANNELS,
    REGISTERED,
    SMS_CATEGORIES,
    Channel,
    Message,
    Template,
)
from chalicelib.campaigns.model import (
    Campaign,
    Content,
    Run,
    Status,
    Templates,
    faults,
    fitting,
    run_id,
    scheme_faults,
    unready,
    with_words,
)
from chalicelib.campaigns.shelf import Shelf
from chalicelib.campaigns.store import CampaignStore, Position, Snapshot, Waiting
from chalicelib.campaigns.times import (
    Quiet,
    Repeat,
    moment_in,
    never_awake,
    series_of,
    span_in_series,
    span_of_run,
)
from chalicelib.clock import Clock, rfc3339
from chalicelib.errors import (
    Conflict,
    FieldError,
    Forbidden,
    InvalidInput,
    NotFound,
    OtherDepartment,
    PlatformOff,
    Transient,
)
from chalicelib.events.catalog import (
    CampaignApproved,
    CampaignSubmitted,
    Event,
    RunCancelled,
    RunPaused,
    RunScheduled,
)
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal, touches
from chalicelib.ids import new_id
from chalicelib.platforms.base import Gateway
from chalicelib.ports import Area, Areas, Roster, RosterRange, Schemes, Turnout
from chalicelib.queues import Queue
from chalicelib.telemetry import logger

AT_ONCE = timedelta(minutes=1)
"""A run due within this is queued when it is scheduled; later ones the minute's tick finds."""
PREVIEW_AT_MOST = 20_000
"""People of the roster that a preview counts within one request (CONTRACT.md)."""
PAGE = 1000
PAGE_OF_A_LIST = 25
LARGEST = 300_000
"""Bytes of a content: an item of the database holds 400 kB, and more than the content stands in it."""
TOO_LONG = (
    "All texts of this campaign together are too long to be kept: shorten some, or leave languages out."
)
READERS = 8
TRIES = 5
WAKE_AFTER_S = 3.0
"""After this every sender has read that a run goes on, or that it does not."""
Verb = Literal["pause", "resume", "cancel"]
READ, REACH = "campaign.read", "influencer.reach"
WRITE, SUBMIT, APPROVE = "campaign.write", "campaign.submit", "campaign.approve"
SCHEDULE, PAUSE = "campaign.schedule", "campaign.pause"
"""What staff do with a campaign (identity.roles.MATRIX)."""


class AuthorCannotApprove(Forbidden):
    code = "author_cannot_approve"
    message = "You wrote, changed or submitted this campaign: somebody else must decide on it."


class ChangedMeanwhile(Conflict):
    message = "The campaign was changed by somebody else. Please look again."


class AudienceTooLarge(InvalidInput):
    code = "audience_too_large"
    message = "More than %(n)s people are in these areas: such a preview needs a job."

    def __init__(self) -> None:
        super().__init__([FieldError("areas", self.code, self.message, {"n": PREVIEW_AT_MOST})])


@dataclass(frozen=True)
class Campaigns:
    store: CampaignStore
    areas: Areas
    themes: Callable[[], Collection[str]]
    """Ids of the themes that there are."""
    departments: Callable[[], Collection[str]]
    schemes: Callable[[], Schemes]
    roster: Callable[[], Roster]
    gateway: Gateway
    medium_of: Callable[[str], str]
    """What the channel of this id reaches people by. Raises PlatformOff."""
    audit: Audit
    plan_queue: Queue
    clock: Clock
    law: ElectionLaw
    organisation_kind: str
    organisation: str
    turnout: Callable[[], Turnout]
    quiet_hours: Quiet
    """The deployment's own; a campaign may have others."""
    shelf: Shelf
    sleep: Callable[[float], None] = time.sleep

    def get(self, campaign_id: str) -> Campaign:
        """The campaign as it stands. Raises NotFound."""
        found = self.store.campaign(campaign_id)
        if found is None:
            raise _no_campaign(campaign_id)
        return found

    def seen(self, who: Principal, campaign_id: str, action: str = READ) -> Campaign:
        """The campaign, for somebody who may do `action` with it. Raises NotFound, also for one of which they
        may not know."""
        found = self.get(campaign_id)
        if not self._sight(who, action)(found):
            raise _no_campaign(campaign_id)
        return found

    def knows(self, who: Principal, campaign_id: str) -> bool:
        """Whether somebody may know of a campaign."""
        found = self.store.campaign(campaign_id)
        return found is not None and self._sight(who, READ)(found)

    def known(self, who: Principal, ids: Collection[str]) -> dict[str, Campaign]:
        """Those of these campaigns of which somebody may know, by id; a request for each hundred."""
        sees, found = self._sight(who, READ), self.store.campaigns(ids) if ids else {}
        return {one: campaign for one, campaign in found.items() if sees(campaign)}

    def page(
        self, who: Principal, status: str, department: str, after: Position | None, limit: int
    ) -> tuple[list[Campaign], Position | None]:
        """Campaigns that somebody may see, newest first, of one status and department where given; and where
        to go on."""
        sees, found = self._sight(who, READ), list[Campaign]()
        areas, departments = who.bound_to(READ)
        only = {department} if department else set[str]()
        if not who.works_for_all(READ) and not areas:
            only = (only & departments) if only else set(departments)
            if not only:
                return [], None
        for campaign, place in self.store.listed(status, only, after, PAGE_OF_A_LIST):
            if sees(campaign):
                found.append(campaign)
            if len(found) == limit:
                return found, place
        return found, None

    def waiting(self, who: Principal, status: Waiting) -> Iterator[Campaign]:
        """All campaigns of which somebody may know that wait for a person in this state, newest first."""
        sees = self._sight(who, READ)
        return (one for one in self.store.waiting(status) if sees(one))

    def going_out(self, who: Principal, most: int) -> list[Campaign]:
        """Campaigns of which somebody may know that are being sent now; at most `most` runs are looked at."""
        found = self.under_way(who, self.store.dispatching()[:most])
        return list({one.id: one for one, _ in found if one.status == "dispatching"}.values())

    def under_way(self, who: Principal, runs: Sequence[str]) -> list[tuple[Campaign, Run]]:
        """Those of these runs whose campaign somebody may know of, each with it; two requests for a
        hundred."""
        sees = self._sight(who, READ)
        return [one for one in self.store.runs_with_campaigns(runs) if sees(one[0])]

    def last_runs(self, campaigns: Collection[Campaign]) -> dict[str, Run]:
        """The newest run of each of these campaigns that has one, by the campaign's id."""
        return self.store.last_runs(campaigns)

    def titles(self, ids: Collection[str]) -> dict[str, str]:
        """What these campaigns are called, by id; one request. Who asks may see that there are such."""
        return {one.id: one.content.title for one in self.store.campaigns(ids).values()} if ids else {}

    def judged(self, campaign_id: str) -> Content | None:
        """The content as an approver last decided on it; None when nobody has."""
        return self.store.judged(campaign_id)

    def runs(self, campaign_id: str) -> list[Run]:
        """The campaign's runs, oldest first. Raises NotFound."""
        return self.store.runs(self.get(campaign_id).id)

    def runs_of(self, seen: Campaign) -> list[Run]:
        """The runs of a campaign that has been read, oldest first; nothing is read when there are none."""
        return self.store.runs(seen.id) if seen.runs else []

    def _sight(self, who: Principal, action: str) -> Callable[[Campaign], bool]:
        """Whether somebody may do `action` with a campaign: nodal officers with those of their departments,
        coordinators with those that go to some of their areas, others with all."""
        if who.works_for_all(action):
            return lambda campaign: True
        areas, departments = who.bound_to(action)
        own = [area.path for area in self.areas.many(areas).values()]
        above = {one for path in own for one in path}

        def sees(campaign: Campaign) -> bool:
            to = campaign.content.audience.areas
            near = not above.isdisjoint(to) or (
                bool(own) and any(touches(own, area.path) for area in self.areas.many(to).values())
            )
            return campaign.department in departments or near

        return sees

    def timetable(self, campaign_id: str) -> tuple[Quiet | None, list[Run]]:
        """The quiet hours that its runs keep (None: none), and the runs, oldest first. Raises NotFound."""
        content, runs = self.get(campaign_id).content, self.store.runs(campaign_id)
        quiet = (runs[-1].quiet if runs else None) or self.quiet_of(content)
        return (quiet if quiet.hours and content.kind != "emergency" else None), runs

    # --- writing and approving ------------------------------------------------------------------------

    def create(self, who: Principal, content: Content, once: str = "") -> Campaign:
        """A new draft. Raises InvalidInput for what cannot even be a draft.

        `once`: what one person says again when they send the same form twice: ChangedMeanwhile then, and
        `made_by` names the draft that there is.
        """
        now = self.clock.now()
        self._check_draft(who, content)
        ident = made_by(who, once) if once else new_id("cmp")
        content = self.settled(who, ident, content)
        draft = Campaign(
            id=ident,
            rev=1,
            status="draft",
            content=content,
            created_at=now,
            updated_at=now,
            authors=(who.id,),
        )
        return self.commit(who, "campaign.created", draft, {"kind": content.kind})

    def change(
        self, who: Principal, campaign_id: str, fields: dict[str, Any], rev: int | None = None
    ) -> Campaign:
        """A draft with some fields replaced. What is submitted or approved stands: Conflict.

        `rev`: the revision that was read before; ChangedMeanwhile when it is no longer that one.
        """
        seen = self.for_work(who, campaign_id, WRITE)
        if rev is not None and rev != seen.rev:
            raise ChangedMeanwhile
        if seen.status != "draft":
            raise Conflict("Only a draft can be changed. A declined campaign becomes a draft again.")
        content = Content.model_validate(seen.content.model_dump() | fields)
        self._check_draft(who, content)
        content = self.settled(who, seen.id, content, seen.content.media)
        after = self._after(seen, "draft", content=content, authors=_with(seen.authors, who.id))
        return self.commit(who, "campaign.changed", after, {"fields": sorted(fields)})

    def settled(
        self, who: Principal, campaign_id: str, content: Content, before: Collection[Medium] = ()
    ) -> Content:
        """The content with each upload kept as a file of the campaign; `before`: what is known of its files.
        Raises InvalidInput."""
        if not content.media:
            return content
        media = self.shelf.settled(who.id, campaign_id, content.media, before)
        return content.model_copy(update={"media": media})

    def submit(self, who: Principal, campaign_id: str) -> Campaign:
        """Puts a draft before an approver. Raises InvalidInput with all that is missing."""
        seen = self.for_work(who, campaign_id, SUBMIT)
        content = seen.content.model_copy(update={"messages": self.with_words(seen.content.messages)})
        after = self._after(seen, "submitted", content=content, authors=_with(seen.authors, who.id))
        wrong = self.unready(content)
        if wrong:
            raise InvalidInput(wrong)
        event = CampaignSubmitted(campaign_id=seen.id, department=seen.department)
        return self.commit(who, "campaign.submitted", after, {}, event=event)

    def decide(
        self,
        who: Principal,
        campaign_id: str,
        decision: Literal["approve", "decline"],
        reason: str,
        rev: int | None = None,
    ) -> Campaign:
        """Approves what was submitted, or makes it a draft again. Never by somebody who had a hand in it.

        `rev`: the revision that the approver has read; Conflict when it is no longer that one.
        """
        seen = self.for_work(who, campaign_id, APPROVE)
        if rev is not None and rev != seen.rev:
            raise Conflict("The campaign has changed since you read it. Please read it again.")
        if not seen.may_be_approved_by(who.id):
            raise AuthorCannotApprove
        if seen.status == "draft":
            raise _not_now(seen)
        if decision == "decline" and not reason:
            raise InvalidInput.of("reason", "missing", "Please fill in this field.")
        status: Status = "approved" if decision == "approve" else "draft"
        after = self._after(seen, status, decided_by=who.id, decision=decision, reason=reason)
        event = CampaignApproved(campaign_id=seen.id, department=seen.department)
        detail = {"decision": decision}
        judge = partial(self.store.put_judged, campaign=after)
        if decision == "approve":
            return self.commit(who, "campaign.approved", after, detail, event=event, write=judge)
        after = after.model_copy(update={"overrides": ()})  # they were for the text that was approved

        def write(transaction: TransactWrite) -> None:
            judge(transaction)
            self.store.put_overrides(transaction, after)

        return self.commit(who, "campaign.declined", after, detail, write=write)

    # --- runs -----------------------------------------------------------------------------------------

    def planned(
        self,
        who: Principal,
        campaign_id: str,
        at: datetime | None,
        *,
        zone: str = "",
        spread_minutes: int = 0,
        repeat: Repeat | None = None,
    ) -> Run:
        """The run that `schedule` would make now; nothing is written. Raises what it raises."""
        seen = self.for_work(who, campaign_id, SCHEDULE)
        return self._run_of(seen, at, zone, spread_minutes, repeat)

    def schedule(
        self,
        who: Principal,
        campaign_id: str,
        at: datetime | None,
        *,
        zone: str = "",
        spread_minutes: int = 0,
        repeat: Repeat | None = None,
    ) -> Run:
        """Makes a run of an approved campaign, with its content and audience frozen. `at` None: now; without
        an offset it is a time by the clock of `zone`.

        A run due within a minute is launched at once. Raises InvalidInput for a time that cannot be and for
        what is no longer ready (a template that was withdrawn), Conflict for a campaign that is not approved
        or that a code of conduct holds back.
        """
        seen = self.for_work(who, campaign_id, SCHEDULE)
        run = self._run_of(seen, at, zone, spread_minutes, repeat)
        now, series = self.clock.now(), run.series
        after = self._after(seen, "scheduled", runs=run.number, repeats=repeat and repeat.every)
        ranges = self.areas.ranges(seen.content.audience.areas, fresh=True)  # the run keeps them
        elections = self._elections(seen.content.audience, ranges)
        snapshot = Snapshot(seen.content, self.organisation, tuple(ranges), elections)

        def write(transaction: TransactWrite) -> None:
            event = RunScheduled(run_id=run.id, campaign_id=run.campaign_id, at=rfc3339(run.at))
            self.store.freeze(transaction, run, snapshot)
            self.store.put_run(transaction, run, event, now)

        detail = {"run": run.id, "at": rfc3339(run.at), "content": snapshot.fingerprint}
        detail |= {"every": series.every} if series else {}
        self.commit(who, "run.scheduled", after, detail, write=write)
        if run.at - now < AT_ONCE:
            self.launch(run.id, (run.at - now).total_seconds())
        return run

    def _run_of(
        self, seen: Campaign, at: datetime | None, zone: str, spread_minutes: int, repeat: Repeat | None
    ) -> Run:
        if seen.status != "approved":
            raise _not_now(seen)
        now = self.clock.now()
        if wrong := self.unready(seen.content):  # a template may have been withdrawn since the approval
            raise InvalidInput(wrong)
        content = seen.content
        begins, ends = span_of_run(moment_in(at, zone), content.expires_at, now)
        series = series_of(repeat, begins, zone, content.expires_at, now) if repeat else None
        lives = [(begins, ends)]
        if series is not None:
            _, ends = span_in_series(series, content.expires_at)
            last = series.model_copy(update={"number": series.last})
            lives = [(begins, ends), span_in_series(last, content.expires_at)]  # the last may be cut short
        self.law.check(seen, begins, ends)
        quiet = self.quiet_of(content)
        if content.kind != "emergency" and any(never_awake(quiet.hours, *life) for life in lives):
            sentence = "All its time lies in the quiet hours, %(begins)s to %(until)s: nothing would be sent."
            hours = {"begins": quiet.begins, "until": quiet.until}
            raise InvalidInput.of("at", "quiet_hours", sentence, **hours)
        if any(start + timedelta(minutes=spread_minutes) >= end for start, end in lives):
            sentence = "The messages must be spread over less than the time until the run expires."
            raise InvalidInput.of("spread_minutes", "spread_too_long", sentence)
        return Run(
            id=run_id(seen.id, seen.runs + 1),
            campaign_id=seen.id,
            rev=1,
            status="scheduled",
            at=begins,
            expires_at=ends,
            channels=content.order,
            kind=content.kind,
            department=seen.department,
            quiet=quiet,
            spread_minutes=spread_minutes,
            series=series,
        )

    def pause(self, who: Principal, campaign_id: str, code: str = "", *, reason: str = "") -> Campaign:
        """Halts a run, scheduled or under way: within 5 s nothing new is sent. Its expiry goes on. `code`:
        the platform's word that made it necessary; `reason`: a person's, for the audit."""
        return self._steer(who, campaign_id, "pause", _given(code=code, reason=reason))[0]

    def resume(self, who: Principal, campaign_id: str, *, reason: str = "") -> Campaign:
        """Lets a paused run go on exactly where it stopped."""
        campaign, run = self._steer(who, campaign_id, "resume", _given(reason=reason))
        if run.status == "dispatching":
            self.wake(run.id)
        elif run.at - self.clock.now() < AT_ONCE:
            self.launch(run.id, (run.at - self.clock.now()).total_seconds())
        return campaign

    def cancel(self, who: Principal, campaign_id: str, *, reason: str = "") -> Campaign:
        """Calls off a run, scheduled, under way or paused, and with it the campaign and its repetition:
        whoever was not sent to is not."""
        campaign, run = self._steer(who, campaign_id, "cancel", _given(reason=reason))
        if run.started_at:
            self.wake(run.id)
        return campaign

    def _steer(
        self, who: Principal, campaign_id: str, verb: Verb, detail: dict[str, Any] | None = None
    ) -> tuple[Campaign, Run]:
        """Run and campaign one step on, together. Dispatch moves them too: whoever writes second looks at
        what there is now, and tries again."""
        for attempt in range(TRIES):
            seen = self.for_work(who, campaign_id, PAUSE if verb == "pause" else SCHEDULE)
            run = self.store.run(run_id(seen.id, seen.runs))
            if run is None or (verb == "resume" and seen.status != "paused"):
                raise _not_now(seen)
            try:
                return self._step(who, seen, run, verb, detail or {})
            except ChangedMeanwhile:
                self.sleep(0.01 * 2**attempt)
        raise Transient

    def _step(
        self, who: Principal, seen: Campaign, run: Run, verb: Verb, detail: dict[str, Any]
    ) -> tuple[Campaign, Run]:
        now, ids = self.clock.now(), {"run_id": run.id, "campaign_id": run.campaign_id}
        status, action, event = {
            "pause": ("paused", "run.paused", RunPaused(**ids)),
            "resume": (run.going_on, "run.resumed", None),
            "cancel": ("cancelled", "run.cancelled", RunCancelled(**ids)),
        }[verb]
        ended = {"ended_at": now} if verb == "cancel" else {}
        moved = run.model_copy(update={"status": status, "rev": run.rev + 1} | ended)

        def write(transaction: TransactWrite) -> None:
            self.store.put_run(transaction, moved, event, now)

        after = self._after(seen, moved.status)
        return self.commit(who, action, after, {"run": run.id} | detail, write=write), moved

    def check_reach(self, who: Principal, audience: Audience) -> None:
        """Raises InvalidInput where somebody may not count whom this audience would reach: coordinators count
        in their areas alone, and any other is not there for them. Nodal officers write to any area."""
        free = who.works_for_all(REACH) or bool(who.bound_to(REACH)[1])
        others = [] if free else _others_areas(audience.areas, self.areas.many(audience.areas), who)
        if others:
            raise InvalidInput(others)

    def stretches(self, audience: Audience) -> tuple[list[RosterRange], dict[str, str]]:
        """Where an audience's people stand in the roster, and by which election each district is judged.
        Raises InvalidInput for areas that are not given or do not exist."""
        if not audience.areas:
            raise InvalidInput.of("areas", "missing", "Please fill in this field.")
        ranges = self._ranges(audience)
        return ranges, self._elections(audience, ranges)

    def preview(
        self,
        audience: Audience,
        channels: Sequence[str] = CHANNELS,
        at_most: int | None = PREVIEW_AT_MOST,
    ) -> Preview:
        """Whom this audience would reach now, person by person; no more than a page of each of a few
        stretches is held at once. Raises AudienceTooLarge when more than `at_most` people are there."""
        roster, preview, read = self.roster(), Preview(), list[int]()
        ranges, elections = self.stretches(audience)
        preview.elections.update(elections.values())

        def counted(where: RosterRange) -> Preview:
            found, low, after = Preview(), Low(audience, elections, self.turnout), None
            while True:
                rows, after = roster.page(where, after, PAGE)
                read.append(len(rows))
                if at_most is not None and sum(read) > at_most:
                    raise AudienceTooLarge
                found.add(rows, audience, tuple(channels), low)
                if after is None:
                    return found

        with ThreadPoolExecutor(READERS) as readers:
            try:
                for found in readers.map(counted, ranges):
                    preview.join(found)
            except AudienceTooLarge:
                readers.shutdown(wait=False, cancel_futures=True)
                raise
        return preview

    # --- templates ------------------------------------------------------------------------------------

    def put_templates(self, actor: str, channel_id: str, templates: Sequence[Template]) -> None:
        """Registers templates of what a channel reaches people by, new or changed. Raises InvalidInput for
        what such a template does not have or lacks, PlatformOff for an unknown channel."""
        medium = self._registers_for(channel_id)
        if wrong := [
            fault for i, one in enumerate(templates) for fault in _misfits(medium, one, f"items.{i}")
        ]:
            raise InvalidInput(wrong)
        for template in templates:
            self.audit.committing(
                subject=f"template#{medium}/{template.name}/{template.language}",
                action="template.written",
                actor=actor,
                at=self.clock.now(),
                detail={"state": template.state, "category": template.category},
                write=partial(self.store.put_template, channel=medium, template=template),
            )

    def templates(self, channel_id: str) -> list[Template]:
        """The templates registered for what a channel reaches people by."""
        return self.store.templates(self._registers_for(channel_id))

    def with_words(self, messages: Mapping[Channel, Mapping[str, Message]]) -> dict[str, Any]:
        """The messages with what is registered of them now: the words of an SMS, a template's language."""
        return with_words(messages, self._templates_of(messages))

    def registered(self, medium: str) -> list[Template]:
        """All templates that are registered for a medium, by name and language."""
        return self.store.templates(medium)

    def _registers_for(self, channel_id: str) -> str:
        medium = self.medium_of(channel_id)
        if medium not in REGISTERED:
            raise Conflict("%(platform)s has no templates.", platform=medium)
        return medium

    def _templates_of(self, messages: Mapping[Channel, Mapping[str, Message]]) -> Templates:
        """The registered templates that these messages name."""
        found: dict[tuple[str, str, str], Template] = {}
        for language, message in messages.get("whatsapp", {}).items():
            named = self.store.named_templates("whatsapp", message.template) if message.template else []
            if template := fitting(named, language, message.template_language):
                found["whatsapp", message.template, language] = template
        if messages.get("sms"):
            found |= {("sms", one.template_id, one.language): one for one in self.store.templates("sms")}
        return found

    # --- shared ---------------------------------------------------------------------------------------

    def for_work(self, who: Principal, campaign_id: str, action: str) -> Campaign:
        """The campaign, for somebody who is about to change it. Raises NotFound."""
        return self.seen(who, campaign_id, action)

    def _check_draft(self, who: Principal, content: Content) -> None:
        if not who.covers_department(content.department, WRITE):
            raise OtherDepartment
        wrong = faults(content, self.organisation_kind)
        if wrong:
            raise InvalidInput(wrong)
        if len(content.model_dump_json().encode()) > LARGEST:
            raise InvalidInput.of("messages", "campaign_too_long", TOO_LONG)

    def unready(self, content: Content) -> list[FieldError]:
        """All that keeps a campaign from being submitted, in itself and beside what the directory holds."""
        found = unready(content, self._templates_of(content.messages), self.organisation, self.clock.now())
        for channel in content.order:
            try:
                self.gateway.channel_for(channel)
            except PlatformOff as off:
                found.append(FieldError(f"messages.{channel}", off.code, off.message, off.params))
        if content.department not in self.departments():
            found.append(FieldError("department", "department_unknown", "There is no such department."))
        if content.theme and content.theme not in self.themes():
            found.append(FieldError("theme", "theme_unknown", "There is no such theme."))
        if content.schemes:
            found += scheme_faults(content, self.schemes().briefs(content.schemes))
        try:
            ranges = self._ranges(content.audience)
            if content.audience.by_turnout and ranges and not self._elections(content.audience, ranges):
                name = "lowest_share" if content.audience.turnout_below is None else "turnout_below"
                sentence = "No turnout is known in any of these areas."
                found.append(FieldError(f"audience.{name}", "turnout_unknown", sentence))
        except InvalidInput as unknown:
            found += [FieldError(f"audience.{e.field}", e.code, e.message, e.params) for e in unknown.errors]
        return found

    def quiet_of(self, content: Content) -> Quiet:
        """The campaign's own quiet hours, or the deployment's."""
        return content.quiet_hours or self.quiet_hours

    def _ranges(self, audience: Audience) -> list[RosterRange]:
        return self.areas.ranges(audience.areas)

    def _elections(self, audience: Audience, ranges: Sequence[RosterRange]) -> dict[str, str]:
        """By whose turnout an audience is judged, by district; nothing for one without such a rule."""
        if not audience.by_turnout:
            return {}
        return self.turnout().latest({one.partition for one in ranges}, audience.turnout_election)

    def _after(self, seen: Campaign, status: Status, **changes: object) -> Campaign:
        """The campaign one step on. Raises Conflict for a step that its state does not allow."""
        if not seen.may_become(status):
            raise _not_now(seen)
        moved = {"status": status, "rev": seen.rev + 1, "updated_at": self.clock.now()}
        return seen.model_copy(update=moved | changes)

    def commit(
        self,
        who: Principal,
        action: str,
        after: Campaign,
        detail: dict[str, Any],
        *,
        event: Event | None = None,
        write: Callable[[TransactWrite], None] | None = None,
    ) -> Campaign:
        """Writes the campaign, what belongs to it, and the audit's entry, all or none; gives it back. Raises
        ChangedMeanwhile when somebody else has written it."""

        def all_of_it(transaction: TransactWrite) -> None:
            self.store.put_campaign(transaction, after, event)
            if write is not None:
                write(transaction)

        self.audit.committing(
            subject=f"campaign#{after.id}",
            action=action,
            actor=who.id,
            at=after.updated_at,
            detail=detail,
            write=all_of_it,
            refused=lambda failed: ChangedMeanwhile(),
        )
        return after

    def launch(self, run: str, delay_s: float) -> None:
        """Has a run begun in so many seconds."""
        try:
            self.plan_queue.put([{"launch": run}], delay_s)
        except Transient:
            logger.warning("launch left to the minute's tick", extra={"run": run})

    def wake(self, run: str) -> None:
        """Has a run that waited go on, as soon as every sender knows that it may."""
        try:
            self.plan_queue.put([{"wake": run}], WAKE_AFTER_S)
        except Transient:
            logger.warning("waking left to the waiting chunks", extra={"run": run})


def _misfits(medium: str, template: Template, where: str) -> Iterator[FieldError]:
    """What a template that is registered for `medium` lacks, or should not have."""
    by_sms, missing = medium == "sms", FieldError("", "missing", "Please fill in this field.")
    for name in ("template_id", "header", "entity_id"):
        if by_sms and not getattr(template, name):
            yield FieldError(f"{where}.{name}", missing.code, missing.message)
        elif not by_sms and getattr(template, name):
            yield FieldError(f"{where}.{name}", "only_sms", "Only templates of SMS have this.")
    if by_sms != (template.category in SMS_CATEGORIES):
        sentence = "There is no such category of templates for %(channel)s."
        yield FieldError(f"{where}.category", "category_unknown", sentence, {"channel": medium})


def _others_areas(asked: Sequence[str], known: Mapping[str, Area], who: Principal) -> list[FieldError]:
    """As of areas that do not exist."""
    return [
        FieldError(f"areas.{i}", "area_unknown", "There is no area %(id)s.", {"id": one})
        for i, one in enumerate(asked)
        if one not in known or not who.covers_area(known[one].path, REACH)
    ]


def made_by(who: Principal, once: str) -> str:
    """The id of the draft that this person made with such a form."""
    digest = hashlib.sha256(f"{who.id}\n{once}".encode()).digest()
    return f"cmp_{base64.b32encode(digest[:10]).decode('ascii').lower()}"


def _no_campaign(campaign_id: str) -> NotFound:
    return NotFound("There is no campaign %(id)s.", id=campaign_id)


def _given(**detail: str) -> dict[str, Any]:
    """What there is of a detail for the audit."""
    return {name: value for name, value in detail.items() if value}


def _not_now(seen: Campaign) -> Conflict:
    return Conflict("The campaign is %(status)s: this cannot be done now.", status=seen.status)


def _with(authors: tuple[str, ...], person: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*authors, person)))
