"""`make prove MUTANTS=1`: breaks the application by each patch in tests/mutants/ and wants to be told.

A patch begins with two lines: `Breaks: <what>` and `Acts: <what is to happen in the worlds>`, then the diff.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = ROOT / "tests" / "mutants"
NEEDED = ("chalicelib", "local", "tests", "infra", "events")
SEEDS = ",".join(str(seed) for seed in range(1, 61))
"""Tried one after the other until one tells: a mutant that shows only after a rare crash needs many."""
PEOPLE = 120
PATIENCE_S = 600
HELD, BROKEN = 0, 1
APPLY = ("git", "apply", "--unidiff-zero")


class BadMutant(Exception):
    """A patch has no head, or does not apply any more."""


@dataclass(frozen=True)
class Mutant:
    """One way to break the application."""

    name: str
    breaks: str
    acts: str

    @classmethod
    def read(cls, patch: Path) -> Mutant:
        """From its file. Raises BadMutant when its head is missing."""
        first, second, *_ = patch.read_text(encoding="utf-8").splitlines()
        if not first.startswith("Breaks: ") or not second.startswith("Acts: "):
            raise BadMutant(f"{patch.name} does not begin with `Breaks:` and `Acts:`")
        return cls(patch.stem, first.partition(": ")[2], second.partition(": ")[2])

    @property
    def patch(self) -> Path:
        return MUTANTS / f"{self.name}.patch"


def known() -> list[Mutant]:
    """All mutants, by name."""
    return [Mutant.read(patch) for patch in sorted(MUTANTS.glob("*.patch"))]


def broken(mutant: Mutant, into: Path) -> None:
    """Makes `into` a copy of the application with the mutant in it. Raises BadMutant."""
    for name in NEEDED:
        shutil.copytree(ROOT / name, into / name, ignore=shutil.ignore_patterns("__pycache__", "mutants"))
    shutil.copy(ROOT / "app.py", into)
    command = [*APPLY, str(mutant.patch)]
    done = subprocess.run(command, cwd=into, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BadMutant(f"{mutant.name} does not apply: {done.stderr.strip()}")


def proved(folder: Path, acts: str, seeds: str) -> tuple[int, list[str]]:
    """How the simulated worlds of these seeds end on the code in `folder`, and the breaches of the first that
    does not hold."""
    command = [sys.executable, "-m", "local.prove", "--part", "simulated", "--workers", "1", "--first"]
    options = ["--seeds", seeds, "--people", str(PEOPLE), "--acts", acts]
    env = {name: value for name, value in os.environ.items() if name not in ("MUTANTS", "SEED")}
    done = subprocess.run(
        [*command, *options],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    told = [line.strip() for line in done.stderr.splitlines() if line.startswith("    seed ")]
    return done.returncode, told or done.stderr.splitlines()[-3:]


def noticed(mutant: Mutant) -> tuple[bool, str]:
    """Whether a world breaks on the mutant that holds without it, and by what."""
    with tempfile.TemporaryDirectory(prefix="janjan-mutant-") as folder:
        try:
            broken(mutant, Path(folder))
        except BadMutant as bad:
            return False, str(bad)
        code, told = proved(Path(folder), mutant.acts, SEEDS)
    if code == HELD:
        return False, "nothing noticed it"
    if code != BROKEN or not told:
        return False, " ".join(told)
    seed = told[0].split(":")[0].removeprefix("seed ")
    if proved(ROOT, mutant.acts, seed)[0] != HELD:
        return False, f"{told[0]}: but so it does without the mutant"
    return True, told[0]


def run(wanted: str, note: Callable[[str], None]) -> int:
    """Tries all mutants, or those named (comma-separated); 0 when each was noticed."""
    begun = time.monotonic()
    chosen = [m for m in known() if wanted == "all" or m.name in wanted.split(",")]
    survived = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        jobs = {pool.submit(noticed, mutant): mutant for mutant in chosen}
        for job in as_completed(jobs):
            mutant, (red, why) = jobs[job], job.result()
            note(f"{'noticed ' if red else 'SURVIVED'}  {mutant.name}: {why}")
            if not red:
                survived.append(mutant.name)
    line = {
        "mutants": len(chosen),
        "noticed": len(chosen) - len(survived),
        "survived": sorted(survived),
        "seconds": round(time.monotonic() - begun, 1),
    }
    print(json.dumps(line), flush=True)
    return 1 if survived or not chosen else 0
