"""Stops, channels, unknown deliveries and dead letters in the console."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.clock import parse_rfc3339, rfc3339
from chalicelib.dead_letters import NoSuchQueue, Refused
from chalicelib.dispatch.channels import SYSTEM, ways_now
from chalicelib.dispatch.form import ChannelLimits, DecisionBody, StopReason, TrialMessage
from chalicelib.dispatch.model import DeliveryKey, Status, scopes_of
from chalicelib.dispatch.stops import SetAnew
from chalicelib.dispatch.words import CHANNELS, HALTS, HEALTH, LETTERS, STATUSES, STOPPED, TEMPLATES, TRIED
from chalicelib.errors import (
    Conflict,
    FieldError,
    InvalidInput,
    JanJanError,
    NotFound,
    OtherDepartment,
    Rejected,
    Transient,
)
from chalicelib.http import Api, Request, invalid, next_cursor, page_of, read_cursor, redirect
from chalicelib.i18n import translate
from chalicelib.identity.chain import clean_reason
from chalicelib.identity.roles import touches
from chalicelib.ids import new_token
from chalicelib.letter_sentences import masked, said
from chalicelib.pages import console
from chalicelib.pages.figures import moment
from chalicelib.pages.forms import Form, labels, pick_place, told
from chalicelib.pages.frame import named
from chalicelib.pages.shell import ENDONYMS, mark
from chalicelib.queues import dead_letters
from chalicelib.settings import settings

if TYPE_CHECKING:
    from chalicelib.dead_letters import Letter
    from chalicelib.dispatch.channels import Standing
    from chalicelib.dispatch.report import Delivery
    from chalicelib.dispatch.store import Stop
    from chalicelib.letter_sentences import Said

api = Api("dispatch_desk")

A_PAGE = 50
MOST_HELD = 20
"""So many running campaigns are looked at for whom a stop holds."""
SAID_OF_STOPS = {"put": mark("It is stopped."), "lifted": mark("The stop is lifted: sending goes on.")}
REASON = {"reason": mark("Reason")}


# --- stops


@api.page("GET", "/console/stops", allow="stop.read", summary="The stops that stand")
def stops(request: Request) -> Response:
    found = wiring.stop_desk().listed(request.principal)
    shown, more = page_of(request, A_PAGE, found, lambda stop: stop.scope)
    rows = [_stop(request, one) for one in shown]
    return console.page(request, "console_stops.html", "stops", said=SAID_OF_STOPS, rows=rows, more=more)


@api.page("GET", "/console/stops/new", allow="stop.write", summary="What to stop, and what that halts")
def new_stop(request: Request) -> Response:
    return _stopping(request, Form({name: [value] for name, value in request.query.items()}))


@api.page("POST", "/console/stops/new", allow="stop.write", summary="Stop it")
def put_stop(request: Request) -> Response:
    form = Form(request.form())
    scope = form.one("scope")
    try:
        asked = StopReason.model_validate({"reason": form.one("reason").strip()})
        wiring.stop_desk().put(request.principal, scope, asked.reason)
    except ValidationError as error:
        return _stopping(request, form, invalid(error))
    except Rejected as error:
        return _stopping(request, form, error)
    return redirect(console.link(request, "/console/stops", said="put"))


@api.page("GET", "/console/stops/{scope}", allow="stop.write", summary="A stop, to be lifted")
def standing_stop(request: Request, scope: str) -> Response:
    return _standing(request, unquote(scope))


@api.page("POST", "/console/stops/{scope}", allow="stop.write", summary="Lift a stop")
def lift_stop(request: Request, scope: str) -> Response:
    since = Form(request.form()).one("since")
    try:
        with suppress(NotFound):  # a second click, or somebody was quicker: it is lifted
            wiring.stop_desk().lift(request.principal, unquote(scope), since)
    except SetAnew as error:
        return _standing(request, unquote(scope), error)
    return redirect(console.link(request, "/console/stops", said="lifted"))


def _standing(request: Request, scope: str, error: Rejected | None = None) -> Response:
    stop, runs = console.together(
        lambda: wiring.stop_desk().get(request.principal, scope), wiring.runs().dispatching
    )
    return console.page(
        request,
        "console_stop.html",
        "stops",
        status=error.status if error else 200,
        stop=_stop(request, stop),
        held=_held(request, stop.scope, runs),
        **console.refusal(error, request.lang, {}),
    )


def _stopping(request: Request, form: Form, error: Rejected | None = None) -> Response:
    """First what is to be stopped is chosen, then what that halts is shown, and why is asked."""
    lang = request.lang
    place = pick_place(form, wiring.directory().children, lang)
    chosen = form.one("scope")
    if chosen == "area":
        chosen = f"area:{place.area}" if place.area and not form.one("narrow") else ""
    there, runs, departments = console.together(
        lambda: not chosen or _is_scope(chosen),
        wiring.runs().dispatching if chosen else list,
        wiring.shown_departments,
    )
    if not there:
        error, chosen = NotFound("There is nothing called %(scope)s that could be stopped.", scope=chosen), ""
    errors, problems = told(error, lang, REASON)
    kind = chosen.partition(":")[0]
    return console.page(
        request,
        "console_stop_new.html",
        "stops",
        status=error.status if error else 200,
        form=form,
        errors=errors,
        problems=problems,
        scope=chosen,
        what=_scope(request, chosen) if chosen else "",
        halts=HALTS.get(kind, ""),
        held=_held(request, chosen, runs) if chosen else [],
        channels=[
            (f"channel:{one.id}", _way(lang, one.id, one.medium)) for one in wiring.platforms().channels()
        ],
        departments=sorted(
            ((f"department:{one}", named(names, lang)) for one, names in departments.items()),
            key=lambda pair: pair[1],
        ),
        levels=place.levels,
        more=translate(lang, place.more),
        area=place.area,
    )


def _is_scope(scope: str) -> bool:
    kind, _, ident = scope.partition(":")
    exists = wiring.stop_desk().exists
    return scope == "all" or (bool(ident) and kind in exists and exists[kind](ident))


def _held(request: Request, scope: str, runs: Sequence[str]) -> list[tuple[str, str]]:
    """The campaigns of these runs, which are being sent now, that a stop of this scope holds: of those that
    the caller may see."""
    found = []
    kind, _, ident = scope.partition(":")
    areas = wiring.directory()
    path = getattr(areas.get(ident), "path", ()) if kind == "area" else ()
    for campaign, run in wiring.campaigns().under_way(request.principal, runs[:MOST_HELD]):
        ways = ways_now(wiring.platforms(), run.channels).values()
        to = campaign.content.audience.areas
        reached = [area.path for area in areas.many(to).values()] if path else []
        if (
            kind == "all"
            or kind == "department"
            and run.department == ident
            or kind == "channel"
            and any(scope in scopes_of(way) for way in ways)
            or bool(path)
            and touches(reached, path)
        ):
            found.append((campaign.id, campaign.content.title))
    return found


def _stop(request: Request, stop: Stop) -> dict[str, Any]:
    names = wiring.users().names() if stop.by != SYSTEM else {}
    return {
        "to": f"/console/stops/{quote(stop.scope, safe='')}",
        "what": _scope(request, stop.scope),
        "halts": HALTS.get(stop.scope.partition(":")[0], ""),
        "reason": stop.reason if stop.by != SYSTEM else "",
        "code": stop.code,
        "by": names.get(stop.by, stop.by) if stop.by != SYSTEM else "",
        "at": moment(stop.at),
        "since": rfc3339(stop.at),
        "probe_at": moment(stop.probe_at) if stop.probe_at else "",
    }


def _scope(request: Request, scope: str) -> str:
    """What a stop is about, in words."""
    lang = request.lang
    kind, _, ident = scope.partition(":")
    if kind == "channel":
        found = {one.id: one.medium for one in wiring.platforms().channels()}
        name = (
            _way(lang, ident, found[ident]) if ident in found else translate(lang, CHANNELS.get(ident, ident))
        )
    elif kind == "department":
        name = named(wiring.shown_departments().get(ident, {}), lang) or ident
    elif kind == "area":
        area = wiring.directory().get(ident)
        name = named(area.names, lang) if area else ident
    else:
        return translate(lang, STOPPED.get(kind, scope))
    return f"{translate(lang, STOPPED[kind])}: {name}"


def _way(lang: str, channel_id: str, medium: str) -> str:
    label = translate(lang, CHANNELS.get(medium, medium))
    return f"{label} ({channel_id})"


# --- channels

SAID_OF_CHANNELS = {
    "changed": mark("The limits are noted. They hold from the next messages on."),
    "resumed": mark("The channel sends again."),
}
LIMITS = {"rate_per_s": mark("Messages a second"), "per_day": mark("Messages in 24 hours")}
TRIAL = {
    "to": mark("To"),
    "text": mark("Text"),
    "template": mark("Template"),
    "params": mark("What stands in its places, a line each"),
    "subject": mark("Subject"),
}
TOKEN = re.compile(r"[\w-]{16,64}", re.ASCII)
FIELDS = {"telegram": ("text",), "whatsapp": ("template", "params", "text"), "sms": ("template", "text")}
"""What a test message over it consists of; of others subject and text."""


@api.page(
    "GET", "/console/channels", allow="channel.read", summary="The channels, how fast and how well they send"
)
def channels(request: Request) -> Response:
    shown, more = page_of(request, A_PAGE, wiring.channel_desk().listed(), lambda one: one.channel.id)
    rows = [_channel(request, one) for one in shown]
    return console.page(request, "console_channels.html", "channels", rows=rows, more=more)


@api.page("GET", "/console/channels/{channel_id}", allow="channel.read", summary="One channel")
def channel(request: Request, channel_id: str) -> Response:
    return _channel_page(request, channel_id, Form())


@api.page(
    "POST", "/console/channels/{channel_id}/limits", allow="channel.write", summary="Lower a channel's limits"
)
def limits(request: Request, channel_id: str) -> Response:
    form = Form(request.form())
    given = {name: form.one(name).strip() for name in LIMITS if form.one(name).strip()}
    try:
        asked = ChannelLimits.model_validate(given)
        wiring.channel_desk().set_limits(request.principal, channel_id, asked.rate_per_s, asked.per_day)
    except ValidationError as error:
        return _channel_page(request, channel_id, form, invalid(error))
    except (Rejected, Transient) as error:
        return _channel_page(request, channel_id, form, error)
    return redirect(console.link(request, f"/console/channels/{channel_id}", said="changed"))


@api.page(
    "POST", "/console/channels/{channel_id}/resume", allow="stop.write", summary="Lift a channel's stop"
)
def resume(request: Request, channel_id: str) -> Response:
    form, standing = Form(request.form()), wiring.channel_desk().get(channel_id)
    try:
        if standing.stop is not None:
            with suppress(NotFound):
                wiring.stop_desk().lift(request.principal, standing.stop.scope, form.one("since"))
    except SetAnew as error:
        return _channel_page(request, channel_id, form, error)
    return redirect(console.link(request, f"/console/channels/{channel_id}", said="resumed"))


@api.page(
    "POST", "/console/channels/{channel_id}/test", allow="channel.write", summary="Send one test message"
)
def try_channel(request: Request, channel_id: str) -> Response:
    form = Form(request.form())
    desk, test = wiring.channel_desk(), f"tst_{form.one('once')}"
    try:
        asked = TrialMessage.model_validate(_trial(request, desk.get(channel_id), form))
        desk.try_out(request.principal, channel_id, asked.to, asked.message, test=test)
    except ValidationError as error:
        return _channel_page(request, channel_id, form, invalid(error))
    except (Rejected, Transient) as error:
        return _channel_page(request, channel_id, form, error)
    return redirect(console.link(request, f"/console/channels/{channel_id}", test=form.one("once")) + "#test")


def _trial(request: Request, one: Standing, form: Form) -> dict[str, Any]:
    """The test message that the form asks for; a template brings its own language, category and header."""
    if not TOKEN.fullmatch(form.one("once")):
        raise InvalidInput.of("to", "missing", "Please look at this page once more, and try again.")
    given: dict[str, Any] = {name: form.one(name) for name in ("to", "text", "subject")}
    name, _, language = form.one("template").partition(" ")
    if name:
        for template in wiring.campaigns().templates(one.channel.id):
            if (template.name, template.language) == (name, language):
                sms = one.channel.medium == "sms"
                given |= {"template": template.template_id if sms else name, "language": language}
                given |= {"category": template.category, "header": template.header}
                break
        else:
            raise InvalidInput(
                [FieldError("template", "template_unknown", "There is no such template here.")]
            )
        given["params"] = [line.strip() for line in form.one("params").splitlines() if line.strip()]
    if not any(given.get(part) for part in ("text", "template")):
        raise InvalidInput.of("text", "missing", "Please fill in this field.")
    return given


def _channel_page(
    request: Request, channel_id: str, form: Form, error: JanJanError | None = None
) -> Response:
    lang, who = request.lang, request.principal
    desk, test = wiring.channel_desk(), request.query.get("test", "")

    def registered() -> list[Any]:
        with suppress(Rejected):
            return wiring.campaigns().templates(channel_id) if who.may("template.read") else []
        return []

    def tried() -> str:
        try:
            return desk.outcome_of(channel_id, f"tst_{test}") if test and who.may("channel.write") else ""
        except Transient:
            return "unknown"

    one, templates, outcome = console.together(lambda: desk.get(channel_id), registered, tried)
    errors, problems = told(error, lang, LIMITS | TRIAL)
    code = outcome.partition(":")[2]
    return console.page(
        request,
        "console_channel.html",
        "channels",
        status=error.status if error else 200,
        said=SAID_OF_CHANNELS,
        channel=_channel(request, one),
        form=form if form.values else Form(_set(one)),
        errors=errors,
        problems=problems,
        templates=templates,
        states=TEMPLATES,
        fields=FIELDS.get(one.channel.medium, ("subject", "text")),
        options=[
            (f"{t.name} {t.language}", f"{t.name} · {t.language}") for t in templates if t.state == "approved"
        ],
        trial=dict(labels(TRIAL, lang)),
        once=form.one("once") or new_token(),
        outcome=TRIED.get(outcome, ""),
        refused=code,
    )


def _set(one: Standing) -> Mapping[str, list[str]]:
    """What staff have set, as the form shows it."""
    pace = one.pace
    return {name: [f"{value:g}"] for name in LIMITS if (value := getattr(pace, name)) is not None}


def _channel(request: Request, one: Standing) -> dict[str, Any]:
    rests = one.pace.rest_until
    learned = one.pace.learned(one.now)
    return {
        "id": one.channel.id,
        "to": f"/console/channels/{one.channel.id}",
        "title": _way(request.lang, one.channel.id, one.channel.medium),
        "health": one.health,
        "state": HEALTH[one.health],
        "rate": f"{one.limit.rate_per_s:g}",
        "now": f"{one.limit.rate_per_s * learned:.3g}",
        "most": f"{one.allowed.rate_per_s:g}",
        "most_day": one.allowed.per_day,
        "used": one.pace.used(one.now),
        "per_day": one.limit.per_day,
        "rests_until": moment(datetime.fromtimestamp(rests, UTC), seconds=True) if rests > one.now else "",
        "stop": _stop(request, one.stop) if one.stop else None,
    }


# --- unknown deliveries

A_LOOK = 10
"""So many campaigns one page looks through, the newest first."""
MOST_OF_A_CAMPAIGN = 50
SAID_OF_UNKNOWNS = {
    "close": mark("It is closed: nobody sends this again."),
    "resend": mark("It is sent once more, within a minute."),
    "closed": mark("All that you chose are closed: nobody sends them again."),
}


@api.page(
    "GET",
    "/console/unknowns",
    allow="delivery.read",
    summary="Unknown deliveries that nobody has decided about",
)
def unknowns(request: Request) -> Response:
    return _unknowns(request, Form())


@api.page("POST", "/console/unknowns", allow="delivery.decide", summary="Close several, with one reason")
def close_unknowns(request: Request) -> Response:
    form = Form(request.form())
    keys = list(dict.fromkeys(form.all("key")))
    try:
        asked = DecisionBody.model_validate({"decision": "close", "reason": form.one("reason")})
        if not keys:
            raise InvalidInput.of("key", "missing", "Please choose at least one.")
    except ValidationError as error:
        return _unknowns(request, form, invalid(error))
    except InvalidInput as error:
        return _unknowns(request, form, error)
    clock, failed, tried = wiring.clock(), list[tuple[str, str]](), 0
    until = clock.epoch() + CLOSES_FOR_S
    for key in keys:  # each is decided on its own: what somebody else has decided meanwhile stays
        if tried and clock.epoch() > until:
            break
        tried += 1
        try:
            _decide(request, key, asked)
        except (Rejected, Transient) as error:
            failed.append((key, translate(request.lang, error.message, error.params)))
    if failed or tried < len(keys):
        told_so = NOT_ALL if tried == len(keys) else NOT_YET
        return _unknowns(request, form, Conflict(told_so, some=tried - len(failed), all=len(keys)), failed)
    kept = {"campaign": form.one("campaign"), "cursor": request.query.get("cursor")}
    return redirect(console.link(request, "/console/unknowns", said="closed", **kept))


@api.page(
    "GET", "/console/unknowns/{key}", allow="delivery.read", summary="One delivery, and what is known of it"
)
def unknown(request: Request, key: str) -> Response:
    return _unknown(request, key, Form())


@api.page(
    "POST", "/console/unknowns/{key}", allow="delivery.decide", summary="Send it once more, or close it"
)
def decide(request: Request, key: str) -> Response:
    form = Form(request.form())
    try:
        asked = DecisionBody.model_validate({name: form.one(name) for name in ("decision", "reason")})
        _decide(request, key, asked)
    except ValidationError as error:
        return _unknown(request, key, form, invalid(error))
    except (Conflict, Transient) as error:
        return _unknown(request, key, form, error)
    return redirect(console.link(request, f"/console/unknowns/{quote(key, safe='')}", said=asked.decision))


CLOSES_FOR_S = 10
"""So long one request begins another closing: API Gateway gives up after 29 s, and then nobody would be told
what was done."""
NOT_ALL = mark("%(some)s of %(all)s are closed. The others are not, and why is said here.")
NOT_YET = mark("Closed so far: %(some)s of %(all)s. The others are still chosen: press the button again.")


def _decide(request: Request, key: str, asked: DecisionBody) -> None:
    _, run = wiring.decisions().run_of(key)
    if not request.principal.covers_department(run.department, "delivery.decide"):
        raise OtherDepartment
    wiring.decisions().decide(request.principal.id, key, asked.decision, asked.reason)


def _unknowns(
    request: Request, form: Form, error: JanJanError | None = None, failed: Sequence[tuple[str, str]] = ()
) -> Response:
    campaigns, who = wiring.campaigns(), request.principal
    one = form.one("campaign") or request.query.get("campaign", "")
    if one:
        found, more = [campaigns.seen(who, one, "delivery.read")], None
    else:
        found, more = campaigns.page(who, "", "", read_cursor(request), A_LOOK)
    groups = _open_of(request.lang, found)
    shown = [row for group in groups for row in group["rows"]]
    names = wiring.register().names(who, {row["person"] for row in shown}) if shown else {}
    for row in shown:
        row["name"] = names.get(row["person"], "")
    errors, problems = told(error, request.lang, REASON | {"key": mark("Delivery")})
    listed = {row["key"] for row in shown}
    apart = dict.fromkeys(why for key, why in failed if key not in listed)
    return console.page(
        request,
        "console_unknowns.html",
        "unknowns",
        status=error.status if error else 200,
        said=SAID_OF_UNKNOWNS,
        groups=[group for group in groups if group["rows"]],
        looked=len(found),
        campaign=one,
        form=form,
        chosen=set(form.all("key")),
        failed=dict(failed),
        errors=errors,
        problems=[*problems, *(("", why) for why in apart)],
        here=request.query.get("cursor", ""),
        more=next_cursor(request, more) if not one else None,
    )


def _open_of(lang: str, campaigns: Sequence[Any]) -> list[dict[str, Any]]:
    """The unknown deliveries of each of these campaigns of which nobody has decided anything: their tallies
    tell whether there are any before a chunk is read."""
    reporter = wiring.reporter()
    unknown = reporter.unknown([run for one in campaigns for run in one.run_ids], MOST_OF_A_CAMPAIGN)
    places = [
        [place for run in campaign.run_ids for place in unknown[run].first][:MOST_OF_A_CAMPAIGN]
        for campaign in campaigns
    ]
    found = iter(reporter.behind([place for own in places for place in own]))
    return [
        {
            "id": campaign.id,
            "title": campaign.content.title,
            "rows": [_row(lang, delivery) for delivery in islice(found, len(own))],
            "all": sum(unknown[run].count for run in campaign.run_ids),
        }
        for campaign, own in zip(campaigns, places, strict=True)
    ]


def _row(lang: str, delivery: Delivery) -> dict[str, Any]:
    area = wiring.directory().get(delivery.district.removeprefix("ST#"))
    since = delivery.times.get("unknown")
    return {
        "key": delivery.key,
        "person": delivery.person,
        "channel": translate(lang, CHANNELS.get(delivery.channel, delivery.channel)),
        "area": named(area.names, lang) if area else delivery.district,
        "since": moment(since) if since else "",
    }


def _unknown(request: Request, key: str, form: Form, error: JanJanError | None = None) -> Response:
    lang, who = request.lang, request.principal
    read = DeliveryKey.parse(key)
    if read is None:
        raise NotFound
    (_, run), delivery = console.together(
        lambda: wiring.decisions().run_of(key), lambda: wiring.reporter().delivery(read)
    )
    errors, problems = told(error, lang, REASON)
    decided = delivery.decided
    campaign, people, names = console.together(
        lambda: wiring.campaigns().seen(who, run.campaign_id, "delivery.read"),
        lambda: wiring.register().names(who, {delivery.person}),
        lambda: wiring.users().names() if decided else {},
    )
    times = sorted((at, name) for name, at in delivery.times.items())
    return console.page(
        request,
        "console_unknown.html",
        "unknowns",
        status=error.status if error else 200,
        said=SAID_OF_UNKNOWNS,
        delivery=_row(lang, delivery) | {"name": people.get(delivery.person, "")},
        campaign=campaign.id,
        title=campaign.content.title,
        state=STATUSES[delivery.status],
        open=delivery.status is Status.UNKNOWN and decided is None,
        language=ENDONYMS.get(delivery.language, delivery.language),
        code=delivery.code,
        times=[
            (STATUSES.get(Status(name), name) if name in set(Status) else name, moment(at, seconds=True))
            for at, name in times
        ],
        decided=decided,
        by=names.get(decided.by, decided.by) if decided else "",
        decided_at=moment(decided.at) if decided else "",
        form=form,
        errors=errors,
        problems=problems,
    )


# --- dead letters


@api.page(
    "GET", "/console/letters", allow="dead_letter.read", summary="What no function could handle, by queue"
)
def letters(request: Request) -> Response:
    counts = dead_letters(settings().stage)
    rows = [(name, *LETTERS[name], count) for name, count in counts.items()]
    return console.page(
        request,
        "console_letters.html",
        "letters",
        rows=rows,
        total=sum(count or 0 for count in counts.values()),
    )


@api.page(
    "GET", "/console/letters/{queue}", allow="dead_letter.read", summary="The dead letters of one queue"
)
def letters_of(request: Request, queue: str) -> Response:
    return _letters(request, queue, Form())


@api.page(
    "POST", "/console/letters/{queue}", allow="dead_letter.write", summary="Send letters back, or close them"
)
def settle_letters(request: Request, queue: str) -> Response:
    """`do` `redrive` or `close` for the letters `id`. What was done already stands when one of them cannot be
    sent back."""
    form = Form(request.form())
    desk, by = wiring.letter_desk(), request.principal.id
    if queue not in LETTERS:
        raise NotFound
    asked = list(dict.fromkeys(form.all("id")))
    done, failed = 0, list[tuple[str, str]]()
    try:
        if not asked:
            raise InvalidInput.of("id", "letter_missing", "Choose at least one letter.")
        if form.one("do") not in SAID_OF_LETTERS or (form.one("do") == "redrive" and queue == "events"):
            raise InvalidInput.of("do", "do_unknown", "Choose one of these.")
        reason = clean_reason(form.one("reason")) if form.one("do") == "close" else ""
        with closing(desk.chosen(queue, asked[:MOST_LETTERS])) as chosen:
            for letter in chosen:
                try:
                    if form.one("do") == "close":
                        desk.close(by, queue, letter, reason)
                    else:
                        desk.send_back(by, queue, letter)
                    done += 1
                except (Refused, Transient) as error:
                    failed.append((letter.id, translate(request.lang, error.message, error.params)))
        if not done and not failed:
            raise LettersGone
    except (Rejected, Transient) as error:
        return _letters(request, queue, form, error)
    if stay := len(asked) - done:
        told_so = Conflict(SOME_STAY[form.one("do")], done=done, all=len(asked))
        return _letters(request, queue, form, told_so, failed=failed, out_of_reach=stay - len(failed))
    return redirect(console.link(request, f"/console/letters/{queue}", said=form.one("do")))


class LettersGone(Conflict):
    message = "None of these letters lies here now: somebody has handled them, or is looking at them."


MOST_LETTERS = 25
SAID_OF_LETTERS = {
    "redrive": mark("Sent back: their function tries them again now."),
    "close": mark("Closed, with your reason in the audit."),
}
SOME_STAY = {
    "redrive": mark("Sent back: %(done)s of the %(all)s that you chose."),
    "close": mark("Closed: %(done)s of the %(all)s that you chose."),
}
OUT_OF_REACH = mark(
    "Left as they are: %(count)s. Somebody else looks at them or has handled them: look again in a moment."
)
LETTER_FIELDS = REASON | {"id": mark("Letters")}


def _letters(
    request: Request,
    queue: str,
    form: Form,
    error: JanJanError | None = None,
    *,
    failed: Sequence[tuple[str, str]] = (),
    out_of_reach: int = 0,
) -> Response:
    """The oldest letters of a queue: each in a sentence, with what it belongs to and its masked body."""
    if queue not in LETTERS:
        raise NotFound
    lang, desk = request.lang, wiring.letter_desk()
    try:
        count, found = console.together(
            lambda: desk.dead.count(queue), lambda: desk.look(queue, MOST_LETTERS)
        )
    except NoSuchQueue:
        raise NotFound from None
    told_of = {letter.id: said(queue, letter.body, letter.attributes) for letter in found}
    campaigns = {_campaign_of(one) for one in told_of.values()} - {""}
    people = {str(one.params["influencer"]) for one in told_of.values() if "influencer" in one.params}
    titles, names = console.together(
        lambda: wiring.campaigns().titles(campaigns) if campaigns else {},
        lambda: wiring.register().names(request.principal, people) if people else {},
    )
    errors, problems = told(error, lang, LETTER_FIELDS)
    apart = list(dict.fromkeys(why for _, why in failed))
    if out_of_reach:
        apart.append(translate(lang, OUT_OF_REACH, {"count": out_of_reach}))
    what, advice = LETTERS[queue]
    return console.page(
        request,
        "console_letter_list.html",
        "letters",
        status=error.status if error else 200,
        path=f"/console/letters/{queue}",
        said=SAID_OF_LETTERS,
        queue=queue,
        what=what,
        advice=advice,
        rows=[_letter(lang, one, told_of[one.id], titles, names) for one in found],
        count=max(count, len(found)),
        stage=settings().stage,
        form=form,
        chosen=set(form.all("id")),
        failed=dict(failed),
        errors=errors,
        problems=[*problems, *(("", why) for why in apart)],
    )


def _campaign_of(told_of: Said) -> str:
    """The campaign of the run that a letter tells of, if any."""
    return str(told_of.params.get("run", "")).rpartition("-")[0]


def _letter(
    lang: str, letter: Letter, told_of: Said, titles: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, Any]:
    params = dict(told_of.params)
    if "at" in params:
        params["at"] = moment(parse_rfc3339(str(params["at"])))
    campaign, person = _campaign_of(told_of), str(params.get("influencer", ""))
    places = {
        "campaign": (f"/console/campaigns/{campaign}/report", titles.get(campaign, "")),
        "person": (f"/console/people/{person}", names.get(person, "")),
        "import": (f"/console/imports/{params.get('import')}", translate(lang, mark("The import"))),
        "invitation": ("/console/invitations", translate(lang, mark("Invitations"))),
        "webhook": ("/console/webhooks", str(params.get("webhook", ""))),
    }
    there = {"campaign": campaign, "person": person} | {
        one: params.get(one, "") for one in ("import", "invitation", "webhook")
    }
    return {
        "id": letter.id,
        "function": told_of.function,
        "words": translate(lang, told_of.words, params),
        "why": told_of.why,
        "of": [(to, name) for one, (to, name) in places.items() if there[one] and name],
        "at": moment(letter.queued_at),
        "received": letter.received,
        "body": masked(letter.body),
    }
