"""Whom a campaign would reach, counted while somebody looks: in the composer, and for who decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chalicelib import wiring
from chalicelib.campaigns import words
from chalicelib.campaigns.audience import Audience, CountingJob, Preview
from chalicelib.campaigns.messages import Channel
from chalicelib.campaigns.service import AudienceTooLarge
from chalicelib.errors import InvalidInput, NotFound
from chalicelib.http import Request
from chalicelib.i18n import translate
from chalicelib.pages.figures import moment
from chalicelib.pages.frame import named


@dataclass(frozen=True)
class Counted:
    """Whom an audience would reach and when that was counted, or why it is not known."""

    problem: str = ""
    too_many: bool = False
    job: str = ""
    running: bool = False
    read: int = 0
    count: int | None = None
    by_channel: list[tuple[str, int]] = field(default_factory=list)
    by_area: list[tuple[str, int]] = field(default_factory=list)
    excluded: list[tuple[str, int]] = field(default_factory=list)
    at: str = ""


def counted(
    request: Request, audience: Audience, order: Sequence[Channel], job: str = "", *, begin: bool = False
) -> Counted:
    """Whom this audience would reach now; what the job counts, where it counts this. `begin`: a job is begun,
    as for more people than one request looks at."""
    service, lang = wiring.campaigns(), request.lang
    try:
        service.check_reach(request.principal, audience)
        if begin:
            made = wiring.counting().begin(request.principal, audience, order)
            return Counted(job=made.id, running=True, count=0)
        known = _job(request, job)
        if known is not None and known.audience == audience and known.channels == tuple(order):
            return _told(lang, known, datetime.fromtimestamp(known.saved_at, UTC), known)
        return _told(lang, service.preview(audience, order), service.clock.now())
    except AudienceTooLarge:
        return Counted(too_many=True)
    except InvalidInput as refused:
        return Counted(problem=" ".join(translate(lang, one.message, one.params) for one in refused.errors))


def _job(request: Request, job_id: str) -> CountingJob | None:
    """A count that was begun; None when it is over long since."""
    try:
        return wiring.counting().get(request.principal, job_id) if job_id else None
    except NotFound:
        return None


def _told(lang: str, found: Preview | CountingJob, at: datetime, job: CountingJob | None = None) -> Counted:
    places = wiring.directory().many(list(found.by_area)[:500]) if found.by_area else {}
    by_area = [
        (named(places[area].names, lang) if area in places else area, count)
        for area, count in sorted(found.by_area.items(), key=lambda one: -one[1])
    ]

    def sorted_words(of: Mapping[str, int], called: Mapping[str, str]) -> list[tuple[str, int]]:
        return [
            (translate(lang, called.get(name, name)), count)
            for name, count in sorted(of.items(), key=lambda one: -one[1])
        ]

    return Counted(
        job=job.id if job else "",
        running=job is not None and job.status == "running",
        read=job.read if job else 0,
        count=found.count,
        by_channel=sorted_words(found.by_channel, words.CHANNELS),
        by_area=by_area,
        excluded=sorted_words(found.excluded, words.EXCLUDED),
        at=moment(at),
    )
