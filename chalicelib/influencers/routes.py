"""Signup for everybody, the register for staff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from chalice.app import Response
from pydantic import Field, ValidationError

from chalicelib import wiring
from chalicelib.errors import NotFound, Rejected
from chalicelib.http import (
    FORM,
    PAGE_HEADERS,
    PUBLIC,
    Again,
    Api,
    Request,
    cookie,
    html,
    invalid,
    next_cursor,
    read_cursor,
    redirect,
)
from chalicelib.i18n import translate
from chalicelib.influencers import forms
from chalicelib.influencers.erasing import ERASE, StaffErasure
from chalicelib.influencers.model import (
    Account,
    AreaId,
    CodeRequest,
    Filter,
    Influencer,
    Platform,
    ReviewRequest,
    SignupAnswer,
    SignupRequest,
    Status,
)
from chalicelib.influencers.service import STOPPED_BEFORE
from chalicelib.pages import shell
from chalicelib.pages.forms import TRAP, Form, Place, labels, pick_place
from chalicelib.pages.frame import named
from chalicelib.pages.qr import svg
from chalicelib.pages.shell import mark
from chalicelib.shapes import Nothing, Strict, View

api = Api("influencers")

LINK_COOKIE = "janjan_link"
LINK_KEPT_S = 3600
TELEGRAM = "https://t.me/"
JOIN = mark("Join us")
WAITING: Status = "pending_review"
STANDS: dict[Status, tuple[str, str]] = {
    WAITING: (
        mark("Thank you!"),
        mark(
            "Your signup is complete. Somebody from your area looks at it, and we write to you as soon as you"
            " are welcome. This page shows how it stands."
        ),
    ),
    "approved": (
        mark("You are welcome!"),
        mark("Your signup was approved. Sign in to see your page; we send a code to you for that."),
    ),
    "declined": (
        mark("Your signup was declined"),
        mark("The reason stands on your own page: sign in with a code that we send to you."),
    ),
    "suspended": (
        mark("Your part in it is suspended"),
        mark(
            "Nothing is sent to you meanwhile. To ask that this be looked at again, sign in with a code that"
            " we send to you."
        ),
    ),
    "withdrawn": (
        mark("This signup has ended"),
        mark("Nothing is sent any more. If you want to take part again, sign up once more."),
    ),
}
"""What the page of a signup says once its channel is proven: to anybody with the link, so nothing but the
state."""
SIGNS_IN = frozenset[Status]({"approved", "declined", "suspended"})


class StatusAnswer(View):
    status: Status
    notice: str = ""
    """What the person must know: that their STOP of before still holds, and how to lift it."""


class ErasedView(View):
    id: str
    status: Literal["erased"] = "erased"


class ListQuery(Strict):
    status: Status | None = None
    area: AreaId | None = None
    platform: Platform | None = None
    min_followers: Annotated[int, Field(ge=0)] = 0
    theme: Annotated[str, Field(max_length=40)] = ""
    q: Annotated[str, Field(max_length=80)] = ""
    contested: bool = False
    """Only people with an account that somebody else holds."""
    limit: Annotated[int, Field(ge=1, le=100)] = 25
    cursor: str | None = None


class InfluencerView(View):
    """A person as staff see them: numbers masked, the email left out."""

    id: str
    status: Status
    name: str
    phone: str
    phone_proof: str
    email_proven: bool
    language: str
    area: str
    area_path: list[str]
    areas_served: list[str]
    themes: list[str]
    channel: str
    channels: list[str]
    """Over which campaigns can reach this person now."""
    suppressed: list[str]
    """Over which nothing but service messages goes, by the person's own word or a platform's."""
    handles: list[Account]
    contested: list[Account]
    """Accounts that somebody else had registered first, or has proven to be theirs."""
    gender: str
    profession: str
    idea: str
    ambassador_of: str
    reason: str
    terms_version: str
    """Of the code of conduct and terms that they accepted by signing up."""
    signed_up_at: str
    verified_at: str
    reviewed_at: str


class InfluencerList(View):
    items: list[InfluencerView]
    next: str | None = None


class Revealed(View):
    phone: str
    email: str
    handles: list[Account]


@api.post("/v1/signups", allow=PUBLIC, body=SignupRequest, answer=SignupAnswer, status=201, summary="Sign up")
def sign_up(request: Request, body: SignupRequest) -> SignupAnswer:
    return wiring.signups().sign_up(body, request.source_ip)


@api.post(
    "/v1/signups/{signup_id}/verification",
    allow=PUBLIC,
    body=CodeRequest,
    answer=StatusAnswer,
    summary="Prove the number with the code that was sent to it",
)
def verify(request: Request, signup_id: str, body: CodeRequest) -> StatusAnswer:
    signups = wiring.signups()
    status = signups.verify(signup_id, body.code, request.source_ip)
    return StatusAnswer(status=status, notice=_notice(signups.find(signup_id), request.lang))


@api.post(
    "/v1/signups/{signup_id}/codes",
    allow=PUBLIC,
    body=Nothing,
    answer=SignupAnswer,
    status=201,
    summary="Another code, or another deep link",
)
def new_code(request: Request, signup_id: str, body: Nothing) -> SignupAnswer:
    return wiring.signups().new_code(signup_id)


@api.get(
    "/v1/influencers",
    allow="influencer.read",
    query=ListQuery,
    answer=InfluencerList,
    summary="The register, by state and place",
)
def influencers(request: Request, query: ListQuery) -> InfluencerList:
    found, after = wiring.register().listed(
        request.principal,
        status=query.status,
        area=query.area,
        pick=Filter(
            platform=query.platform or "",
            **query.model_dump(include={"min_followers", "theme", "q", "contested"}),
        ),
        limit=query.limit,
        after=read_cursor(request),
    )
    return InfluencerList(items=[_view(person) for person in found], next=next_cursor(request, after))


@api.get(
    "/v1/influencers/{influencer_id}", allow="influencer.read", answer=InfluencerView, summary="One person"
)
def influencer(request: Request, influencer_id: str) -> InfluencerView:
    return _view(wiring.register().get(request.principal, influencer_id))


def _as_now(request: Request, kept: Mapping[str, Any]) -> InfluencerView:
    return _view(wiring.register().get(request.principal, kept["id"]))


@api.post(
    "/v1/influencers/{influencer_id}/review",
    allow="influencer.review",
    body=ReviewRequest,
    answer=InfluencerView,
    again=Again(("id",), _as_now),
    summary="Approve, decline or suspend",
)
def review(request: Request, influencer_id: str, body: ReviewRequest) -> InfluencerView:
    return _view(wiring.register().review(request.principal, influencer_id, body))


@api.post(
    "/v1/influencers/{influencer_id}/withdrawal",
    allow="influencer.review",
    body=Nothing,
    answer=InfluencerView,
    again=Again(("id",), _as_now),
    summary="Take a person out at their own wish",
)
def withdraw(request: Request, influencer_id: str, body: Nothing) -> InfluencerView:
    return _view(wiring.register().withdraw(request.principal, influencer_id))


@api.post(
    "/v1/influencers/{influencer_id}/erasure",
    allow=ERASE,
    body=StaffErasure,
    answer=ErasedView,
    summary="Erase somebody who has asked for it without access to their own page",
)
def erase(request: Request, influencer_id: str, body: StaffErasure) -> ErasedView:
    wiring.erasing().for_them(request.principal, influencer_id, body.asked)
    return ErasedView(id=influencer_id)


@api.post(
    "/v1/influencers/{influencer_id}/reveal",
    allow="influencer.reveal",
    body=Nothing,
    answer=Revealed,
    kept=False,
    summary="Number and email in clear; that they were looked at is kept",
)
def reveal(request: Request, influencer_id: str, body: Nothing) -> Revealed:
    person = wiring.register().reveal(request.principal, influencer_id)
    return Revealed(phone=person.phone, email=person.email, handles=list(person.handles))


def _view(person: Influencer) -> InfluencerView:
    shown: dict[str, Any] = {
        "phone": person.masked_phone,
        "channels": list(person.reachable),
        "suppressed": sorted(person.suppressed_channels),
        "handles": [account.masked() for account in person.handles],
        "contested": [account.masked() for account in person.contested],
    }
    facts = person.model_dump(include=InfluencerView.model_fields.keys() - shown.keys())
    return InfluencerView(**shown, **facts)


# --- pages


@api.page("GET", "/signup", allow=PUBLIC, summary="The form to join")
def signup_page(request: Request) -> Response:
    form = Form({"at": [next(iter(forms.STEPS))]})
    return _signup_page(request, form, _place(request, form), fresh=True)


@api.page("POST", "/signup", allow=PUBLIC, summary="A step of the form, or all of it")
def signup_form(request: Request) -> Response:
    """Without `at` it is the whole form at once, and a mistake shows all of it."""
    form = Form(request.form())
    place = _place(request, form)
    if form.one("step") in ("show", "place"):
        return _signup_page(request, form, place)
    if form.one(TRAP):
        return _done_page(request, WAITING)
    form, wrong = forms.recognised(form)
    if form.one("step") == "link" or wrong:
        said = {"link": translate(request.lang, wrong)} if wrong else {}
        return _signup_page(request, form.changed(at="accounts"), place, errors=said)
    body = forms.body_of(form, place.area)
    try:
        wanted = SignupRequest.model_validate(body)
        if not forms.step_after(form, {}):
            return _to_verification(request, wiring.signups().sign_up(wanted, request.source_ip))
        error: Rejected | None = None
    except ValidationError as found:
        error = invalid(found)
    except Rejected as refused:
        error = refused
    error = forms.with_age(error, body, wiring.clock().today_ist())
    errors, _ = forms.problems(error, form, place, request.lang)
    step = forms.step_after(form, errors)
    return _signup_page(request, form.changed(at=step), place, error if forms.holds(form, step) else None)


@api.page("GET", "/signup/qr", allow=PUBLIC, summary="The way to the form as a picture, for a wall")
def qr_page(request: Request) -> Response:
    where = f"{wiring.public_url()}/signup?lang={request.lang}"
    picture = svg(where, translate(request.lang, JOIN))
    return html(shell.render("signup_qr.html", request.lang, path=request.path, picture=picture, where=where))


@api.page("GET", "/signup/{signup_id}", allow=PUBLIC, summary="The last step of joining")
def verify_page(request: Request, signup_id: str) -> Response:
    return _verify_page(request, signup_id, Form())


@api.page("POST", "/signup/{signup_id}", allow=PUBLIC, summary="Confirm the code")
def verify_form(request: Request, signup_id: str) -> Response:
    form = Form(request.form())
    try:
        wanted = CodeRequest.model_validate({"code": form.one("code")})
        wiring.signups().verify(signup_id, wanted.code, request.source_ip)
    except ValidationError as error:
        return _verify_page(request, signup_id, form, invalid(error))
    except Rejected as error:
        return _verify_page(request, signup_id, form, error)
    return redirect(f"/signup/{signup_id}?lang={request.lang}")


@api.page("POST", "/signup/{signup_id}/codes", allow=PUBLIC, summary="Ask for another code")
def new_code_form(request: Request, signup_id: str) -> Response:
    try:
        answer = wiring.signups().new_code(signup_id)
    except Rejected as error:
        return _verify_page(request, signup_id, Form(), error)
    return _to_verification(request, answer, "&again=1")


@api.page("GET", "/confirm/{token}", allow=PUBLIC, summary="Whether an email address is the reader's")
def confirm_page(request: Request, token: str) -> Response:
    """Mail scanners follow links: looking proves nothing, the button does."""
    wiring.signups().confirmed(token)
    return html(shell.render("confirm.html", request.lang, path=request.path, done=False))


@api.page("POST", "/confirm/{token}", allow=PUBLIC, summary="Confirm an email address")
def confirm_form(request: Request, token: str) -> Response:
    wiring.signups().confirm(token)
    return html(shell.render("confirm.html", request.lang, path=request.path, done=True))


@api.page("GET", "/u/{token}", allow=PUBLIC, summary="What a click would end; looking ends nothing")
def unsubscribe_page(request: Request, token: str) -> Response:
    """Scanners of mailboxes follow every link: only the button, or the mailbox's own, posts."""
    _unsubscriber(token)
    return html(shell.render("unsubscribe.html", request.lang, path=request.path, done=False))


@api.raw(
    "POST",
    "/u/{token}",
    allow=PUBLIC,
    summary="End a person's emails with one click (RFC 8058)",
    content_types=(FORM, "multipart/form-data"),
)
def unsubscribe(request: Request, token: str) -> Response:
    """From our page, or from the mailbox: without cookies, and from no origin of ours."""
    subject = _unsubscriber(token)
    wiring.unsubscribers(subject).unsubscribe(subject, at=wiring.clock().now())
    return html(shell.render("unsubscribe.html", request.lang, path=request.path, done=True))


def _unsubscriber(token: str) -> str:
    person = wiring.unsubscribing().person(token)
    if person is None:
        raise NotFound
    return person


def _place(request: Request, form: Form) -> Place:
    return pick_place(form, wiring.directory().children, request.lang)


def _signup_page(
    request: Request,
    form: Form,
    place: Place,
    error: Rejected | None = None,
    *,
    errors: Mapping[str, str] | None = None,
    fresh: bool = False,
) -> Response:
    """The step `at` with its errors, or the whole form."""
    lang, at = request.lang, form.one("at")
    shown = [at] if at in forms.STEPS else list(forms.STEPS)
    found, problems = forms.problems(error, form, place, lang)
    if errors is None:
        errors = {name: sentence for name, sentence in found.items() if forms.step_of(name) in shown}
    if found or errors:
        problems = forms.summary(errors, lang)
    offered = wiring.signups().offered()
    directory = wiring.directory()
    themes = [(theme.id, named(theme.names, lang)) for theme in directory.themes()]
    carries_style = fresh and lang in shell.OWN_FONT
    page = shell.render(
        "signup.html",
        lang,
        carries_style=carries_style,
        form=form,
        fresh=fresh,
        shown=shown,
        at=at if len(shown) == 1 else "",
        steps=labels(forms.STEPS, lang),
        carried=forms.carried(form, shown),
        accounts=forms.accounts(form),
        levels=place.levels,
        more=translate(lang, place.more),
        errors=errors,
        problems=problems,
        tongues=forms.tongues(),
        genders=labels(forms.GENDERS, lang),
        professions=labels(forms.PROFESSIONS, lang),
        platforms=dict(labels(forms.PLATFORMS, lang)),
        named_accounts=forms.named_accounts(form, lang),
        purposes=labels(forms.CONSENTS, lang),
        channels=[(channel, label) for channel, label in labels(forms.CHANNELS, lang) if channel in offered],
        also=[(channel, label) for channel, label in labels(forms.ALSO, lang) if channel in offered],
        themes=themes,
    )
    status = error.status if error else 422 if errors else 200
    policy = PAGE_HEADERS["Content-Security-Policy"]
    return html(
        page,
        status,
        {"Content-Security-Policy": shell.style_in_the_page(policy)} if carries_style else None,
    )


def _notice(person: Influencer, lang: str) -> str:
    return translate(lang, STOPPED_BEFORE) if person.may_restart else ""


def _done_page(request: Request, status: Status, *, path: str = "", notice: str = "") -> Response:
    """How a signup stands; without a path it leads to no other language, for it has no address."""
    title, told = (translate(request.lang, words) for words in STANDS[status])
    page = shell.render(
        "done.html",
        request.lang,
        path=path,
        title=title,
        told=told,
        good=status in (WAITING, "approved"),
        signs_in=status in SIGNS_IN,
        notice=notice,
    )
    return html(page)


def _verify_page(request: Request, signup_id: str, form: Form, error: Rejected | None = None) -> Response:
    person = wiring.signups().find(signup_id)
    if person.status in STANDS and error is None:
        notice = _notice(person, request.lang) if person.status == WAITING else ""
        return _done_page(request, person.status, path=request.path, notice=notice)
    errors, problems = forms.problems(error, form, Place([], ""), request.lang)
    link = request.cookies.get(LINK_COOKIE, "")
    page = shell.render(
        "verify.html",
        request.lang,
        path=f"/signup/{signup_id}",
        signup_id=signup_id,
        channel=person.channel,
        deep_link=link if link.startswith(TELEGRAM) else "",
        sent_again=error is None and "again" in request.query,
        pressed=error is None and "pressed" in request.query,
        form=form,
        errors=errors,
        problems=problems,
    )
    return html(page, error.status if error else 200)


def _to_verification(request: Request, answer: SignupAnswer, more: str = "") -> Response:
    """To the page of the last step. A deep link goes along in a cookie of that page: we keep only its
    hash."""
    path, headers = f"/signup/{answer.id}", {}
    if answer.verification.deep_link:
        link = answer.verification.deep_link
        headers["Set-Cookie"] = cookie(LINK_COOKIE, link, max_age_s=LINK_KEPT_S, path=path, same_site="Lax")
    return redirect(f"{path}?lang={request.lang}{more}", headers)
