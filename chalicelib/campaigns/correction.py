"""A correction or withdrawal of a campaign: proposed by one person, decided by another, sent as a run to
those who got what it takes back. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from chalicelib.campaigns import messages as m
from chalicelib.campaigns.model import Campaign, Content, Messages, Purpose, Run, run_id, tidy
from chalicelib.campaigns.times import LIVES, Quiet
from chalicelib.errors import Conflict, FieldError, InvalidInput
from chalicelib.shapes import Strict

Status = Literal["proposed", "approved", "declined"]
ENDED = frozenset({"dispatched", "cancelled", "expired"})
"""States of a campaign in which nothing of it is under way."""
RUNS_AT_MOST = 100
KNOWN_AFTER = timedelta(seconds=3)
"""A run that takes others back begins so much later: until then every sender knows that they go on no more,
and whoever holds a claim can be seen (dispatch/recipients.py)."""
ABOUT = ("messages", "channels", "links", "disclosure")
"""Fields of a campaign that a correction writes, or whose lines stand in its messages."""


class Words(Strict):
    """What people are told instead, and why."""

    messages: Annotated[Messages, Field(min_length=1)]
    channels: Annotated[tuple[m.Channel, ...], Field(max_length=10)] = ()
    """Over which it goes to people who got the campaign over a channel that it has no message for, in this
    order; without it, the channels of `messages` in theirs."""
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    urgent: bool = False
    """Whether it goes out in quiet hours too, before other campaigns; a withdrawal always does."""
    runs: Annotated[tuple[str, ...], Field(max_length=RUNS_AT_MOST)] = ()
    """The runs that it takes back; without it the last one, for a withdrawal all that have begun."""

    @model_validator(mode="before")
    @classmethod
    def _composed(cls, given: Any) -> Any:  # noqa: ANN401 - raw input
        return tidy(given)


class Correction(Words):
    """A correction or withdrawal as it stands. `rev` counts its changes."""

    campaign_id: str
    number: int
    rev: int
    purpose: Purpose
    status: Status
    author: str
    proposed_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None
    answer: str = ""
    """Why it was approved or declined."""
    run: str = ""
    """The run that sends it, once it is approved."""

    def decided(self, by: str, at: datetime, status: Status, answer: str, run: str = "") -> Correction:
        """It, as approved or declined."""
        now = {"decided_by": by, "decided_at": at, "status": status, "answer": answer, "run": run}
        return self.model_copy(update={"rev": self.rev + 1} | now)

    def may_be_decided_by(self, person: str, campaign: Campaign) -> bool:
        """Never by somebody who had a hand in it or in the campaign."""
        return person != self.author and campaign.may_be_approved_by(person)

    def content(self, campaign: Campaign) -> Content:
        """The campaign's content with these words in place of its own. What was to be published goes: it may
        say what was wrong."""
        own = self.model_dump(include={"messages", "channels"}) | {
            "expires_at": None,
            "posts": {},
            "media": (),
        }
        return Content.model_validate(campaign.content.model_dump() | own)

    def parents(self, runs: Iterable[Run]) -> tuple[str, ...]:
        """The runs that it takes back, the newest first. Raises Conflict when none has begun, InvalidInput
        for one that is named and is none of them."""
        begun = {run.id: run for run in runs if run.purpose == "campaign" and run.started_at}
        if not begun:
            raise Conflict("Nobody has been sent this campaign yet.")
        if unknown := [one for one in self.runs if one not in begun]:
            sentence = "There is no run %(run)s of this campaign that has begun."
            raise InvalidInput([FieldError("runs", "run_unknown", sentence, {"run": unknown[0]})])
        newest = sorted(begun, key=lambda one: begun[one].number, reverse=True)
        if self.runs:
            return tuple(one for one in newest if one in self.runs)
        return tuple(newest if self.purpose == "withdrawal" else newest[:1])

    def run_of(self, campaign: Campaign, parents: tuple[str, ...], quiet: Quiet, now: datetime) -> Run:
        """The run that sends it; it keeps the hours `quiet`, unless it is urgent."""
        begins = now + KNOWN_AFTER
        content = self.content(campaign)
        return Run(
            id=run_id(campaign.id, campaign.runs + 1),
            campaign_id=campaign.id,
            rev=1,
            status="scheduled",
            at=begins,
            expires_at=begins + LIVES,
            channels=content.order,
            kind=content.kind,
            department=content.department,
            quiet=quiet,
            purpose=self.purpose,
            parents=parents,
            urgent=self.urgent or self.purpose == "withdrawal",
        )


def about_its_words(found: Iterable[FieldError]) -> list[FieldError]:
    """Of what is wrong with a campaign's content, that which a correction must mend."""
    return [one for one in found if one.field.partition(".")[0] in ABOUT]


def recalled(runs: Iterable[Run], now: datetime) -> list[Run]:
    """Those of the runs that have ended and of which more could still be sent (by a person's decision), taken
    back."""
    return [
        run.model_copy(update={"rev": run.rev + 1, "recalled_at": now})
        for run in runs
        if run.status == "dispatched" and run.recalled_at is None and not run.is_over(now)
    ]
