"""The console's rooms of creators: who waits for a review, and the register."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from chalice.app import Response
from pydantic import BeforeValidator, Field, ValidationError

from chalicelib import wiring
from chalicelib.clock import parse_rfc3339
from chalicelib.errors import Conflict, InvalidInput, NotFound, Rejected
from chalicelib.http import Api, Request, invalid, next_cursor, page_of, read_cursor, redirect
from chalicelib.i18n import translate
from chalicelib.identity.words import action_words
from chalicelib.influencers.forms import CHANNELS, CONSENTS, GENDERS, PLATFORMS, PROFESSIONS
from chalicelib.influencers.model import (
    MOVES,
    Account,
    AreaId,
    Filter,
    Influencer,
    Platform,
    ReviewRequest,
    StateRefused,
    Status,
    plain_number,
)
from chalicelib.influencers.service import MOST_WAITING, READ, REVIEW
from chalicelib.links import account_url
from chalicelib.pages import console
from chalicelib.pages.figures import day, moment
from chalicelib.pages.forms import Form, labels, own_areas
from chalicelib.pages.frame import named
from chalicelib.pages.shell import ENDONYMS, mark
from chalicelib.shapes import Strict

if TYPE_CHECKING:
    from chalicelib.ports import Area

api = Api("influencers_desk")

WAITS: Status = "pending_review"
A_PAGE = 25
MOST_OF_A_FILE = 1000
SHOWN = 25
"""Posts, messages or entries below a person."""
STATES: dict[Status, tuple[str, str]] = {
    "invited": ("wait", mark("Invited")),
    "unverified": ("wait", mark("Number not proven yet")),
    "pending_review": ("wait", mark("Waits for a review")),
    "approved": ("", mark("Approved")),
    "declined": ("bad", mark("Declined")),
    "suspended": ("bad", mark("Suspended")),
    "withdrawn": ("bad", mark("Withdrawn")),
}
"""The colour and the words of a state."""
SAID = {
    "approved": mark("Approved. From now on campaigns can reach this person."),
    "declined": mark("Declined. The person sees the reason and may appeal."),
    "suspended": mark("Suspended. Nothing goes to this person until somebody approves them again."),
    "withdrawn": mark("Taken out at their own wish. Number and accounts are free again."),
    "all_approved": mark("Everybody whom you selected is approved."),
    "all_declined": mark("Everybody whom you selected is declined."),
}
FIELDS = {
    "reason": mark("Reason"),
    "ambassador_of": mark("Ambassador of"),
    "pick": mark("Select"),
    "area": mark("Area"),
    "status": mark("Status"),
    "platform": mark("Platform"),
    "min_followers": mark("Followers, at least"),
    "theme": mark("Theme"),
    "q": mark("Name or account"),
    "sure": mark("Their own wish"),
}
MEANWHILE = mark("Somebody else has decided meanwhile: %(state)s.")
NOT_YOURS = mark("This person is not there any more, or not in your areas.")
PICK_SOMEBODY = mark("Select at least one person.")
SAY_WHY = mark("Please give a reason.")

SURE = mark("Please confirm that this is the person's own wish.")
EMAIL_PROVEN = mark("given and proven")
EMAIL_STATED = mark("given, not proven")
FILE = (
    mark("Id"),
    mark("Name"),
    mark("Status"),
    mark("Place"),
    mark("Number"),
    mark("Language"),
    mark("Accounts"),
    mark("Followers, most on one platform"),
    mark("Themes"),
    mark("Since"),
)
"""The columns of the file."""
LOOKED_BACK = timedelta(days=90)


class PeopleQuery(Strict):
    """The register's filters, as the form sends them."""

    status: Status | None = None
    area: AreaId | None = None
    platform: Platform | None = None
    min_followers: Annotated[int, BeforeValidator(plain_number), Field(ge=0)] = 0
    theme: Annotated[str, Field(max_length=40)] = ""
    q: Annotated[str, Field(max_length=80)] = ""


# --- who waits ----------------------------------------------------------------------------------------------


@api.page("GET", "/console/review", allow="influencer.review", summary="Who waits for a review")
def review_page(request: Request) -> Response:
    return _queue(request)


@api.page("POST", "/console/review", allow="influencer.review", summary="Decide about several people at once")
def review_several(request: Request) -> Response:
    """Each by itself: what cannot be done for one holds nobody else back. All done leads back to the list,
    else the page tells who was decided and who was not."""
    form = Form(request.form())
    picked = list(dict.fromkeys(form.all("pick")))[:A_PAGE]
    try:
        wanted = _several(form, picked)
    except InvalidInput as error:
        return _queue(request, form, error)
    done: list[Influencer] = []
    refused: list[tuple[str, str, str]] = []
    for person in picked:
        try:
            done.append(wiring.register().review(request.principal, person, wanted, WAITS))
        except Rejected as error:
            refused.append((person, _name(request, person), _why(error, request.lang)))
    if not refused:
        return redirect(
            console.link(
                request, "/console/review", said=f"all_{wanted.status}", area=request.query.get("area")
            )
        )
    return _queue(request, form.changed(reason=""), status=409, done=done, refused=refused)


@api.page(
    "POST", "/console/review/{influencer_id}", allow="influencer.review", summary="Decide about one person"
)
def review_one(request: Request, influencer_id: str) -> Response:
    form = Form(request.form())
    try:
        person = wiring.register().review(request.principal, influencer_id, _wanted(form), WAITS)
    except NotFound:
        raise
    except Rejected as error:
        if not console.is_partial(request):
            return _queue(request, form, error, about=influencer_id)
        person = wiring.register().get(request.principal, influencer_id, REVIEW)
        if person.status != WAITS:
            return _decided(request, person, _why(error, request.lang))
        [card] = _cards(request, [person], [])
        return console.fragment(
            request,
            "console_review_card.html",
            status=error.status,
            one=card | _refusal(request, form, error),
            picked=(),
            area=request.query.get("area", ""),
        )
    if console.is_partial(request):
        return _decided(request, person)
    where = console.link(request, "/console/review", said=person.status, area=request.query.get("area"))
    return redirect(where)


def _queue(
    request: Request,
    form: Form | None = None,
    error: Rejected | None = None,
    *,
    status: int = 200,
    about: str = "",
    done: Sequence[Influencer] = (),
    refused: Sequence[tuple[str, str, str]] = (),
) -> Response:
    form, area = form or Form(), request.query.get("area", "")
    try:
        waiting = wiring.register().waiting(request.principal, area or None)
    except InvalidInput as unknown:
        waiting, error, area = [], unknown, ""
    people, more = page_of(request, A_PAGE, waiting[:MOST_WAITING], lambda one: f"{one.verified_at} {one.id}")
    cards = _cards(request, people, waiting)
    if about and error and not any(card["id"] == about for card in cards):
        refused, error, status = [(about, _name(request, about), _why(error, request.lang))], None, 409
    for card in cards:
        if card["id"] == about and error:
            card.update(_refusal(request, form, error))
    told = console.refusal(error, request.lang, FIELDS) if error else {"errors": {}, "problems": []}
    if about:
        told["errors"] = {}
    return console.page(
        request,
        "console_review.html",
        "review",
        status=error.status if error else status,
        said=SAID,
        cards=cards,
        total=len(waiting),
        bounded=len(waiting) > MOST_WAITING,
        cursor=more,
        area=area,
        areas=_areas(request, area, REVIEW),
        form=form,
        picked=form.all("pick"),
        done=done,
        refused=refused,
        **told,
    )


def _cards(
    request: Request, people: Sequence[Influencer], waiting: Sequence[Influencer]
) -> list[dict[str, Any]]:
    """Each person as a card shows them, with who resembles them."""
    if not people:
        return []
    known, themes, alike = console.together(
        lambda: wiring.directory().many({part for person in people for part in person.area_path}),
        lambda: _themes(request.lang),
        lambda: wiring.register().namesakes(people, waiting),
    )
    return [
        _card(request, person, known, themes) | {"alike": [_brief(one) for one in alike[person.id]]}
        for person in people
    ]


def _card(
    request: Request, person: Influencer, known: Mapping[str, Area], themes: Mapping[str, str]
) -> dict[str, Any]:
    """A person as a card shows them. `form` and `errors` are those of their own form."""
    lang = request.lang
    path = [known[part] for part in person.area_path if part in known and part != "IN"]
    may = [one for one in path if request.principal.covers_area(one.path, REVIEW)]
    colour, words = STATES[person.status]
    return {
        "id": person.id,
        "name": person.name,
        "colour": colour,
        "state": words,
        "status": person.status,
        "place": [named(one.names, lang) for one in reversed(path)],
        "since": _when(person.verified_at or person.signed_up_at),
        "phone": person.masked_phone,
        "proof": person.phone_proof,
        "channel": translate(lang, CHANNELS[person.channel]),
        "language": ENDONYMS.get(person.language, person.language),
        "gender": translate(lang, GENDERS[person.gender]) if person.gender in GENDERS else "",
        "profession": translate(lang, PROFESSIONS[person.profession])
        if person.profession in PROFESSIONS
        else "",
        "accounts": [_account(one, lang) for one in person.handles],
        "contested": [_account(one, lang) for one in person.contested],
        "themes": [themes.get(one, one) for one in person.themes],
        "of_age": day(person.adult_on) if person.adult_on else "",
        "terms": person.terms_version,
        "idea": person.idea,
        "ambassador": person.ambassador_of,
        "reason": person.reason,
        "ambassador_areas": [(one.id, named(one.names, lang)) for one in reversed(may)],
        "alike": [],
        "form": Form(),
        "errors": {},
        "problem": "",
    }


def _account(one: Account, lang: str) -> dict[str, Any]:
    shown = one.masked()
    return {
        "platform": translate(lang, PLATFORMS[one.platform]),
        "handle": shown.handle,
        "url": account_url(one.platform, one.handle),
        "followers": one.followers,
        "counted": one.followers_grade == "verified",
        "proven": one.proof == "verified",
        "at": _when(one.followers_at),
    }


def _brief(person: Influencer) -> dict[str, str]:
    return {"id": person.id, "name": person.name, "state": STATES[person.status][1]}


def _decided(request: Request, person: Influencer, why: str = "") -> Response:
    """In the card's place: what has become of the person. `why`: this was not our decision."""
    colour, words = STATES[person.status]
    return console.fragment(
        request,
        "console_review_done.html",
        one={"id": person.id, "name": person.name, "colour": colour, "state": words, "why": why},
    )


def _wanted(form: Form) -> ReviewRequest:
    """The decision that a form asks for. Raises InvalidInput."""
    named_fields = {
        "decision": form.one("decision"),
        "reason": form.one("reason").strip(),
        "ambassador_of": form.one("ambassador_of") or None,
    }
    if named_fields["decision"] != "approve":
        named_fields["ambassador_of"] = None
        if not named_fields["reason"]:
            raise InvalidInput.of("reason", "reason_missing", SAY_WHY)
    try:
        return ReviewRequest.model_validate(named_fields)
    except ValidationError as error:
        raise invalid(error) from None


def _several(form: Form, picked: Sequence[str]) -> ReviewRequest:
    """The same for several people: with a reason in any case, kept with each."""
    if not picked:
        raise InvalidInput.of("pick", "nobody_picked", PICK_SOMEBODY)
    if not form.one("reason").strip():
        raise InvalidInput.of("reason", "reason_missing", SAY_WHY)
    return _wanted(form)


def _why(error: Rejected, lang: str) -> str:
    """Why a decision could not be made, in a sentence."""
    if isinstance(error, NotFound):
        return translate(lang, NOT_YOURS)
    if isinstance(error, StateRefused):
        words = STATES[error.params["status"]][1]  # type: ignore[index]
        return translate(lang, MEANWHILE, {"state": translate(lang, words)})
    if isinstance(error, InvalidInput):
        return " ".join(translate(lang, one.message, one.params) for one in error.errors)
    return translate(lang, error.message, error.params)


def _refusal(request: Request, form: Form, error: Rejected) -> dict[str, Any]:
    """What a card says of its own form that was refused: what was typed stays."""
    errors = console.refusal(error, request.lang, FIELDS)["errors"]
    return {"form": form, "errors": errors, "problem": "" if errors else _why(error, request.lang)}


def _name(request: Request, person: str) -> str:
    """Who it is, as far as the caller may know."""
    try:
        return wiring.register().get(request.principal, person, REVIEW).name
    except NotFound:
        return person


# --- the register -------------------------------------------------------------------------------------------


@api.page("GET", "/console/people", allow="influencer.read", summary="The register, by state and place")
def people_page(request: Request) -> Response:
    asked = {name: value for name, value in request.query.items() if name in PeopleQuery.model_fields}
    people: list[Influencer] = []
    more, error = None, None
    try:
        query = _asked(asked)
        people, after = _listed(request, query, A_PAGE)
        more = next_cursor(request, after)
    except InvalidInput as found:
        query, error = PeopleQuery(), found
    known, themes = console.together(
        lambda: wiring.directory().many({part for person in people for part in person.area_path}),
        lambda: _themes(request.lang),
    )
    return console.page(
        request,
        "console_people.html",
        "people",
        status=error.status if error else 200,
        rows=[_row(request.lang, person, known) for person in people],
        cursor=more,
        form=Form({name: [value] for name, value in asked.items()}),
        status_asked=asked.get("status", "approved"),
        areas=_areas(request, query.area or "", READ),
        states=[(state, translate(request.lang, words)) for state, (_, words) in STATES.items()],
        platforms=labels(PLATFORMS, request.lang),
        themes=sorted(themes.items(), key=lambda one: one[1]),
        file=console.link(request, "/console/people.csv", **asked),
        most=MOST_OF_A_FILE,
        **console.refusal(error, request.lang, FIELDS),
    )


@api.page("GET", "/console/people.csv", allow="influencer.read", summary="The same people as a file")
def people_file(request: Request) -> Response:
    """At most MOST_OF_A_FILE people, numbers masked; where there are more the last line tells the address of
    the next part."""
    query = _asked({n: value for n, value in request.query.items() if n not in ("lang", "cursor")})
    people, after = _listed(request, query, MOST_OF_A_FILE)
    known, themes = console.together(
        lambda: wiring.directory().many({part for person in people for part in person.area_path}),
        lambda: _themes(request.lang),
    )
    lang = request.lang
    header = [translate(lang, name) for name in FILE]
    rows = [_line(lang, person, known, themes) for person in people]
    return console.csv_file("creators", header, rows, (request, next_cursor(request, after)))


@api.page(
    "GET",
    "/console/people/{influencer_id}",
    allow="influencer.read",
    summary="All that staff may see of one person",
)
def person_page(request: Request, influencer_id: str) -> Response:
    return _person(request, wiring.register().get(request.principal, influencer_id))


@api.page(
    "POST",
    "/console/people/{influencer_id}/review",
    allow="influencer.review",
    summary="Approve, decline or suspend",
)
def decide_form(request: Request, influencer_id: str) -> Response:
    """`seen` is the state in which the form showed the person: a click that comes late changes nothing."""

    def act(form: Form) -> str:
        seen = next((state for state in STATES if state == form.one("seen")), WAITS)
        return wiring.register().review(request.principal, influencer_id, _wanted(form), seen).status

    return _act(request, influencer_id, act)


@api.page(
    "POST",
    "/console/people/{influencer_id}/withdrawal",
    allow="influencer.review",
    summary="Take a person out",
)
def withdrawal_form(request: Request, influencer_id: str) -> Response:
    def act(form: Form) -> str:
        if form.one("sure") != "yes":
            raise InvalidInput.of("sure", "not_sure", SURE)
        wiring.register().withdraw(request.principal, influencer_id)
        return "withdrawn"

    return _act(request, influencer_id, act)


@api.page(
    "POST",
    "/console/people/{influencer_id}/reveal",
    allow="influencer.reveal",
    summary="Number and email in clear",
)
def reveal_form(request: Request, influencer_id: str) -> Response:
    """On this one answer; that they were looked at is kept, each time."""
    return _person(request, wiring.register().reveal(request.principal, influencer_id), revealed=True)


def _asked(given: Mapping[str, str]) -> PeopleQuery:
    """The filters; a form sends empty ones too. Raises InvalidInput."""
    told = {name: value for name, value in given.items() if value}
    if "status" not in given:
        told["status"] = "approved"
    try:
        return PeopleQuery.model_validate(told)
    except ValidationError as error:
        raise invalid(error) from None


def _listed(
    request: Request, query: PeopleQuery, limit: int
) -> tuple[list[Influencer], dict[str, Any] | None]:
    pick = Filter(platform=query.platform or "", **query.model_dump(include={"min_followers", "theme", "q"}))
    return wiring.register().listed(
        request.principal,
        status=query.status,
        area=query.area,
        pick=pick,
        limit=limit,
        after=read_cursor(request),
    )


def _row(lang: str, person: Influencer, known: Mapping[str, Area]) -> dict[str, Any]:
    colour, words = STATES[person.status]
    return {
        "id": person.id,
        "name": person.name,
        "colour": colour,
        "state": words,
        "place": _place(person, known, lang),
        "followers": [(translate(lang, PLATFORMS[where]), n) for where, n in person.followers.items()],
        "since": _when(person.verified_at or person.signed_up_at),
        "ambassador": bool(person.ambassador_of),
    }


def _line(
    lang: str, person: Influencer, known: Mapping[str, Area], themes: Mapping[str, str]
) -> list[str | int]:
    handles = [one.masked() for one in person.handles]
    return [
        person.id,
        person.name,
        translate(lang, STATES[person.status][1]),
        _place(person, known, lang),
        person.masked_phone,
        ENDONYMS.get(person.language, person.language),
        "; ".join(f"{one.platform} {one.handle}" for one in handles),
        max(person.followers.values(), default=0),
        "; ".join(themes.get(one, one) for one in person.themes),
        _when(person.verified_at or person.signed_up_at),
    ]


def _place(person: Influencer, known: Mapping[str, Area], lang: str) -> str:
    """The smallest area and its district, by name."""
    path = [known[part] for part in person.area_path if part in known]
    shown = [one for one in path if one.level == "district" or one is path[-1]]
    return ", ".join(named(one.names, lang) for one in reversed(shown))


def _person(
    request: Request,
    person: Influencer,
    *,
    revealed: bool = False,
    form: Form | None = None,
    error: Rejected | None = None,
) -> Response:
    """A person's page with one of its parts: each is a page of its own, so that none reads more than it
    shows."""
    wanted = request.query.get("tab", "")
    tabs = [(name, words) for name, (words, action) in TABS.items() if request.principal.may(action)]
    tab = wanted if wanted in dict(tabs) else ""
    known, themes, part = console.together(
        lambda: wiring.directory().many(
            {*person.area_path, *person.areas_served, person.ambassador_of} - {""}
        ),
        lambda: _themes(request.lang),
        lambda: PARTS[tab](request, person) if tab else {},
    )
    lang = request.lang
    facts = {
        "email": translate(lang, EMAIL_PROVEN if person.email_proven else EMAIL_STATED)
        if person.email
        else "",
        "reached": [translate(lang, CHANNELS[one]) for one in person.reachable],
        "stopped": [translate(lang, CHANNELS[one]) for one in sorted(person.suppressed_channels)],
        "consents": [
            (translate(lang, CONSENTS[one.purpose]), translate(lang, CHANNELS[one.channel]))
            for one in person.consents
        ],
        "serves": [named(known[one].names, lang) for one in person.areas_served if one in known],
        "ambassador": named(known[person.ambassador_of].names, lang) if person.ambassador_of in known else "",
        "signed_up": _when(person.signed_up_at),
        "verified": _when(person.verified_at),
        "reviewed": _when(person.reviewed_at),
        "may": [state for state in MOVES[person.status] if state != WAITS],
    }
    return console.page(
        request,
        "console_person.html",
        "people",
        status=error.status if error else 200,
        said=SAID,
        one=_card(request, person, known, themes) | facts,
        revealed={"phone": person.phone, "email": person.email, "accounts": person.handles}
        if revealed
        else None,
        tabs=tabs,
        tab=tab,
        part=part,
        form=form or Form(),
        **console.refusal(error, lang, FIELDS),
    )


def _act(request: Request, influencer_id: str, act: Callable[[Form], str]) -> Response:
    again = partial(_refused, request, influencer_id)
    return console.act(request, act, again, f"/console/people/{influencer_id}", of_one=True)


def _refused(request: Request, influencer_id: str, form: Form, error: Rejected) -> Response:
    """The person's page, with what was typed."""
    person = wiring.register().get(request.principal, influencer_id, REVIEW)
    if isinstance(error, StateRefused):
        error = Conflict(_why(error, request.lang).replace("%", "%%"))
    return _person(request, person, form=form, error=error)


# --- the parts of a person's page ---------------------------------------------------------------------------


def _posts(request: Request, person: Influencer) -> dict[str, Any]:
    found, after = wiring.posts().of_person(request.principal, person.id, SHOWN, None)
    return {
        "posts": [
            {
                "id": one.id,
                "platform": translate(request.lang, PLATFORMS[one.platform]),
                "url": one.url,
                "day": day(one.handed_in_at),
                "campaign": one.campaign,
            }
            for one in found
        ],
        "more": bool(after),
    }


def _messages(request: Request, person: Influencer) -> dict[str, Any]:
    """What went to somebody in the last ninety days; of a campaign that the caller may not see, the day
    alone."""
    now = wiring.clock().now()
    found = wiring.received().received(person.id, now - LOOKED_BACK, now)[::-1][:SHOWN]
    known = wiring.campaigns().known(request.principal, {one.campaign_id for one in found})
    titles = {one: campaign.content.title for one, campaign in known.items()}
    return {"messages": [(one.campaign_id, titles.get(one.campaign_id, ""), moment(one.at)) for one in found]}


def _tiers(request: Request, person: Influencer) -> dict[str, Any]:
    placed = wiring.tiers().of(request.principal, person.id, "", None)
    lang = request.lang
    found = []
    for one in placed:
        tier, possible = (
            next((named(each.names, lang) for each in one.version.terms.tiers if each.id == wanted), "")
            for wanted in (one.evaluation.tier, one.evaluation.possible)
        )
        found.append((one.policy.id, named(one.policy.names, lang), one.policy.sample, tier, possible))
    return {"tiers": found}


def _history(request: Request, person: Influencer) -> dict[str, Any]:
    entries, more = wiring.audit().of(f"influencer#{person.id}", limit=SHOWN)
    names = wiring.users().names()
    return {
        "entries": [
            (
                moment(parse_rfc3339(one.at)),
                action_words(one.action),
                names.get(one.actor, one.actor),
            )
            for one in entries
        ],
        "more": more is not None,
    }


TABS = {
    "posts": (mark("Posts"), "post.read"),
    "messages": (mark("Messages received"), "campaign.read"),
    "tiers": (mark("Categories"), "policy.read"),
    "history": (mark("What was done"), "audit.read"),
}
"""The parts of a person's page behind the first one, and who may open them."""
PARTS = {"posts": _posts, "messages": _messages, "tiers": _tiers, "history": _history}


# --- what both rooms need -----------------------------------------------------------------------------------


def _areas(request: Request, chosen: str, action: str) -> list[tuple[str, str]]:
    """What the list of areas offers to the caller."""
    directory, who = wiring.directory(), request.principal
    roots = ["IN"] if who.covers_area((), action) else sorted(who.areas)
    return own_areas(directory, directory.children, roots, chosen, request.lang)


def _themes(lang: str) -> dict[str, str]:
    return {theme.id: named(theme.names, lang) for theme in wiring.directory().themes()}


def _when(text: str) -> str:
    """A day of ours as it is written in India; empty where there is none."""
    return day(parse_rfc3339(text)) if text else ""
