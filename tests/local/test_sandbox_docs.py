"""docs/sandbox.md tells the truth."""

import re
from dataclasses import fields
from pathlib import Path

from local.sandbox.world import Behaviour

DOCS = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_every_behaviour_is_documented_with_its_default():
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", DOCS, re.MULTILINE)
    assert {name: float(default) for name, default in rows} == {
        one.name: float(one.default) for one in fields(Behaviour)
    }
