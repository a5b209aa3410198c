"""A tier and its reasons, in sentences that the person can read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from chalicelib.i18n import translate
from chalicelib.pages.figures import day, grouped
from chalicelib.pages.frame import named
from chalicelib.pages.words import PLATFORMS_IN_FULL
from chalicelib.policies.model import (
    AccountAge,
    Evaluation,
    Finding,
    Followers,
    InArea,
    OnPlatform,
    Policy,
    Posts,
    Proven,
    Rule,
    Terms,
)

ANSWERS = {
    "met": "This is so.",
    "not_met": "This is not so.",
    "no_data": "This is not known.",
}
KNOWN = {
    "no_account": "No account is named.",
    "nothing": "Nothing is known about it.",
    "other_platform": "Accounts of this platform do not count here.",
    "home": "The home is the one that was stated.",
    "posts": "Such posts that were handed in here: %(number)s; others are not known.",
    "age_unknown": "How old the account is, no platform tells.",
    "age": "The account was there on %(on)s; whether before, is not known.",
    "not_shown": "It has not been shown.",
    "shown": "It was shown on %(on)s.",
    "stated": "Followers that are stated, and that the platform has not counted: %(number)s.",
    "counted": "The platform counted %(number)s followers on %(on)s.",
}


ASKS = {
    "counted": "It asks for this many followers, as the platform itself counts: %(least)s.",
    "followers": "It asks for this many followers, counted or stated: %(least)s.",
    "posts": "It asks for this many posts within the last %(months)s months: %(least)s.",
    "account_age": "It asks for an account that is at least %(months)s months old.",
    "proven": "It asks for an account of which it was shown whose it is.",
    "platform": "It asks for an account on one of: %(platforms)s.",
    "area": "It asks for a home in one of these areas: %(areas)s.",
}


def asks(rule: Rule, platform: str, lang: str, areas: Mapping[str, str]) -> str:
    """What a rule asks of an account on `platform` (empty: of any). `areas`: their names by id."""
    sentence, params = ASKS[rule.kind], dict[str, object]()
    match rule:
        case Followers():
            sentence = ASKS["counted"] if rule.verified else sentence
            params = {"least": _least(rule.at_least, platform)}
        case Posts():
            params = {"least": _least(rule.at_least, platform), "months": rule.months}
        case AccountAge():
            params = {"months": rule.months}
        case OnPlatform():
            params = {"platforms": ", ".join(PLATFORMS_IN_FULL[one] for one in rule.platforms)}
        case InArea():
            params = {"areas": ", ".join(areas.get(one, one) for one in rule.areas)}
        case Proven():
            pass
    return translate(lang, sentence, params)


def known(finding: Finding, platform: str, lang: str) -> str:
    """What is known of it, and since when."""
    sentence = KNOWN.get(_known(finding, platform), "")
    return translate(lang, sentence, {"number": grouped(finding.number or 0), "on": _date(finding.at)})


def _known(finding: Finding, platform: str) -> str:
    match finding.rule:
        case InArea():
            found = "home"
        case _ if not platform:
            found = "no_account"
        case Followers():
            found = _known_of_followers(finding)
        case Posts():
            found = "other_platform" if finding.number is None else "posts"
        case AccountAge():
            found = "age" if finding.at else "age_unknown"
        case Proven():
            found = "shown" if finding.at else "not_shown"
        case OnPlatform():
            found = ""
    return found


def _known_of_followers(finding: Finding) -> str:
    if finding.number is None:
        return "other_platform" if finding.answer == "not_met" else "nothing"
    return "stated" if finding.grade == "declared" else "counted"


def says(finding: Finding, lang: str) -> str:
    """Whether it is met, in words."""
    return translate(lang, ANSWERS[finding.answer])


class Reason(TypedDict):
    asks: str
    known: str
    says: str


def reason(finding: Finding, platform: str, lang: str, areas: Mapping[str, str]) -> Reason:
    """One rule in words: what it asks, what is known, whether it is met."""
    return {
        "asks": asks(finding.rule, platform, lang, areas),
        "known": known(finding, platform, lang),
        "says": says(finding, lang),
    }


def summary(policy: Policy, terms: Terms, evaluation: Evaluation, lang: str) -> str:
    """The tier in a sentence or two."""

    def name_of(tier_id: str) -> str:
        tier = terms.tier(tier_id)
        return named(tier.names, lang) if tier else tier_id

    about = {"policy": named(policy.names, lang), "version": evaluation.version}
    if evaluation.tier:
        said = translate(
            lang,
            "By “%(policy)s”, version %(version)s, the tier is: %(tier)s.",
            about | {"tier": name_of(evaluation.tier)},
        )
    else:
        said = translate(lang, "By “%(policy)s”, version %(version)s, no tier is reached.", about)
    if evaluation.possible:
        more = "If what is not known yet were shown, it could be: %(tier)s."
        said = f"{said} {translate(lang, more, {'tier': name_of(evaluation.possible)})}"
    return said


def _least(by_platform: Mapping[Any, int], platform: str) -> str:
    """`YouTube 10,00,000, X (Twitter) 5,00,000`; of one platform alone where it is named."""
    chosen = {str(one): number for one, number in by_platform.items()}
    if platform in chosen:
        return grouped(chosen[platform])
    return ", ".join(f"{PLATFORMS_IN_FULL[one]} {grouped(number)}" for one, number in sorted(chosen.items()))


def _date(at: datetime | None) -> str:
    return day(at) if at else ""
