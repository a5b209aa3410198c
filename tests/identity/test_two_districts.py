"""Whoever covers one district or department learns nothing of another, on no route and in no way.

Every route of the OpenAPI document is asked by every role, of both sides of `land`, page by page. What one
side's people get holds no word of the other, sounds alike for what is there and what is not, stays the same
whatever comes to the other side, and changes nothing there. A route needs a rule in `scopes.py`.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import pytest
from chalice.test import Client

from app import app
from chalicelib import http, wiring
from chalicelib.errors import InvalidInput
from chalicelib.http import CREATOR, PUBLIC, ROUTES, Route
from chalicelib.influencers.store import KnownPhone
from chalicelib.ports import ImportJob
from chalicelib.settings import Settings
from local.engine import Engine
from local.tables import STAGE, create_tables
from tests.conftest import restore_environment, use_environment
from tests.identity.land import NOW, Answer, Dump, Land, Side, nowhere, settle_down
from tests.identity.scopes import ALWAYS, BODIES, FIXED, PARAMETERS, QUERIES, RULE_OF, Rule, table

BOUND = {"coordinator_a": "coordinator", "officer_a": "nodal_officer", "creator_a": "creator"}
UNBOUND = ("admin", "auditor", "editor", "approver")
ROLES = Path(__file__).parents[2] / "docs" / "roles.md"
PAGES = 4
REFUSED = 400
MISSING = "says nothing of whose things it shows: add `{}` to a rule of tests/identity/scopes.py"


@pytest.fixture(scope="module")
def land(engine: Engine) -> Iterator[Land]:
    before = dict(os.environ)
    kept = (wiring.clock, wiring.users, http._doors[0].gate)
    for setting in fields(Settings):  # what another test's deployment has left here
        os.environ.pop(setting.name.upper(), None)
    use_environment(engine.environment | {"STAGE": STAGE})
    engine.reset()
    create_tables()
    with Client(app) as client:
        yield settle_down(client)
    wiring.clock, wiring.users, http._doors[0].gate = kept
    restore_environment(before)


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


@dataclass(frozen=True)
class Asked:
    """One request: of a route, as it would be asked about one side."""

    route: Route
    side: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    place: int = 0
    """Which of the ways to ask: the same number of another side is its twin."""
    page: int = 0

    @property
    def named(self) -> str:
        return f"{self.route.method} {self.path}?{dict(self.query)} {self.body or ''} page {self.page}"


def kept_as(route: Route, name: str) -> str:
    """Under which name the ids of a path's parameter are kept."""
    return PARAMETERS.get(f"{route.feature} {name}", PARAMETERS.get(name, name))


def paths(route: Route, side: Side) -> list[str]:
    names = re.findall(r"\{(\w+)\}", route.path)
    values = [[FIXED[name]] if name in FIXED else side.ids[kept_as(route, name)][:3] for name in names]
    found = []
    for chosen in itertools.islice(itertools.product(*values), 6):
        path = route.path
        for name, value in zip(names, chosen, strict=True):
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        found.append(path)
    return found


def queries(route: Route, side: Side) -> list[dict[str, str]]:
    """Without a question, and with one for each field that may ask of a side; lists by single items."""
    known = set(route.query.model_fields) if route.query else set()
    always = ALWAYS.get(name_of(route), {}) | ({"limit": "1"} if "limit" in known else {})
    one = [{name: value} for name in sorted(known & set(QUERIES)) for value in QUERIES[name](side)]
    needed = {name for name in known & set(QUERIES) if route.query.model_fields[name].is_required()}  # type: ignore[union-attr]
    base = always | {name: QUERIES[name](side)[0] for name in needed - set(always)}
    return [base, *(base | more for more in one if not set(more) & set(always))]


def ways(route: Route, side: Side) -> list[Asked]:
    """How a route is asked about one side."""
    body = json.dumps(BODIES[name_of(route)](side)) if name_of(route) in BODIES else None
    if body is None and route.method not in ("GET", "DELETE"):
        body = "{}"
    every = itertools.product(paths(route, side), queries(route, side))
    return [
        Asked(route, side.letter, path, tuple(query.items()), body, place)
        for place, (path, query) in enumerate(every)
    ]


def ask(land: Land, who: str, asked: Asked) -> Answer:
    kind = "application/x-www-form-urlencoded" if asked.route.kind == "page" else "application/json"
    body = json.loads(asked.body) if asked.body else None
    return land.call(who, asked.route.method, asked.path, body, dict(asked.query), kind=kind)


def told(answer: Answer) -> str:
    """All that an answer says: its body, its headers, and what stands in its cursors."""
    said = f"{answer.text}\n{json.dumps(dict(answer.headers))}"
    for packed in re.findall(r'"next": ?"([\w=-]+)\.|cursor=([\w=-]+)\.', said):
        said += "\n" + base64.urlsafe_b64decode("".join(packed)).decode()
    return said


def cursor_of(answer: Answer) -> str | None:
    if not answer.text.startswith("{"):
        found = re.search(r"[?&]cursor=([^\"&]+)", answer.text)
        return found[1] if found else None
    return answer.json.get("next")


def reads(land: Land, who: str, asked: Asked) -> Iterator[tuple[Asked, Answer]]:
    """An answer and the pages behind it."""
    answer = ask(land, who, asked)
    yield asked, answer
    for page in range(1, PAGES):
        cursor = cursor_of(answer) if answer.status < REFUSED else None
        if not cursor:
            return
        following = Asked(
            asked.route,
            asked.side,
            asked.path,
            (*asked.query, ("cursor", cursor)),
            asked.body,
            asked.place,
            page,
        )
        answer = ask(land, who, following)
        yield following, answer


def may_call(land: Land, who: str, route: Route) -> bool:
    if route.allow in (PUBLIC, CREATOR):
        return route.allow == PUBLIC or who in land.creators
    return who in land.staff and land.staff[who].may(route.allow)


TOLD_APART = frozenset(
    """
    GET /v1/departments/{department}/officers
    GET /console/departments/{department}
    POST /console/departments/{department}/handles
    POST /console/departments/{department}/proof
    POST /console/departments/{department}/officers
    POST /console/departments/{department}/reveal
    POST /v1/departments/{department}/officers
    PATCH /v1/departments/{department}/officers/{appointment}
    POST /v1/departments/{department}/officers/{appointment}/end
    POST /v1/departments/{department}/officers/{appointment}/reveal
    GET /v1/departments/{department}/handles
    POST /v1/departments/{department}/handles
    DELETE /v1/departments/{department}/handles/{handle}
    POST /v1/departments/{department}/handles/{handle}/proof
    POST /v1/departments/{department}/handles/{handle}/proof/check
    PATCH /v1/schemes/{scheme}
    POST /v1/schemes/{scheme}/progress
    GET /v1/groups
    PATCH /v1/groups/{group_id}
    GET /v1/kits
    GET /v1/voices
    """.replace("    ", "")
    .strip()
    .splitlines()
)
"""What nodal officers may tell apart: departments, schemes and areas are published, so that refusing
another's tells nothing that one could not read; their groups and voices may be in any area."""
OFFERS = frozenset(
    {"GET /me/voice", "POST /me/voice", "GET /console/voices", "GET /console/voices/{ticket}"}
    | {"GET /console/directives", "POST /console/directives"}
)
"""Forms that offer the published places and departments."""
NAMES_OPENLY = frozenset({"POST /v1/voices/{ticket}/assignment"})
"""They hand on what is one's own to a department: those are published."""
SEALED = frozenset(f"GET {api}/campaigns/{{campaign_id}}/officer-report" for api in ("/console", "/v1"))
"""They end with where the audit's chain stands, which others' entries lengthen: a number and a hash."""
NUMBERS = frozenset(
    """
    GET /console/areas
    GET /console/areas.csv
    GET /console/campaigns/{campaign_id}/live
    GET /v1/turnout/compare
    GET /v1/turnout/trend
    GET /v1/groups/{group_id}/figures
    GET /v1/voices/{ticket}/attachments/{number}
    GET /console/voices/{ticket}/pictures/{number}
    GET /console/ambassadors/shortlist
    GET /console/ambassadors/gaps
    GET /console/policies/{policy}/trial
    """.replace("    ", "")
    .strip()
    .splitlines()
)
"""They show figures or a file, and no word, or nothing before a place was chosen, as tests of the features
choose one: that these stay as they were when the other side grows says enough."""
LOOKS = frozenset({"POST /v1/audiences/preview", "POST /v1/policies/{policy}/trial"})
"""Writes that write nothing: they are walked as reads are."""


def is_read(route: Route) -> bool:
    return route.method == "GET" or name_of(route) in LOOKS


def role_of(who: str) -> str:
    return BOUND.get(who, who)


def bound(rule: Rule, who: str) -> bool:
    """Whether of the other side's things this caller may learn nothing here."""
    role = role_of(who)
    if rule.scope in ("organisation", "public") or role in rule.open_to:
        return False
    if rule.scope == "own":
        return True
    if rule.scope == "department" and role == "coordinator":
        return False
    return role in BOUND.values() or not who


def hidden(rule: Rule, who: str, side: Side) -> set[str]:
    """What must not stand in an answer to this caller."""
    if bound(rule, who):
        return side.private | side.local | side.official
    return side.private if rule.scope == "public" or role_of(who) in BOUND.values() else set()


def leaks(land: Land, who: str, asked: Asked, answer: Answer) -> set[str]:
    """Words of side B in an answer, but for those that were asked with."""
    said, given = told(answer), f"{asked.path} {dict(asked.query)} {asked.body}"
    if name_of(asked.route) in OFFERS:
        given += f" {land.b.district} {land.b.department}"
    return {
        word
        for word in hidden(RULE_OF[name_of(asked.route)], who, land.b)
        if word in said and word not in given
    }


def without_times(answer: Answer) -> tuple[int, str]:
    """Status and body; addresses and forms of files without their signature, forms without their key."""
    text = re.sub(r'\?[^"\s<]*(X-Amz-|Signature=)[^"\s<]*', "", answer.text)
    text = re.sub(r'name="(key|policy|x-amz-[\w-]+)" value="[^"]*"', "", text)
    return answer.status, re.sub(r'value="[\w-]{16,}"', "", text)


def walk(land: Land, who: str, side: Side) -> dict[str, tuple[Asked, Answer]]:
    """All that this caller may read, asked about one side."""
    found = {}
    for route in ROUTES:
        if is_read(route) and may_call(land, who, route):
            for asked in ways(route, side):
                for one, answer in reads(land, who, asked):
                    found[f"{side.letter} {name_of(route)} {one.place} {one.page}"] = (one, answer)
    return found


def writes(land: Land, who: str, side: Side) -> list[tuple[Asked, Answer]]:
    """All that this caller may write, tried on one side."""
    return [
        (asked, ask(land, who, asked))
        for route in ROUTES
        if not is_read(route) and route.allow != PUBLIC and may_call(land, who, route)
        for asked in ways(route, side)
    ]


# --- every route has its rule


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_every_route_says_whose_things_it_shows(route: Route) -> None:
    assert name_of(route) in RULE_OF, f"{name_of(route)} " + MISSING.format(name_of(route))


def test_every_rule_is_of_a_route_that_there_is() -> None:
    assert set(RULE_OF) <= {name_of(route) for route in ROUTES}
    assert set(BODIES) <= {name_of(route) for route in ROUTES}


def test_a_rule_that_binds_nobody_or_not_everybody_tells_why() -> None:
    for rule in set(RULE_OF.values()):
        assert rule.why or rule.scope in ("area", "department", "both", "own"), rule.routes
        assert rule.why or not rule.open_to, rule.routes


def test_every_field_that_asks_of_a_side_is_asked(land: Land) -> None:
    known = {kept_as(route, one) for route in ROUTES for one in re.findall(r"\{(\w+)\}", route.path)}
    assert known - set(FIXED) <= set(land.b.ids), "Land.fill keeps no such ids: tests/identity/land.py"
    for route in ROUTES:
        if route.body is not None:
            route.body.model_validate(BODIES.get(name_of(route), lambda _: {})(land.b))


def test_the_documentation_shows_these_rules() -> None:
    shown = (
        ROLES.read_text(encoding="utf-8").partition("<!-- scopes -->\n")[2].partition("\n<!-- /scopes -->")[0]
    )
    assert shown.splitlines() == table(), (
        "docs/roles.md, between the marks `scopes`: run `python -m scripts.scopes`"
    )


# --- the walk


@pytest.mark.parametrize("who", BOUND)
def test_who_covers_one_side_learns_nothing_of_the_other(land: Land, who: str) -> None:
    here, there = walk(land, who, land.a), walk(land, who, land.b)
    found = {
        one.named: words
        for one, answer in (here | there).values()
        if (words := leaks(land, who, one, answer))
    }
    assert not found, json.dumps({named: sorted(words) for named, words in found.items()}, indent=1)
    broken = [one.named for one, answer in (here | there).values() if answer.status >= 500]  # noqa: PLR2004
    assert not broken
    land.grow()
    after = walk(land, who, land.a) | walk(land, who, land.b)
    changed = {
        one.named: (answer.text, after[key][1].text)
        for key, (one, answer) in (here | there).items()
        if bound(RULE_OF[name_of(one.route)], who)
        and name_of(one.route) not in SEALED
        and (key not in after or without_times(after[key][1]) != without_times(answer))
    }
    assert not changed, json.dumps(changed, indent=1)


@pytest.mark.parametrize("who", BOUND)
def test_what_is_the_other_sides_sounds_as_if_it_were_not_there(land: Land, who: str) -> None:
    other = nowhere(land.b)
    there, none = walk(land, who, land.b), walk(land, who, other)
    differing = {}
    for key, (one, answer) in there.items():
        if bound(RULE_OF[name_of(one.route)], who):
            _, twin = none["M" + key[1:]] if "M" + key[1:] in none else (one, Answer(0, {}, "no such page"))
            if tells(land, who, one, answer, twin):
                differing[one.named] = (as_if_of(land.b, other, answer), (twin.status, twin.text))
    assert not differing, json.dumps(differing, indent=1)


def tells(land: Land, who: str, asked: Asked, answer: Answer, twin: Answer) -> bool:
    """Whether two answers tell what is there from what is not."""
    if name_of(asked.route) in NAMES_OPENLY or (
        who.startswith("officer") and name_of(asked.route) in TOLD_APART
    ):
        return False
    form = asked.route.kind == "page" and asked.route.method == "POST"
    if form or (answer.status, twin.status) == (HTTPStatus.CREATED,) * 2:
        return False  # what was made has an id of its own; a form shows one's own page, as it is by now
    same = (without_times(answer), as_if_of(land.b, nowhere(land.b), answer))
    return without_times(twin) not in same


@pytest.mark.parametrize("who", BOUND)
def test_who_covers_one_side_names_nothing_of_the_other(land: Land, who: str) -> None:
    """In what they write about their own: as if it were not there."""
    other, differing, before = nowhere(land.b), {}, land.dump()
    for route in ROUTES:
        body, names = (
            BODIES.get(name_of(route)),
            bound(RULE_OF[name_of(route)], who) and may_call(land, who, route),
        )
        if not names or body is None or body(land.a) == body(land.b):
            continue
        for asked in ways(route, land.a):
            one, twin = (replace(asked, body=json.dumps(body(side))) for side in (land.b, other))
            answer, none = ask(land, who, one), ask(land, who, twin)
            if tells(land, who, one, answer, none):
                differing[one.named] = (as_if_of(land.b, other, answer), (none.status, none.text))
    assert not differing, json.dumps(differing, indent=1)
    assert changed(land, before) == {}


@pytest.mark.parametrize("who", BOUND)
def test_who_covers_one_side_changes_nothing_of_the_other(land: Land, who: str) -> None:
    other, before = nowhere(land.b), land.dump()
    tried = writes(land, who, land.b)
    touched = changed(land, before)
    none = writes(land, who, other)
    found = {one.named: sorted(words) for one, answer in tried if (words := leaks(land, who, one, answer))}
    assert not found, json.dumps(found, indent=1)
    differing = {
        one.named: (as_if_of(land.b, other, answer), (twin.status, twin.text))
        for (one, answer), (_, twin) in zip(tried, none, strict=True)
        if bound(RULE_OF[name_of(one.route)], who) and tells(land, who, one, answer, twin)
    }
    assert not differing, json.dumps(differing, indent=1)
    assert touched == {}, [one.named for one, answer in tried if answer.status < REFUSED]


@pytest.mark.parametrize("name", ["groups", "influencers"])
def test_a_file_of_who_covers_one_side_tells_nothing_of_who_is_known_on_the_other(
    land: Land, name: str
) -> None:
    kind, who = wiring.import_kinds()[name](), land.staff["coordinator_a"]
    job, other = ImportJob("imp_w", who.id, NOW, {}, who), nowhere(land.b)
    where = {"area": land.a.booth, "name": "Namuna Devi"}
    if name == "groups":
        codes = sorted(word for word in land.b.private if re.fullmatch("[0-9a-f]{22}", word))
        known = [{"link": f"https://chat.whatsapp.com/{code}"} for code in codes]
        unknown = [{"link": f"https://chat.whatsapp.com/{code[::-1]}"} for code in codes]
        spoiled = {"departments": "nothing"}
    else:
        wiring.people().stop("whatsapp", land.b.phone(77), evidence="x", at=NOW)
        phones = {land.b.phone(77), *(f"+{word}" for word in land.b.private if word.isdigit())}
        there_is = wiring._people_store().known_phones(sorted(phones))
        known = [{"phone": phone} for phone, found in there_is.items() if found != KnownPhone()]
        assert {(one.stopped, one.held, one.invited is None) for one in there_is.values()} >= {
            (True, False, True),
            (False, True, True),
            (False, False, False),
        }
        unknown = [{"phone": one["phone"].replace(land.b.digits, other.digits)} for one in known]
        spoiled = {"themes": "nothing"}
    before = land.dump()
    for more in ({}, spoiled, {"area": land.b.booth}):
        there, none = ([kind.read(where | one | more, job) for one in rows] for rows in (known, unknown))
        said = [as_told(effect) for effect in kind.compare(there, job)]
        assert said == [as_told(effect) for effect in kind.compare(none, job)]
        assert len(said) > 1 and len(set(said)) == 1
        if said == ["new"] * len(said):
            kind.write(there, job)
            assert [as_told(effect) for effect in kind.compare(there, job)] == said
    assert land.dump() == before


def as_told(effect: object) -> str:
    return str(effect.errors) if isinstance(effect, InvalidInput) else str(effect)


def changed(land: Land, before: Dump) -> dict[str, tuple[str, str | None]]:
    """The items of side B that are not as they were."""
    b, after = land.b, land.dump()
    words = b.private | b.local | b.official
    return {
        f"{table} {key}": (item, after[table].get(key))
        for table, items in before.items()
        for key, item in items.items()
        if after[table].get(key) != item and any(word in item for word in words)
    }


def as_if_of(side: Side, other: Side, answer: Answer) -> tuple[int, str]:
    """An answer about one side with the ids of the other, wherever it names what was asked with."""
    status, text = without_times(answer)
    for name, known in side.ids.items():
        for one, twin in zip(known, other.ids[name], strict=True):
            text = text.replace(one, twin)
    for one, twin in (
        (side.district, other.district),
        (side.department, other.department),
        (side.digits, other.digits),
    ):
        text = text.replace(one, twin)
    return status, text


@pytest.mark.parametrize("who", [*UNBOUND, ""])
def test_who_is_not_bound_learns_nothing_of_what_is_anothers_own(land: Land, who: str) -> None:
    found, seen = {}, 0
    for one, answer in (walk(land, who, land.a) | walk(land, who, land.b)).values():
        seen += answer.status < REFUSED
        if words := leaks(land, who, one, answer):
            found[one.named] = sorted(words)
        assert answer.status < 500, (one.named, answer.text)  # noqa: PLR2004
    assert seen
    assert not found, json.dumps(found, indent=1)


def test_the_walk_would_see_it(land: Land) -> None:
    """Each list and thing that is bound shows words of B to who may see them all: it is filled."""
    shown = {name_of(one.route) for one, answer in everything(land) if hidden_words(land.b, one, answer)}
    wanted = {
        name_of(route)
        for route in ROUTES
        if is_read(route) and RULE_OF[name_of(route)].scope in ("area", "department", "both")
    } - NUMBERS
    assert wanted - shown == set(), "Land.fill keeps nothing there that one would see: tests/identity/land.py"


def everything(land: Land) -> Iterator[tuple[Asked, Answer]]:
    for who in ("admin", "editor"):
        yield from walk(land, who, land.b).values()


def hidden_words(side: Side, one: Asked, answer: Answer) -> set[str]:
    said = told(answer) if answer.status < REFUSED else ""
    return {word for word in side.private | side.local | side.official if word in said}
