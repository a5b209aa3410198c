"""The deployed system under faults: four campaigns to everybody at once, one stopped, one paused, one that
expires, while AWS fails, platforms lose answers, workers are killed and the clock steps.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local import judge
from local.acting import Json, wait_for
from local.judge import Ban, Outcome
from local.prove.ground import Ground, Killer, ground, person_of
from local.prove.rate import rate_of

PEOPLE = 1300
RATE_PER_S = 40.0
HALTS_WITHIN_S = 5.0
KILLED_EVERY_S = 6.0
HIDDEN_S = 40
"""The queues' visibility time-out, shorter than in production: what was killed comes again soon, and what is
slow comes twice."""
PATIENCE_S = 600.0
LEAVERS = 12
TRIES_TO_AGREE = 6


@dataclass
class Deployed:
    """What the deployed proof came to."""

    recipients: int = 0
    requests: int = 0
    killed: int = 0
    proxy: dict[str, int] = field(default_factory=dict)
    events: int = 0
    seconds: float = 0.0
    campaigns: dict[str, Json] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)

    def line(self) -> dict[str, Any]:
        """For the last line of output."""
        return {**vars(self), "breaches": len(self.breaches)}


def run(note: Callable[[str], None], people: int | None = None) -> Deployed:
    """Starts a system, plays the campaigns and judges them."""
    count = people or int(os.environ.get("DEPLOYED_PEOPLE") or PEOPLE)
    with ground(count, RATE_PER_S, note) as place:
        return Play(place, note).whole()


@dataclass
class Play:
    """The course of the campaigns."""

    place: Ground
    note: Callable[[str], None]
    bans: list[Ban] = field(default_factory=list)
    campaigns: dict[str, str] = field(default_factory=dict)
    """Their ids by the name that their texts hold."""
    gone: set[str] = field(default_factory=set)
    """Who need not be in a later campaign: they said stop, or the platform says that they blocked us."""

    def whole(self) -> Deployed:
        """Everything, one after the other."""
        place, begun = self.place, time.monotonic()
        _hide_for(place, HIDDEN_S)
        place.listen()
        place.fail(sometimes=True)
        with Killer(place.system, KILLED_EVERY_S, random.Random(1)) as killer:
            self._stopped()
            self._paused()
            self._expired()
            self.note("waiting for the ends")
            for campaign in self.campaigns.values():
                place.ended(campaign, PATIENCE_S)
        place.fail(sometimes=False)
        place.settled()
        done = self._judge(killer.killed)
        done.seconds = round(time.monotonic() - begun, 1)
        return done

    def _launch(self, name: str, **changes: object) -> str:
        self.note(f"campaign {name}")
        self.campaigns[name] = self.place.launch(name, **changes)
        return self.campaigns[name]

    def _ban(self, why: str, begun: float, *, grace_s: float = HALTS_WITHIN_S, **scope: Any) -> None:  # noqa: ANN401
        self.bans.append(Ban(why, begun, self.place.now(), grace_s=grace_s, **scope))

    def _stopped(self) -> None:
        """Stopped in the middle, while some say stop themselves; then the clock steps, and it goes on."""
        place = self.place
        campaign = self._launch("stopped")
        place.asked(campaign, "stopped", 0.2)
        begun = place.now()
        place.act("PUT", "/v1/stops/all", {"reason": "proof"})
        leavers = [one for one in place.people if one.channel == "whatsapp"][-LEAVERS:]
        for one in leavers:
            told = {"platform": "whatsapp", "from": one.phone, "text": "STOP"}
            place.sandbox("POST", "/inbound", told)
        wait_for(lambda: place.stopped(leavers), "the end of their consents", 300)
        time.sleep(HALTS_WITHIN_S + 5)
        self._ban("stop all", begun)
        addresses = frozenset(one.phone for one in leavers)
        self.bans.append(Ban("their own STOP", place.now(), addresses=addresses, grace_s=HALTS_WITHIN_S))
        self.gone = {f"whatsapp:{address}" for address in addresses}
        place.act("DELETE", "/v1/stops/all")
        place.step_clock(90.0)
        place.asked(campaign, "stopped", 0.5)
        place.step_clock(75.0)

    def _paused(self) -> None:
        place = self.place
        campaign = self._launch("paused")
        place.asked(campaign, "paused", 0.2)
        begun = place.now()
        place.act("POST", f"/v1/campaigns/{campaign}/pause", token=place.editor)
        time.sleep(HALTS_WITHIN_S + 8)
        self._ban("paused", begun, run=campaign)
        place.act("POST", f"/v1/campaigns/{campaign}/resume", token=place.editor)

    def _expired(self) -> None:
        """Ends in the middle; and one whose queue is held back by a fault until it is over."""
        place = self.place
        ends = place.ends_in(2 * len(self.place.people) / RATE_PER_S + 20)
        campaign = self._launch("expiring", expires_at=ends)
        self.bans.append(Ban("expired", _instant(ends), run=campaign))
        some = len(place.people) / 20
        wait_for(
            lambda: len(place.requests(campaign, "expiring")) >= some or place.now() > _instant(ends),
            "some of what expires",
            PATIENCE_S,
        )
        place.hold_queue(held=True)
        held = place.ends_in(45)
        kept = self._launch("held", expires_at=held)
        self.bans.append(Ban("expired while held", _instant(held), run=kept))
        wait_for(lambda: place.now() > _instant(held) + 2, "the end of what is held", 120)
        place.hold_queue(held=False)

    # --- the judgement

    def _judge(self, killed: int) -> Deployed:
        place = self.place
        log = judge.read_log(place.system.sandbox_log)
        markers = {f"#{name}": f"{campaign}-1" for name, campaign in self.campaigns.items()}
        done = Deployed(killed=killed, proxy=place.faults_fired())
        blocked = [one for one in log if one["kind"] == "request" and one["outcome"] == "refused:403"]
        self.gone |= {f"{one['platform']}:{one['to']}" for one in blocked}
        done.breaches += judge.forbidden(log, self.bans, markers)
        events = place.heard()
        done.events = len(events)
        told = {e["data"]["delivery_key"] for e in events if e["name"] == "delivery.unknown"}
        unknown: set[str] = set()
        for name, campaign in self.campaigns.items():
            report, found, listed = self._of_campaign(log, name, campaign)
            done.campaigns[name] = {
                part: judge.total(report[part])
                for part in ("planned", "accepted", "failed", "unknown", "not_sent", "in_progress")
            }
            done.recipients += judge.total(report["planned"])
            done.breaches += [f"{name}: {what}" for what in found]
            unknown |= {d["key"] for d in listed if "unknown" in d["times"]}
            done.breaches += self._run_events(campaign, events)
        lines = [line for line in log if line["kind"] == "request" and judge.run_of(line, markers)]
        done.requests = len(lines)
        never = {d for d in told if d.partition(".")[0].rpartition("-")[0] not in self.campaigns.values()}
        done.breaches += [f"an event tells of {key}, which never was" for key in sorted(never)]
        done.breaches += [f"no event told of {key}" for key in sorted(unknown - told)]
        times: dict[str, list[float]] = {}
        for line in lines:
            times.setdefault(line["platform"], []).append(judge.instant(line))
        done.breaches += [
            f"{channel}: {what}"
            for channel, at in times.items()
            for what in rate_of(at, RATE_PER_S).breaches()
        ]
        return done

    def _of_campaign(self, log: list[Json], name: str, campaign: str) -> tuple[Json, list[str], list[Json]]:
        """The report may be some seconds old: look again before calling it wrong."""
        addresses = {person_of(one): f"{one.channel}:{one.address}" for one in self.place.people}
        for _ in range(TRIES_TO_AGREE):
            listed = self.place.deliveries(campaign)
            outcomes: dict[str, list[Outcome]] = {}
            for one in listed:
                if one["status"] != "superseded":
                    said = Outcome(one["status"], int(one["key"].rpartition(".")[2]), one["channel"])
                    outcomes.setdefault(addresses[one["influencer"]], []).append(said)
            people = judge.counted(judge.people_of(log, campaign, f"#{name}"), outcomes, {})
            found = judge.misjudged(people, outcomes, set(addresses.values()) - self.gone)
            report = self.place.staff.report(campaign)
            found += judge.disagreements(judge.truth_of(list(people.values())), report, crashed=True)
            if not found:
                break
            time.sleep(2)
        return report, found, listed

    def _run_events(self, campaign: str, events: list[Json]) -> list[str]:
        """A run's events tell what it went through, and nothing else."""
        status = self.place.staff.report(campaign)["status"]
        names = {e["name"] for e in events if e["data"].get("run_id") == f"{campaign}-1"}
        wanted = {"run.started", f"run.{status}"}
        endings = {"run.dispatched", "run.expired", "run.cancelled"} & names
        found = [f"{campaign}: no event {name}" for name in sorted(wanted - names)]
        return found + [f"{campaign}: {name}, and it is {status}" for name in sorted(endings - wanted)]


def _instant(at: str) -> float:
    return judge.instant({"at": at})


def _hide_for(place: Ground, seconds: int) -> None:
    sqs = place.system.engine.client("sqs")
    for queue in ("SEND", "PLAN", "CALLBACKS"):
        url = place.system.env[f"{queue}_QUEUE_URL"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})
