from __future__ import annotations

from tests.groups.conftest import creator
from tests.influencers.test_routes import api
from tests.pages.conftest import prepared

__all__ = ["api", "creator", "prepared"]
