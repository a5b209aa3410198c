"""The pages that belong to no feature, and the files that all pages use."""

from __future__ import annotations

from chalice.app import Response

from chalicelib import wiring
from chalicelib.errors import NotFound
from chalicelib.folding import ROOT
from chalicelib.http import PUBLIC, SAFE_HEADERS, Api, Request, html, redirect
from chalicelib.i18n import translate
from chalicelib.pages import shell
from chalicelib.pages.shell import mark
from chalicelib.public_counts import rounded

api = Api("pages")

LATEST = 3
"""Campaigns on the first page."""
A_YEAR = "public, max-age=31536000, immutable"
TYPES = {
    "card.png": "image/png",
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "file.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "nastaliq.woff2": "font/woff2",
    "me.js": "text/javascript; charset=utf-8",
    "signup.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
}
BYTES = frozenset(("font/woff2", "image/png"))
"""Of these, what app.py names among the binary types: they travel as base64 between us and API Gateway."""
ABOUT = frozenset(("accessibility", "help", "privacy", "sitemap", "terms"))


@api.page("GET", "/", allow=PUBLIC, summary="What this is, and how to join")
def landing(request: Request) -> Response:
    latest, _ = wiring.publishing().listed(LATEST, None)
    creators, districts = wiring.coverage().reach()
    numbers = [(mark("creators"), rounded(creators)), (mark("districts"), rounded(districts))]
    page = shell.render(
        "landing.html",
        request.lang,
        path="/",
        latest=latest,
        numbers=[(translate(request.lang, what), number) for what, number in numbers if number],
    )
    return html(page)


@api.page("GET", "/about/{name}", allow=PUBLIC, summary="Help, the list of pages, and what holds here")
def about(request: Request, name: str) -> Response:
    if name not in ABOUT:
        raise NotFound
    return html(shell.render(f"about_{name}.html", request.lang, path=request.path))


@api.page("GET", "/about", allow=PUBLIC, summary="Where what holds here begins")
def about_what(request: Request) -> Response:
    return redirect(f"/about/sitemap?lang={request.lang}")


@api.page("GET", "/{name}", allow=PUBLIC, summary="An address at which there is nothing")
def nothing_there(request: Request, name: str) -> Response:
    """Whoever mistypes an address reads so in their language, on a page that leads on."""
    raise NotFound


@api.page("GET", "/static/{name}", allow=PUBLIC, summary="Stylesheet, script, font and pictures")
def static(request: Request, name: str) -> Response:
    if name not in TYPES:
        raise NotFound
    content = (shell.STATIC / name).read_bytes()
    headers: dict[str, str | list[str]] = {
        **SAFE_HEADERS,
        "Content-Security-Policy": "default-src 'none'",
        "Content-Type": TYPES[name],
        "Cache-Control": A_YEAR,
    }
    return Response(content if TYPES[name] in BYTES else content.decode(), headers, 200)


@api.page("GET", "/campaigns", allow=PUBLIC, summary="Where the console's campaigns were before")
@api.page(
    "GET", "/campaigns/{campaign_id}/{page}", allow=PUBLIC, summary="Where a campaign's page was before"
)
def moved(request: Request, **parts: str) -> Response:
    """Links in letters and bookmarks stay good."""
    return redirect(f"{ROOT}{request.path}?lang={request.lang}")
