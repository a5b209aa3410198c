"""Corrections and withdrawals of a campaign: worded, proposed, sent or declined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from chalice.app import Response
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.campaigns import composing, parts, saying, words
from chalicelib.campaigns.correction import Correction, Words
from chalicelib.campaigns.corrections import WITHDRAW
from chalicelib.campaigns.messages import MOST_SEGMENTS, Template
from chalicelib.campaigns.model import Campaign, Purpose
from chalicelib.campaigns.service import APPROVE, READ, WRITE, ChangedMeanwhile
from chalicelib.errors import Conflict, Forbidden, InvalidInput
from chalicelib.http import Api, Request
from chalicelib.i18n import translate
from chalicelib.pages import console
from chalicelib.pages.figures import moment
from chalicelib.pages.forms import Form, labels, summary
from chalicelib.pages.words import PURPOSES
from chalicelib.platforms.dlt import LONGEST_VARIABLE

api = Api("campaigns_desk")


@api.page(
    "GET",
    "/console/campaigns/{campaign_id}/corrections",
    allow=READ,
    summary="A campaign's corrections and withdrawals",
)
def corrections_page(request: Request, campaign_id: str) -> Response:
    seen = wiring.campaigns().seen(request.principal, campaign_id)
    return _correcting(request, seen, _blank(seen))


@api.page("POST", "/console/campaigns/{campaign_id}/corrections", allow=WRITE, summary="Propose a correction")
def correct(request: Request, campaign_id: str) -> Response:
    return _worded(request, campaign_id, WRITE, wiring.corrections().propose, "proposed")


@api.page(
    "POST", "/console/campaigns/{campaign_id}/withdrawal", allow=WITHDRAW, summary="Withdraw it at once"
)
def withdraw(request: Request, campaign_id: str) -> Response:
    return _worded(request, campaign_id, WITHDRAW, wiring.corrections().withdraw, "withdrawn")


@api.page(
    "POST",
    "/console/campaigns/{campaign_id}/corrections/{number}",
    allow=APPROVE,
    summary="Send a correction or withdrawal, or decline it",
)
def decide_correction(request: Request, campaign_id: str, number: str) -> Response:
    form, who = Form(request.form()), request.principal
    decision = parts.decision(form)
    try:
        wiring.corrections().decide(who, campaign_id, number, decision, form.one("reason").strip()[:500])
    except (InvalidInput, Conflict, Forbidden) as wrong:
        seen = wiring.campaigns().seen(who, campaign_id)
        found = wiring.campaigns().store.correction(seen.id, number)
        mine = found is not None and (found.decided_by, found.status) == (who.id, f"{decision}d")
        if not mine:  # else the form was sent twice
            return _correcting(request, seen, _blank(seen), saying.refused(wrong, request.lang))
    return parts.done(request, campaign_id, "sent" if decision == "approve" else "not_sent", "corrections")


def _blank(seen: Campaign) -> Form:
    """The form with the campaign's own words, to be changed."""
    shown = composing.form_of_messages(seen.content.messages)
    return Form(shown | {"corrections": [str(seen.corrections)]})


def _worded(
    request: Request,
    campaign_id: str,
    action: str,
    act: Callable[[Any, str, Words, int], Correction],
    said: str,
) -> Response:
    """Puts the words of a correction or withdrawal before an approver."""
    service, form = wiring.campaigns(), Form(request.form())
    purpose: Purpose = "withdrawal" if action == WITHDRAW else "correction"
    seen = service.seen(request.principal, campaign_id, action)
    if form.one("do") not in ("propose", "withdraw"):
        return _correcting(request, seen, form)
    try:
        words_ = Words.model_validate(
            {
                "messages": _words_of(seen, form),
                "reason": form.one("reason").strip(),
                "urgent": bool(form.one("urgent")),
            }
        )
        if form.one("corrections") != str(seen.corrections) and _is_last(request, seen, purpose, words_):
            return parts.done(request, seen.id, said, "corrections")
        try:
            act(request.principal, seen.id, words_, seen.corrections)
        except ChangedMeanwhile:
            seen = service.seen(request.principal, campaign_id, action)
            if not _is_last(request, seen, purpose, words_):
                raise
    except (ValidationError, InvalidInput, Conflict, Forbidden) as wrong:
        return _correcting(request, seen, form, saying.refused(wrong, request.lang))
    return parts.done(request, seen.id, said, "corrections")


def _is_last(request: Request, seen: Campaign, purpose: Purpose, words_: Words) -> bool:
    """Whether the latest correction is just this one: the form was sent twice. One with other words, or a
    withdrawal behind a correction, is still to be done."""
    last = wiring.campaigns().store.correction(seen.id, seen.corrections)
    if last is None or (last.author, last.purpose) != (request.principal.id, purpose):
        return False
    said = words_.model_copy(update={"messages": wiring.campaigns().with_words(words_.messages)})
    return last.model_dump(include=set(Words.model_fields)) == said.model_dump()


def _blocks(seen: Campaign) -> tuple[list[Any], list[str]]:
    """The channels and languages in which a campaign speaks."""
    return list(seen.content.order), list(dict.fromkeys(one for _, one, _, _ in seen.content.each()))


def _words_of(seen: Campaign, form: Form) -> dict[str, Any]:
    channels, languages = _blocks(seen)
    registered = parts.registered(wiring.campaigns().registered, channels)
    whole = Form({**form.values, "languages": languages})
    return composing.messages_of(whole, channels, registered)


def _correcting(
    request: Request, seen: Campaign, form: Form, refused: saying.Refused | None = None
) -> Response:
    service, lang, who = wiring.campaigns(), request.lang, request.principal
    channels, languages = _blocks(seen)
    found, registered, people = console.together(
        lambda: service.store.corrections(seen.id) if seen.corrections else [],
        partial(parts.registered, service.registered, ("whatsapp", "sms")),
        wiring.users().names,
    )
    beside = saying.beside(refused.errors if refused else (), channels, languages, lang)
    problems = [("", refused.above)] if refused and refused.above else []
    writes = parts.may_write(request, seen) and seen.withdrawn_at is None
    try:
        typed = seen.content.model_validate(
            {
                **seen.content.model_dump(),
                "messages": composing.messages_of(
                    Form({**form.values, "languages": languages}), channels, registered
                ),
            }
        )
    except ValidationError:
        typed = None
    return console.page(
        request,
        "console_corrections.html",
        "campaigns",
        status=refused.status if refused else 200,
        said=words.STEPS,
        trail=[
            (f"/console/campaigns/{seen.id}", seen.content.title),
            ("", translate(lang, "Correct or withdraw it")),
        ],
        seen=seen,
        action=f"/console/campaigns/{seen.id}/{'corrections' if writes else 'withdrawal'}",
        form=form,
        errors=beside,
        problems=problems + summary(beside, {name: saying.label(name, lang) for name in beside}, lang),
        status_word=words.status(seen),
        shade=words.shade(seen),
        found=[
            _correction_shown(request, one, seen, people=people, registered=registered)
            for one in reversed(found)
        ],
        channels=[(one, translate(lang, words.CHANNELS[one])) for one in channels],
        languages_chosen=languages,
        templates=parts.choices(registered, lang),
        params=partial(parts.params, form, registered),
        longest_variable=LONGEST_VARIABLE,
        previews=parts.worded_previews(typed, registered) if typed else [],
        channel_names=dict(labels(words.CHANNELS, lang)),
        most_parts=MOST_SEGMENTS,
        may_correct=writes,
        may_withdraw=who.may(WITHDRAW),
    )


def _correction_shown(
    request: Request,
    one: Correction,
    seen: Campaign,
    *,
    people: Mapping[str, str],
    registered: Mapping[str, Sequence[Template]],
) -> dict[str, Any]:
    who, lang = request.principal, request.lang
    return {
        "number": one.number,
        "purpose": PURPOSES.get(one.purpose, one.purpose),
        "status": words.DECISIONS[one.status],
        "shade": {"proposed": "wait", "declined": "bad"}.get(one.status, ""),
        "by": people.get(one.author, one.author),
        "at": moment(one.proposed_at),
        "reason": one.reason,
        "urgent": one.urgent,
        "decided_by": people.get(one.decided_by, one.decided_by),
        "answer": one.answer,
        "open": one.status == "proposed",
        "may": who.may(APPROVE) and one.may_be_decided_by(who.id, seen),
        "changed": saying.differences(
            composing.told_of_messages(seen.content.messages), composing.told_of_messages(one.messages), lang
        ),
        "previews": parts.worded_previews(one.content(seen), registered) if one.status == "proposed" else [],
    }
