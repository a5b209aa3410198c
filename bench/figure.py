"""One measured figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A value and, where there is one, the peer that it was measured against in the same run."""

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None

    def line(self) -> dict[str, object]:
        """As `make bench` prints it."""
        ratio = round(self.value / self.peer_value, 3) if self.peer_value else None
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "peer": self.peer,
            "peer_value": round(self.peer_value, 4) if self.peer_value is not None else None,
            "ratio": ratio,
        }
