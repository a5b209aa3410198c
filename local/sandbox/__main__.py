"""Runs the sandbox platforms until SIGTERM or Ctrl-C."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from local.sandbox.server import SandboxServer


def main() -> int:
    """Serve; 1 with one clear line when the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m local.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--webhooks", default="http://127.0.0.1:8000", help="where callbacks are posted")
    parser.add_argument("--log", type=Path, required=True, help="append-only JSON lines")
    parser.add_argument("--clock-file", type=Path, help="the offset that deployed handlers read")
    given = parser.parse_args()
    try:
        server = SandboxServer(given.port, given.webhooks, given.log, given.clock_file)
    except OSError as error:
        sys.stderr.write(f"The sandbox cannot listen on 127.0.0.1:{given.port}: {error.strerror}.\n")
        return 1
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
