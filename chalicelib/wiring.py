"""Builds the real collaborators, each once a process, on first use. Only entry points import this module."""

from __future__ import annotations

import os
import time
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from chalicelib.clock import Clock, parse_rfc3339
from chalicelib.settings import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.ambassadors.gaps import Gaps
    from chalicelib.ambassadors.invitations import Invitations
    from chalicelib.ambassadors.printed import Printer
    from chalicelib.ambassadors.service import Ambassadors
    from chalicelib.ambassadors.shortlist import Shortlist
    from chalicelib.ambassadors.store import AmbassadorStore
    from chalicelib.callbacks.letters import Letterbox
    from chalicelib.callbacks.receiver import Receiver
    from chalicelib.callbacks.service import Callbacks
    from chalicelib.campaigns.corrections import Corrections
    from chalicelib.campaigns.counting import Counting
    from chalicelib.campaigns.law import ElectionLaw, Overrides
    from chalicelib.campaigns.publishing import Publishing
    from chalicelib.campaigns.register import SmsRegister
    from chalicelib.campaigns.runs import Runs
    from chalicelib.campaigns.service import Campaigns
    from chalicelib.campaigns.shelf import Shelf
    from chalicelib.campaigns.store import CampaignStore
    from chalicelib.dead_letters import LetterDesk
    from chalicelib.departments.accounts import Accounts as DepartmentAccounts
    from chalicelib.departments.changes import Changes
    from chalicelib.departments.directives import Directives
    from chalicelib.departments.intake import DepartmentKind
    from chalicelib.departments.officers import Officers
    from chalicelib.departments.schemes import Cards, Schemes
    from chalicelib.departments.store import DepartmentStore
    from chalicelib.directory.elections import ElectionDesk
    from chalicelib.directory.kind import AreaKind
    from chalicelib.directory.service import Directory
    from chalicelib.dispatch.bundle import Bundler
    from chalicelib.dispatch.channels import Breaker, ChannelDesk
    from chalicelib.dispatch.decisions import Decisions
    from chalicelib.dispatch.officer import Officer
    from chalicelib.dispatch.paces import Paces
    from chalicelib.dispatch.planner import Planner
    from chalicelib.dispatch.remembered import Remembered
    from chalicelib.dispatch.report import Reporter
    from chalicelib.dispatch.sender import Sender
    from chalicelib.dispatch.stops import StandingStops, StopDesk
    from chalicelib.dispatch.store import DispatchStore
    from chalicelib.dispatch.waiting import Waiting
    from chalicelib.events.outbox import Outbox
    from chalicelib.groups.covering import Coverage
    from chalicelib.groups.fold import Fold
    from chalicelib.groups.intake import GroupsKind
    from chalicelib.groups.kits import GroupKits
    from chalicelib.groups.service import Groups
    from chalicelib.identity.audit import Audit
    from chalicelib.identity.ended import EndedSessions
    from chalicelib.identity.gate import Gate
    from chalicelib.identity.service import SignIn, Users
    from chalicelib.identity.sessions import CreatorSessions
    from chalicelib.identity.tokens import Tokens
    from chalicelib.imports.runner import Runner
    from chalicelib.imports.service import Imports, Kinds
    from chalicelib.influencers.erasing import Erasing
    from chalicelib.influencers.exporting import Exporting
    from chalicelib.influencers.inbox import Inbox
    from chalicelib.influencers.intake import InfluencersKind
    from chalicelib.influencers.myself import Myself
    from chalicelib.influencers.proofs import Proofs
    from chalicelib.influencers.resuming import Resuming
    from chalicelib.influencers.rosters import RosterStore
    from chalicelib.influencers.service import Messenger, People, Register, Signups
    from chalicelib.influencers.store import Left, PeopleStore
    from chalicelib.influencers.wishes import Wishes
    from chalicelib.metrics.followers import Followers
    from chalicelib.metrics.measuring import Measuring
    from chalicelib.metrics.own import OwnPosts
    from chalicelib.metrics.poller import Poller
    from chalicelib.metrics.service import Posts
    from chalicelib.metrics.store import PostStore
    from chalicelib.metrics.subscriptions import Subscriptions
    from chalicelib.ops import Idempotency, RateLimits, Seen
    from chalicelib.platforms.base import Meter
    from chalicelib.platforms.registry import Platforms
    from chalicelib.policies.appeals import Appeals
    from chalicelib.policies.service import Policies
    from chalicelib.policies.store import PolicyStore
    from chalicelib.policies.tiers import Tiers
    from chalicelib.ports import (
        Accounts,
        Calendar,
        CampaignHalts,
        Deliveries,
        DirectSender,
        Ownership,
        PersonalRecords,
        PostSums,
        Profiles,
        Refiling,
        Tallies,
        Turnout,
    )
    from chalicelib.queues import Queue
    from chalicelib.turnout.intake import MatchKind, TurnoutKind
    from chalicelib.turnout.service import Turnouts
    from chalicelib.turnout.store import TurnoutStore
    from chalicelib.unsubscribing import Unsubscribing
    from chalicelib.uploads import Uploads
    from chalicelib.voices.casework import VoiceDesk
    from chalicelib.voices.changes import Changes as VoiceChanges
    from chalicelib.voices.citizens import Citizens
    from chalicelib.voices.folding import Folding
    from chalicelib.voices.gallery import Gallery
    from chalicelib.voices.hearing import Hearing
    from chalicelib.voices.service import Voices
    from chalicelib.voices.settings import VoiceSettings
    from chalicelib.voices.store import VoiceStore
    from chalicelib.voices.telling import Telling
    from chalicelib.voices.tending import Tending
    from chalicelib.webhooks.service import Webhooks

POLLERS_SHARE = 0.9
"""What part of a platform's quota the schedule may use up: proofs of handles need the rest."""


@cache
def clock() -> Clock:
    return Clock(settings().clock_file)


@cache
def outbox() -> Outbox:
    from chalicelib.events.bus import Bus
    from chalicelib.events.outbox import Outbox

    return Outbox(Bus(settings().bus))


@cache
def idempotency() -> Idempotency:
    from chalicelib.ops import Idempotency

    return Idempotency(clock())


@cache
def rate_limits() -> RateLimits:
    from chalicelib.ops import RateLimits

    return RateLimits(clock())


@cache
def seen() -> Seen:
    from chalicelib.ops import Seen

    return Seen(clock())


def public_url() -> str:
    return settings().public_url


def cursor_key() -> str:
    from chalicelib.secrets import secrets

    return secrets().keyed_hash("cursor")


@cache
def gate() -> Gate:
    from chalicelib.identity.gate import Gate

    return Gate(tokens(), creator_sessions(), ended_sessions())


@cache
def ended_sessions() -> EndedSessions:
    from chalicelib.identity.ended import EndedSessions

    return EndedSessions(Clock())


@cache
def creator_sessions() -> CreatorSessions:
    from chalicelib.identity.sessions import CreatorSessions
    from chalicelib.platforms.payload import signing_keys
    from chalicelib.secrets import secrets

    def keys() -> list[bytes]:
        given = signing_keys((secrets().platform("sessions") or {}).get("signing_key"))
        return given or [secrets().keyed_hash("creators' sessions").encode()]

    return CreatorSessions(people(), keys, clock())


@cache
def tokens() -> Tokens:
    from chalicelib.identity.tokens import Keys, Pool, Tokens

    pool = Pool(settings().pool_id, settings().pool_client_id, os.environ.get("AWS_ENDPOINT_URL", ""))
    return Tokens(pool, Keys(pool.keys_url), Clock())


@cache
def sign_in() -> SignIn:
    from chalicelib.identity.enrolment import Enrolments
    from chalicelib.identity.service import SignIn
    from chalicelib.identity.staff import StaffPool
    from chalicelib.secrets import secrets

    pool = StaffPool(settings().pool_id, settings().pool_client_id)
    second_factor = settings().stage != "local"
    return SignIn(pool, tokens(), rate_limits(), Enrolments(clock()), secrets().keyed_hash, second_factor)


@cache
def users() -> Users:
    from chalicelib.identity.service import Users
    from chalicelib.identity.staff import StaffPool
    from chalicelib.identity.turn import StaffTurn

    pool = StaffPool(settings().pool_id, settings().pool_client_id)
    return Users(pool, directory(), audit(), ended_sessions(), StaffTurn(Clock()), clock())


@cache
def audit() -> Audit:
    from chalicelib.identity.audit import Audit

    return Audit()


@cache
def letter_desk() -> LetterDesk:
    from chalicelib.dead_letters import DeadLetters, LetterDesk

    return LetterDesk(DeadLetters(settings().stage), audit(), clock())


@cache
def calendar() -> Calendar:
    from chalicelib.directory.elections import ElectionCalendar
    from chalicelib.directory.store import DirectoryStore

    return ElectionCalendar(DirectoryStore())


@cache
def election_desk() -> ElectionDesk:
    from chalicelib.directory.elections import ElectionDesk
    from chalicelib.directory.store import DirectoryStore

    return ElectionDesk(DirectoryStore(), directory(), audit(), clock())


@cache
def directory() -> Directory:
    from chalicelib.directory.service import Directory
    from chalicelib.directory.store import DirectoryStore

    return Directory(DirectoryStore(), audit(), clock())


def _department_ids() -> frozenset[str]:
    return frozenset(department.id for department in directory().departments())


@cache
def groups() -> Groups:
    from chalicelib.groups.service import Groups
    from chalicelib.groups.store import GroupStore

    return Groups(GroupStore(), directory(), _department_ids, people(), audit(), clock())


@cache
def group_kits() -> GroupKits:
    from chalicelib.campaigns.kits import Kits
    from chalicelib.groups.clicks import ClickStore
    from chalicelib.groups.kits import GroupKits
    from chalicelib.secrets import secrets

    return GroupKits(
        groups=groups(),
        store=ClickStore(),
        campaigns=Kits(_campaign_store(), clock(), settings().organisation_name),
        calendar=calendar(),
        audit=audit(),
        clock=clock(),
        keyed_hash=secrets().keyed_hash,
        public_url=public_url(),
        organisation_kind=settings().organisation_kind,
    )


@cache
def coverage() -> Coverage:
    from chalicelib.groups.covering import Coverage
    from chalicelib.groups.nodes import NodeStore

    return Coverage(NodeStore(clock()), directory(), audit(), clock())


@cache
def coverage_fold() -> Fold:
    from chalicelib.groups.fold import Fold
    from chalicelib.groups.nodes import NodeStore

    return Fold(NodeStore(clock()), directory(), roster())


@cache
def groups_kind() -> GroupsKind:
    from chalicelib.groups.intake import GroupsKind
    from chalicelib.groups.store import GroupStore

    return GroupsKind(GroupStore(), directory(), _department_ids, clock())


@cache
def _department_store() -> DepartmentStore:
    from chalicelib.departments.store import DepartmentStore

    return DepartmentStore()


def department_names() -> dict[str, dict[str, str]]:
    return {department.id: department.names for department in directory().departments()}


def shown_departments() -> dict[str, dict[str, str]]:
    """The same as pages show it: a minute old at most."""
    return _departments_in(int(time.monotonic() // 60))


@lru_cache(maxsize=1)
def _departments_in(_minute: int) -> dict[str, dict[str, str]]:
    return department_names()


def shown_themes() -> dict[str, dict[str, str]]:
    """Names of the themes as pages show them: a minute old at most."""
    return _themes_in(int(time.monotonic() // 60))


@lru_cache(maxsize=1)
def _themes_in(_minute: int) -> dict[str, dict[str, str]]:
    return {theme.id: dict(theme.names) for theme in directory().themes()}


@cache
def _changes() -> Changes:
    from chalicelib.departments.changes import Changes

    return Changes(audit(), clock())


@cache
def officers() -> Officers:
    from chalicelib.departments.officers import Officers

    return Officers(
        store=_department_store(),
        departments=department_names,
        find_user=users().pool.find,
        changes=_changes(),
        clock=clock(),
    )


@cache
def department_accounts() -> DepartmentAccounts:
    from chalicelib.departments.accounts import Accounts
    from chalicelib.proving import Proving
    from chalicelib.secrets import secrets

    return Accounts(
        store=_department_store(),
        departments=department_names,
        claims=_people_store,
        proving=lambda: Proving(meter(), secrets(), clock()),
        limits=rate_limits(),
        changes=_changes(),
    )


@cache
def department_kind() -> DepartmentKind:
    from dataclasses import replace

    from chalicelib.departments.changes import JobsChanges
    from chalicelib.departments.intake import DepartmentKind

    return DepartmentKind(
        store=_department_store(),
        names=department_names,
        put_names=directory().put_departments,
        accounts=replace(department_accounts(), changes=JobsChanges(audit(), clock())),
    )


@cache
def ownership() -> Ownership:
    """Codes of creators and of departments; each is one's alone."""
    from chalicelib.influencers.proofs import Heard

    return Heard((proofs, department_accounts))


@cache
def directives() -> Directives:
    from chalicelib.departments.directives import Directives

    return Directives(_department_store(), department_names, _changes(), clock())


@cache
def schemes() -> Schemes:
    from chalicelib.departments.schemes import Schemes

    return Schemes(
        store=_department_store(),
        departments=department_names,
        themes=lambda: {theme.id for theme in directory().themes()},
        changes=_changes(),
        clock=clock(),
    )


@cache
def cards() -> Cards:
    from chalicelib.campaigns.briefs import Briefs
    from chalicelib.departments.schemes import Cards

    return Cards(_department_store(), schemes(), Briefs(_campaign_store()), _changes(), clock())


@cache
def _people_store() -> PeopleStore:
    from chalicelib.influencers.store import PeopleStore
    from chalicelib.secrets import secrets

    return PeopleStore(secrets().keyed_hash, lambda *lost: department_accounts().loses(*lost))


@cache
def service_queue() -> Queue:
    from chalicelib.queues import Queue

    return Queue(settings().service_queue_url)


@cache
def signups() -> Signups:
    from chalicelib.influencers.service import Signups
    from chalicelib.secrets import secrets

    return Signups(
        store=_people_store(),
        queue=service_queue(),
        areas=directory(),
        themes=lambda: [theme.id for theme in directory().themes()],
        limits=rate_limits(),
        secrets=secrets(),
        clock=clock(),
        channels=lambda: platforms().channels(),
        texts=sms_register(),
    )


@cache
def myself() -> Myself:
    from chalicelib.influencers.myself import Myself
    from chalicelib.secrets import secrets

    return Myself(_people_store(), service_queue(), rate_limits(), secrets(), clock())


@cache
def wishes() -> Wishes:
    from chalicelib.influencers.wishes import Wishes
    from chalicelib.secrets import secrets

    return Wishes(
        store=_people_store(),
        areas=directory(),
        themes=lambda: [theme.id for theme in directory().themes()],
        queue=service_queue(),
        audit=audit(),
        limits=rate_limits(),
        secrets=secrets(),
        clock=clock(),
    )


@cache
def inbox() -> Inbox:
    from chalicelib.campaigns.given import Given
    from chalicelib.dispatch.received import Histories
    from chalicelib.influencers.inbox import Inbox

    return Inbox(
        people=_people_store(),
        histories=Histories(_dispatch_store(), clock()),
        campaigns=Given(_campaign_store(), clock(), settings().organisation_name, shelf().shown),
    )


@cache
def resuming() -> Resuming:
    from chalicelib.influencers.resuming import Resuming
    from chalicelib.secrets import secrets

    return Resuming(_people_store(), service_queue(), rate_limits(), secrets(), clock())


@cache
def proofs() -> Proofs:
    from chalicelib.influencers.proofs import Proofs
    from chalicelib.secrets import secrets

    return Proofs(_people_store(), meter(), audit(), rate_limits(), secrets(), clock())


@cache
def people() -> People:
    from chalicelib.influencers.service import People

    return People(_people_store(), signups())


@cache
def _ambassador_store() -> AmbassadorStore:
    from chalicelib.ambassadors.store import AmbassadorStore

    return AmbassadorStore()


@cache
def ambassadors() -> Ambassadors:
    from chalicelib.ambassadors.service import Ambassadors

    return Ambassadors(
        store=_ambassador_store(),
        areas=directory(),
        people=people(),
        appointees=people(),
        audit=audit(),
        clock=clock(),
        staff_name=lambda user: getattr(users().pool.find(user), "name", ""),
    )


@cache
def printer() -> Printer:
    from chalicelib.ambassadors.printed import Printer
    from chalicelib.files import Files

    return Printer(Files(settings().bucket), public_url())


@cache
def shortlist() -> Shortlist:
    from chalicelib.ambassadors.shortlist import Shortlist

    return Shortlist(_ambassador_store(), directory(), roster(), people(), clock())


@cache
def gaps() -> Gaps:
    from chalicelib.ambassadors.gaps import Gaps

    return Gaps(_ambassador_store(), directory(), roster(), clock())


@cache
def invitations() -> Invitations:
    from chalicelib.ambassadors.invitations import Invitations
    from chalicelib.campaigns.times import quiet_setting

    def held(path: Sequence[str]) -> bool:
        stops = standing_stops()()
        return "all" in stops.scopes or stops.hold_area(path)

    return Invitations(
        store=_ambassador_store(),
        areas=directory(),
        invitees=people(),
        sender=direct_sender(),
        texts=sms_register(),
        queue=service_queue(),
        offered=lambda: {channel.medium for channel in platforms().channels()},
        calendar=calendar,
        held=held,
        quiet=quiet_setting(settings().quiet_hours).hours,
        limits=rate_limits(),
        audit=audit(),
        clock=clock(),
        organisation=settings().organisation_name,
        organisation_kind=settings().organisation_kind,
        public_url=public_url(),
        unsubscribe_url=lambda invitation: unsubscribing().url(invitation),
    )


def unsubscribers(subject: str) -> Invitations | People:
    """Who ends the emails to a person, or to the address of an invitation."""
    return invitations() if subject.startswith("inv_") else people()


@cache
def unsubscribing() -> Unsubscribing:
    from chalicelib.secrets import secrets
    from chalicelib.unsubscribing import Unsubscribing

    return Unsubscribing(secrets().keyed_hash, public_url())


@cache
def register() -> Register:
    from chalicelib.influencers.service import Register

    return Register(_people_store(), directory(), audit(), clock())


@cache
def messenger() -> Messenger:
    from chalicelib.influencers.service import Messenger
    from chalicelib.secrets import secrets

    return Messenger(_people_store(), direct_sender(), secrets(), clock(), public_url(), sms_register())


@cache
def roster() -> RosterStore:
    from chalicelib.influencers.rosters import RosterStore

    return RosterStore(lambda: [theme.id for theme in directory().themes()], clock())


@cache
def platforms() -> Platforms:
    from chalicelib.platforms.http_client import HttpClient
    from chalicelib.platforms.registry import Platforms
    from chalicelib.secrets import secrets

    words = sms_register().words
    return Platforms(secrets(), HttpClient(), settings().platform_url, public_url(), words)


@cache
def sms_register() -> SmsRegister:
    from chalicelib.campaigns.register import SmsRegister

    return SmsRegister(_campaign_store())


@cache
def meter() -> Meter:
    """What platforms tell of posts and accounts, within their quotas."""
    from chalicelib.metering import Metered
    from chalicelib.ops import Budgets

    return Metered(platforms(), Budgets(clock()))


@cache
def _scheduled_meter() -> Meter:
    from chalicelib.metering import Metered
    from chalicelib.ops import Budgets

    return Metered(platforms(), Budgets(clock()), POLLERS_SHARE)


@cache
def poller() -> Poller:
    from chalicelib.metrics.poller import Poller
    from chalicelib.metrics.snapshots import Snapshots
    from chalicelib.platforms.registry import MEASURERS

    return Poller(Snapshots(), _scheduled_meter(), posts().learned, clock(), tuple(MEASURERS))


@cache
def uploads() -> Uploads:
    from chalicelib.files import Files
    from chalicelib.uploads import Uploads

    return Uploads(Files(settings().bucket), rate_limits(), clock())


@cache
def _policy_store() -> PolicyStore:
    from chalicelib.policies.store import PolicyStore

    return PolicyStore()


@cache
def policies() -> Policies:
    from chalicelib.policies.service import Policies

    return Policies(_policy_store(), directory(), audit(), clock())


@cache
def profiles() -> Profiles:
    from chalicelib.influencers.profiles import Profiles

    return Profiles(_people_store(), register())


@cache
def tiers() -> Tiers:
    from chalicelib.metrics.activity import Activity
    from chalicelib.policies.tiers import Tiers

    return Tiers(policies(), profiles(), Activity(_post_store()), directory(), clock())


@cache
def appeals() -> Appeals:
    from chalicelib.policies.appeals import Appeals

    return Appeals(_policy_store(), tiers(), profiles(), directory(), rate_limits(), audit(), clock())


PICTURES_SHOWN_S = 3600
"""How long the pictures of an export can be opened."""


def personal_records() -> tuple[PersonalRecords, ...]:
    """What features keep of a person beside the register: all of it is in an export, and goes with an
    erasure."""
    return (_own_posts(), _remembered(), appeals(), voices(), ambassadors())


def records_of_leaving() -> tuple[PersonalRecords, ...]:
    """Of these, what goes already when somebody leaves."""
    return (_own_posts(), appeals(), voices())


@cache
def _own_posts() -> OwnPosts:
    from chalicelib.files import Files
    from chalicelib.metrics.own import OwnPosts
    from chalicelib.metrics.snapshots import Snapshots

    files = Files(settings().bucket)
    return OwnPosts(posts(), Snapshots(), lambda key: files.link(key, PICTURES_SHOWN_S))


@cache
def _remembered() -> Remembered:
    from chalicelib.campaigns.briefs import Briefs
    from chalicelib.dispatch.remembered import Remembered

    return Remembered(_dispatch_store(), runs(), Briefs(_campaign_store()).brief, clock())


@cache
def exporting() -> Exporting:
    from chalicelib.influencers.exporting import Exporting

    return Exporting(_people_store(), personal_records, rate_limits(), audit(), clock())


@cache
def erasing() -> Erasing:
    from chalicelib.influencers.erasing import Erasing

    def more(left: Left) -> None:
        for source in left.sources:
            voices().forget_source(source, parse_rfc3339(left.at))
        groups().forget_admin(left.person, left.path)

    return Erasing(
        store=_people_store(),
        records=personal_records,
        sources=lambda channel, address: voices().source(channel, address),
        more=more,
        audit=audit(),
        clock=clock(),
    )


@cache
def measuring() -> Measuring:
    from chalicelib.files import Files
    from chalicelib.metrics.measuring import Measuring
    from chalicelib.metrics.snapshots import Snapshots

    return Measuring(Snapshots(), Files(settings().bucket), uploads(), rate_limits(), clock())


@cache
def post_sums() -> PostSums:
    from chalicelib.metrics.impact import Impact
    from chalicelib.metrics.snapshots import Snapshots

    return Impact(_post_store(), Snapshots(), clock())


@cache
def accounts() -> Accounts:
    from chalicelib.influencers.accounts import Handles

    return Handles(_people_store(), lambda owner: department_accounts().handles_of(owner))


@cache
def followers() -> Followers:
    from chalicelib.metrics.followers import Followers

    return Followers(accounts(), _scheduled_meter(), clock())


@cache
def subscriptions() -> Subscriptions:
    from chalicelib.metrics.follows import Follows
    from chalicelib.metrics.subscriptions import Subscriptions

    return Subscriptions(
        store=Follows(),
        hubs=platforms(),
        meter=_scheduled_meter(),
        accounts=accounts(),
        people=people(),
        webhook=lambda platform: f"{public_url()}/webhooks/{platform}",
        clock=clock(),
    )


@cache
def _dispatch_store() -> DispatchStore:
    from chalicelib.dispatch.store import DispatchStore

    return DispatchStore()


@cache
def planner() -> Planner:
    from chalicelib.dispatch.fallback import Fallbacks
    from chalicelib.dispatch.planner import Planner
    from chalicelib.queues import Queue

    plan, send = Queue(settings().plan_queue_url), Queue(settings().send_queue_url)
    fallbacks = Fallbacks(_dispatch_store(), runs(), people(), send, clock())
    return Planner(
        _dispatch_store(), runs(), roster(), plan, send, platforms(), _paces(), clock(), fallbacks, waiting()
    )


@cache
def waiting() -> Waiting:
    from chalicelib.dispatch.waiting import Waiting
    from chalicelib.queues import Queue

    return Waiting(
        store=_dispatch_store(),
        runs=runs(),
        people=people(),
        gateway=platforms(),
        direct=direct_sender(),
        calendar=calendar(),
        stops=standing_stops(),
        plan_queue=Queue(settings().plan_queue_url),
        clock=clock(),
    )


@cache
def sender() -> Sender:
    from concurrent.futures import ThreadPoolExecutor

    from chalicelib.dispatch.model import CHUNK_SIZE
    from chalicelib.dispatch.sender import Sender
    from chalicelib.events.bus import Bus
    from chalicelib.queues import Queue

    return Sender(
        store=_dispatch_store(),
        runs=runs(),
        people=people(),
        gateway=platforms(),
        bus=Bus(settings().bus),
        send_queue=Queue(settings().send_queue_url),
        clock=clock(),
        stops=standing_stops(),
        calendar=calendar(),
        plan_queue=Queue(settings().plan_queue_url),
        paces=_paces(),
        channel_halts=breaker(),
        campaign_halts=campaign_halts(),
        threads=ThreadPoolExecutor(CHUNK_SIZE),
        weekly_cap=settings().weekly_cap,
    )


@cache
def _paces() -> Paces:
    from chalicelib.dispatch.paces import Paces

    return Paces()


@cache
def standing_stops() -> StandingStops:
    from chalicelib.dispatch.stops import StandingStops

    return StandingStops(_dispatch_store())


@cache
def breaker() -> Breaker:
    from chalicelib.dispatch.channels import Breaker
    from chalicelib.events.bus import Bus
    from chalicelib.queues import Queue

    return Breaker(
        _dispatch_store(),
        platforms(),
        runs(),
        Queue(settings().plan_queue_url),
        audit(),
        Bus(settings().bus),
        clock(),
    )


@cache
def campaign_halts() -> CampaignHalts:
    from chalicelib.campaigns.halts import Halts

    return Halts(campaigns(), _campaign_store())


@cache
def channel_desk() -> ChannelDesk:
    from chalicelib.dispatch.channels import ChannelDesk
    from chalicelib.dispatch.direct import Direct

    store = _dispatch_store()
    direct = Direct(store, platforms(), clock(), standing_stops())
    return ChannelDesk(platforms(), _paces(), store, direct, audit(), clock())


@cache
def stop_desk() -> StopDesk:
    from chalicelib.dispatch.stops import StopDesk, only
    from chalicelib.queues import Queue

    exists = {
        "channel": only(lambda: platforms().channels_and_platforms()),
        "department": only(lambda: {department.id for department in directory().departments()}),
        "area": lambda area: directory().get(area) is not None,
    }
    return StopDesk(
        _dispatch_store(), exists, directory(), runs(), Queue(settings().plan_queue_url), audit(), clock()
    )


@cache
def direct_sender() -> DirectSender:
    from chalicelib.dispatch.direct import Direct

    return Direct(_dispatch_store(), platforms(), clock(), standing_stops())


@cache
def confirmer() -> DirectSender:
    """Answers to a person's own STOP or START: no stop holds them back."""
    from chalicelib.dispatch.direct import Direct

    return Direct(_dispatch_store(), platforms(), clock())


@cache
def tallies() -> Tallies:
    from chalicelib.dispatch.tallying import Tallying
    from chalicelib.queues import Queue

    return Tallying(_dispatch_store(), runs(), Queue(settings().plan_queue_url), clock())


@cache
def reporter() -> Reporter:
    from chalicelib.dispatch.report import Reporter

    return Reporter(_dispatch_store(), platforms(), clock())


@cache
def officer() -> Officer:
    from chalicelib.dispatch.officer import Officer

    return Officer(_dispatch_store(), directory(), platforms(), audit(), clock())


@cache
def bundler() -> Bundler:
    from chalicelib.dispatch.bundle import Bundler
    from chalicelib.files import Files
    from chalicelib.queues import Queue

    return Bundler(
        store=_dispatch_store(),
        runs=runs(),
        areas=directory(),
        gateway=platforms(),
        audit=audit(),
        files=Files(settings().bucket),
        plan_queue=Queue(settings().plan_queue_url),
        clock=clock(),
        organisation_kind=settings().organisation_kind,
    )


@cache
def decisions() -> Decisions:
    from chalicelib.dispatch.decisions import Decisions
    from chalicelib.queues import Queue

    return Decisions(_dispatch_store(), runs(), audit(), Queue(settings().send_queue_url), clock())


@cache
def _turnout_store() -> TurnoutStore:
    from chalicelib.turnout.store import TurnoutStore

    return TurnoutStore()


@cache
def turnout() -> Turnout:
    from chalicelib.turnout.places import Places

    return Places(_turnout_store(), directory)


@cache
def turnouts() -> Turnouts:
    from chalicelib.turnout.service import Turnouts

    return Turnouts(
        _turnout_store(),
        directory(),
        children=lambda area: directory().children(area),
        calendar_knows=lambda election: calendar().knows(election),
        audit=audit(),
        clock=clock(),
    )


@cache
def turnout_kind() -> TurnoutKind:
    from chalicelib.turnout.intake import TurnoutKind

    return TurnoutKind(_turnout_store(), directory(), clock())


@cache
def match_kind() -> MatchKind:
    from chalicelib.turnout.intake import MatchKind

    return MatchKind(_turnout_store())


@cache
def _campaign_store() -> CampaignStore:
    from chalicelib.campaigns.store import CampaignStore

    return CampaignStore()


@cache
def runs() -> Runs:
    from chalicelib.campaigns.runs import Runs

    return Runs(
        _campaign_store(),
        clock(),
        settings().organisation_kind,
        unsubscribe_url=lambda person: unsubscribing().url(person),
        turnout=turnout,
    )


@cache
def publishing() -> Publishing:
    from chalicelib.campaigns.publishing import Publishing
    from chalicelib.queues import Queue

    return Publishing(
        store=_campaign_store(),
        runs=runs(),
        sums=reporter(),
        areas=directory(),
        departments=department_names,
        themes=lambda: {theme.id: theme.names for theme in directory().themes()},
        plan_queue=Queue(settings().plan_queue_url),
        clock=clock(),
    )


@cache
def campaigns() -> Campaigns:
    from chalicelib.campaigns.service import Campaigns
    from chalicelib.campaigns.times import quiet_setting
    from chalicelib.queues import Queue

    return Campaigns(
        store=_campaign_store(),
        areas=directory(),
        themes=lambda: {theme.id for theme in directory().themes()},
        departments=lambda: {department.id for department in directory().departments()},
        schemes=schemes,
        roster=roster,
        gateway=platforms(),
        medium_of=lambda channel_id: platforms().channel(channel_id).medium,
        audit=audit(),
        plan_queue=Queue(settings().plan_queue_url),
        clock=clock(),
        law=_election_law(),
        organisation_kind=settings().organisation_kind,
        organisation=settings().organisation_name,
        turnout=turnout,
        quiet_hours=quiet_setting(settings().quiet_hours),
        shelf=shelf(),
    )


@cache
def shelf() -> Shelf:
    from chalicelib.campaigns.shelf import Shelf
    from chalicelib.files import Files

    return Shelf(Files(settings().bucket), uploads())


@cache
def counting() -> Counting:
    from chalicelib.campaigns.counting import Counting

    return Counting(campaigns())


@cache
def corrections() -> Corrections:
    from chalicelib.campaigns.corrections import Corrections

    return Corrections(campaigns())


@cache
def _election_law() -> ElectionLaw:
    from chalicelib.campaigns.law import ElectionLaw
    from chalicelib.directory.elections import ElectionCalendar
    from chalicelib.directory.store import DirectoryStore

    return ElectionLaw(lambda: ElectionCalendar(DirectoryStore()), directory(), settings().organisation_kind)


@cache
def overrides() -> Overrides:
    from chalicelib.campaigns.law import Overrides

    return Overrides(_campaign_store(), _election_law(), audit(), clock())


@cache
def _post_store() -> PostStore:
    from chalicelib.metrics.store import PostStore
    from chalicelib.platforms.registry import MEASURERS
    from chalicelib.secrets import secrets

    return PostStore(secrets().keyed_hash, MEASURERS.__contains__)


def _account_id(platform: str, handle: str) -> str:
    reading = _scheduled_meter().read_account(platform, handle)
    return reading.account if reading else ""


@cache
def received() -> Deliveries:
    from chalicelib.dispatch.received import Deliveries

    return Deliveries(_dispatch_store(), runs())


@cache
def posts() -> Posts:
    from chalicelib.campaigns.briefs import Briefs
    from chalicelib.files import Files
    from chalicelib.metrics.service import Posts

    return Posts(
        store=_post_store(),
        people=people(),
        handles=accounts(),
        briefs=Briefs(_campaign_store()),
        deliveries=received(),
        departments=lambda: {department.id for department in directory().departments()},
        limits=rate_limits(),
        audit=audit(),
        clock=clock(),
        account_id=_account_id,
        shred=lambda key: Files(settings().bucket).delete(key),
        measured=lambda post_id, news, at: measuring().told(post_id, news, at),
        knows=lambda who, campaign: campaigns().knows(who, campaign),
    )


@cache
def _letterbox() -> Letterbox:
    from chalicelib.callbacks.letters import Bucket, Letterbox
    from chalicelib.queues import Queue

    return Letterbox(Queue(settings().callbacks_queue_url), Bucket(settings().bucket))


@cache
def receiver() -> Receiver:
    from chalicelib.callbacks.receiver import Receiver

    return Receiver(platforms(), _letterbox(), clock())


@cache
def callbacks() -> Callbacks:
    from chalicelib.callbacks.service import Callbacks
    from chalicelib.callbacks.store import CallbackStore
    from chalicelib.events.bus import Bus
    from chalicelib.platforms.registry import ADAPTERS
    from chalicelib.secrets import secrets

    letterbox = _letterbox()
    return Callbacks(
        adapters=ADAPTERS,
        letterbox=letterbox,
        people=people(),
        tallies=tallies(),
        waiting=waiting(),
        posts=posts(),
        voices=hearing(),
        follows=subscriptions(),
        ownership=ownership(),
        direct=confirmer(),
        texts=sms_register(),
        seen=seen(),
        store=CallbackStore(letterbox.bucket, clock()),
        bus=Bus(settings().bus),
        channel_halts=breaker(),
        campaign_halts=campaign_halts(),
        pseudonym=secrets().keyed_hash,
    )


@cache
def area_kind() -> AreaKind:
    from chalicelib.directory.kind import AreaKind
    from chalicelib.directory.store import DirectoryStore

    return AreaKind(DirectoryStore(), clock(), _filed_by_path)


def _filed_by_path() -> tuple[Refiling, ...]:
    from chalicelib.ambassadors.refile import AmbassadorsRefiled
    from chalicelib.groups.refile import GroupsRefiled
    from chalicelib.groups.store import GroupStore
    from chalicelib.influencers.refile import PeopleRefiled
    from chalicelib.policies.refile import AppealsRefiled
    from chalicelib.turnout.refile import TurnoutRefiled
    from chalicelib.voices.refile import VoicesRefiled

    return (
        PeopleRefiled(_people_store(), directory()),
        GroupsRefiled(GroupStore(), directory()),
        AmbassadorsRefiled(_ambassador_store(), directory()),
        AppealsRefiled(_policy_store(), directory()),
        TurnoutRefiled(_turnout_store(), directory()),
        VoicesRefiled(_voice_store(), _voice_changes(), directory()),
    )


@cache
def influencers_kind() -> InfluencersKind:
    from chalicelib.influencers.intake import InfluencersKind

    return InfluencersKind(_people_store(), directory(), lambda: [one.id for one in directory().themes()])


@cache
def import_kinds() -> Kinds:
    """What can be imported: by its name, built when it is wanted."""
    return {
        "areas": area_kind,
        "departments": department_kind,
        "groups": groups_kind,
        "influencers": influencers_kind,
        "turnout": turnout_kind,
        "turnout_matches": match_kind,
    }


@cache
def imports() -> Imports:
    from chalicelib.files import Files
    from chalicelib.imports.service import Imports
    from chalicelib.imports.store import JobStore
    from chalicelib.queues import Queue

    return Imports(
        store=JobStore(),
        kinds=import_kinds(),
        files=Files(settings().bucket),
        queue=Queue(settings().imports_queue_url),
        audit=audit(),
        limits=rate_limits(),
        clock=clock(),
    )


@cache
def import_runner() -> Runner:
    from chalicelib.files import Files
    from chalicelib.imports.runner import Runner
    from chalicelib.imports.store import JobStore
    from chalicelib.queues import Queue

    queue = Queue(settings().imports_queue_url)
    return Runner(JobStore(), import_kinds(), Files(settings().bucket), queue, clock())


@cache
def webhooks() -> Webhooks:
    from chalicelib.queues import Queue
    from chalicelib.secrets import secrets
    from chalicelib.webhooks.poster import Poster
    from chalicelib.webhooks.service import Webhooks
    from chalicelib.webhooks.store import Standings

    laptop = settings().stage == "local"
    return Webhooks(
        entries=lambda: secrets().all().get("webhooks", {}),
        standings=Standings(),
        poster=Poster(loopback=laptop),
        queue=Queue(settings().webhooks_queue_url),
        dead=Queue(settings().webhooks_dead_url),
        audit=audit(),
        clock=clock(),
        public_url=public_url(),
        loopback=laptop,
    )


@cache
def _voice_store() -> VoiceStore:
    from chalicelib.voices.store import VoiceStore

    return VoiceStore()


@cache
def _voice_changes() -> VoiceChanges:
    from chalicelib.voices.changes import Changes

    return Changes(_voice_store(), audit(), clock(), settings().voice_months)


@cache
def voice_settings() -> VoiceSettings:
    from chalicelib.voices.settings import VoiceSettings

    return VoiceSettings(_voice_store(), directory(), _department_ids, audit(), clock())


@cache
def voices() -> Voices:
    from chalicelib.files import Files
    from chalicelib.secrets import secrets
    from chalicelib.voices.service import Voices

    return Voices(
        store=_voice_store(),
        settings=voice_settings(),
        changes=_voice_changes(),
        areas=directory(),
        departments=department_names,
        audit=audit(),
        clock=clock(),
        keyed_hash=secrets().keyed_hash,
        drop=Files(settings().bucket).delete,
    )


@cache
def hearing() -> Hearing:
    from chalicelib.voices.hearing import Hearing
    from chalicelib.voices.places import Districts

    return Hearing(
        voices=voices(),
        people=people(),
        districts=Districts(directory()),
        cameras=platforms(),
        queue=service_queue(),
        waiting=telling(),
        public_url=public_url(),
        months=settings().voice_months,
    )


@cache
def telling() -> Telling:
    from chalicelib.voices.telling import Telling

    return Telling(voices(), people(), direct_sender(), sms_register(), clock(), public_url())


@cache
def gallery() -> Gallery:
    from chalicelib.files import Files
    from chalicelib.voices.gallery import Gallery

    return Gallery(voices(), Files(settings().bucket), uploads(), platforms(), telling())


@cache
def citizens() -> Citizens:
    from chalicelib.secrets import secrets
    from chalicelib.voices.citizens import Citizens

    return Citizens(
        voices=voices(),
        gallery=gallery(),
        areas=directory(),
        departments=department_names,
        people=people(),
        limits=rate_limits(),
        keyed_hash=secrets().keyed_hash,
        clock=clock(),
        public_url=public_url(),
    )


def voice_desk() -> VoiceDesk:
    from chalicelib.files import Files
    from chalicelib.voices.casework import VoiceDesk

    return VoiceDesk(
        store=_voice_store(),
        settings=voice_settings(),
        changes=_voice_changes(),
        areas=directory(),
        departments=_department_ids,
        by_ticket=voices().by_ticket,
        link=Files(settings().bucket).link,
        audit=audit(),
        clock=clock(),
    )


@cache
def voice_tending() -> Tending:
    from chalicelib.departments.officers import Duties
    from chalicelib.identity.service import Coordinators
    from chalicelib.identity.staff import StaffPool
    from chalicelib.voices.notices import Notices
    from chalicelib.voices.tending import Tending

    notices = Notices(
        officers=Duties(_department_store()),
        coordinators=Coordinators(StaffPool(settings().pool_id, settings().pool_client_id)),
        direct=direct_sender(),
        texts=sms_register(),
        department_name=lambda department, language: department_names().get(department, {}).get(language, ""),
        clock=clock(),
    )
    return Tending(_voice_store(), _voice_changes(), telling(), notices, clock(), voices().forget_sender)


@cache
def voice_counts() -> Folding:
    from chalicelib.voices.folding import Folding

    return Folding(_voice_store(), clock())
