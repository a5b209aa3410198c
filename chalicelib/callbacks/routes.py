"""Where platforms post to us."""

from __future__ import annotations

from chalice.app import Response

from chalicelib import wiring
from chalicelib.http import PUBLIC, SAFE_HEADERS, Api, Request, empty
from chalicelib.platforms.registry import WEBHOOK_CONTENT_TYPES

api = Api("callbacks")
PATH = "/webhooks/{platform}"


@api.raw("POST", PATH, allow=PUBLIC, summary="Callbacks of a platform", content_types=WEBHOOK_CONTENT_TYPES)
def receive(request: Request, platform: str) -> Response:
    wiring.receiver().receive(platform, request.headers, request.raw)
    return empty()


@api.raw("GET", PATH, allow=PUBLIC, summary="Proof that this address is ours", content_types=())
def greet(request: Request, platform: str) -> Response:
    answer = wiring.receiver().greet(platform, request.query)
    return Response(answer, {**SAFE_HEADERS, "Content-Type": "text/plain"}, 200)
