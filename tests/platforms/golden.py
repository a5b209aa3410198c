"""What each sample in events/samples parses to, as kept in tests/platforms/golden.

`python -m tests.platforms.golden` writes the files anew; read the difference before committing it.
"""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from chalicelib.platforms.registry import ADAPTERS

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "events" / "samples"
GOLDEN = Path(__file__).parent / "golden"


def samples(platform):
    return sorted((SAMPLES / platform).glob("*.*"))


def outcome(platform, body):
    return [_plain(update) for update in ADAPTERS[platform].parse(body)]


def _plain(update):
    fields = {name: str(v) if isinstance(v, datetime) else v for name, v in asdict(update).items()}
    for name in ("medium", "to"):
        if not fields.get(name, True):
            del fields[name]
    if "to" in fields:
        fields["to"] = list(fields["to"])
    return {"update": type(update).__name__} | fields


def known(platform):
    return json.loads((GOLDEN / f"{platform}.json").read_text())


if __name__ == "__main__":
    for name in ADAPTERS:
        found = {sample.stem: outcome(name, sample.read_bytes()) for sample in samples(name)}
        (GOLDEN / f"{name}.json").write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
