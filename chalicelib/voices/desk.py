"""The console's room of voices: what has come in, by its deadlines; and one voice with all that is done."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, get_args

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.errors import InvalidInput, NotFound, Rejected
from chalicelib.http import Api, Request, invalid, next_cursor, read_cursor, redirect
from chalicelib.i18n import translate
from chalicelib.ids import new_token
from chalicelib.pages import console
from chalicelib.pages.figures import day, moment
from chalicelib.pages.forms import Form, labels, pick_place, told, whole
from chalicelib.pages.frame import named
from chalicelib.pages.meanwhile import differences, meanwhile
from chalicelib.pages.shell import mark
from chalicelib.voices.casework import Asked, Standing
from chalicelib.voices.changes import ChangedMeanwhile
from chalicelib.voices.form import (
    AnswerBody,
    AssignmentBody,
    MergeBody,
    Reason,
    RedactionBody,
    ResolutionBody,
)
from chalicelib.voices.masking import masked_address, masked_name
from chalicelib.voices.model import MERGE, Kind, Voice
from chalicelib.voices.routing import Rule
from chalicelib.voices.settings import NAMES as SETTING_IDS
from chalicelib.voices.settings import Rules, Targets
from chalicelib.voices.words import KINDS, OCCASIONS, STATES
from chalicelib.voices.working import DEFAULT_TARGETS, Holiday, Target, WorkCalendar

api = Api("voices_desk")
ROOM = "/console/voices"
A_PAGE = 50
SOON = timedelta(hours=24)
LISTS = {
    "open": mark("All that are open"),
    "overdue": mark("Overdue"),
    "received": mark("With no department"),
    "assigned": mark("Not answered yet"),
    "answered": mark("Answered, not settled"),
    "resolved": mark("Settled"),
    "declined": mark("Declined"),
    "joined": mark("Joined to others"),
    "hidden": mark("Hidden as abuse"),
}
"""What a list may be asked to show."""
SAID = {
    "assigned": mark("It was given to the department."),
    "answered": mark("Your answer is on its way."),
    "resolved": mark("It is settled. Who wrote it is told."),
    "declined": mark("It is declined. Who wrote it is told why."),
    "reopened": mark("It is open again, with new deadlines."),
    "joined": mark("It was joined to the other voice."),
    "parted": mark("It stands by itself again."),
    "hidden": mark("It is hidden."),
    "shown": mark("It is shown again."),
    "redacted": mark("These words were taken out."),
}
DONE = {
    "voice.assigned": mark("Given to a department"),
    "voice.reopened": mark("Opened again"),
    "voice.joined": mark("Joined to another voice"),
    "voice.parted": mark("Parted from another voice"),
    "voice.hidden": mark("Hidden as abuse"),
    "voice.shown": mark("Shown again"),
    "voice.redacted": mark("Words taken out"),
}
"""What notes are about."""
TELLING = {
    **OCCASIONS,
    "carried": mark("How it ended, to who brought it"),
    "answer_soon": mark("A reminder to staff"),
    "resolve_soon": mark("A reminder to staff"),
    "answer_over": mark("To those above: its time is over"),
    "resolve_over": mark("To those above: its time is over"),
}
OUTCOMES = {
    "accepted": mark("sent"),
    "no_way": mark("there was no way; the ticket's page shows it"),
    "failed": mark("it could not be sent"),
    "unknown": mark("no answer came whether it was sent"),
}
WAYS = {
    "whatsapp": mark("WhatsApp"),
    "telegram": mark("Telegram"),
    "sms": mark("SMS"),
    "email": mark("Email"),
    "": mark("the page of the ticket alone"),
}
NO_TICKET = mark("There is no voice with this ticket among yours.")
NAMES = {
    "text": mark("Answer"),
    "reason": mark("Reason"),
    "department": mark("Department"),
    "into": mark("Ticket of the other voice"),
    "parts": mark("Words to be taken out"),
}
REASONED = ("reopening", "merge", "moderation")
"""Forms of a voice's page with a reason of their own."""


# --- the list


@api.page("GET", ROOM, allow="voice.read", summary="Voices of one's departments and areas by deadline")
def inbox(request: Request) -> Response:
    desk, who, form = wiring.voice_desk(), request.principal, Form({k: [v] for k, v in request.query.items()})
    error, found, after = None, [], None
    shown = form.one("show") if form.one("show") in LISTS else "open"
    ticket = form.one("q").strip()
    try:
        if ticket:
            found = desk.with_ticket(who, ticket)
        else:
            found, after = desk.listed(who, _asked(form, shown), A_PAGE, read_cursor(request))
    except Rejected as refused:
        error = refused
    errors, problems = told(error, request.lang, {})
    now, calendar = wiring.clock().now(), wiring.voice_settings().calendar()
    rows = [_row(request, one, now, calendar) for one in sorted(found, key=_urgency)]
    return console.page(
        request,
        "console_voices.html",
        "voices",
        status=error.status if error else 200,
        rows=rows,
        more=next_cursor(request, after),
        form=form,
        errors=errors,
        problems=problems,
        shown=shown,
        shows=labels(LISTS, request.lang),
        kinds=labels(KINDS, request.lang),
        departments=_departments(request.lang),
        asked=ticket,
    )


def _asked(form: Form, shown: str) -> Asked:
    kind: Kind | None = next((one for one in get_args(Kind) if one == form.one("kind")), None)
    status: Standing | None = next((one for one in get_args(Standing) if one == shown), None)
    overdue = True if shown == "overdue" else None
    return Asked(form.one("area") or None, form.one("department") or None, status, kind, overdue)


def _urgency(voice: Voice) -> tuple[bool, datetime]:
    """The next deadline first; what has none by its age."""
    due = _due(voice)
    return due is None, due or voice.received_at


def _due(voice: Voice) -> datetime | None:
    """Until when the next thing is owed."""
    if voice.shelf != "open":
        return None
    return voice.resolve_due if voice.status == "answered" else voice.answer_due


def _row(request: Request, voice: Voice, now: datetime, calendar: WorkCalendar) -> dict[str, Any]:
    lang, due = request.lang, _due(voice)
    return {
        "id": voice.id,
        "ticket": voice.ticket,
        "kind": KINDS[voice.kind],
        "state": translate(
            lang, LISTS.get(voice.shelf if voice.shelf != "open" else "", STATES[voice.status])
        ),
        "colour": "bad" if voice.overdue(now) else "wait" if voice.status in ("received", "assigned") else "",
        "department": dict(_departments(lang)).get(voice.department, ""),
        "area": _place(voice, lang),
        "excerpt": voice.excerpt,
        "pictures": voice.pictures,
        "received": moment(voice.received_at),
        "sample": voice.sample,
        "due": moment(due) if due else "",
        "left": _left(due, now, calendar, voice.path, lang) if due else "",
        "late": bool(due and due <= now),
        "soon": bool(due and now < due <= now + SOON),
    }


def _left(due: datetime, now: datetime, calendar: WorkCalendar, path: tuple[str, ...], lang: str) -> str:
    """How long there is still, or since when it is over, in working hours."""
    minutes = calendar.minutes(*((due, now) if due <= now else (now, due)), path)
    hours, days = minutes / 60, minutes / 60 / _day_of(calendar)
    if due <= now:
        if days >= 1:
            return translate(lang, mark("over since %(days)s working days"), {"days": round(days)})
        return translate(lang, mark("over since %(hours)s working hours"), {"hours": round(hours)})
    if days >= 1:
        return translate(lang, mark("%(days)s working days left"), {"days": round(days)})
    return translate(lang, mark("%(hours)s working hours left"), {"hours": round(hours, 1)})


def _day_of(calendar: WorkCalendar) -> float:
    """Hours of a working day."""
    opens, closes = (datetime.strptime(at, "%H:%M") for at in (calendar.opens, calendar.closes))  # noqa: DTZ007
    return (closes - opens).total_seconds() / 3600


# --- what holds for all voices


SETTINGS = f"{ROOM}/settings"
SAID_OF_SETTINGS = {
    "calendar": mark("Saved. Deadlines that run already stay as they are."),
    "targets": mark("Saved. Deadlines that run already stay as they are."),
    "rules": mark("Saved. The rules hold for voices that come in from now on."),
}
SETTING_NAMES = {
    "opens": mark("Opens at"),
    "closes": mark("Closes at"),
    "days": mark("Days that are worked"),
    "saturdays": mark("Saturdays of a month that are worked too"),
    "holidays": mark("Holidays"),
    "targets": mark("How long a voice may wait"),
    "keywords": mark("Words"),
    "department": mark("Department"),
}
WEEK = (
    mark("Monday"),
    mark("Tuesday"),
    mark("Wednesday"),
    mark("Thursday"),
    mark("Friday"),
    mark("Saturday"),
    mark("Sunday"),
)
A_HOLIDAY = re.compile(r"(\d\d-\d\d-\d{4})\s*([^\[\]]*?)\s*(?:\[([^\[\]]*)\])?")
"""`26-01-2026 Republic Day`, and behind it the states where it holds, in brackets."""


@api.page("GET", SETTINGS, allow="voice_rule.read", summary="Office hours, waiting times, rules that route")
def settings_page(request: Request) -> Response:
    return _settings(request)


@api.page("POST", SETTINGS, allow="voice_rule.write", summary="Set hours, waiting times or rules")
def change_settings(request: Request) -> Response:
    """`do`: `calendar`, `targets`, `add`, `remove:<rule>`, `up:<rule>`; `place` shows the areas below.
    `version` is what was looked at: a second click changes nothing."""
    form = Form(request.form())
    do, _, rule = form.one("do").partition(":")
    if do == "place":
        return _settings(request, form)
    try:
        wanted: Any = _wanted(request, form, do, rule)
        if wanted is not None:
            wiring.voice_settings().put(request.principal, wanted, whole(form.one("version")) or 0)
    except ValidationError as error:
        return _settings(request, form, invalid(error))
    except ChangedMeanwhile as error:
        if wiring.voice_settings().get(type(wanted))[0] != wanted:  # else it was sent twice
            return _settings(request, form, error, wanted)
    except Rejected as error:
        return _settings(request, form, error)
    said = do if do in SAID_OF_SETTINGS else "rules"
    return redirect(console.link(request, SETTINGS, said=said))


def _wanted(request: Request, form: Form, do: str, rule: str) -> Rules | Targets | WorkCalendar | None:
    """What is to be set; None for a rule that this form has added already. Raises ValidationError,
    InvalidInput."""
    if do == "calendar":
        return WorkCalendar.model_validate(
            {
                "opens": form.one("opens"),
                "closes": form.one("closes"),
                "days": [int(one) for one in form.all("days") if whole(one) is not None],
                "saturdays": [int(one) for one in form.all("saturdays") if whole(one) is not None],
                "holidays": _holidays(form.one("holidays"), request.lang),
            }
        )
    if do == "targets":
        given = _typed_targets(form)
        kept = [one for one in given if one["answer_hours"] or one["resolve_hours"]]
        return Targets.model_validate({"targets": kept})
    known = list(wiring.voice_settings().get(Rules)[0].rules)
    at = next((i for i, one in enumerate(known) if one.id == rule), None)
    if do == "add":
        place = pick_place(form, wiring.directory().children, request.lang)
        area = next((level.chosen for level in reversed(place.levels) if level.chosen), "")
        given_rule = {
            "keywords": [one for one in re.split(r"[,\n]", form.one("keywords")) if one.strip()],
            "areas": [area] if area else [],
            "kind": form.one("kind") or None,
            "department": form.one("department"),
            "means": form.one("means") or None,
        }
        told_once = json.dumps([form.one("once"), given_rule])  # other words in the same form: another rule
        new = f"r{hashlib.sha256(told_once.encode()).hexdigest()[:10]}"
        if any(one.id == new for one in known):
            return None
        return Rules(rules=(*known, Rule.model_validate({"id": new, **given_rule})))
    if at is None or do not in ("remove", "up"):
        raise InvalidInput.of("do", "do_unknown", "Choose one of these.")
    moved = known.pop(at)
    if do == "up":
        known.insert(max(0, at - 1), moved)
    return Rules(rules=tuple(known))


def _typed_targets(form: Form) -> list[dict[str, Any]]:
    """The lines of the form, as they were typed."""
    rows = itertools.zip_longest(*(form.all(name) for name in Target.model_fields), fillvalue="")
    return [dict(zip(Target.model_fields, map(str.strip, row), strict=True)) for row in rows]


def _holidays(text: str, lang: str) -> list[dict[str, Any]]:
    """One on each line. Raises InvalidInput with the number of a line that is none."""
    states = {one.id: one.names for one in wiring.directory().children("IN")} if "[" in text else {}
    ids = {name.casefold(): state for state, names in states.items() for name in (state, *names.values())}
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        read = A_HOLIDAY.fullmatch(line.strip())
        wanted = [one.strip().casefold() for one in (read[3] or "").split(",") if one.strip()] if read else []
        try:
            if read is None or any(one not in ids for one in wanted):
                raise ValueError(line)
            day_of = datetime.strptime(read[1], "%d-%m-%Y").date()  # noqa: DTZ007 - a day, no moment
        except ValueError:
            sentence = "Line %(n)s: write a day and its name, such as 26-01-2026 Republic Day."
            raise InvalidInput.of("holidays", "holiday", sentence, n=number) from None
        found.append(
            {"day": day_of.isoformat(), "name": read[2][:120], "states": [ids[one] for one in wanted]}
        )
    return found


def _settings(
    request: Request,
    form: Form | None = None,
    error: Rejected | None = None,
    late: Rules | Targets | WorkCalendar | None = None,
) -> Response:
    """`late`: what was to be set, where somebody else has set something meanwhile."""
    lang, settings = request.lang, wiring.voice_settings()
    (rules, rules_rev), (targets, targets_rev), (calendar, calendar_rev) = console.together(
        lambda: settings.get(Rules), lambda: settings.get(Targets), lambda: settings.get(WorkCalendar)
    )
    asked = {area for rule in rules.rules for area in rule.areas}
    calendars = [calendar, late] if isinstance(late, WorkCalendar) else [calendar]
    asked |= {state for each in calendars for one in each.holidays for state in one.states}
    areas = wiring.directory().many(asked) if asked else {}
    places = {one: named(area.names, lang) for one, area in areas.items()}
    departments = _departments(lang)
    sections = {"calendar": calendar_rev, "targets": targets_rev, "rules": rules_rev}
    typed = form or Form()
    do = typed.one("do").partition(":")[0]
    if do in ("calendar", "targets") and not late:
        sections[do] = whole(typed.one("version")) or 0
    errors, problems = told(error, lang, SETTING_NAMES)
    last = None
    if late:
        now = calendar if isinstance(late, WorkCalendar) else targets
        theirs, mine = (_told_setting(each, places, dict(departments), lang) for each in (now, late))
        fields = differences(theirs, mine, SETTING_NAMES, lang) if mine else ()
        last = meanwhile(wiring.audit(), wiring.users().names, f"voice#{SETTING_IDS[type(late)]}", fields)
    rows = [one.model_dump() for one in targets.targets]
    if do == "targets":
        rows = _typed_targets(typed)
    return console.page(
        request,
        "console_voice_settings.html",
        "voices",
        status=error.status if error else 200,
        said=SAID_OF_SETTINGS,
        versions=sections,
        meanwhile=last,
        calendar=Form(
            typed.values
            if do == "calendar"
            else {
                "opens": [calendar.opens],
                "closes": [calendar.closes],
                "days": [str(one) for one in calendar.days],
                "saturdays": [str(one) for one in calendar.saturdays],
                "holidays": ["\n".join(_line(one, places) for one in calendar.holidays)],
            }
        ),
        week=[(str(number), translate(lang, name)) for number, name in enumerate(WEEK)],
        targets=[*rows, {"kind": "", "department": "", "answer_hours": "", "resolve_hours": ""}],
        defaults=[
            (KINDS[kind], one.answer_hours, one.resolve_hours) for kind, one in DEFAULT_TARGETS.items()
        ],
        rules=[_rule(one, places, dict(departments)) for one in rules.rules],
        form=typed if do in ("add", "place") else Form({"once": [new_token()]}),
        place=pick_place(typed, wiring.directory().children, lang),
        kinds=labels(KINDS, lang),
        departments=departments,
        errors=errors,
        problems=problems,
    )


def _told_setting(
    one: Rules | Targets | WorkCalendar, places: Mapping[str, str], departments: Mapping[str, str], lang: str
) -> dict[str, str]:
    """Hours or waiting times as text, by field. Rules are not overwritten: what is typed is added to those
    that there are now."""
    if isinstance(one, Targets):
        return {"targets": "\n".join(_told_target(each, departments, lang) for each in one.targets)}
    if isinstance(one, Rules):
        return {}
    return {
        "opens": one.opens,
        "closes": one.closes,
        "days": "\n".join(translate(lang, WEEK[number]) for number in sorted(one.days)),
        "saturdays": ", ".join(map(str, sorted(one.saturdays))),
        "holidays": "\n".join(_line(each, places) for each in one.holidays),
    }


def _told_target(one: Target, departments: Mapping[str, str], lang: str) -> str:
    every = translate(lang, mark("any"))
    kind = translate(lang, KINDS[one.kind]) if one.kind else every
    department = departments.get(one.department, one.department) or every
    return f"{kind} · {department}: {one.answer_hours:g} / {one.resolve_hours:g}"


def _line(one: Holiday, places: Mapping[str, str]) -> str:
    states = ", ".join(places.get(state, state) for state in one.states)
    return f"{day(one.day)} {one.name}{f' [{states}]' if states else ''}"


def _rule(one: Rule, places: Mapping[str, str], departments: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": one.id,
        "keywords": ", ".join(one.keywords),
        "areas": ", ".join(places.get(area, area) for area in one.areas),
        "kind": KINDS[one.kind] if one.kind else "",
        "department": departments.get(one.department, one.department),
        "means": KINDS[one.means] if one.means else "",
    }


# --- one voice


@api.page("GET", f"{ROOM}/{{ticket}}", allow="voice.read", summary="All of a voice")
def one(request: Request, ticket: str) -> Response:
    return _case(request, ticket)


@api.page(
    "GET", f"{ROOM}/{{ticket}}/pictures/{{number}}", allow="voice.read", summary="A picture, for two minutes"
)
def picture(request: Request, ticket: str, number: str) -> Response:
    if not number.isascii() or not number.isdigit() or len(number) > 4:  # noqa: PLR2004 - as many as no voice has
        raise NotFound
    return redirect(wiring.voice_desk().picture(request.principal, ticket, int(number)))


@api.page("POST", f"{ROOM}/{{ticket}}/reveal", allow="voice.reveal", summary="Whose it is, in clear: kept")
def reveal(request: Request, ticket: str) -> Response:
    try:
        sender = wiring.voice_desk().reveal(request.principal, ticket)
    except NotFound as error:
        return _case(request, ticket, error=error)
    return _case(request, ticket, clear={"name": sender.name, "address": sender.address})


@api.page("POST", f"{ROOM}/{{ticket}}/assignment", allow="voice.assign", summary="Give it to a department")
def assign(request: Request, ticket: str) -> Response:
    def act(form: Form) -> str:
        given = {"department": form.one("department"), "reason": form.one("reason").strip()}
        body = AssignmentBody.model_validate(given | ({"kind": form.one("kind")} if form.one("kind") else {}))
        desk = wiring.voice_desk()
        desk.assign(request.principal, ticket, body.department, body.reason, body.kind, seen=_seen(form))
        return "assigned"

    return _act(request, ticket, act)


@api.page("POST", f"{ROOM}/{{ticket}}/answer", allow="voice.answer", summary="Answer, settle or decline it")
def answer(request: Request, ticket: str) -> Response:
    def act(form: Form) -> str:
        desk, who, seen, how = wiring.voice_desk(), request.principal, _seen(form), form.one("how")
        if how in ("resolved", "declined"):
            end = ResolutionBody.model_validate({"status": how, "text": form.one("text").strip()})
            desk.close(who, ticket, end.status, end.text, seen=seen)
            return how
        body = AnswerBody.model_validate({"text": form.one("text").strip(), "asks": how == "asks"})
        desk.answer(who, ticket, body.text, asks=body.asks, seen=seen)
        return "answered"

    return _act(request, ticket, act)


@api.page("POST", f"{ROOM}/{{ticket}}/reopening", allow="voice.answer", summary="Open a closed voice again")
def reopen(request: Request, ticket: str) -> Response:
    def act(form: Form) -> str:
        wiring.voice_desk().reopen(request.principal, ticket, _reason(form))
        return "reopened"

    return _act(request, ticket, act)


@api.page("POST", f"{ROOM}/{{ticket}}/merge", allow="voice.merge", summary="Join it to another, or part them")
def merge(request: Request, ticket: str) -> Response:
    def act(form: Form) -> str:
        desk, who = wiring.voice_desk(), request.principal
        if form.one("part"):
            desk.part(who, ticket, _reason(form))
            return "parted"
        given = {"into": form.one("into").strip(), "reason": form.one("reason").strip()}
        body = MergeBody.model_validate(given)
        desk.get(who, ticket, MERGE)
        try:
            desk.merge(who, ticket, body.into, body.reason)
        except NotFound:
            raise InvalidInput.of("into", "ticket_unknown", NO_TICKET) from None
        return "joined"

    return _act(request, ticket, act)


@api.page(
    "POST", f"{ROOM}/{{ticket}}/moderation", allow="voice.moderate", summary="Take out words, hide, show"
)
def moderate(request: Request, ticket: str) -> Response:
    def act(form: Form) -> str:
        desk, who, what = wiring.voice_desk(), request.principal, form.one("do")
        if what == "redact":
            parts = [line.strip() for line in form.one("parts").splitlines()]
            body = RedactionBody.model_validate(
                {"key": form.one("key"), "parts": [one for one in parts if one]}
            )
            desk.redact(who, ticket, body.key, body.parts)
            return "redacted"
        desk.hide(who, ticket, "" if what == "show" else _reason(form))
        return "shown" if what == "show" else "hidden"

    return _act(request, ticket, act)


def _reason(form: Form) -> str:
    return Reason.model_validate({"reason": form.one("reason").strip()}).reason


def _seen(form: Form) -> int | None:
    """The revision that was looked at: a second click is told so, and does nothing."""
    return (whole(form.one("rev")) or 0) if form.one("rev") else None


def _act(request: Request, ticket: str, act: Callable[[Form], str]) -> Response:
    return console.act(request, act, partial(_case, request, ticket), f"{ROOM}/{ticket}", of_one=True)


def _case(
    request: Request,
    ticket: str,
    form: Form | None = None,
    error: Rejected | None = None,
    clear: Mapping[str, str] | None = None,
) -> Response:
    whole = wiring.voice_desk().whole(request.principal, ticket)
    voice, lang = whole.voice, request.lang
    at = request.path.rpartition("/")[2] if error else ""
    beside = {"reason": f"why-{at}"} if at in REASONED else {}
    names = {beside.get(name, name): label for name, label in NAMES.items()}
    errors, problems = told(error, lang, names, also=beside)
    now, calendar = wiring.clock().now(), wiring.voice_settings().calendar()
    numbers = itertools.count()
    blank: dict[str, Any] = {"key": "", "before": (), "redacted": False, "pictures": (), "asks": False}
    words = [
        blank
        | {
            "at": one.at,
            "ours": False,
            "label": mark("What was said"),
            "text": one.text,
            "key": one.key,
            "before": one.before,
            "redacted": bool(one.redacted_by),
            "pictures": [next(numbers) for _ in one.attachments],
        }
        for one in whole.said
    ]
    answers = [
        blank
        | {"at": one.at, "ours": True, "label": OCCASIONS[one.occasion], "text": one.text, "asks": one.asks}
        for one in whole.answers
    ]
    thread = sorted((*words, *answers), key=lambda one: one["at"])
    sender = whole.sender
    return console.page(
        request,
        "console_voice.html",
        "voices",
        status=error.status if error else 200,
        said=SAID,
        voice=voice,
        row=_row(request, voice, now, calendar),
        thread=[one | {"when": moment(one["at"])} for one in thread],
        notes=[
            {"what": DONE.get(n.action, n.action), "when": moment(n.at), "text": n.text} for n in whole.notes
        ],
        brought=[(moment(one.at), *_told(one.step, one.outcome)) for one in whole.told],
        sender=(masked_name(sender.name), masked_address(sender.address)) if sender else None,
        way=WAYS.get(sender.channel if sender else "", WAYS[""]),
        clear=clear,
        form=form or Form(),
        spoken=request.query.get("said") in ("answered", "resolved", "declined"),
        at=at,
        errors=errors,
        problems=problems,
        kinds=labels(KINDS, lang),
        departments=_departments(lang),
        deadlines=[
            (label, moment(at))
            for label, at in (
                (mark("To be answered by"), voice.answer_due),
                (mark("To be settled by"), voice.resolve_due),
            )
            if at and voice.shelf == "open"
        ],
    )


def _told(step: str, outcome: str) -> tuple[str, str]:
    """Of what people or staff were told, and what came of it; a platform's code where we have no word."""
    what, came = step.partition(":")[0], outcome.partition(":")[0]
    return TELLING.get(what, step), OUTCOMES.get(came, outcome)


def _place(voice: Voice, lang: str) -> str:
    area = wiring.directory().get(voice.area) if voice.area else None
    return named(area.names, lang) if area else ""


def _departments(lang: str) -> list[tuple[str, str]]:
    """Departments by their names in `lang`."""
    found = ((one, named(names, lang)) for one, names in wiring.shown_departments().items())
    return sorted(found, key=lambda pair: pair[1])
