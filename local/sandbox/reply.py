"""The answer of a platform to one request."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """Status and JSON body; `cut` closes the connection without a byte of it."""

    status: int
    body: Any
    cut: bool = False
