"""The console's room of webhooks: who is told of our events, whether they take them, and sending again."""

from __future__ import annotations

from chalice.app import Response

from chalicelib import wiring
from chalicelib.errors import Rejected
from chalicelib.http import Api, Request, redirect
from chalicelib.i18n import translate
from chalicelib.pages import console
from chalicelib.pages.figures import moment
from chalicelib.pages.shell import mark
from chalicelib.webhooks.routes import WebhookView, view_of

api = Api("webhooks_desk")

STATES = {
    "on": ("", mark("Takes events")),
    "failing": ("wait", mark("Does not answer")),
    "disabled": ("bad", mark("Wants nothing any more")),
    "unreadable": ("bad", mark("Its entry cannot be read")),
}
"""The colour and the words of a state."""
SAID = {
    "resumed": mark("Events are sent there again."),
    "taken": mark("The receiver took the test message."),
    "gone": mark("The receiver answered that it wants nothing any more (410)."),
    "ill": mark("The receiver could not be reached, or asks us to wait."),
    "refused": mark("The receiver answered, but did not take the test message."),
}


@api.page("GET", "/console/webhooks", allow="webhook.read", summary="Who is told of our events")
def webhooks_page(request: Request) -> Response:
    return _page(request)


@api.page(
    "POST", "/console/webhooks/{webhook_id}/resume", allow="webhook.write", summary="Send there again"
)
def resume_form(request: Request, webhook_id: str) -> Response:
    try:
        wiring.webhooks().resume(request.principal, webhook_id)
    except Rejected as error:
        return _page(request, error)
    return redirect(console.link(request, "/console/webhooks", said="resumed"))


@api.page(
    "POST", "/console/webhooks/{webhook_id}/test", allow="webhook.write", summary="Send one test message"
)
def try_form(request: Request, webhook_id: str) -> Response:
    """A second click sends a second test message: it says of itself that it is one, and counts nowhere."""
    try:
        answer = wiring.webhooks().try_out(request.principal, webhook_id)
    except Rejected as error:
        return _page(request, error)
    return redirect(console.link(request, "/console/webhooks", said=answer.verdict.value))


def _page(request: Request, error: Rejected | None = None) -> Response:
    found = sorted(wiring.webhooks().listed(), key=lambda one: one.subscriber.id)
    return console.page(
        request,
        "console_webhooks.html",
        "webhooks",
        status=error.status if error else 200,
        said=SAID,
        problems=[("", translate(request.lang, error.message, error.params))] if error else [],
        receivers=[_shown(view_of(one, request.lang)) for one in found],
    )


def _shown(one: WebhookView) -> dict[str, object]:
    colour, words = STATES[one.state]
    return one.model_dump(include={"id", "host", "events", "problem", "state"}) | {
        "colour": colour,
        "words": words,
        "since": moment(one.since) if one.since else "",
        "next": moment(one.next_attempt_at) if one.next_attempt_at else "",
    }
