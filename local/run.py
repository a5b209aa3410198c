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
DOES = {
    "admin": "users, channels, settings",
    "editor": "writes campaigns, says when they go out",
    "approver": "approves what an editor wrote",
    "nodal_officer": "answers the voices of the health department",
    "auditor": "reads everything, changes nothing",
    "coordinator": "signups, ambassadors, voices of one district",
}


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
    people = "\n".join(f"    {user.email:28} {' '.join(DOES[role] for role in user.roles)}" for user in USERS)
    return f"""
JanJan runs at {system.url}
    {system.url}/signin            the staff signs in, with the password {PASSWORD}
    {system.url}/signup?lang=hi    a creator signs up, in Hindi
    {system.sandbox_url}/                  the phones: what was delivered, the codes too
    {system.url}/openapi.json      the API: `make token USER=admin@sample.test`
    {system.engine.url}                   the embedded AWS
Who can sign in:
{people}
Data stays in {system.folder}; `make reset` forgets it. Ctrl-C stops everything.
"""


if __name__ == "__main__":
    sys.exit(main())
