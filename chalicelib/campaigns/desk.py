"""Campaigns on the console: the list, and one campaign, to write or to read."""

from __future__ import annotations

from functools import partial

from chalice.app import Response

from chalicelib import wiring
from chalicelib.campaigns import approval, composer, composing, parts, words
from chalicelib.campaigns.model import NEXT
from chalicelib.campaigns.service import READ
from chalicelib.http import Api, Request, next_cursor, read_cursor
from chalicelib.pages import console
from chalicelib.pages.figures import day, moment
from chalicelib.pages.forms import Form, labels
from chalicelib.pages.words import CAMPAIGN, EVERY

api = Api("campaigns_desk")
PAGE = 25


@api.page("GET", "/console/campaigns", allow=READ, summary="All campaigns as a page")
def campaigns(request: Request) -> Response:
    service, lang, asked = wiring.campaigns(), request.lang, request.query
    status = asked.get("status", "")
    after = read_cursor(request)
    found, more = service.page(
        request.principal, status if status in NEXT else "", asked.get("department", "")[:40], after, PAGE
    )
    runs, names = console.together(partial(service.last_runs, found), partial(parts.department_names, lang))
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
        said=words.SAID,
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


@api.page("GET", "/console/campaigns/{campaign_id}", allow=READ, summary="One campaign, to write or to read")
def campaign(request: Request, campaign_id: str) -> Response:
    seen = wiring.campaigns().seen(request.principal, campaign_id)
    if seen.status == "draft" and parts.may_write(request, seen):
        form, key = Form(composing.form_of(seen.content)), request.query.get("key", "")
        if wiring.uploads().is_of(request.principal.id, key):
            form = composing.with_media(form, f"added:{key}")
        return composer.show(request, seen, form)
    return approval.show(request, seen)
