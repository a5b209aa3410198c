"""The composer: a draft is written, looked at as it will be sent, counted, saved, submitted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.campaigns import composing, parts, reach, saying, words
from chalicelib.campaigns.audience import Audience
from chalicelib.campaigns.media import MEGABYTE, MOST, Medium
from chalicelib.campaigns.messages import CHANNELS, MOST_SEGMENTS, Template
from chalicelib.campaigns.model import LONGEST_POST, ONLY_FOR, Campaign, Content, faults, unready, with_words
from chalicelib.campaigns.service import SUBMIT, WRITE, ChangedMeanwhile, made_by
from chalicelib.errors import (
    Conflict,
    FieldError,
    Forbidden,
    InvalidInput,
    TooManyRequests,
)
from chalicelib.http import Api, Request, invalid, policy_with, redirect
from chalicelib.i18n import translate
from chalicelib.ids import new_token
from chalicelib.pages import console
from chalicelib.pages.forms import Form, labels, pick_place, summary, whole
from chalicelib.pages.meanwhile import meanwhile
from chalicelib.pages.shell import ENDONYMS, mark
from chalicelib.platforms.dlt import LONGEST_VARIABLE
from chalicelib.ports import CampaignMedium

if TYPE_CHECKING:
    from chalicelib.pages.forms import Place
    from chalicelib.uploads import FileType

api = Api("campaigns_desk")

FIRST_LANGUAGES = ("hi", "en", "ur")
NOT_ADDED = mark(
    "The file that was chosen is not added yet. "
    "Choose it again and press “Add this file”, or save without it."
)


@api.page("GET", "/console/campaigns/new", allow=WRITE, summary="A new campaign")
def new(request: Request) -> Response:
    start = {"languages": ["hi"], "channel_1": ["whatsapp"], "compensation": ["none"], "kind": ["awareness"]}
    start |= {"quiet_from": ["21:00"], "quiet_until": ["08:00"], "once": [new_token()]}
    return show(request, None, Form(start))


@api.page("POST", "/console/campaigns/new", allow=WRITE, summary="Write a draft; or look at it")
def create(request: Request) -> Response:
    return _composed(request, None, Form(request.form()))


@api.page("POST", "/console/campaigns/{campaign_id}", allow=WRITE, summary="Change a draft, or submit it")
def change(request: Request, campaign_id: str) -> Response:
    seen = wiring.campaigns().seen(request.principal, campaign_id, WRITE)
    return _composed(request, seen, Form(request.form()))


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
        return show(request, seen, form)
    try:
        saved = seen = _saved(request, seen, form)
        if do == "submit":
            wiring.campaigns().submit(request.principal, saved.id)
    except ChangedMeanwhile as late:
        return _late(request, seen, form, late)
    except (ValidationError, InvalidInput, Conflict, Forbidden) as wrong:
        return show(request, seen, form, saying.refused(wrong, request.lang))
    if do == "large_media":
        return redirect(console.link(request, f"/console/campaigns/{saved.id}/media"))
    said = "saved" if do == "save" else "submitted"
    return redirect(console.link(request, f"/console/campaigns/{saved.id}", said=said))


def _with_file(request: Request, seen: Campaign | None, form: Form) -> Response:
    """The form with the file that was chosen, one of the caller's uploads until the draft is saved."""
    try:
        key = wiring.shelf().take_in(request.principal.id, request.file("media_file"), "media_file")
    except (InvalidInput, TooManyRequests) as wrong:
        return show(request, seen, form, saying.refused(wrong, request.lang))
    return show(request, seen, composing.with_media(form, f"added:{key}"))


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


def _saved(request: Request, seen: Campaign | None, form: Form) -> Campaign:
    """The draft as it was typed. Raises ValidationError, InvalidInput, Conflict, Forbidden."""
    service, who = wiring.campaigns(), request.principal
    if form.one("do") != "large_media" and form.one("media_file"):
        raise InvalidInput.of("media_file", "media_left", NOT_ADDED)
    registered = parts.registered(service.registered, composing.channels_of(form))
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
    registered = parts.registered(service.registered, channels)
    mine = Content.model_validate(composing.fields_of(form, registered))
    known = theirs.content
    offers = parts.offers(request, theirs.department, known.audience.areas, known.schemes)
    names = parts.names(request, offers)
    fields = saying.differences(composing.told(theirs.content, names), composing.told(mine, names), lang)
    last = meanwhile(wiring.audit(), wiring.users().names, f"campaign#{theirs.id}", fields)
    above = translate(lang, late.message)
    return show(request, theirs, form, saying.Refused(late.status, above=above, meanwhile=last))


def show(
    request: Request, seen: Campaign | None, form: Form, refused: saying.Refused | None = None
) -> Response:
    """The composer, with what was typed; `refused`: why it was not taken."""
    service, lang, who = wiring.campaigns(), request.lang, request.principal
    channels = composing.channels_of(form)
    languages = composing.every(form, "languages")
    offers = parts.offers(request, form.one("department"), form.all("audience.areas"), form.all("schemes"))
    content, soft = _content(_with_area(form), offers.registered)
    templates = composing.matching(content.messages, offers.registered) if content else {}
    if content is not None:
        content = content.model_copy(update={"messages": with_words(content.messages, templates)})
        soft = [
            *_unnamed(form),
            *faults(content, service.organisation_kind),
            *unready(content, templates, service.organisation, service.clock.now()),
        ]
    place = _place(form, lang)
    beside = saying.beside(refused.errors if refused else (), channels, languages, lang)
    errors = {name: sentence for name, sentence in beside.items() if saying.there(name, channels, languages)}
    names = {name: saying.label(name, lang) for name in beside}
    problems = [("", refused.above)] if refused and refused.above else []
    problems += summary(beside, {n: label for n, label in names.items() if label}, lang)
    anchors = [(name if name in errors else "", sentence) for name, sentence in problems]
    job = form.one("job")
    lacks = saying.missing(soft, channels, languages, lang) if seen or request.method == "POST" else []
    return console.page(
        request,
        "console_composer.html",
        "campaigns",
        status=refused.status if refused else 200,
        said=words.SAID,
        trail=[("", seen.content.title if seen else translate(lang, "New campaign"))],
        seen=seen,
        action=f"/console/campaigns/{seen.id if seen else 'new'}",
        form=form,
        errors=errors,
        problems=anchors,
        meanwhile=refused.meanwhile if refused else None,
        posted=request.method == "POST",
        lacks=lacks,
        ready=not soft,
        holds=partial(_holds, {*errors, *(name for name, _ in lacks)}),
        headers=parts.shows_files(),
        media=_media(request, seen, form),
        file_kinds=words.FILES,
        most_media=MOST,
        most_in_a_form=MOST_IN_A_FORM,
        narrowed=_narrowed(form),
        somewhere=bool(_with_area(form).all("audience.areas")),
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
        templates=parts.choices(offers.registered, lang),
        params=partial(parts.params, form, offers.registered),
        disclosed=parts.disclosed(content, languages, service.organisation),
        place=place,
        picked=_picked(form),
        platforms=labels(words.PLATFORMS, lang),
        professions=labels(words.PROFESSIONS, lang),
        genders=labels(words.GENDERS, lang),
        quiet=service.quiet_hours,
        previews=parts.previews(content, templates) if content else [],
        posts=composing.previews_of_posts(content, service.organisation) if content else [],
        longest_post=LONGEST_POST,
        open_posts=_with_posts(form, languages),
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


def _with_posts(form: Form, languages: Sequence[str]) -> set[str]:
    """The languages in which a post was begun."""
    return {
        language
        for language in languages
        if any(form.one(f"posts.{language}.{platform}") for platform in LONGEST_POST)
    }


def _holds(wrong: Collection[str], *fields: str) -> bool:
    """Whether something is said of one of these fields or what is below them: such a part stands open, for a
    link into a folded one leads nowhere in some browsers."""
    return any(name == field or name.startswith(f"{field}.") for name in wrong for field in fields)


def _unnamed(form: Form) -> list[FieldError]:
    """What `_content` stands in for."""
    empty = [name for name in ("title", "department") if not form.one(name).strip()]
    return [FieldError(name, "missing", "Please fill in this field.") for name in empty]


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


def _counted(request: Request, form: Form, channels: Sequence[Any]) -> reach.Counted:
    """Whom this audience would reach now; with a job, how far that is."""
    try:
        audience = Audience.model_validate(composing.audience_of(form))
    except ValidationError as wrong:
        problems = (translate(request.lang, one.message, one.params) for one in invalid(wrong).errors)
        return reach.Counted(problem=" ".join(problems))
    order, begin = tuple(channels) or CHANNELS, form.one("do") == "job"
    return reach.counted(request, audience, order, form.one("job"), begin=begin)
