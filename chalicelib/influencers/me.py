"""A creator's own routes: signing in, and what is kept about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from chalice.app import Response
from pydantic import AfterValidator, Field, ValidationError

from chalicelib import wiring
from chalicelib.clock import rfc3339
from chalicelib.errors import InvalidInput, JanJanError, Rejected, Transient
from chalicelib.http import (
    CREATOR,
    CREATOR_COOKIE,
    JSON_HEADERS,
    PUBLIC,
    Api,
    Request,
    cookie,
    empty,
    html,
    invalid,
    redirect,
)
from chalicelib.i18n import translate
from chalicelib.identity.sessions import HOLDS_S
from chalicelib.influencers import forms
from chalicelib.influencers.erasing import WORD, ErasureRequest
from chalicelib.influencers.exporting import EXPORTS_A_DAY, Export, areas_in, in_words
from chalicelib.influencers.forms import CONSENTS
from chalicelib.influencers.model import Account, CodeRequest, Consent, Status
from chalicelib.influencers.service import STOPPED_BEFORE
from chalicelib.pages import shell
from chalicelib.pages.figures import moment
from chalicelib.pages.forms import Form, Place
from chalicelib.pages.frame import named
from chalicelib.pages.shell import mark
from chalicelib.phones import clean_phone
from chalicelib.proving import Challenge
from chalicelib.shapes import Nothing, Strict, View

api = Api("me")

NAMES = {
    "facebook": "Facebook",
    "instagram": "Instagram",
    "telegram": "Telegram",
    "whatsapp": "WhatsApp",
    "x": "X (Twitter)",
    "youtube": "YouTube",
}
POSTS_SHOWN = 10
APPEALS_SHOWN = 3
LINK_SENT = "We have sent you an email with a link. Press the button behind it: then our emails come again."
ERASED = "Everything about you has been erased. Thank you for having been part of it."
PROVEN = "Thank you. It is certain now that this account is yours."
STATES = {
    "pending_review": mark("Your signup is complete. Somebody from your area will look at it."),
    "approved": mark("You are part of it: messages that you agreed to will come to you."),
    "declined": mark("Your signup was declined. The reason: see below."),
}


class NumberRequest(Strict):
    phone: Annotated[str, Field(max_length=80), AfterValidator(clean_phone)]


class CodeAsked(View):
    """The same for every number, known or not."""

    id: str
    status: Literal["sent"] = "sent"
    expires_at: datetime


class CodeEntered(CodeRequest):
    id: Annotated[str, Field(pattern=r"^sgn_[a-z2-7]{16}$")]


class SessionView(View):
    token: str
    expires_at: str
    id: str


class MeView(View):
    """All that is kept about a creator, for themself: in clear."""

    id: str
    status: Status
    name: str
    phone: str
    phone_proof: str
    chat: str
    email: str
    language: str
    area: str
    area_path: list[str]
    areas_served: list[str]
    themes: list[str]
    channel: str
    channels: list[str]
    """Over which campaigns can reach them now."""
    stopped: list[str]
    """Channels over which they have said STOP."""
    consents: list[Consent]
    handles: list[Account]
    contested: list[Account]
    """Accounts that they stated, and that belong to somebody else by an earlier claim or by proof."""
    gender: str
    profession: str
    idea: str
    adult_on: str
    ambassador_of: str
    reason: str
    """Of the last decision about them."""
    signed_up_at: str
    verified_at: str
    reviewed_at: str


@api.post(
    "/v1/me/codes",
    allow=PUBLIC,
    body=NumberRequest,
    answer=CodeAsked,
    status=201,
    summary="A code to sign in with, over the creator's own channel",
)
def ask_code(request: Request, body: NumberRequest) -> CodeAsked:
    asked, until = wiring.myself().ask(body.phone, request.source_ip)
    return CodeAsked(id=asked, expires_at=until)


@api.post(
    "/v1/me/session",
    allow=PUBLIC,
    body=CodeEntered,
    answer=SessionView,
    kept=False,
    summary="Sign in with the code",
)
def sign_in(request: Request, body: CodeEntered) -> Response:
    person = wiring.myself().enter(body.id, body.code, request.source_ip)
    session = wiring.creator_sessions().begin(person)
    view = SessionView(token=session.token, expires_at=rfc3339(session.expires_at), id=person)
    headers: dict[str, str | list[str]] = {**JSON_HEADERS, "Set-Cookie": _cookie(session.token, HOLDS_S)}
    return Response(view.model_dump_json(), headers, 200)


@api.delete("/v1/me/session", allow=CREATOR, status=204, summary="Sign out", heard=True)
def sign_out(request: Request) -> Response:
    wiring.creator_sessions().end(request.principal)
    response = empty(204)
    response.headers["Set-Cookie"] = _cookie("", 0)
    return response


@api.get("/v1/me", allow=CREATOR, answer=MeView, summary="All that is kept about the creator who asks")
def me(request: Request) -> MeView:
    person = wiring.myself().get(request.principal.id)
    facts = person.model_dump(include=MeView.model_fields.keys() - {"channels", "stopped"})
    return MeView(channels=list(person.reachable), stopped=sorted(person.suppressed_channels), **facts)


class Asked(View):
    status: Literal["sent"] = "sent"


@api.post(
    "/v1/me/exports",
    allow=CREATOR,
    body=Nothing,
    answer=Export,
    status=201,
    kept=False,
    heard=True,
    summary="All that is kept of the creator who asks, in clear; at most ten times a day",
)
def export_me(request: Request, body: Nothing) -> Export:
    return wiring.exporting().export(request.principal.id)


@api.delete(
    "/v1/me",
    allow=CREATOR,
    body=ErasureRequest,
    status=204,
    kept=False,
    heard=True,
    summary="Erase all that is kept of the creator who asks, for good",
)
def erase_me(request: Request, body: ErasureRequest) -> Response:
    wiring.erasing().mine(request.principal.id, body.word)
    response = empty(204)
    response.headers["Set-Cookie"] = _cookie("", 0)
    return response


@api.post(
    "/v1/me/emails",
    allow=CREATOR,
    body=Nothing,
    answer=Asked,
    status=201,
    summary="Take emails up again that were stopped: by a link in an email to the creator's own address",
)
def resume_emails(request: Request, body: Nothing) -> Asked:
    wiring.resuming().ask(request.principal.id)
    return Asked()


@api.post(
    "/v1/handles/{handle_id}/proof",
    allow=CREATOR,
    body=Nothing,
    answer=Challenge,
    status=201,
    kept=False,
    summary="A code that shows whose account it is",
)
def begin_proof(request: Request, handle_id: str, body: Nothing) -> Challenge:
    return wiring.proofs().begin(request.principal.id, handle_id)


@api.post(
    "/v1/handles/{handle_id}/proof/check",
    allow=CREATOR,
    body=Nothing,
    answer=Account,
    kept=False,
    summary="Look whether the account shows the code",
)
def check_proof(request: Request, handle_id: str, body: Nothing) -> Account:
    return wiring.proofs().check(request.principal.id, handle_id)


# --- pages


@api.page("GET", "/me/signin", allow=PUBLIC, summary="Where creators sign in")
def sign_in_page(request: Request) -> Response:
    return _sign_in_page(request, Form())


@api.page("POST", "/me/signin", allow=PUBLIC, summary="Ask for a code, or enter it")
def sign_in_form(request: Request) -> Response:
    form, mine = Form(request.form()), wiring.myself()
    try:
        if not form.one("id"):
            number = NumberRequest.model_validate({"phone": form.one("phone")})
            asked, _ = mine.ask(number.phone, request.source_ip)
            return _sign_in_page(request, form, asked=asked)
        given = CodeEntered.model_validate({"id": form.one("id"), "code": form.one("code")})
        person = mine.enter(given.id, given.code, request.source_ip)
        session = wiring.creator_sessions().begin(person)
    except ValidationError as error:
        return _sign_in_page(request, form, asked=form.one("id"), error=invalid(error))
    except Rejected as error:
        again = form.one("id") if isinstance(error, InvalidInput) else ""
        return _sign_in_page(request, form, asked=again, error=error)
    place = "/me" if mine.get(person).standing is not None else "/me/appeals"
    return redirect(f"{place}?lang={request.lang}", {"Set-Cookie": _cookie(session.token, HOLDS_S)})


@api.page("GET", "/me", allow=CREATOR, summary="A creator's own page")
def my_page(request: Request) -> Response:
    return _my_page(request)


@api.page("POST", "/me/posts", allow=CREATOR, summary="Hand in the link of one's own post")
def post_form(request: Request) -> Response:
    form = Form(request.form())
    try:
        outcome = wiring.posts().submit_mine(request.principal.id, form.one("url"), campaign="", text="")
    except Rejected as error:
        return _my_page(request, form, error)
    return _my_page(request, said=wiring.posts().reply(outcome, request.lang))


@api.page(
    "POST", "/me/handles/{handle_id}", allow=CREATOR, summary="How to show that an account is one's own"
)
def proof_page(request: Request, handle_id: str) -> Response:
    return _proof_page(request, handle_id)


@api.page("POST", "/me/handles/{handle_id}/check", allow=CREATOR, summary="Look whether it shows the code")
def check_form(request: Request, handle_id: str) -> Response:
    try:
        wiring.proofs().check(request.principal.id, handle_id)
    except (Rejected, Transient) as error:
        return _proof_page(request, handle_id, error)
    return redirect(f"/me?lang={request.lang}&proven=1")


@api.page("POST", "/me/emails", allow=CREATOR, summary="Ask for the link that takes emails up again")
def resume_form(request: Request) -> Response:
    try:
        wiring.resuming().ask(request.principal.id)
    except Rejected as error:
        return _my_page(request, error=error)
    return _my_page(request, said=translate(request.lang, LINK_SENT))


@api.page("GET", "/resume/{token}", allow=PUBLIC, summary="What a button would take up; looking does nothing")
def resume_page(request: Request, token: str) -> Response:
    """Mail scanners follow links: only the button posts."""
    done = wiring.resuming().followed(token)
    return html(shell.render("resume.html", request.lang, path=request.path, done=done))


@api.page("POST", "/resume/{token}", allow=PUBLIC, summary="Take emails up again")
def follow_resumption(request: Request, token: str) -> Response:
    wiring.resuming().follow(token)
    return html(shell.render("resume.html", request.lang, path=request.path, done=True))


@api.page("GET", "/me/data", allow=CREATOR, heard=True, summary="One's own data: see, take along, erase")
def data_page(request: Request) -> Response:
    return _data_page(request, Form())


@api.page("POST", "/me/data", allow=CREATOR, heard=True, summary="Show, download or erase one's own data")
def data_form(request: Request) -> Response:
    form, person = Form(request.form()), request.principal.id
    try:
        if form.one("do") == "erase":
            wiring.erasing().mine(person, form.one("word"))
            return redirect(f"/me/signin?lang={request.lang}&erased=1", {"Set-Cookie": _cookie("", 0)})
        made = wiring.exporting().export(person)
    except Rejected as error:
        return _data_page(request, form, error)
    if form.one("do") == "file":
        offered = f'attachment; filename="janjan-{made.made_at:%Y-%m-%d}.json"'
        headers: dict[str, str | list[str]] = {**JSON_HEADERS, "Content-Disposition": offered}
        return Response(made.model_dump_json(indent=1), headers, 200)
    areas = wiring.directory().many(areas_in(made)).values()
    places = {area.id: named(area.names, request.lang) for area in areas}
    page = shell.render(
        "me_export.html",
        request.lang,
        path=None,
        parts=in_words(made, request.lang, places),
        made=f"\u2066{moment(made.made_at)}\u2069",
    )
    return html(page)


def _data_page(request: Request, form: Form, error: Rejected | None = None) -> Response:
    errors, problems = forms.problems(error, form, Place([], ""), request.lang)
    page = shell.render(
        "me_data.html",
        request.lang,
        path="/me/data",
        form=form,
        errors=errors,
        problems=problems,
        most=EXPORTS_A_DAY,
        word=translate(request.lang, WORD),
    )
    return html(page, error.status if error else 200)


@api.page("POST", "/me/signout", allow=CREATOR, summary="Sign out", heard=True)
def sign_out_form(request: Request) -> Response:
    wiring.creator_sessions().end(request.principal)
    return redirect(f"/me/signin?lang={request.lang}", {"Set-Cookie": _cookie("", 0)})


def _sign_in_page(
    request: Request, form: Form, *, asked: str = "", error: Rejected | None = None
) -> Response:
    errors, problems = forms.problems(error, form, Place([], ""), request.lang)
    page = shell.render(
        "me_signin.html",
        request.lang,
        path=None if asked else "/me/signin",
        said=translate(request.lang, ERASED) if request.query.get("erased") else "",
        asked=asked,
        form=form,
        errors=errors,
        problems=problems,
    )
    return html(page, error.status if error else 200)


def _my_page(
    request: Request, form: Form | None = None, error: Rejected | None = None, said: str = ""
) -> Response:
    """`said`: what became of something that the creator has just done."""
    person = wiring.myself().get(request.principal.id)
    posts, _ = wiring.posts().mine(person.id, POSTS_SHOWN, None)
    if request.query.get("proven"):
        said = translate(request.lang, PROVEN)
    errors, problems = forms.problems(error, form or Form(), Place([], ""), request.lang)
    page = shell.render(
        "me.html",
        request.lang,
        path="/me",
        person=person,
        status=translate(request.lang, STATES[person.status]),
        platforms=NAMES,
        consents=[
            (
                translate(request.lang, CONSENTS[consent.purpose]),
                translate(request.lang, forms.CHANNELS[consent.channel]),
                consent.channel in person.suppressed_channels,
            )
            for consent in person.consents
        ],
        notice=translate(request.lang, STOPPED_BEFORE) if person.may_restart else "",
        said=said,
        posts=posts,
        voices=wiring.citizens().brought(person.id, request.lang),
        appeals=wiring.appeals().mine(person.id)[:APPEALS_SHOWN],
        form=form or Form(),
        errors=errors,
        problems=problems,
    )
    return html(page, error.status if error else 200)


def _proof_page(request: Request, handle_id: str, error: JanJanError | None = None) -> Response:
    try:
        asked = wiring.proofs().begin(request.principal.id, handle_id)
    except Rejected as refused:
        asked, error = None, error or refused
    page = shell.render(
        "me_proof.html",
        request.lang,
        asked=asked,
        platform=NAMES[asked.platform] if asked else "",
        ways={way.way: way.to for way in asked.ways} if asked else {},
        problems=_sentences(error, request.lang),
    )
    return html(page, error.status if error else 200)


def _sentences(error: JanJanError | None, lang: str) -> list[tuple[str, str]]:
    found = error.errors if isinstance(error, InvalidInput) else [error] if error else []
    return [("", translate(lang, one.message, one.params)) for one in found]


def _cookie(token: str, max_age_s: int) -> str:
    """`Lax`: a link in a message from us leads to pages that know who comes."""
    return cookie(CREATOR_COOKIE, token, max_age_s=max_age_s, same_site="Lax")
