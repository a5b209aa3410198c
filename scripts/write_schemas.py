"""Writes events/schemas from the catalogue; a test holds them in step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chalicelib.events.catalog import CATALOG, Envelope, Event

FOLDER = Path(__file__).parents[1] / "events" / "schemas"


def schema_of(event: type[Event]) -> dict[str, Any]:
    """JSON Schema of an event's `detail`: the envelope around its own data."""
    envelope = Envelope.model_json_schema()
    data = event.model_json_schema()
    properties = envelope["properties"] | {"version": {"const": event.version}, "data": data}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{event.name} (version {event.version}), source janjan.{event.feature}",
        "description": " ".join((event.__doc__ or "").split()),
        "type": "object",
        "properties": properties,
        "required": envelope["required"],
    }


def files() -> dict[str, str]:
    """File names and what is to stand in them."""
    return {
        f"{name}.v{event.version}.json": json.dumps(schema_of(event), indent=1, ensure_ascii=False) + "\n"
        for name, event in CATALOG.items()
    }


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
