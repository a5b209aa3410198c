"""What people do themselves: say something, look what becomes of it, add to it; and what creators bring."""

from __future__ import annotations

from urllib.parse import quote

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.errors import Rejected
from chalicelib.http import CREATOR, PUBLIC, Api, Request, html, invalid, policy_with, redirect
from chalicelib.i18n import translate
from chalicelib.ids import new_token
from chalicelib.pages import shell
from chalicelib.pages.forms import TRAP, Form, Place, labels, pick_place
from chalicelib.pages.frame import named
from chalicelib.shapes import Nothing, View
from chalicelib.uploads import Upload
from chalicelib.voices.form import (
    CarriedRequest,
    MoreWords,
    Reopening,
    VoiceRequest,
    body_of,
    carried_of,
    problems,
)
from chalicelib.voices.model import OPEN, PublicVoice, Received, Status
from chalicelib.voices.words import KINDS, OCCASIONS, STATES, day_of, steps_of

api = Api("voice")


class Taken(View):
    """`ticket` shows what becomes of it, to whoever has it."""

    ticket: str
    status: Status = "received"
    link: str


@api.post(
    "/v1/voices",
    allow=PUBLIC,
    body=VoiceRequest,
    answer=Taken,
    status=201,
    summary="Tell a problem or a suggestion",
)
def say(request: Request, body: VoiceRequest) -> Taken:
    return _taken(request, wiring.citizens().say(body, request.lang, request.source_ip))


@api.get("/v1/voices/{ticket}", allow=PUBLIC, answer=PublicVoice, summary="What becomes of it")
def look(request: Request, ticket: str) -> PublicVoice:
    return wiring.citizens().look(ticket, request.source_ip)


@api.post(
    "/v1/voices/{ticket}/words",
    allow=PUBLIC,
    body=MoreWords,
    answer=PublicVoice,
    summary="Add words or a picture, with the ticket",
)
def add(request: Request, ticket: str, body: MoreWords) -> PublicVoice:
    return wiring.citizens().add(ticket, body, request.source_ip)


@api.post(
    "/v1/voices/{ticket}/uploads",
    allow=PUBLIC,
    body=Nothing,
    answer=Upload,
    status=201,
    kept=False,
    summary="A place in the bucket for one picture, with the ticket",
)
def upload(request: Request, ticket: str, body: Nothing) -> Upload:
    return wiring.citizens().place(ticket, request.source_ip)


@api.post(
    "/v1/me/voices",
    allow=CREATOR,
    body=CarriedRequest,
    answer=Taken,
    status=201,
    summary="Bring a problem or a suggestion: one's own, or another person's with their consent",
)
def bring(request: Request, body: CarriedRequest) -> Taken:
    return _taken(request, wiring.citizens().bring(request.principal.id, body, request.lang))


def _taken(request: Request, received: Received) -> Taken:
    return Taken(ticket=received.ticket, link=wiring.citizens().link(received.ticket, request.lang))


# --- pages


@api.page("GET", "/voice", allow=PUBLIC, summary="The form for a problem or a suggestion")
def voice_page(request: Request) -> Response:
    """Whoever comes with a ticket is sent to its page."""
    if request.query.get("ticket", "").strip():
        ticket = quote(request.query["ticket"].strip()[:40], safe="")
        return redirect(f"/voice/{ticket}?lang={request.lang}")
    return _form_page(request, _asked(request), mine=False)


@api.page("POST", "/voice", allow=PUBLIC, summary="Tell a problem or a suggestion")
def voice_form(request: Request) -> Response:
    form = Form(request.form())
    if form.one("step"):
        return _form_page(request, form, mine=False)
    if form.one(TRAP):
        return redirect(f"/voice?lang={request.lang}")
    place = _place(request, form)
    try:
        wanted = VoiceRequest.model_validate(body_of(form, place.area))
        received = wiring.citizens().say(wanted, request.lang, request.source_ip, form.one("once"))
    except ValidationError as error:
        return _form_page(request, form, invalid(error), mine=False)
    except Rejected as error:
        return _form_page(request, form, error, mine=False)
    return redirect(f"/voice/{received.ticket}?lang={request.lang}&new=1")


@api.page("GET", "/me/voice", allow=CREATOR, summary="The form by which a creator brings a word")
def my_voice_page(request: Request) -> Response:
    return _form_page(request, Form(), mine=True)


@api.page("POST", "/me/voice", allow=CREATOR, summary="Bring a problem or a suggestion")
def my_voice_form(request: Request) -> Response:
    form = Form(request.form())
    if form.one("step"):
        return _form_page(request, form, mine=True)
    place = _place(request, form)
    try:
        wanted = CarriedRequest.model_validate(carried_of(form, place.area))
        received = wiring.citizens().bring(request.principal.id, wanted, request.lang, form.one("once"))
    except ValidationError as error:
        return _form_page(request, form, invalid(error), mine=True)
    except Rejected as error:
        return _form_page(request, form, error, mine=True)
    return redirect(f"/voice/{received.ticket}?lang={request.lang}&new=1")


@api.page("GET", "/voice/{ticket}", allow=PUBLIC, summary="What becomes of a voice")
def status_page(request: Request, ticket: str) -> Response:
    return _status_page(request, ticket, Form())


@api.page("POST", "/voice/{ticket}/words", allow=PUBLIC, summary="Add words or a picture")
def words_form(request: Request, ticket: str) -> Response:
    form = Form(request.form())
    given = {name: form.one(name) for name in ("text", "picture") if form.one(name)}
    try:
        more = MoreWords.model_validate(given)
        wiring.citizens().add(ticket, more, request.source_ip, form.one("once"))
    except ValidationError as error:
        return _status_page(request, ticket, form, invalid(error))
    except Rejected as error:
        return _status_page(request, ticket, form, error)
    return redirect(f"/voice/{ticket}?lang={request.lang}&added=1")


@api.page("POST", "/voice/{ticket}/reopening", allow=PUBLIC, summary="Open it again, once")
def reopening_form(request: Request, ticket: str) -> Response:
    form = Form(request.form())
    try:
        again = Reopening.model_validate({"text": form.one("text")})
        wiring.citizens().reopen(ticket, again.text, request.source_ip)
    except ValidationError as error:
        return _status_page(request, ticket, form, invalid(error))
    except Rejected as error:
        return _status_page(request, ticket, form, error)
    return redirect(f"/voice/{ticket}?lang={request.lang}&reopened=1")


@api.page("GET", "/voice/{ticket}/picture", allow=PUBLIC, summary="The form for a picture")
def picture_page(request: Request, ticket: str) -> Response:
    """The form posts straight to the bucket, which sends the browser back with the file's key."""
    back = f"{wiring.public_url()}/voice/{ticket}?lang={request.lang}"
    place = wiring.citizens().place(ticket, request.source_ip, back)
    most = place.largest // 1024 // 1024
    page = shell.render("voice_picture.html", request.lang, upload=place.upload, back=back, most=most)
    return html(page, headers=policy_with(place.upload.url, "form-action"))


def _asked(request: Request) -> Form:
    """What a link to the form may bring along: the meeting or the campaign to which it belongs."""
    occasion = request.query.get("occasion", "")
    return Form({"occasion": [occasion]} if occasion else {})


def _place(request: Request, form: Form) -> Place:
    return pick_place(form, wiring.directory().children, request.lang)


def _form_page(request: Request, form: Form, error: Rejected | None = None, *, mine: bool) -> Response:
    place = _place(request, form)
    errors, found = problems(error, place, request.lang)
    names = wiring.department_names()
    page = shell.render(
        "voice.html",
        request.lang,
        action="/me/voice" if mine else "/voice",
        mine=mine,
        once=form.one("once") or new_token(),
        form=form,
        kinds=labels(KINDS, request.lang),
        levels=place.levels,
        more=translate(request.lang, place.more),
        departments=sorted(
            ((one, named(of, request.lang)) for one, of in names.items()), key=lambda pair: pair[1]
        ),
        errors=errors,
        problems=found,
    )
    return html(page, error.status if error else 200)


def _status_page(request: Request, ticket: str, form: Form, error: Rejected | None = None) -> Response:
    voice = wiring.citizens().look(ticket, request.source_ip)
    errors, found = problems(error, Place([], ""), request.lang)
    lang = request.lang
    said = next((name for name in ("new", "added", "reopened") if request.query.get(name)), "")
    page = shell.render(
        "voice_status.html",
        lang,
        path=f"/voice/{voice.ticket}",
        voice=voice,
        kind=translate(lang, KINDS[voice.kind]),
        state=translate(lang, STATES[voice.status]),
        department=named(voice.names, lang) if voice.names else "",
        steps=[(translate(lang, label), day_of(at)) for label, at in steps_of(voice) if at is not None],
        answers=[
            {"label": translate(lang, OCCASIONS[one.occasion]), "text": one.text, "day": day_of(one.at)}
            for one in voice.answers
        ],
        open=voice.status in OPEN,
        said=said,
        picture=form.one("picture") or request.query.get("key", ""),
        once=form.one("once") or new_token(),
        form=form,
        errors=errors,
        problems=found,
    )
    return html(page, error.status if error else 200)
