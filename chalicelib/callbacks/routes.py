"""Where platforms post to us."""

from __future__ import annotations

from chalice.app import Response

from chalicelib import wiring
from chalicelib.http import PUBLIC, SAFE_HEADERS, Api, Request, empty
from chalicelib.platforms.base import Call
from chalicelib.platforms.registry import WEBHOOK_CONTENT_TYPES

api = Api("callbacks")
PATH = "/webhooks/{platform}"
GUESSED_BY_NOBODY = PATH + "/{tail}"


@api.raw("POST", PATH, allow=PUBLIC, summary="Callbacks of a platform", content_types=WEBHOOK_CONTENT_TYPES)
def receive(request: Request, platform: str) -> Response:
    wiring.receiver().receive(platform, _call(request))
    return empty()


@api.raw(
    "POST",
    GUESSED_BY_NOBODY,
    allow=PUBLIC,
    summary="Callbacks of a platform that signs nothing: its address is the secret",
    content_types=WEBHOOK_CONTENT_TYPES,
)
def receive_unsigned(request: Request, platform: str, tail: str) -> Response:
    wiring.receiver().receive(platform, _call(request, tail))
    return empty()


@api.raw("GET", PATH, allow=PUBLIC, summary="Proof that this address is ours", content_types=())
def greet(request: Request, platform: str) -> Response:
    greeting = wiring.receiver().greet(platform, _call(request))
    return Response(greeting.answer, {**SAFE_HEADERS, "Content-Type": greeting.content_type}, 200)


def _call(request: Request, tail: str = "") -> Call:
    return Call(request.headers, request.raw, request.query, request.urls, tail)
