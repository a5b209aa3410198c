"""Fixtures that all tests share. Unit tests need none of them, and have no sockets.

`engine`   the embedded AWS, one a test process
`tables`   the deployment's tables on it, made from infra/template.yaml, empty for each test
`stack`    the whole application deployed on an engine of its own, its server and the sandbox platforms, one a
           test process: it keeps what tests leave there, so each test uses people and campaigns of its own
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache, wraps
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.client import BaseClient
from botocore.httpsession import URLLib3Session
from botocore.signers import RequestSigner
from botocore.useragent import UserAgentString
from coverage.tracer import CTracer
from hypothesis import HealthCheck, settings

from chalicelib.settings import Settings
from local.dynamodb import DynamoDB, answer, operation_of
from local.engine import Engine
from local.laptop import Laptop, laptop, use_environment
from local.tables import STAGE, create_tables, template

__all__ = ["STAGE", "create_tables", "restore_environment", "template", "use_environment"]
LOOPBACK = ["127.0.0.1", "localhost", "::1"]

# Speed is never tested: a busy machine is no fault of what is tested.
settings.register_profile(
    "untimed", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")


def unmeasured(call: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, during which coverage looks away: tracing makes a library twice as slow, and is not for it."""

    @wraps(call)
    def quick(*args: Any, **named: Any) -> Any:
        tracer = sys.gettrace()
        if not isinstance(tracer, CTracer):
            return call(*args, **named)
        tracer.stop()
        try:
            return call(*args, **named)
        finally:
            tracer.start()

    return quick


BaseClient._make_api_call = unmeasured(BaseClient._make_api_call)


@cache
def asks_the_stack(module: str) -> bool:
    """Whether a test or fixture of this module takes `stack`, and not one of its own."""
    text = Path(module).read_text("utf-8")
    takes = re.search(r"^def \w+\([^)]*\bstack\b", text, re.MULTILINE)
    return takes is not None and "\ndef stack(" not in text


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """By module, whose fixtures are then made once; all that ask the stack in one process, for it is one."""
    from xdist.scheduler import LoadScopeScheduling

    class OneStack(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return "stack" if asks_the_stack(str(config.rootpath / module)) else module

    return OneStack(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on the engine may talk to the loopback; the stack's, then what takes longest, begin first."""
    items.sort(key=lambda item: (not asks_the_stack(str(item.path)), item.get_closest_marker("slow") is None))
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & {"engine", "stack"} and item.get_closest_marker("allow_hosts") is None:
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The embedded AWS on a free port, with this process's environment pointing at it."""
    with Engine(tmp_path_factory.mktemp("engine")) as running:
        yield running


@pytest.fixture(scope="session")
def deployed_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """What `stack` hands out; tests ask for `stack`."""
    with laptop(tmp_path_factory.mktemp("stack"), record_calls=True) as system:
        yield system


@pytest.fixture
def stack(deployed_stack: Laptop) -> Iterator[Laptop]:
    """The deployed application, with chalicelib in this process pointing at it."""
    before = dict(os.environ)
    use_environment(deployed_stack.env)
    yield deployed_stack
    restore_environment(before)


def restore_environment(env: dict[str, str]) -> None:
    """Undoes `use_environment`."""
    os.environ.clear()
    use_environment(env)


@pytest.fixture(scope="session")
def dynamodb() -> DynamoDB:
    """DynamoDB inside this process."""
    return DynamoDB()


@dataclass(frozen=True)
class Tables:
    """What `tables` hands out."""

    engine: Engine
    dynamodb: DynamoDB

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment for its AWS calls to come to the engine."""
        return self.engine.environment

    def client(self, service: str) -> Any:
        """A boto3 client of the engine, whatever this process's environment says."""
        return self.engine.client(service)

    def empty(self) -> None:
        """Makes all tables anew and forgets what else is on the engine."""
        self.engine.reset()
        self.dynamodb.empty()


@pytest.fixture
def tables(engine: Engine, dynamodb: DynamoDB) -> Iterator[Tables]:
    """The tables of infra/template.yaml, empty, with chalicelib pointing at them.

    They are in this process: a call of DynamoDB does not leave it, and no other process sees them. The
    engine's other services are empty too: a test makes the queue or bus that it needs.
    """
    over_http = URLLib3Session.send

    def send(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        if request.url.startswith(engine.url) and operation_of(request):
            return answer(request, *dynamodb.act(request))
        return over_http(session, request)

    def sign(signer: RequestSigner, operation_name: str, request: AWSRequest, **_: Any) -> None:
        if signer.signing_name != "dynamodb":
            signer.sign(operation_name, request)

    with pytest.MonkeyPatch.context() as patches, pointing_at(engine):
        patches.setattr(URLLib3Session, "send", send)
        # Signatures and the caller's name are a quarter of a call's work, and nobody reads them.
        patches.setattr(RequestSigner, "handler", sign)
        patches.setattr(UserAgentString, "to_string", lambda _: "tests")
        made = Tables(engine, dynamodb)
        made.empty()
        yield made


@pytest.fixture
def served_tables(engine: Engine) -> Iterator[Engine]:
    """The same in the engine's process, for processes that a test starts."""
    with pointing_at(engine):
        engine.reset()
        create_tables()
        yield engine


@contextmanager
def pointing_at(engine: Engine) -> Iterator[None]:
    """Has chalicelib use this engine, with no other setting than the stage."""
    before = dict(os.environ)
    for setting in fields(Settings):  # what another test's deployment has left here
        os.environ.pop(setting.name.upper(), None)
    use_environment(engine.environment | {"STAGE": STAGE})
    yield
    restore_environment(before)
