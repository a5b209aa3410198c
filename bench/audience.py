"""An audience by turnout: what a page costs in time, memory and read units, and whether it picks exactly whom
it should.

Two grounds. *Stored*: people in the roster and booths in the table `turnout` of the embedded DynamoDB, read
by the real stores; the answer is held against a naive scan over all of them, which knows no index, no sheet
and no page. *Generated*: the same people made up page by page as they are asked for, in front of the same
preview and the same picking of runs, for sizes that an engine on a laptop does not hold: so no read is timed
there, and their read units are those that a stored page was charged.

Each district has 5,000 people (the stored ones: 5,000, too): eight of ten known by one of its 250 booths, the
others by one of its two blocks, or by the district alone. The audience asks for the lowest tenth of booths,
and a second one for a turnout under 55 per cent, with a theme and a language beside.
"""

from __future__ import annotations

import resource
import tempfile
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.figure import Figure
from local.engine import Engine
from local.laptop import use_environment
from local.tables import create_tables

STORED = 20_000
SIZES = (10_000, 100_000, 1_000_000)
PEOPLE, BOOTHS = 5_000, 250
"""Of a district."""
PAGE = 500
"""As planning reads (chalicelib.dispatch)."""
ELECTION = "ls-2014"
RULES: dict[str, dict[str, Any]] = {
    "lowest": {"lowest_share": 0.1},
    "below": {"turnout_below": 55, "themes": ("health",), "languages": ("hi",)},
}


def run(*sizes: int) -> Iterator[Figure]:
    """The first size is stored, the others are generated."""
    stored, *generated = sizes or (STORED, *SIZES)
    with tempfile.TemporaryDirectory(prefix="janjan-bench-") as folder, Engine(Path(folder)) as engine:
        use_environment(engine.environment | {"STAGE": "local"})
        create_tables()
        units = yield from _stored(stored)
    for rule in RULES:
        first: dict[str, float] = {}
        for size in generated:
            for name, (value, unit) in _generated(rule, size).items():
                key = f"audience_{rule}_{name}"
                peer = f"the same at {generated[0]:,}"
                yield Figure(f"{key}_{size}", value, unit, peer, first.setdefault(name, value))
            charged = units * size / PAGE
            yield Figure(f"audience_{rule}_read_units_{size}", charged, "read units, as stored pages cost")


# --- who and where ------------------------------------------------------------------------------------------


def district(number: int) -> str:
    return f"D{70_001 + number}"


def booths_of(number: int) -> list[Any]:
    """A district's booths. Every eighth of its constituencies has not reported."""
    from chalicelib.turnout.model import Booth

    here, found = district(number), []
    for n in range(BOOTHS):
        constituency = n // 32 + 1
        electors = 700 + (n * 37 + number * 11) % 600
        voters = 0 if constituency == 8 else electors * (30 + (n * 53 + number * 17) % 50) // 100  # noqa: PLR2004
        block = f"{here}-B{number * 2 + n % 2 + 1}"
        found.append(Booth(f"{here}-A{constituency}-P{n % 32 + 1}", electors, voters, block=block))
    return found


def person(number: int, n: int) -> Any:  # noqa: ANN401 - a RosterRow: chalicelib is imported late
    """The n-th person of a district, known by a booth, a block or the district."""
    from chalicelib.ports import RosterRow

    here, ident = district(number), f"inf_{number:05d}{n:06d}"
    if n % 10 < 8:  # noqa: PLR2004
        spot = n * 7 % BOOTHS
        place = f"{here}-A{spot // 32 + 1}-P{spot % 32 + 1}"
    else:
        place = f"{here}-B{number * 2 + n % 2 + 1}" if n % 10 == 8 else ""  # noqa: PLR2004
    return RosterRow(
        ident,
        here,
        f"{place}#{ident}",
        ("hi", "en", "bn")[n % 3],
        themes=frozenset({("health", "voting")[n % 2]}),
        channels=("whatsapp",) if n % 11 else (),
    )


@dataclass(frozen=True)
class People:
    """A roster that makes its people up, page by page."""

    def page(self, where: Any, after: str | None, limit: int) -> tuple[list[Any], str | None]:  # noqa: ANN401
        number, first = int(where.partition[1:]) - 70_001, int(after or 0)
        last = min(first + limit, PEOPLE)
        rows = [person(number, n) for n in range(first, last)]
        return rows, str(last) if last < PEOPLE else None


@dataclass
class Known:
    """Turnout of generated districts: the real rules over sheets that are packed and unpacked as stored."""

    read: list[str] = field(default_factory=list)

    def latest(self, districts: Sequence[str], election: str = "") -> dict[str, str]:
        return dict.fromkeys(districts, ELECTION)

    def low_places(self, place: str, election: str, **rules: Any) -> Any:  # noqa: ANN401
        from chalicelib.turnout.model import Sheet, pack_sheet, unpack_sheet
        from chalicelib.turnout.places import Places

        def sheet(election: str, place: str) -> Sheet:
            made = Sheet.of(place, booths_of(int(place[1:]) - 70_001))
            return unpack_sheet(place, pack_sheet(made))

        self.read.append(place)
        return Places(SimpleNamespace(sheet=sheet), lambda: None).low_places(place, election, **rules)  # type: ignore[arg-type]


def campaigns(roster: Any, areas: Any, turnout: Any) -> Any:  # noqa: ANN401
    """The service, as far as a preview needs it."""
    from chalicelib.campaigns.service import Campaigns

    rest: dict[str, Any] = dict.fromkeys(Campaigns.__dataclass_fields__)
    return Campaigns(**rest | {"roster": lambda: roster, "areas": areas, "turnout": lambda: turnout})


# --- stored -------------------------------------------------------------------------------------------------


def _stored(size: int) -> Iterator[Figure]:
    """Previews of `size` stored people, held against a naive scan; gives the read units of a page."""
    from chalicelib import wiring
    from chalicelib.campaigns.audience import Audience
    from chalicelib.influencers.rosters import RosterStore
    from chalicelib.ports import RosterRange

    numbers = range(-(-size // PEOPLE))
    people = _fill(numbers, size)
    roster = RosterStore(lambda: ("health", "voting"))
    service = campaigns(roster, wiring.directory(), wiring.turnout())
    meter = _Meter()
    for rule, given in RULES.items():
        audience = Audience.model_validate({"areas": ["IN"], **given})
        meter.clear()
        began = time.perf_counter()
        preview = service.preview(audience)
        took_s = time.perf_counter() - began
        naive = _naive(people, given)
        found = {"count": preview.count, "excluded": dict(preview.excluded), "by_area": dict(preview.by_area)}
        assert found == naive, (rule, found, naive)
        yield Figure(
            f"audience_{rule}_stored", 1000 * took_s * 1000 / size, f"ms of 1,000 of {size:,} people"
        )
        yield Figure(f"audience_{rule}_wrong", 0, f"of {size:,} people, against a naive scan")
        yield Figure(
            f"audience_{rule}_turnout_units", meter.of("turnout") / len(numbers), "read units a district"
        )
    meter.clear()
    pages, after = 0, None
    while True:
        _, after = roster.page(RosterRange(district(0)), after, PAGE)
        pages += 1
        if after is None:
            break
    units = meter.of("roster") / pages
    yield Figure("audience_page_units", units, f"read units of a page of {PAGE}")
    return units


def _fill(numbers: range, size: int) -> list[Any]:
    """Writes areas, turnout and people; gives the people."""
    from chalicelib import wiring
    from chalicelib.influencers.roster import theme_code
    from chalicelib.influencers.rows import RosterItem
    from chalicelib.ports import Area
    from chalicelib.tables import write_together
    from chalicelib.turnout.model import PastElection
    from chalicelib.turnout.store import TurnoutStore

    store, state = TurnoutStore(), ("IN", "IN-XN")
    above = [Area("IN", "country", ("IN",), {"en": "India"}), Area("IN-XN", "state", state, {"en": "Namuna"})]
    here = [Area(district(n), "district", (*state, district(n)), {"en": district(n)}) for n in numbers]
    wiring.directory().put_areas([*above, *here], sample=True)
    with write_together() as transaction:
        store.put_election(transaction, PastElection(ELECTION, "Sample", date(2014, 5, 12), "lok_sabha"))
    people = [person(n, i) for n in numbers for i in range(min(PEOPLE, size - n * PEOPLE))]
    for n in numbers:
        store.put_booths(ELECTION, booths_of(n))
        store.fold(ELECTION, "IN-XN", district(n))
    with RosterItem.batch_write() as batch:
        for one in people:
            letters = "".join(theme_code(theme) for theme in one.themes)
            channels = "w" if one.channels else None
            batch.save(RosterItem(one.partition, one.area_key, l=one.language, t=letters, c=channels))
    return people


def _naive(people: Sequence[Any], given: dict[str, Any]) -> dict[str, Any]:
    """Looks at each person alone, and at all booths of their district for each booth."""
    low: dict[str, set[str]] = {}
    for number in {int(one.partition[1:]) - 70_001 for one in people}:
        booths, here = booths_of(number), district(number)
        said = {booth.constituency for booth in booths if booth.voters}
        told = {b.id: b.voters / b.electors for b in booths if b.constituency in said}
        if "lowest_share" in given:
            low[here] = {
                ident for ident, mine in told.items() if 10 * sum(o < mine for o in told.values()) < len(told)
            }
        else:
            groups = {here: booths} | {
                block: [b for b in booths if b.block == block] for block in {b.block for b in booths}
            }
            low[here] = {ident for ident, share in told.items() if share < 0.55}  # noqa: PLR2004
            for area, its in groups.items():
                its = [b for b in its if b.constituency in said]  # noqa: PLW2901
                if sum(b.voters for b in its) / sum(b.electors for b in its) < 0.55:  # noqa: PLR2004
                    low[here].add(area)
    count, excluded, by_area = 0, dict[str, int](), dict[str, int]()
    for one in people:
        own = one.area_key.partition("#")[0] or one.partition
        against = (
            "theme" if "themes" in given and "health" not in one.themes
            else "language" if "languages" in given and one.language != "hi"
            else "turnout" if own not in low[one.partition]
            else "no_channel" if not one.channels
            else None
        )  # fmt: skip
        if against:
            excluded[against] = excluded.get(against, 0) + 1
        else:
            count += 1
            by_area[one.partition] = by_area.get(one.partition, 0) + 1
    return {"count": count, "excluded": excluded, "by_area": by_area}


class _Meter:
    """Read units of this process's queries by table, by AWS's rule: a unit for 4 KB read consistently, half
    of it otherwise, counted over the items of a page. (What the engine charges does not grow with a page.)"""

    def __init__(self) -> None:
        from chalicelib import aws

        self.units: dict[str, float] = {}
        events = aws.client("dynamodb").meta.events
        events.register("provide-client-params.dynamodb.Query", self._asked)
        events.register("after-call.dynamodb.Query", self._answered)

    def clear(self) -> None:
        self.units = {}

    def of(self, table: str) -> float:
        return self.units.get(f"janjan-local-{table}", 0.0)

    def _asked(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:  # noqa: ANN401
        context["bench"] = params["TableName"], 1.0 if params.get("ConsistentRead") else 0.5

    def _answered(self, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:  # noqa: ANN401
        table, unit = context["bench"]
        read = sum(
            len(name) + (len(value) if isinstance(value, str | bytes) else 1)
            for item in parsed.get("Items", [])
            for name, typed in item.items()
            for value in typed.values()
        )
        self.units[table] = self.units.get(table, 0.0) + unit * max(1, -(-read // 4096))


# --- generated ----------------------------------------------------------------------------------------------


def _generated(rule: str, size: int) -> dict[str, tuple[float, str]]:
    """A preview of `size` people and the planner's picking of all of them, page by page."""
    from chalicelib.campaigns.audience import Audience
    from chalicelib.campaigns.model import Content
    from chalicelib.campaigns.runs import Runs
    from chalicelib.campaigns.store import Snapshot
    from chalicelib.ports import RosterRange

    known = Known()
    ranges = [RosterRange(district(n)) for n in range(size // PEOPLE)]
    audience = Audience.model_validate({"areas": ["IN"], **RULES[rule]})
    service = campaigns(People(), SimpleNamespace(ranges=lambda areas: ranges), known)
    began = time.perf_counter()
    preview = service.preview(audience, at_most=None)
    preview_s = time.perf_counter() - began
    assert preview.count + preview.excluded.total() == size

    elections = dict.fromkeys((one.partition for one in ranges), ELECTION)
    content = Content.model_validate(
        {"title": "Sample", "department": "d", "compensation": "none", "audience": audience.model_dump()}
    )
    runs = Runs(None, None, turnout=lambda: known)  # type: ignore[arg-type]  # what it needs is frozen already
    runs._frozen["run"] = Snapshot(content, "Sample", tuple(ranges), elections)
    known.read.clear()
    picked, pages, picking_s, most_kb = 0, 0, 0.0, 0.0
    for number, where in enumerate(ranges):
        after: str | None = None
        traced = number in (0, len(ranges) - 1)
        while True:
            rows, after = People().page(where, after, PAGE)
            if traced:  # these pages are not timed
                tracemalloc.start()
                picked += len(runs.wants("run", rows))
                most_kb = max(most_kb, tracemalloc.get_traced_memory()[1] / 1024)
                tracemalloc.stop()
            else:
                began = time.perf_counter()
                picked += len(runs.wants("run", rows))
                pages, picking_s = pages + 1, picking_s + time.perf_counter() - began
            if after is None:
                break
    reached = preview.count + preview.excluded["no_channel"]
    assert picked == reached, (picked, reached)
    assert len(known.read) == len(ranges)
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "preview": (1000 * preview_s * 1000 / size, "ms of 1,000 people, generating them included"),
        "page": (1000 * picking_s / max(1, pages), f"ms of picking from a page of {PAGE}"),
        "page_memory": (most_kb, "kB at most while picking from a page, a district's sheet among them"),
        "process_memory": (most_mb, "MB that the process ever held"),
    }
