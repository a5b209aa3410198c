"""What an approver of a campaign reads and decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from chalice.app import Response

from chalicelib import wiring
from chalicelib.campaigns import composing, parts, reach, saying, words
from chalicelib.campaigns.messages import MOST_SEGMENTS
from chalicelib.campaigns.model import Campaign
from chalicelib.campaigns.service import APPROVE, REACH, READ, SCHEDULE
from chalicelib.errors import Conflict, Forbidden, InvalidInput, NotFound
from chalicelib.http import Api, Request, redirect
from chalicelib.i18n import translate
from chalicelib.pages import console
from chalicelib.pages.forms import Form, labels, summary, whole

api = Api("campaigns_desk")


@api.page(
    "GET",
    "/console/campaigns/{campaign_id}/approval",
    allow=READ,
    summary="What an approver reads and decides",
)
def approval(request: Request, campaign_id: str) -> Response:
    return show(request, wiring.campaigns().seen(request.principal, campaign_id))


@api.page(
    "POST", "/console/campaigns/{campaign_id}/approval", allow=APPROVE, summary="Approve it, or give it back"
)
def decide(request: Request, campaign_id: str) -> Response:
    service, form = wiring.campaigns(), Form(request.form())
    rev = form.one("rev")
    decision = parts.decision(form)
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
            return show(request, seen, form, saying.refused(wrong, request.lang))
    said = "approved" if decision == "approve" else "declined"
    return redirect(console.link(request, f"/console/campaigns/{campaign_id}", said=said))


@api.page(
    "GET",
    "/console/campaigns/{campaign_id}/reach",
    allow=REACH,
    summary="Whom a campaign would reach now, for who decides on it",
)
def reached(request: Request, campaign_id: str) -> Response:
    seen = _to_count(request, campaign_id)
    count = partial(
        reach.counted, request, seen.content.audience, seen.content.order, request.query.get("job", "")
    )
    if not console.is_partial(request):
        return show(request, seen, count=count)
    return console.fragment(request, "console_reach.html", seen=seen, counted=count())


@api.page(
    "POST",
    "/console/campaigns/{campaign_id}/reach",
    allow=REACH,
    summary="Count whom a campaign would reach, where they are many",
)
def count(request: Request, campaign_id: str) -> Response:
    seen = _to_count(request, campaign_id)
    job = wiring.counting().begin(request.principal, seen.content.audience, seen.content.order)
    return redirect(console.link(request, f"/console/campaigns/{seen.id}/reach", job=job.id) + "#reach")


def _to_count(request: Request, campaign_id: str) -> Campaign:
    seen = wiring.campaigns().seen(request.principal, campaign_id)
    if not parts.may_count(request, seen):
        raise NotFound
    return seen


def show(
    request: Request,
    seen: Campaign,
    form: Form | None = None,
    refused: saying.Refused | None = None,
    count: Callable[[], object] = lambda: None,
) -> Response:
    """A campaign to read: every text as it will be sent, what has changed since somebody decided, and the
    decision for who may take it. `count`: whom it would reach; asked for by itself where this is left out."""
    service, lang, who = wiring.campaigns(), request.lang, request.principal
    content = seen.content
    offers, judged, people, counted = console.together(
        partial(parts.offers, request, content.department, content.audience.areas),
        partial(service.judged, seen.id),
        wiring.users().names,
        count,
    )
    names = parts.names(request, offers)
    told = composing.told(content, names)
    changed = saying.differences(composing.told(judged, names), told, lang) if judged else []
    beside = saying.beside(refused.errors if refused else (), (), (), lang)
    problems = [("", refused.above)] if refused and refused.above else []
    return console.page(
        request,
        "console_campaign.html",
        "campaigns",
        status=refused.status if refused else 200,
        said=words.SAID,
        trail=[("", content.title)],
        seen=seen,
        form=form or Form(),
        errors=beside,
        problems=problems + summary(beside, {name: saying.label(name, lang) for name in beside}, lang),
        status_word=words.status(seen),
        shade=words.shade(seen),
        facts=[(saying.label(name, lang), text) for name, text in _facts(told, lang).items() if text],
        disclosed=parts.disclosed(
            content, list(dict.fromkeys(one for _, one, _, _ in content.each())), service.organisation
        ),
        previews=parts.worded_previews(content, offers.registered),
        posts=composing.previews_of_posts(content, service.organisation),
        headers=parts.shows_files() if content.media else None,
        media=wiring.shelf().shown("", seen.id, content.media, (lang,)),
        file_kinds=words.FILES,
        platform_names=words.PLATFORMS,
        channel_names=dict(labels(words.CHANNELS, lang)),
        most_parts=MOST_SEGMENTS,
        may_count=seen.status in ("submitted", "approved") and parts.may_count(request, seen),
        counted=counted,
        judged=judged is not None,
        changed=changed,
        authors=[people.get(one, one) for one in seen.authors],
        decided_by=people.get(seen.decided_by, seen.decided_by),
        own=not seen.may_be_approved_by(who.id),
        may_decide=who.may(APPROVE) and seen.status in ("submitted", "approved"),
        may_schedule=who.may(SCHEDULE) and seen.status not in ("draft", "submitted"),
        may_write=parts.may_write(request, seen),
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
