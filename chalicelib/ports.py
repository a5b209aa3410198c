"""What features show each other: small read interfaces and the values that cross them.

Features never import one another. Each protocol here is implemented by one feature and handed to the others
by `wiring`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo

from chalicelib.clock import IST
from chalicelib.errors import InvalidInput
from chalicelib.identity.roles import Principal
from chalicelib.platforms.base import Engaged, Inbound, Leased, Line, Measured, Outgoing, Posted, Scope

Transaction = Any
"""An open transaction of the tables: what adds to one is handed on, and knows no table of others."""

# --- directory ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Area:
    """A node of the tree India › state › district › block › booth. `path` holds the ids from `IN` to the node
    itself."""

    id: str
    level: Literal["country", "state", "district", "block", "booth"]
    path: tuple[str, ...]
    names: Mapping[str, str]
    codes: Mapping[str, str] = field(default_factory=dict)
    """Official codes: `lgd`, `iso`, `iso_before` (ISO 3166-2 as before 2023), `eci`, `census`, `ward`."""
    aliases: tuple[str, ...] = ()
    """Other names by which it is found."""
    valid_from: str = ""
    """The day on which it was made, where that is known."""
    valid_until: str = ""
    """Its last day, when it ended by a merger or a split: it still resolves, and is offered to nobody."""
    successors: tuple[str, ...] = ()
    """Ids of the areas that came in its place."""

    @property
    def parent(self) -> str | None:
        return self.path[-2] if len(self.path) > 1 else None

    @property
    def roster_partition(self) -> str:
        """Where people of this area lie in the roster: their district, or `IN` / `ST#<state>` above
        districts."""
        if self.level == "country":
            return "IN"
        return f"ST#{self.id}" if self.level == "state" else self.path[2]

    @property
    def roster_prefix(self) -> str:
        """The ids below the district joined by `/`; empty for the district itself and above."""
        return "/".join(self.path[3:])


@dataclass(frozen=True)
class RosterRange:
    """One stretch of the roster: a partition and the beginning of its sort keys."""

    partition: str
    prefix: str = ""


@dataclass(frozen=True)
class Election:
    """What the election calendar says of one place at one time."""

    silent: bool = False
    """Whether these are the 48 h that end when polling ends there; so for a place that is not known."""
    codes: frozenset[str] = frozenset()
    """Ids of the elections whose code of conduct binds there now."""


@dataclass(frozen=True)
class Polling:
    """An election, or one phase of it, as it stands on the calendar: silence and code hold from their first
    moment until right before their last."""

    id: str
    name: str
    areas: tuple[str, ...]
    """Ids of the areas, with all below, in which it is held."""
    silence_from: datetime
    polling_ends: datetime
    code_from: datetime
    code_until: datetime


class Calendar(Protocol):
    """The election calendar. Whoever is known only by an area above an election's may live in it: it counts
    there too. What cannot be read raises."""

    def at(self, path: Sequence[str], when: datetime) -> Election:
        """What holds in the area with this path (ids from `IN` to itself; empty: not known) at that time."""
        ...

    def codes(self, paths: Iterable[Sequence[str]], when: datetime) -> dict[str, str]:
        """The elections, id to name, whose code of conduct binds at that time in one of these areas, or in a
        part of it."""
        ...

    def silent_throughout(self, path: Sequence[str], begins: datetime, ends: datetime) -> bool:
        """Whether everybody in this area has silence from `begins` to `ends`, without a gap."""
        ...

    def knows(self, election: str) -> bool:
        """Whether an election of this id is on the calendar."""
        ...

    def between(self, paths: Iterable[Sequence[str]], begins: datetime, ends: datetime) -> list[Polling]:
        """The elections whose silence or code holds in one of these areas, or in a part of it, at some time
        from `begins` to `ends`; the soonest polling first."""
        ...


def keeps_silence(kind: str, organisation_kind: str) -> bool:
    """Whether a campaign of this kind stops in silence: electioneering, and all that a party spreads but
    emergencies (docs/law.md)."""
    return kind == "electioneering" or (kind == "awareness" and organisation_kind == "party")


def needs_override(kind: str, organisation_kind: str) -> bool:
    """Whether a code of conduct holds a campaign of this kind back: a government's awareness campaign
    (docs/law.md)."""
    return kind == "awareness" and organisation_kind == "public_body"


class Areas(Protocol):
    def get(self, area_id: str, *, fresh: bool = False) -> Area | None:
        """The area, which may be minutes old. `fresh`: see `many`."""
        ...

    def many(self, area_ids: Collection[str], *, fresh: bool = False) -> dict[str, Area]:
        """Those of these areas that there are, a request for each hundred; they may be minutes old. `fresh`:
        as they were last written, for who writes down where something lies."""
        ...

    def children(self, parent: str) -> list[Area]:
        """All areas right below one; they may be minutes old."""
        ...

    def ranges(self, area_ids: Sequence[str], *, fresh: bool = False) -> list[RosterRange]:
        """The stretches of the roster that hold everyone in these areas and below: sorted, none inside
        another; they may be minutes old. `fresh`: as the areas were last written, for who writes them down.

        Raises InvalidInput for an area that does not exist.
        """
        ...


class Refiling(Protocol):
    """Files anew what a feature keeps by the path of an area, once areas have moved: a district into another
    state, a booth into another block."""

    def refile(self, before: Sequence[str], district: Area) -> bool:
        """Looks at all that lies in a district, whose path was `before`, and files what lies elsewhere by now
        where the directory has it; at most as much as fits an invocation. Whether more may be left. May be
        repeated, and two may run at once."""
        ...


# --- imports ------------------------------------------------------------------------------------------------


Record = TypeVar("Record")
Effect = Literal["new", "changed", "same"]
"""What taking a record does to what is stored."""


@dataclass(frozen=True)
class Column:
    """A column of a file: our name for it, and other headers under which public files carry it."""

    name: str
    also: tuple[str, ...] = ()
    required: bool = False


NOBODY = Principal("system", "", "", frozenset())
"""Covers no area and no department."""


@dataclass(frozen=True)
class ImportJob:
    """The job in whose course a record is taken: whose word it is, and what was said of the whole file."""

    id: str
    actor: str
    at: datetime
    options: Mapping[str, str] = field(default_factory=dict)
    """What holds for all rows: `election`, `source` … as the kind allows."""
    caller: Principal = NOBODY
    """Who started it, with the areas and departments that they had then."""
    columns: frozenset[str] = frozenset()
    """The columns that the file has, by our names; empty while the file has not been read."""


class ImportKind(Protocol[Record]):
    """One kind of file that can be imported, implemented by the feature whose records it fills.

    The job reads the file in slices, finds repeated keys, counts, keeps the errors by row and goes on where
    it broke off; a kind knows what a row means. After a crash the same slice comes again: `write` is
    idempotent.
    """

    @property
    def name(self) -> str: ...

    @property
    def columns(self) -> Sequence[Column]: ...

    @property
    def options(self) -> Sequence[str]:
        """Options without which the job is refused."""
        ...

    def check(self, job: ImportJob) -> None:
        """Raises InvalidInput for options that make no sense, Forbidden for what this caller may not fill.

        Asked when the job is made, and once more when the header was read: `job.columns` may then be refused,
        with the column's name as `field`.
        """
        ...

    def read(self, cells: Mapping[str, str], job: ImportJob) -> Record:
        """One row, its cells by our names for the columns, composed (NFC) and without stray spaces; columns
        that the file lacks are absent. Raises InvalidInput with the column's name as `field`."""
        ...

    def key(self, record: Record) -> str:
        """What makes a record one: the second of two rows with this key is a duplicate and is not taken."""
        ...

    def compare(self, records: Sequence[Record], job: ImportJob) -> list[Effect | InvalidInput]:
        """What writing each of up to 100 records would do, in their order, by as few reads as possible; or
        why it may not be written. Writes nothing: a dry run ends here."""
        ...

    def write(self, records: Sequence[Record], job: ImportJob) -> None:
        """Stores these (up to 100 whose effect is new or changed), by batch writes. May be repeated."""
        ...

    def finish(self, job: ImportJob) -> bool | float | None:
        """Once all is written: what is summed over the file's places, or follows from it. May be repeated.
        True when it has done a part that fits an invocation, and is to be called again for more; a number of
        seconds (15 minutes at most) when that is to be later."""
        ...


# --- turnout ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LowPlaces:
    """The places of one district in which few voted, by the rules of one audience."""

    areas: frozenset[str] = frozenset()
    """Booths; and blocks and the district by their sums."""
    told_blocks: frozenset[str] = frozenset()
    """Blocks that have a sum of their own."""

    def holds(self, row: RosterRow) -> bool:
        """Whether this person's own area is among them. Somebody known by a block of which nothing is told
        counts by the district; above districts nobody is."""
        own = row.area_key.rpartition("#")[0].rpartition("/")[2] or row.partition
        if "-B" in own and own not in self.told_blocks:
            own = row.partition
        return own in self.areas


class Turnout(Protocol):
    """Who voted where, last time: which places audiences may prefer."""

    def latest(self, districts: Iterable[str], election: str = "") -> dict[str, str]:
        """The latest election of which something is reported there, or the one that is named, by district;
        without the districts of which nothing is."""
        ...

    def low_places(
        self, district: str, election: str, *, below: float | None, lowest_share: float | None
    ) -> LowPlaces:
        """The places of a district whose reported turnout at this election is under `below` (a share from 0
        to 1), and which lie among the `lowest_share` of its booths. What did not report is never among
        them."""
        ...


# --- departments --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SchemeBrief:
    """What a campaign must know of a scheme that it cites."""

    id: str
    department: str
    names: Mapping[str, str]
    """By language: it has words in these alone."""
    ended: bool = False


class Schemes(Protocol):
    def briefs(self, ids: Sequence[str]) -> dict[str, SchemeBrief]:
        """The schemes of these ids, as they are today; unknown ones are absent."""
        ...


# --- influencers --------------------------------------------------------------------------------------------


def is_paused(until: str, at: datetime) -> bool:
    """Whether somebody who wants no campaigns before the day `until` (of India's calendar, `2026-12-31`;
    empty: they get them) is to get none at this time."""
    return at.astimezone(IST).date().isoformat() < until


@dataclass(frozen=True)
class RosterRow:
    """One person who can be reached, as the roster has it (it may lag behind; the sender looks again)."""

    id: str
    partition: str
    area_key: str
    language: str
    themes: frozenset[str] = frozenset()
    followers: Mapping[str, int] = field(default_factory=dict)
    professions: frozenset[str] = frozenset()
    gender: str = ""
    channels: tuple[str, ...] = ()
    """Channels with an address and a consent for campaigns, preferred first."""
    verified: Mapping[str, int] = field(default_factory=dict)
    """Of `followers`, the largest number by platform that the platform itself has told."""
    proven: frozenset[str] = frozenset()
    """Platforms on which an account was shown to be this person's."""
    paused: bool = False
    """Whether they want no campaigns for now."""


class Roster(Protocol):
    def count(self, where: RosterRange) -> int:
        """How many rows there are in a stretch now, read consistently."""
        ...

    def page(self, where: RosterRange, after: str | None, limit: int) -> tuple[list[RosterRow], str | None]:
        """Up to `limit` rows in key order behind the sort key `after`, and the key to go on from (None: the
        end)."""
        ...


@dataclass(frozen=True)
class Contact:
    """What the sender must know of a person at the moment of sending."""

    id: str
    status: str
    name: str
    language: str
    area_path: tuple[str, ...]
    addresses: Mapping[str, str]
    consents: frozenset[tuple[str, str]]
    """(purpose, channel) pairs that are granted now."""
    suppressed: frozenset[str]
    """Channels whose address may not be messaged."""
    paused_until: str = ""
    """The first day on which they want campaigns again (`is_paused`)."""


class People(Protocol):
    def contacts(self, ids: Sequence[str]) -> dict[str, Contact]:
        """The contacts of up to 25 people, read consistently in one request; who was erased is absent."""
        ...

    def owner(self, channel: str, address: str) -> str | None:
        """Who has proven that this address is theirs; None when nobody has."""
        ...

    def stop(self, channel: str, address: str, *, evidence: str, at: datetime) -> str | None:
        """Suppresses the address for everything but service messages; the language of the confirmation to
        send, None when it had been stopped before (one confirmation only)."""
        ...

    def restart(self, channel: str, address: str, *, evidence: str, at: datetime) -> str | None:
        """Lifts a suppression by the person's own word; the language of the confirmation, None when there was
        none."""
        ...

    def stopped(self, channel: str, address: str) -> bool:
        """Whether the last word from this address, its owner's or anybody's, was STOP."""
        ...

    def also_known(self, channel: str, address: str, alias: str, *, at: datetime) -> None:
        """Notes that the platform also calls the sender at this address `alias`: what comes from the alias
        alone is theirs, a STOP of before too."""
        ...

    def start_telegram(self, token: str, chat_id: str, *, at: datetime) -> str | None:
        """Verifies the signup that a deep link belongs to; the reply to send, in the person's language."""
        ...


class ServiceTexts(Protocol):
    def sms(self, name: str, language: str, *params: str) -> Outgoing | None:
        """The SMS whose words are registered under this name in this language, or else in any other, filled
        in order; None where none is, or it has another number of variables. A variable that is too long is
        cut."""
        ...


class Creators(Protocol):
    def standing(self, person: str) -> int | None:
        """A number that changes whenever this person is suspended or withdrawn, read consistently: a session
        lasts while it stays. None for who may not sign in."""
        ...

    def hearing(self, person: str) -> int | None:
        """The same number, also of who is suspended: they may appeal, and nothing else. None for anybody
        else who may not sign in."""
        ...


@dataclass(frozen=True)
class Count:
    """How many follow an account, and when that was told (None: nobody knows)."""

    number: int
    at: datetime | None = None


@dataclass(frozen=True)
class ProfileAccount:
    """One of a person's accounts, with what is known of its size. What nobody told is None, never 0."""

    id: str
    platform: str
    handle: str
    verified: Count | None = None
    """As its platform told it."""
    declared: Count | None = None
    """As the person says."""
    proven_at: datetime | None = None
    """When it was shown to be theirs."""


@dataclass(frozen=True)
class Profile:
    """What a policy or an appeal must know of a person; none of their addresses."""

    id: str
    status: str
    language: str
    path: tuple[str, ...]
    """The ids of their home, from `IN` down."""
    accounts: tuple[ProfileAccount, ...] = ()
    contested: tuple[str, ...] = ()
    """Ids of accounts that they stated and that somebody else holds."""
    reviewed_at: str = ""
    reviewed_by: str = ""
    """Who decided last whether they take part; empty where that was not kept."""


class Profiles(Protocol):
    def profile(self, person: str) -> Profile | None:
        """One person, read consistently; None for who was erased."""
        ...

    def approved(
        self, path: Sequence[str], after: Mapping[str, str] | None, page: int
    ) -> Iterator[tuple[Profile, dict[str, str]]]:
        """Approved people of the area with this path and below, behind the place `after`; each with its own
        place."""
        ...

    def letting_in(self, who: Principal, person: str, at: datetime) -> Callable[[Transaction], None]:
        """What is to be added to the transaction by which somebody who was declined or suspended is approved
        on appeal; nothing for who is approved already. Raises as a review does."""
        ...


@dataclass(frozen=True)
class Shown:
    """What showed an account to be somebody's: its name now, the platform's own id where it is told, when,
    and by what."""

    handle: str
    account: str
    at: datetime
    evidence: str


def department_holder(department: str) -> str:
    """How a department stands among those who hold accounts, beside the ids of creators."""
    return f"department#{department}"


def holding_department(owner: str) -> str:
    """The department that holds an account; empty when a creator does."""
    kind, _, department = owner.partition("#")
    return department if kind == "department" else ""


class Claim(Protocol):
    """An account that is about to become somebody's."""

    @property
    def lost_by(self) -> str:
        """Who has held it so far and loses it; empty: nobody."""
        ...

    def write(self, transaction: Transaction) -> None:
        """Adds it to a transaction, with what its loser loses, on condition that all is as it was."""
        ...


class Claims(Protocol):
    """Whose an account is: of one creator or one department. A proof beats a statement; of two statements the
    first holds."""

    def claim(self, owner: str, platform: str, handle: str, at: datetime, shown: Shown | None) -> Claim:
        """What it takes to make an account somebody's: stated, or proven where something has `shown` it.
        Raises HeldByAnother, ProvenByAnother."""
        ...

    def give_back(
        self, transaction: Transaction, owner: str, platform: str, handle: str, account: str
    ) -> None:
        """Adds to a transaction that the owner holds an account no longer, by its name and the platform's own
        id (empty where one is kept)."""
        ...


Loses = Callable[[str, str, str], Callable[[Transaction], None] | None]
"""Of a department's holder, a platform and a name: what is to be added to the transaction by which it loses
this account; None when it does not hold it."""


@dataclass(frozen=True)
class Appointee:
    """Who is to be appointed to something, or was, as the register has them at one moment."""

    id: str
    name: str
    status: str
    area_path: tuple[str, ...]
    ambassador_of: str
    """The area of which the last review made them ambassador; empty for none."""
    barred: int
    """How often they were suspended or withdrawn."""
    hold: Callable[[Transaction], None]
    """Adds to a transaction that all of this is so still."""


class Appointees(Protocol):
    def appointee(self, person: str) -> Appointee | None:
        """Somebody as they are now, read consistently; None for who was erased."""
        ...


@dataclass(frozen=True)
class Invitee:
    """Somebody who is known from a file, as the register has them at one moment: nothing of it is proven."""

    id: str
    name: str
    status: str
    language: str
    area_path: tuple[str, ...]
    phone: str
    email: str
    hold: Callable[[Transaction], None]
    """Adds to a transaction that all of this is so still."""


class Invitees(Protocol):
    """Who may be written to without having asked for it. The kind of an address is `phone` or `email`."""

    def invitee(self, person: str) -> Invitee | None:
        """Somebody of the register, whatever their state; None for who was erased or forgotten."""
        ...

    def hashed(self, kind: str, address: str) -> str:
        """The keyed hash that stands for an address."""
        ...

    def word_on(self, kind: str, address: str) -> str:
        """Why nobody may be invited there: `opted_out` after a STOP, `joined` where somebody has given it as
        theirs; empty: nothing is known against it. Read consistently."""
        ...

    def hold_free(self, transaction: Transaction, kind: str, address: str) -> None:
        """Adds to a transaction that nothing is known against this address."""
        ...

    def stop_hashed(self, channel: str, hashed: str, *, evidence: str, at: datetime) -> None:
        """A STOP of the address with this keyed hash, which is not kept in clear."""
        ...


class Ownership(Protocol):
    def heard(self, platform: str, said: Inbound, at: datetime) -> str | None:
        """Takes the code out of a message by which somebody shows that an account on `platform` is theirs;
        the reply, in their language. None when there is no code of ours in it. May be repeated."""
        ...


@dataclass(frozen=True)
class Way:
    """One way to say something to somebody: the same, in the words of its channel."""

    channel: str
    to: str
    message: Outgoing


class DirectSender(Protocol):
    def send(
        self, *, subject: str, key: str, channel: str, to: str, message: Outgoing, line: Line | None = None
    ) -> str:
        """Sends one service message at most once for (subject, key); an answer over the `line` on which it
        was asked for, else over the first configured one.

        Gives `accepted`, `already` (sent or tried before), `unknown` (no answer) or `refused:<code>`.
        Raises Transient when the platform asks to wait, OnHold while staff have stopped the channel: nothing
        was sent and the claim is given back.
        """
        ...

    def send_first(self, *, subject: str, key: str, ways: Sequence[Way]) -> str:
        """The same over the first of `ways` that takes it: over the next one only when the one before is off,
        stopped or has refused it, never when its answer is not known. Raises OnHold or PlatformOff when that
        is so of all."""
        ...

    def outcome_of(self, *, subject: str, key: str) -> str:
        """What came of a message when it was sent: `accepted`, `unknown` or `refused:<code>`; empty when it
        was not, or was given back. Raises Transient while it is under way."""
        ...


class PersonalRecords(Protocol):
    """What one feature keeps of a person: for the export of all that is held about them, and its erasure."""

    def held(
        self, person: str, after: Mapping[str, Any] | None = None
    ) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
        """A step through it, as plain values, and the place to go on from (JSON); None at its end. `kind`
        says what an entry is. A step is no more than a fraction of an answer, however much there is."""
        ...

    def forget(self, person: str) -> bool:
        """Takes it away for good; False while some of it must wait, for what is under way. May be
        repeated."""
        ...


# --- campaigns ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class QuietHours:
    """The hours of a day in which nobody is disturbed, by the clock of the recipient's area."""

    begins: time
    ends: time
    """Before `begins`: they go over midnight."""
    zone: str = "Asia/Kolkata"

    def until(self, now: datetime) -> datetime | None:
        """When these hours end, in UTC; None when `now` does not lie in them."""
        local = now.astimezone(ZoneInfo(self.zone))
        ends = local.replace(hour=self.ends.hour, minute=self.ends.minute, second=0, microsecond=0)
        over_midnight = self.ends <= self.begins
        if local.time() < self.ends and (over_midnight or local.time() >= self.begins):
            return ends.astimezone(UTC)
        if over_midnight and local.time() >= self.begins:
            return (ends + timedelta(days=1)).astimezone(UTC)
        return None


@dataclass(frozen=True)
class RunBrief:
    """All that dispatch needs of a run and its campaign."""

    run_id: str
    campaign_id: str
    status: Literal["scheduled", "dispatching", "dispatched", "paused", "cancelled", "expired"]
    at: datetime
    expires_at: datetime
    channels: tuple[str, ...]
    purpose: str = "campaigns"
    kind: str = "awareness"
    department: str = ""
    organisation_kind: str = "public_body"
    quiet: QuietHours | None = None
    overrides: frozenset[str] = frozenset()
    """Elections in whose code of conduct an approver has allowed this campaign, with a reason."""
    spread_s: int = 0
    """Over how many seconds from `at` its messages are spread; 0: as fast as the channels allow."""
    ended_at: datetime | None = None
    """When it was dispatched, called off or expired; None while it has not ended."""
    occasion: Literal["campaign", "correction", "withdrawal"] = "campaign"
    parents: tuple[str, ...] = ()
    """The runs whose accepted and unknown people this one tells of the correction or withdrawal, the newest
    first; none for a run to the campaign's audience."""
    urgent: bool = False
    """Whether it cannot wait for the morning: a withdrawal, or a correction that says so."""
    recalled: bool = False
    """Whether what it says was corrected or withdrawn since: nothing more of it goes out."""

    @property
    def parent(self) -> str:
        """The newest run that this one corrects or withdraws; empty for any other."""
        return self.parents[0] if self.parents else ""

    @property
    def first(self) -> bool:
        """Whether it goes before all others, is not kept for quiet hours, and wears out no weekly cap."""
        return self.kind == "emergency" or self.urgent


@dataclass(frozen=True)
class CampaignBrief:
    """What is said of a campaign where its posts are listed."""

    id: str
    title: str
    department: str
    compensation: Literal["none", "paid", "in_kind"]
    theme: str = ""
    schemes: tuple[str, ...] = ()


class Briefs(Protocol):
    def brief(self, campaign_id: str) -> CampaignBrief | None:
        """A campaign in short; None when there is none."""
        ...


@dataclass(frozen=True)
class CampaignKit:
    """What of a campaign is handed to a group."""

    id: str
    title: str
    kind: str
    link: str
    """Where it leads; empty when it leads nowhere."""
    texts: Mapping[str, str]
    """By language, disclosure and link included."""
    overrides: frozenset[str] = frozenset()
    """Elections under whose code of conduct it may be spread."""
    department: str = ""
    areas: frozenset[str] = frozenset()
    """Its audience's: it is for groups there and below."""


class Kits(Protocol):
    def kit(self, campaign_id: str, platform: str, tracked: str) -> CampaignKit | None:
        """The kit for a group on this platform, with the link `tracked` in place of the campaign's own, as
        last corrected; None unless the campaign is approved and neither withdrawn, held back nor over."""
        ...


class Runs(Protocol):
    def get(self, run_id: str) -> RunBrief | None: ...

    def due(self, now: datetime, limit: int) -> list[str]:
        """Ids of runs scheduled for `now` or before, oldest first."""
        ...

    def of_campaign(self, campaign_id: str) -> list[RunBrief]:
        """All runs of a campaign, oldest first; empty for one without runs or that does not exist."""
        ...

    def start(self, run_id: str) -> bool:
        """scheduled -> dispatching, once; False when the run is not to be started (any more)."""
        ...

    def finish(self, run_id: str, *, left: int = 0) -> None:
        """dispatching -> dispatched, or -> expired with the number of people who were `left` unsent at its
        expiry; paused -> expired when its time is over; nothing when it is already so."""
        ...

    def dispatching(self) -> list[str]:
        """Ids of runs that are under way, paused ones among them."""
        ...

    def ranges(self, run_id: str) -> list[RosterRange]:
        """The stretches of the roster that this run's audience reads, frozen when the run was scheduled."""
        ...

    def wants(self, run_id: str, rows: Iterable[RosterRow]) -> list[RosterRow]:
        """Of these rows, those that the run's audience picks."""
        ...

    def language_for(self, run_id: str, channel: str, wanted: str) -> str | None:
        """The language in which a person who reads `wanted` gets this run over `channel`; None: no message
        fits."""
        ...

    def fingerprint(self, run_id: str) -> str:
        """The SHA-256 of what the run sends and whom it asks, as it was frozen."""
        ...

    def message(self, run_id: str, channel: str, language: str, contact: Contact) -> Outgoing:
        """The message for one person, disclosure line included; `key` and `ttl_s` are left to the sender."""
        ...

    def full_text(self, run_id: str, channel: str, language: str, contact: Contact) -> Outgoing | None:
        """What whoever answers the template gets, disclosure line included; None when nothing waits."""
        ...


# --- dispatch -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunSums:
    """What became of the people of some runs: `planned` of them are the sum of `in_progress`, `accepted`,
    `failed`, `unknown` and `not_sent`; `read` are among the `delivered`, these among the accepted."""

    total: Mapping[str, int]
    by_area: Mapping[str, Mapping[str, int]]
    """The same by district, or by what lies above it: together they are the total."""


class Sums(Protocol):
    def of_runs(self, runs: Sequence[RunBrief]) -> RunSums:
        """Exact, as the runs stand now."""
        ...


@dataclass(frozen=True)
class Proof:
    """One fact that a platform proved about one attempt. `code` belongs to `failed`."""

    delivery_key: str
    fact: Literal["accepted", "sent", "delivered", "read", "failed"]
    at: datetime
    code: str = ""
    scope: Scope = "person"
    """Of `failed`: whom else it would have been refused to."""


@dataclass(frozen=True)
class Received:
    """A campaign that reached a person, and when its message was accepted for them."""

    campaign_id: str
    at: datetime


class Deliveries(Protocol):
    def received(self, person: str, since: datetime, until: datetime) -> list[Received]:
        """The campaigns of which the person was sent something in this time, as far as platforms took it,
        oldest first."""
        ...


@dataclass(frozen=True)
class Sent:
    """A message of a campaign's run to a person, and what became of it."""

    run_id: str
    campaign_id: str
    channel: str
    language: str
    status: str
    """Of the delivery (dispatch.model.Status)."""
    at: datetime
    """When the platform took it; else when it was tried, to the minute."""


@dataclass(frozen=True)
class Spoken:
    """A service message to a person: a code, a welcome, a notice."""

    kind: str
    """The first word of its key: `code`, `welcome`, `notice` …"""
    at: datetime
    """To the minute."""
    outcome: str
    """`accepted`, `unknown`, `refused:<code>`; empty while it is under way."""
    channel: str = ""
    """Empty where it was not noted."""


class Begun(Protocol):
    """A run for which a person was claimed; dispatch knows more of it."""

    @property
    def run_id(self) -> str: ...

    @property
    def campaign_id(self) -> str: ...


class Histories(Protocol):
    """What was sent to one person; of two years."""

    def begun(self, person: str) -> Sequence[Begun]:
        """The runs, the newest week first, by one query; nothing of those by which nothing was sent."""
        ...

    def became(self, begun: Sequence[Begun]) -> list[Sent]:
        """What became of up to 100 of them, the newest first, by one request."""
        ...

    def spoken(self, person: str) -> list[Spoken]:
        """Service messages, the newest first, by one query."""
        ...


@dataclass(frozen=True)
class CampaignMedium:
    """A picture, video or PDF of a campaign, as a page shows it."""

    name: str
    content_type: str
    bytes: int
    alt: str
    """What is to be seen, in words."""
    platforms: tuple[str, ...]
    """For which it is meant; for all without."""
    link: str
    """Where it may be looked at, for a while."""
    download: str
    """The same, to be saved under a name."""


@dataclass(frozen=True)
class CampaignShown:
    """A campaign as somebody who got it sees it."""

    id: str
    title: str
    kind: str
    compensation: str
    partners: tuple[str, ...]
    language: str
    """Of its words, the nearest to the one that was asked for."""
    disclosure: str
    link: str
    posts: Mapping[str, str]
    """What they may publish, disclosure and link included, by platform; none once it is withdrawn, called off
    or over."""
    media: tuple[CampaignMedium, ...]
    """What they may publish with it; none where there are no posts."""
    withdrawn: bool
    corrected: bool
    over: bool
    """Whether its time is past, or it was called off."""


class CampaignsShown(Protocol):
    """Campaigns, for those who got them."""

    def shown(self, campaigns: Collection[str], language: str) -> dict[str, CampaignShown]:
        """Those of up to 100 that there are, by id, in one request; corrected ones by another each."""
        ...

    def words(self, run_id: str, channel: str, language: str, name: str) -> str:
        """What a message of a run says to somebody of this name; empty where nothing is kept of it."""
        ...


class ChannelHalts(Protocol):
    def stop_channel(self, channel_id: str, code: str) -> None:
        """Stops a channel after its platform's word, until a person or a probe lifts it."""
        ...

    def stop_platform(self, platform: str, code: str, *, probed: bool = True) -> None:
        """The same for all channels of a platform; not `probed`: until a person lifts it."""
        ...


class CampaignHalts(Protocol):
    def pause_campaign(self, campaign_id: str, code: str) -> None:
        """Pauses a campaign after a platform's word; nothing when it cannot be paused (any more)."""
        ...

    def pause_template(self, platform: str, template: str, language: str, code: str) -> None:
        """Pauses the campaigns, scheduled or under way, that send this template."""
        ...


class Waiting(Protocol):
    def replied(self, channel: str, address: str, at: datetime, line: Line) -> None:
        """Notes that a person wrote something at this time, neither stop nor start: the full texts of the
        templates that they got over this channel are brought to them, each once, over the line on which they
        wrote."""
        ...


# --- metrics ------------------------------------------------------------------------------------------------


class Posts(Protocol):
    """What influencers and departments have published, and its figures."""

    def handed_in(self, channel: str, address: str, text: str, *, evidence: str, at: datetime) -> str | None:
        """Takes the links of posts in what somebody wrote from this address; the reply, in their language.
        None when there is no link of a post in it, or the address is no approved influencer's, or has said
        STOP: then the post is taken without a word. The same `evidence` twice counts once."""
        ...

    def told(self, platform: str, news: Posted | Measured | Engaged, at: datetime) -> None:
        """Takes what a platform told of posts by itself; `at`: when it reached us. May be repeated."""
        ...


@dataclass
class MetricSum:
    """One metric over many posts: the sum, of how many posts there is data, and when they were measured."""

    total: int = 0
    posts: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None


@dataclass(frozen=True)
class CampaignPosts:
    """The posts of one campaign and what they came to. What is no data is absent."""

    posts: int
    """Those that count: surely their person's."""
    undecided: int
    """Handed in for it, and not (yet) surely their person's."""
    gone: int
    """Of those that count, how many their platform does not show (any more): their last figures count."""
    by_platform: Mapping[str, int]
    verified: Mapping[str, MetricSum]
    """By metric, as platforms told them."""
    declared: Mapping[str, MetricSum]
    """By metric, as creators say: never added to the others."""
    disclosed: Mapping[str, int] = field(default_factory=dict)
    """How many of those that count carry the campaign's label: by `yes`, `no`, `not_known`, `not_needed`."""
    matched: Mapping[str, int] = field(default_factory=dict)
    """By what those that count are their person's: an account that was shown to be theirs (`verified`), one
    that they only state (`stated`), or the word of `staff`."""


@dataclass(frozen=True)
class KnownPost:
    """A post that was handed in and is surely its person's."""

    platform: str
    account: str
    """The account on which it lies, where its link says so."""
    at: datetime
    """When it was published, or else handed in."""


class Activity(Protocol):
    def posts_since(self, person: str, since: datetime, most: int) -> list[KnownPost]:
        """Posts of a person that were handed in from this time on, the newest first, and not more than `most`
        looked at."""
        ...


class PostSums(Protocol):
    def of_campaign(
        self, campaign_id: str, within: Callable[[Sequence[str]], bool] | None = None
    ) -> CampaignPosts:
        """What a campaign's posts came to; it may be half a minute old. `within`: posts of people who live at
        a path that it lets through, alone."""
        ...


@dataclass(frozen=True)
class OnDuty:
    """Who is to be told of what waits, and where."""

    seat: str
    """`officer`, `deputy` or `coordinator`."""
    name: str
    phone: str = ""
    email: str = ""


class DepartmentDuty(Protocol):
    """Who answers for a department."""

    def of_department(self, department: str, day: date) -> list[OnDuty]:
        """The officer and the deputy of a department on a day; a vacant seat is absent."""
        ...


class AreaDuty(Protocol):
    """Who answers for an area."""

    def of_area(self, path: Sequence[str]) -> list[OnDuty]:
        """The coordinators of the smallest area on this path that has any; none where there are none."""
        ...


class Voices(Protocol):
    """Problems and suggestions of people."""

    def heard(self, channel: str, said: Inbound, *, line: Line, at: datetime) -> str | None:
        """Takes what somebody wrote, when it is neither a wish (stop, start) nor a code nor a post, as a
        voice or as a further word to one of theirs; the reply, in their language, empty where there is
        nothing to say. None when it is no voice (a thank you, a reaction). The same `said.dedupe_id` twice
        counts once."""
        ...


class Following(Protocol):
    """Subscriptions to the posts of accounts."""

    def told(self, platform: str, news: Leased, at: datetime) -> None:
        """Takes a hub's word about one; `at`: when it reached us. May be repeated, and may come late."""
        ...


@dataclass(frozen=True)
class OwnAccount:
    """An account of a person's, by its canonical name."""

    platform: str
    name: str
    account: str = ""
    """The platform's own id of it, where it is known."""
    proven: bool = False
    """Whether it was shown to be theirs; else it is as they have stated it."""


class Handles(Protocol):
    """The handles of influencers and departments."""

    def handles_of(self, owner: str) -> list[OwnAccount]:
        """The accounts of an influencer or a department (`department_holder`); none of those that somebody
        else holds."""
        ...

    def proven_by(self, platform: str, accounts: Iterable[str]) -> str:
        """The influencer or the department (`department_holder`) that has shown that the one account with
        these names and ids is theirs; empty when nobody has. A name that was shown to be another account's
        says nothing."""
        ...


class Accounts(Handles, Protocol):
    """The same, for whoever measures and proves them."""

    def on_platform(self, platform: str) -> Iterator[tuple[str, str]]:
        """Person and canonical name of every account on a platform that tells followers, of people on the
        register. It may lag behind."""
        ...

    def due(self, platform: str, now: datetime, limit: int) -> list[tuple[str, str]]:
        """Of these, those whose followers are to be counted by now, the longest due first."""
        ...

    def measured(
        self, person: str, platform: str, handle: str, followers: int, at: datetime, *, account: str = ""
    ) -> None:
        """Notes what the platform's API says of the followers: grade `verified`. May be repeated, in any
        order. `account`: the platform's own id of who bears this name now; another one than the person has
        proven changes nothing."""
        ...

    def measure_next(self, person: str, platform: str, handle: str, at: datetime) -> None:
        """When they are counted next."""
        ...


class Tallies(Protocol):
    def record(self, proofs: Iterable[Proof]) -> list[Proof]:
        """Writes proofs into their tallies, each touched tally once. Gives back those whose key names no
        tally."""
        ...
