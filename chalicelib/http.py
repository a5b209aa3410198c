"""HTTP for every feature: body in, response out, errors as problem+json, nothing open unless it says so.

`Api` is how a feature declares its routes:

    api = Api("campaigns")

    @api.post("/v1/campaigns", allow="campaign.write", body=CampaignDraft, answer=CampaignView, status=201,
              summary="Write a draft")
    def create(request: Request, body: CampaignDraft) -> CampaignView:
        return wiring.campaigns().create(request.principal, body)

Leaving out `allow` is a TypeError at import: a route without a decision cannot exist.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.cookies import CookieError, SimpleCookie
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from chalice.app import Blueprint
from chalice.app import Response as ChaliceResponse
from pydantic import BaseModel, Field, ValidationError

from chalicelib import folding, i18n
from chalicelib.errors import (
    FieldError,
    Forbidden,
    InvalidInput,
    JanJanError,
    MalformedBody,
    NotFound,
    TooLarge,
    TooManyRequests,
    Transient,
    Unauthenticated,
)
from chalicelib.shapes import Strict, View
from chalicelib.telemetry import logger

PUBLIC = "public"
"""`allow=PUBLIC`: anybody may call."""
CREATOR = "creator"
"""`allow=CREATOR`: a creator who has signed in, for themself; nobody on the staff."""
SESSION_COOKIE = "janjan_session"
CREATOR_COOKIE = "janjan_me"
SIGN_IN = {CREATOR: "/me/signin"}
"""Where a page sends who is not signed in, by its `allow`; all others to /signin."""
LONGEST_NAME = 400
"""Characters of what a path, or the query of a staff's page, names: nothing of ours has a longer id, and no
table takes one of 2,048 bytes."""
MOST_FIELDS = 5000
"""Of one form: a thousand rules of voices are 4,000."""
FIELDS_AT_MOST = "This form has more than %(most)s fields: nothing of it was taken. Please send it in parts."
LONGEST_HEAD = 4096
"""Bytes of what stands before the content of a part of a form."""
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
LONGEST_JSON = 2 * 1024 * 1024
"""Bytes of a JSON body: five times what an item of a table holds, since many write a letter of another script
as six; long lists are files (docs/imports.md)."""
LARGEST_ANSWER = 6_000_000
"""Bytes of an answer as Lambda hands it over: in JSON, with letters of other scripts as six, files in base64;
AWS takes 6,291,556."""
MOST_ERRORS = 100
"""Of one body: whoever mends these is told of the next ones."""
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
FILE_FORM = "multipart/form-data"
PROBLEM = "application/problem+json"
ANONYMOUS_REPLAY = frozenset({"id", "status", "ticket"})
"""All that a repeated anonymous write gets back: whoever guesses a key learns nothing about a person."""
SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
}
JSON_HEADERS = SAFE_HEADERS | {"Content-Type": JSON}
_POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "script-src": "'self'",
    "font-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}


def policy_with(url: str, *directives: str) -> dict[str, str]:
    """The header of a page that may also take these kinds of things from where `url` leads, or send forms
    there. Empty: nothing more."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    more = {name: f"{_POLICY[name]} {origin}" for name in directives if url}
    return {"Content-Security-Policy": "; ".join(" ".join(one) for one in (_POLICY | more).items())}


PAGE_HEADERS = (
    SAFE_HEADERS
    | policy_with("")
    | {
        "Content-Type": "text/html; charset=utf-8",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "X-Frame-Options": "DENY",
    }
)


class NoQuery(Strict):
    """A route without query parameters refuses them by name."""


class Problem(View):
    """RFC 9457, with the broken fields."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []


class Principal(Protocol):
    """Who calls, as the identity feature knows them."""

    @property
    def id(self) -> str: ...


class Gate(Protocol):
    """The identity feature: who calls, and may they."""

    def principal(self, bearer: str) -> Principal: ...

    def require(self, principal: Principal, action: str) -> None: ...

    def creator(self, bearer: str) -> Principal: ...

    def heard(self, bearer: str) -> Principal: ...


class OnceOnly(Protocol):
    def begin(self, scope: str, body: bytes) -> dict[str, Any] | None: ...

    def done(self, scope: str, body: bytes, answer: dict[str, Any]) -> None: ...

    def forget(self, scope: str) -> None: ...


@dataclass
class Doors:
    """What the HTTP layer is given by `app.py`; built on first use."""

    gate: Callable[[], Gate]
    idempotency: Callable[[], OnceOnly]
    cursor_key: Callable[[], str]
    public_url: Callable[[], str]


_doors: list[Doors] = []


def install(doors: Doors) -> None:
    """Gives the HTTP layer its collaborators (once, by app.py)."""
    _doors[:] = [doors]


@dataclass
class Request:
    """One call, decoded."""

    method: str
    path: str
    raw: bytes
    headers: Mapping[str, str]
    """Names in lower case."""
    query: Mapping[str, str]
    """The last value of each name."""
    lang: str
    source_ip: str
    cookies: Mapping[str, str] = field(default_factory=dict)
    caller: Any = None
    urls: tuple[str, ...] = ()
    """The whole address that was called, as it may have been spelled: under the public URL of the deployment,
    and under the host that the request names, with the stage in the path and without it."""

    @property
    def principal(self) -> Any:  # noqa: ANN401 - the identity feature's Principal; http knows no feature
        """Who calls; raises Unauthenticated on a public route that nobody signed in to."""
        if self.caller is None:
            raise Unauthenticated
        return self.caller

    def form(self) -> dict[str, list[str]]:
        """The fields of a posted HTML form (UTF-8), each with all its values; without its files. Raises
        TooLarge, MalformedBody."""
        if self._has_files():
            fields: dict[str, list[str]] = {}
            for name, is_file, content in self._parts():
                if not is_file:
                    fields.setdefault(name, []).append(content.decode("utf-8", "replace"))
            return fields
        if self.raw.count(b"&") >= MOST_FIELDS:
            raise TooLarge(FIELDS_AT_MOST, most=MOST_FIELDS)
        try:
            return parse_qs(self.raw.decode("utf-8"), keep_blank_values=True)
        except ValueError:
            raise MalformedBody("The form could not be read: its text is not UTF-8.") from None

    def file(self, name: str) -> bytes:
        """The bytes of a file that was chosen in a form; none when there is none. Raises TooLarge."""
        found = self._parts() if self._has_files() else ()
        return next((content for one, is_file, content in found if is_file and one == name), b"")

    def _has_files(self) -> bool:
        return self.headers.get("content-type", "").lower().startswith(FILE_FORM)

    def _parts(self) -> Iterator[tuple[str, bool, bytes]]:
        """Name, whether it is a file, and content of each part (RFC 7578: in a form no part has parts)."""
        from email.message import Message  # few forms have files
        from email.parser import BytesHeaderParser

        head = Message()
        head["Content-Type"] = self.headers["content-type"]
        line = str(head.get_boundary("")).encode("latin-1", "replace")
        found = re.split(rb"\r?\n--" + re.escape(line), b"\r\n" + self.raw, maxsplit=MOST_FIELDS + 1)[1:]
        if len(found) > MOST_FIELDS and not found[MOST_FIELDS].startswith(b"--"):
            raise TooLarge(FIELDS_AT_MOST, most=MOST_FIELDS)
        for part in found:
            ends = _END_OF_HEAD.search(part, 0, LONGEST_HEAD)
            if part.startswith(b"--") or ends is None:
                continue
            about = BytesHeaderParser().parsebytes(part[: ends.start()].lstrip())
            name = about.get_param("name", header="content-disposition")
            if isinstance(name, str):
                yield name, about.get_filename() is not None, part[ends.end() :]


@dataclass(frozen=True)
class Again:
    """How a repeated write is answered where the first answer tells of a person: of that only `names` are
    kept, ids and words of ours, and `view` makes the answer anew, from the request and them. What changed
    since is in it; what the caller may not see any more is refused."""

    names: tuple[str, ...]
    view: Callable[[Request, Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Route:
    """One declared route: what openapi.json and the tests of authorisation read."""

    method: str
    path: str
    allow: str
    summary: str
    feature: str
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    answer: Any
    status: int
    kind: Literal["json", "page", "raw"]
    kept: bool = True
    """Whether the answer to an Idempotency-Key is kept: never one with personal data, unless by"""
    again: Again | None = None
    produces: str = "text/plain"
    """What a raw route answers with."""
    heard: bool = False
    """Whether a creator who is suspended may call it too: to appeal, and to sign out."""


ROUTES: list[Route] = []
_folded: folding.Folded[tuple[Route, Callable[..., Any]]] = folding.Folded()


def html(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> ChaliceResponse:
    """A page."""
    return _reply(text, status, PAGE_HEADERS | dict(headers or {}))


def redirect(to: str, headers: Mapping[str, str] | None = None) -> ChaliceResponse:
    """303: look there, with GET."""
    return _reply("", 303, PAGE_HEADERS | {"Location": to} | dict(headers or {}))


def cookie(
    name: str, value: str, *, max_age_s: int, path: str = "/", same_site: Literal["Strict", "Lax"] = "Strict"
) -> str:
    """Set-Cookie: for our own pages only, out of scripts' reach, over TLS but on a laptop."""
    ours = urlsplit(_doors[0].public_url())
    laptop = ours.scheme == "http" and ours.hostname in ("127.0.0.1", "localhost", "::1")
    secure = "" if laptop else "; Secure"
    return f"{name}={value}; Path={path}; Max-Age={max_age_s}; HttpOnly; SameSite={same_site}{secure}"


def empty(status: int = 200) -> ChaliceResponse:
    """An answer without a body."""
    return _reply("", status, {"Content-Type": "text/plain"} | SAFE_HEADERS)


def _reply(body: str, status: int, headers: Mapping[str, str]) -> ChaliceResponse:
    return ChaliceResponse(body, dict(headers), status)


def problem_of(error: JanJanError, lang: str) -> ChaliceResponse:
    """The error as RFC 9457 in the asked language."""
    fields = error.errors if isinstance(error, InvalidInput) else []
    body: dict[str, Any] = {
        "type": f"https://janjan.invalid/problems/{error.code}",
        "title": error.code.replace("_", " "),
        "status": error.status,
        "detail": i18n.translate(lang, error.message, error.params),
    }
    if fields:
        body["errors"] = [
            {"field": f.field, "code": f.code, "message": i18n.translate(lang, f.message, f.params)}
            for f in fields
        ]
    headers = {"Content-Type": PROBLEM, "Content-Language": lang} | SAFE_HEADERS
    wait = getattr(error, "retry_after_s", None)
    if isinstance(error, (TooManyRequests, Transient)) or wait is not None:
        headers["Retry-After"] = str(max(1, round(float(wait or 1))))
    if error.status == Unauthenticated.status:
        headers["WWW-Authenticate"] = "Bearer"
    return _reply(json.dumps(body, ensure_ascii=False), error.status, headers)


_SENTENCES = {
    "missing": "Please fill in this field.",
    "extra_forbidden": "This field is not known. Check its name.",
    "string_too_short": "This is too short: at least %(min_length)s characters.",
    "string_too_long": "This is too long: at most %(max_length)s characters.",
    "too_long": "Too many entries: at most %(max_length)s.",
    "too_short": "Too few entries: at least %(min_length)s.",
    "literal_error": "Choose one of: %(expected)s.",
    "enum": "Choose one of: %(expected)s.",
    "union_tag_invalid": "Choose one of: %(expected_tags)s.",
    "union_tag_not_found": "Please fill in this field.",
    "int_parsing": "Please write a whole number.",
    "int_type": "Please write a whole number.",
    "greater_than": "This must be more than %(gt)s.",
    "greater_than_equal": "The least that is allowed is %(ge)s.",
    "less_than_equal": "The most that is allowed is %(le)s.",
    "date_from_datetime_parsing": "Please write a date as year-month-day, such as 1995-08-15.",
    "date_parsing": "Please write a date as year-month-day, such as 1995-08-15.",
    "date_type": "Please write a date as year-month-day, such as 1995-08-15.",
    "timezone_aware": "Please write the time with its zone, such as 2026-01-31T10:00:00+05:30.",
    "datetime_parsing": "Please write the time with its zone, such as 2026-01-31T10:00:00+05:30.",
    "datetime_from_date_parsing": "Please write the time with its zone, such as 2026-01-31T10:00:00+05:30.",
    "float_parsing": "Please write a number.",
    "float_type": "Please write a number.",
    "datetime_type": "Please write the time with its zone, such as 2026-01-31T10:00:00+05:30.",
    "string_type": "Please write text here.",
    "list_type": "Please give a list here.",
    "tuple_type": "Please give a list here.",
    "bool_parsing": "Please answer yes or no.",
    "bool_type": "Please answer yes or no.",
    "int_from_float": "Please write a whole number.",
    "date_from_datetime_inexact": "Please write a date as year-month-day, such as 1995-08-15.",
    "string_pattern_mismatch": "This does not have the right form.",
    "model_type": "This does not have the right form.",
    "dict_type": "This does not have the right form.",
}


def invalid(error: ValidationError) -> InvalidInput:
    """pydantic's findings in our sentences, MOST_ERRORS at most. A validator may raise PydanticCustomError
    with its own sentence. What was left empty is to be filled in, whatever rule it breaks."""
    found = []
    for one in error.errors(include_url=False)[:MOST_ERRORS]:
        kind, params = one["type"], dict(one.get("ctx", {}))
        params.pop("error", None)
        if kind in _SENTENCES:
            empty = one["input"] in ("", [], ()) and kind != "extra_forbidden"
            sentence = _SENTENCES["missing" if empty else kind]
        else:
            sentence = str(params.pop("sentence", "")) or one["msg"].replace("%", "%%")
        place = ".".join(str(part) for part in one["loc"])
        found.append(FieldError(place, kind, sentence, params))
    return InvalidInput(found)


def next_cursor(request: Request, position: Mapping[str, Any] | None) -> str | None:
    """An opaque, signed place in the list that was asked for; None at its end."""
    if position is None:
        return None
    packed = base64.urlsafe_b64encode(json.dumps(position, separators=(",", ":")).encode()).decode()
    return f"{packed}.{_cursor_mac(request, packed)}"


def read_cursor(request: Request) -> dict[str, Any] | None:
    """The place that `next_cursor` gave out for this list; InvalidInput for one of another list or filter."""
    cursor = request.query.get("cursor")
    if not cursor:
        return None
    packed, _, mac = cursor.partition(".")
    if not hmac.compare_digest(mac.encode(), _cursor_mac(request, packed).encode()):
        raise InvalidInput.of(
            "cursor", "cursor_invalid", "This cursor is not ours. Start from the beginning."
        )
    position: dict[str, Any] = json.loads(base64.urlsafe_b64decode(packed))
    return position


Item = TypeVar("Item")


class ListQuery(Strict):
    """How a list that is read as a whole is asked for, page by page."""

    limit: int = Field(default=100, ge=1, le=500)
    cursor: str | None = None


def page_of(
    request: Request,
    limit: int,
    found: Iterable[Item],
    place: Callable[[Item], str | int],
    *,
    latest_first: bool = False,
) -> tuple[list[Item], str | None]:
    """One page of a list that was read as a whole, and the cursor to the next; None at its end.

    `place` orders the list and is each item's own: what comes or goes between two pages costs no other item
    its place.
    """
    after = (read_cursor(request) or {}).get("after")
    placed: list[tuple[Any, Item]] = [(place(one), one) for one in found]
    placed.sort(key=lambda one: one[0], reverse=latest_first)
    if after is not None:
        placed = [one for one in placed if (one[0] < after if latest_first else one[0] > after)]
    page = placed[:limit]
    more = {"after": page[-1][0]} if len(placed) > limit else None
    return [one for _, one in page], next_cursor(request, more)


NOT_ASKED = frozenset(("cursor", "limit", "lang", "said"))
"""Fields of a query that choose nothing of a list."""


def _cursor_mac(request: Request, packed: str) -> str:
    asked = {name: value for name, value in request.query.items() if name not in NOT_ASKED}
    signed = json.dumps([request.path, sorted(asked.items()), packed]).encode()
    return hmac.new(_doors[0].cursor_key().encode(), signed, hashlib.sha256).hexdigest()[:32]


Handle = Callable[..., Any]


class Api:
    """The routes of one feature."""

    def __init__(self, feature: str) -> None:
        self.feature = feature
        self.blueprint = Blueprint("app")

    def get(self, path: str, *, allow: str, summary: str, **more: Any) -> Callable[[Handle], Handle]:  # noqa: ANN401
        return self._json("GET", path, allow=allow, summary=summary, **more)

    def post(self, path: str, *, allow: str, summary: str, **more: Any) -> Callable[[Handle], Handle]:  # noqa: ANN401
        return self._json("POST", path, allow=allow, summary=summary, **more)

    def put(self, path: str, *, allow: str, summary: str, **more: Any) -> Callable[[Handle], Handle]:  # noqa: ANN401
        return self._json("PUT", path, allow=allow, summary=summary, **more)

    def patch(self, path: str, *, allow: str, summary: str, **more: Any) -> Callable[[Handle], Handle]:  # noqa: ANN401
        return self._json("PATCH", path, allow=allow, summary=summary, **more)

    def delete(self, path: str, *, allow: str, summary: str, **more: Any) -> Callable[[Handle], Handle]:  # noqa: ANN401
        return self._json("DELETE", path, allow=allow, summary=summary, **more)

    def page(
        self, method: str, path: str, *, allow: str, summary: str, heard: bool = False
    ) -> Callable[[Handle], Handle]:
        """A page or a form: the view gets the request and gives `html(…)` or `redirect(…)`. A POST must come
        from our own pages (same origin), since the session travels as a cookie."""
        route = Route(method, path, allow, summary, self.feature, None, None, None, 200, "page", heard=heard)
        return self._route(route, (FORM,))

    def raw(
        self,
        method: str,
        path: str,
        *,
        allow: str,
        summary: str,
        content_types: tuple[str, ...] = (),
        produces: str = "text/plain",
    ) -> Callable[[Handle], Handle]:
        """A route that reads the bytes itself (webhooks), or answers with a file of the type `produces`."""
        route = Route(
            method, path, allow, summary, self.feature, None, None, None, 200, "raw", produces=produces
        )
        return self._route(route, content_types)

    def _json(
        self,
        method: str,
        path: str,
        *,
        allow: str,
        summary: str,
        body: type[BaseModel] | None = None,
        query: type[BaseModel] | None = None,
        answer: Any = None,  # noqa: ANN401 - a model or a list of models
        status: int = 200,
        kept: bool = True,
        again: Again | None = None,
        heard: bool = False,
    ) -> Callable[[Handle], Handle]:
        """A JSON route. The view gets the request, path parameters, and `body` / `query` where a model is
        given."""
        route = Route(
            method, path, allow, summary, self.feature, body, query, answer, status, "json", kept, again
        )
        return self._route(replace(route, heard=heard), (JSON,))

    def _route(self, route: Route, content_types: tuple[str, ...]) -> Callable[[Handle], Handle]:
        ROUTES.append(route)

        def decorate(view: Handle) -> Handle:
            def entry(**path: str) -> ChaliceResponse:
                return _answer(route, view, self.blueprint.current_request, path)

            entry.__name__ = f"{self.feature}_{view.__name__}"
            entry.__doc__ = view.__doc__
            if folding.is_folded(route.path):
                _folded.add(route.method, route.path, (route, view))
                return view
            types = [] if route.method in ("GET", "HEAD", "DELETE") else list(content_types)
            self.blueprint.route(
                route.path, methods=[route.method], name=entry.__name__, content_types=types
            )(entry)
            return view

        return decorate


def folded() -> Blueprint:
    """The resources behind which the addresses of `folding` lie, for app.py to register."""
    blueprint = Blueprint("app")
    for resource in folding.resources():
        for method in folding.METHODS:
            name = f"folded_{method.lower()}_{resource.count('{')}"

            def entry(**parts: str) -> ChaliceResponse:
                return _unfold(blueprint.current_request, [unquote(part) for part in parts.values()])

            entry.__name__ = name
            types = [FORM, FILE_FORM] if method == "POST" else []
            blueprint.route(resource, methods=[method], name=name, content_types=types)(entry)
    return blueprint


def is_page(path: str) -> bool:
    """Whether there is a page of the console at this address."""
    parts = [part for part in path.removeprefix(folding.ROOT).split("/") if part]
    return _folded.find("GET", parts) is not None


def _unfold(chalice_request: Any, parts: list[str]) -> ChaliceResponse:  # noqa: ANN401
    method = str(chalice_request.method)
    found = _folded.find(method, parts)
    if found is None:
        return _answer(_NOWHERE, _nothing_there, chalice_request, {})
    (route, view), path = found
    return _answer(route, view, chalice_request, path)


_NOWHERE = Route("GET", folding.ROOT, PUBLIC, "", "pages", None, None, None, 404, "page")


def _nothing_there(request: Request) -> ChaliceResponse:
    raise NotFound


def _answer(route: Route, view: Handle, chalice_request: Any, path: Mapping[str, str]) -> ChaliceResponse:  # noqa: ANN401
    lang, place = i18n.SOURCE, _path_of(chalice_request)
    try:
        request = _decode(chalice_request, default_lang="hi" if route.kind == "page" else i18n.SOURCE)
        lang = request.lang
        _authorise(route, request)
        asked = request.query if route.kind == "page" and folding.is_folded(route.path) else {}
        named = (*path.values(), *(value for name, value in asked.items() if name != "cursor"))
        if any(len(value) > LONGEST_NAME for value in named):
            raise NotFound
        kwargs: dict[str, Any] = dict(path)
        if route.body is not None:
            kwargs["body"] = _parse(route.body, _json_of(request.raw))
        if route.kind == "json":
            kwargs |= _query_of(route, request)
        return _fitting(_once(route, request, lambda: view(request, **kwargs)))
    except ValidationError as error:
        return _failed(route, invalid(error), lang, place)
    except Unauthenticated as error:
        return _failed(route, error, lang, _looked_at(chalice_request) or place)
    except JanJanError as error:
        return _failed(route, error, lang, place)
    except Exception:
        logger.exception("unexpected", extra={"route": f"{route.method} {route.path}"})
        return _failed(route, JanJanError(), lang, place)


def _decode(chalice_request: Any, default_lang: str) -> Request:  # noqa: ANN401
    multi = chalice_request.query_params
    query = {name: multi.getlist(name)[-1] for name in multi} if multi else {}
    headers = {str(name).lower(): str(value) for name, value in chalice_request.headers.items()}
    try:
        cookies = {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        cookies = {}
    return Request(
        method=chalice_request.method,
        path=_path_of(chalice_request),
        raw=chalice_request.raw_body or b"",
        headers=headers,
        query=query,
        lang=i18n.negotiate(query.get("lang"), headers.get("accept-language"), default_lang),
        source_ip=str(chalice_request.context.get("identity", {}).get("sourceIp", "")),
        cookies=cookies,
        urls=_urls_of(chalice_request, headers),
    )


def _urls_of(chalice_request: Any, headers: Mapping[str, str]) -> tuple[str, ...]:  # noqa: ANN401
    """API Gateway calls us under a host of its own and a stage (`/api/…`), a custom domain may leave the
    stage out: who signs an address has signed one of these."""
    path, multi = _path_of(chalice_request), chalice_request.query_params
    pairs = [(name, value) for name in multi for value in multi.getlist(name)] if multi else []
    query = f"?{urlencode(pairs)}" if pairs else ""
    host = headers.get("host", "")
    staged = str(chalice_request.context.get("path", path))
    public = _doors[0].public_url() if _doors else ""
    schemes = dict.fromkeys(("https", urlsplit(public).scheme or "https"))  # the laptop's own is http
    called = [f"{scheme}://{host}{place}" for scheme in schemes for place in (staged, path)]
    return tuple(dict.fromkeys(f"{base}{query}" for base in (f"{public}{path}", *called)))


def _path_of(chalice_request: Any) -> str:  # noqa: ANN401
    """The path that was asked for: Chalice's own `path` is the route's pattern."""
    path = str(chalice_request.path)
    for name, value in (chalice_request.uri_params or {}).items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


def _looked_at(chalice_request: Any) -> str:  # noqa: ANN401
    """The page on which a form was sent; empty for all but forms. There somebody whose session had ended goes
    on: a form's own address is often no page."""
    if chalice_request.method in ("GET", "HEAD"):
        return ""
    try:
        return urlsplit(str(chalice_request.headers.get("referer") or "")).path
    except ValueError:
        return ""


def _authorise(route: Route, request: Request) -> None:
    """Denies unless the route is public, a creator's own, or the caller may do its action; sets
    `request.caller`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    cookies = {name: request.cookies.get(name, "") for name in (SESSION_COOKIE, CREATOR_COOKIE)}
    writes = request.method not in ("GET", "HEAD")
    if writes and not bearer and (any(cookies.values()) or route.kind == "page"):
        _same_origin(request)
    if route.allow == PUBLIC:
        return
    given = bearer or cookies[CREATOR_COOKIE if route.allow == CREATOR else SESSION_COOKIE]
    if not given:
        raise Unauthenticated
    gate = _doors[0].gate()
    if route.allow == CREATOR:
        request.caller = gate.heard(given) if route.heard else gate.creator(given)
        return
    request.caller = gate.principal(given)
    gate.require(request.caller, route.allow)


def _same_origin(request: Request) -> None:
    """Refuses a form that another site sent (OWASP CSRF: verify the origin, else what the browser says of
    it; old phones send none of these headers)."""
    sent_from = request.headers.get("origin") or request.headers.get("referer")
    ours = {urlsplit(_doors[0].public_url()).netloc, request.headers.get("host")} - {"", None}
    told = request.headers.get("sec-fetch-site", "same-origin")
    if urlsplit(sent_from).netloc not in ours if sent_from else told not in ("same-origin", "none"):
        raise Forbidden("This form was sent from another site.")


def _json_of(raw: bytes) -> Any:  # noqa: ANN401
    if len(raw) > LONGEST_JSON:
        raise TooLarge(
            "This is more than %(most)s MB: nothing of it was taken.", most=LONGEST_JSON // 1024**2
        )
    try:
        return json.loads(raw.decode("utf-8") or "{}")
    except (ValueError, RecursionError):
        raise MalformedBody from None


def _parse(model: type[BaseModel], value: Any) -> BaseModel:  # noqa: ANN401
    if not isinstance(value, dict):
        raise MalformedBody("The body must be a JSON object.")
    return model.model_validate(value)


def _query_of(route: Route, request: Request) -> dict[str, Any]:
    given = {name: value for name, value in request.query.items() if name != "lang"}
    if route.query is None:
        NoQuery.model_validate(given)
        return {}
    return {"query": route.query.model_validate(given)}


def _once(route: Route, request: Request, act: Callable[[], Any]) -> ChaliceResponse:
    """Runs the view; a write with an Idempotency-Key runs once for each key."""
    key = request.headers.get("idempotency-key", "")
    if not key or not route.kept or route.kind != "json" or request.method == "GET":
        return _response(route, act())
    who = request.caller.id if request.caller is not None else f"anonymous {request.source_ip}"
    scope = "\n".join((who, request.method, request.path, key))
    once = _doors[0].idempotency()
    first = once.begin(scope, request.raw)
    if first is not None:
        return _replayed(route, request, first)
    try:
        response = _response(route, act())
    except JanJanError as error:
        if error.status < JanJanError.status or isinstance(error, Transient):
            once.forget(scope)
        raise
    except ValidationError:
        once.forget(scope)
        raise
    answer = {"status": response.status_code, "body": _replayable(route, request, response.body)}
    try:
        once.done(scope, request.raw, answer)
    except Exception:
        logger.exception("answer not kept")  # the write stands: an error would have it sent once more
    return response


def _replayable(route: Route, request: Request, body: Any) -> Any:  # noqa: ANN401
    if request.caller is not None and route.again is None or not isinstance(body, str) or not body:
        return body
    given, names = json.loads(body), route.again.names if route.again else ANONYMOUS_REPLAY
    return json.dumps({k: v for k, v in given.items() if k in names}) if isinstance(given, dict) else "{}"


def _replayed(route: Route, request: Request, first: Mapping[str, Any]) -> ChaliceResponse:
    body = first["body"]
    if route.again:
        body = _response(route, route.again.view(request, json.loads(body))).body
    return _reply(body, first["status"], JSON_HEADERS | {"Idempotent-Replayed": "true"})


def _response(route: Route, result: Any) -> ChaliceResponse:  # noqa: ANN401
    if isinstance(result, ChaliceResponse):
        return result
    if isinstance(result, BaseModel):
        result = result.model_dump(mode="json")
    return _reply(json.dumps(result, ensure_ascii=False), route.status, JSON_HEADERS)


def _fitting(response: ChaliceResponse) -> ChaliceResponse:
    """The answer, if it can be handed over. Raises TooLarge."""
    body = response.body
    if isinstance(body, bytes):
        size = len(body) * 4 // 3
    else:
        size = len(json.dumps(body)) if len(body) > LARGEST_ANSWER // 12 else 0
    if size > LARGEST_ANSWER:
        logger.error("answer too large", extra={"bytes": size})
        raise TooLarge("This is more than one answer can hold. Please ask for less of it.")
    return response


def _failed(route: Route, error: JanJanError, lang: str, path: str) -> ChaliceResponse:
    if route.kind != "page":
        return problem_of(error, lang)
    from chalicelib.pages import shell

    if isinstance(error, Unauthenticated):
        place = SIGN_IN.get(route.allow, "/signin")
        return redirect(f"{place}?{urlencode({'lang': lang, 'next': path})}")
    return html(shell.error_page(error, lang), error.status)


def problem_for_refusal(response: ChaliceResponse, lang: str) -> ChaliceResponse:
    """Chalice's own refusals (405, 415, …), which no view sees, as problem+json."""
    codes = {404: NotFound(), 405: _MethodNotAllowed(), 415: _WrongType()}
    return problem_of(codes.get(response.status_code, JanJanError()), lang)


class _MethodNotAllowed(NotFound):
    status = 405
    code = "method_not_allowed"
    message = "This address does not take this method."


class _WrongType(NotFound):
    status = 415
    code = "unsupported_media_type"
    message = "Please send the body as the documented content type, such as application/json."
