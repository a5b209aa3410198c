"""Ambassadors beside the real register of people, on the engine's tables; a clock that a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import boto3

from chalicelib.ambassadors.service import Ambassadors
from chalicelib.ambassadors.store import AmbassadorStore
from chalicelib.events.outbox import entry_of
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.influencers.model import Influencer, ReviewRequest
from tests.influencers.world import ADMIN, SmallDirectory
from tests.influencers.world import World as People

AUDITOR = Principal("usr_look", "Look", "l@x.test", frozenset({"auditor"}))
DAY_S = 24 * 3600


@dataclass
class World(People):
    told: list[Any] = field(default_factory=list)
    """Events that are still on their way."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.made = AmbassadorStore()
        self.ambassadors = Ambassadors(
            self.made,
            SmallDirectory(),
            self.people,
            self.people,
            Audit(),
            self.clock,
            lambda user: ADMIN.name if user == ADMIN.id else "",
        )

    def days(self, number: float) -> None:
        self.clock.forward(number * DAY_S)

    def review(self, person: str, decision: str, area: str | None = None) -> Influencer:
        asked = {"decision": decision, "reason": "x"} | ({"ambassador_of": area} if area else {})
        after = self.register.review(ADMIN, person, ReviewRequest.model_validate(asked))
        self._hear(person)
        return after

    def withdraw(self, person: str) -> None:
        self.register.withdraw(ADMIN, person)
        self._hear(person)

    def _hear(self, person: str) -> None:
        """What the stream brings of a change of this person: its event."""
        key = {"pk": {"S": person}, "sk": {"S": "profile"}}
        item = boto3.client("dynamodb").get_item(TableName="janjan-local-people", Key=key)["Item"]
        entry = entry_of({"dynamodb": {"NewImage": item}})
        if entry is not None:
            self.told.append(entry)

    def tell(self, entry: Any) -> None:
        """What the function behind the bus does."""
        from chalicelib.clock import parse_rfc3339

        area = entry.data.get("ambassador_of", "")
        self.ambassadors.person_changed(
            entry.data["influencer_id"], entry.id, parse_rfc3339(entry.occurred_at), area
        )

    def standing(self, person: str) -> list[str]:
        """The areas of which somebody is ambassador now."""
        today = self.clock.today_ist()
        own = self.ambassadors.of_person(person)
        return sorted(one.area for one in own if one.state(today) == "standing")
