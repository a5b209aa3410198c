from __future__ import annotations

import pytest

from tests.ambassadors.world import World
from tests.groups.conftest import api, creator, prepared, staff

__all__ = ["api", "creator", "prepared", "staff"]


@pytest.fixture
def world(tables: object) -> World:
    """The feature on the engine's tables."""
    return World()
