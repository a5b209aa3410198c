"""docs/privacy.md says of every table and folder what is kept of a person."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = (ROOT / "infra" / "template.yaml").read_text(encoding="utf-8")
ROWS = [
    line.split("|")[1].strip()
    for line in (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ")
]


def test_each_table_of_the_template_is_there() -> None:
    tables = set(re.findall(r"TableName: !Sub 'janjan-\$\{Stage\}-([a-z]+)'", TEMPLATE))
    assert len(tables) > 10
    assert {f"`{table}`" for table in tables} - set(ROWS) == set()


def test_each_folder_of_the_bucket_is_there() -> None:
    folders = set(re.findall(r"Prefix: ([a-z]+/)", TEMPLATE))
    for source in (ROOT / "chalicelib").rglob("*.py"):
        folders |= set(re.findall(r'^[A-Z]+ = "([a-z]+/)"', source.read_text(encoding="utf-8"), re.MULTILINE))
    assert {f"bucket `{folder}`" for folder in folders} - set(ROWS) == set()
