"""The registered words of SMS, for whoever sends one: campaigns, service messages, tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.campaigns.messages import Template
from chalicelib.campaigns.store import CampaignStore
from chalicelib.platforms import dlt
from chalicelib.platforms.base import Outgoing

FRESH_S = 10.0
"""How old a copy of the register may be that an SMS goes by; one query each time."""


@dataclass
class SmsRegister:
    """Implements ports.ServiceTexts, and tells the last step before a request what is registered."""

    store: CampaignStore
    ticks: Callable[[], float] = time.time
    _kept: tuple[float, list[Template]] = (float("-inf"), [])

    def words(self, template_id: str, anew: bool = False) -> list[str]:
        """The words that are registered and approved under this id, in whatever language; by a copy that is
        at most `FRESH_S` old, unless they are to be read `anew`."""
        return [one.body for one in self._approved(anew) if one.template_id == template_id]

    def sms(self, name: str, language: str, *params: str) -> Outgoing | None:
        """See ports.ServiceTexts."""
        named = [one for one in self._approved() if one.name == name and one.params_count == len(params)]
        found = next((one for one in named if one.language == language), named[0] if named else None)
        if found is None:
            return None
        values = tuple(dlt.cut(param) for param in params)
        return Outgoing(
            template=found.template_id,
            template_language=found.language,
            header=found.header,
            params=values,
            text=found.filled(values),
        )

    def _approved(self, anew: bool = False) -> list[Template]:
        at, kept = self._kept
        if anew or not 0 <= self.ticks() - at < FRESH_S:
            at, kept = self.ticks(), self.store.templates("sms")
            self._kept = at, kept
        return [one for one in kept if one.state == "approved"]
