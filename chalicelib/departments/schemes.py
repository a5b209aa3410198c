"""The register of schemes, words on their progress, and cards for a campaign's kit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pynamodb.transactions import TransactWrite

from chalicelib.clock import Clock
from chalicelib.departments.changes import ChangedMeanwhile, Changes
from chalicelib.departments.model import bound_to
from chalicelib.departments.scheme import (
    Card,
    CardBody,
    Kit,
    Progress,
    ProgressBody,
    Scheme,
    SchemeBody,
    Validity,
)
from chalicelib.departments.store import DepartmentStore, Position
from chalicelib.errors import FieldError, InvalidInput, NotFound, OtherDepartment
from chalicelib.identity.roles import Principal
from chalicelib.ids import id_from, new_id
from chalicelib.lists import page
from chalicelib.names import has_words
from chalicelib.ports import Briefs, CampaignBrief, SchemeBrief

MOST_IN_A_KIT = 30
WRITE, READ_CARDS, WRITE_CARDS = "scheme.write", "card.read", "card.write"
"""What staff do with schemes and cards (identity.roles.MATRIX). Schemes are open to read."""


@dataclass(frozen=True)
class Schemes:
    """Implements ports.Schemes."""

    store: DepartmentStore
    departments: Callable[[], Collection[str]]
    themes: Callable[[], Collection[str]]
    changes: Changes
    clock: Clock

    def briefs(self, ids: Sequence[str]) -> dict[str, SchemeBrief]:
        """See ports.Schemes."""
        today = self.clock.today_ist()
        return {
            one.id: SchemeBrief(one.id, one.department, one.names, ended=one.validity(today) == "ended")
            for one in self.store.schemes(ids).values()
        }

    def get(self, scheme: str) -> Scheme:
        """Raises NotFound."""
        found = self.store.scheme(scheme)
        if found is None:
            raise NotFound
        return found

    def seen(self, who: Principal, scheme: str) -> Scheme:
        """The same on the desk of whoever looks after schemes. Raises NotFound for another department's."""
        found = self.get(scheme)
        if not who.covers_department(found.department, READ_CARDS):
            raise NotFound
        return found

    def listed(
        self,
        *,
        department: str,
        theme: str,
        validity: Validity | None,
        stale: bool,
        limit: int,
        after: Position | None,
        who: Principal | None = None,
        words: str = "",
    ) -> tuple[list[Scheme], Position | None]:
        """Schemes, of one department, theme or validity where given; `stale`: only those of whose progress
        nothing was told for long; `who`: only those of the departments that somebody is bound to, where they
        are; `words`: only those in whose words all of these stand, in any language."""
        today = self.clock.today_ist()
        bound = bound_to(who, READ_CARDS) if who else None
        of = bound if not department else [department] if bound is None or department in bound else []

        def wanted(one: Scheme) -> bool:
            fits = theme in ("", one.theme) and validity in (None, one.validity(today))
            return fits and (not stale or one.stale(today)) and has_words(one.words, words)

        return page(self.store.all_schemes(of, after), limit, wanted)

    def add(self, who: Principal, body: SchemeBody, once: str = "") -> Scheme:
        """Puts a scheme on the register. `once`: what one person says again when they send the same form
        twice: it is there already then, and stays as it is; with other words it is another scheme. Raises
        InvalidInput, OtherDepartment."""
        self._check(who, body)
        made = id_from("sch", who.id, once, body.model_dump_json()) if once else new_id("sch")
        new = Scheme(id=made, rev=1, updated_at=self.clock.now(), **dict(body))
        try:
            self._commit(who, "scheme.added", new)
        except ChangedMeanwhile:
            if not once:
                raise
        return new

    def change(self, who: Principal, scheme: str, fields: dict[str, Any], rev: int | None = None) -> Scheme:
        """A scheme with some fields replaced; also one that is to be ended. `rev`: what the caller saw, where
        that is to hold still. Raises NotFound, InvalidInput, OtherDepartment, Conflict."""
        seen = self._own(who, scheme)
        if rev not in (None, seen.rev):
            raise ChangedMeanwhile
        body = SchemeBody.model_validate(seen.model_dump(include=set(SchemeBody.model_fields)) | fields)
        self._check(who, body)
        after = seen.model_copy(update={**dict(body), "rev": seen.rev + 1, "updated_at": self.clock.now()})
        self._commit(who, "scheme.changed", after, fields=sorted(fields))
        return after

    def told(self, who: Principal, scheme: str, body: ProgressBody, once: str = "") -> Progress:
        """Adds a word on how a scheme fares. `once`: what one person says again when they send the same form
        twice: it was told already then, but for other words. Raises NotFound, InvalidInput for a day to come,
        OtherDepartment, Conflict."""
        seen = self._own(who, scheme)
        if body.as_of > self.clock.today_ist():
            raise InvalidInput.of("as_of", "future", "This day has not come yet.")
        now = self.clock.now()
        facts = (who.id, scheme, once, body.model_dump_json())
        made = id_from("prg", *facts) if once else new_id("prg")
        new = Progress(id=made, scheme=scheme, by=who.id, at=now, **dict(body))
        newest = max(one for one in (seen.progress_on, body.as_of) if one)
        after = seen.model_copy(update={"rev": seen.rev + 1, "progress_on": newest})

        def write(transaction: TransactWrite) -> None:
            self.store.put_scheme(transaction, after)
            self.store.put_progress(transaction, new)

        detail = {"progress": new.id, "as_of": body.as_of.isoformat()}
        try:
            self.changes.commit(who, f"scheme#{scheme}", "scheme.progress_told", write, **detail)
        except ChangedMeanwhile:
            if not once or self.store.told(new) is None:
                raise
        return new

    def progress(
        self, scheme: str, limit: int, after: Position | None
    ) -> tuple[list[Progress], Position | None]:
        """Words on a scheme's progress, the newest day first. Raises NotFound."""
        return page(self.store.progress(self.get(scheme).id, after), limit)

    def newest(self, scheme: Scheme, limit: int) -> list[Progress]:
        """The newest words on its progress, the newest day first."""
        return page(self.store.progress(scheme.id, None), limit)[0]

    def _own(self, who: Principal, scheme: str) -> Scheme:
        seen = self.get(scheme)
        if not who.covers_department(seen.department, WRITE):
            raise OtherDepartment
        return seen

    def _check(self, who: Principal, body: SchemeBody) -> None:
        if not who.covers_department(body.department, WRITE):
            raise OtherDepartment
        wrong = []
        if body.department not in self.departments():
            wrong.append(FieldError("department", "department_unknown", "There is no such department."))
        if body.theme and body.theme not in self.themes():
            wrong.append(FieldError("theme", "theme_unknown", "There is no such theme."))
        if wrong:
            raise InvalidInput(wrong)

    def _commit(self, who: Principal, action: str, after: Scheme, **detail: str | list[str]) -> None:
        def write(transaction: TransactWrite) -> None:
            self.store.put_scheme(transaction, after)

        self.changes.commit(who, f"scheme#{after.id}", action, write, **detail)


@dataclass(frozen=True)
class Cards:
    store: DepartmentStore
    schemes: Schemes
    briefs: Briefs
    changes: Changes
    clock: Clock

    def get(self, who: Principal, card: str, action: str = READ_CARDS) -> Card:
        """Raises NotFound: of another department's card nobody learns."""
        found = self.store.card(card)
        if found is None or not who.covers_department(found.department, action):
            raise NotFound
        return found

    def listed(
        self,
        who: Principal,
        *,
        campaign: str,
        scheme: str,
        theme: str,
        language: str,
        limit: int,
        after: Position | None,
    ) -> tuple[list[Card], Position | None]:
        """Cards of a scheme, of a theme, or of the kit of a campaign; of the departments that somebody is
        bound to, where they are. Raises NotFound for a campaign of another department."""
        bound = bound_to(who, READ_CARDS)
        if campaign:
            brief = self.briefs.brief(campaign)
            if brief is None or not who.covers_department(brief.department, READ_CARDS):
                raise NotFound
            kit = self._kit(brief)
            if bound is not None:
                kit = kit.within(bound)
            rows = self.store.all_cards(kit.departments, after)
            return page(rows, limit, lambda one: kit.holds(one) and language in ("", *one.texts))
        wanted = Kit(frozenset({scheme} - {""}), frozenset({theme} - {""}))
        rows = self.store.all_cards(bound, after)
        return page(rows, limit, lambda one: wanted.holds(one) and language in ("", *one.texts))

    def of_scheme(self, scheme: Scheme, limit: int) -> list[Card]:
        """The first cards that a scheme's own department has of it."""
        rows = self.store.all_cards([scheme.department], None)
        return page(rows, limit, Kit(frozenset({scheme.id})).holds)[0]

    def of_campaign(self, campaign: str) -> list[Card]:
        """The cards of a campaign's kit, for whom the kit is; at most MOST_IN_A_KIT."""
        brief = self.briefs.brief(campaign)
        if brief is None:
            return []
        kit = self._kit(brief)
        return page(self.store.all_cards(kit.departments, None), MOST_IN_A_KIT, kit.holds)[0]

    def _kit(self, brief: CampaignBrief) -> Kit:
        cited = self.schemes.briefs(brief.schemes) if brief.schemes else {}
        departments = sorted({brief.department, *(one.department for one in cited.values())})
        themes = frozenset({brief.theme} - {""})
        return Kit(frozenset(brief.schemes), themes, tuple(departments), everything=False)

    def write(
        self, who: Principal, body: CardBody, card: str = "", rev: int | None = None, once: str = ""
    ) -> Card:
        """Writes a card, new or (`card`) changed. `rev`: what the caller saw of it, where that is to hold
        still; `once`: what one person says again when they send the form of a new card twice: it is there
        already then; with other words it is another card. Raises InvalidInput, NotFound, OtherDepartment,
        Conflict."""
        seen = self.get(who, card, WRITE_CARDS) if card else None
        if seen and rev not in (None, seen.rev):
            raise ChangedMeanwhile
        if not who.covers_department(body.department, WRITE_CARDS):
            raise OtherDepartment
        wrong = []
        if body.department not in self.schemes.departments():
            wrong.append(FieldError("department", "department_unknown", "There is no such department."))
        if body.scheme and not self.schemes.briefs([body.scheme]):
            wrong.append(
                FieldError("scheme", "scheme_unknown", "There is no scheme %(id)s.", {"id": body.scheme})
            )
        if body.theme and body.theme not in self.schemes.themes():
            wrong.append(FieldError("theme", "theme_unknown", "There is no such theme."))
        if wrong:
            raise InvalidInput(wrong)
        made = id_from("crd", who.id, once, body.model_dump_json()) if once else new_id("crd")
        after = Card(
            id=seen.id if seen else made,
            rev=seen.rev + 1 if seen else 1,
            updated_at=self.clock.now(),
            **dict(body),
        )

        def write(transaction: TransactWrite) -> None:
            self.store.put_card(transaction, after)

        action = "card.changed" if seen else "card.added"
        try:
            self.changes.commit(who, f"card#{after.id}", action, write, department=after.department)
        except ChangedMeanwhile:
            if seen or not once:
                raise
        return after

    def remove(self, who: Principal, card: str) -> None:
        """Takes a card out of all kits. Raises NotFound, Conflict."""
        seen = self.get(who, card, WRITE_CARDS)

        def write(transaction: TransactWrite) -> None:
            self.store.remove_card(transaction, seen)

        self.changes.commit(who, f"card#{card}", "card.removed", write, department=seen.department)


def fresh(scheme: Scheme, today: date) -> dict[str, Any]:
    """What is told of how new the newest word on its progress is."""
    return {
        "as_of": scheme.progress_on,
        "age_days": scheme.age_days(today),
        "stale": scheme.stale(today),
    }
