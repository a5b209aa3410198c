"""Takes what could point at a person out of texts that many read: numbers of phones and identity cards, and
addresses. Names it cannot know: people redact those. No I/O."""

from __future__ import annotations

import re

SHORT = 4
"""An address of so many letters is masked whole."""
MASK = "•••"
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
"""Of emails, and of payments (`name@bank`)."""
_NUMBER = re.compile(r"(?<!\d)\+?\d(?:[ .()\u00a0\u2010-\u2015\u200b-\u200d-]{0,3}\d){9,}(?!\d)")
"""Ten digits of any script or more, in groups or not, whatever people put between groups: phones have 10 to
13, Aadhaar 12, bank accounts more."""


def mask(text: str) -> str:
    """The text with a mark in place of each such number and address."""
    return _NUMBER.sub(MASK, _ADDRESS.sub(MASK, text))


def excerpt(text: str, longest: int) -> str:
    """The beginning of a text, masked, on one line; `…` where there is more."""
    line = mask(" ".join(text.split()))
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def masked_address(address: str) -> str:
    """What lists show of an address: its domain, or its last digits."""
    user, at, domain = address.partition("@")
    if at:
        return f"{user[:1]}***@{domain}"
    return f"{'*' * max(0, len(address) - 2)}{address[-2:]}" if len(address) > SHORT else "*" * len(address)


def masked_name(name: str) -> str:
    """What lists show of a name: how each of its words begins."""
    return " ".join(f"{word[0]}***" for word in name.split())
