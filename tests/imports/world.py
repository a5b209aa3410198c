"""Import jobs on the real store: files, a queue and a kind of rows that live in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib import cells
from chalicelib.errors import Forbidden, InvalidInput
from chalicelib.files import Part
from chalicelib.identity.audit import Audit
from chalicelib.identity.roles import Principal
from chalicelib.imports.model import Job
from chalicelib.imports.runner import Runner
from chalicelib.imports.service import Imports
from chalicelib.imports.store import JobStore
from chalicelib.ops import RateLimits
from chalicelib.ports import Column, Effect, ImportJob
from tests.dispatch.world import Crash, MemoryQueue, MovingClock

ADMIN = Principal("usr_admin", "Admin", "a@x.test", frozenset({"admin"}))
COORDINATOR = Principal("usr_one", "One", "o@x.test", frozenset({"coordinator"}), frozenset({"D9001"}))
INVOCATION_S = 120
VISIBILITY_S = 720


class MemoryFiles:
    """A bucket."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.reads = 0

    def part(self, key: str, begin: int, length: int) -> Part | None:
        whole = self.kept.get(key)
        if whole is None or begin >= len(whole):
            return None
        self.reads += 1
        return Part(whole[begin : begin + length], len(whole), hashlib.md5(whole).hexdigest())

    def put(self, key: str, body: bytes) -> None:
        self.kept[key] = body

    def link(self, key: str, seconds: int) -> str:
        return f"https://bucket.test/{key}"

    def post_to(self, key: str, content_type: str, largest: int, seconds: int) -> tuple[str, dict[str, str]]:
        return "https://bucket.test/", {"key": key}


@dataclass
class Numbers:
    """Rows of a code and a name; a code above 900 is not allowed where it is to be stored."""

    name: str = "areas"
    columns: Sequence[Column] = (Column("code", ("number",), required=True), Column("name"))
    options: Sequence[str] = ()
    stored: dict[str, str] = field(default_factory=dict)
    writes: list[int] = field(default_factory=list)
    finished: int = 0
    parts: list[bool | float] = field(default_factory=list)
    """What finishing answers, one call after the other."""
    seen: list[ImportJob] = field(default_factory=list)
    ill: int = 0

    def check(self, job: ImportJob) -> None:
        self.seen.append(job)
        if job.options.get("for") == "others":
            raise Forbidden

    def read(self, row: Mapping[str, str], job: ImportJob) -> tuple[str, str]:
        code = cells.whole_number("code", cells.required("code", row["code"]))
        return str(code), cells.name("name", row.get("name", ""), "hi")

    def key(self, record: tuple[str, str]) -> str:
        return record[0]

    def compare(self, records: Sequence[tuple[str, str]], job: ImportJob) -> list[Effect | InvalidInput]:
        assert len(records) <= 100
        return [self._effect(*record) for record in records]

    def _effect(self, code: str, name: str) -> Effect | InvalidInput:
        if int(code) > 900:
            return InvalidInput.of("code", "too_much", "There is no area %(id)s.", id=code)
        if code not in self.stored:
            return "new"
        return "same" if self.stored[code] == name else "changed"

    def write(self, records: Sequence[tuple[str, str]], job: ImportJob) -> None:
        assert len(records) <= 100
        if self.ill:
            self.ill -= 1
            raise RuntimeError("ill")
        self.writes.append(len(records))
        for code, name in records:
            self.stored[code] = name

    def finish(self, job: ImportJob) -> bool | float:
        self.finished += 1
        return self.parts.pop(0) if self.parts else False


@dataclass
class World:
    clock: MovingClock = field(default_factory=MovingClock)
    files: MemoryFiles = field(default_factory=MemoryFiles)
    kind: Numbers = field(default_factory=Numbers)
    store: Any = field(default_factory=JobStore)
    slice_rows: int = 5

    def __post_init__(self) -> None:
        self.queue = MemoryQueue(self.clock)

    def imports(self) -> Imports:
        kinds = {"areas": lambda: self.kind, "groups": lambda: self.kind}
        limits = RateLimits(self.clock)
        return Imports(self.store, kinds, self.files, self.queue, Audit(), limits, self.clock)  # type: ignore[arg-type]

    def runner(self, faults: Any = None) -> Runner:
        def wrap(target: Any, *names: str) -> Any:
            return faults.wrap(target, *names) if faults else target

        kind = wrap(self.kind, "write", "compare", "finish")
        return Runner(
            wrap(self.store, "save"),
            {"areas": lambda: kind, "groups": lambda: kind},
            wrap(self.files, "part", "put"),
            wrap(self.queue, "put"),
            self.clock,
            self.slice_rows,
        )

    def made(self, data: bytes, by: Principal = ADMIN, **more: Any) -> Job:
        """A job whose file is there."""
        asked: dict[str, Any] = {"kind": "areas", "dry_run": False, "options": {}, "columns": {}} | more
        asked = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} | asked
        job, _, fields = self.imports().make(by, **asked)
        self.files.kept[fields["key"]] = data
        return job

    def done(self, data: bytes, by: Principal = ADMIN, **more: Any) -> Job:
        """A job that has run to its end."""
        job = self.made(data, by, **more)
        self.imports().start(by, job.id)
        return self.run(job.id)

    def run(self, job_id: str, faults: Any = None) -> Job:
        """Serves the queue until it is empty: what dies is handed out again, as SQS does."""
        for turn in range(500):
            message = self.queue.take()
            if message is None:
                found = self.store.get(job_id)
                assert found is not None
                return found
            try:
                deadline = self.clock.epoch() + INVOCATION_S
                self.runner(faults).run(message["import"], f"holder {turn}", deadline)
            except Crash:
                faults.dead = False
                faults.at = None
                self.queue.put([message], VISIBILITY_S)
        raise AssertionError("no end")

    def errors(self, job: Job) -> list[str]:
        """The lines of the file of errors below its header."""
        text = self.files.kept[job.errors_file].decode("utf-8-sig")
        return text.split("\r\n")[1:-1]


def counted(job: Job) -> dict[str, int]:
    done = job.progress
    return {
        name: getattr(done, name)
        for name in ("read", "accepted", "new", "changed", "same", "rejected", "duplicates")
    }
