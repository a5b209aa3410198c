"""`make mutants`: breaks the rules one by one (pyproject.toml says which) and sees whether the tests notice.

Prints the score by module and in all, and fails below 85 %. Those that nobody noticed are in mutants.log.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MUTANTS = ROOT / "mutants"
WANTED = 85.0
SURVIVED, UNTESTED = 0, 33
"""mutmut's exit codes: the tests passed; no test runs the line."""


def line(noticed: int, made: int, what: str) -> str:
    """One row of the answer."""
    return f"{100 * noticed / max(made, 1):5.1f} %  {noticed:5} of {made:5}  {what}"


def main() -> int:
    """Runs mutmut; 0 if enough mutants were noticed."""
    shutil.rmtree(MUTANTS, ignore_errors=True)
    with (ROOT / "mutants.log").open("w") as log:
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", "2"]
        ran = subprocess.run(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, check=False)
    if ran.returncode:
        print(f"mutmut failed; see {log.name}", file=sys.stderr)
        return ran.returncode
    made, noticed = Counter[str](), Counter[str]()
    survivors: list[str] = []
    for file in sorted(MUTANTS.rglob("*.py.meta")):
        module = file.relative_to(MUTANTS).as_posix().removesuffix(".py.meta")
        for name, code in json.loads(file.read_text())["exit_code_by_key"].items():
            made[module] += 1
            noticed[module] += code not in {SURVIVED, UNTESTED}
            if code in {SURVIVED, UNTESTED}:
                survivors.append(name)
    for module in made:
        print(line(noticed[module], made[module], module))
    print(line(noticed.total(), made.total(), f"in all; at least {WANTED:.0f} % are wanted"))
    score = 100 * noticed.total() / max(made.total(), 1)
    (ROOT / "mutants.log").write_text("\n".join(survivors) + "\n")
    return 0 if score >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
