"""Two ways of reaching a crowd and of taking in what became of it, behind one interface."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench.callbacks import Post
from bench.ground import MINUTE_S, Crowd, Ground, schedule, status_body, status_of, webhook_event

EMPTY_LOOK_S = 0.02
LONGEST_S = 3600.0
FULL = 0.37
"""Share of the sender's batches that hold two chunks: at 80 messages a second, five pollers that each
wait a second for a second chunk seldom get one (simulated)."""


class Way(Protocol):
    name: str
    runs: dict[str, str]
    """Ids of runs by their labels."""
    exact: bool
    """Whether its counts hold in whatever order callbacks come."""

    @property
    def memory(self) -> dict[str, int]:
        """Megabytes of each function."""
        ...

    paced: frozenset[str]
    """Functions that wait for the channel's slots, and make calls and requests meanwhile."""

    def send(self, crowd: Crowd, label: str) -> None:
        """Reaches everybody, from the launch to the last request's result."""
        ...

    def take(self, batch: Sequence[Post], sent: Sequence[tuple[str, str, str]], began: float) -> None:
        """Takes in one batch of POSTs: each is received, then all are handled together."""
        ...

    def counts(self, label: str) -> dict[str, int]:
        """What this way reports of a crowd: accepted, delivered, read."""
        ...


@dataclass
class JanJan:
    """The application: its own functions, called as Lambda calls them."""

    ground: Ground
    name: str = "janjan"
    exact: bool = True
    paced: frozenset[str] = frozenset({"send"})
    runs: dict[str, str] = field(default_factory=dict)

    @property
    def memory(self) -> dict[str, int]:
        named = {
            "plan": "PlanRun",
            "send": "SendChunk",
            "callbacks": "ProcessCallbacks",
            "api": "APIHandler",
            "tick": "LaunchDue",
        }
        return {name: self.ground.memory(function) for name, function in named.items()}

    def send(self, crowd: Crowd, label: str) -> None:
        import app
        from chalicelib import wiring

        ground, env, draw = self.ground, self.ground.env, random.Random(label)
        run = self.runs[label] = schedule(label, crowd)
        send_size, plan_size = ground.batching("SendChunk")[0], ground.batching("PlanRun")[0]
        ground.invoke("tick", app.launch_due, _tick())
        ticked = began = time.monotonic()
        while time.monotonic() - began < LONGEST_S:
            served = ground.serve(env["PLAN_QUEUE_URL"], "plan", app.plan_run, plan_size)
            while done := ground.serve(
                env["SEND_QUEUE_URL"], "send", app.send_chunk, 1 if draw.random() > FULL else send_size
            ):
                served += done
                ground.meter.asks["send"] += done  # the others are asked for before the last has answered
            if time.monotonic() - ticked >= MINUTE_S:
                ticked = time.monotonic()
                ground.invoke("tick", app.launch_due, _tick())
            if not served:
                brief = wiring.runs().get(run)
                if brief is not None and brief.status == "dispatched":
                    return
                time.sleep(EMPTY_LOOK_S)
        raise TimeoutError(f"{run} did not end")

    def take(self, batch: Sequence[Post], sent: Sequence[tuple[str, str, str]], began: float) -> None:
        import app

        receive(self.ground, batch, sent, began)
        handle_all(self.ground, app.process_callbacks)

    def counts(self, label: str) -> dict[str, int]:
        from chalicelib.dispatch.model import total
        from chalicelib.dispatch.store import DispatchStore

        sums = total(DispatchStore().tallies(self.runs[label], consistent=True))
        return {"accepted": sums.accepted, "delivered": sums.delivered, "read": sums.read}


def receive(
    ground: Ground, batch: Iterable[Post], sent: Sequence[tuple[str, str, str]], began: float
) -> None:
    """Posts to the webhook, as the platform would. The same for both ways."""
    import app

    for post in batch:
        statuses = [status_of(sent[news.place], news.status, began + news.at) for news in post.news]
        answer = ground.invoke("api", app.app, webhook_event(status_body(statuses)))
        assert answer["statusCode"] == 200, answer
        ground.meter.usage.api_requests += 1


def handle_all(ground: Ground, handler: Any) -> None:  # noqa: ANN401
    """One batch of the callbacks' queue: all that has just been received."""
    while ground.serve(ground.env["CALLBACKS_QUEUE_URL"], "callbacks", handler, 1000):
        pass


def _tick() -> dict[str, Any]:
    return {
        "version": "0",
        "id": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "0",
        "time": "2026-01-01T00:00:00Z",
        "region": "ap-south-1",
        "resources": [],
        "detail": {},
    }
