"""A creator's own pages: what is new, what we sent, and what they may change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.beside import both
from chalicelib.errors import InvalidInput, JanJanError, Rejected, Transient, Unauthenticated
from chalicelib.http import (
    CREATOR,
    JSON_HEADERS,
    PUBLIC,
    Api,
    Request,
    html,
    invalid,
    next_cursor,
    policy_with,
    read_cursor,
    redirect,
)
from chalicelib.i18n import translate
from chalicelib.identity.sessions import HOLDS_S
from chalicelib.influencers import forms
from chalicelib.influencers.erasing import WORD
from chalicelib.influencers.exporting import EXPORTS_A_DAY, areas_in, in_words
from chalicelib.influencers.forms import CHANNELS, CONSENTS, NOTICE_VERSION
from chalicelib.influencers.inbox import LATEST, Got
from chalicelib.influencers.me import CodeEntered, NumberRequest, session_cookie
from chalicelib.influencers.model import NO_END, ConsentRequest, Influencer, ProfileChange
from chalicelib.influencers.service import STOPPED_BEFORE
from chalicelib.influencers.wishes import DISTRICT, ways_of
from chalicelib.names import plain_digits
from chalicelib.pages import shell
from chalicelib.pages.figures import day, moment
from chalicelib.pages.forms import Form, Place, labels, pick_place
from chalicelib.pages.frame import named
from chalicelib.pages.shell import mark
from chalicelib.pages.words import FILES, PLATFORMS_IN_FULL
from chalicelib.ports import CampaignShown, Spoken, is_paused

api = Api("mine")

ERASED = "Everything about you has been erased. Thank you for having been part of it."
POSTS_SHOWN = 10
POSTS_OF_CAMPAIGN = 50
PAGE = 20
APPEALS_SHOWN = 3
STATES = {
    "pending_review": mark("Your signup is complete. Somebody from your area will look at it."),
    "approved": mark("You are part of it: messages that you agreed to will come to you."),
    "declined": mark("Your signup was declined. The reason: see below."),
}
SAID = {
    "proven": mark("Thank you. It is certain now that this account is yours."),
    "saved": mark("It is saved."),
    "moved": mark(
        "Your new area is saved. Somebody there will look at it; until then no campaigns come to you."
    ),
    "email": mark(
        "We have sent a link to your new address. It holds once you have pressed the button behind it."
    ),
    "link": mark(
        "We have sent you an email with a link. Press the button behind it: then our emails come again."
    ),
    "given": mark("Thank you. You have agreed."),
    "taken": mark("You have taken it back: nothing of this kind comes to you over it any more."),
    "paused": mark("Campaigns pause. You can go on at any time."),
    "resumed": mark("Campaigns come to you again."),
}
"""What became of something that the creator has just done."""
BECAME = {
    "planned": mark("on its way"),
    "accepted": mark("sent"),
    "sent": mark("sent"),
    "delivered": mark("arrived"),
    "read": mark("read"),
    "failed": mark("did not arrive"),
    "unknown": mark("not known whether it arrived"),
    "not_sent": mark("not sent"),
}
OUTCOMES = {
    "": mark("on its way"),
    "accepted": mark("sent"),
    "unknown": mark("not known whether it arrived"),
    "refused": mark("did not arrive"),
}
KINDS = {
    "code": mark("A code"),
    "welcome": mark("Welcome"),
    "known": mark("That you are registered already"),
    "notice": mark("That your appeal was answered"),
    "confirm": mark("The link that confirms your email"),
    "resume": mark("The link that takes emails up again"),
    "brief": mark("The text of a campaign"),
}
OTHER_KIND = mark("Another message")
CORRECTED, WITHDRAWN, OVER = mark("corrected"), mark("withdrawn"), mark("over")
GRADES = {
    "verified": mark("As the platform tells"),
    "declared": mark("As you have said"),
}
METRICS = {
    "views": mark("Views"),
    "reach": mark("Reach"),
    "likes": mark("Likes"),
    "comments": mark("Comments"),
    "shares": mark("Shares"),
    "saves": mark("Saves"),
}


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
    return redirect(f"{place}?lang={request.lang}", {"Set-Cookie": session_cookie(session.token, HOLDS_S)})


@api.page("GET", "/me", allow=CREATOR, summary="A creator's own page")
def my_page(request: Request) -> Response:
    return _my_page(request)


@api.page("POST", "/me/posts", allow=CREATOR, summary="Hand in the link of one's own post")
def post_form(request: Request) -> Response:
    form = Form(request.form())
    campaign = form.one("campaign")
    try:
        outcome = wiring.posts().submit_mine(
            request.principal.id, form.one("url"), campaign=campaign, text=""
        )
    except Rejected as error:
        if campaign:
            return _campaign_page(request, campaign, form, error)
        return _my_page(request, form, error)
    said = wiring.posts().reply(outcome, request.lang)
    return _campaign_page(request, campaign, said=said) if campaign else _my_page(request, said=said)


@api.page("GET", "/me/campaigns", allow=CREATOR, summary="Campaigns that a creator has got")
def campaigns_page(request: Request) -> Response:
    after = (read_cursor(request) or {}).get("after")
    _, found, more, _ = wiring.inbox().campaigns_of(request.principal.id, PAGE, after, lambda: None)
    page = shell.render(
        "me_campaigns.html",
        request.lang,
        path="/me/campaigns",
        campaigns=[_row(got, request.lang) for got in found],
        first=after is None,
        next=next_cursor(request, {"after": more} if more else None),
    )
    return html(page)


@api.page(
    "GET", "/me/campaigns/{campaign_id}", allow=CREATOR, summary="One campaign: what it says, what to publish"
)
def campaign_page(request: Request, campaign_id: str) -> Response:
    return _campaign_page(request, campaign_id)


@api.page("GET", "/me/messages", allow=CREATOR, summary="What was sent to a creator, and what became of it")
def messages_page(request: Request) -> Response:
    lang, after = request.lang, (read_cursor(request) or {}).get("after")
    _, found = wiring.inbox().messages(request.principal.id, PAGE, after)
    page = shell.render(
        "me_messages.html",
        lang,
        path="/me/messages",
        sent=[
            (one, title, translate(lang, BECAME[one.status]), _over(one.channel, lang))
            for one, title in found.sent
        ],
        spoken=[
            (
                one,
                translate(lang, KINDS.get(one.kind, OTHER_KIND)),
                translate(lang, _outcome(one)),
                _over(one.channel, lang),
            )
            for one in found.spoken
        ],
        first=after is None,
        next=next_cursor(request, {"after": found.after} if found.after else None),
    )
    return html(page)


def _row(got: Got, lang: str) -> tuple[Got, str, str]:
    """A campaign, when it came, and how it stands."""
    return got, day(got.sent[0].at), translate(lang, _standing(got.campaign))


def _standing(shown: CampaignShown) -> str:
    if shown.withdrawn:
        return WITHDRAWN
    return CORRECTED if shown.corrected else OVER if shown.over else ""


def _over(channel: str, lang: str) -> str:
    return translate(lang, CHANNELS.get(channel, ""))


def _outcome(one: Spoken) -> str:
    return OUTCOMES.get(one.outcome.partition(":")[0], "")


def _campaign_page(
    request: Request,
    campaign_id: str,
    form: Form | None = None,
    error: Rejected | None = None,
    said: str = "",
) -> Response:
    lang, person_id = request.lang, request.principal.id
    (person, whole), (posts, _) = both(
        lambda: wiring.inbox().campaign(person_id, campaign_id),
        lambda: wiring.posts().mine(person_id, POSTS_OF_CAMPAIGN, None),
    )
    shown = whole.got.campaign
    mine = [post for post in posts if post.campaign == campaign_id]
    figures = wiring.measuring().of_posts([post.id for post in mine]) if mine else {}
    errors, problems = forms.problems(error, form or Form(), Place([], ""), lang)
    page = shell.render(
        "me_campaign.html",
        lang,
        path=f"/me/campaigns/{campaign_id}",
        person=person,
        campaign=shown,
        standing=translate(lang, _standing(shown)),
        received=[
            (one, translate(lang, BECAME[one.status]), _over(one.channel, lang)) for one in whole.got.sent
        ],
        words=whole.words,
        posts=_posts_for(person, shown),
        file_kinds=FILES,
        platforms=PLATFORMS_IN_FULL,
        mine=[(post, _figures(figures[post.id], lang) if post.id in figures else []) for post in mine],
        said=said,
        form=form or Form(),
        errors=errors,
        problems=problems,
    )
    headers = policy_with(shown.media[0].link, "img-src", "connect-src") if shown.media else None
    return html(page, error.status if error else 200, headers)


def _posts_for(person: Influencer, shown: CampaignShown) -> list[tuple[bool, list[tuple[str, str, str]]]]:
    """The texts for platforms on which the person is, and WhatsApp, before the others (True: to unfold)."""
    own = {one.platform for one in person.handles} | {"whatsapp"}
    texts = [(one, text, _shares(one, text, shown.link)) for one, text in shown.posts.items()]
    parts = [(other, [one for one in texts if (one[0] not in own) is other]) for other in (False, True)]
    return [part for part in parts if part[1]]


def _shares(platform: str, text: str, link: str) -> str:
    """Where a text is handed to its platform's own app; empty where it takes none by a link."""
    said = quote(text, safe="")
    return {
        "whatsapp": f"https://wa.me/?text={said}",
        "telegram": f"https://t.me/share/url?url={quote(link, safe='')}&text={said}" if link else "",
        "x": f"https://x.com/intent/post?text={said}",
        "facebook": f"https://www.facebook.com/sharer/sharer.php?u={quote(link, safe='')}" if link else "",
    }.get(platform, "")


def _figures(known: Any, lang: str) -> list[tuple[str, list[tuple[str, int, str]]]]:  # noqa: ANN401 - of metrics
    """By grade, as it is called: each metric, its number and when it was measured. Never added together."""
    return [
        (
            translate(lang, label),
            [(translate(lang, METRICS[m]), one.number, moment(one.at)) for m, one in known.of(grade).items()],
        )
        for grade, label in GRADES.items()
        if known.of(grade)
    ]


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
    return redirect(f"/me?lang={request.lang}&said=proven")


@api.page("POST", "/me/emails", allow=CREATOR, summary="Ask for the link that takes emails up again")
def resume_form(request: Request) -> Response:
    try:
        wiring.resuming().ask(request.principal.id)
    except Rejected as error:
        return _settings_page(request, error=error)
    return _done(request, "link", "reach")


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
            return redirect(
                f"/me/signin?lang={request.lang}&said=erased", {"Set-Cookie": session_cookie("", 0)}
            )
        made, place = wiring.exporting().export(person, read_cursor(request))
    except Rejected as error:
        return _data_page(request, form, error)
    here, more = request.query.get("cursor", ""), next_cursor(request, place)
    made = made.model_copy(update={"next": more})
    whole = not here and not more
    if form.one("do") == "part" or (form.one("do") == "file" and whole):
        offered = f'attachment; filename="janjan-{made.made_at:%Y-%m-%d}.json"'
        headers: dict[str, str | list[str]] = {**JSON_HEADERS, "Content-Disposition": offered}
        return Response(made.model_dump_json(indent=1), headers, 200)
    directory = wiring.directory()
    called = {one.id: named(one.names, request.lang) for one in directory.many(areas_in(made)).values()}
    called |= {one.id: named(one.names, request.lang) for one in directory.themes()}
    page = shell.render(
        "me_export.html",
        request.lang,
        path=None,
        parts=in_words(made, request.lang, called, whole=whole),
        whole=whole,
        here=here,
        more=more,
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
        letters=_letters(request),
    )
    return html(page, error.status if error else 200)


def _letters(request: Request) -> list[dict[str, object]]:
    """The letters of appointment that may be printed now."""
    today = wiring.clock().today_ist()
    own = wiring.ambassadors().of_person(request.principal.id)
    standing = [one for one in own if one.state(today) in ("coming", "standing")]
    places = wiring.directory().many({one.area for one in standing})
    return [
        {"id": one.id, "until": one.until, "area": named(places[one.area].names, request.lang)}
        for one in standing
        if one.area in places
    ]


@api.page("POST", "/me/signout", allow=CREATOR, summary="Sign out", heard=True)
def sign_out_form(request: Request) -> Response:
    wiring.creator_sessions().end(request.principal)
    return redirect(f"/me/signin?lang={request.lang}", {"Set-Cookie": session_cookie("", 0)})


def _sign_in_page(
    request: Request, form: Form, *, asked: str = "", error: Rejected | None = None
) -> Response:
    errors, problems = forms.problems(error, form, Place([], ""), request.lang)
    page = shell.render(
        "me_signin.html",
        request.lang,
        path=None if asked else "/me/signin",
        said=translate(request.lang, ERASED) if request.query.get("said") == "erased" else "",
        asked=asked,
        form=form,
        errors=errors,
        problems=problems,
    )
    return html(page, error.status if error else 200)


def _person(request: Request) -> Influencer:
    person = wiring.myself().get(request.principal.id)
    if person.standing is None:  # left since the session was looked at
        raise Unauthenticated
    return person


def _posts(person_id: str) -> Sequence[Any]:
    return wiring.posts().mine(person_id, POSTS_SHOWN, None)[0]


def _my_page(
    request: Request, form: Form | None = None, error: Rejected | None = None, said: str = ""
) -> Response:
    """`said`: what became of something that the creator has just done."""
    person_id, lang = request.principal.id, request.lang
    (person, latest, _, posts), (voices, appeals) = both(
        lambda: wiring.inbox().campaigns_of(person_id, LATEST, None, lambda: _posts(person_id)),
        lambda: (wiring.citizens().brought(person_id, lang), wiring.appeals().mine(person_id)),
    )
    said = said or translate(request.lang, SAID.get(request.query.get("said", ""), ""))
    errors, problems = forms.problems(error, form or Form(), Place([], ""), request.lang)
    page = shell.render(
        "me.html",
        request.lang,
        path="/me",
        person=person,
        status=translate(request.lang, STATES[person.status]),
        platforms=PLATFORMS_IN_FULL,
        paused=_paused(person, request.lang),
        notice=translate(request.lang, STOPPED_BEFORE) if person.may_restart else "",
        said=said,
        posts=posts,
        campaigns=[_row(got, lang) for got in latest],
        voices=voices,
        appeals=appeals[:APPEALS_SHOWN],
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
        platform=PLATFORMS_IN_FULL[asked.platform] if asked else "",
        ways={way.way: way.to for way in asked.ways} if asked else {},
        problems=_sentences(error, request.lang),
    )
    return html(page, error.status if error else 200)


def _sentences(error: JanJanError | None, lang: str) -> list[tuple[str, str]]:
    found = error.errors if isinstance(error, InvalidInput) else [error] if error else []
    return [("", translate(lang, one.message, one.params)) for one in found]


# --- settings


@api.page("GET", "/me/settings", allow=CREATOR, summary="What a creator may change of themself")
def settings_page(request: Request) -> Response:
    return _settings_page(request)


@api.page("POST", "/me/settings", allow=CREATOR, summary="Change it, agree, take back, pause, leave")
def settings_form(request: Request) -> Response:
    form = Form(request.form())
    do = form.one("do")
    if do == "place":
        return _settings_page(request, form)
    try:
        return _DOES[do](request, form) if do in _DOES else _settings_page(request, form)
    except ValidationError as error:
        return _settings_page(request, form, invalid(error))
    except Rejected as error:
        return _settings_page(request, form, error)


def _profile(request: Request, form: Form) -> Response:
    typed = {name: form.one(name) for name in ("name", "language", "gender", "profession", "channel")}
    given = {
        name: value for name, value in typed.items() if value or name in ("name", "gender", "profession")
    }
    body = ProfileChange.model_validate({**given, "themes": list(form.all("themes"))})
    wiring.wishes().change(request.principal.id, body)
    return _done(request, "saved", "about")


def _area(request: Request, form: Form) -> Response:
    place = pick_place(form, wiring.directory().children, request.lang)
    if not place.area:
        raise InvalidInput.of("area", "missing", "Please fill in this field.")
    before = _person(request)
    after = wiring.wishes().change(request.principal.id, ProfileChange(area=place.area))
    return _done(request, "saved" if after.status == before.status else "moved", "place")


def _email(request: Request, form: Form) -> Response:
    after = wiring.wishes().change(
        request.principal.id, ProfileChange.model_validate({"email": form.one("email")})
    )
    return _done(request, "email" if after.email_wanted else "saved", "reach")


def _give(request: Request, form: Form) -> Response:
    wanted = {name: form.one(name) for name in ("purpose", "channel")}
    body = ConsentRequest.model_validate(wanted | {"notice_version": NOTICE_VERSION})
    wiring.wishes().give(request.principal.id, body)
    return _done(request, "given", "consents")


def _take(request: Request, form: Form) -> Response:
    wiring.wishes().take_back(request.principal.id, form.one("purpose"), form.one("channel"))
    return _done(request, "taken", "consents")


def _pause(request: Request, form: Form) -> Response:
    until: date | str = _day(form.one("paused_until")) if form.one("paused_until").strip() else "open"
    body = ProfileChange.model_validate({"paused_until": until})
    wiring.wishes().change(request.principal.id, body)
    return _done(request, "paused", "pause")


def _resume(request: Request, form: Form) -> Response:
    wiring.wishes().change(request.principal.id, ProfileChange(paused_until=""))
    return _done(request, "resumed", "pause")


def _leave(request: Request, form: Form) -> Response:
    if not form.one("sure"):
        raise InvalidInput.of("sure", "missing", "Please confirm that you want to leave.")
    wiring.wishes().leave(request.principal.id)
    page = shell.render("me_left.html", request.lang)
    return html(page, 200, {"Set-Cookie": session_cookie("", 0)})


_DOES = {
    "profile": _profile,
    "area": _area,
    "email": _email,
    "give": _give,
    "take": _take,
    "pause": _pause,
    "resume": _resume,
    "leave": _leave,
}


def _day(typed: str) -> date:
    """As a browser's calendar gives it, or written as 31-12-2026."""
    parts = plain_digits(typed).strip().replace("/", "-").replace(".", "-").split("-")
    try:
        first, month, last = (int(part) for part in parts)
        return date(first, month, last) if len(parts[0]) > 2 else date(last, month, first)  # noqa: PLR2004
    except ValueError:
        raise InvalidInput.of("paused_until", "day", "Please write the day as 31-12-2026.") from None


def _done(request: Request, said: str, section: str) -> Response:
    return redirect(f"/me/settings?lang={request.lang}&said={said}#{section}")


def _settings_page(request: Request, form: Form | None = None, error: Rejected | None = None) -> Response:
    lang, directory = request.lang, wiring.directory()
    person, themes = both(lambda: _person(request), directory.themes)
    typed = form or Form()
    at_home = pick_place(_at_home(person), directory.children, lang)
    choosing = typed.one("do") in ("place", "area")
    place = pick_place(typed, directory.children, lang) if choosing else at_home
    errors, problems = forms.problems(error, typed, place, lang)
    page = shell.render(
        "me_settings.html",
        lang,
        path="/me/settings",
        person=person,
        form=_filled(person, typed),
        home=[level.name_of_chosen for level in at_home.levels if level.chosen],
        levels=place.levels,
        more=translate(lang, place.more),
        choosing=choosing,
        tongues=forms.tongues(),
        genders=labels(forms.GENDERS, lang),
        professions=labels(forms.PROFESSIONS, lang),
        themes=[(theme.id, named(theme.names, lang)) for theme in themes],
        own_ways=[(way, translate(lang, CHANNELS[way])) for way in person.addresses],
        consents=_consents(person, lang),
        paused=_paused(person, lang),
        stopped=translate(lang, STOPPED_BEFORE) if person.may_restart else "",
        said=translate(lang, SAID.get(request.query.get("said", ""), "")) if not error else "",
        errors=errors,
        problems=problems,
    )
    return html(page, error.status if error else 200)


def _at_home(person: Influencer) -> Form:
    _, state, district, *below = (*person.area_path, "", "")
    path = {"area_state": state, "area_district": district}
    path |= {"area_block": below[0], "area_booth": person.area} if len(person.area_path) > DISTRICT else {}
    return Form({name: [value] for name, value in path.items()})


def _filled(person: Influencer, typed: Form) -> Form:
    """What was typed, else what is kept."""
    if typed.one("do") == "profile":
        return typed
    kept = {
        name: [str(getattr(person, name))] for name in ("name", "language", "gender", "profession", "channel")
    }
    kept |= {"themes": list(person.themes)}
    return Form({**kept, **typed.values})


def _consents(person: Influencer, lang: str) -> list[tuple[str, str, list[tuple[str, str, bool, bool]]]]:
    """By purpose: each channel, whether it is agreed to, and whether its address has said STOP."""
    agreed = {(one.purpose, one.channel) for one in person.consents}
    ways = [
        one for one in CHANNELS if one in ways_of(person) or any(c.channel == one for c in person.consents)
    ]
    return [
        (
            purpose,
            translate(lang, label),
            [
                (
                    way,
                    translate(lang, CHANNELS[way]),
                    (purpose, way) in agreed,
                    way in person.suppressed_channels,
                )
                for way in ways
            ],
        )
        for purpose, label in CONSENTS.items()
    ]


def _paused(person: Influencer, lang: str) -> str:
    """That campaigns pause, and for how long; empty when they do not."""
    if not is_paused(person.paused_until, wiring.clock().now()):
        return ""
    if person.paused_until == NO_END:
        return translate(lang, "Campaigns pause until you go on.")
    return translate(lang, "Campaigns pause until %(day)s.", {"day": day(person.paused_until)})
