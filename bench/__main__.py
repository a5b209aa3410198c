"""`make bench`, or `make bench BENCH=against` for one. A line of JSON for each figure.

Each bench runs in a process of its own: chalicelib keeps what it has made, and memory is told by process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

from bench import against, audience, callback, dispatch, files, growth, imports, pages, simulation, turnout
from bench.figure import Figure

BENCHES: dict[str, Callable[..., Iterator[Figure]]] = {
    "import": imports.run,
    "against": against.run,
    "callback": callback.run,
    "growth": growth.run,
    "simulation": simulation.run,
    "audience": audience.run,
    "turnout": turnout.run,
    "dispatch": dispatch.run,
    "imports": files.run,
    "pages": pages.run,
}
LONG: dict[str, Callable[..., Iterator[Figure]]] = {"growth_largest": growth.largest}
"""Only when asked for: they take more than five minutes."""


def main(wanted: str, *numbers: str) -> int:
    """Prints the figures of one bench, or of all; `numbers` make it smaller than it is."""
    known = BENCHES | LONG
    if wanted and wanted not in known:
        print(f"BENCH is one of {', '.join(known)}", file=sys.stderr)
        return 2
    if not wanted:
        return max(
            subprocess.run([sys.executable, "-m", "bench", name], check=False).returncode for name in BENCHES
        )
    for figure in known[wanted](*(int(number) for number in numbers)):
        print(json.dumps(figure.line()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or [""])))
