from __future__ import annotations

import pytest

from tests.influencers.world import World
from tests.pages.conftest import prepared, site

__all__ = ["prepared", "site"]


@pytest.fixture
def world(tables: object) -> World:
    """The feature on the engine's tables."""
    return World()
