"""Installs what tests ask of npm, pinned by their package-lock.json, once; tells in a line why it cannot."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JUDGES = [ROOT / "tests" / "platforms" / "judges" / "telegram_server", ROOT / "tests" / "pages" / "axe"]


def main() -> int:
    """Always 0: the tests that need a judge say themselves that it is missing."""
    npm = shutil.which("npm")
    for folder in JUDGES:
        wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
        stamp = folder / "node_modules" / ".stamp"
        if stamp.exists() and stamp.read_text() == wanted:
            continue
        if npm is None:
            print(f"There is no npm: tests against {folder.name} will be skipped.")
            continue
        command = [npm, "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        if subprocess.run(command, cwd=folder, check=False).returncode:
            print(f"npm could not install {folder.name}: tests against it will be skipped.")
        else:
            stamp.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
