"""What staff set for all voices: rules that route them, how long they may wait, when offices work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import Field
from pynamodb.transactions import TransactWrite

from chalicelib.clock import Clock
from chalicelib.errors import FieldError, InvalidInput
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.ports import Areas
from chalicelib.shapes import Strict
from chalicelib.voices.changes import ChangedMeanwhile
from chalicelib.voices.model import Voice
from chalicelib.voices.routing import MOST_RULES, Rule
from chalicelib.voices.store import VoiceStore
from chalicelib.voices.working import Target, WorkCalendar, target_for

LONGEST = 300_000
"""Bytes of one setting: an item of the table holds 400 KB."""


class Rules(Strict):
    """In the order in which they are tried."""

    rules: tuple[Rule, ...] = Field((), max_length=MOST_RULES)


class Targets(Strict):
    """How long voices may wait."""

    targets: tuple[Target, ...] = Field((), max_length=1000)


Setting = TypeVar("Setting", Rules, Targets, WorkCalendar)
NAMES: dict[type[Strict], str] = {Rules: "rules", Targets: "targets", WorkCalendar: "calendar"}


@dataclass(frozen=True)
class VoiceSettings:
    store: VoiceStore
    areas: Areas
    departments: Callable[[], frozenset[str]]
    audit: Audit
    clock: Clock

    def rules(self) -> tuple[Rule, ...]:
        return self.get(Rules)[0].rules

    def calendar(self) -> WorkCalendar:
        return self.get(WorkCalendar)[0]

    def target(self, voice: Voice) -> Target:
        """How long this voice may wait."""
        return target_for(self.get(Targets)[0].targets, voice.kind, voice.department)

    def get(self, kind: type[Setting]) -> tuple[Setting, int]:
        """A setting, and how often it was set: 0 while the default holds."""
        body, rev = self.store.setting(NAMES[kind])
        return kind.model_validate_json(body or "{}"), rev

    def put(self, who: Principal, wanted: Setting, seen: int | None) -> tuple[Setting, int]:
        """Sets it; `seen` is the number that the caller's version had, None for whatever stands there now.
        Deadlines that are running stay as they are. Raises InvalidInput for what is not known,
        ChangedMeanwhile."""
        kind, name = type(wanted), NAMES[type(wanted)]
        if wrong := self._faults(wanted):
            raise InvalidInput(wrong)
        body = wanted.model_dump_json(exclude_defaults=True)
        if len(body.encode()) > LONGEST:
            raise InvalidInput.of(name, "too_long", "This is too much to be kept. Shorten it.")
        now_rev = self.get(kind)[1] if seen is None else seen

        def write(transaction: TransactWrite) -> None:
            self.store.put_setting(transaction, name, body, now_rev)

        self.audit.committing(
            subject=f"voice#{name}",
            action=f"voice.{name}_set",
            actor=who.id,
            at=self.clock.now(),
            detail={"version": now_rev + 1},
            write=write,
            refused=lambda failed: ChangedMeanwhile(),
        )
        return wanted, now_rev + 1

    def _faults(self, wanted: Rules | Targets | WorkCalendar) -> list[FieldError]:
        if isinstance(wanted, Rules):
            return self._faults_of_rules(wanted.rules)
        if isinstance(wanted, Targets):
            known = self.departments()
            return [
                _no_department(f"targets.{i}.department", one.department)
                for i, one in enumerate(wanted.targets)
                if one.department and one.department not in known
            ]
        named = {state for one in wanted.holidays for state in one.states}
        missing = named - self.areas.many(named).keys() if named else set()
        sentence = "There is no area %(id)s."
        return [FieldError("holidays", "area_unknown", sentence, {"id": one}) for one in sorted(missing)]

    def _faults_of_rules(self, rules: Sequence[Rule]) -> list[FieldError]:
        known, ids = self.departments(), [rule.id for rule in rules]
        areas = {area for rule in rules for area in rule.areas}
        there = self.areas.many(areas) if areas else {}
        found = [
            FieldError(f"rules.{i}.id", "rule_twice", "Another rule has this id.")
            for i, one in enumerate(ids)
            if one in ids[:i]
        ]
        for i, rule in enumerate(rules):
            if rule.department and rule.department not in known:
                found.append(_no_department(f"rules.{i}.department", rule.department))
            if not (rule.department or rule.means):
                sentence = "A rule names a department or a kind."
                found.append(FieldError(f"rules.{i}.department", "missing", sentence))
            found += [
                FieldError(f"rules.{i}.areas.{n}", "area_unknown", "There is no area %(id)s.", {"id": area})
                for n, area in enumerate(rule.areas)
                if area not in there
            ]
        return found


def _no_department(field: str, department: str) -> FieldError:
    return FieldError(field, "department_unknown", "There is no department %(id)s.", {"id": department})
