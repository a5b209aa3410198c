"""Keeps hubs telling us of the posts of those accounts, and only those, whose posts are counted.

Every step may be repeated, die in between or run twice at once. That the hub is asked is noted before, with
the time of the next try; what it confirms comes by a handshake, behind the queue of callbacks. So a request
that was lost is made again, and a subscription that came about otherwise than noted is renewed or ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.clock import Clock
from chalicelib.errors import PlatformOff, Transient
from chalicelib.metrics.follow import Follow, new
from chalicelib.metrics.follows import Follows, Known, Named
from chalicelib.platforms.base import Hubs, Leased, Meter, OutcomeUnknown, SendRefused, Throttled
from chalicelib.ports import Accounts, People
from chalicelib.telemetry import count, logger

MOST_NAMED = 100
"""Handles whose account is asked for in one tick: each is a request of the platform's quota."""
NAMED_AGAIN = timedelta(days=30)
NOTHING_NAMED_AGAIN = timedelta(days=7)
REFUSALS = (SendRefused, Throttled, OutcomeUnknown, Transient)
MOST_REFUSALS = 3
"""In a row: then the hub is left in peace until the next tick."""
LONGEST_REASON = 200
PEOPLE_A_READ = 25


@dataclass(frozen=True)
class Subscriptions:
    store: Follows
    hubs: Hubs
    meter: Meter
    accounts: Accounts
    people: People
    webhook: Callable[[str], str]
    """Our address for a platform's hub."""
    clock: Clock

    def tick(self, until: float) -> None:
        """Subscribes, renews and ends what is due; begins no request after `until` (epoch seconds)."""
        for platform in self.hubs.announcers():
            self._tick(platform, until)

    def told(self, platform: str, news: Leased, at: datetime) -> None:
        """Takes a hub's word; `at`: when it reached us. May be repeated, and may come late."""
        at, reason = at.replace(microsecond=0), news.reason[:LONGEST_REASON]

        def change(known: Follow | None) -> Follow | None:
            if known is None:
                known = new(news.account, at, wanted=False) if news.lease_s is not None else None
            return known.told(news.lease_s, reason, at) if known else None

        self.store.change(platform, news.account, change)
        if news.lease_s is None:
            logger.warning("not_followed", extra={"platform": platform, "reason": reason})
        count("FollowsConfirmed" if news.lease_s is not None else "FollowsEnded")

    def _tick(self, platform: str, until: float) -> None:
        known = self.store.all(platform)
        handles = self._handles(platform, known)  # what cannot be read raises: then nothing is ended
        for gone in known.handles.keys() - handles:
            self.store.forget_handle(platform, gone)
        wanted = self._accounts(platform, handles, known, until)
        now, refused = self._now(), 0
        fresh = [new(account, now, wanted=True) for account in sorted(wanted - known.accounts.keys())]
        for follow in sorted(known.accounts.values(), key=_urgency) + fresh:
            if self.clock.epoch() >= until or refused == MOST_REFUSALS:
                count("FollowsLeft")
                return
            taken = self._see_to(platform, follow, now, wanted=follow.account in wanted)
            refused = refused if taken is None else 0 if taken else refused + 1

    def _handles(self, platform: str, known: Known) -> set[str]:
        """The handles of everybody who is approved. Who is followed was approved once: only of others it is
        looked up, and whoever leaves the register is not among these accounts any more."""
        handles, others = set[str](), dict[str, list[str]]()
        for person, handle in self.accounts.on_platform(platform):
            named = known.handles.get(handle)
            account = self.hubs.account_in(platform, handle) or (named.account if named else "")
            if account in known.accounts:
                handles.add(handle)
            else:
                others.setdefault(person, []).append(handle)
        ids = sorted(others)
        for start in range(0, len(ids), PEOPLE_A_READ):
            for person, contact in self.people.contacts(ids[start : start + PEOPLE_A_READ]).items():
                handles.update(others[person] if contact.status == "approved" else ())
        return handles

    def _see_to(self, platform: str, follow: Follow, now: datetime, *, wanted: bool) -> bool | None:
        """Whether the hub took what it was asked; None when it was not asked."""
        if wanted and follow.until and follow.until <= now:
            count("FollowsLapsed")
        step = follow.step(now, wanted=wanted)
        if step == "forget":
            self.store.forget(platform, follow)
        if step in ("", "forget") or not self.store.write(platform, follow.asked(now, wanted=wanted)):
            return None
        try:
            self.hubs.follow(platform, follow.account, self.webhook(platform), wanted=wanted)
        except REFUSALS as error:
            count("FollowsRefused")
            logger.warning("hub_refused", extra={"platform": platform, "step": step, "why": str(error)})
            return False
        count("FollowsAsked")
        return True

    def _accounts(self, platform: str, handles: set[str], known: Known, until: float) -> set[str]:
        """The ids of the accounts that these handles name; some of those that are not known are asked for."""
        now, found, unknown = self._now(), set[str](), list[str]()
        for handle in sorted(handles):
            own, named = self.hubs.account_in(platform, handle), known.handles.get(handle)
            found.add(own or (named.account if named else ""))
            if not own and (named is None or named.look_again_at <= now):
                unknown.append(handle)
        for handle in unknown[:MOST_NAMED]:
            if self.clock.epoch() >= until:
                break
            try:
                account = self._ask(platform, handle)
            except (PlatformOff, *REFUSALS) as error:
                logger.warning("handles_wait", extra={"platform": platform, "why": str(error)})
                break
            again = now + (NAMED_AGAIN if account else NOTHING_NAMED_AGAIN)
            before = known.handles.get(handle, Named("", now)).account
            self.store.name(platform, handle, Named(account or before, again))
            found.add(account)
        return found - {""}

    def _ask(self, platform: str, handle: str) -> str:
        """The account that a handle names; empty for none, and for a handle that the platform refuses."""
        try:
            told = self.meter.read_account(platform, handle)
        except SendRefused as refused:
            if refused.scope == "channel":
                raise
            return ""
        return told.account if told else ""

    def _now(self) -> datetime:
        """To the second, as it is kept."""
        return self.clock.now().replace(microsecond=0)


def _urgency(follow: Follow) -> tuple[bool, datetime]:
    """What lapses first comes first, then what was never confirmed."""
    return follow.until is None, follow.until or follow.next_at
