"""A group on the register: its link, its admins, its figures; who may see it. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from chalicelib.errors import FieldError, InvalidInput
from chalicelib.identity.roles import Principal
from chalicelib.names import compose, refuse
from chalicelib.phones import clean_phone, masked
from chalicelib.shapes import Strict, Utc, View

Platform = Literal["whatsapp", "telegram"]
Kind = Literal["area", "coordination"]
"""`area`: of the people of one area; `coordination`: in which departments work together."""
LinkState = Literal["alive", "dead", "archived"]
Seen = Literal["registered", "reported", "checked"]
"""How one knows of a link's state: as it was when it was put on the register, by what a person reports, or by
what a person of the staff has tried themself. Nothing here follows a link."""

READ, WRITE, REVEAL = "group.read", "group.write", "group.reveal"
MOST_MEMBERS = 200_000
"""Of one group: what Telegram allows (https://core.telegram.org/api/channel); WhatsApp allows 1,024
(https://faq.whatsapp.com/3242937609289432)."""
MONTH = re.compile(r"(19|20)\d\d-(0[1-9]|1[0-2])")

_WHATSAPP = re.compile(r"/(?:invite/)?([A-Za-z0-9_-]{18,26})/?")
_TELEGRAM = re.compile(r"/(?:joinchat/|\+)([A-Za-z0-9_-]{10,40})/?")
_TELEGRAM_NAME = re.compile(r"/([A-Za-z][A-Za-z0-9_]{3,31})/?")
_TELEGRAM_HOSTS = frozenset({"t.me", "telegram.me", "telegram.dog"})
_NO_INVITE = (
    "This is no invite link: it begins with https://chat.whatsapp.com/ or https://t.me/ and has a code."
)


def invite(link: str) -> tuple[Platform, str]:
    """The platform that an invite link leads to, and its one spelling: without `www`, old forms
    (`/joinchat/`, `/invite/`) and what sharing adds behind `?`.

    Raises PydanticCustomError for anything else, such as an address of a message or of an app.
    """
    text = compose(link)
    try:
        parts = urlsplit(text if "//" in text else f"https://{text}")
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        raise refuse("link_invalid", _NO_INVITE) from None
    if parts.scheme in ("http", "https") and host == "chat.whatsapp.com":
        if found := _WHATSAPP.fullmatch(parts.path):
            return "whatsapp", f"https://chat.whatsapp.com/{found[1]}"
    elif parts.scheme in ("http", "https") and host in _TELEGRAM_HOSTS:
        if found := _TELEGRAM.fullmatch(parts.path):
            return "telegram", f"https://t.me/+{found[1]}"
        if found := _TELEGRAM_NAME.fullmatch(parts.path):
            return "telegram", f"https://t.me/{found[1].lower()}"
    raise refuse("link_invalid", _NO_INVITE)


def _canonical(link: str) -> str:
    return invite(link)[1]


Line = Annotated[str, Field(min_length=1, max_length=150), AfterValidator(compose)]
Id = Annotated[str, Field(min_length=1, max_length=40)]
Link = Annotated[str, Field(max_length=300), AfterValidator(_canonical)]


class Admin(Strict):
    """Who looks after a group: somebody of the register of influencers, or a name and number."""

    influencer: Annotated[str, Field(max_length=40, pattern=r"^(inf_[a-z2-7]{16})?$")] = ""
    name: Annotated[str, Field(max_length=150), AfterValidator(compose)] = ""
    phone: Annotated[str, Field(max_length=80)] = ""

    @field_validator("phone")
    @classmethod
    def _a_number(cls, phone: str) -> str:
        return clean_phone(phone) if phone else ""

    @model_validator(mode="after")
    def _somebody(self) -> Admin:
        if not self.influencer and not self.name:
            raise refuse("admin_unknown", "Give the admin's id on the register, or a name.")
        return self

    def masked(self) -> Admin:
        """As lists show them."""
        return self.model_copy(update={"phone": masked(self.phone)})


class _Said(Strict):
    name: Line
    departments: Annotated[tuple[Id, ...], Field(max_length=300)] = ()
    admins: Annotated[tuple[Admin, ...], Field(max_length=20)] = ()


class NewGroup(_Said):
    """A group as somebody puts it on the register."""

    link: Link
    area: Id
    kind: Kind = "area"

    @property
    def platform(self) -> Platform:
        return invite(self.link)[0]


class GroupChange(Strict):
    """What is to be otherwise; what is left out stays."""

    name: Line | None = None
    area: Id | None = None
    departments: Annotated[tuple[Id, ...], Field(max_length=300)] | None = None
    admins: Annotated[tuple[Admin, ...], Field(max_length=20)] | None = None


class LinkWord(Strict):
    """What is known of a group's link now; with `link`, a new one in place of the old."""

    state: LinkState
    seen: Literal["reported", "checked"]
    reason: Annotated[str, Field(max_length=300)] = ""
    link: Link | None = None


class Figures(Strict):
    """How many are in a group, for one month, and who says so. Missing is missing, and not 0."""

    month: Annotated[str, Field(max_length=7)]
    members: Annotated[int, Field(ge=0, le=MOST_MEMBERS)]
    women: Annotated[int, Field(ge=0, le=MOST_MEMBERS)] | None = None
    source: Annotated[str, Field(max_length=200)] = ""

    @field_validator("month")
    @classmethod
    def _a_month(cls, month: str) -> str:
        if not MONTH.fullmatch(month):
            raise refuse("month", "Please write the month as year-month, such as 2026-01.")
        return month

    @model_validator(mode="after")
    def _part_of_all(self) -> Figures:
        if self.women is not None and self.women > self.members:
            raise refuse("women_above_members", "There cannot be more women than members.")
        return self


class MonthsFigures(View):
    """Figures as they are kept: with who said so, and when."""

    month: str
    members: int
    women: int | None = None
    source: str = ""
    by: str = ""
    at: Utc


class Group(View):
    """A group as it is stored."""

    id: str
    platform: Platform
    kind: Kind
    name: str
    link: str
    area: str
    path: tuple[str, ...]
    departments: tuple[str, ...] = ()
    admins: tuple[Admin, ...] = ()
    state: LinkState = "alive"
    seen: Seen = "registered"
    seen_at: Utc
    seen_by: str = ""
    reason: str = ""
    figures: MonthsFigures | None = None
    """The latest month's."""
    created_at: Utc
    created_by: str
    sample: bool = False
    rev: int = 1

    @property
    def claims(self) -> bool:
        """Whether its link is its own: an archived group gives it back."""
        return self.state != "archived"

    @property
    def covers(self) -> bool:
        """Whether it is a group that the people of its area have."""
        return self.kind == "area" and self.state != "archived"

    def with_figures(self, figures: MonthsFigures) -> Group:
        """With the figures of a month: those of the latest count, whatever comes later for an earlier one."""
        if self.figures is not None and self.figures.month > figures.month:
            return self
        return self.changed(figures=figures)

    def with_link(self, word: LinkWord, by: str, at: datetime) -> Group:
        """After what somebody says of its link. Raises InvalidInput for a link of another platform."""
        if word.link is not None and invite(word.link)[0] != self.platform:
            raise InvalidInput.of("link", "other_platform", "This link leads to another platform.")
        told = {"state": word.state, "seen": word.seen, "reason": word.reason, "seen_at": at, "seen_by": by}
        return self.changed(**told, link=word.link or self.link)

    def changed(self, **facts: Any) -> Group:  # noqa: ANN401 - fields of its own
        """The next revision."""
        return self.model_copy(update=facts | {"rev": self.rev + 1})


def sees(who: Principal, group: Group, action: str) -> bool:
    """Whether this person may do `action` with the group: in their areas; and a nodal officer, with the
    groups in which their departments work together."""
    if who.covers_area(group.path, action):
        return True
    return group.kind == "coordination" and not officer_of(who, action).isdisjoint(group.departments)


def officer_of(who: Principal, action: str) -> frozenset[str]:
    """The departments whose coordination groups this person may do `action` with, whatever the area."""
    officer = who.may(action) and "nodal_officer" in who.roles
    return who.departments if officer else frozenset()


def belongs(path: Sequence[str], group: Group) -> bool:
    """Whether a group is for people who live at this path."""
    return group.covers and group.state == "alive" and tuple(path[: len(group.path)]) == group.path


def faults(kind: Kind, departments: Sequence[str], known: frozenset[str]) -> list[FieldError]:
    """What is wrong with a group's departments."""
    found = [
        FieldError(f"departments.{i}", "department_unknown", "There is no department %(id)s.", {"id": one})
        for i, one in enumerate(departments)
        if one not in known
    ]
    if kind == "coordination" and not departments:
        sentence = "A group for coordination names the departments that are in it."
        found.append(FieldError("departments", "missing", sentence))
    return found
