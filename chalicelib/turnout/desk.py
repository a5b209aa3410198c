"""The console's room of areas: who voted there, who is there, what is wanted there, which elections were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, get_args

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.errors import InvalidInput, NotFound, Rejected
from chalicelib.http import Api, Request, invalid, next_cursor, read_cursor, redirect
from chalicelib.i18n import translate
from chalicelib.pages import console
from chalicelib.pages.forms import Form, labels, own_areas
from chalicelib.pages.frame import named
from chalicelib.pages.shell import mark
from chalicelib.turnout.form import PastElectionBody
from chalicelib.turnout.model import CAUTION, CONSTITUENCY, READ, ROOT, TENTH, PastElection
from chalicelib.turnout.service import By, Listed, Told, Turnouts

api = Api("turnout_desk")
ROOM = "/console/areas"
A_PAGE = 100
"""More than India has states, or a state districts: only booths go on to a next page."""
MOST_OF_A_FILE = 5000
LOWEST = 10
FOUND = 20
KINDS: dict[str, str] = {
    "lok_sabha": mark("Lok Sabha"),
    "vidhan_sabha": mark("State assembly"),
    "by_election": mark("By-election"),
    "local_body": mark("Town council or corporation"),
    "panchayat": mark("Panchayat"),
    "other": mark("Another election"),
}
BYS: dict[str, str] = {
    "constituency": mark("Assembly constituencies"),
    "block": mark("Blocks"),
    "booth": mark("Polling booths"),
}
SAID = {
    "goal": mark("The goal is set."),
    "no_goal": mark("The goal is taken away."),
    "election": mark("The election is kept. Its turnout can be imported now."),
}
FIELDS = {
    "area": mark("Area"),
    "election": mark("Election"),
    "q": mark("Find a place"),
    "percent": mark("Turnout wanted, in percent"),
    "women": mark("Share of women wanted, in percent"),
    "id": mark("Short id"),
    "name": mark("Name"),
    "date": mark("Polling day"),
    "kind": mark("Kind of election"),
}
HEADER = (
    mark("Area"),
    mark("Name"),
    mark("Booths"),
    mark("Booths that reported"),
    mark("Electors"),
    mark("Voters"),
    mark("Turnout in percent"),
    mark("Goal in percent"),
)
A_NUMBER = "Please write a number from 1 to 100."


@api.page("GET", ROOM, allow=READ, summary="Turnout, groups and people of an area and right below it")
def areas(request: Request) -> Response:
    return _areas(request)


@api.page("GET", "/console/areas.csv", allow=READ, summary="Turnout of all that lies right below, as a file")
def areas_file(request: Request) -> Response:
    """At most MOST_OF_A_FILE places; where there are more the last line tells the address of the next
    part."""
    asked, lang = _asked(request), request.lang
    area, turnouts = _area(request, asked), wiring.turnouts().one_look()
    place = read_cursor(request) or {"after": "", "election": asked.one("election")}
    turnouts.ahead(request.principal, area, place["election"])
    found = turnouts.listed(
        request.principal,
        area,
        place["election"],
        _by(asked),
        after=place["after"],
        limit=MOST_OF_A_FILE,
    )
    rows: list[Sequence[object]] = [
        (
            one.area,
            named(one.names, lang),
            one.sum.booths,
            one.sum.reported,
            one.sum.electors,
            one.sum.voters,
            "" if one.sum.share is None else round(100 * one.sum.share, 2),
            "" if one.goal is None else round(100 * one.goal, 2),
        )
        for one in found.below
    ]
    more = {"after": found.after, "election": found.election.id} if found.after and found.election else None
    header = [translate(lang, name) for name in HEADER]
    return console.csv_file("turnout", header, rows, (request, next_cursor(request, more)))


@api.page("POST", f"{ROOM}/goal", allow="turnout.goal", summary="Set or take away an area's goal of turnout")
def set_goal(request: Request) -> Response:
    def act(form: Form) -> str:
        share = _share(form, "percent")
        if share is None:
            wiring.turnouts().remove_goal(request.principal, form.one("area"))
            return "no_goal"
        wiring.turnouts().set_goal(request.principal, form.one("area"), share)
        return "goal"

    return _act(request, act)


@api.page(
    "POST", f"{ROOM}/women", allow="coverage.write", summary="Set or take away the share of women wanted"
)
def set_women(request: Request) -> Response:
    def act(form: Form) -> str:
        share = _share(form, "women")
        wiring.coverage().set_goal(request.principal, form.one("area"), share)
        return "no_goal" if share is None else "goal"

    return _act(request, act)


@api.page("POST", f"{ROOM}/elections", allow="turnout.write", summary="Add an election of the past")
def put_election(request: Request) -> Response:
    """Sent twice it says the same twice. One that stands on the calendar stays linked to it."""

    def act(form: Form) -> str:
        body = PastElectionBody.model_validate({name: form.one(name) for name in ("name", "date", "kind")})
        known = {one.id: one.calendar for one in wiring.turnouts().elections()}
        election = form.one("id").strip()
        try:
            wiring.turnouts().put_election(
                request.principal,
                election,
                name=body.name,
                on=body.date,
                kind=body.kind,
                calendar=known.get(election, ""),
            )
        except InvalidInput as error:
            raise (
                InvalidInput.of("id", "election_id", error.errors[0].message)
                if (error.errors[0].field == "election")
                else error
            ) from None
        return "election"

    return _act(request, act)


def _act(request: Request, act: Callable[[Form], str]) -> Response:
    form = Form(request.form())
    try:
        said = act(form)
    except ValidationError as error:
        return _areas(request, form, invalid(error))
    except Rejected as error:
        return _areas(request, form, error)
    return redirect(console.link(request, ROOM, area=form.one("area"), said=said))


def _areas(request: Request, form: Form | None = None, error: Rejected | None = None) -> Response:
    asked, lang = form or _asked(request), request.lang
    area = _area(request, asked)
    turnouts = wiring.turnouts().one_look()

    def said() -> tuple[dict[str, Any], Rejected | None]:
        try:
            return _shown(request, area, asked, turnouts) if area else {}, None
        except Rejected as refused:
            return {}, refused

    (values, refused), hits, elections = console.together(
        said, lambda: _hits(request, asked.one("q").strip()), turnouts.elections
    )
    error = error or refused
    return console.page(
        request,
        "console_areas.html",
        "areas",
        status=error.status if error else 200,
        said=SAID,
        area=area if values else "",
        areas=_offered(request, area if values else ""),
        elections=[(one.id, one.name) for one in elections],
        kinds=labels(KINDS, lang),
        bys=labels(BYS, lang),
        hits=hits,
        form=asked,
        found=values,
        **console.refusal(error, lang, FIELDS),
    )


def _shown(request: Request, area: str, asked: Form, turnouts: Turnouts) -> dict[str, Any]:
    """What the page says of an area. Raises NotFound, InvalidInput."""
    who, lang, by = request.principal, request.lang, _by(asked)
    typed = asked.one("election") if request.method == "GET" else ""
    place = read_cursor(request) if request.method == "GET" else None
    after = str(place["after"]) if place else ""

    chosen = str(place["election"]) if place else typed

    def listed(election: str) -> Listed:
        return turnouts.listed(who, area, election, by, after=after, limit=A_PAGE)

    def latest() -> Listed:
        turnouts.ahead(who, area, chosen)
        return listed(chosen)

    now, covered = console.together(latest, lambda: _covered(request, area))
    at: PastElection | None = now.election
    elections = turnouts.elections()
    before = next((one for one in elections if at and (one.date, one.id) < (at.date, at.id)), None)
    inside = now.whole.level not in ("country", "state")
    old, compared, low = console.together(
        lambda: listed(before.id) if before else None,
        lambda: turnouts.compare(who, area, before.id, at.id) if inside and before and at else None,
        lambda: (
            turnouts.lowest(who, area, at.id, share=TENTH, below=None, after=None, limit=LOWEST).booths
            if inside and at
            else []
        ),
    )
    booths = any(one.level == "booth" for one in now.below)
    earlier = {one.area: one.sum.share for one in old.below} if old and not booths else {}
    rows = [_row(one, lang) | {"before": _percent(earlier.get(one.area))} for one in now.below]
    if not booths:
        rows.sort(key=lambda row: (row["percent"] is None, row["percent"] or 0, row["name"]))
    caution = translate(lang, CAUTION, {"booths": compared.found.after.booths}) if compared else ""
    return {
        "here": _row(now.whole, lang),
        "level": now.whole.level,
        "election": at,
        "before": before if old and old.whole.sum.booths else None,
        "before_percent": _percent(old.whole.sum.share) if old else None,
        "change": compared.found.change if compared else None,
        "caution": caution,
        "rows": rows,
        "booths": booths,
        "more": next_cursor(request, {"after": now.after, "election": at.id} if now.after and at else None),
        "sources": now.sources,
        "low": [_row(one, lang) for one in low],
        "covered": covered,
        "way": _way(request, area),
        "file": console.link(request, "/console/areas.csv", area=area, election=at.id if at else "", by=by),
        "by": by,
        "may_goal": _may(request, area, "turnout.goal"),
        "may_women": covered is not None and area != ROOT and _may(request, area, "coverage.write"),
    }


def _row(one: Told, lang: str) -> dict[str, Any]:
    return {
        "id": one.area,
        "name": named(one.names, lang) or one.area,
        "link": "" if one.level == "booth" else one.area,
        "percent": _percent(one.sum.share),
        "goal": _percent(one.goal),
        "booths": one.sum.booths,
        "missing": one.sum.missing,
        "electors": one.sum.electors,
        "voters": one.sum.voters,
    }


def _covered(request: Request, area: str) -> dict[str, Any] | None:
    """The groups and people of an area, and how many places below lack some; None for who may not know,
    and where coverage counts nothing apart, as in a constituency."""
    if not request.principal.may("coverage.read"):
        return None
    with suppress(NotFound):
        page = wiring.coverage().page(request.principal, area, None, "none", limit=LOWEST, after=None)
        gaps = page.gaps
        lacks = [
            (mark("without a group"), gaps.none),
            (mark("where no link to a group is alive"), gaps.dead),
            (mark("without a creator"), gaps.no_influencer),
        ]
        if page.goals_known:
            lacks.append((mark("below their share of women"), gaps.under_goal))
        return {
            "sums": page.sums,
            "women": _percent(page.sums.share),
            "goal": _percent(page.goal),
            "places": gaps.nodes,
            "lacks": lacks,
            "none": [
                (one.area, named(page.names.get(one.area, {}), request.lang) or one.area)
                for one in page.nodes
            ],
        }
    return None


def _hits(request: Request, typed: str) -> list[tuple[str, str, str]]:
    """Places whose name begins so, in any script: of the caller's areas alone."""
    if not typed:
        return []
    directory, who, lang = wiring.directory(), request.principal, request.lang
    parents = [""] if who.covers_area((ROOT,), READ) else sorted(who.areas)
    found = [one for parent in parents for one in directory.search(parent, typed, None, FOUND)[0]]
    found = [one for one in found if who.covers_area(one.path, READ)]
    above = directory.many({one.path[-2] for one in found if len(one.path) > 1})
    return [
        (one.id, named(one.names, lang), named(up.names, lang) if (up := above.get(one.path[-2])) else "")
        for one in found
    ]


def _way(request: Request, area: str) -> list[tuple[str, str]]:
    """The areas from the caller's own down to this one."""
    directory, who = wiring.directory(), request.principal
    at = area.partition("-")[0] if CONSTITUENCY.fullmatch(area) else area
    here = directory.get(at)
    path = here.path if here else (ROOT,)
    steps = [path[: depth + 1] for depth in range(len(path))]
    shown = [step[-1] for step in steps if step[-1] != ROOT and who.covers_area(step, READ)]
    known = directory.many(shown)
    way = [(one, named(known[one].names, request.lang)) for one in shown if one in known]
    return [*way, *([(area, area)] if at != area else [])]


def _may(request: Request, area: str, action: str) -> bool:
    at = wiring.directory().get(area.partition("-")[0] if CONSTITUENCY.fullmatch(area) else area)
    path: Sequence[str] = at.path if at else (ROOT,)
    return bool(request.principal.covers_area(path, action))


def _asked(request: Request) -> Form:
    return Form({name: [value] for name, value in request.query.items()})


def _area(request: Request, asked: Form) -> str:
    """The area asked for, else the caller's own; empty for who has several."""
    who = request.principal
    own = [ROOT] if who.covers_area((ROOT,), READ) else sorted(who.areas)
    return asked.one("area") or (own[0] if len(own) == 1 else "")


def _offered(request: Request, chosen: str) -> list[tuple[str, str]]:
    directory, who = wiring.directory(), request.principal
    roots = [ROOT] if who.covers_area((ROOT,), READ) else sorted(who.areas)
    at = chosen.partition("-")[0] if CONSTITUENCY.fullmatch(chosen) else chosen
    return own_areas(directory, directory.children, roots, "" if at == ROOT else at, request.lang)


def _by(asked: Form) -> By:
    return next((one for one in get_args(By) if one == asked.one("by")), "constituency")


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)


def _share(form: Form, name: str) -> float | None:
    """What was typed as percent; None for nothing. Raises InvalidInput."""
    typed = form.one(name).strip().rstrip("% ")
    if not typed:
        return None
    with suppress(ValueError):
        if 1 <= (percent := float(typed)) <= 100:  # noqa: PLR2004
            return percent / 100
    raise InvalidInput.of(name, "percent", A_NUMBER)
