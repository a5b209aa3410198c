"""`make prove`: campaigns under faults, and whether every promise held. MUTANTS=1: whether it would notice.

SEED=n repeats one simulated world; WORLDS and PEOPLE set how many and how large. Progress goes to standard
error; the last line of standard output is one JSON object, and the exit is 0 only if all holds.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any

from local.prove import mutants
from local.prove.figures import Figures, kinds, of_world

Json = dict[str, Any]

FIXED = 20
"""Seeds 1 to 20 run each time; the others are drawn anew."""
WORLDS = 40
PEOPLE = 300
SHOWN = 12


def asked() -> argparse.Namespace:
    """What the command line and the environment ask for."""
    parser = argparse.ArgumentParser(prog="python -m local.prove", description=__doc__)
    parser.add_argument(
        "--seeds", default=os.environ.get("SEED", ""), help="comma-separated, instead of --worlds"
    )
    parser.add_argument("--worlds", type=int, default=int(os.environ.get("WORLDS") or WORLDS))
    parser.add_argument("--people", type=int, default=int(os.environ.get("PEOPLE") or PEOPLE))
    parser.add_argument("--acts", default="", help="comma-separated, instead of what the seed draws")
    parts = ("all", "simulated", "deployed", "shown")
    parser.add_argument("--part", choices=parts, default=os.environ.get("PART") or "all")
    parser.add_argument("--first", action="store_true", help="stop at the first broken promise")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--mutants", nargs="?", const="all", default=None, help="all, or names of patches")
    given = parser.parse_args()
    if given.mutants is None and os.environ.get("MUTANTS"):
        given.mutants = "all" if os.environ["MUTANTS"] == "1" else os.environ["MUTANTS"]
    return given


def seeds_of(given: argparse.Namespace) -> list[int]:
    """The seeds to run: those asked for, or fixed ones and fresh ones."""
    if given.seeds:
        return [int(seed) for seed in given.seeds.split(",")]
    fixed = range(1, min(given.worlds, FIXED) + 1)
    return [*fixed, *(1000 + secrets.randbelow(10**6) for _ in range(given.worlds - len(fixed)))]


def simulated(given: argparse.Namespace) -> Figures:
    """Runs the simulated worlds on all processors."""
    acts = tuple(given.acts.split(",")) if given.acts else ()
    whole = Figures()
    if given.workers == 1:
        from local.prove.worlds import engine

        for seed in seeds_of(given):
            tell(whole, of_world(seed, given.people, acts, engine()))
            if given.first and whole.breaches:
                break
        return whole
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(of_world, seed, given.people, acts) for seed in seeds_of(given)]
        for job in as_completed(jobs):
            tell(whole, job.result())
            if given.first and whole.breaches:
                pool.shutdown(cancel_futures=True)
                break
    return whole


def tell(whole: Figures, one: Figures) -> None:
    """Adds one world, and says so."""
    whole.add(one)
    [(seed, acts)] = one.worlds.items()
    state = "holds" if not one.breaches else f"{len(one.breaches)} BREACHES"
    note(f"seed {seed:>7}  {one.recipients:5} recipients  {one.crashes:3} crashes  {state}  ({acts})")
    for breach in one.breaches[:SHOWN]:
        note(f"    {breach}")


def note(text: str) -> None:
    """A line for the person at the terminal."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """0 when every promise held (with MUTANTS: when every mutant was noticed), 1 when not, 2 when it could
    not be run."""
    if os.environ.get("PYTHONHASHSEED") != "0":  # a seed repeats a world only if sets have one order
        command = [sys.executable, "-m", "local.prove", *sys.argv[1:]]
        quiet = {"POWERTOOLS_LOG_LEVEL": "CRITICAL", "POWERTOOLS_METRICS_DISABLED": "true"}
        os.execve(sys.executable, command, os.environ | quiet | {"PYTHONHASHSEED": "0"})
    given, begun = asked(), time.monotonic()
    if given.mutants:
        return mutants.run(given.mutants, note)
    line: Json = {}
    found: list[str] = []
    if given.part in ("all", "simulated"):
        worlds = simulated(given)
        line["simulated"], found = worlds.line(), worlds.breaches
    if given.part in ("all", "deployed") and not given.seeds:
        from local.prove import deployed

        system = deployed.run(note)
        line["deployed"], found = system.line(), found + system.breaches
    if given.part == "shown":
        from local.prove import shown

        measured = shown.run(note)
        line["shown"], found = measured.line(), measured.breaches
    for breach in () if given.part == "simulated" else found[:SHOWN]:
        note(f"    {breach}")
    parts = [line[name] for name in ("simulated", "deployed", "shown") if name in line]
    line = {
        "recipients": sum(part["recipients"] for part in parts),
        **line,
        **kinds(found),
        "breaches": len(found),
        "seconds": round(time.monotonic() - begun, 1),
        "holds": not found,
    }
    print(json.dumps(line), flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception:  # noqa: BLE001 - a proof that could not be run is no breach
        traceback.print_exc()
        sys.exit(2)
