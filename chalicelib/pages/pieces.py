"""Two texts in one, word by word: what stayed, what is gone, what is new."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal

_TOKEN = re.compile(r"\s+|[^\s]+")
Piece = tuple[Literal["same", "gone", "new"], str]


def pieces(before: str, after: str) -> Iterator[Piece]:
    """Two texts in one: what stayed, what is gone, what is new; whole words."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield "same", "".join(old[a:b])
            continue
        if a < b:
            yield "gone", "".join(old[a:b])
        if c < d:
            yield "new", "".join(new[c:d])
