"""What the public is shown of a campaign that has begun: its words, who stands behind them, and what became
of it, small numbers hidden. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.campaigns import messages as m
from chalicelib.campaigns.model import Campaign, Content, Kind, Purpose, Run
from chalicelib.clock import IST, rfc3339
from chalicelib.names import has_words
from chalicelib.ports import RunSums
from chalicelib.public_counts import Key, hide, last_evening, next_evening
from chalicelib.shapes import View

CALLED = {"hi": "साथियो", "en": "friends", "ur": "ساتھیو"}
"""Whom a text for one person speaks to where everybody reads it."""
BY_FULLNESS = ("telegram", "email", "whatsapp", "sms")
"""Of which channel the words are shown, where several have some in a language."""
LARGE = 100
"""People of an area from which on it is shown by itself."""
OTHERS = ""
"""The row of all smaller areas together."""
TOTAL = "total"
SHOWN = ("planned", "accepted", "delivered", "read", "failed", "unknown", "not_sent", "in_progress")
IN_ROW = (
    ("planned", "accepted", "failed", "unknown", "not_sent", "in_progress"),
    ("accepted", "delivered", "undelivered"),
    ("delivered", "read", "unread"),
)
"""The first is the sum of the others: whoever knows all but one knows that one too."""
AGAIN_AFTER = timedelta(minutes=10)
"""So long until it is looked whether the first run has ended."""
MOVES = timedelta(days=30)
"""So long after the last run's end something may still come to be known of a message (WhatsApp keeps an
undelivered one for as long)."""

Names = dict[str, str]
Numbers = dict[str, int | None]
"""None: too small to be shown, or it would tell one that is."""


class AreaCounts(View):
    area: str
    """Empty: all smaller places together."""
    names: Names
    numbers: Numbers


class PublicCounts(View):
    at: str
    """When they were published; they change once a day."""
    total: Numbers
    areas: list[AreaCounts]


class TakenBack(View):
    """A correction or withdrawal that went out."""

    purpose: Purpose
    at: str
    texts: dict[str, str]


class PublicMedium(View):
    """A picture, video or PDF that creators could publish with it."""

    file: str
    content_type: str
    bytes: int
    alt: dict[str, str]
    """What is to be seen, by language or (`*`) for all."""
    platforms: list[str]
    """For which it was meant; for all without."""
    url: str = ""
    """Where it may be read, for a quarter of an hour."""


class Publication(View):
    """A campaign as everybody may see it."""

    id: str
    title: str
    kind: Kind
    organisation: str
    department: str
    department_names: Names
    partners: list[str]
    theme: str
    theme_names: Names
    compensation: m.Compensation
    disclosure: dict[str, str]
    """By language: the line that stands in every message."""
    imprint: str
    certificate: str
    link: str
    channels: list[str]
    texts: dict[str, str]
    """By language: the words of one channel, the fullest."""
    media: list[PublicMedium] = []
    areas: dict[str, Names]
    """Where those live who were asked: ids with their names."""
    begun_at: str
    ended_at: str = ""
    """Empty while something of it is under way."""
    occasions: int = 1
    """How many runs have begun, corrections apart."""
    withdrawn_at: str = ""
    taken_back: list[TakenBack] = []
    counts: PublicCounts | None = None


@dataclass(frozen=True)
class Search:
    """What somebody looks for among what is published; an empty field asks for nothing."""

    words: str = ""
    """In the title, what people read, or the names of places, department, theme and partners."""
    department: str = ""
    month: str = ""
    """In which it began, in India: `2026-01`."""

    @property
    def looks(self) -> bool:
        """Whether it is known only by looking at each."""
        return bool(self.words or self.department)

    @property
    def begun(self) -> tuple[str, str] | None:
        """The first and the last moment of its month."""
        if not self.month:
            return None
        first = datetime.strptime(self.month, "%Y-%m").replace(tzinfo=IST)
        following = (first + timedelta(days=31)).replace(day=1)
        return rfc3339(first), rfc3339(following - timedelta(milliseconds=1))

    def finds(self, one: Publication) -> bool:
        if self.department not in ("", one.department):
            return False
        named = (one.department_names, one.theme_names, *one.areas.values())
        said = [one.title, one.imprint, *one.partners, *one.texts.values()]
        return has_words(" ".join([*said, *(name for of in named for name in of.values())]), self.words)


EVERYTHING = Search()


def begun(runs: Iterable[Run]) -> list[Run]:
    """The campaign's own runs that have begun, the oldest first."""
    found = [run for run in runs if run.purpose == "campaign" and run.started_at]
    return sorted(found, key=lambda run: run.number)


def words(
    content: Content, organisation: str, templates: Mapping[tuple[str, str], m.Template]
) -> dict[str, str]:
    """By language what people read, where it is known: the words of a template are those that are registered,
    by name and language."""
    found: dict[str, str] = {}
    for channel in sorted(content.messages, key=BY_FULLNESS.index):
        for language, message in content.messages[channel].items():
            template = templates.get((message.template, message.template_language or language))
            line = content.line(language, organisation)
            text = _words(message, CALLED.get(language, CALLED["en"]), line, content.link, template)
            if text and language not in found:
                found[language] = text
    return found


def _words(message: m.Message, name: str, line: str, link: str, template: m.Template | None) -> str:
    if message.template_id:
        return m.render("sms", "", message, name=name, disclosure=line, link=link).text
    if message.text:
        return m.full_text(message, name=name, disclosure=line, link=link).text
    if template is None or template.params_count != len(message.params):
        return ""
    return template.filled(tuple(m.fill(param, name, line, link) for param in message.params))


def disclosures(content: Content, organisation: str) -> dict[str, str]:
    """The disclosure in each language of the campaign."""
    languages = dict.fromkeys(language for _, language, _, _ in content.each())
    return {language: content.line(language, organisation) for language in languages}


def counted_anew(before: Publication | None, runs: list[Run], now: datetime) -> bool:
    """Whether the counts are to be published now: in the evening, and once when all has ended that began."""
    if before is not None and before.counts is not None:
        return before.counts.at < rfc3339(last_evening(now))
    first = min((run.started_at for run in runs if run.started_at), default=now)
    return all(run.ended_at for run in runs) or first < last_evening(now)


def next_look(counts: PublicCounts | None, runs: list[Run], now: datetime) -> datetime | None:
    """When a publication is looked at again, if nothing of it begins before; None: never."""
    if counts is None:
        return min(now + AGAIN_AFTER, next_evening(now))
    ends = [run.ended_at for run in runs]
    moves = any(end is None or now - end < MOVES for end in ends)
    return next_evening(now) if moves else None


def shown(sums: RunSums, names: Mapping[str, Names], at: datetime) -> PublicCounts:
    """The counts as they are published: total, areas that are large, the others together."""
    rows: dict[str, dict[str, int]] = {}
    for area, numbers in sums.by_area.items():
        row = rows.setdefault(area if numbers["planned"] >= LARGE else OTHERS, {})
        for column, number in numbers.items():
            row[column] = row.get(column, 0) + number
    rows = {area: row for area, row in sorted(rows.items()) if row["planned"]}
    table = {TOTAL: sums.total, **rows}
    known = {(row, column): n for row, found in table.items() for column, n in _with_rests(found).items()}
    equations: list[list[Key]] = [[(row, column) for column in group] for row in table for group in IN_ROW]
    if rows:
        columns = dict.fromkeys(column for group in IN_ROW for column in group)
        equations += [[(TOTAL, column), *((row, column) for row in rows)] for column in columns]
    hidden = hide(known, equations)

    def seen(row: str) -> Numbers:
        return {column: None if (row, column) in hidden else known[row, column] for column in SHOWN}

    areas = [AreaCounts(area=area, names=names.get(area, {}), numbers=seen(area)) for area in rows]
    return PublicCounts(at=rfc3339(at), total=seen(TOTAL), areas=areas)


def _with_rests(numbers: Mapping[str, int]) -> dict[str, int]:
    rests = {
        "undelivered": numbers["accepted"] - numbers["delivered"],
        "unread": numbers["delivered"] - numbers["read"],
    }
    return dict(numbers) | rests


def publication(
    campaign: Campaign,
    runs: list[Run],
    content: Content,
    organisation: str,
    *,
    texts: dict[str, str],
    names: Mapping[str, Names],
    department: Names,
    theme: Names,
    taken_back: list[TakenBack],
    counts: PublicCounts | None,
) -> Publication:
    """What is shown of a campaign, of which at least one run has begun; `runs`: those."""
    ends = [run.ended_at for run in runs]
    return Publication(
        id=campaign.id,
        title=content.title,
        kind=content.kind,
        organisation=organisation,
        department=content.department,
        department_names=department,
        partners=list(content.partners),
        theme=content.theme,
        theme_names=theme,
        compensation=content.compensation,
        disclosure=disclosures(content, organisation),
        imprint=content.imprint,
        certificate=content.certificate,
        link=content.link,
        channels=list(content.order),
        texts=texts,
        media=[
            PublicMedium(
                file=one.file,
                content_type=one.content_type,
                bytes=one.bytes,
                alt=one.alt,
                platforms=list(one.platforms),
            )
            for one in content.media
        ],
        areas={area: dict(names.get(area, {})) for area in content.audience.areas},
        begun_at=rfc3339(min(run.started_at for run in runs if run.started_at)),
        ended_at=rfc3339(max(end for end in ends if end)) if all(ends) else "",
        occasions=len(runs),
        withdrawn_at=rfc3339(campaign.withdrawn_at) if campaign.withdrawn_at else "",
        taken_back=taken_back,
        counts=counts,
    )
