"""Campaigns on the console: the list, the composer, what an approver reads and decides."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.campaigns import composing, outlook, words
from chalicelib.campaigns.audience import Audience, CountingJob
from chalicelib.campaigns.correction import Correction, Words
from chalicelib.campaigns.corrections import WITHDRAW
from chalicelib.campaigns.media import MEGABYTE, MOST, Medium
from chalicelib.campaigns.messages import CHANNELS, MOST_SEGMENTS, Template
from chalicelib.campaigns.model import (
    LONGEST_POST,
    NEXT,
    ONLY_FOR,
    Campaign,
    Content,
    Purpose,
    Run,
    unready,
    with_words,
)
from chalicelib.campaigns.service import (
    APPROVE,
    READ,
    SCHEDULE,
    SUBMIT,
    WRITE,
    AudienceTooLarge,
    ChangedMeanwhile,
    made_by,
)
from chalicelib.campaigns.times import INDIA, LIVES, LONGEST_SPREAD, Repeat
from chalicelib.clock import IST
from chalicelib.errors import (
    Conflict,
    FieldError,
    Forbidden,
    InvalidInput,
    JanJanError,
    NotFound,
    TooManyRequests,
)
from chalicelib.http import (
    LONGEST_NAME,
    Api,
    Request,
    invalid,
    next_cursor,
    policy_with,
    read_cursor,
    redirect,
)
from chalicelib.i18n import translate
from chalicelib.ids import new_token
from chalicelib.pages import console
from chalicelib.pages.figures import day, moment
from chalicelib.pages.forms import Form, labels, pick_place, summary, typed_moment, whole
from chalicelib.pages.frame import named
from chalicelib.pages.pieces import Piece
from chalicelib.pages.shell import ENDONYMS, mark
from chalicelib.pages.words import CAMPAIGN, EVERY, PURPOSES
from chalicelib.platforms.dlt import LONGEST_VARIABLE
from chalicelib.ports import Area, CampaignMedium, Polling, keeps_silence, needs_override

if TYPE_CHECKING:
    from chalicelib.pages.forms import Place
    from chalicelib.uploads import FileType

api = Api("campaigns_desk")

PAGE = 25
OVERRIDE = "campaign.override"
FIRST_LANGUAGES = ("hi", "en", "ur")
SCHEMES_SHOWN = 50
NOT_ADDED = mark(
    "The file that was chosen is not added yet. "
    "Choose it again and press “Add this file”, or save without it."
)
SAID = {
    "saved": mark("The draft is saved."),
    "submitted": mark("It waits for an approver now. They see every text as it will be sent."),
    "approved": mark("It is approved. Say next when it goes out."),
    "declined": mark("It is a draft again, and your reason stands with it."),
}


# --- the list -----------------------------------------------------------------------------------------------


@api.page("GET", "/console/campaigns", allow=READ, summary="All campaigns as a page")
def campaigns(request: Request) -> Response:
    service, lang, asked = wiring.campaigns(), request.lang, request.query
    status = asked.get("status", "")
    after = read_cursor(request)
    found, more = service.page(
        request.principal, status if status in NEXT else "", asked.get("department", "")[:40], after, PAGE
    )
    runs, names = console.together(partial(service.last_runs, found), partial(_department_names, lang))
    rows = [
        {
            "id": one.id,
            "title": one.content.title,
            "department": names.get(one.department, one.department),
            "status": words.status(one),
            "shade": words.shade(one),
            "reason": one.reason if one.given_back or one.status == "approved" else "",
            "every": EVERY[one.repeats] if one.repeats else "",
            "day": day(one.created_at),
            "run": moment(runs[one.id].at) if one.id in runs else "",
            "next": words.next_step(one, request.principal),
            "reported": bool(one.runs),
        }
        for one in found
    ]
    return console.page(
        request,
        "console_campaigns.html",
        "campaigns",
        said=SAID,
        rows=rows,
        cursor=next_cursor(request, more),
        form=Form({name: [value] for name, value in asked.items()}),
        statuses=labels(CAMPAIGN, lang),
        departments=sorted(
            (
                (one, name)
                for one, name in names.items()
                if request.principal.works_for_all(READ) or one in request.principal.bound_to(READ)[1]
            ),
            key=lambda one: one[1],
        ),
    )


# --- the composer -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Offers:
    """What the composer offers to choose from."""

    departments: Mapping[str, str]
    themes: Mapping[str, str]
    schemes: Mapping[str, str]
    registered: Mapping[str, Sequence[Template]]
    areas: Mapping[str, str]
    """Names of the areas that were picked."""


@dataclass(frozen=True)
class Counted:
    """Whom the audience would reach, or why that is not known."""

    problem: str = ""
    too_many: bool = False
    job: str = ""
    running: bool = False
    read: int = 0
    count: int | None = None
    by_channel: list[tuple[str, int]] = field(default_factory=list)
    by_area: list[tuple[str, int]] = field(default_factory=list)
    excluded: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Refused:
    """Why a form was not taken: what stands beside its fields, what stands above, and what somebody else has
    written meanwhile."""

    status: int
    errors: Sequence[FieldError] = ()
    above: str = ""
    meanwhile: Mapping[str, Any] | None = None


@api.page("GET", "/console/campaigns/new", allow=WRITE, summary="A new campaign")
def new(request: Request) -> Response:
    start = {"languages": ["hi"], "channel_1": ["whatsapp"], "compensation": ["none"], "kind": ["awareness"]}
    start |= {"quiet_from": ["21:00"], "quiet_until": ["08:00"], "once": [new_token()]}
    return _composer(request, None, Form(start))


@api.page("POST", "/console/campaigns/new", allow=WRITE, summary="Write a draft; or look at it")
def create(request: Request) -> Response:
    return _composed(request, None, Form(request.form()))


@api.page("GET", "/console/campaigns/{campaign_id}", allow=READ, summary="One campaign, to write or to read")
def campaign(request: Request, campaign_id: str) -> Response:
    seen = wiring.campaigns().seen(request.principal, campaign_id)
    if seen.status == "draft" and _may_write(request, seen):
        form, key = Form(composing.form_of(seen.content)), request.query.get("key", "")
        if wiring.uploads().is_of(request.principal.id, key):
            form = composing.with_media(form, f"added:{key}")
        return _composer(request, seen, form)
    return _shown(request, seen)


@api.page("POST", "/console/campaigns/{campaign_id}", allow=WRITE, summary="Change a draft, or submit it")
def change(request: Request, campaign_id: str) -> Response:
    seen = wiring.campaigns().seen(request.principal, campaign_id, WRITE)
    return _composed(request, seen, Form(request.form()))


def _may_write(request: Request, seen: Campaign) -> bool:
    who = request.principal
    return bool(who.may(WRITE) and who.covers_department(seen.department, WRITE))


def _composed(request: Request, seen: Campaign | None, form: Form) -> Response:
    """What the form asks for: the area picker and the preview save nothing."""
    do = form.one("do")
    if do.startswith("remove:"):
        areas = [one for one in form.all("audience.areas") if one != do.partition(":")[2]]
        form = Form({**form.values, "audience.areas": areas})
    if do == "add_area" and (picked := _picked(form)):
        form = Form({**form.values, "audience.areas": [*form.all("audience.areas"), picked]})
    if do == "add_media":
        return _with_file(request, seen, form)
    form = composing.with_media(form, do)
    if do in ("save", "submit", "count", "large_media"):
        form = _with_area(form)
    if do not in ("save", "submit", "large_media"):
        return _composer(request, seen, form)
    try:
        saved = seen = _saved(request, seen, form)
        if do == "submit":
            wiring.campaigns().submit(request.principal, saved.id)
    except ChangedMeanwhile as late:
        return _late(request, seen, form, late)
    except (ValidationError, InvalidInput, Conflict, Forbidden) as wrong:
        return _composer(request, seen, form, _refused(wrong, request.lang))
    if do == "large_media":
        return redirect(console.link(request, f"/console/campaigns/{saved.id}/media"))
    said = "saved" if do == "save" else "submitted"
    return redirect(console.link(request, f"/console/campaigns/{saved.id}", said=said))


def _with_file(request: Request, seen: Campaign | None, form: Form) -> Response:
    """The form with the file that was chosen, one of the caller's uploads until the draft is saved."""
    try:
        key = wiring.shelf().take_in(request.principal.id, request.file("media_file"), "media_file")
    except (InvalidInput, TooManyRequests) as wrong:
        return _composer(request, seen, form, _refused(wrong, request.lang))
    return _composer(request, seen, composing.with_media(form, f"added:{key}"))


@api.page(
    "GET", "/console/campaigns/{campaign_id}/media", allow=WRITE, summary="The form for a large file of it"
)
def large_file(request: Request, campaign_id: str) -> Response:
    """Posts straight to the bucket, which sends the browser back to the draft with the file's key."""
    seen = wiring.campaigns().seen(request.principal, campaign_id, WRITE)
    path, asked = f"/console/campaigns/{seen.id}", request.query.get("type", "")
    chosen = cast("FileType", asked if asked in words.FILES else "video/mp4")
    back = f"{wiring.public_url()}{path}?lang={request.lang}"
    place = wiring.uploads().place(request.principal.id, chosen, back)
    return console.page(
        request,
        "console_campaign_file.html",
        "campaigns",
        headers=policy_with(place.upload.url, "form-action"),
        trail=[(path, seen.content.title), ("", translate(request.lang, "A large file"))],
        to=path,
        upload=place.upload,
        most=place.largest // MEGABYTE,
        chosen=chosen,
        kinds=labels(words.FILES, request.lang),
    )


def _refused(wrong: ValidationError | JanJanError, lang: str) -> Refused:
    """What is said of it: beside fields, or above all."""
    found = invalid(wrong) if isinstance(wrong, ValidationError) else wrong
    if isinstance(found, InvalidInput):
        return Refused(found.status, found.errors)
    return Refused(found.status, above=translate(lang, found.message, found.params))


def _saved(request: Request, seen: Campaign | None, form: Form) -> Campaign:
    """The draft as it was typed. Raises ValidationError, InvalidInput, Conflict, Forbidden."""
    service, who = wiring.campaigns(), request.principal
    if form.one("do") != "large_media" and form.one("media_file"):
        raise InvalidInput.of("media_file", "media_left", NOT_ADDED)
    registered = _registered(service.registered, composing.channels_of(form))
    content = Content.model_validate(composing.fields_of(form, registered))
    once = form.one("once")
    ident, media = (seen.id, seen.content.media) if seen else (made_by(who, once), ())
    content = service.settled(who, ident, content, media)
    if seen is None:
        try:
            return service.create(who, content, once)
        except ChangedMeanwhile:  # the form was sent a second time
            made = service.seen(who, made_by(who, once), WRITE)
            return made if made.content == content else service.change(who, made.id, dict(content), 1)
    if form.one("rev") == str(seen.rev) and content == seen.content:
        return seen
    return service.change(who, seen.id, dict(content), whole(form.one("rev")) or 0)


def _late(request: Request, seen: Campaign | None, form: Form, late: ChangedMeanwhile) -> Response:
    """Somebody else has saved: what they wrote stands beside what was typed, and neither is lost."""
    service, lang = wiring.campaigns(), request.lang
    theirs = service.seen(
        request.principal, seen.id if seen else made_by(request.principal, form.one("once"))
    )
    channels = composing.channels_of(form)
    registered = _registered(service.registered, channels)
    mine = Content.model_validate(composing.fields_of(form, registered))
    names = _names(request, _offers(request, theirs.department, theirs.content.audience.areas))
    entries, people = console.together(
        partial(wiring.audit().of, f"campaign#{theirs.id}", limit=1), wiring.users().names
    )
    by = people.get(entries[0][0].actor, entries[0][0].actor) if entries[0] else ""
    meanwhile = {
        "by": by,
        "at": moment(theirs.updated_at),
        "fields": _differences(composing.told(theirs.content, names), composing.told(mine, names), lang),
    }
    above = translate(lang, late.message)
    return _composer(request, theirs, form, Refused(late.status, above=above, meanwhile=meanwhile))


def _composer(
    request: Request, seen: Campaign | None, form: Form, refused: Refused | None = None
) -> Response:
    service, lang, who = wiring.campaigns(), request.lang, request.principal
    channels = composing.channels_of(form)
    languages = composing.every(form, "languages")
    offers = _offers(request, form.one("department"), form.all("audience.areas"))
    content, soft = _content(_with_area(form), offers.registered)
    templates = composing.matching(content.messages, offers.registered) if content else {}
    if content is not None:
        content = content.model_copy(update={"messages": with_words(content.messages, templates)})
        soft = unready(content, templates, service.organisation, service.clock.now())
    place = _place(form, lang)
    beside = _beside(refused.errors if refused else (), channels, languages, lang)
    errors = {name: sentence for name, sentence in beside.items() if _there(name, channels, languages)}
    names = {name: _label(name, lang) for name in beside}
    problems = [("", refused.above)] if refused and refused.above else []
    problems += summary(beside, {n: label for n, label in names.items() if label}, lang)
    anchors = [(name if name in errors else "", sentence) for name, sentence in problems]
    job = form.one("job")
    return console.page(
        request,
        "console_composer.html",
        "campaigns",
        status=refused.status if refused else 200,
        said=SAID,
        trail=[("", seen.content.title if seen else translate(lang, "New campaign"))],
        seen=seen,
        action=f"/console/campaigns/{seen.id if seen else 'new'}",
        form=form,
        errors=errors,
        problems=anchors,
        meanwhile=refused.meanwhile if refused else None,
        posted=request.method == "POST",
        headers=_shows_files(),
        media=_media(request, seen, form),
        file_kinds=words.FILES,
        most_media=MOST,
        most_in_a_form=MOST_IN_A_FORM,
        soft=list(dict.fromkeys(_beside_label(one, lang) for one in soft)),
        narrowed=_narrowed(form),
        offers=offers,
        departments=_own_departments(who, offers.departments),
        kinds=[
            (kind, translate(lang, label))
            for kind, label in words.KINDS.items()
            if ONLY_FOR.get(kind, service.organisation_kind) == service.organisation_kind
        ],
        party=service.organisation_kind == "party",
        compensations=labels(words.COMPENSATIONS, lang),
        channels=[(one, translate(lang, words.CHANNELS[one])) for one in channels],
        all_channels=labels({one: words.CHANNELS[one] for one in CHANNELS}, lang),
        languages_chosen=languages,
        first_languages=[one for one in dict.fromkeys((*FIRST_LANGUAGES, *languages))],
        further_languages=[one for one in ENDONYMS if one not in (*FIRST_LANGUAGES, *languages)],
        language_options=list(ENDONYMS.items()),
        templates=_choices(offers.registered, lang),
        params=partial(_params, form, offers.registered),
        disclosed=_disclosed(content, languages, service.organisation),
        place=place,
        picked=_picked(form),
        platforms=labels(words.PLATFORMS, lang),
        professions=labels(words.PROFESSIONS, lang),
        genders=labels(words.GENDERS, lang),
        quiet=service.quiet_hours,
        previews=_previews(content, templates) if content else [],
        posts=composing.previews_of_posts(content, service.organisation) if content else [],
        longest_post=LONGEST_POST,
        open_posts=_with_posts(form, errors, languages),
        platform_names=words.PLATFORMS,
        channel_names=dict(labels(words.CHANNELS, lang)),
        counted=_counted(request, form, channels) if form.one("do") in _COUNTING else None,
        job=job,
        most_parts=MOST_SEGMENTS,
        longest_variable=LONGEST_VARIABLE,
        may_submit=who.may(SUBMIT),
    )


MOST_IN_A_FORM = 4 * MEGABYTE
"""A Lambda is given at most 6 MB, and a third of that is how bytes travel there (base64)."""


def _shows_files() -> dict[str, str]:
    return policy_with(wiring.shelf().link("-", "-"), "img-src")


def _media(request: Request, seen: Campaign | None, form: Form) -> list[tuple[str, CampaignMedium]]:
    """The media of the form, each with the name that it has there."""
    sizes = {one.file: one.bytes for one in seen.content.media} if seen else {}
    found = []
    for fields in composing.media_of(form):
        try:
            one = Medium.model_validate({**fields, "alt": {}, "bytes": sizes.get(fields.get("file", ""), 0)})
        except ValidationError:
            one = Medium()
        found.append(one.model_copy(update={"alt": fields["alt"]}))
    languages = (request.lang, *composing.every(form, "languages"))
    shown = wiring.shelf().shown(request.principal.id, seen.id if seen else "", found, languages)
    return list(zip(form.all("media"), shown, strict=True))


def _narrowed(form: Form) -> int:
    """How many rules leave somebody out who lives in the areas."""
    names = ("themes", "platforms", "languages", "professions", "gender", "turnout_below", "lowest_share")
    least = form.one("audience.min_followers").strip() not in ("", "0")
    return sum(any(form.all(f"audience.{name}")) for name in names) + least


def _with_posts(form: Form, errors: Collection[str], languages: Sequence[str]) -> set[str]:
    """The languages in which there is something of a post to see."""
    return {
        language
        for language in languages
        for name in (f"posts.{language}.{platform}" for platform in LONGEST_POST)
        if form.one(name) or name in errors
    }


_COUNTING = frozenset({"count", "job", "add_area"})


def _content(
    form: Form, registered: Mapping[str, Sequence[Template]]
) -> tuple[Content | None, Sequence[FieldError]]:
    """What was typed as far as it can be shown; else why it cannot."""
    try:
        fields = composing.fields_of(form, registered)
        return Content.model_validate(fields | {"title": fields["title"] or "–", "department": "–"}), ()
    except ValidationError as wrong:
        return None, invalid(wrong).errors
    except InvalidInput as wrong:
        return None, wrong.errors


def _registered(
    read: Callable[[str], list[Template]], channels: Collection[str]
) -> dict[str, list[Template]]:
    mediums = [one for one in ("whatsapp", "sms") if one in channels]
    found = console.together(*(partial(read, one) for one in mediums))
    return dict(zip(mediums, found, strict=True))


def _offers(request: Request, department: str, areas: Collection[str]) -> Offers:
    """All of it read side by side."""
    service, lang = wiring.campaigns(), request.lang

    def schemes() -> dict[str, str]:
        if not department or len(department) > LONGEST_NAME:
            return {}
        found, _ = wiring.schemes().listed(
            department=department, theme="", validity=None, stale=False, limit=SCHEMES_SHOWN, after=None
        )
        return {one.id: named(one.names, lang) for one in found}

    departments, themes, schemes_, whatsapp, sms, picked = console.together(
        partial(_department_names, lang),
        lambda: {one.id: named(one.names, lang) for one in wiring.directory().themes()},
        schemes,
        partial(service.registered, "whatsapp"),
        partial(service.registered, "sms"),
        lambda: {
            one.id: named(one.names, lang)
            for one in (wiring.directory().many(list(dict.fromkeys(areas))[:500]).values() if areas else ())
        },
    )
    return Offers(departments, themes, schemes_, {"whatsapp": whatsapp, "sms": sms}, picked)


def _department_names(lang: str) -> dict[str, str]:
    return {one: named(names, lang) for one, names in wiring.shown_departments().items()}


def _own_departments(who: Any, names: Mapping[str, str]) -> list[tuple[str, str]]:  # noqa: ANN401 - Principal
    own = [(one, name) for one, name in names.items() if who.covers_department(one, WRITE)]
    return sorted(own, key=lambda one: one[1])


def _place(form: Form, lang: str) -> Place:
    return pick_place(form, wiring.directory().children, lang)


def _picked(form: Form) -> str:
    """The smallest area that is chosen in the picker."""
    chosen = (form.one(f"area_{level}") for level in ("booth", "block", "district", "state"))
    return next((one for one in chosen if one), "")


def _with_area(form: Form) -> Form:
    """Who has chosen a district or less and added nothing means that one. Not a state: the only one there is
    stands chosen from the beginning."""
    picked = _picked(form)
    if form.all("audience.areas") or not picked or picked == form.one("area_state"):
        return form
    return Form({**form.values, "audience.areas": [picked]})


OUR_OWN = "janjan_"
"""How the names of templates begin that carry codes, receipts and answers: no campaign is made of them."""


def _choices(registered: Mapping[str, Sequence[Template]], lang: str) -> dict[str, list[tuple[str, str]]]:
    """What may be picked as a template: of WhatsApp by its name, of SMS by the id of its registration."""

    def shown(one: Template) -> str:
        state = "" if one.state == "approved" else f" ({translate(lang, 'not approved')})"
        return f"{one.name} · {one.language}{state}"

    by_name: dict[str, list[Template]] = {}
    for one in registered.get("whatsapp", ()):
        if not one.name.startswith(OUR_OWN):
            by_name.setdefault(one.name, []).append(one)
    return {
        "whatsapp": [
            (name, f"{name} · {', '.join(one.language for one in same)}")
            for name, same in sorted(by_name.items(), key=lambda one: one[1][0].category)
        ],
        "sms": [(one.template_id, shown(one)) for one in registered.get("sms", ())],
    }


def _params(
    form: Form, registered: Mapping[str, Sequence[Template]], channel: str, language: str
) -> tuple[str, list[tuple[str, str]]]:
    """The words of the template that is picked, and the fields that fill it: their names, and the words that
    stand before each."""
    where = f"messages.{channel}.{language}"
    picked = form.one(f"{where}.template" if channel == "whatsapp" else f"{where}.template_id")
    template = next(
        (
            one
            for one in registered.get(channel, ())
            if picked and picked == (one.name if channel == "whatsapp" else one.template_id)
            if one.language.partition("_")[0] == language
        ),
        None,
    )
    given = [n for n in range(composing.PARAMS_AT_MOST) if form.one(f"{where}.params.{n}")]
    count = max(template.params_count if template else 0, given[-1] + 1 if given else 0)
    body = template.body if template else ""
    return body, [(f"{where}.params.{n}", composing.words_before(body, n + 1)) for n in range(count)]


def _disclosed(content: Content | None, languages: Sequence[str], organisation: str) -> list[tuple[str, str]]:
    """The disclosure as it will stand, by language."""
    return [(one, content.line(one, organisation)) for one in languages] if content else []


def _previews(content: Content, templates: Any) -> list[composing.Preview]:  # noqa: ANN401 - Templates
    url = f"{wiring.public_url()}/u/…"
    return composing.previews(content, templates, wiring.campaigns().organisation, url)


def _counted(request: Request, form: Form, channels: Sequence[Any]) -> Counted:
    """Whom this audience would reach now; with a job, how far that is."""
    service, lang = wiring.campaigns(), request.lang
    try:
        audience = Audience.model_validate(composing.audience_of(form))
        order = tuple(channels) or CHANNELS
        service.check_reach(request.principal, audience)
        if form.one("do") == "job":
            begun = wiring.counting().begin(request.principal, audience, order)
            return Counted(job=begun.id, running=True, count=0)
        job = _job(request, form.one("job"))
        if job is not None and job.audience == audience and job.channels == order:
            return _as_counted(lang, job, job.id, job.status == "running", job.read)
        return _as_counted(lang, service.preview(audience, order))
    except AudienceTooLarge:
        return Counted(too_many=True)
    except ValidationError as wrong:
        refused: JanJanError = invalid(wrong)
    except InvalidInput as wrong:
        refused = wrong
    errors = refused.errors if isinstance(refused, InvalidInput) else []
    return Counted(problem=" ".join(translate(lang, one.message, one.params) for one in errors))


def _job(request: Request, job: str) -> CountingJob | None:
    """A count that was begun; None when it is over long since."""
    try:
        return wiring.counting().get(request.principal, job) if job else None
    except NotFound:
        return None


def _as_counted(lang: str, found: Any, job: str = "", running: bool = False, read: int = 0) -> Counted:  # noqa: ANN401, FBT001, FBT002
    places = wiring.directory().many(list(found.by_area)[:500]) if found.by_area else {}
    by_area = [
        (named(places[area].names, lang) if area in places else area, count)
        for area, count in sorted(found.by_area.items(), key=lambda one: -one[1])
    ]

    def sorted_words(of: Mapping[str, int], called: Mapping[str, str]) -> list[tuple[str, int]]:
        return [
            (translate(lang, called.get(name, name)), count)
            for name, count in sorted(of.items(), key=lambda one: -one[1])
        ]

    return Counted(
        job=job,
        running=running,
        read=read,
        count=found.count,
        by_channel=sorted_words(found.by_channel, words.CHANNELS),
        by_area=by_area,
        excluded=sorted_words(found.excluded, words.EXCLUDED),
    )


# --- errors and what fields are called ----------------------------------------------------------------------

_FIELDS = frozenset(words.FIELDS) | {"quiet_from", "quiet_until"}


def _there(name: str, channels: Collection[str], languages: Collection[str]) -> bool:
    """Whether the form has a place for what is said of this field."""
    parts = name.split(".")
    if parts[0] == "messages":
        return len(parts) > 2 and parts[1] in channels and parts[2] in languages  # noqa: PLR2004
    if parts[0] in ("media", "media_file"):
        return len(parts) <= 2  # noqa: PLR2004
    if parts[0] == "posts":
        return len(parts) == 3 and parts[1] in languages and parts[2] in LONGEST_POST  # noqa: PLR2004
    return name in _FIELDS or name.startswith("disclosure.") and parts[1] in languages


def _beside(
    errors: Sequence[FieldError], channels: Collection[str], languages: Collection[str], lang: str
) -> dict[str, str]:
    moved = [replace(one, field=_moved(one.field)) for one in errors]
    there = partial(_there, channels=channels, languages=languages)
    return composing.beside(moved, there, partial(_sentence, lang=lang))


def _sentence(error: FieldError, lang: str) -> str:
    """What is wrong, a channel called as on pages."""
    params = dict(error.params)
    if "channel" in params:
        params["channel"] = translate(
            lang, words.CHANNELS.get(str(params["channel"]), str(params["channel"]))
        )
    return translate(lang, error.message, params)


def _moved(name: str) -> str:
    """The field of the form that stands for a field of the campaign."""
    parts = name.split(".")
    if parts[0] == "messages" and len(parts) <= 2:  # noqa: PLR2004
        return "channels"
    if parts[0] == "quiet_hours":
        return "quiet"
    if parts[-1] in ("category", "header", "template_language"):
        return ".".join(parts[:-1])
    return name


def _label(name: str, lang: str) -> str:
    """What a field is called; empty for one that has no name."""
    parts = name.split(".")
    if parts[0] == "messages" and len(parts) > 2:  # noqa: PLR2004
        said = [translate(lang, words.CHANNELS.get(parts[1], parts[1])), ENDONYMS.get(parts[2], parts[2])]
        said += [translate(lang, words.PARTS.get(one, one)) for one in parts[3:4]]
        said += [str(int(parts[4]) + 1)] if parts[4:] and parts[4].isdecimal() else []
        return " · ".join(said)
    if parts[0] == "disclosure" and len(parts) > 1:
        return f"{translate(lang, words.FIELDS['disclosure'])} · {ENDONYMS.get(parts[1], parts[1])}"
    if parts[0] == "posts" and len(parts) > 1:
        said = [ENDONYMS.get(parts[1], parts[1]), *(words.PLATFORMS.get(one, one) for one in parts[2:3])]
        return " · ".join((translate(lang, words.FIELDS["posts"]), *said))
    if parts[0] == "media" and parts[1:2] and parts[1].isdecimal():
        return f"{translate(lang, words.FIELDS['media'])} {int(parts[1]) + 1}"
    known = words.FIELDS.get(name) or words.FIELDS.get(".".join(parts[:2])) or words.FIELDS.get(parts[0], "")
    return translate(lang, known) if known else ""


def _beside_label(error: FieldError, lang: str) -> str:
    sentence, label = _sentence(error, lang), _label(_moved(error.field), lang)
    return f"{label}: {sentence}" if label else sentence


def _names(request: Request, offers: Offers) -> composing.Names:
    lang = request.lang

    def called(of: Mapping[str, str]) -> dict[str, str]:
        return {one: translate(lang, label) for one, label in of.items()}

    return {
        "department": offers.departments,
        "theme": offers.themes,
        "schemes": offers.schemes,
        "areas": offers.areas,
        "kind": called(words.KINDS),
        "compensation": called(words.COMPENSATIONS),
        "channels": called(words.CHANNELS),
        "platforms": words.PLATFORMS,
        "professions": called(words.PROFESSIONS),
        "gender": called(words.GENDERS),
        "languages": ENDONYMS,
        "quiet": called(words.QUIET),
    }


def _differences(
    before: Mapping[str, str], after: Mapping[str, str], lang: str
) -> list[tuple[str, list[Piece]]]:
    """The fields that say something else, by what they are called."""
    return [
        (_label(one.field, lang) or one.field, one.pieces) for one in composing.differences(before, after)
    ]


# --- reading and deciding -----------------------------------------------------------------------------------


@api.page(
    "GET",
    "/console/campaigns/{campaign_id}/approval",
    allow=READ,
    summary="What an approver reads and decides",
)
def approval(request: Request, campaign_id: str) -> Response:
    return _shown(request, wiring.campaigns().seen(request.principal, campaign_id))


@api.page(
    "POST", "/console/campaigns/{campaign_id}/approval", allow=APPROVE, summary="Approve it, or give it back"
)
def decide(request: Request, campaign_id: str) -> Response:
    service, form = wiring.campaigns(), Form(request.form())
    rev = form.one("rev")
    decision = _decision(form)
    try:
        service.decide(
            request.principal,
            campaign_id,
            decision,
            form.one("reason").strip()[:500],
            whole(rev) or 0,
        )
    except (InvalidInput, Conflict, Forbidden) as wrong:
        seen = service.seen(request.principal, campaign_id)
        mine = (decision, request.principal.id, rev)
        if (seen.decision, seen.decided_by, str(seen.rev - 1)) != mine:  # else the form was sent twice
            return _shown(request, seen, form, _refused(wrong, request.lang))
    said = "approved" if decision == "approve" else "declined"
    return redirect(console.link(request, f"/console/campaigns/{campaign_id}", said=said))


def _decision(form: Form) -> Literal["approve", "decline"]:
    """What is not said outright approves nothing."""
    return "approve" if form.one("do") == "approve" else "decline"


def _shown(
    request: Request, seen: Campaign, form: Form | None = None, refused: Refused | None = None
) -> Response:
    """A campaign to read: every text as it will be sent, what has changed since somebody decided, and the
    decision for who may take it."""
    service, lang, who = wiring.campaigns(), request.lang, request.principal
    content = seen.content
    offers, judged, people = console.together(
        partial(_offers, request, content.department, content.audience.areas),
        partial(service.judged, seen.id),
        wiring.users().names,
    )
    names = _names(request, offers)
    told = composing.told(content, names)
    changed = _differences(composing.told(judged, names), told, lang) if judged else []
    beside = _beside(refused.errors if refused else (), (), (), lang)
    problems = [("", refused.above)] if refused and refused.above else []
    return console.page(
        request,
        "console_campaign.html",
        "campaigns",
        status=refused.status if refused else 200,
        said=SAID,
        trail=[("", content.title)],
        seen=seen,
        form=form or Form(),
        errors=beside,
        problems=problems + summary(beside, {name: _label(name, lang) for name in beside}, lang),
        status_word=words.status(seen),
        shade=words.shade(seen),
        facts=[(_label(name, lang), text) for name, text in _facts(told, lang).items() if text],
        disclosed=_disclosed(
            content, list(dict.fromkeys(one for _, one, _, _ in content.each())), service.organisation
        ),
        previews=_worded_previews(content, offers.registered),
        posts=composing.previews_of_posts(content, service.organisation),
        headers=_shows_files() if content.media else None,
        media=wiring.shelf().shown("", seen.id, content.media, (lang,)),
        file_kinds=words.FILES,
        platform_names=words.PLATFORMS,
        channel_names=dict(labels(words.CHANNELS, lang)),
        most_parts=MOST_SEGMENTS,
        judged=judged is not None,
        changed=changed,
        authors=[people.get(one, one) for one in seen.authors],
        decided_by=people.get(seen.decided_by, seen.decided_by),
        own=not seen.may_be_approved_by(who.id),
        may_decide=who.may(APPROVE) and seen.status in ("submitted", "approved"),
        may_schedule=who.may(SCHEDULE) and seen.status not in ("draft", "submitted"),
        may_write=_may_write(request, seen),
    )


def _facts(told: Mapping[str, str], lang: str) -> dict[str, str]:
    """What is told apart from the texts; also what holds where nobody has written anything."""
    shown = {
        name: text
        for name, text in told.items()
        if not name.startswith(("messages.", "disclosure.", "posts.", "media"))
    }
    if not shown.get("expires_at"):
        shown["expires_at"] = translate(lang, words.LIVES)
    return shown


# --- when it goes out ---------------------------------------------------------------------------------------


@api.page(
    "GET",
    "/console/campaigns/{campaign_id}/schedule",
    allow=READ,
    summary="When a campaign goes out: its runs, the coming days",
)
def schedule_page(request: Request, campaign_id: str) -> Response:
    return _scheduling(request, wiring.campaigns().seen(request.principal, campaign_id), Form())


@api.page(
    "POST", "/console/campaigns/{campaign_id}/schedule", allow=SCHEDULE, summary="Look at a run, then fix it"
)
def schedule(request: Request, campaign_id: str) -> Response:
    service, form, who = wiring.campaigns(), Form(request.form()), request.principal
    seen = service.seen(who, campaign_id, SCHEDULE)
    if form.one("do") == "go" and str(seen.runs - 1) == form.one("runs") and seen.status != "approved":
        return _fixed(request, seen, form)  # the form was sent twice
    try:
        asked = _asked_for(form)
        if form.one("do") == "go":
            service.schedule(who, seen.id, **asked)
            return _fixed(request, seen, form)
        plan = service.planned(who, seen.id, **asked)
    except (ValidationError, InvalidInput, Conflict, Forbidden) as wrong:
        return _scheduling(request, seen, form, _refused(wrong, request.lang))
    return _scheduling(request, seen, form, plan=plan)


def _asked_for(form: Form) -> dict[str, Any]:
    """What `Campaigns.schedule` is asked. Raises InvalidInput, ValidationError."""
    at = typed_moment(form.one("at"), "at") if form.one("when") != "now" else None
    if at is None and form.one("when") != "now":
        raise InvalidInput.of("at", "missing", "Please fill in this field.")
    every, times = form.one("every"), form.one("times").strip()
    spread = form.one("spread_minutes").strip() or "0"
    minutes, most = whole(spread), LONGEST_SPREAD // timedelta(minutes=1)
    if minutes is None or minutes > most:
        sentence = "Please write a whole number of minutes, at most %(n)s."
        raise InvalidInput.of("spread_minutes", "spread", sentence, n=most)
    repeat = None
    if every:
        until = typed_moment(form.one("until"), "repeat")
        try:
            repeat = Repeat.model_validate({"every": every, "times": times or None, "until": until})
        except ValidationError as wrong:
            raise InvalidInput([replace(one, field="repeat") for one in invalid(wrong).errors]) from None
    return {"at": at, "zone": INDIA, "spread_minutes": minutes, "repeat": repeat}


def _fixed(request: Request, seen: Campaign, form: Form) -> Response:
    """What begins at once is watched; what begins later, or waits for the end of the quiet hours, stands in
    the schedule."""
    service = wiring.campaigns()
    quiet = service.quiet_of(seen.content).hours if seen.content.kind != "emergency" else None
    waits = quiet is not None and quiet.until(service.clock.now()) is not None
    if form.one("when") == "now" and not waits and request.principal.may("campaign.report"):
        return _done(request, seen.id, "begun", "report")
    return _done(request, seen.id, "scheduled")


def _done(request: Request, campaign_id: str, said: str, page: str = "schedule") -> Response:
    return redirect(console.link(request, f"/console/campaigns/{campaign_id}/{page}", said=said))


@api.page(
    "POST",
    "/console/campaigns/{campaign_id}/overrides",
    allow=OVERRIDE,
    summary="Let it go out under a code of conduct, or take that back",
)
def override(request: Request, campaign_id: str) -> Response:
    service, form, who = wiring.overrides(), Form(request.form()), request.principal
    seen = wiring.campaigns().seen(who, campaign_id, OVERRIDE)
    election, reason = form.one("election"), form.one("reason").strip()[:500]
    ends, stands = form.one("do") == "end", form.one("election") in seen.overridden
    try:
        if ends and stands:
            service.withdraw(who, seen.id, election)
        elif form.one("do") == "give" and not stands:
            if not reason:
                raise InvalidInput.of("reason", "missing", "Please fill in this field.")
            service.give(who, seen.id, election, reason)
        elif form.one("do") not in ("end", "give"):
            raise InvalidInput.of("do", "do_unknown", "Choose one of these.")
    except (InvalidInput, Conflict, Forbidden) as wrong:
        return _scheduling(request, seen, form, _refused(wrong, request.lang))
    return _done(request, seen.id, "taken_back" if ends else "allowed")


def _scheduling(
    request: Request, seen: Campaign, form: Form, refused: Refused | None = None, plan: Run | None = None
) -> Response:
    service, lang, who, content = wiring.campaigns(), request.lang, request.principal, seen.content
    now = service.clock.now()
    areas = service.areas.many(content.audience.areas)
    pollings, runs, people = console.together(
        lambda: service.law.calendar().between(
            [one.path for one in areas.values()], now, outlook.until_then(now)
        ),
        partial(service.runs_of, seen),
        wiring.users().names if seen.overrides else dict,
    )
    quiet = (runs[-1].quiet if runs else None) or service.quiet_of(content)
    held = quiet.hours if content.kind != "emergency" else None
    times = [run.at for run in runs if run.status in ("scheduled", "dispatching", "paused")]
    times += (
        _coming(plan)
        if plan
        else [at for run in runs if run.status == "scheduled" for at in _coming(run)[1:]]
    )
    days = outlook.outlook(now, pollings, times, content.expires_at)
    places = _place_names(pollings, lang)
    kind, whose = content.kind, service.organisation_kind
    silenced, coded = keeps_silence(kind, whose), needs_override(kind, whose)
    known = {one.id: one.name for one in pollings}
    beside = _beside(refused.errors if refused else (), (), (), lang)
    problems = [("", refused.above)] if refused and refused.above else []
    return console.page(
        request,
        "console_schedule.html",
        "campaigns",
        status=refused.status if refused else 200,
        said=words.STEPS,
        trail=[(f"/console/campaigns/{seen.id}", content.title), ("", translate(lang, "When it goes out"))],
        seen=seen,
        form=form,
        errors=beside,
        problems=problems + summary(beside, {name: _label(name, lang) for name in beside}, lang),
        status_word=words.status(seen),
        shade=words.shade(seen),
        may_schedule=who.may(SCHEDULE),
        own=not seen.may_be_approved_by(who.id),
        everies=labels(EVERY, lang),
        plan=_plan(request, seen, form, plan, pollings=pollings, areas=areas) if plan else None,
        runs=[_run_shown(run) for run in runs],
        overrides=[
            {
                "election": one.election,
                "name": known.get(one.election, one.election),
                "by": people.get(one.by, one.by),
                "at": moment(one.at),
                "reason": one.reason,
                "withdrawn": moment(one.withdrawn_at) if one.withdrawn_at else "",
            }
            for one in seen.overrides
        ],
        codes=[(one.id, one.name) for one in pollings if coded and one.id not in seen.overridden],
        quiet=quiet if held else None,
        silenced=silenced,
        coded=coded,
        effect=" ".join(
            translate(lang, words.EFFECTS[name])
            for name, so in (("silence", silenced), ("code", coded), ("free", not silenced and not coded))
            if so
        ),
        days=[_day_shown(one, places) for one in days],
    )


def _coming(run: Run) -> list[datetime]:
    """When a run and those that follow it in its series begin."""
    series = run.series
    return [run.at] if series is None else [series.at(n) for n in range(series.number, series.last + 1)]


def _place_names(pollings: Sequence[Polling], lang: str) -> dict[str, str]:
    areas = {area for one in pollings for area in one.areas}
    found = wiring.directory().many(sorted(areas)[:500]) if areas else {}
    return {area: named(one.names, lang) for area, one in found.items()}


def _day_shown(one: outlook.Day, places: Mapping[str, str]) -> dict[str, Any]:
    def spans(of: Sequence[outlook.Span]) -> list[dict[str, str]]:
        return [
            {
                "name": span.name,
                "times": f"{_clock(span.begins)}–{_clock(span.ends, midnight='24:00')}",
                "areas": ", ".join(places.get(area, area) for area in span.areas),
            }
            for span in of
        ]

    return {
        "held": bool(one.silences or one.codes),
        "label": day(one.on),
        "runs": [_clock(at) for at in one.runs],
        "silences": spans(one.silences),
        "codes": spans(one.codes),
        "over": one.over,
    }


def _clock(at: datetime, midnight: str = "00:00") -> str:
    told = f"{at.astimezone(IST):%H:%M}"
    return midnight if told == "00:00" else told


def _run_shown(run: Run) -> dict[str, Any]:
    place = run.series and (EVERY[run.series.every], run.series.number + 1, run.series.last + 1)
    return {
        "at": moment(run.at),
        "ends": moment(run.expires_at),
        "status": words.RUNS[run.status],
        "shade": words.SHADES.get(run.status, ""),
        "purpose": PURPOSES.get(run.purpose, ""),
        "place": place,
    }


def _plan(
    request: Request,
    seen: Campaign,
    form: Form,
    run: Run,
    *,
    pollings: Sequence[Polling],
    areas: Mapping[str, Area],
) -> dict[str, Any]:
    """What the person is asked to confirm: the run, whom it would reach now, and what holds it."""
    service, lang = wiring.campaigns(), request.lang
    try:
        counted = service.preview(seen.content.audience, run.channels)
    except AudienceTooLarge:
        counted = None
    series, quiet = run.series, run.quiet.hours if run.quiet and run.kind != "emergency" else None
    warnings = []
    if quiet and (awake := quiet.until(run.at)):
        sentence = "It begins in the quiet hours: nothing is sent before %(time)s."
        warnings.append(translate(lang, sentence, {"time": moment(awake)}))
    calendar, whose = service.law.calendar(), service.organisation_kind
    if keeps_silence(run.kind, whose):
        silent = [one for one in areas.values() if calendar.at(one.path, run.at).silent]
        if silent:
            sentence = "There is silence when it begins: people in %(areas)s get nothing."
            names = ", ".join(named(one.names, lang) for one in silent)
            warnings.append(translate(lang, sentence, {"areas": names}))
    if needs_override(run.kind, whose):
        coming = [
            one for one in pollings if one.code_from > run.at and one.code_from < _coming(run)[-1] + LIVES
        ]
        sentence = "From %(time)s the code of conduct of %(name)s holds: from then on nothing goes out there."
        warnings += [
            translate(lang, sentence, {"time": moment(one.code_from), "name": one.name})
            for one in coming
            if one.id not in seen.overridden
        ]
    return {
        "now": form.one("when") == "now",
        "begins": moment(run.at),
        "ends": moment(run.expires_at),
        "every": EVERY[series.every] if series else "",
        "times": series.last + 1 if series else 0,
        "last": day(series.at(series.last)) if series else "",
        "spread": run.spread_minutes,
        "count": counted.count if counted else None,
        "by_channel": [
            (translate(lang, words.CHANNELS.get(name, name)), count)
            for name, count in (counted.by_channel.items() if counted else ())
        ],
        "left_out": [
            (translate(lang, words.EXCLUDED.get(why, why)), count)
            for why, count in (counted.excluded.items() if counted else ())
        ],
        "warnings": warnings,
        "fields": [
            (name, form.one(name))
            for name in ("runs", "when", "at", "spread_minutes", "every", "times", "until")
        ],
    }


# --- corrections and withdrawals ----------------------------------------------------------------------------


@api.page(
    "GET",
    "/console/campaigns/{campaign_id}/corrections",
    allow=READ,
    summary="A campaign's corrections and withdrawals",
)
def corrections_page(request: Request, campaign_id: str) -> Response:
    seen = wiring.campaigns().seen(request.principal, campaign_id)
    return _correcting(request, seen, _blank(seen))


@api.page("POST", "/console/campaigns/{campaign_id}/corrections", allow=WRITE, summary="Propose a correction")
def correct(request: Request, campaign_id: str) -> Response:
    return _worded(request, campaign_id, WRITE, wiring.corrections().propose, "proposed")


@api.page(
    "POST", "/console/campaigns/{campaign_id}/withdrawal", allow=WITHDRAW, summary="Withdraw it at once"
)
def withdraw(request: Request, campaign_id: str) -> Response:
    return _worded(request, campaign_id, WITHDRAW, wiring.corrections().withdraw, "withdrawn")


@api.page(
    "POST",
    "/console/campaigns/{campaign_id}/corrections/{number}",
    allow=APPROVE,
    summary="Send a correction or withdrawal, or decline it",
)
def decide_correction(request: Request, campaign_id: str, number: str) -> Response:
    form, who = Form(request.form()), request.principal
    decision = _decision(form)
    try:
        wiring.corrections().decide(who, campaign_id, number, decision, form.one("reason").strip()[:500])
    except (InvalidInput, Conflict, Forbidden) as wrong:
        seen = wiring.campaigns().seen(who, campaign_id)
        found = wiring.campaigns().store.correction(seen.id, number)
        mine = found is not None and (found.decided_by, found.status) == (who.id, f"{decision}d")
        if not mine:  # else the form was sent twice
            return _correcting(request, seen, _blank(seen), _refused(wrong, request.lang))
    return _done(request, campaign_id, "sent" if decision == "approve" else "not_sent", "corrections")


def _blank(seen: Campaign) -> Form:
    """The form with the campaign's own words, to be changed."""
    shown = composing.form_of_messages(seen.content.messages)
    return Form(shown | {"corrections": [str(seen.corrections)]})


def _worded(
    request: Request,
    campaign_id: str,
    action: str,
    act: Callable[[Any, str, Words, int], Correction],
    said: str,
) -> Response:
    """Puts the words of a correction or withdrawal before an approver."""
    service, form = wiring.campaigns(), Form(request.form())
    purpose: Purpose = "withdrawal" if action == WITHDRAW else "correction"
    seen = service.seen(request.principal, campaign_id, action)
    if form.one("do") not in ("propose", "withdraw"):
        return _correcting(request, seen, form)
    try:
        words_ = Words.model_validate(
            {
                "messages": _words_of(seen, form),
                "reason": form.one("reason").strip(),
                "urgent": bool(form.one("urgent")),
            }
        )
        if form.one("corrections") != str(seen.corrections) and _is_last(request, seen, purpose, words_):
            return _done(request, seen.id, said, "corrections")
        try:
            act(request.principal, seen.id, words_, seen.corrections)
        except ChangedMeanwhile:
            seen = service.seen(request.principal, campaign_id, action)
            if not _is_last(request, seen, purpose, words_):
                raise
    except (ValidationError, InvalidInput, Conflict, Forbidden) as wrong:
        return _correcting(request, seen, form, _refused(wrong, request.lang))
    return _done(request, seen.id, said, "corrections")


def _is_last(request: Request, seen: Campaign, purpose: Purpose, words_: Words) -> bool:
    """Whether the latest correction is just this one: the form was sent twice. One with other words, or a
    withdrawal behind a correction, is still to be done."""
    last = wiring.campaigns().store.correction(seen.id, seen.corrections)
    if last is None or (last.author, last.purpose) != (request.principal.id, purpose):
        return False
    said = words_.model_copy(update={"messages": wiring.campaigns().with_words(words_.messages)})
    return last.model_dump(include=set(Words.model_fields)) == said.model_dump()


def _blocks(seen: Campaign) -> tuple[list[Any], list[str]]:
    """The channels and languages in which a campaign speaks."""
    return list(seen.content.order), list(dict.fromkeys(one for _, one, _, _ in seen.content.each()))


def _words_of(seen: Campaign, form: Form) -> dict[str, Any]:
    channels, languages = _blocks(seen)
    registered = _registered(wiring.campaigns().registered, channels)
    whole = Form({**form.values, "languages": languages})
    return composing.messages_of(whole, channels, registered)


def _correcting(request: Request, seen: Campaign, form: Form, refused: Refused | None = None) -> Response:
    service, lang, who = wiring.campaigns(), request.lang, request.principal
    channels, languages = _blocks(seen)
    found, registered, people = console.together(
        lambda: service.store.corrections(seen.id) if seen.corrections else [],
        partial(_registered, service.registered, ("whatsapp", "sms")),
        wiring.users().names,
    )
    beside = _beside(refused.errors if refused else (), channels, languages, lang)
    problems = [("", refused.above)] if refused and refused.above else []
    writes = _may_write(request, seen) and seen.withdrawn_at is None
    try:
        typed = seen.content.model_validate(
            {
                **seen.content.model_dump(),
                "messages": composing.messages_of(
                    Form({**form.values, "languages": languages}), channels, registered
                ),
            }
        )
    except ValidationError:
        typed = None
    return console.page(
        request,
        "console_corrections.html",
        "campaigns",
        status=refused.status if refused else 200,
        said=words.STEPS,
        trail=[
            (f"/console/campaigns/{seen.id}", seen.content.title),
            ("", translate(lang, "Correct or withdraw it")),
        ],
        seen=seen,
        action=f"/console/campaigns/{seen.id}/{'corrections' if writes else 'withdrawal'}",
        form=form,
        errors=beside,
        problems=problems + summary(beside, {name: _label(name, lang) for name in beside}, lang),
        status_word=words.status(seen),
        shade=words.shade(seen),
        found=[
            _correction_shown(request, one, seen, people=people, registered=registered)
            for one in reversed(found)
        ],
        channels=[(one, translate(lang, words.CHANNELS[one])) for one in channels],
        languages_chosen=languages,
        templates=_choices(registered, lang),
        params=partial(_params, form, registered),
        longest_variable=LONGEST_VARIABLE,
        previews=_worded_previews(typed, registered) if typed else [],
        channel_names=dict(labels(words.CHANNELS, lang)),
        most_parts=MOST_SEGMENTS,
        may_correct=writes,
        may_withdraw=who.may(WITHDRAW),
    )


def _worded_previews(
    content: Content, registered: Mapping[str, Sequence[Template]]
) -> list[composing.Preview]:
    templates = composing.matching(content.messages, registered)
    return _previews(
        content.model_copy(update={"messages": with_words(content.messages, templates)}), templates
    )


def _correction_shown(
    request: Request,
    one: Correction,
    seen: Campaign,
    *,
    people: Mapping[str, str],
    registered: Mapping[str, Sequence[Template]],
) -> dict[str, Any]:
    who, lang = request.principal, request.lang
    return {
        "number": one.number,
        "purpose": PURPOSES.get(one.purpose, one.purpose),
        "status": words.DECISIONS[one.status],
        "shade": {"proposed": "wait", "declined": "bad"}.get(one.status, ""),
        "by": people.get(one.author, one.author),
        "at": moment(one.proposed_at),
        "reason": one.reason,
        "urgent": one.urgent,
        "decided_by": people.get(one.decided_by, one.decided_by),
        "answer": one.answer,
        "open": one.status == "proposed",
        "may": who.may(APPROVE) and one.may_be_decided_by(who.id, seen),
        "changed": _differences(
            composing.told_of_messages(seen.content.messages), composing.told_of_messages(one.messages), lang
        ),
        "previews": _worded_previews(one.content(seen), registered) if one.status == "proposed" else [],
    }
