"""How fast a channel was really asked: `python -m local.prove.rate --log FILE --limit 30` on a sandbox's log.

In any sliding second at most 110 % of the limit, in any minute at most 100 %, and at least 90 % of it while
work was waiting. Imports nothing of chalicelib.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from local import judge

SECOND, MINUTE = 1.0, 60.0
MOST_A_SECOND, MOST_A_MINUTE, LEAST = 1.1, 1.0, 0.9


@dataclass(frozen=True)
class Rate:
    """The requests of one channel against its limit, a second."""

    requests: int
    limit: float
    most_in_a_second: int
    most_in_a_minute: int
    mean: float
    """A second, from the first request to the last."""

    def breaches(self, *, waiting: bool = False) -> list[str]:
        """Where the limit was not kept; with `waiting`, also whether it was used: work waited all the time.

        Below ten a second a window may hold one request more than the limit: there is no tenth of a request.
        """
        found = []
        if self.most_in_a_second > max(self.limit * MOST_A_SECOND, _up(self.limit) + 1):
            found.append(f"{self.most_in_a_second} requests in a second, the limit is {self.limit:g}")
        if self.most_in_a_minute > _up(self.limit * MINUTE * MOST_A_MINUTE):
            found.append(f"{self.most_in_a_minute} in a minute, the limit is {self.limit * MINUTE:g}")
        if waiting and self.mean < self.limit * LEAST:
            found.append(f"{self.mean:.1f} requests a second while work waited, the limit is {self.limit:g}")
        return found


def _up(value: float) -> int:
    return int(value) + (value > int(value))


def most_within(times: Sequence[float], window_s: float) -> int:
    """The most requests in any window of this length; `times` are sorted."""
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def rate_of(times: Sequence[float], limit: float) -> Rate:
    """The rate of requests at these times (epoch seconds, any order)."""
    kept = sorted(times)
    lasted = kept[-1] - kept[0] if len(kept) > 1 else 0.0
    mean = (len(kept) - 1) / lasted if lasted else 0.0
    return Rate(len(kept), limit, most_within(kept, SECOND), most_within(kept, MINUTE), round(mean, 3))


def main() -> int:
    """The rate of each platform in a log; 1 when a limit was not kept."""
    parser = argparse.ArgumentParser(prog="python -m local.prove.rate", description=__doc__)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--limit", type=float, required=True, help="messages a second of each channel")
    parser.add_argument("--campaign", default="", help="only this campaign's requests (WhatsApp)")
    parser.add_argument("--waiting", action="store_true", help="work was waiting all the time")
    given = parser.parse_args()
    times: dict[str, list[float]] = {}
    for line in judge.read_log(given.log):
        if line["kind"] == "request" and str(line["key"] or "").startswith(given.campaign):
            times.setdefault(line["platform"], []).append(judge.instant(line))
    rates = {platform: rate_of(at, given.limit) for platform, at in times.items()}
    found = [f"{p}: {what}" for p, rate in rates.items() for what in rate.breaches(waiting=given.waiting)]
    print(json.dumps({"rates": {p: asdict(rate) for p, rate in rates.items()}, "breaches": found}))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
