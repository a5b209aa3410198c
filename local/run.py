"""`make run`: everything on this machine until Ctrl-C; the data stays in .local/."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from local.children import ChildFailed
from local.deploy import DeployFailed
from local.laptop import Laptop, Ports, laptop
from local.ports import PortTaken
from local.programme import load_once
from local.users import PASSWORD, USERS, load_users

FOLDER = Path(".local")
SNAPSHOT_EVERY_S = 30.0


def main() -> int:
    """Serves until SIGINT or SIGTERM; 1 with one clear line if it cannot."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with laptop(FOLDER, Ports.from_env()) as system:
            load_users(system.env)
            if load_once(system, lambda done: print(f"\rSample creators: {done}", end="", flush=True)):
                print()
            print(where_to_look(system), flush=True)
            while not stop.wait(SNAPSHOT_EVERY_S):
                system.engine.snapshot()  # a SIGKILL then loses half a minute at most
            print("\nStopping.", flush=True)
    except (PortTaken, ChildFailed, DeployFailed) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def where_to_look(system: Laptop) -> str:
    """What a person needs to begin."""
    people = "\n".join(f"    {user.email:28} {', '.join(user.roles)}" for user in USERS)
    return f"""
JanJan runs at {system.url}
    {system.url}/signup?lang=hi    a creator signs up, in Hindi
    {system.url}/openapi.json      the API
    {system.sandbox_url}/messages          what the sandbox platforms delivered: the codes too
    {system.engine.url}                   the embedded AWS
Sign in with the password {PASSWORD}, or take a token by `make token USER=admin@sample.test`:
{people}
Data stays in {system.folder}; `make reset` forgets it. Ctrl-C stops everything.
"""


if __name__ == "__main__":
    sys.exit(main())
