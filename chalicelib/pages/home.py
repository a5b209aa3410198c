"""The first page of the console."""

from __future__ import annotations

from chalice.app import Response

from chalicelib.http import Api, Request
from chalicelib.pages import console

api = Api("console")


@api.page("GET", "/console", allow="campaign.read", summary="What waits for whoever is signed in")
def home(request: Request) -> Response:
    return console.page(request, "console_home.html", "home")
