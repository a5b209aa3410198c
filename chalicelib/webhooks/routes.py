"""Which other systems are told of our events, and how they stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from chalicelib import i18n, wiring
from chalicelib.http import Api, ListQuery, Request, page_of
from chalicelib.shapes import Nothing, View

if TYPE_CHECKING:
    from chalicelib.webhooks.service import Listed

api = Api("webhooks")


class WebhookView(View):
    """One receiver. Its address may hold a token: only the host is shown."""

    id: str
    host: str
    events: list[str]
    state: Literal["on", "failing", "disabled", "unreadable"]
    since: datetime | None
    """From when it failed, or was disabled."""
    next_attempt_at: datetime | None
    """While it fails."""
    problem: str
    """What is wrong with its entry."""


class WebhookList(View):
    items: list[WebhookView]
    next: str | None = None


class WebhookTrial(View):
    outcome: Literal["taken", "gone", "ill", "refused"]
    status: int
    """0: no answer; `why` says how far it came."""
    why: str


@api.get(
    "/v1/webhooks",
    allow="webhook.read",
    query=ListQuery,
    answer=WebhookList,
    summary="Who is told of our events, and how they stand, by name",
)
def webhooks(request: Request, query: ListQuery) -> WebhookList:
    page, more = page_of(request, query.limit, wiring.webhooks().listed(), lambda one: one.subscriber.id)
    return WebhookList(items=[_view(one, request.lang) for one in page], next=more)


@api.post(
    "/v1/webhooks/{webhook_id}/resume",
    allow="webhook.write",
    body=Nothing,
    answer=WebhookView,
    summary="Send to a receiver again that was disabled or fails",
)
def resume_webhook(request: Request, webhook_id: str, body: Nothing) -> WebhookView:
    return _view(wiring.webhooks().resume(request.principal, webhook_id), request.lang)


@api.post(
    "/v1/webhooks/{webhook_id}/test",
    allow="webhook.write",
    body=Nothing,
    answer=WebhookTrial,
    summary="Send one test message now, and tell what the receiver answered",
)
def try_webhook(request: Request, webhook_id: str, body: Nothing) -> WebhookTrial:
    answer = wiring.webhooks().try_out(request.principal, webhook_id)
    return WebhookTrial(outcome=answer.verdict.value, status=answer.status, why=answer.why)


def _view(one: Listed, lang: str) -> WebhookView:
    from chalicelib.webhooks.model import Unreadable

    subscriber, standing = one.subscriber, one.standing
    if isinstance(subscriber, Unreadable):
        error = subscriber.error
        host, events, problem = "", [], i18n.translate(lang, error.message, error.params)
    else:
        host, events, problem = subscriber.target.host, list(subscriber.events), ""
    failing = one.state == "failing"
    since = datetime.fromtimestamp(standing.since, UTC) if failing else standing.disabled_at
    return WebhookView(
        id=subscriber.id,
        host=host,
        events=events,
        state=one.state,
        since=since,
        next_attempt_at=datetime.fromtimestamp(standing.until, UTC) if failing else None,
        problem=problem,
    )
