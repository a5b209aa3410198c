"""The console's room of webhooks: who is told of our events, whether they take them, and sending again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chalice.app import Response

from chalicelib import wiring
from chalicelib.errors import Rejected
from chalicelib.http import Api, Request, redirect
from chalicelib.i18n import translate
from chalicelib.pages import console
from chalicelib.pages.figures import moment
from chalicelib.pages.shell import mark
from chalicelib.webhooks.model import Unreadable

if TYPE_CHECKING:
    from chalicelib.webhooks.service import Listed

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


@api.page("POST", "/console/webhooks/{webhook_id}/resume", allow="webhook.write", summary="Send there again")
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
        receivers=[_shown(one, request.lang) for one in found],
    )


def _shown(one: Listed, lang: str) -> dict[str, object]:
    """A receiver as its card tells of it. Its address may hold a token: only the host is shown."""
    colour, words = STATES[one.state]
    known, standing = one.subscriber, one.standing
    shown: dict[str, object] = {"id": known.id, "state": one.state, "colour": colour, "words": words}
    if isinstance(known, Unreadable):
        problem = translate(lang, known.error.message, known.error.params)
        return shown | {"host": "", "problem": problem, "since": "", "next": ""}
    failing = one.state == "failing"
    since = datetime.fromtimestamp(standing.since, UTC) if failing else standing.disabled_at
    return shown | {
        "host": known.target.host,
        "events": known.events,
        "problem": "",
        "since": moment(since) if since else "",
        "next": moment(datetime.fromtimestamp(standing.until, UTC)) if failing else "",
    }
