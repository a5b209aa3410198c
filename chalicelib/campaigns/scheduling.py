"""When a campaign goes out: its runs, the coming days, what an override lets through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.campaigns import outlook, parts, saying, words
from chalicelib.campaigns.model import Campaign, Run
from chalicelib.campaigns.service import READ, SCHEDULE, AudienceTooLarge
from chalicelib.campaigns.times import INDIA, LIVES, LONGEST_SPREAD, Repeat
from chalicelib.clock import IST
from chalicelib.errors import Conflict, Forbidden, InvalidInput
from chalicelib.http import Api, Request, invalid
from chalicelib.i18n import translate
from chalicelib.pages import console
from chalicelib.pages.figures import day, moment
from chalicelib.pages.forms import Form, labels, summary, typed_moment, whole
from chalicelib.pages.frame import named
from chalicelib.pages.words import EVERY, PURPOSES
from chalicelib.ports import Area, Polling, keeps_silence, needs_override

api = Api("campaigns_desk")

OVERRIDE = "campaign.override"


@api.page(
    "GET",
    "/console/campaigns/{campaign_id}/schedule",
    allow=READ,
    summary="When a campaign goes out: its runs, the coming days",
)
def schedule_page(request: Request, campaign_id: str) -> Response:
    return _scheduling(request, wiring.campaigns().seen(request.principal, campaign_id), Form())


@api.page(
    "POST", "/console/campaigns/{campaign_id}/schedule", allow=SCHEDULE, summary="Look at a run, then fix it"
)
def schedule(request: Request, campaign_id: str) -> Response:
    service, form, who = wiring.campaigns(), Form(request.form()), request.principal
    seen = service.seen(who, campaign_id, SCHEDULE)
    if form.one("do") == "go" and str(seen.runs - 1) == form.one("runs") and seen.status != "approved":
        return _fixed(request, seen, form)  # the form was sent twice
    try:
        asked = _asked_for(form)
        if form.one("do") == "go":
            service.schedule(who, seen.id, **asked)
            return _fixed(request, seen, form)
        plan = service.planned(who, seen.id, **asked)
    except (ValidationError, InvalidInput, Conflict, Forbidden) as wrong:
        return _scheduling(request, seen, form, saying.refused(wrong, request.lang))
    return _scheduling(request, seen, form, plan=plan)


def _asked_for(form: Form) -> dict[str, Any]:
    """What `Campaigns.schedule` is asked. Raises InvalidInput, ValidationError."""
    at = typed_moment(form.one("at"), "at") if form.one("when") != "now" else None
    if at is None and form.one("when") != "now":
        raise InvalidInput.of("at", "missing", "Please fill in this field.")
    every, times = form.one("every"), form.one("times").strip()
    spread = form.one("spread_minutes").strip() or "0"
    minutes, most = whole(spread), LONGEST_SPREAD // timedelta(minutes=1)
    if minutes is None or minutes > most:
        sentence = "Please write a whole number of minutes, at most %(n)s."
        raise InvalidInput.of("spread_minutes", "spread", sentence, n=most)
    repeat = None
    if every:
        until = typed_moment(form.one("until"), "repeat")
        try:
            repeat = Repeat.model_validate({"every": every, "times": times or None, "until": until})
        except ValidationError as wrong:
            raise InvalidInput([replace(one, field="repeat") for one in invalid(wrong).errors]) from None
    return {"at": at, "zone": INDIA, "spread_minutes": minutes, "repeat": repeat}


def _fixed(request: Request, seen: Campaign, form: Form) -> Response:
    """What begins at once is watched; what begins later, or waits for the end of the quiet hours, stands in
    the schedule."""
    service = wiring.campaigns()
    quiet = service.quiet_of(seen.content).hours if seen.content.kind != "emergency" else None
    waits = quiet is not None and quiet.until(service.clock.now()) is not None
    if form.one("when") == "now" and not waits and request.principal.may("campaign.report"):
        return parts.done(request, seen.id, "begun", "report")
    return parts.done(request, seen.id, "scheduled")


@api.page(
    "POST",
    "/console/campaigns/{campaign_id}/overrides",
    allow=OVERRIDE,
    summary="Let it go out under a code of conduct, or take that back",
)
def override(request: Request, campaign_id: str) -> Response:
    service, form, who = wiring.overrides(), Form(request.form()), request.principal
    seen = wiring.campaigns().seen(who, campaign_id, OVERRIDE)
    election, reason = form.one("election"), form.one("reason").strip()[:500]
    ends, stands = form.one("do") == "end", form.one("election") in seen.overridden
    try:
        if ends and stands:
            service.withdraw(who, seen.id, election)
        elif form.one("do") == "give" and not stands:
            if not reason:
                raise InvalidInput.of("reason", "missing", "Please fill in this field.")
            service.give(who, seen.id, election, reason)
        elif form.one("do") not in ("end", "give"):
            raise InvalidInput.of("do", "do_unknown", "Choose one of these.")
    except (InvalidInput, Conflict, Forbidden) as wrong:
        return _scheduling(request, seen, form, saying.refused(wrong, request.lang))
    return parts.done(request, seen.id, "taken_back" if ends else "allowed")


def _scheduling(
    request: Request,
    seen: Campaign,
    form: Form,
    refused: saying.Refused | None = None,
    plan: Run | None = None,
) -> Response:
    service, lang, who, content = wiring.campaigns(), request.lang, request.principal, seen.content
    now = service.clock.now()
    areas = service.areas.many(content.audience.areas)
    pollings, runs, people = console.together(
        lambda: service.law.calendar().between(
            [one.path for one in areas.values()], now, outlook.until_then(now)
        ),
        partial(service.runs_of, seen),
        wiring.users().names if seen.overrides else dict,
    )
    quiet = (runs[-1].quiet if runs else None) or service.quiet_of(content)
    held = quiet.hours if content.kind != "emergency" else None
    times = [run.at for run in runs if run.status in ("scheduled", "dispatching", "paused")]
    times += (
        _coming(plan)
        if plan
        else [at for run in runs if run.status == "scheduled" for at in _coming(run)[1:]]
    )
    days = outlook.outlook(now, pollings, times, content.expires_at)
    places = _place_names(pollings, lang)
    kind, whose = content.kind, service.organisation_kind
    silenced, coded = keeps_silence(kind, whose), needs_override(kind, whose)
    known = {one.id: one.name for one in pollings}
    beside = saying.beside(refused.errors if refused else (), (), (), lang)
    problems = [("", refused.above)] if refused and refused.above else []
    return console.page(
        request,
        "console_schedule.html",
        "campaigns",
        status=refused.status if refused else 200,
        said=words.STEPS,
        trail=[(f"/console/campaigns/{seen.id}", content.title), ("", translate(lang, "When it goes out"))],
        seen=seen,
        form=form,
        errors=beside,
        problems=problems + summary(beside, {name: saying.label(name, lang) for name in beside}, lang),
        status_word=words.status(seen),
        shade=words.shade(seen),
        may_schedule=who.may(SCHEDULE),
        own=not seen.may_be_approved_by(who.id),
        everies=labels(EVERY, lang),
        plan=_plan(request, seen, form, plan, pollings=pollings, areas=areas) if plan else None,
        runs=[_run_shown(run) for run in runs],
        overrides=[
            {
                "election": one.election,
                "name": known.get(one.election, one.election),
                "by": people.get(one.by, one.by),
                "at": moment(one.at),
                "reason": one.reason,
                "withdrawn": moment(one.withdrawn_at) if one.withdrawn_at else "",
            }
            for one in seen.overrides
        ],
        codes=[(one.id, one.name) for one in pollings if coded and one.id not in seen.overridden],
        quiet=quiet if held else None,
        silenced=silenced,
        coded=coded,
        effect=" ".join(
            translate(lang, words.EFFECTS[name])
            for name, so in (("silence", silenced), ("code", coded), ("free", not silenced and not coded))
            if so
        ),
        days=[_day_shown(one, places) for one in days],
    )


def _coming(run: Run) -> list[datetime]:
    """When a run and those that follow it in its series begin."""
    series = run.series
    return [run.at] if series is None else [series.at(n) for n in range(series.number, series.last + 1)]


def _place_names(pollings: Sequence[Polling], lang: str) -> dict[str, str]:
    areas = {area for one in pollings for area in one.areas}
    found = wiring.directory().many(sorted(areas)[:500]) if areas else {}
    return {area: named(one.names, lang) for area, one in found.items()}


def _day_shown(one: outlook.Day, places: Mapping[str, str]) -> dict[str, Any]:
    def spans(of: Sequence[outlook.Span]) -> list[dict[str, str]]:
        return [
            {
                "name": span.name,
                "times": f"{_clock(span.begins)}–{_clock(span.ends, midnight='24:00')}",
                "areas": ", ".join(places.get(area, area) for area in span.areas),
            }
            for span in of
        ]

    return {
        "held": bool(one.silences or one.codes),
        "label": day(one.on),
        "runs": [_clock(at) for at in one.runs],
        "silences": spans(one.silences),
        "codes": spans(one.codes),
        "over": one.over,
    }


def _clock(at: datetime, midnight: str = "00:00") -> str:
    told = f"{at.astimezone(IST):%H:%M}"
    return midnight if told == "00:00" else told


def _run_shown(run: Run) -> dict[str, Any]:
    place = run.series and (EVERY[run.series.every], run.series.number + 1, run.series.last + 1)
    return {
        "at": moment(run.at),
        "ends": moment(run.expires_at),
        "status": words.RUNS[run.status],
        "shade": words.SHADES.get(run.status, ""),
        "purpose": PURPOSES.get(run.purpose, ""),
        "place": place,
    }


def _plan(
    request: Request,
    seen: Campaign,
    form: Form,
    run: Run,
    *,
    pollings: Sequence[Polling],
    areas: Mapping[str, Area],
) -> dict[str, Any]:
    """What the person is asked to confirm: the run, whom it would reach now, and what holds it."""
    service, lang = wiring.campaigns(), request.lang
    try:
        counted = service.preview(seen.content.audience, run.channels)
    except AudienceTooLarge:
        counted = None
    series, quiet = run.series, run.quiet.hours if run.quiet and run.kind != "emergency" else None
    warnings = []
    if quiet and (awake := quiet.until(run.at)):
        sentence = "It begins in the quiet hours: nothing is sent before %(time)s."
        warnings.append(translate(lang, sentence, {"time": moment(awake)}))
    calendar, whose = service.law.calendar(), service.organisation_kind
    if keeps_silence(run.kind, whose):
        silent = [one for one in areas.values() if calendar.at(one.path, run.at).silent]
        if silent:
            sentence = "There is silence when it begins: people in %(areas)s get nothing."
            names = ", ".join(named(one.names, lang) for one in silent)
            warnings.append(translate(lang, sentence, {"areas": names}))
    if needs_override(run.kind, whose):
        coming = [
            one for one in pollings if one.code_from > run.at and one.code_from < _coming(run)[-1] + LIVES
        ]
        sentence = "From %(time)s the code of conduct of %(name)s holds: from then on nothing goes out there."
        warnings += [
            translate(lang, sentence, {"time": moment(one.code_from), "name": one.name})
            for one in coming
            if one.id not in seen.overridden
        ]
    return {
        "now": form.one("when") == "now",
        "begins": moment(run.at),
        "ends": moment(run.expires_at),
        "every": EVERY[series.every] if series else "",
        "times": series.last + 1 if series else 0,
        "last": day(series.at(series.last)) if series else "",
        "spread": run.spread_minutes,
        "count": counted.count if counted else None,
        "by_channel": [
            (translate(lang, words.CHANNELS.get(name, name)), count)
            for name, count in (counted.by_channel.items() if counted else ())
        ],
        "left_out": [
            (translate(lang, words.EXCLUDED.get(why, why)), count)
            for why, count in (counted.excluded.items() if counted else ())
        ],
        "warnings": warnings,
        "fields": [
            (name, form.one(name))
            for name in ("runs", "when", "at", "spread_minutes", "every", "times", "until")
        ],
    }
