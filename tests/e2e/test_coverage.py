"""Coverage on the deployed system: the streams of its tables bring a change to every level above."""

from __future__ import annotations

import time
import uuid

import pytest

from local.acting import Caller, CallFailed, Staff, wait_for
from local.laptop import Laptop
from local.programme import load_ground

WITHIN_S = 15


@pytest.mark.slow
def test_a_change_of_a_group_is_seen_in_its_state_and_in_india_within_seconds(stack: Laptop) -> None:
    api = Caller(stack.url)
    areas = load_ground(stack)
    staff = Staff.signed_in(api, stack.env)
    admin = staff.tokens["admin"]
    booth = next(area for area in reversed(areas) if area.level == "booth")
    state = booth.path[1]

    def groups(area: str) -> int:
        return int(api("GET", f"/v1/coverage?area={area}", token=admin)["sums"]["groups"])

    def known() -> bool:
        try:
            found = api("GET", f"/v1/coverage?area={state}&level=booth", token=admin)
        except CallFailed:  # not one area of it has come yet
            return False
        return bool(found["gaps"]["nodes"] == sum(area.level == "booth" for area in areas))

    wait_for(known, "the areas' nodes", 60)
    before = {area: groups(area) for area in (booth.id, state, "IN")}
    body = {
        "link": f"https://chat.whatsapp.com/{uuid.uuid4().hex[:22]}",
        "area": booth.id,
        "name": "Namuna",
    }
    group = api("POST", "/v1/groups", body, token=admin)["id"]
    assert groups(booth.id) == before[booth.id] + 1, "its own district shows it at once"
    begun = time.monotonic()
    wait_for(lambda: all(groups(area) == n + 1 for area, n in before.items()), "the sums above", WITHIN_S)
    assert time.monotonic() - begun < WITHIN_S
    word = {"state": "archived", "seen": "checked"}
    api("PUT", f"/v1/groups/{group}/link", word, token=admin)
    wait_for(lambda: all(groups(area) == n for area, n in before.items()), "its end", WITHIN_S)
