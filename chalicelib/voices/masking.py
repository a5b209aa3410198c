"""Takes what could point at a person out of texts that many read: numbers of phones and identity cards, and
addresses. Names it cannot know: people redact those. No I/O."""

from __future__ import annotations

import re

MASK = "•••"
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
"""Of emails, and of payments (`name@bank`)."""
_NUMBER = re.compile(r"(?<!\d)\+?\d(?:[ .\u00a0-]?\d){9,}(?!\d)")
"""Ten digits of any script or more, in groups or not: phones have 10 to 13, Aadhaar 12, bank accounts
more."""


def mask(text: str) -> str:
    """The text with a mark in place of each such number and address."""
    return _NUMBER.sub(MASK, _ADDRESS.sub(MASK, text))


def excerpt(text: str, longest: int) -> str:
    """The beginning of a text, masked, on one line; `…` where there is more."""
    line = mask(" ".join(text.split()))
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
