"""Election law at scheduling, and the overrides by which an approver lets a campaign go out under a code."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pynamodb.transactions import TransactWrite

from chalicelib.campaigns.model import Campaign, Override
from chalicelib.campaigns.store import CampaignStore
from chalicelib.clock import Clock
from chalicelib.errors import Conflict, Forbidden, InvalidInput, NotFound, OtherDepartment, Transient
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.ports import Areas, Calendar, keeps_silence, needs_override

TRIES = 5


class UnderCode(Conflict):
    code = "code_of_conduct"
    message = (
        "The code of conduct of %(elections)s is in force where this campaign goes. "
        "An approver may override it."
    )


class AuthorCannotOverride(Forbidden):
    code = "author_cannot_override"
    message = "You wrote, changed or submitted this campaign: somebody else must decide on an override."


class _Moved(Exception):  # noqa: N818 - says what happened, and goes no further than this file
    """The campaign was changed at the same moment."""


@dataclass(frozen=True)
class ElectionLaw:
    """What the election calendar says about a campaign."""

    calendar: Callable[[], Calendar]
    """Gives it as it is now: what was entered a second ago counts when a person decides."""
    areas: Areas
    organisation_kind: str

    def check(self, campaign: Campaign, begins: datetime, ends: datetime) -> None:
        """Raises UnderCode when a code binds at `begins` somewhere in the audience and no override stands for
        it; InvalidInput when silence lets nothing out from `begins` to `ends`.

        What changes later, and what holds for each person, the sender looks at.
        """
        content = campaign.content
        paths = [area.path for one in content.audience.areas if (area := self.areas.get(one)) is not None]
        if needs_override(content.kind, self.organisation_kind):
            self._check_codes(campaign, paths, begins)
        calendar = self.calendar()
        if keeps_silence(content.kind, self.organisation_kind) and all(
            calendar.silent_throughout(path, begins, ends) for path in paths
        ):
            sentence = "From this time until it expires there is silence wherever this campaign goes."
            raise InvalidInput.of("at", "silence", sentence)

    def _check_codes(self, campaign: Campaign, paths: Iterable[Sequence[str]], at: datetime) -> None:
        codes = self.calendar().codes(paths, at)
        without = sorted((name, ident) for ident, name in codes.items() if ident not in campaign.overridden)
        if without:
            raise UnderCode(elections=", ".join(f"{name} ({ident})" for name, ident in without))


@dataclass(frozen=True)
class Overrides:
    """An approver's permission for one campaign under the code of one election, and its withdrawal."""

    store: CampaignStore
    law: ElectionLaw
    audit: Audit
    clock: Clock
    sleep: Callable[[float], None] = time.sleep

    def give(self, who: Principal, campaign_id: str, election: str, reason: str) -> Override:
        """Lets the campaign go out under this election's code of conduct; senders know within 2 s.

        Raises Forbidden for an author, of a correction too, InvalidInput for an election that is not on the
        calendar, Conflict for a campaign that needs none, is not approved yet, or has it already.
        """
        if not self.law.calendar().knows(election):
            raise InvalidInput.of("election", "election_unknown", "There is no election %(id)s.", id=election)
        override = Override(election=election, reason=reason, by=who.id, at=self.clock.now())
        proposed = {one.author for one in self.store.corrections(campaign_id)}

        def step(seen: Campaign) -> tuple[Override, ...]:
            if not seen.may_be_approved_by(who.id) or who.id in proposed:
                raise AuthorCannotOverride
            if not needs_override(seen.content.kind, self.law.organisation_kind):
                raise Conflict("No code of conduct holds this campaign back.")
            if seen.status in ("draft", "submitted"):
                raise Conflict("Only what is approved can be let out under a code of conduct.")
            if election in seen.overridden:
                raise Conflict("An override for this election stands already.")
            return (*seen.overrides, override)

        self._change(who, campaign_id, "campaign.overridden", election, step)
        return override

    def withdraw(self, who: Principal, campaign_id: str, election: str) -> None:
        """Takes an override back: within 2 s senders refuse again. Raises NotFound when there is none."""

        def step(seen: Campaign) -> tuple[Override, ...]:
            if election not in seen.overridden:
                raise NotFound("There is no override for the election %(id)s.", id=election)
            gone = {"withdrawn_by": who.id, "withdrawn_at": self.clock.now()}
            return tuple(
                one.model_copy(update=gone) if one.election == election and one.withdrawn_at is None else one
                for one in seen.overrides
            )

        self._change(who, campaign_id, "campaign.override_withdrawn", election, step)

    def _change(
        self,
        who: Principal,
        campaign_id: str,
        action: str,
        election: str,
        step: Callable[[Campaign], tuple[Override, ...]],
    ) -> None:
        """Campaign, the senders' copy and the audit's entry, all or none. Dispatch moves the campaign too:
        whoever writes second looks at what there is now."""
        for attempt in range(TRIES):
            seen = self.store.campaign(campaign_id)
            if seen is None:
                raise NotFound("There is no campaign %(id)s.", id=campaign_id)
            if not who.covers_department(seen.department, "campaign.override"):
                raise OtherDepartment
            now = self.clock.now()
            moved = {"overrides": step(seen), "rev": seen.rev + 1, "updated_at": now}
            after = seen.model_copy(update=moved)

            def write(transaction: TransactWrite, after: Campaign = after) -> None:
                self.store.put_campaign(transaction, after)
                self.store.put_overrides(transaction, after)

            try:
                self.audit.committing(
                    subject=f"campaign#{campaign_id}",
                    action=action,
                    actor=who.id,
                    at=now,
                    detail={"election": election},
                    write=write,
                    refused=lambda failed: _Moved(),
                )
            except _Moved:
                self.sleep(0.01 * 2**attempt)
            else:
                return
        raise Transient
