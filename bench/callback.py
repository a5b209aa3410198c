"""What a callback costs: from route to queue against a bare Chalice route that only checks the HMAC, and from
queue to tally against one bare conditional update each. Both sides in turns, in one process, on one engine.
"""

from __future__ import annotations

import hashlib
import hmac
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from chalice.app import Chalice, ForbiddenError, Response

from bench import callbacks
from bench.against import AGGREGATED_S, next_place
from bench.figure import Figure
from bench.ground import Crowd, Ground, Meter, ground, settle, status_body, status_of, webhook_event
from bench.ways import JanJan, handle_all, receive
from local.config import WHATSAPP

PEOPLE, POSTS, TURNS = 300, 200, 3
IN_A_POST = 200
"""Statuses of one second at 80 messages a second."""
TABLE = "janjan-local-ledger"
PEERS = ("a bare Chalice route that only checks the HMAC", "the bare route, which queues the body, too")


def run(people: int = PEOPLE, posts: int = POSTS, turns: int = TURNS) -> Iterator[Figure]:
    """`callback_route…`: CPU milliseconds; `callback_tally…`: callbacks a second, by CPU and by the clock."""
    with tempfile.TemporaryDirectory(prefix="janjan-bench-") as folder, ground(Path(folder)) as here:
        way = JanJan(here)
        for label in ("warm", "told"):
            crowd, before, began = Crowd(next_place(), people), here.taken(), time.time()
            settle(crowd)
            way.send(crowd, label)
            sent = here.sent(before)
            told = callbacks.timeline(people, steady=True)
            if label == "warm":
                handed = callbacks.batches(callbacks.posts(told, AGGREGATED_S), *_batching(here))
                for batch in handed:
                    way.take(batch, sent, began)
        for name, each in (("one", 1), ("many", IN_A_POST)):
            statuses = [status_of(sent[n % people], "sent", began) for n in range(each)]
            event = webhook_event(status_body(statuses))
            ours, *peers = _routes(here, event, posts if each == 1 else 20, turns)
            unit = f"CPU ms a callback, {each} in a POST"
            for what, peer, cost in zip(("", "_queued"), PEERS, peers, strict=True):
                yield Figure(f"callback_route_{name}{what}", ours / each, unit, peer, cost / each)
        _empty(here)
        under_load = callbacks.batches(callbacks.posts(told, AGGREGATED_S), *_batching(here))
        apart = callbacks.batches(callbacks.posts(told, 0), *_batching(here))
        for name, handed in (("together", under_load), ("apart", apart)):
            yield from _to_tally(here, handed, sent, began, name)


def _batching(here: Ground) -> tuple[int, float]:
    return here.batching("ProcessCallbacks")


def _empty(here: Ground) -> None:
    """What the measured route has queued is not measured again."""
    here.engine.client("sqs").purge_queue(QueueUrl=here.env["CALLBACKS_QUEUE_URL"])


# --- from route to queue ------------------------------------------------------------------------------------


def _bare(queue_url: str = "") -> Chalice:
    from chalicelib import aws

    app = Chalice("bare")

    @app.route("/webhooks/{platform}", methods=["POST"])
    def receive_only(platform: str) -> Response:
        request: Any = app.current_request
        right = hmac.new(WHATSAPP.app_secret.encode(), request.raw_body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(request.headers.get("x-hub-signature-256", ""), f"sha256={right}"):
            raise ForbiddenError
        if queue_url:
            aws.client("sqs").send_message(QueueUrl=queue_url, MessageBody=request.raw_body.decode())
        return Response("", {"Content-Type": "text/plain"}, 200)

    return app


def _routes(here: Ground, event: dict[str, Any], posts: int, turns: int) -> list[float]:
    """CPU milliseconds of a POST: ours, and those of PEERS."""
    import app

    handlers = (app.app, _bare(), _bare(here.env["CALLBACKS_QUEUE_URL"]))
    meters = [Meter() for _ in handlers]
    for turn in range(turns + 1):
        for handler, meter in zip(handlers, meters, strict=True):
            with here.measured(meter if turn else Meter()):  # the first turn warms up
                for _ in range(posts):
                    answer = here.invoke("api", handler, event)
                    assert answer["statusCode"] == 200, answer
    return [meter.cpu_s["api"] * 1000 / (posts * turns) for meter in meters]


# --- from queue to tally ------------------------------------------------------------------------------------


def _to_tally(
    here: Ground,
    handed: Iterator[list[callbacks.Post]],
    sent: Sequence[tuple[str, str, str]],
    began: float,
    name: str,
) -> Iterator[Figure]:
    """Callbacks a second that the function takes in, against one conditional update each."""
    import app

    meter, count, peer_cpu, peer_wall = Meter(), 0, 0.0, 0.0
    for batch in handed:
        receive(here, batch, sent, began)
        with here.measured(meter):
            handle_all(here, app.process_callbacks)
        news = [(sent[one.place][1], one.status) for post in batch for one in post.news]
        count += len(news)
        cpu, wall = _bare_updates(name, news)
        peer_cpu, peer_wall = peer_cpu + cpu, peer_wall + wall
    peer = "one bare conditional update each"
    ours_cpu, ours_wall = meter.cpu_s["callbacks"], meter.waited_s["callbacks"]
    unit = "callbacks a CPU second" if name == "together" else "callbacks a CPU second, one a POST"
    yield Figure(f"callback_tally_{name}_cpu", count / ours_cpu, unit, peer, count / peer_cpu)
    yield Figure(
        f"callback_tally_{name}", count / ours_wall, unit.replace("CPU ", ""), peer, count / peer_wall
    )


def _bare_updates(name: str, news: list[tuple[str, str]]) -> tuple[float, float]:
    """CPU and clock seconds of one conditional update a callback, by the plain client."""
    from chalicelib import aws

    dynamodb, cpu, wall = aws.client("dynamodb"), time.process_time(), time.perf_counter()
    for key, status in news:
        dynamodb.update_item(
            TableName=TABLE,
            Key={"pk": {"S": f"bare_{name}_{key}"}, "sk": {"S": "status"}},
            UpdateExpression="SET #s = :now",
            ConditionExpression="attribute_not_exists(#s) OR #s <> :now",
            ExpressionAttributeNames={"#s": status},
            ExpressionAttributeValues={":now": {"N": "1"}},
        )
    return time.process_time() - cpu, time.perf_counter() - wall
