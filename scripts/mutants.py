"""`make mutants`: breaks the rules one by one (pyproject.toml says which) and sees whether the tests notice.

Prints the score by module and in all; fails below 85 %. A mutant that makes its tests run out of time is noticed.
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
        print(
            f"{100 * noticed[module] / made[module]:5.1f} %  {noticed[module]:5} of {made[module]:5}  {module}"
        )
    score = 100 * noticed.total() / max(made.total(), 1)
    print(
        f"{score:5.1f} %  {noticed.total():5} of {made.total():5}  in all ({len(survivors)} unnoticed; at least {WANTED} %)"
    )
    (ROOT / "mutants.log").write_text("\n".join(survivors) + "\n")
    return 0 if score >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
