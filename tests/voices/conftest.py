from __future__ import annotations

import pytest

from tests.voices.world import World


@pytest.fixture
def world(tables: object) -> World:
    """The feature on the engine's tables."""
    found = World()
    found.rules()
    return found
