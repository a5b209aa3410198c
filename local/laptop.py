"""The whole system on one machine: embedded AWS, sandbox platforms, the deployed application and its HTTP.

`make run`, `make demo`, the benches and the tests all start it here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local.children import Child
from local.config import WEBHOOK, platform_secret
from local.deploy import Options, deploy, package, write_environment
from local.engine import Engine
from local.ports import HOST, free_port, require_free


@dataclass(frozen=True)
class Ports:
    """Where the three processes listen; by default wherever it is free."""

    engine: int = field(default_factory=free_port)
    server: int = field(default_factory=free_port)
    sandbox: int = field(default_factory=free_port)

    @classmethod
    def from_env(cls) -> Ports:
        """The contract's ports, or those of AWS_PORT, PORT and SANDBOX_PORT."""
        return cls(
            engine=int(os.environ.get("AWS_PORT") or 4566),
            server=int(os.environ.get("PORT") or 8000),
            sandbox=int(os.environ.get("SANDBOX_PORT") or 8001),
        )

    def require_free(self) -> None:
        """Raises PortTaken for the first that is in use."""
        require_free(self.engine, "AWS_PORT", "the embedded AWS")
        require_free(self.server, "PORT", "the server")
        require_free(self.sandbox, "SANDBOX_PORT", "the sandbox platforms")


@dataclass(frozen=True)
class Laptop:
    """A running system."""

    folder: Path
    engine: Engine
    env: dict[str, str]
    """What the deployed functions have in their environment, and the way to the engine."""
    url: str
    """Where the pages and the API are."""
    sandbox_url: str

    @property
    def sandbox_log(self) -> Path:
        """What the sandbox platforms saw and did, append-only."""
        return self.folder / "sandbox.jsonl"

    @property
    def clock_file(self) -> Path:
        """The file by which the clock of the deployed functions is moved."""
        return self.folder / "clock"

    @property
    def recorded_calls(self) -> Path:
        """The AWS calls of all functions, a line of JSON each, if they are recorded."""
        return self.folder / "calls.jsonl"


@contextmanager
def laptop(
    folder: Path,
    ports: Ports | None = None,
    *,
    record_calls: bool = False,
    packaged: Path | None = None,
) -> Iterator[Laptop]:
    """Starts everything with its state in `folder`, and stops everything at the end of the block.

    `packaged`: a folder of sam.yaml and deployment.zip to deploy instead of the application as it lies here.
    Raises PortTaken, ChildFailed or DeployFailed, each with one clear line.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    ports = ports or Ports()
    ports.require_free()
    url, sandbox_url = f"http://{HOST}:{ports.server}", f"http://{HOST}:{ports.sandbox}"
    clock_file = folder / "clock"
    options = Options(
        public_url=url,
        platform_url=sandbox_url,
        clock_file=str(clock_file),
        record_calls=str(folder / "calls.jsonl") if record_calls else "",
        secret=platform_secret() | {"webhooks": {WEBHOOK.name: WEBHOOK.entry(sandbox_url)}},
    )
    with ExitStack() as stack:

        def start(name: str, module: str, arguments: list[str]) -> Child:
            child = Child(
                name,
                module,
                arguments,
                os.environ | engine.environment,
                folder / f"{module.removeprefix('local.')}.log",
            )
            stack.callback(child.stop)
            return child

        engine = stack.enter_context(Engine(folder / "engine", ports.engine))
        env = deploy(engine, packaged or package(folder / "package"), options)
        write_environment(env, folder / "env.json")
        system = Laptop(folder, engine, env, url, sandbox_url)
        files = ["--log", str(system.sandbox_log), "--clock-file", str(clock_file)]
        sandbox = start(
            "The sandbox", "local.sandbox", ["--port", str(ports.sandbox), "--webhooks", url, *files]
        )
        server = start(
            "The server", "local.server", ["--port", str(ports.server), "--env", str(folder / "env.json")]
        )
        sandbox.wait_until_answers(f"{sandbox_url}/healthz")
        server.wait_until_answers(f"{url}/healthz")
        yield system


def use_environment(env: dict[str, str]) -> None:
    """Makes chalicelib in this process read `env` and forget what it made for another."""
    from chalicelib import aws, tables, wiring
    from chalicelib.secrets import secrets
    from chalicelib.settings import settings

    os.environ.update(env)
    settings.cache_clear()
    secrets.cache_clear()
    aws.forget_clients()
    for value in vars(wiring).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()
    models = [tables.Table]
    while models:
        model = models.pop()
        model._connection = None
        models += model.__subclasses__()
