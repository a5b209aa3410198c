from __future__ import annotations

import pytest

from tests.metrics.world import World
from tests.pages.conftest import prepared

__all__ = ["prepared"]


@pytest.fixture
def world(tables: object) -> World:
    """The feature on the engine's tables."""
    return World()
