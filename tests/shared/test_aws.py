"""What is recorded of AWS calls, by which policies are checked and costs are counted."""

from __future__ import annotations

import json

from bench.costs import units
from chalicelib.dispatch.model import Bounds, Claim, Page
from chalicelib.dispatch.store import DispatchStore
from tests.conftest import use_environment


def test_every_call_to_a_table_costs_what_was_recorded_of_it(tables, tmp_path):
    calls = tmp_path / "calls"
    use_environment({"RECORD_CALLS": str(calls)})
    store = DispatchStore()
    [chunk] = store.write_chunks(Page("run", 0, 0, "D1", {"whatsapp hi": ("inf_1",)}, {}, None), 0)
    store.chunk("run", chunk.id)
    for token in ("first", "second"):
        store.claim(Claim("inf_1", "2026-45", "run", chunk.id, 0, 1, token, 10.0), Bounds(0.0))
    recorded = [json.loads(line) for line in calls.read_text().splitlines()]
    assert [(call["operation"], units(call)) for call in recorded] == [
        ("BatchWriteItem", 1),
        ("UpdateItem", 1),
        ("BatchGetItem", 2),
        ("UpdateItem", 1),
        ("UpdateItem", 1),
        ("GetItem", 1),
    ]
