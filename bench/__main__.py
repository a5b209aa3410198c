"""`make bench`, or `make bench BENCH=import` for one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator

from bench import dispatch, imports
from bench.figure import Figure

BENCHES: dict[str, Callable[[], Iterator[Figure]]] = {"import": imports.run, "dispatch": dispatch.run}


def main(wanted: str) -> int:
    """Prints the figures of one bench, or of all."""
    if wanted and wanted not in BENCHES:
        print(f"BENCH is one of {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    for name, bench in BENCHES.items():
        if wanted in ("", name):
            for figure in bench():
                print(json.dumps(figure.line()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
