"""All that is kept of a person, for themself: as data, and in words that they read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.clock import Clock, parse_rfc3339
from chalicelib.errors import Unauthenticated
from chalicelib.i18n import translate
from chalicelib.identity.audit import Audit
from chalicelib.influencers.forms import CHANNELS, CONSENTS, GENDERS, PLATFORMS, PROFESSIONS
from chalicelib.influencers.store import PeopleStore
from chalicelib.ops import RateLimits
from chalicelib.pages.figures import day, grouped, moment
from chalicelib.pages.shell import ENDONYMS, mark
from chalicelib.phones import readable
from chalicelib.ports import PersonalRecords
from chalicelib.shapes import View

EXPORTS_A_DAY = 10
A_DAY_S = 24 * 3600
PARTS_A_DAY = 300
"""Parts behind the first of what is too much for one answer."""
A_PART = 400_000
"""Bytes of records that one part holds, as Lambda sends them (letters of other scripts are six each): words
around them on a page are about four times as much, and an answer holds 6 MB."""
READS_FOR_S = 10
"""So long one part goes on reading: API Gateway gives up after 29 s."""
OURS = frozenset({"rev", "barred", "reviewed_by", "handles", "contested", "consents"})
"""Of a profile: what counts for us alone, and what has a part of its own."""


class Export(View):
    """Everything that is kept of one person, in clear. Times are RFC 3339 UTC; links to pictures hold an
    hour. What is too much for one answer comes in parts: all but the first hold no profile, accounts,
    contested and consents."""

    made_at: datetime
    profile: dict[str, Any]
    accounts: list[dict[str, Any]]
    contested: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    posts: list[dict[str, Any]] = []
    messages: list[dict[str, Any]] = []
    service_messages: list[dict[str, Any]] = []
    voices: list[dict[str, Any]] = []
    appeals: list[dict[str, Any]] = []
    appointments: list[dict[str, Any]] = []
    next: str | None = None
    """The cursor to the next part."""


@dataclass(frozen=True)
class Exporting:
    store: PeopleStore
    records: Callable[[], Sequence[PersonalRecords]]
    limits: RateLimits
    audit: Audit
    clock: Clock

    def export(
        self, person: str, after: Mapping[str, Any] | None = None
    ) -> tuple[Export, Mapping[str, Any] | None]:
        """What is kept of whoever asks, read now, and the place at which its next part begins; None when this
        is all, or the last. That they asked is kept. Raises TooManyRequests."""
        found = self.store.find(person)
        if found is None:
            raise Unauthenticated
        now = self.clock.now().replace(microsecond=0)
        if after is not None:
            self.limits.spend(f"export_part#{person}", PARTS_A_DAY, A_DAY_S)
            parts, place = self._part(person, after)
            return Export(made_at=now, profile={}, accounts=[], contested=[], consents=[], **parts), place
        self.limits.spend(f"export#{person}", EXPORTS_A_DAY, A_DAY_S)
        parts, place = self._part(person, {"of": 0, "at": None})
        facts = found.model_dump(mode="json")
        made = Export(
            made_at=now,
            profile={name: value for name, value in facts.items() if name not in OURS and value},
            accounts=facts["handles"],
            contested=facts["contested"],
            consents=self.store.consents(person),
            **parts,
        )
        self.audit.committing(
            subject=f"influencer#{person}", action="influencer.exported", actor="self", at=now
        )
        return made, place

    def _part(self, person: str, begin: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
        """Records from this place on, step by step, until a part is full or the time is over; and the place
        to go on from. There is always one step at least."""
        parts: dict[str, Any] = {}
        until, size = self.clock.epoch() + READS_FOR_S, 0
        for number, records in enumerate(self.records()):
            if number < begin["of"]:
                continue
            place = begin["at"] if number == begin["of"] else None
            while True:
                here = {"of": number, "at": place}
                if size and self.clock.epoch() > until:
                    return parts, here
                step, place = records.held(person, place)
                wide = len(json.dumps(step))
                if size and size + wide > A_PART:
                    return parts, here
                size += wide
                for one in step:
                    told = {name: value for name, value in one.items() if name != "kind"}
                    parts.setdefault(f"{one['kind']}s", []).append(told)
                if place is None:
                    break
        return parts, None


# --- in words ---------------------------------------------------------------------------------------------

PARTS = {
    "profile": mark("About you"),
    "accounts": mark("Your accounts"),
    "contested": mark("Accounts that somebody else holds"),
    "consents": mark("What you have agreed to, and taken back"),
    "posts": mark("Your posts"),
    "messages": mark("Messages of campaigns to you"),
    "service_messages": mark("Other messages from us"),
    "voices": mark("Your voices"),
    "appeals": mark("Your appeals"),
    "appointments": mark("Your appointments"),
}
LABELS = {
    "about": mark("What it is about"),
    "account": mark("The platform's number of the account"),
    "accepted": mark("Taken by the platform"),
    "adult_on": mark("Found to be of age on"),
    "ambassador_of": mark("Ambassador of"),
    "answered_at": mark("Answered on"),
    "answers": mark("Answers"),
    "area": mark("Area"),
    "area_path": mark("Area, from the country down"),
    "areas_served": mark("Areas that you serve"),
    "at": mark("When"),
    "begins": mark("Begins"),
    "campaign": mark("Campaign"),
    "channel": mark("Channel"),
    "chat": mark("Telegram chat"),
    "code": mark("Code"),
    "delivered": mark("Delivered"),
    "email": mark("Email"),
    "email_proven": mark("Email is confirmed"),
    "email_wanted": mark("New email, not confirmed yet"),
    "ended_on": mark("Ended on"),
    "evidence": mark("How we know"),
    "followers": mark("Followers"),
    "followers_at": mark("Told on"),
    "followers_grade": mark("Followers: who says so"),
    "followers_stated": mark("Followers as you said"),
    "gender": mark("Gender"),
    "given": mark("Agreed"),
    "handed_in_at": mark("Handed in on"),
    "handle": mark("Account"),
    "id": mark("Our number of it"),
    "idea": mark("Your idea"),
    "language": mark("Language"),
    "name": mark("Name"),
    "notice_version": mark("Version of the notice"),
    "on_behalf": mark("For somebody else"),
    "opened_at": mark("Sent on"),
    "outcome": mark("What became of it"),
    "path": mark("Area, from the country down"),
    "paused_until": mark("Campaigns pause until"),
    "person": mark("Your number here"),
    "phone": mark("Phone"),
    "phone_proof": mark("Phone: how we know"),
    "pictures": mark("Pictures"),
    "platform": mark("Platform"),
    "profession": mark("Profession"),
    "proof": mark("Account: how we know"),
    "proven_at": mark("Shown on"),
    "purpose": mark("Purpose"),
    "read": mark("Read"),
    "reason": mark("Reason"),
    "received_at": mark("Received on"),
    "reviewed_at": mark("Decided on"),
    "said": mark("What was said"),
    "said_by_you": mark("Figures that you said"),
    "sent": mark("Sent"),
    "signed_up_at": mark("Joined on"),
    "state": mark("Status"),
    "status": mark("Status"),
    "subject": mark("What it is about"),
    "suppressed": mark("Stopped"),
    "terms_version": mark("Version of the terms that you accepted"),
    "text": mark("What you wrote"),
    "texts": mark("Answer"),
    "themes": mark("Themes"),
    "ticket": mark("Ticket"),
    "tier": mark("Category"),
    "title": mark("Title"),
    "told_by_the_platform": mark("Figures that the platform told"),
    "until": mark("Until"),
    "url": mark("Link"),
    "verified_at": mark("Confirmed on"),
    "version": mark("Version"),
}
STATES = {
    "accepted": mark("taken by the platform"),
    "answered": mark("answered"),
    "assigned": mark("with the department"),
    "approved": mark("part of it"),
    "declared": mark("as you said"),
    "declined": mark("declined"),
    "delivered": mark("delivered"),
    "failed": mark("did not arrive"),
    "granted": mark("granted"),
    "handle": mark("an account"),
    "matched": mark("it is yours"),
    "none": mark("not known"),
    "not_matched": mark("not clear yet that it is yours"),
    "not_sent": mark("not sent"),
    "open": mark("not answered yet"),
    "pending_review": mark("being looked at"),
    "planned": mark("on its way"),
    "proven": mark("a code that came back"),
    "read": mark("read"),
    "received": mark("received"),
    "refused": mark("refused"),
    "removed": mark("taken away"),
    "resolved": mark("settled"),
    "review": mark("whether you may take part"),
    "sent": mark("sent"),
    "stated": mark("as you said"),
    "suspended": mark("suspended"),
    "tier": mark("your category"),
    "unknown": mark("not known"),
    "verified": mark("by the platform"),
}
WORDS = {
    "channel": CHANNELS,
    "purpose": CONSENTS,
    "gender": GENDERS,
    "profession": PROFESSIONS,
    "platform": PLATFORMS,
} | dict.fromkeys(
    ("followers_grade", "outcome", "phone_proof", "proof", "state", "status", "subject"), STATES
)
AREAS = frozenset({"area", "area_path", "areas_served", "ambassador_of", "path"})
NAMED = AREAS | {"themes"}
"""What holds ids whose names the directory has."""
YES, NO = mark("yes"), mark("no")
A_DAY = len("2026-01-31")


@dataclass(frozen=True)
class Fact:
    label: str
    text: str
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    title: str
    entries: tuple[tuple[Fact, ...], ...]


def in_words(export: Export, lang: str, called: Mapping[str, str], *, whole: bool = True) -> list[Part]:
    """The same in the person's language, kind by kind; a kind without anything is there too where the export
    is `whole`. `called`: names of areas and themes by their ids."""
    data = export.model_dump(mode="json")
    parts = []
    for name, title in PARTS.items():
        given = data[name]
        if not given and not whole:
            continue
        entries = [given] if isinstance(given, Mapping) else given
        parts.append(Part(translate(lang, title), tuple(_facts(one, lang, called) for one in entries)))
    return parts


def _facts(entry: Mapping[str, Any], lang: str, called: Mapping[str, str]) -> tuple[Fact, ...]:
    found = []
    for name, value in entry.items():
        if value in ("", None, [], {}):
            continue
        label = translate(lang, LABELS[name]) if name in LABELS else name
        if name in NAMED:
            ids = [value] if isinstance(value, str) else value
            found.append(Fact(label, ", ".join(called.get(one, one) for one in ids)))
            continue
        links = tuple(value) if name == "pictures" else (value,) if name == "url" else ()
        found.append(Fact(label, "" if links else _shown(name, value, lang), links))
    return tuple(found)


def _shown(name: str, value: Any, lang: str) -> str:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, bool):
        return translate(lang, YES if value else NO)
    if isinstance(value, int):
        return grouped(value)
    if isinstance(value, Mapping):
        return " · ".join(
            _shown(key, one, lang) if name == "texts" else f"{key}: {one}" for key, one in value.items()
        )
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(_shown(name, one, lang) for one in value)
    return _text(name, str(value), lang)


def _text(name: str, text: str, lang: str) -> str:
    """A word of ours in the person's language, a time or day as it is written in India; any other text as it
    is."""
    if name in WORDS and text in WORDS[name]:
        return translate(lang, WORDS[name][text])
    if name == "evidence" and text.startswith("code over "):
        return translate(lang, STATES["proven"])
    if name == "phone":
        return readable(text)
    if name == "language":
        return ENDONYMS.get(text, text)
    try:
        return day(text) if len(text) == A_DAY else moment(parse_rfc3339(text))
    except ValueError:
        return text


def areas_in(export: Export) -> set[str]:
    """The ids of all areas that it names."""
    found: set[str] = set()
    for entry in (export.profile, *export.appeals, *export.appointments):
        for name in AREAS & entry.keys():
            found |= {entry[name]} if isinstance(entry[name], str) else set(entry[name])
    return found - {""}
