"""A published campaign as a page shows it, in one language. No I/O."""

from __future__ import annotations

from typing import Any

from chalicelib.campaigns.publication import Numbers, Publication
from chalicelib.clock import parse_rfc3339
from chalicelib.i18n import RIGHT_TO_LEFT, isolated, translate
from chalicelib.pages.figures import day, sized
from chalicelib.pages.frame import named
from chalicelib.pages.shell import ENDONYMS, mark

CHANNELS = {"whatsapp": "WhatsApp", "telegram": "Telegram", "sms": mark("SMS"), "email": mark("Email")}
KINDS = {
    "awareness": mark("Information"),
    "voter_awareness": mark("For voters"),
    "electioneering": mark("Political advertisement"),
    "emergency": mark("Emergency"),
}
COMPENSATIONS = {
    "none": mark("Nothing is paid or given for sharing it."),
    "paid": mark("Creators are paid for sharing it."),
    "in_kind": mark("Creators get goods or favours for sharing it."),
}
TAKEN_BACK = {"correction": mark("Corrected"), "withdrawal": mark("Withdrawn")}
COLUMNS = {
    "planned": mark("Meant for"),
    "accepted": mark("Sent"),
    "delivered": mark("Arrived"),
    "read": mark("Read"),
    "failed": mark("Failed"),
    "unknown": mark("Not known"),
    "not_sent": mark("Not sent"),
}
"""What became of the people it was meant for."""
AREAS_AT_MOST = 40


def published(one: Publication, lang: str) -> dict[str, Any]:
    """What the template shows: words in `lang` first, days as they are written in India."""
    shown: dict[str, Any] = {
        "id": one.id,
        "title": one.title,
        "kind": translate(lang, KINDS[one.kind]),
        "political": one.kind == "electioneering",
        "by": [named(one.department_names, lang) or one.department, one.organisation],
        "partners": one.partners,
        "theme": named(one.theme_names, lang) or one.theme,
        "compensation": translate(lang, COMPENSATIONS[one.compensation]),
        "imprint": one.imprint,
        "certificate": one.certificate,
        "channels": [translate(lang, CHANNELS[channel]) for channel in one.channels],
        "telegram": "telegram" in one.channels,
        "areas": [named(names, lang) or area for area, names in one.areas.items()][:AREAS_AT_MOST],
        "further_areas": max(0, len(one.areas) - AREAS_AT_MOST),
        "begun": _day(one.begun_at, lang),
        "ended": _day(one.ended_at, lang),
        "withdrawn": _day(one.withdrawn_at, lang),
        "occasions": one.occasions,
        "texts": _texts(one.texts, lang),
        "media": [
            {
                "alt": next(
                    (one.alt[code] for code in (lang, "hi", "en", "*", *one.alt) if one.alt.get(code)), ""
                ),
                "picture": one.content_type.startswith("image/"),
                "kind": one.content_type.rpartition("/")[2].upper(),
                "size": sized(one.bytes),
                "url": one.url,
            }
            for one in one.media
        ],
        "taken_back": [
            {
                "what": translate(lang, TAKEN_BACK[back.purpose]),
                "day": _day(back.at, lang),
                "texts": _texts(back.texts, lang),
            }
            for back in one.taken_back
        ],
        "counts": None,
    }
    if one.counts is not None:
        shown["counts"] = {
            "day": _day(one.counts.at, lang),
            "columns": [translate(lang, label) for label in COLUMNS.values()],
            "total": _row(one.counts.total),
            "areas": [
                (named(area.names, lang) or area.area, _row(area.numbers)) for area in one.counts.areas
            ],
        }
    return shown


def _day(at: str, lang: str) -> str:
    return isolated(day(parse_rfc3339(at)), lang) if at else ""


def _row(numbers: Numbers) -> list[int | None]:
    return [numbers[column] for column in COLUMNS]


def _texts(texts: dict[str, str], lang: str) -> list[dict[str, Any]]:
    order = sorted(texts, key=lambda one: (one != lang, one != "hi", one != "en", one))
    return [
        {"lang": one, "name": ENDONYMS.get(one, one), "rtl": one in RIGHT_TO_LEFT, "text": texts[one]}
        for one in order
    ]
