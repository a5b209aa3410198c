"""Files of departments: those of the Local Government Directory as they are, and our own layout.

A department is known by its `id`, or by its code in the LGD: then it is the one that was given this code
before, else `lgd-<code>`. What a file does not say stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from pydantic_core import PydanticCustomError

from chalicelib import cells as c
from chalicelib.clock import IST
from chalicelib.departments.accounts import SYSTEM, Accounts
from chalicelib.departments.changes import ChangedMeanwhile
from chalicelib.departments.model import PLATFORMS, Appointment, Desk, Facts
from chalicelib.departments.officers import Names
from chalicelib.departments.store import DepartmentStore
from chalicelib.emails import LONGEST_EMAIL, clean_email
from chalicelib.errors import Conflict, FieldError, Forbidden, InvalidInput
from chalicelib.handles import clean_handle
from chalicelib.ids import new_id
from chalicelib.names import clean_name, fold
from chalicelib.phones import clean_phone
from chalicelib.ports import Column, Effect, ImportJob

ACTION = "import.departments"
LANGUAGES = (
    *("as", "bn", "brx", "doi", "gu", "kn", "kok", "ks", "mai", "ml", "mni", "mr", "ne", "or", "pa"),
    *("sa", "sat", "sd", "ta", "te", "ur"),
)
"""Of the eighth schedule, beside Hindi; and English."""
TRIES = 6
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{1,39}")
_CODE = re.compile(r"[0-9]{1,10}")
_NUKTA = 7
"""Unicode's combining class of nuktas: क़ and क are typed for one another."""
_TITLES = frozenset(
    (
        *("shri", "sri", "smt", "shrimati", "sushri", "mr", "mrs", "ms", "dr", "prof", "er", "adv"),
        *("श्री", "श्रीमती", "श्रीमति", "सुश्री", "डॉ", "डा", "डॉक्टर", "प्रो"),
    )
)
"""Before a name, with or without a stop."""
WHICH = "Give an id, or the department's code in the LGD."
NO_CODE = "This is no code of the LGD: it has digits alone."
NO_ID = "This is no id: small letters, digits, - and _."
OTHER_CODE = "Another department has this code in the LGD."
NAMELESS = "The department has no name."


@dataclass(frozen=True)
class Officer:
    name: str
    designation: str = ""
    phone: str = ""
    email: str = ""

    def known(self, holder: Appointment | None) -> bool:
        """Whether this is what is known of who holds the seat, as far as the file tells."""
        return holder is not None and all(
            given in ("", getattr(holder, name)) for name, given in self.facts.items()
        )

    def is_(self, holder: Appointment) -> bool:
        """Whether it is the one who holds the seat, however they are spelled or titled."""
        return _bare(self.name) == _bare(holder.name)

    @property
    def facts(self) -> dict[str, str]:
        return vars(self)


@dataclass(frozen=True)
class Row:
    """One department as a file has it."""

    id: str
    """Empty: by its code."""
    code: str
    names: Mapping[str, str]
    facts: Mapping[str, str] = field(default_factory=dict)
    accounts: tuple[tuple[str, str], ...] = ()
    officer: Officer | None = None


@dataclass(frozen=True)
class DepartmentKind:
    """Implements ports.ImportKind."""

    store: DepartmentStore
    names: Callable[[], Names]
    put_names: Callable[[Mapping[str, Mapping[str, str]]], None]
    """Writes the master rows: id and names."""
    accounts: Accounts
    """With changes that write no entry into the audit: the job's own tells of all."""
    name: str = "departments"
    columns: Sequence[Column] = (
        Column("id", ("department", "department_id")),
        Column("lgd_code", ("lgd_org_code", "org_code")),
        Column("name_en", ("name", "org_name", "department_name")),
        Column("name_hi"),
        *(Column(f"name_{language}") for language in LANGUAGES),
        Column("state", ("iso_3166_2",)),
        Column("kind", ("org_type",)),
        Column("parent", ("parent_org_code",)),
        *(Column(platform) for platform in PLATFORMS),
        Column("officer", ("nodal_officer",)),
        Column("officer_designation", ("designation",)),
        Column("officer_phone", ("phone", "mobile")),
        Column("officer_email", ("email",)),
    )
    options: Sequence[str] = ()

    def check(self, job: ImportJob) -> None:
        if not job.caller.may(ACTION):
            raise Forbidden

    def read(self, cells: Mapping[str, str], job: ImportJob) -> Row:
        wrong: list[FieldError] = []

        def cell(name: str, clean: Callable[[str, str], str]) -> str:
            """The cell, cleaned; empty where it is, and where it is wrong."""
            try:
                return clean(name, cells.get(name, "")) if cells.get(name, "").strip() else ""
            except InvalidInput as refused:
                wrong.extend(refused.errors)
            except PydanticCustomError as refused:
                params = dict(refused.context or {})
                wrong.append(FieldError(name, refused.type, str(params.pop("sentence")), params))
            return ""

        ident, code = cell("id", _ident), cell("lgd_code", _code)
        if not (ident or code or wrong):
            wrong.append(FieldError("id", "missing", WHICH))
        names = {
            language: text
            for language in ("en", "hi", *LANGUAGES)
            if (text := cell(f"name_{language}", lambda f, text, by=language: c.name(f, text, by)))  # type: ignore[misc]
        }
        facts = {name: cell(name, c.name) for name in ("state", "kind")} | {"parent": cell("parent", _code)}
        accounts = [(one, cell(one, clean_account)) for one in PLATFORMS]
        officer = Officer(
            cell("officer", lambda _, text: clean_name(text)),
            cell("officer_designation", c.name),
            cell("officer_phone", lambda f, text: clean_phone(c.digits(f, text))),
            cell("officer_email", lambda _, text: clean_email(text[:LONGEST_EMAIL])),
        )
        if wrong:
            raise InvalidInput(wrong)
        return Row(
            id=ident,
            code=code,
            names=names,
            facts={name: text for name, text in facts.items() if text},
            accounts=tuple((platform, name) for platform, name in accounts if name),
            officer=officer if officer.name else None,
        )

    def key(self, record: Row) -> str:
        return record.id or f"lgd-{record.code}"

    def compare(self, records: Sequence[Row], job: ImportJob) -> list[Effect | InvalidInput]:
        known = _Known(self, records)
        return [known.effect(record, job) for record in records]

    def write(self, records: Sequence[Row], job: ImportJob) -> None:
        known = _Known(self, records)
        placed = {known.id_of(record): record for record in records}
        self.put_names({one: {**known.names.get(one, {}), **row.names} for one, row in placed.items()})
        self.store.put_facts([known.facts_of(one, row) for one, row in placed.items()])
        for department, row in placed.items():
            for platform, handle in row.accounts:
                self.accounts.state(SYSTEM, department, platform, handle)
            if row.officer:
                self._seat(department, row.officer, job.at.astimezone(IST).date())

    def finish(self, job: ImportJob) -> None:
        """Nothing is summed."""

    def _seat(self, department: str, officer: Officer, day: date) -> None:
        for _ in range(TRIES):
            seen = self.store.desk(department)
            if officer.known(seen.holder("officer", day)):
                return
            after = seated(seen, officer, day)
            try:
                self.accounts.changes.commit(
                    SYSTEM,
                    f"department#{department}",
                    "department.officer_appointed",
                    lambda transaction, desk=after: self.store.put_desk(transaction, desk),  # type: ignore[misc]
                )
            except ChangedMeanwhile:
                continue
            return
        raise ChangedMeanwhile


@dataclass
class _Known:
    """What there is of these departments already: four requests for a hundred."""

    kind: DepartmentKind
    records: Sequence[Row]

    def __post_init__(self) -> None:
        self.names = self.kind.names()
        self.codes = self.kind.store.codes([one.code for one in self.records if one.code])
        self.said: dict[str, str] = {}
        for one in self.records:
            if one.code and one.id:
                self.said.setdefault(one.code, one.id)
        ids = [self.id_of(one) for one in self.records]
        self.facts = self.kind.store.facts(ids)
        wanted = [self.id_of(one) for one in self.records if one.accounts or one.officer]
        self.desks = self.kind.store.desks(wanted) if wanted else {}

    def id_of(self, row: Row) -> str:
        return row.id or self.codes.get(row.code) or self.said.get(row.code) or f"lgd-{row.code}"

    def facts_of(self, department: str, row: Row) -> Facts:
        before = self.facts.get(department) or Facts(department=department)
        given = dict(row.facts) | ({"code": row.code} if row.code else {})
        return before.model_copy(update=given)

    def effect(self, row: Row, job: ImportJob) -> Effect | InvalidInput:
        ident, day = self.id_of(row), job.at.astimezone(IST).date()
        if row.id and row.code and row.id != (self.codes.get(row.code) or self.said[row.code]):
            return InvalidInput.of("lgd_code", "code_taken", OTHER_CODE)
        if ident not in self.names:
            return "new" if row.names else InvalidInput.of("name_en", "missing", NAMELESS)
        names = self.names[ident]
        same = all(names.get(language) == name for language, name in row.names.items())
        same = same and self.facts_of(ident, row) == self.facts.get(ident, Facts(department=ident))
        desk = self.desks.get(ident) or Desk(department=ident)
        same = same and all(
            desk.account_on(*account) or desk.contested_on(*account) for account in row.accounts
        )
        if row.officer and not row.officer.known(desk.holder("officer", day)):
            try:
                seated(desk, row.officer, day)
            except InvalidInput as refused:
                error = refused.errors[0]
                return InvalidInput([FieldError("officer", error.code, error.message, error.params)])
            except Conflict as refused:
                return InvalidInput.of("officer", refused.code, refused.message)
            return "changed"
        return "same" if same else "changed"


def seated(desk: Desk, officer: Officer, day: date) -> Desk:
    """The desk with this officer: the one who holds the seat when the name is the same, in the file's
    spelling, else the next one, from this day on. Raises InvalidInput, Conflict."""
    holder = desk.holder("officer", day)
    if holder and officer.is_(holder):
        given = {name: text for name, text in officer.facts.items() if text}
        return desk.changed(holder.id, day, **given)
    new = Appointment(
        id=new_id("off"),
        seat="officer",
        name=officer.name,
        designation=officer.designation,
        phone=officer.phone,
        email=officer.email,
        begins=day,
    )
    return desk.appointed(new, day)


def _bare(name: str) -> str:
    """What two spellings of a person's name have in common: letters without case, nuktas, joiners, stops and
    blanks; without a title before it. An initial is not the name that it stands for."""
    apart = unicodedata.normalize("NFD", fold(name))
    words = re.split(r"[\s.,'’\-()/:;।॰]+", "".join(c for c in apart if unicodedata.combining(c) != _NUKTA))
    while len(words) > 1 and words[0] in _TITLES | {""}:
        del words[0]
    return "".join(words)


def clean_account(platform: str, cell: str) -> str:
    return clean_handle(platform, c.digits(platform, cell) if platform == "whatsapp" else cell)


def _ident(column: str, cell: str) -> str:
    text = c.tidy(cell)
    if not _ID.fullmatch(text):
        raise InvalidInput.of(column, "id_form", NO_ID)
    return text


def _code(column: str, cell: str) -> str:
    text = c.digits(column, cell)
    if not _CODE.fullmatch(text):
        raise InvalidInput.of(column, "code_form", NO_CODE)
    return text
