"""The console's rooms of categories and of appeals: what the policies say, what creators appeal against."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, get_args

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.errors import InvalidInput, NotFound, Rejected
from chalicelib.http import Api, Request, invalid, next_cursor, read_cursor, redirect
from chalicelib.i18n import COMPLETE, translate
from chalicelib.ids import new_token
from chalicelib.pages import console
from chalicelib.pages.figures import day, grouped, moment
from chalicelib.pages.forms import Form, labels, own_areas, told
from chalicelib.pages.frame import named
from chalicelib.pages.meanwhile import Meanwhile, differences, meanwhile
from chalicelib.pages.pieces import pieces
from chalicelib.pages.shell import ENDONYMS, mark
from chalicelib.pages.words import PLATFORMS_IN_FULL
from chalicelib.policies import words
from chalicelib.policies.appeal import ANSWER, LONGEST, AnswerBody, Appeal, Subject, person_of
from chalicelib.policies.appeal import READ as READ_APPEAL
from chalicelib.policies.appeal import State as AppealState
from chalicelib.policies.model import (
    LONGEST_TERMS,
    TRIAL,
    EndBody,
    Policy,
    PolicyBody,
    Rule,
    StartBody,
    State,
    Terms,
    counted,
)
from chalicelib.policies.service import ChangedMeanwhile, made_by
from chalicelib.policies.tiers import READ_PERSON, Placed
from chalicelib.ports import Profile

api = Api("policies_desk")
ROOM, APPEALS = "/console/policies", "/console/appeals"
A_PAGE = 25
"""No more than the register tells the names of in one request."""
STATES: dict[State, str] = {
    "draft": mark("Draft"),
    "to_come": mark("Begins later"),
    "in_force": mark("In force"),
    "past": mark("No longer in force"),
}
COLOURS: dict[State, str] = {"draft": "wait", "to_come": "wait", "in_force": "", "past": "bad"}
SUBJECTS: dict[str, str] = {
    "tier": mark("The category"),
    "review": mark("Declined or suspended"),
    "handle": mark("Whose an account is"),
}
TABS: dict[str, str] = {"open": mark("Open"), "answered": mark("Answered")}
OUTCOMES = {"granted": mark("Granted"), "refused": mark("Refused")}
REVIEWS = {"declined": mark("Declined"), "suspended": mark("Suspended"), "approved": mark("Approved")}
ANSWERED = {"answered": mark("Your answer stands now on the creator's page.")}
SAID = {
    "written": mark("The version is written. It holds once somebody else puts it in force."),
    "started": mark("It is decided from when this version holds."),
    "ended": mark("It is decided on which day this policy ends."),
}
NAMES = {
    "version": mark("Version"),
    "begins": mark("Holds from"),
    "on": mark("Last day"),
    "reason": mark("Reason"),
    "terms": mark("What it says"),
    "name_hi": mark("Name in Hindi"),
    "name_en": mark("Name in English"),
    "issued_by": mark("Issued by"),
    "area": mark("Area"),
    "outcome": mark("Decision"),
}
EMPTY = {
    "tiers": [
        {
            "id": "a",
            "names": {"hi": "श्रेणी क", "en": "Category A"},
            "rules": [{"kind": "followers", "at_least": {"instagram": 10000, "youtube": 10000}}],
        }
    ],
    "rules": [],
    "source": "",
    "not_certain": [],
}
"""What a new policy begins with, to be overwritten."""


# --- policies


@api.page("GET", ROOM, allow="policy.read", summary="All policies, and which version holds")
def policies(request: Request) -> Response:
    today = wiring.clock().today_ist()
    found = sorted(wiring.policies().listed(), key=lambda one: (one.in_force(today) is None, one.id))
    rows = [_row(one, today, request.lang) for one in found]
    return console.page(request, "console_policies.html", "policies", rows=rows)


@api.page("GET", f"{ROOM}/new", allow="policy.write", summary="Write a policy")
def new_policy(request: Request) -> Response:
    return _new(request, Form({"terms": [_text(EMPTY)], "once": [new_token()]}))


@api.page("POST", f"{ROOM}/new", allow="policy.write", summary="Keep a new policy; its version is a draft")
def create(request: Request) -> Response:
    """A second click leads to what the first one has made."""
    form, who = Form(request.form()), request.principal
    once = form.one("once")
    try:
        body = PolicyBody.model_validate(
            {
                "names": {
                    code: form.one(f"name_{code}") for code in COMPLETE if form.one(f"name_{code}").strip()
                },
                "issued_by": form.one("issued_by").strip(),
                "sample": bool(form.one("sample")),
                "terms": _terms(form),
            }
        )
        made = wiring.policies().create(who, body, once)[0].id
    except ChangedMeanwhile:
        made = made_by(who, once)
    except ValidationError as error:
        return _new(request, form, invalid(error))
    except Rejected as error:
        return _new(request, form, error)
    return redirect(console.link(request, f"{ROOM}/{made}", said="written"))


@api.page("GET", f"{ROOM}/{{policy}}", allow="policy.read", summary="A policy and its versions")
def policy(request: Request, policy: str) -> Response:
    return _policy(request, policy)


@api.page("POST", f"{ROOM}/{{policy}}/start", allow="policy.start", summary="Put a version in force")
def start(request: Request, policy: str) -> Response:
    def act(form: Form) -> str:
        asked = {name: form.one(name).strip() for name in ("begins", "reason")}
        body = StartBody.model_validate(asked | {"version": _number(form.one("version")) or 0})
        wiring.policies().start(request.principal, policy, body, _number(form.one("rev")))
        return "started"

    return _act(request, policy, "start", act)


@api.page("POST", f"{ROOM}/{{policy}}/end", allow="policy.start", summary="Let a policy end")
def end(request: Request, policy: str) -> Response:
    def act(form: Form) -> str:
        body = EndBody.model_validate({name: form.one(name).strip() for name in ("on", "reason")})
        wiring.policies().end(request.principal, policy, body, _number(form.one("rev")))
        return "ended"

    return _act(request, policy, "end", act)


@api.page("GET", f"{ROOM}/{{policy}}/versions", allow="policy.write", summary="Write another version")
def another(request: Request, policy: str) -> Response:
    seen = wiring.policies().get(policy)
    terms = wiring.policies().version(policy, seen.versions).terms
    return _another(request, seen, Form({"terms": [_said(terms)], "rev": [str(seen.rev)]}))


@api.page("POST", f"{ROOM}/{{policy}}/versions", allow="policy.write", summary="Keep another version")
def write(request: Request, policy: str) -> Response:
    form = Form(request.form())
    try:
        terms = Terms.model_validate(_terms(form))
        wiring.policies().write(request.principal, policy, terms, _number(form.one("rev")))
    except ValidationError as error:
        return _another(request, wiring.policies().get(policy), form, invalid(error))
    except ChangedMeanwhile as error:
        seen = wiring.policies().get(policy)
        theirs, mine = (_said(one) for one in (wiring.policies().version(policy, seen.versions).terms, terms))
        if theirs == mine:  # it was sent twice: the version stands
            return _another(request, seen, form, error)
        fields = differences({"terms": theirs}, {"terms": mine}, NAMES, request.lang)
        last = meanwhile(wiring.audit(), wiring.users().names, f"policy#{policy}", fields)
        return _writing(request, seen, form.changed(rev=str(seen.rev)), error, last)
    except Rejected as error:
        return _another(request, wiring.policies().get(policy), form, error)
    return redirect(console.link(request, f"{ROOM}/{policy}", said="written"))


@api.page("GET", f"{ROOM}/{{policy}}/trial", allow="policy.trial", summary="Try a version on an area")
def trial(request: Request, policy: str) -> Response:
    """Nothing is kept. At most 500 people at once: further ones by the cursor, counted by themselves."""
    asked = _asked(request)
    area, number = asked.one("area"), _number(asked.one("version"))

    def tried() -> tuple[dict[str, Any], Rejected | None]:
        try:
            return _tried(request, policy, number, area) if area else {}, None
        except Rejected as refused:
            return {}, refused

    seen, (found, error) = console.together(lambda: wiring.policies().get(policy), tried)
    errors, problems = _told(error, request.lang)
    return console.page(
        request,
        "console_trial.html",
        "policies",
        status=error.status if error else 200,
        id=policy,
        name=named(seen.names, request.lang),
        numbers=[(str(one), str(one)) for one in range(seen.versions, 0, -1)],
        number=str(number or seen.versions),
        areas=_areas(request, area, TRIAL),
        form=asked,
        found=found,
        errors=errors,
        problems=problems,
    )


def _tried(request: Request, policy: str, number: int | None, area: str) -> dict[str, Any]:
    version, found, after = wiring.tiers().trial(
        request.principal, policy, number, area, read_cursor(request)
    )
    by_tier, none, possible = counted(found, version.terms.tiers)
    return {
        "read": len(found),
        "tiers": [(named(one.names, request.lang), by_tier[one.id]) for one in version.terms.tiers],
        "none": none,
        "possible": possible,
        "behind": bool(read_cursor(request)),
        "more": next_cursor(request, after),
    }


def _row(one: Policy, today: date, lang: str) -> dict[str, Any]:
    holds, over = one.in_force(today), one.ends_on is not None and one.ends_on < today
    coming = [start for start in one.starts if start.begins > today]
    state: State = "in_force" if holds else "past" if over else "to_come" if coming else "draft"
    return {
        "id": one.id,
        "name": named(one.names, lang),
        "issued_by": one.issued_by,
        "sample": one.sample,
        "state": STATES[state],
        "colour": COLOURS[state],
        "version": holds.version if holds else 0,
        "since": day(holds.begins) if holds else "",
        "coming": [] if over else [(start.version, day(start.begins)) for start in coming],
        "ends": day(one.ends_on) if one.ends_on else "",
        "versions": one.versions,
    }


def _act(request: Request, policy: str, what: str, act: Callable[[Form], str]) -> Response:
    return console.act(request, act, partial(_policy, request, policy, what=what), f"{ROOM}/{policy}")


def _policy(
    request: Request, policy: str, form: Form | None = None, error: Rejected | None = None, what: str = ""
) -> Response:
    """`what`: the form that was refused, `start` or `end`."""
    service, lang, today = wiring.policies(), request.lang, wiring.clock().today_ist()
    seen = service.get(policy)
    asked = _number((form or _asked(request)).one("version"))
    number = asked if asked and asked <= seen.versions else seen.versions
    (version, before), people = console.together(
        partial(service.beside_before, policy, number), wiring.users().names
    )
    wanted = version.terms.areas | (before.terms.areas if before else frozenset())
    areas = (
        {one.id: named(one.names, lang) for one in wiring.directory().many(wanted).values()} if wanted else {}
    )
    now = written(version.terms, lang, areas)
    errors, problems = _told(error, lang)
    row = _row(seen, today, lang)
    return console.page(
        request,
        "console_policy.html",
        "policies",
        status=error.status if error else 200,
        said=SAID,
        one=row,
        rev=seen.rev,
        number=number,
        state=STATES[seen.state(number, today)],
        colour=COLOURS[seen.state(number, today)],
        by=people.get(version.by, version.by),
        at=moment(version.at),
        mine=version.by == request.principal.id,
        before=before.number if before else 0,
        text=list(pieces(written(before.terms, lang, areas), now)) if before else [("same", now)],
        numbers=[
            (one, STATES[seen.state(one, today)], COLOURS[seen.state(one, today)])
            for one in range(seen.versions, max(0, seen.versions - A_PAGE), -1)
        ],
        starts=[
            (start.version, day(start.begins), people.get(start.by, start.by), start.reason)
            for start in seen.starts[::-1][:A_PAGE]
        ],
        ended=(people.get(seen.ended_by, seen.ended_by), seen.reason) if seen.ends_on else None,
        over=seen.ends_on is not None and seen.ends_on < today,
        today=today.isoformat(),
        form=form or Form(),
        what=what,
        errors=errors,
        problems=problems,
    )


def written(terms: Terms, lang: str, areas: Mapping[str, str]) -> str:
    """All that a version says, to be read and to be compared: a category after the other."""

    def rules(of: tuple[Rule, ...]) -> list[str]:
        return [f"– {words.asks(one, '', lang, areas)}" for one in of]

    parts = [[translate(lang, mark("For every category:")), *rules(terms.rules)]] if terms.rules else []
    for tier in terms.tiers:
        lines = [f"{named(tier.names, lang)} ({tier.id})", *rules(tier.rules)]
        if tier.ceiling_rupees is not None:
            most: dict[str, object] = {"rupees": grouped(tier.ceiling_rupees)}
            lines.append(f"– {translate(lang, 'At most %(rupees)s rupees a month.', most)}")
        if tier.note:
            lines.append(f"– {named(tier.note, lang)}")
        parts.append(lines)
    if terms.source:
        parts.append([translate(lang, mark("Published in:")), terms.source])
    if terms.not_certain:
        parts.append([translate(lang, mark("Not certain:")), *(f"– {one}" for one in terms.not_certain)])
    return "\n\n".join("\n".join(lines) for lines in parts)


def _new(request: Request, form: Form, error: Rejected | None = None) -> Response:
    return _writing(request, None, form, error)


def _another(request: Request, seen: Policy, form: Form, error: Rejected | None = None) -> Response:
    return _writing(request, seen, form, error)


def _writing(
    request: Request, seen: Policy | None, form: Form, error: Rejected | None, last: Meanwhile | None = None
) -> Response:
    errors, problems = _told(error, request.lang)
    return console.page(
        request,
        "console_policy_write.html",
        "policies",
        status=error.status if error else 200,
        id=seen.id if seen else "",
        name=named(seen.names, request.lang) if seen else "",
        form=form,
        longest=LONGEST_TERMS,
        errors=errors,
        problems=problems,
        meanwhile=last,
    )


def _said(terms: Terms) -> str:
    return _text(terms.model_dump(mode="json", exclude_defaults=True))


def _text(terms: Mapping[str, Any]) -> str:
    return json.dumps(terms, ensure_ascii=False, indent=1)


def _terms(form: Form) -> Any:  # noqa: ANN401 - whatever was typed: the model says what is wrong
    """What was typed as JSON. Raises InvalidInput with the line."""
    try:
        found = json.loads(form.one("terms"))
    except json.JSONDecodeError as error:
        sentence = "The text is not complete JSON: please look at line %(line)s."
        raise InvalidInput.of("terms", "json", sentence, line=error.lineno) from None
    except RecursionError:
        found = None
    if not isinstance(found, dict):
        raise InvalidInput.of("terms", "json", "The text must begin with { and end with }.")
    return found


def _told(error: Rejected | None, lang: str) -> tuple[Mapping[str, str], list[tuple[str, str]]]:
    """As `forms.told`; what is wrong inside the text of a version stands at that text, with its place."""
    if not isinstance(error, InvalidInput):
        errors, problems = told(error, lang, NAMES)
        return errors, list(problems)
    beside, top = dict[str, str](), list[tuple[str, str]]()
    for one in error.errors:
        head, _, rest = one.field.partition(".")
        place = rest if head == "terms" else one.field if head in Terms.model_fields else ""
        name = "terms" if place else f"name_{rest or 'hi'}" if head == "names" else head
        sentence = translate(lang, one.message, one.params)
        said = f"{place}: {sentence}" if place else sentence
        beside.setdefault(name, said)
        label = translate(lang, NAMES[name]) if name in NAMES and not place else ""
        top.append((name if name in NAMES else "", f"{label}: {said}" if label else said))
    return beside, top


# --- appeals


@api.page("GET", APPEALS, allow="appeal.read", summary="Appeals of one's areas")
def appeals(request: Request) -> Response:
    asked, place, error = _asked(request), None, None
    found: list[Appeal] = []
    state: AppealState = next((one for one in get_args(AppealState) if one == asked.one("state")), "open")
    subject: Subject | None = next((one for one in get_args(Subject) if one == asked.one("subject")), None)
    try:
        found, place = wiring.appeals().listed(
            request.principal,
            state=state,
            area=asked.one("area") or None,
            subject=subject,
            limit=A_PAGE,
            after=read_cursor(request),
        )
    except Rejected as refused:
        error = refused
    errors, problems = _told(error, request.lang)
    names, homes = console.together(
        partial(_people, request, [one.person for one in found]),
        partial(_homes, [one.path for one in found], request.lang),
    )
    return console.page(
        request,
        "console_appeals.html",
        "appeals",
        status=error.status if error else 200,
        rows=[_listed(request, one, names, homes) for one in found],
        more=next_cursor(request, place),
        state=state,
        tabs=labels(TABS, request.lang),
        subjects=labels(SUBJECTS, request.lang),
        subject=subject or "",
        areas=_areas(request, asked.one("area"), READ_APPEAL),
        form=asked,
        errors=errors,
        problems=problems,
    )


@api.page(
    "GET", f"{APPEALS}/{{appeal_id}}", allow="appeal.read", summary="An appeal with all that it is about"
)
def appeal(request: Request, appeal_id: str) -> Response:
    return _appeal(request, appeal_id)


@api.page("POST", f"{APPEALS}/{{appeal_id}}", allow="appeal.answer", summary="Grant or refuse an appeal")
def answer(request: Request, appeal_id: str) -> Response:
    def act(form: Form) -> str:
        texts = {code: form.one(f"text_{code}") for code in ENDONYMS if form.one(f"text_{code}").strip()}
        body = AnswerBody.model_validate({"outcome": form.one("outcome"), "texts": texts})
        wiring.appeals().answer(request.principal, appeal_id, body)
        return "answered"

    return console.act(request, act, partial(_appeal, request, appeal_id), f"{APPEALS}/{appeal_id}")


def _listed(
    request: Request, one: Appeal, names: Mapping[str, str], homes: Mapping[str, str]
) -> dict[str, Any]:
    until = one.answered_at or wiring.clock().now()
    return {
        "id": one.id,
        "person": one.person,
        "name": names.get(one.person, ""),
        "home": homes.get(one.path[-1], "") if one.path else "",
        "subject": SUBJECTS[one.subject],
        "text": one.text,
        "at": day(one.opened_at),
        "days": max(0, (until - one.opened_at).days),
        "outcome": OUTCOMES.get(one.outcome, ""),
        "colour": "" if one.outcome == "granted" else "bad",
        "open": one.state == "open",
        "may_answer": wiring.appeals().may_answer(request.principal, one),
        "decided": request.principal.id in one.decided_by,
    }


def _appeal(
    request: Request, appeal_id: str, form: Form | None = None, error: Rejected | None = None
) -> Response:
    who, lang, person = request.principal, request.lang, person_of(appeal_id)
    one, profile, policies, names, people = console.together(
        lambda: wiring.appeals().get(who, appeal_id),
        lambda: wiring.profiles().profile(person) if person else None,
        wiring.policies().listed,
        partial(_people, request, [person] if person else []),
        wiring.users().names,
    )
    homes, about = console.together(
        partial(_homes, [one.path], lang), partial(_about, request, one, profile, policies)
    )
    asked = list(dict.fromkeys((one.language, *COMPLETE)))
    texts = {f"text_{code}": mark("Answer") for code in asked}
    errors, problems = told(error, lang, {**NAMES, **texts}, also={"texts": f"text_{one.language}"})
    return console.page(
        request,
        "console_appeal.html",
        "appeals",
        status=error.status if error else 200,
        said=ANSWERED,
        one=_listed(request, one, names, homes),
        about=about,
        decided_by=[people.get(user, user) for user in one.decided_by],
        covers=who.covers_area(one.path, ANSWER),
        answers=[(ENDONYMS.get(code, code), text) for code, text in one.texts.items()],
        answered=(people.get(one.answered_by, one.answered_by), moment(one.answered_at))
        if one.answered_at
        else None,
        asked=[(code, ENDONYMS.get(code, code)) for code in asked],
        outcomes=labels(OUTCOMES, lang),
        longest=LONGEST,
        form=form or Form(),
        errors=errors,
        problems=problems,
    )


def _about(
    request: Request, one: Appeal, profile: Profile | None, policies: Sequence[Policy]
) -> dict[str, Any]:
    """The decision that the appeal is about, and the reasons for it."""
    if one.subject == "tier":
        return _tier(request, one, profile, policies)
    if profile is None:
        return {}
    if one.subject == "review":
        when = day(profile.reviewed_at[:10]) if profile.reviewed_at else ""
        return {"status": REVIEWS.get(profile.status, profile.status), "when": when}
    account = next((own for own in profile.accounts if own.id == one.about), None)
    if account is None:
        return {"contested": one.about in profile.contested}
    return {
        "platform": PLATFORMS_IN_FULL.get(account.platform, account.platform),
        "handle": account.handle,
        "proven": day(account.proven_at) if account.proven_at else "",
    }


def _tier(
    request: Request, one: Appeal, profile: Profile | None, policies: Sequence[Policy]
) -> dict[str, Any]:
    """By the version that held, with what is known of the person today."""
    lang = request.lang
    policy = next((policy for policy in policies if policy.id == one.about), None)
    try:
        placed = wiring.tiers().under(request.principal, profile, policy, one.version) if policy else None
    except NotFound:
        placed = None
    if placed is None:
        return {}
    terms = placed.version.terms
    held = terms.tier(one.tier)
    return {
        "policy": one.about,
        "name": named(placed.policy.names, lang),
        "version": one.version,
        "tier": named(held.names, lang) if held else "",
        "accounts": _reasons(placed, lang),
    }


def _reasons(placed: Placed, lang: str) -> list[tuple[str, list[tuple[str, str, list[words.Reason]]]]]:
    """For each account how it stands with each category, the highest first."""
    terms = placed.version.terms
    areas = (
        {one.id: named(one.names, lang) for one in wiring.directory().many(terms.areas).values()}
        if terms.areas
        else {}
    )
    names = {tier.id: named(tier.names, lang) for tier in terms.tiers}
    return [
        (
            PLATFORMS_IN_FULL.get(account.platform, ""),
            [
                (
                    names[step.tier],
                    step.answer,
                    [words.reason(finding, account.platform, lang, areas) for finding in step.findings],
                )
                for step in account.tiers
            ],
        )
        for account in placed.evaluation.accounts
    ]


# --- both


def _asked(request: Request) -> Form:
    return Form({name: [value] for name, value in request.query.items()})


def _number(typed: str) -> int | None:
    """A whole number above 0; None for anything else."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 and int(typed) else None  # noqa: PLR2004


def _people(request: Request, ids: list[str]) -> dict[str, str]:
    """The names of these people, for who may see them."""
    if not ids or not request.principal.may(READ_PERSON):
        return {}
    known = wiring.people().contacts(list(dict.fromkeys(ids)))
    return {one.id: one.name for one in known.values() if one.status != "withdrawn"}


def _homes(paths: list[tuple[str, ...]], lang: str) -> dict[str, str]:
    wanted = {path[-1] for path in paths if path}
    return (
        {one.id: named(one.names, lang) for one in wiring.directory().many(wanted).values()} if wanted else {}
    )


def _areas(request: Request, chosen: str, action: str) -> list[tuple[str, str]]:
    """What a list of areas offers to the caller."""
    directory, who = wiring.directory(), request.principal
    roots = ["IN"] if who.covers_area((), action) else sorted(who.areas)
    return own_areas(directory, directory.children, roots, chosen, request.lang)
