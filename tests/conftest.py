"""Fixtures that all tests share. Unit tests need none of them, and have no sockets.

`engine`   the embedded AWS, one a test process
`tables`   the deployment's tables on it, made from infra/template.yaml, empty for each test
`stack`    the whole application deployed on an engine of its own, its server and the sandbox platforms, one a
           test process: it keeps what tests leave there, so each test uses people and campaigns of its own
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields

import pytest
from hypothesis import HealthCheck, settings

from chalicelib.settings import Settings
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on the engine may talk to the loopback; what takes longest begins first."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
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


@pytest.fixture
def tables(engine: Engine) -> Iterator[Engine]:
    """The tables of infra/template.yaml, empty, with chalicelib pointing at them.

    The engine's other services are empty too: a test makes the queue or bus that it needs.
    """
    before = dict(os.environ)
    for setting in fields(Settings):  # what another test's deployment has left here
        os.environ.pop(setting.name.upper(), None)
    use_environment(engine.environment | {"STAGE": STAGE})
    engine.reset()
    create_tables()
    yield engine
    restore_environment(before)
