"""Posts in the console: what was handed in, decided on, and what figures they have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.clock import IST
from chalicelib.errors import JanJanError, NotFound, Rejected, Transient
from chalicelib.http import Api, Request, invalid, next_cursor, policy_with, read_cursor, redirect
from chalicelib.i18n import translate
from chalicelib.metrics.figures import GRADES
from chalicelib.metrics.form import DecisionBody
from chalicelib.metrics.measuring import Declared
from chalicelib.metrics.model import WRITE, Decision, Post, Wanted
from chalicelib.metrics.service import covers
from chalicelib.metrics.words import DISCLOSED, GROUNDS, METRICS, SHOWN, STATES
from chalicelib.metrics.words import GRADES as GRADE_NAMES
from chalicelib.pages import console
from chalicelib.pages.figures import moment
from chalicelib.pages.forms import Form, labels, told
from chalicelib.pages.frame import named
from chalicelib.pages.shell import mark
from chalicelib.pages.words import PLATFORMS
from chalicelib.uploads import PictureType

if TYPE_CHECKING:
    from chalicelib.metrics.figures import PostFigures

api = Api("metrics_desk")

A_PAGE = 25
CHIPS = {"matched": "", "not_matched": "wait", "removed": "bad", "withdrawn": "bad"}
PICTURES: dict[str, str] = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WebP"}
SAID = {
    "decided": mark("Your decision is noted."),
    "declared": mark("The figures are noted as the creator's word."),
}
FIELDS = {
    "campaign": mark("For which campaign?"),
    "matched": mark("Is it its person's?"),
    "reason": mark("Reason"),
    "measured_at": mark("Read off at (India)"),
    "screenshot": mark("Screenshot"),
    "figures": mark("Figures"),
} | METRICS


@api.page("GET", "/console/posts", allow="post.read", summary="Posts that were handed in, the newest first")
def posts(request: Request) -> Response:
    asked, lang = request.query, request.lang
    show = asked.get("show", "") if asked.get("show") in SHOWN else ""
    platform = asked.get("platform", "") if asked.get("platform") in PLATFORMS else ""
    wanted = Wanted(
        asked.get("campaign", ""),
        asked.get("person", ""),
        "",
        platform,
        "not_matched" if show == "not_matched" else "",
        undecided=show == "campaign",
    )
    found, after = wiring.posts().listed(request.principal, wanted, A_PAGE, read_cursor(request))
    return console.page(
        request,
        "console_posts.html",
        "posts",
        said=SAID,
        rows=_shown(request, found)[0],
        more=next_cursor(request, after),
        show=show,
        shown=labels(SHOWN, lang),
        platform=platform,
        platforms=list(PLATFORMS.items()),
        kept={name: asked[name] for name in ("campaign", "person") if asked.get(name)},
    )


@api.page("GET", "/console/posts/{post_id}", allow="post.read", summary="One post and its figures")
def post(request: Request, post_id: str) -> Response:
    return _post(request, post_id, Form({"screenshot": [key] if (key := request.query.get("key")) else []}))


@api.page(
    "POST", "/console/posts/{post_id}/decision", allow="post.write", summary="Say whose it is, and for what"
)
def decide(request: Request, post_id: str) -> Response:
    form = Form(request.form())
    given: dict[str, Any] = {"reason": form.one("reason")}
    chosen = form.one("campaign")
    if chosen == "other":
        given["campaign"] = form.one("other").strip()
    elif chosen:
        given["campaign"] = "" if chosen == "none" else chosen
    if form.one("matched"):
        given["matched"] = form.one("matched") == "yes"
    try:
        body = DecisionBody.model_validate(given)
        decision = Decision(body.reason, body.campaign, body.matched)
        wiring.posts().decide(request.principal, post_id, decision)
    except ValidationError as error:
        return _post(request, post_id, form, invalid(error))
    except NotFound:
        raise
    except (Rejected, Transient) as error:
        return _post(request, post_id, form, error)
    return redirect(console.link(request, f"/console/posts/{quote(post_id, safe='')}", said="decided"))


@api.page("POST", "/console/posts/{post_id}/figures", allow="post.write", summary="Note what a creator says")
def declare(request: Request, post_id: str) -> Response:
    form = Form(request.form())
    post = wiring.posts().get(request.principal, post_id, WRITE)
    figures = {name: form.one(name).strip().replace(",", "") for name in METRICS if form.one(name).strip()}
    given = {
        "figures": figures,
        "measured_at": _time(form.one("measured_at")),
        "screenshot": form.one("screenshot"),
    }
    try:
        word = Declared.model_validate(given)
        wiring.measuring().declare(post, request.principal.id, word)
    except ValidationError as error:
        return _post(request, post_id, form, invalid(error))
    except (Rejected, Transient) as error:
        return _post(request, post_id, form, error)
    return redirect(console.link(request, f"/console/posts/{quote(post_id, safe='')}", said="declared"))


@api.page(
    "GET", "/console/posts/{post_id}/screenshot", allow="post.write", summary="The form for a screenshot"
)
def screenshot(request: Request, post_id: str) -> Response:
    """The form posts straight to the bucket, which sends the browser back with the file's key."""
    post = wiring.posts().get(request.principal, post_id, WRITE)
    path = f"/console/posts/{quote(post_id, safe='')}"
    kind = request.query.get("type", "")
    kind = kind if kind in PICTURES else "image/png"
    back = f"{wiring.public_url()}{path}?lang={request.lang}"
    place = wiring.uploads().place(request.principal.id, cast("PictureType", kind), back)
    return console.page(
        request,
        "console_screenshot.html",
        "posts",
        headers=policy_with(place.upload.url, "form-action"),
        post=post,
        to=path,
        upload=place.upload,
        most=place.largest // 1024 // 1024,
        chosen=kind,
        kinds=PICTURES,
    )


def _time(typed: str) -> str:
    """What a field of date and time holds, by the clock of India; what is none, as it was typed."""
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=IST).isoformat()
    except ValueError:
        return typed


def _post(request: Request, post_id: str, form: Form, error: JanJanError | None = None) -> Response:
    lang, who = request.lang, request.principal
    measuring = wiring.measuring()
    post, known, history = console.together(
        lambda: wiring.posts().get(who, post_id),
        lambda: measuring.of_post(post_id),
        lambda: measuring.history(post_id),
    )
    [shown], titles = _shown(request, [post])
    beside, problems = told(error, lang, FIELDS)
    now = wiring.clock().now().astimezone(IST)
    if not form.one("measured_at"):
        form = form.changed(measured_at=f"{now:%Y-%m-%dT%H:%M}")
    return console.page(
        request,
        "console_post.html",
        "posts",
        status=error.status if error else 200,
        said=SAID,
        post=shown,
        facts=post,
        ground=GROUNDS[post.matched_by],
        disclosed=DISCLOSED[post.disclosed],
        candidates=[
            (one, titles.get(one, one)) for one in dict.fromkeys((*post.candidates, post.campaign)) if one
        ],
        may_write=covers(who, post, WRITE) and post.state != "withdrawn",
        grades=labels(GRADE_NAMES, lang),
        figures=_figures(known, lang),
        history=[
            (moment(one.at), GRADE_NAMES[one.grade], [(METRICS.get(m, m), n) for m, n in one.figures.items()])
            for one in reversed(history)
        ],
        shows=measuring.link(known.screenshot),
        metrics=list(METRICS.items()),
        form=form,
        errors=beside,
        problems=problems,
    )


def _figures(known: PostFigures, lang: str) -> list[tuple[str, list[tuple[int, str] | None]]]:
    """A row for each metric of which there is data: its figure and time in each grade, or None."""
    rows = []
    for metric, label in METRICS.items():
        found = [known.of(grade).get(metric) for grade in GRADES]  # type: ignore[call-overload]
        if any(found):
            rows.append((translate(lang, label), [one and (one.number, moment(one.at)) for one in found]))
    return rows


def _shown(request: Request, posts: Sequence[Post]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Posts as the pages show them, and the titles of the campaigns that they name, as far as the caller may
    know of them."""
    lang = request.lang
    asked = {one for post in posts for one in (post.campaign, *post.candidates) if one}
    people = {post.person for post in posts if post.person}
    campaigns, departments, areas, names = console.together(
        lambda: wiring.campaigns().known(request.principal, asked),
        wiring.department_names if any(post.owner_department for post in posts) else dict,
        lambda: wiring.directory().many({post.area_path[-1] for post in posts if post.area_path}),
        lambda: wiring.register().names(request.principal, people),
    )
    titles = {one: campaign.content.title for one, campaign in campaigns.items()}

    def shown(post: Post) -> dict[str, Any]:
        area = areas.get(post.area_path[-1]) if post.area_path else None
        return {
            "id": post.id,
            "to": f"/console/posts/{quote(post.id, safe='')}",
            "url": post.url,
            "platform": PLATFORMS.get(post.platform, post.platform),
            "person": post.person,
            "whose": names.get(post.person, translate(lang, mark("A creator")) if post.person else ""),
            "department": named(departments.get(post.owner_department, {}), lang) or post.owner_department,
            "area": named(area.names, lang) if area else "",
            "at": moment(post.handed_in_at),
            "state": STATES[post.state],
            "chip": CHIPS[post.state],
            "counts": post.counts,
            "campaign": post.campaign,
            "title": titles.get(post.campaign, post.campaign),
            "undecided": len(post.candidates),
            "others": len(post.others),
        }

    return [shown(post) for post in posts], titles
