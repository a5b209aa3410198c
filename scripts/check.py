"""`make test`: everything CI checks, cheapest first. Stops at the first check that fails."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
STATIC = {
    "ruff": [BIN / "ruff", "check", "--quiet", "."],
    "mypy": [BIN / "mypy", "--no-error-summary"],
    "import-linter": [BIN / "lint-imports"],
}
DYNAMIC = {
    "package": [sys.executable, "-m", "scripts.package", "--stage", "prod"],
    "judges from npm": [sys.executable, "-m", "scripts.npm_judges"],
    "pytest": [
        # By module: fixtures of a module are then made once. (Groups do not work: xdist 3.8 with pytest 9.2.)
        # Three on two cores: the one with the deployed system waits most of its time.
        *(sys.executable, "-m", "pytest", "--quiet", "-n", "3", "--dist", "loadscope"),
        *("--no-loadscope-reorder", "--cov", "--cov-report=term"),
    ],
}


def main() -> int:
    """Runs the checks; 0 if all of them pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--static", action="store_true", help="only the checks that run no code")
    given = parser.parse_args()
    # The tests start hundreds of processes: what one of them has compiled the next need not.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for name, command in (STATIC if given.static else STATIC | DYNAMIC).items():
        started = time.monotonic()
        print(f"-- {name}", flush=True)
        done = subprocess.run([str(part) for part in command], cwd=ROOT, env=env, check=False)
        if done.returncode:
            print(f"-- {name} failed", flush=True)
            return done.returncode
        print(f"-- {name} passed in {time.monotonic() - started:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
