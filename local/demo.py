"""The main job, end to end, on a system of its own: `make demo`.

RECIPIENTS=200 sets the size, BEHAVIOUR='{…}' the sandbox's faults during the campaign, AREAS=folder the real
ground instead of the invented district. Progress goes to standard error; the last line of standard output is
one JSON object, and the exit is 0 only if the judge agrees with the report.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from local import judge
from local.acting import Caller, CallFailed, Creators, Json, Staff, TookTooLong, enrol, wait_for
from local.children import ChildFailed
from local.deploy import DeployFailed
from local.laptop import Laptop, laptop
from local.ports import PortTaken
from local.programme import ELSEWHERE, EVERYWHERE, brief, load_ground
from local.sample import Creator, creators
from local.sandbox.world import BadBehaviour, Behaviour

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_RECIPIENTS = 10_000
REPLIES = 0.05
"""Of those whom the template reaches: they write back, and get the full text."""
PATIENCE_S = 90.0
PATIENCE_A_PERSON_S = 0.1
TRIES_TO_AGREE = 5
EVENTS_QUEUE = "janjan-demo-events"
COUNTS = ("accepted", "delivered", "read", "failed", "unknown")


class BadSetting(ValueError):
    """RECIPIENTS, BEHAVIOUR or AREAS makes no sense; the message says which."""


@dataclass(frozen=True)
class Settings:
    """What the environment asks for."""

    recipients: int = 200
    behaviour: Json = field(default_factory=dict)
    areas: Path | None = None

    @classmethod
    def asked(cls) -> "Settings":
        """From the command line, or RECIPIENTS, BEHAVIOUR and AREAS; what is empty is left as it is."""
        parser = argparse.ArgumentParser(prog="python -m local.demo")
        for name in ("recipients", "behaviour", "areas"):
            parser.add_argument(f"--{name}", default=os.environ.get(name.upper(), ""))
        given = parser.parse_args()
        try:
            recipients = int(given.recipients or cls.recipients)
            behaviour = json.loads(given.behaviour or "{}")
        except ValueError as error:
            raise BadSetting(f"RECIPIENTS is a number and BEHAVIOUR a JSON object: {error}") from error
        if not 1 <= recipients <= MOST_RECIPIENTS or not isinstance(behaviour, dict):
            raise BadSetting(f"RECIPIENTS is 1 to {MOST_RECIPIENTS}, BEHAVIOUR a JSON object")
        try:
            Behaviour().changed(behaviour)
        except BadBehaviour as error:
            raise BadSetting(f"BEHAVIOUR: {error}") from error
        areas = Path(given.areas) if given.areas else None
        if areas is not None and not (areas / "admin_states.csv").is_file():
            raise BadSetting(f"AREAS: there is no admin_states.csv in {areas}")
        return cls(recipients, behaviour, areas)


@dataclass
class Demo:
    """One run on a started system."""

    system: Laptop
    settings: Settings
    progress: Progress
    api: Caller
    sandbox: Caller

    def run(self) -> tuple[judge.Truth, Json, list[str], int]:
        """From signups to the report: the truth, the report, what they disagree on, the events published."""
        self._listen_to_events()
        people = self._load()
        staff = Staff.signed_in(self.api, self.system.env)
        staff.register_templates(self.sandbox)
        self._enrol(people, staff)
        self.sandbox("POST", "/behaviour", {"reply": REPLIES} | self.settings.behaviour)
        marker = f"#नमूना{int(time.time())}"
        campaign = staff.launch(brief(marker, ["IN"], EVERYWHERE))
        self._dispatched(staff, campaign)
        self._settle()
        truth, report, found = self._judge(staff, campaign, marker)
        return truth, report, found, self._events()

    @property
    def _patience_s(self) -> float:
        return PATIENCE_S + PATIENCE_A_PERSON_S * self.settings.recipients

    # --- before the campaign

    def _load(self) -> list[Creator]:
        with self._step("areas, themes, departments") as step:
            areas = load_ground(self.system, self.settings.areas)
            step(len(areas), total=len(areas))
        return creators(self.settings.recipients, areas, elsewhere=ELSEWHERE)

    def _enrol(self, people: list[Creator], staff: Staff) -> None:
        """Everybody signs up, proves their channel, is approved and gets the welcome."""
        with self._step("signed up, verified, approved", total=len(people)) as step:
            enrol(people, Creators(self.api, self.sandbox), staff, step)
        with self._step("welcomed", total=len(people)) as step:
            wait_for(lambda: step(self._welcomed()) >= len(people), "every welcome", self._patience_s)

    def _welcomed(self) -> int:
        """How many got a message after their code or the bot's first answer."""
        got: dict[str, int] = {}
        for message in self.sandbox("GET", "/messages"):
            got[message["to"]] = got.get(message["to"], 0) + 1
        return sum(count > 1 for count in got.values())

    # --- the campaign

    def _dispatched(self, staff: Staff, campaign: str) -> None:
        with self._step("sent", total=self.settings.recipients) as step:

            def done() -> bool:
                report = staff.report(campaign)
                planned, left = judge.total(report["planned"]), judge.total(report["in_progress"])
                step(planned - left, total=max(planned, 1))
                return bool(report["status"] == "dispatched" and left == 0)

            wait_for(done, "the end of the dispatch", self._patience_s)

    def _settle(self) -> None:
        """Until the sandbox has posted everything and our queues are empty."""
        with self._step("callbacks taken in") as step:

            def settled() -> bool:
                waiting = self.sandbox("GET", "/healthz")["pending"] + self._queued()
                step(0 if waiting else 1, total=1)
                return not waiting

            wait_for(settled, "the last callback", self._patience_s)

    def _queued(self) -> int:
        wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        queues = [self.system.env[f"{name}_QUEUE_URL"] for name in ("CALLBACKS", "PLAN", "SEND")]
        sizes = [
            self._aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"]
            for url in queues
        ]
        return sum(int(size[name]) for size in sizes for name in wanted)

    def _judge(self, staff: Staff, campaign: str, marker: str) -> tuple[judge.Truth, Json, list[str]]:
        """The report may be some seconds old, and a failure told late goes on over the next channel: look
        again before calling it wrong."""
        for _ in range(TRIES_TO_AGREE):
            truth = judge.truth_of(judge.people_of(judge.read_log(self.system.sandbox_log), campaign, marker))
            report = staff.report(campaign)
            found = judge.disagreements(truth, report)
            if not found:
                break
            time.sleep(1)
        return truth, report, found

    # --- events

    def _listen_to_events(self) -> None:
        """A rule of the demo's own puts every event of the bus on a queue, to be counted."""
        sqs, events, bus = self._aws("sqs"), self._aws("events"), self.system.env["BUS"]
        url = sqs.create_queue(QueueName=EVENTS_QUEUE)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": [{"prefix": "janjan."}]})
        events.put_rule(Name=EVENTS_QUEUE, EventBusName=bus, EventPattern=pattern)
        events.put_targets(Rule=EVENTS_QUEUE, EventBusName=bus, Targets=[{"Id": "count", "Arn": arn}])
        self._events_url = url

    def _events(self) -> int:
        """Different events that came by the bus."""
        sqs, seen = self._aws("sqs"), set()
        ask = {"QueueUrl": self._events_url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1}
        while messages := sqs.receive_message(**ask).get("Messages"):
            seen |= {json.loads(message["Body"])["detail"]["id"] for message in messages}
            receipts = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
            sqs.delete_message_batch(QueueUrl=self._events_url, Entries=receipts)
        return len(seen)

    def _aws(self, service: str) -> Any:  # noqa: ANN401 - boto3 builds its clients at run time
        return self.system.engine.client(service)

    # --- progress

    @contextmanager
    def _step(self, what: str, total: float | None = None) -> "Iterator[Callable[..., int]]":
        task = self.progress.add_task(what, total=total)

        def at(done: int, **more: Any) -> int:  # noqa: ANN401 - rich's own names
            self.progress.update(task, completed=done, **more)
            return done

        yield at
        self.progress.stop_task(task)


def shown(truth: judge.Truth, report: Json) -> Table:
    """Report and log side by side."""
    table = Table(title="What became of the campaign")
    for name in ("", "report", "sandbox's log"):
        table.add_column(name, justify="left" if not name else "right")
    for name in (*COUNTS, "no_receipts"):
        table.add_row(name, str(judge.total(report[name])), str(getattr(truth, name)))
    for name in ("planned", "in_progress", "not_sent", "skipped"):
        table.add_row(name, str(judge.total(report[name])), "")
    table.add_row(
        "requests / throttled / replies lost",
        "",
        f"{truth.requests} / {truth.throttled} / {truth.lost_replies}",
    )
    table.add_row("second requests", "", str(truth.duplicate_sends))
    return table


def main() -> int:
    """Run the demo; 0 if the judge agrees, 1 if not, 2 when it could not be run."""
    begun = time.monotonic()
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    try:
        settings = Settings.asked()
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
        with tempfile.TemporaryDirectory(prefix="janjan-demo-") as folder:
            console.print("Starting the embedded AWS, deploying, starting the sandbox platforms …")
            with laptop(Path(folder)) as system, Progress(*columns, console=console) as progress:
                set_up = time.monotonic() - begun
                truth, report, found, events = Demo(
                    system, settings, progress, Caller(system.url), Caller(system.sandbox_url)
                ).run()
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    except (BadSetting, PortTaken, ChildFailed, DeployFailed, CallFailed, TookTooLong) as error:
        console.print(f"[bold red]{type(error).__name__}[/]: {error}", soft_wrap=True, markup=True)
        return 2
    console.print(shown(truth, report))
    for line in found:
        console.print(f"[bold red]The judge disagrees:[/] {line}")
    result = {
        "recipients": settings.recipients,
        **{name: judge.total(report[name]) for name in COUNTS},
        "not_sent": judge.total(report["not_sent"]),
        "duplicate_sends": truth.duplicate_sends,
        "events_published": events,
        "seconds": round(time.monotonic() - begun, 1),
        "set_up_seconds": round(set_up, 1),
        "judge_agrees": not found,
    }
    sys.stdout.write(json.dumps(result) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
