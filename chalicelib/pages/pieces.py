"""Two texts in one, word by word: what stayed, what is gone, what is new."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal

_TOKENS = re.compile(r"\s+|[^\s]+"), re.compile(r"[^\n]*\n|[^\n]+")
MOST = 2000
"""Tokens that are aligned: the work grows with the square of their number. A longer text is told line by
line, one of more lines than that as a whole."""
Piece = tuple[Literal["same", "gone", "new"], str]


def pieces(before: str, after: str) -> Iterator[Piece]:
    """Two texts in one: what stayed, what is gone, what is new; whole words, of long texts whole lines."""
    old, new = next(
        (
            told
            for token in _TOKENS
            if max(map(len, told := (token.findall(before), token.findall(after)))) <= MOST
        ),
        ([before] if before else [], [after] if after else []),
    )
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield "same", "".join(old[a:b])
            continue
        if a < b:
            yield "gone", "".join(old[a:b])
        if c < d:
            yield "new", "".join(new[c:d])
