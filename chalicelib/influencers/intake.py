"""Files of people who are to be invited: who else knows them, and what is not done to them.

Whoever is imported is `invited`: reserves nothing, may be sent one invitation and nothing else, and is
forgotten after half a year unless they sign up themselves. A number that has said STOP is not imported, and
what a person has said of themselves is not changed by a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from chalicelib import cells as c
from chalicelib.clock import rfc3339
from chalicelib.emails import LONGEST_EMAIL, clean_email
from chalicelib.errors import FieldError, Forbidden, InvalidInput
from chalicelib.http import invalid
from chalicelib.influencers.model import (
    MOST_HANDLES,
    MOST_THEMES,
    Account,
    AreaId,
    Gender,
    HandleRequest,
    Influencer,
    Language,
    Slug,
)
from chalicelib.influencers.store import KnownPhone, PeopleStore
from chalicelib.names import clean_name
from chalicelib.phones import clean_phone
from chalicelib.ports import Area, Areas, Column, Effect, ImportJob
from chalicelib.shapes import Strict

ACTION = "import.influencers"
FORGOTTEN_AFTER = timedelta(days=183)
PLATFORMS = ("instagram", "youtube", "facebook", "x", "telegram")
STOPPED = "This number has said STOP: it is not imported."
NO_AREA = "There is no area %(id)s among yours."
NO_THEME = "There is no theme %(id)s."


class Invitee(Strict):
    """What a row says of a person."""

    name: Annotated[str, Field(max_length=400), AfterValidator(clean_name)]
    phone: Annotated[str, Field(max_length=80), AfterValidator(clean_phone)]
    area: AreaId
    language: Language = "hi"
    email: Annotated[str, Field(max_length=LONGEST_EMAIL), AfterValidator(clean_email)] | None = None
    gender: Gender | None = None
    profession: Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,23}$")] | None = None
    themes: Annotated[tuple[Slug, ...], Field(max_length=MOST_THEMES)] = ()
    handles: Annotated[tuple[HandleRequest, ...], Field(max_length=MOST_HANDLES)] = ()


@dataclass(frozen=True)
class InfluencersKind:
    """Implements ports.ImportKind. A person is known by their number."""

    store: PeopleStore
    areas: Areas
    themes: Callable[[], Collection[str]]
    name: str = "influencers"
    columns: Sequence[Column] = (
        Column("name", ("full_name", "नाम"), required=True),
        Column("phone", ("mobile", "mobile_no", "mobile_number", "whatsapp_no", "मोबाइल"), required=True),
        Column("area", ("area_id", "क्षेत्र"), required=True),
        Column("language", ("भाषा",)),
        Column("email", ("e_mail", "ईमेल")),
        Column("gender", ("sex", "लिंग")),
        Column("profession", ("पेशा",)),
        Column("themes", ("theme", "विषय")),
        *(Column(platform, {"x": ("twitter",)}.get(platform, ())) for platform in PLATFORMS),
        *(Column(f"{platform}_followers") for platform in PLATFORMS),
    )
    options: Sequence[str] = ()

    def check(self, job: ImportJob) -> None:
        if not job.caller.may(ACTION):
            raise Forbidden
        if job.options:
            raise InvalidInput.of("options", "extra_forbidden", "This field is not known. Check its name.")

    def read(self, cells: Mapping[str, str], job: ImportJob) -> Invitee:
        for column in ("name", "phone", "area"):
            c.required(column, cells.get(column))
        given = [platform for platform in PLATFORMS if cells.get(platform)]
        asked: dict[str, Any] = {
            column: cells[column]
            for column in ("language", "email", "gender", "profession")
            if cells.get(column)
        }
        asked |= {
            "name": cells["name"],
            "phone": c.digits("phone", cells["phone"]),
            "area": cells["area"].upper(),
            "themes": [one for one in re.split(r"[;|,\s]+", cells.get("themes", "")) if one],
            "handles": [
                {
                    "platform": platform,
                    "handle": cells[platform],
                    "followers": c.whole_number(
                        f"{platform}_followers", cells.get(f"{platform}_followers", "")
                    )
                    or 0,
                }
                for platform in given
            ],
        }
        try:
            return Invitee.model_validate(asked)
        except ValidationError as error:
            raise InvalidInput([_of_column(one, given) for one in invalid(error).errors]) from None

    def key(self, record: Invitee) -> str:
        return record.phone

    def compare(self, records: Sequence[Invitee], job: ImportJob) -> list[Effect | InvalidInput]:
        areas, known = self._there(records)
        themes = frozenset(self.themes()) if any(record.themes for record in records) else frozenset()
        return [
            self._refused(one, areas, known[one.phone], themes, job)
            or _told(known[one.phone], _invited(one, areas[one.area], job, self.store), job)
            for one in records
        ]

    def write(self, records: Sequence[Invitee], job: ImportJob) -> None:
        """On condition that all is as it was read: whoever has acted meanwhile is left as they are."""
        areas, known = self._there(records)
        pairs = [
            (known[one.phone].invited, _invited(one, areas[one.area], job, self.store))
            for one in records
            if not known[one.phone].stopped
        ]
        changed = [
            (before, after) for before, after in pairs if _effect(known[after.phone], after, job) != "same"
        ]
        self.store.put_invited(changed, job.at, int((job.at + FORGOTTEN_AFTER).timestamp()))

    def finish(self, job: ImportJob) -> None:
        """Nothing is summed."""

    def _there(self, records: Sequence[Invitee]) -> tuple[dict[str, Area], dict[str, KnownPhone]]:
        return (
            self.areas.many({record.area for record in records}, fresh=True),
            self.store.known_phones([record.phone for record in records]),
        )

    def _refused(
        self,
        record: Invitee,
        areas: Mapping[str, Area],
        known: KnownPhone,
        themes: Collection[str],
        job: ImportJob,
    ) -> InvalidInput | None:
        area = areas.get(record.area)
        if area is None or not job.caller.covers_area(area.path, ACTION):
            return InvalidInput.of("area", "area_unknown", NO_AREA, id=record.area)
        if known.stopped and job.caller.works_for_all(ACTION):
            return InvalidInput.of("phone", "suppressed", STOPPED)
        strange = [one for one in record.themes if one not in themes]
        return InvalidInput.of("themes", "theme_unknown", NO_THEME, id=strange[0]) if strange else None


def _invited(record: Invitee, area: Area, job: ImportJob, store: PeopleStore) -> Influencer:
    return Influencer(
        id=store.invited_id(record.phone),
        status="invited",
        name=record.name,
        language=record.language,
        area=area.id,
        area_path=area.path,
        channel="whatsapp",
        phone=record.phone,
        email=record.email or "",
        gender=record.gender or "",
        profession=record.profession or "",
        themes=record.themes,
        handles=tuple(
            Account(platform=one.platform, handle=one.handle, followers=one.followers)
            for one in record.handles
        ),
        signed_up_at=rfc3339(job.at),
        rev=1,
    ).identified()


def _effect(known: KnownPhone, after: Influencer, job: ImportJob) -> Effect:
    """Nothing, for a number that somebody has given themselves, for who was invited and has left, and for who
    was invited in an area that is none of the caller's."""
    before = known.invited
    if before is None:
        return "same" if known.held else "new"
    theirs = job.caller.covers_area(before.area_path, ACTION)
    if known.held or before.status != "invited" or not theirs:
        return "same"
    kept = {"rev": before.rev, "signed_up_at": before.signed_up_at}
    return "same" if after.model_copy(update=kept) == before else "changed"


def _told(known: KnownPhone, after: Influencer, job: ImportJob) -> Effect:
    """What is said of a row. Who is bound to areas is told only by those whom they see as invited: of all
    other numbers nothing tells which are registered, invited elsewhere, or have said STOP."""
    if job.caller.works_for_all(ACTION):
        return _effect(known, after, job)
    before = known.invited
    if before is None or not job.caller.covers_area(before.area_path, ACTION):
        return "new"
    return _effect(KnownPhone(invited=before), after, job)


def _of_column(fault: FieldError, given: Sequence[str]) -> FieldError:
    """With the file's column in place of the field."""
    first, *rest = fault.field.split(".")
    if first == "handles" and rest:
        first = given[int(rest[0])] + ("_followers" if rest[-1] == "followers" else "")
    return FieldError(first, fault.code, fault.message, fault.params)
