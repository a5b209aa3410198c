"""What staff do when a campaign turns out wrong: correct it, or withdraw it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from pynamodb.transactions import TransactWrite

from chalicelib.campaigns.correction import (
    ENDED,
    Correction,
    Words,
    about_its_words,
    recalled,
)
from chalicelib.campaigns.model import Campaign, Purpose, Run, faults
from chalicelib.campaigns.service import (
    APPROVE,
    TRIES,
    WRITE,
    AuthorCannotApprove,
    Campaigns,
    ChangedMeanwhile,
)
from chalicelib.campaigns.store import Snapshot
from chalicelib.clock import rfc3339
from chalicelib.errors import Conflict, InvalidInput, NotFound, Transient
from chalicelib.events.catalog import RunCancelled, RunScheduled
from chalicelib.identity.roles import Principal

WITHDRAW = "campaign.withdraw"
UNDER_WAY = frozenset({"scheduled", "dispatching", "paused"})


@dataclass(frozen=True)
class Corrections:
    campaigns: Campaigns

    def listed(self, campaign_id: str) -> list[Correction]:
        """The corrections and withdrawals of a campaign, oldest first. Raises NotFound."""
        return self.campaigns.store.corrections(self.campaigns.get(campaign_id).id)

    def propose(
        self, who: Principal, campaign_id: str, words: Words, behind: int | None = None
    ) -> Correction:
        """Puts a correction before an approver. Nothing is held up by it: pause or cancel what runs.

        `behind`: as many as there were when it was written; ChangedMeanwhile when there are more by now.
        Raises InvalidInput with all that is missing, Conflict when nobody has been sent the campaign or it is
        withdrawn.
        """
        seen = self.campaigns.for_work(who, campaign_id, WRITE)
        _is_next(seen, behind)
        if seen.withdrawn_at is not None:
            raise Conflict("This campaign has been withdrawn.")
        made = self._made(who, seen, words, "correction")
        made.parents(self.campaigns.store.runs(seen.id))
        after = self._next(seen, corrections=made.number)
        write = partial(self.campaigns.store.put_correction, correction=made)
        self.campaigns.commit(who, "correction.proposed", after, {"correction": made.number}, write=write)
        return made

    def withdraw(
        self, who: Principal, campaign_id: str, words: Words, behind: int | None = None
    ) -> Correction:
        """Withdraws a campaign at once: what is under way of it is called off, and nothing that was sent is
        sent again. Puts the words that tell so before an approver.

        A campaign that is withdrawn already stays so; the words are other ones then. `behind`: as in
        `propose`. Raises InvalidInput with all that is missing in the words, Conflict for a campaign that has
        no run: nothing is changed then.
        """
        for attempt in range(TRIES):
            seen = self.campaigns.for_work(who, campaign_id, WITHDRAW)
            _is_next(seen, behind)
            if not seen.runs:
                raise Conflict("The campaign is %(status)s: this cannot be done now.", status=seen.status)
            made = self._made(who, seen, words, "withdrawal")
            runs = self.campaigns.store.runs(seen.id)
            if words.runs:
                made.parents(runs)
            try:
                self._withdraw(who, seen, made, runs)
            except ChangedMeanwhile:
                self.campaigns.sleep(0.01 * 2**attempt)
            else:
                return made
        raise Transient

    def _withdraw(self, who: Principal, seen: Campaign, made: Correction, runs: list[Run]) -> None:
        now, store = made.proposed_at, self.campaigns.store
        gone = {"status": "cancelled", "ended_at": now}
        halted = [
            run.model_copy(update=gone | {"rev": run.rev + 1}) for run in runs if run.status in UNDER_WAY
        ]
        backed = recalled(runs, now)

        def write(transaction: TransactWrite) -> None:
            store.put_correction(transaction, made)
            for run in halted:
                event = RunCancelled(run_id=run.id, campaign_id=run.campaign_id)
                store.put_run(transaction, run, event, now)
            for run in backed:
                store.put_run(transaction, run, None, now)

        after = self._next(
            seen,
            status="cancelled" if halted else seen.status,
            corrections=made.number,
            withdrawn_at=seen.withdrawn_at or now,
        )
        detail = {"correction": made.number, "cancelled": [run.id for run in halted]}
        self.campaigns.commit(who, "campaign.withdrawn", after, detail, write=write)
        for run in halted:
            if run.started_at:
                self.campaigns.wake(run.id)

    def decide(
        self,
        who: Principal,
        campaign_id: str,
        number: int | str,
        decision: Literal["approve", "decline"],
        reason: str,
    ) -> Correction:
        """Approves a correction or withdrawal, which makes its run, or declines it. Never by somebody who had
        a hand in it or in the campaign.

        The run is due at once, and nothing of the runs before is sent any more, by whatever decision. Raises
        Conflict while a run is under way, for a campaign that was withdrawn (a correction), and for
        what has been decided, and where a code of conduct holds it back; InvalidInput for what is no longer
        ready (a template that was withdrawn).
        """
        seen = self.campaigns.for_work(who, campaign_id, APPROVE)
        found = self.campaigns.store.correction(seen.id, number)
        if found is None:
            raise NotFound("There is no correction %(number)s of this campaign.", number=number)
        if not found.may_be_decided_by(who.id, seen):
            raise AuthorCannotApprove
        if found.status != "proposed":
            raise Conflict("This has been decided already.")
        now = self.campaigns.clock.now()
        if decision == "approve":
            return self._approve(who, seen, found, now, reason)
        if not reason:
            raise InvalidInput.of("reason", "missing", "Please fill in this field.")
        declined = found.decided(who.id, now, "declined", reason)
        write = partial(self.campaigns.store.put_correction, correction=declined)
        detail = {"correction": found.number}
        self.campaigns.commit(who, f"{found.purpose}.declined", self._next(seen), detail, write=write)
        return declined

    def _approve(
        self, who: Principal, seen: Campaign, found: Correction, now: datetime, reason: str
    ) -> Correction:
        if found.purpose == "correction" and seen.withdrawn_at is not None:
            raise Conflict("This campaign has been withdrawn.")
        if seen.status not in ENDED:
            raise Conflict("A run of this campaign is still under way. Call it off, or wait for its end.")
        self._check(seen, found)
        store = self.campaigns.store
        runs = store.runs(seen.id)
        run = found.run_of(seen, found.parents(runs), self.campaigns.quiet_of(seen.content), now)
        self.campaigns.law.check(seen, run.at, run.expires_at)
        approved = found.decided(who.id, now, "approved", reason, run.id)
        snapshot = Snapshot(found.content(seen), self.campaigns.organisation, ())

        def write(transaction: TransactWrite) -> None:
            event = RunScheduled(run_id=run.id, campaign_id=run.campaign_id, at=rfc3339(run.at))
            store.put_correction(transaction, approved)
            store.freeze(transaction, run, snapshot)
            store.put_run(transaction, run, event, now)
            for one in recalled(runs, now):
                store.put_run(transaction, one, None, now)

        after = self._next(seen, status=run.status, runs=run.number)
        detail = {"correction": found.number, "run": run.id, "content": snapshot.fingerprint}
        self.campaigns.commit(who, f"{found.purpose}.approved", after, detail, write=write)
        self.campaigns.launch(run.id, (run.at - now).total_seconds())
        return approved

    def _made(self, who: Principal, seen: Campaign, words: Words, purpose: Purpose) -> Correction:
        """The proposal, checked as a campaign's messages are."""
        made = Correction(
            **words.model_dump() | {"messages": self.campaigns.with_words(words.messages)},
            campaign_id=seen.id,
            number=seen.corrections + 1,
            rev=1,
            purpose=purpose,
            status="proposed",
            author=who.id,
            proposed_at=self.campaigns.clock.now(),
        )
        self._check(seen, made)
        return made

    def _check(self, seen: Campaign, correction: Correction) -> None:
        content = correction.content(seen)
        found = faults(content, self.campaigns.organisation_kind) or self.campaigns.unready(content)
        if wrong := about_its_words(found):
            raise InvalidInput(wrong)

    def _next(self, seen: Campaign, **changes: object) -> Campaign:
        moved = {"rev": seen.rev + 1, "updated_at": self.campaigns.clock.now()}
        return seen.model_copy(update=moved | changes)


def _is_next(seen: Campaign, behind: int | None) -> None:
    """Raises ChangedMeanwhile when another correction was proposed since."""
    if behind is not None and seen.corrections != behind:
        raise ChangedMeanwhile
