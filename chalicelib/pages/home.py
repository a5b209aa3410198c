"""The first page of the console: what waits for whoever is signed in.

The page itself reads nothing; each tile is asked for by itself, counts no further than it shows, and is left
out where its room is not the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Literal

from chalice.app import Response

from chalicelib import wiring
from chalicelib.clock import parse_rfc3339
from chalicelib.errors import NotFound
from chalicelib.http import Api, Request, redirect
from chalicelib.i18n import translate
from chalicelib.pages import console
from chalicelib.pages.figures import day
from chalicelib.pages.frame import named
from chalicelib.pages.shell import mark
from chalicelib.pages.words import ROLE_NAMES

api = Api("console")

MOST = 50
"""A tile counts no further: "50+"."""
RECENT_IMPORTS = 25


@dataclass(frozen=True)
class Waits:
    """What a tile tells: how many, at most one more than MOST, and a word on the first of them."""

    count: int
    hint: str = ""
    day: str = ""
    """Stands in the hint."""


@dataclass(frozen=True)
class Tile:
    """One thing that may wait for somebody. `query` leads to it in its room."""

    id: str
    label: str
    action: str
    room: str
    count: Callable[[Any], Waits]
    """For the Principal who asks."""
    query: tuple[tuple[str, str], ...] = ()


def _reviews(who: Any) -> Waits:  # noqa: ANN401 - pages know no feature's types
    waiting = wiring.register().waiting(who, None, MOST)
    if not waiting or len(waiting) > MOST:
        return Waits(len(waiting))
    return Waits(len(waiting), OLDEST, day(parse_rfc3339(waiting[0].verified_at)))


def _going_out(who: Any) -> Waits:  # noqa: ANN401
    return Waits(len(wiring.campaigns().going_out(who, MOST + 1)))


def _own(status: Literal["draft", "approved"], *, given_back: bool = False) -> Callable[[Any], Waits]:
    """Those in which somebody had a hand."""

    def count(who: Any) -> Waits:  # noqa: ANN401
        waiting = wiring.campaigns().waiting(who, status)
        return _some(one for one in waiting if who.id in one.authors and one.given_back is given_back)

    return count


def _to_approve(who: Any) -> Waits:  # noqa: ANN401
    """Not one's own: nobody approves what they wrote."""
    return _some(
        one for one in wiring.campaigns().waiting(who, "submitted") if one.may_be_approved_by(who.id)
    )


def _some(found: Iterable[Any]) -> Waits:
    return Waits(sum(1 for _ in islice(found, MOST + 1)))


def _voices(who: Any) -> Waits:  # noqa: ANN401
    return Waits(wiring.voice_desk().overdue(who, MOST + 1))


def _appeals(who: Any) -> Waits:  # noqa: ANN401
    found, _ = wiring.appeals().listed(who, state="open", area=None, subject=None, limit=MOST + 1, after=None)
    return Waits(len(found))


def _imports(who: Any) -> Waits:  # noqa: ANN401
    found, _ = wiring.imports().listed(who, RECENT_IMPORTS, None)
    return Waits(sum(job.status == "failed" or bool(job.sums.listed) for job in found))


def _channels(who: Any) -> Waits:  # noqa: ANN401
    return Waits(sum(one.health != "well" for one in wiring.channel_desk().listed()))


def _stops(who: Any) -> Waits:  # noqa: ANN401
    return Waits(len(wiring.stop_desk().listed(who)))


def _directives(who: Any) -> Waits:  # noqa: ANN401
    listed = wiring.directives().listed
    pages = console.together(
        partial(listed, who, "", "overdue", MOST, None),
        partial(listed, who, "", "due_soon", MOST, None),
        partial(listed, who, "", "open", MOST, None),
    )
    return Waits(len({one.directive.id for found, _ in pages for one in found}))


OLDEST = mark("the first one since %(day)s")
TILES = (
    Tile("reviews", mark("Creators to review"), "influencer.review", "review", _reviews),
    Tile(
        "approvals",
        mark("Campaigns that wait for your approval"),
        "campaign.approve",
        "campaigns",
        _to_approve,
        (("status", "submitted"),),
    ),
    Tile(
        "returned",
        mark("Your campaigns that an approver gave back"),
        "campaign.write",
        "campaigns",
        _own("draft", given_back=True),
        (("status", "draft"),),
    ),
    Tile(
        "approved",
        mark("Your campaigns that are approved and have no time yet"),
        "campaign.write",
        "campaigns",
        _own("approved"),
        (("status", "approved"),),
    ),
    Tile(
        "drafts",
        mark("Your drafts"),
        "campaign.write",
        "campaigns",
        _own("draft"),
        (("status", "draft"),),
    ),
    Tile(
        "running",
        mark("Campaigns that are going out"),
        "campaign.read",
        "campaigns",
        _going_out,
        (("status", "dispatching"),),
    ),
    Tile("voices", mark("Voices that are overdue"), "voice.answer", "voices", _voices, (("overdue", "yes"),)),
    Tile("appeals", mark("Appeals to answer"), "appeal.answer", "appeals", _appeals),
    Tile("directives", mark("Directives to acknowledge"), "directive.acknowledge", "directives", _directives),
    Tile("imports", mark("Imports with errors"), "import.write", "imports", _imports),
    Tile("channels", mark("Channels that are slowed or stopped"), "channel.read", "channels", _channels),
    Tile("stops", mark("Stops in force"), "stop.read", "stops", _stops),
)
FIRST_STEPS = {
    "admin": (
        (mark("Bring in the areas, departments and groups that you have as files."), "imports"),
        (mark("Add your colleagues and say what each may do."), "users"),
        (mark("Look whether every channel is well, and send yourself a test message."), "channels"),
    ),
    "coordinator": (
        (mark("Look who has signed up in your area."), "people"),
        (mark("Invite people whom you know: an SMS, a letter, a QR code on the wall."), "invitations"),
        (mark("Register the groups of your area, one link for each."), "groups"),
    ),
    "editor": (
        (mark("Write a campaign and see whom it would reach."), "campaigns/new"),
        (mark("Look who has signed up where."), "areas"),
        (mark("Look at the posts that campaigns have led to."), "posts"),
    ),
    "approver": (
        (mark("Read what editors have written, and approve it or give it back."), "campaigns"),
        (mark("See which channels there are, and how they are."), "channels"),
        (mark("Know how everything is stopped at once."), "stops"),
    ),
    "nodal_officer": (
        (mark("Read what your department was told to do."), "directives"),
        (mark("Answer the voices that concern your department."), "voices"),
        (mark("Say how your schemes get on."), "schemes"),
    ),
    "auditor": (
        (mark("See what was done, and whether the audit is whole."), "audit"),
        (mark("See who may do what."), "users"),
        (mark("Look at the campaigns and what they have reached."), "campaigns"),
    ),
}
"""What somebody does first: for each role three steps, each with its room or a page of it."""


@api.page("GET", "/console", allow="campaign.read", summary="What waits for whoever is signed in")
def home(request: Request) -> Response:
    there = {room.id: room.to for _, group in console.rooms(request) for room in group}
    role = next((role for role in FIRST_STEPS if role in request.principal.roles), "")
    steps = [(words, _to(there, place)) for words, place in FIRST_STEPS.get(role, ())]
    tiles = [_shown(request, tile) for tile in _tiles(request)]
    return console.page(request, "console_home.html", "home", tiles=tiles, steps=steps, here=_here(request))


def _to(there: Mapping[str, str], place: str) -> str:
    """Where a step leads; nowhere if its room is not the caller's."""
    room, _, below = place.partition("/")
    return there[room] + (f"/{below}" if below else "") if room in there else ""


def _here(request: Request) -> list[str]:
    """Who is signed in: what they are, and for which areas."""
    who, lang = request.principal, request.lang
    areas = wiring.directory().many(sorted(who.areas)).values() if who.areas else ()
    roles = [translate(lang, label) for role, label in ROLE_NAMES.items() if role in who.roles]
    return [who.name or who.email, ", ".join(roles), ", ".join(named(one.names, lang) for one in areas)]


@api.page("GET", "/console/waiting/{what}", allow="campaign.read", summary="One tile of the first page")
def tile(request: Request, what: str) -> Response:
    found = next((one for one in _tiles(request) if one.id == what), None)
    if found is None:
        raise NotFound
    shown = _shown(request, found)
    if not console.is_partial(request):
        return redirect(shown["to"])
    waits = found.count(request.principal)
    count = f"{MOST}+" if waits.count > MOST else str(waits.count)
    hint = translate(request.lang, waits.hint, {"day": waits.day}) if waits.hint else ""
    return console.fragment(
        request, "console_tile.html", one=shown | {"count": count, "some": waits.count > 0, "hint": hint}
    )


def _tiles(request: Request) -> list[Tile]:
    """Those whose rooms the caller may open, to do what the tile is for."""
    there = {room.id for _, group in console.rooms(request) for room in group}
    return [one for one in TILES if one.room in there and request.principal.may(one.action)]


def _shown(request: Request, tile: Tile) -> dict[str, Any]:
    to = console.link(request, f"/console/{tile.room}", **dict(tile.query))
    return {"id": tile.id, "label": tile.label, "to": to}
