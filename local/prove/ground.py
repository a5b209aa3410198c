"""A deployed system of its own for the proof: thousands of people in its tables, its functions behind a proxy
that fails, its workers within reach of a SIGKILL.
"""

from __future__ import annotations

import json
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local import judge
from local.acting import Caller, Json, Staff, wait_for
from local.children import Child
from local.config import platform_secret
from local.laptop import Laptop, laptop
from local.ports import HOST, free_port
from local.programme import brief, load_ground
from local.sample import Creator, areas_from, creators

FAULTS: list[Json] = [
    {"service": "dynamodb", "probability": 0.03, "error": {"code": "ProvisionedThroughputExceededException"}},
    {"service": "dynamodb", "probability": 0.01, "error": {"code": "InternalServerError"}},
    {"service": "dynamodb", "probability": 0.01, "reset": True},
    {"service": "dynamodb", "probability": 0.01, "response": {"abort_bytes": 0}},
    {"service": "sqs", "probability": 0.02, "error": {"code": "ThrottlingException"}},
    {"service": "sqs", "probability": 0.02, "response": {"abort_bytes": 0}},
    {"service": "events", "probability": 0.03, "error": {"code": "ThrottlingException"}},
]
"""What befalls the functions' AWS calls: refused, cut on the way, done and the answer lost."""
UNKIND: Json = {
    "throttle": 0.001,
    "lost_reply": 0.05,
    "fail": 0.06,
    "duplicate": 0.1,
    "delay_ms": 3000,
}
"""What the platforms do. Each throttle halves a channel's rate for a while: more would make it creep."""
KIND: Json = {"throttle": 0, "lost_reply": 0, "fail": 0, "duplicate": 0, "delay_ms": 50}
BEHIND = ("plan", "send", "callback", "launch")
"""Names of the functions that are put behind the proxy hold one of these."""
EVENTS_QUEUE = "janjan-prove-events"
FIRST = 100_001


@dataclass
class Killer:
    """Ends a worker process by SIGKILL every few seconds, until it is told to stop."""

    system: Laptop
    every_s: float
    chance: random.Random
    killed: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Killer:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self.every_s):
            victims = workers(self.system, ("send", "callback", "plan"))
            if victims:
                with_it = self.chance.choice(victims)
                try:
                    os.kill(with_it, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                self.killed += 1


def workers(system: Laptop, functions: Sequence[str]) -> list[int]:
    """Process ids of this engine's Lambda workers whose function's name holds one of `functions`."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if os.getpgid(int(folder.name)) != system.engine.child.pid:
                continue
            environment = (folder / "environ").read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        name = next((one for one in environment if one.startswith("AWS_LAMBDA_FUNCTION_NAME=")), "").lower()
        if any(function in name for function in functions):
            found.append(int(folder.name))
    return found


def _until_idle(system: Laptop, functions: Sequence[str], still_s: float = 5.0) -> None:
    """Waits until the workers of these functions have used no processor time for so long."""
    used, since = -1.0, time.monotonic()
    while time.monotonic() - since < still_s:
        now = sum(_cpu_s(pid) for pid in workers(system, functions))
        if now != used:
            used, since = now, time.monotonic()
        time.sleep(0.5)


def _cpu_s(pid: int) -> float:
    """Processor time of a process in seconds; 0 when it has ended (proc(5), fields 14 and 15 of stat)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Ground:
    """A running system with people in it, and everything that the proof does to it."""

    system: Laptop
    people: list[Creator]
    staff: Staff
    proxy: str
    note: Callable[[str], None]
    offset_s: float = 0.0

    def __post_init__(self) -> None:
        self.api, self.sandbox = Caller(self.system.url), Caller(self.system.sandbox_url)
        self.admin, self.editor = self.staff.tokens["admin"], self.staff.tokens["editor"]

    # --- time

    def now(self) -> float:
        """Epoch seconds by the sandbox's clock, which is the deployed functions' too."""
        return time.time() + self.offset_s

    def step_clock(self, to_s: float) -> None:
        """Moves the clock of everything to `to_s` seconds from the true time."""
        self.sandbox("POST", "/clock", {"offset_s": to_s})
        self.offset_s = to_s

    # --- faults

    def fail(self, *, sometimes: bool) -> None:
        """Begins the faults of AWS and of the platforms, or ends them."""
        Caller(self.proxy)("POST", "/_microburst/rules", FAULTS if sometimes else [])
        self.sandbox("POST", "/behaviour", UNKIND if sometimes else KIND)

    def faults_fired(self) -> dict[str, int]:
        """How many faults the proxy has fired, by what they were, and how many calls it saw."""
        stats: Json = Caller(self.proxy)("GET", "/_microburst/stats")
        return {name: int(value) for name, value in stats["requests"].items()}

    def hold_queue(self, *, held: bool) -> None:
        """Takes the sender's queue away from it, or gives it back."""
        functions = self.system.engine.client("lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            if mapping["EventSourceArn"].endswith("-send"):
                functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=not held)

    # --- campaigns

    def launch(self, name: str, **changes: object) -> str:
        """A campaign to everybody, approved and due now; `changes` are fields of its draft."""
        return self.staff.launch(brief(f"#{name}", ["IN"]) | changes)

    def ends_in(self, seconds: float) -> str:
        """A time as a campaign's `expires_at` wants it."""
        return (datetime.fromtimestamp(self.now(), UTC) + timedelta(seconds=seconds)).isoformat()

    def requests(self, campaign: str, name: str) -> list[Json]:
        """The lines of this campaign's requests in the sandbox's log so far."""
        markers = {f"#{name}": f"{campaign}-1"}
        return [
            line
            for line in judge.read_log(self.system.sandbox_log)
            if line["kind"] == "request" and judge.run_of(line, markers).startswith(f"{campaign}-")
        ]

    def asked(self, campaign: str, name: str, share: float, within_s: float = 240.0) -> None:
        """Waits until this share of everybody has been asked."""
        wanted = share * len(self.people)
        wait_for(lambda: len(self.requests(campaign, name)) >= wanted, f"{share:.0%} of {name}", within_s)

    def act(self, method: str, path: str, body: object = None, *, token: str = "") -> Any:  # noqa: ANN401
        """A call of staff."""
        return self.api(method, path, body, token=token or self.admin)

    def ended(self, campaign: str, within_s: float) -> Json:
        """The report, once nothing is in progress and no callback is on its way."""

        def over() -> bool:
            report = self.staff.report(campaign)
            ends = ("dispatched", "expired", "cancelled")
            return report["status"] in ends and not judge.total(report["in_progress"])

        wait_for(over, f"the end of {campaign}", within_s)
        return self.staff.report(campaign)

    def settled(self, within_s: float = 120.0) -> None:
        """Waits until the sandbox has posted everything and the callbacks' queue is empty."""

        def empty() -> bool:
            return not (self.sandbox("GET", "/healthz")["pending"] or self.waiting("CALLBACKS"))

        wait_for(empty, "the last callback", within_s)

    def waiting(self, queue: str) -> int:
        """How many messages lie on a queue, delayed and hidden ones too."""
        kinds = ("", "NotVisible", "Delayed")
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        url = self.system.env[f"{queue}_QUEUE_URL"]
        found = self.system.engine.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(found["Attributes"].get(name, 0)) for name in names)

    def deliveries(self, campaign: str) -> list[Json]:
        """Every delivery of the campaign's runs, as the API lists them."""
        found: list[Json] = []
        runs = self.act("GET", f"/v1/campaigns/{campaign}/report", token=self.editor)["runs"]
        for run in runs:
            cursor = ""
            while True:
                more = f"&cursor={cursor}" if cursor else ""
                page = self.act("GET", f"/v1/campaigns/{campaign}/deliveries?run={run}&limit=500{more}")
                found += page["items"]
                cursor = page["next"]
                if not cursor:
                    break
        return found

    def stopped(self, people: Sequence[Creator]) -> bool:
        """Whether the STOP of each of these (25 at most) has been written down."""
        from chalicelib import wiring

        found = wiring.people().contacts([person_of(one) for one in people])
        return all("whatsapp" in contact.suppressed for contact in found.values())

    # --- events

    def listen(self) -> None:
        """From now on every event of the bus is kept on a queue."""
        sqs, events = self.system.engine.client("sqs"), self.system.engine.client("events")
        self._heard = sqs.create_queue(QueueName=EVENTS_QUEUE)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=self._heard, AttributeNames=["QueueArn"])
        bus, pattern = self.system.env["BUS"], json.dumps({"source": [{"prefix": "janjan."}]})
        events.put_rule(Name=EVENTS_QUEUE, EventBusName=bus, EventPattern=pattern)
        target = {"Id": "kept", "Arn": attributes["Attributes"]["QueueArn"]}
        events.put_targets(Rule=EVENTS_QUEUE, EventBusName=bus, Targets=[target])

    def heard(self) -> list[Json]:
        """The events since `listen`, once each."""
        sqs, seen = self.system.engine.client("sqs"), {}
        ask = {"QueueUrl": self._heard, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0}
        while messages := sqs.receive_message(**ask).get("Messages"):
            for message in messages:
                body = json.loads(message["Body"])
                seen[body["detail"]["id"]] = {"name": body["detail-type"], **body["detail"]}
            receipts = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
            sqs.delete_message_batch(QueueUrl=self._heard, Entries=receipts)
        return list(seen.values())


@contextmanager
def ground(people: int, rate_per_s: float, note: Callable[[str], None]) -> Iterator[Ground]:
    """A deployed system with so many approved people, its channels at this rate, its functions behind
    microburst, without faults yet."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="janjan-prove-"))
        areas = areas_from(None)
        everybody = creators(people, areas, first=FIRST)
        _press_start(Path(folder) / "sandbox.jsonl", everybody)
        system = stack.enter_context(laptop(Path(folder)))
        _rates(system, rate_per_s)
        load_ground(system)
        staff = Staff.signed_in(Caller(system.url), system.env)
        staff.register_templates(Caller(system.sandbox_url))
        begun = time.monotonic()
        paths = {area.id: area.path for area in areas}
        _enter(everybody, paths)
        _until_idle(system, ("foldcoverage",))  # its work for so many at once is none of dispatch's
        note(f"{people} people entered in {time.monotonic() - begun:.0f} s")
        port = free_port()
        options = ["--upstream", system.engine.url, "--port", str(port), "--host", HOST]
        log = Path(folder) / "microburst.log"
        proxy = Child("microburst", "microburst", options, dict(os.environ), log)
        stack.callback(proxy.stop)
        url = f"http://{HOST}:{port}"
        proxy.wait_until_answers(f"{url}/_microburst/health")
        _put_behind(system, url)
        yield Ground(system, everybody, staff, url, note)


def _rates(system: Laptop, rate_per_s: float) -> None:
    secret = platform_secret()
    for channel in secret["channels"].values():
        channel["rate_per_s"] = rate_per_s
    system.engine.client("secretsmanager").put_secret_value(
        SecretId=system.env["PLATFORM_SECRET"], SecretString=json.dumps(secret)
    )


def _put_behind(system: Laptop, proxy: str) -> None:
    """Gives the functions of dispatch and callbacks the proxy for an AWS."""
    functions = system.engine.client("lambda")
    for function in functions.list_functions()["Functions"]:
        name = function["FunctionName"]
        if any(part in name.lower() for part in BEHIND):
            variables = function.get("Environment", {}).get("Variables", {}) | {"AWS_ENDPOINT_URL": proxy}
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def _enter(people: Sequence[Creator], paths: dict[str, tuple[str, ...]]) -> None:
    """Writes approved people as their signup and review would have left them."""
    from chalicelib.influencers.model import Consent, Influencer
    from chalicelib.influencers.roster import key_of, pack
    from chalicelib.influencers.rows import CLAIM, PROFILE, OwnedItem, ProfileItem, RosterItem
    from chalicelib.secrets import secrets

    hashed = secrets().keyed_hash
    with ExitStack() as stack:
        tables = (ProfileItem, RosterItem, OwnedItem)
        profiles, roster, owned = (stack.enter_context(table.batch_write()) for table in tables)
        for one in people:
            whatsapp = one.channel == "whatsapp"
            person = Influencer(
                id=person_of(one),
                status="approved",
                name=one.name,
                language=one.language,
                area=one.area,
                area_path=paths[one.area],
                channel=one.channel,
                phone=one.phone,
                phone_proof="proven" if whatsapp else "none",
                chat="" if whatsapp else one.chat,
                consents=(Consent(purpose="campaigns", channel=one.channel, notice_version="1"),),
                signed_up_at="2026-01-01T00:00:00Z",
            )
            body = person.model_dump_json(exclude_defaults=True)
            profiles.save(
                ProfileItem(
                    person.id, PROFILE, status_key="approved", area_key=person.area_key, person=body, rev=0
                )
            )
            roster.save(RosterItem(*key_of(person.area_path, person.id), **pack(person)))
            key = f"phone#{hashed(one.phone)}" if whatsapp else f"telegram#{one.chat}"
            owned.save(OwnedItem(key, CLAIM, owner=person.id, proof="proven"))


def person_of(one: Creator) -> str:
    """The id under which a person was entered."""
    return f"inf_{one.number:016d}"


def _press_start(log: Path, people: Sequence[Creator]) -> None:
    """Everybody on Telegram has written to the bot, says the sandbox's log: it may write to nobody else."""
    at = datetime.now(UTC).isoformat()
    chats = [one.chat for one in people if one.channel == "telegram"]
    with log.open("w", encoding="utf-8") as lines:
        for seq, chat in enumerate(chats, start=1):
            said = {"kind": "inbound", "platform": "telegram", "from": chat, "text": "/start"}
            lines.write(json.dumps({"seq": seq, "at": at, **said}) + "\n")
