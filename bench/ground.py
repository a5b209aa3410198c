"""Where ways are measured: the deployed tables and queues on the embedded AWS, a platform that takes all, and
functions that are called in this process, so that their CPU time can be told from the engine's and from ours.

What stands in for AWS here (pollers of queues, the minute's schedule) is counted by AWS's rules and uses no
measured time. One process measures one ground: chalicelib keeps what it has made.
"""

from __future__ import annotations

import io
import json
import os
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from bench.callbacks import RATE_PER_S
from bench.costs import ASSUMED, Usage, delete_charge, lambda_seconds, sqs_charge
from local.children import Child
from local.deploy import Options, deploy, package
from local.engine import Engine
from local.ports import HOST, free_port

DISTRICT_OF = 5000
"""People of one invented district at most: ten pages of the roster."""
MINUTE_S = 60.0
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
Handler = Callable[[dict[str, Any], Any], Any]


@dataclass
class Meter:
    """What one way's functions have used so far."""

    usage: Usage = field(default_factory=Usage)
    cpu_s: Counter[str] = field(default_factory=Counter)
    """CPU seconds by function: of this process, threads included."""
    calls: Counter[str] = field(default_factory=Counter)
    """Calls to AWS by function."""
    asks: Counter[str] = field(default_factory=Counter)
    """Answers of the platform that a function waits for one after the other."""
    waited_s: Counter[str] = field(default_factory=Counter)
    """Seconds from call to return, by function."""
    wall_s: float = 0.0
    told: int = 0
    """Statuses that the platform posted."""
    looks: int = 0
    """Messages that only ask whether a run has ended: ten a run at most, then the minute's tick asks."""
    engine_s: float = 0.0
    """CPU seconds of the engine, whatever caused them."""

    def bill(self, memory: dict[str, int], paced: frozenset[str]) -> None:
        """Works out what Lambda would charge for the time of all invocations. `paced` functions wait for the
        slots of a channel and do the rest meanwhile: their time is what it took here, and the answers."""
        for name, cpu_s in self.cpu_s.items():
            billed = lambda_seconds(cpu_s, self.calls[name], self.asks[name], memory[name])
            if name in paced:
                answers_s = self.asks[name] * ASSUMED["platform_answer_ms"] / 1000
                billed = max(self.waited_s[name], lambda_seconds(cpu_s, 0, 0, memory[name])) + answers_s
            self.usage.lambda_gb_s += billed * memory[name] / 1024


@dataclass
class Ground:
    """A deployed engine, a platform, and the meter that is running."""

    engine: Engine
    env: dict[str, str]
    platform_url: str
    template: dict[str, Any]
    meter: Meter = field(default_factory=Meter)
    _running: str = ""

    # --- measuring

    @contextmanager
    def measured(self, meter: Meter) -> Iterator[None]:
        """Everything in the block is counted on `meter`."""
        self.meter = meter
        began, engine_before = time.perf_counter(), cpu_of(self.engine.child.pid)
        try:
            yield
        finally:
            meter.wall_s += time.perf_counter() - began
            meter.engine_s += cpu_of(self.engine.child.pid) - engine_before
            self.meter = Meter()

    def invoke(self, name: str, handler: Handler, event: dict[str, Any]) -> Any:  # noqa: ANN401
        """Calls a function as Lambda would."""
        context = SimpleNamespace(
            aws_request_id=f"{name}-{time.time_ns()}",
            function_name=name,
            memory_limit_in_mb=512,
            invoked_function_arn=f"arn:aws:lambda:ap-south-1:000000000000:function:{name}",
            get_remaining_time_in_millis=lambda: 60_000,
        )
        self._running = name
        began, since = time.process_time(), time.perf_counter()
        try:
            with redirect_stdout(io.StringIO()):  # metrics, which CloudWatch would take
                return handler(event, context)
        finally:
            self.meter.cpu_s[name] += time.process_time() - began
            self.meter.waited_s[name] += time.perf_counter() - since
            self.meter.usage.lambda_requests += 1
            self._running = ""

    def watch(self, client: Any) -> None:  # noqa: ANN401 - boto3 builds its clients at run time
        """Counts the calls of a client."""
        from chalicelib.aws import _note_resources

        events, service = client.meta.events, client.meta.service_model.service_name
        if service == "dynamodb":  # who does not ask is told all the same
            events.register("provide-client-params.*.*", _ask_for_consumed)
        events.register("before-parameter-build.*.*", _note_resources)

        def after(model: Any, parsed: dict[str, Any], http_response: Any, context: Any, **_: Any) -> None:  # noqa: ANN401
            if not self._running:
                return
            call = {
                "service": service,
                "operation": model.name,
                "resources": context.get("resources", {}),
                "status": http_response.status_code,
                "attempts": 1 + parsed.get("ResponseMetadata", {}).get("RetryAttempts", 0),
                "consumed": parsed.get("ConsumedCapacity"),
            }
            self.meter.usage.add_call(call)
            self.meter.calls[self._running] += call["attempts"]

        events.register("after-call.*.*", after)

    # --- what AWS does

    def serve(self, queue_url: str, name: str, handler: Handler, size: int) -> int:
        """Hands one batch of a queue to its function and deletes what was handled; how many there were."""
        sqs = self._sqs
        found: list[dict[str, Any]] = []
        while len(found) < size:
            most = min(10, size - len(found))
            asked = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=most, WaitTimeSeconds=0)
            got = asked.get("Messages", [])
            if got:
                self.meter.usage.sqs_requests += sqs_charge([len(one["Body"]) for one in got])
            found += got
            if len(got) < most:
                break
        if not found:
            return 0
        records = [
            {
                "messageId": one["MessageId"],
                "receiptHandle": one["ReceiptHandle"],
                "body": one["Body"],
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "0"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:ap-south-1:000000000000:{queue_url.rpartition('/')[2]}",
                "awsRegion": "ap-south-1",
            }
            for one in found
        ]
        self.meter.looks += sum('"settle"' in one["Body"] for one in found)
        answer = self.invoke(name, handler, {"Records": records}) or {}
        failed = {one["itemIdentifier"] for one in answer.get("batchItemFailures", [])}
        done = [one for one in found if one["MessageId"] not in failed]
        for start in range(0, len(done), 10):
            entries = [
                {"Id": str(i), "ReceiptHandle": one["ReceiptHandle"]}
                for i, one in enumerate(done[start : start + 10])
            ]
            sqs.delete_message_batch(QueueUrl=queue_url, Entries=entries)
        self.meter.usage.sqs_requests += delete_charge(len(done))
        return len(found)

    @property
    def _sqs(self) -> Any:  # noqa: ANN401
        if not hasattr(self, "_sqs_client"):
            self._sqs_client = self.engine.client("sqs")
        return self._sqs_client

    def batching(self, function: str) -> tuple[int, float]:
        """Batch size and window (seconds) of a function's queue, by the packaged template."""
        events = self.template[function]["Properties"]["Events"].values()
        mapping = next(one["Properties"] for one in events if one["Type"] == "SQS")
        return int(mapping["BatchSize"]), float(mapping.get("MaximumBatchingWindowInSeconds", 0))

    def memory(self, function: str) -> int:
        """Megabytes of a function, by the packaged template."""
        return int(self.template[function]["Properties"]["MemorySize"])

    # --- the platform

    def pace(self, rate_per_s: float) -> None:
        """Has the channel take so many messages a second from now on."""
        from chalicelib.secrets import secrets

        manager, name = self.engine.client("secretsmanager"), self.env["PLATFORM_SECRET"]
        secret = json.loads(manager.get_secret_value(SecretId=name)["SecretString"])
        for channel in secret["channels"].values():
            channel["rate_per_s"] = rate_per_s
        manager.put_secret_value(SecretId=name, SecretString=json.dumps(secret))
        secrets()._read(0)

    def sent(self, since: int = 10**9) -> list[tuple[str, str, str]]:
        """What the platform has taken from the `since`-th on: its id, our key, the address."""
        with urllib.request.urlopen(f"{self.platform_url}/sent?since={since}", timeout=60) as answer:
            return [tuple(one) for one in json.load(answer)]

    def taken(self) -> int:
        """How many messages the platform has taken."""
        return len(self.sent(0))


def _ask_for_consumed(params: dict[str, Any], model: Any, **_: Any) -> None:  # noqa: ANN401
    if "ReturnConsumedCapacity" in model.input_shape.members:
        params.setdefault("ReturnConsumedCapacity", "TOTAL")


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used so far, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


@contextmanager
def ground(folder: Path, rate_per_s: float = RATE_PER_S) -> Iterator[Ground]:
    """A ground with its state in `folder`, whose queues and schedules no Lambda of the engine serves; its
    channel takes so many messages a second."""
    platform = free_port()
    url = f"http://{HOST}:{platform}"
    with ExitStack() as stack:
        child = Child(
            "The platform", "bench.platform", [str(platform)], dict(os.environ), folder / "platform.log"
        )
        stack.callback(child.stop)
        child.wait_until_answers(f"{url}/sent")
        engine = stack.enter_context(Engine(folder / "engine"))
        packaged = package(folder / "package")
        options = Options(platform_url=url)
        for channel in options.secret["channels"].values():
            channel["rate_per_s"] = rate_per_s
        env = deploy(engine, packaged, options)
        functions, bus = engine.client("lambda"), engine.client("events")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            functions.delete_event_source_mapping(UUID=mapping["UUID"])
        for rule in bus.list_rules()["Rules"]:
            bus.disable_rule(Name=rule["Name"])
        os.environ.update(env | {"POWERTOOLS_LOG_LEVEL": "WARNING", "POWERTOOLS_METRICS_NAMESPACE": "bench"})
        template = yaml.safe_load((packaged / "sam.yaml").read_text())["Resources"]
        made = Ground(engine, env, url, template)
        from chalicelib import aws

        for service in ("dynamodb", "sqs", "events", "secretsmanager", "s3"):
            made.watch(aws.client(service))
        yield made


# --- people and a campaign ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Crowd:
    """Some people who are registered, in districts of their own."""

    first: int
    size: int

    @property
    def districts(self) -> list[str]:
        """Their districts' ids."""
        return [f"D8{self.first:07}{n:03}" for n in range(-(-self.size // DISTRICT_OF))]

    @property
    def people(self) -> Iterator[str]:
        """Their ids."""
        return (f"inf_{self.first + n:016}" for n in range(self.size))


def settle(crowd: Crowd) -> None:
    """Writes the people of a crowd as approved creators with consent, and their rows of the roster."""
    from chalicelib.influencers.model import Consent, Influencer
    from chalicelib.influencers.roster import key_of, pack
    from chalicelib.influencers.rows import ProfileItem, RosterItem, profile_of

    now, consent = datetime.now(UTC), Consent(purpose="campaigns", channel="whatsapp", notice_version="1")
    with ProfileItem.batch_write() as profiles, RosterItem.batch_write() as rows:
        for n, ident in enumerate(crowd.people):
            district = crowd.districts[n // DISTRICT_OF]
            person = Influencer(
                id=ident,
                status="approved",
                name=f"नमूना {crowd.first + n}",
                language="hi" if n % 5 else "en",
                area=district,
                area_path=("IN", "IN-XB", district),
                channel="whatsapp",
                phone=f"+919{crowd.first + n:09}",
                phone_proof="proven",
                consents=(consent,),
                themes=("voter_awareness",),
                signed_up_at="2026-01-01T00:00:00Z",
                rev=1,
            )
            profiles.save(profile_of(person, None, now))
            facts: dict[str, Any] = pack(person)
            rows.save(RosterItem(*key_of(person.area_path, person.id), **facts))


def schedule(name: str, crowd: Crowd, *, due_in: timedelta = timedelta(0)) -> str:
    """Writes a campaign to a crowd with its one run; gives the run's id."""
    from chalicelib.campaigns.model import Campaign, Content, Run
    from chalicelib.campaigns.store import CampaignStore, Snapshot
    from chalicelib.ports import RosterRange
    from chalicelib.tables import write_together

    now = datetime.now(UTC)
    words = {
        "template": "namuna_brief",
        "category": "marketing",
        "params": ["{name}", "हर मत की क़ीमत", "{link}", "{disclosure}"],
    }
    content = Content.model_validate(
        {
            "title": "हर मत की क़ीमत",
            "department": "information",
            "kind": "awareness",
            "compensation": "none",
            "messages": {"whatsapp": {"hi": words, "en": words}},
            "links": ["https://example.org/namuna"],
            "audience": {"areas": ["IN-XB"]},
            "channels": ["whatsapp"],
        }
    )
    campaign = f"cmp_{name:a>16}"
    shared = {"rev": 1, "status": "scheduled"}
    times = {"created_at": now, "updated_at": now}
    whole = Campaign(id=campaign, content=content, authors=("u-1",), runs=1, **times, **shared)  # type: ignore[arg-type]
    run = Run(
        id=f"{campaign}-1",
        campaign_id=campaign,
        at=now + due_in,
        expires_at=now + timedelta(days=3),
        channels=("whatsapp",),
        kind="awareness",
        department="information",
        **shared,  # type: ignore[arg-type]
    )
    ranges = tuple(RosterRange(district) for district in crowd.districts)
    store = CampaignStore()
    with write_together() as transaction:
        store.put_campaign(transaction, whole)
        store.put_run(transaction, run, None, now)
        store.freeze(transaction, run, Snapshot(content, "JanJan", ranges))
    return run.id


# --- what platforms post ------------------------------------------------------------------------------------


def status_body(statuses: Sequence[dict[str, Any]]) -> bytes:
    """A POST of WhatsApp's with these statuses, as Meta writes it."""
    from local.config import WHATSAPP

    value = {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": WHATSAPP.display_phone_number,
            "phone_number_id": WHATSAPP.phone_number_id,
        },
        "statuses": list(statuses),
    }
    entry = {"id": WHATSAPP.waba, "changes": [{"value": value, "field": "messages"}]}
    body = {"object": "whatsapp_business_account", "entry": [entry]}
    return json.dumps(body, separators=(",", ":")).encode()


def status_of(sent: tuple[str, str, str], status: str, at: float) -> dict[str, Any]:
    """One status of a message, with what Meta puts beside it."""
    ident, key, to = sent
    wire: dict[str, Any] = {
        "id": ident,
        "status": status,
        "timestamp": str(int(at)),
        "recipient_id": to.removeprefix("+"),
        "biz_opaque_callback_data": key,
    }
    if status != "read":
        wire["conversation"] = {
            "id": f"{ident}-conversation-0123456789abcdef",
            "origin": {"type": "marketing"},
        }
        wire["pricing"] = {
            "billable": True,
            "pricing_model": "PMP",
            "category": "marketing",
            "type": "regular",
        }
    return wire


def webhook_event(body: bytes) -> dict[str, Any]:
    """What API Gateway hands to the function of the API."""
    import hashlib
    import hmac

    from local.config import WHATSAPP

    signature = hmac.new(WHATSAPP.app_secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
    path = "/webhooks/{platform}"
    return {
        "resource": path,
        "path": "/webhooks/whatsapp",
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"platform": "whatsapp"},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": path,
            "httpMethod": "POST",
            "path": "/api/webhooks/whatsapp",
            "stage": "api",
            "requestId": "0",
            "identity": {"sourceIp": "203.0.113.7"},
        },
        "body": body.decode(),
        "isBase64Encoded": False,
    }
