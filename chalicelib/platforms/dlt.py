"""The words of an SMS in India, as they are registered (TRAI, Distributed Ledger Technology).

Every SMS must say what a registered template says, word for word but for its variables: `{#var#}`, each of
at most 30 characters, blanks included; several may stand side by side for what is longer. Operators' pages
differ (20 in 2021, 30 since, 40 at MSG91, https://msg91.com/help/dlt-registration-in-india): 30 passes at all
that we know. They also say that blanks and full stops are not compared; here they are: it refuses more.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from math import ceil

VARIABLE = "{#var#}"
LONGEST_VARIABLE = 30
_NEVER_FILLED = ("", "\r", "\n")
"""With the end of a text."""
_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_TWICE = frozenset("^{}\\[~]|€\f")
"""3GPP TS 23.038, 6.2.1.1: behind an escape, so each takes two places."""


def variables(registered: str) -> int:
    """How many variables the registered words have."""
    return registered.count(VARIABLE)


def filled(registered: str, values: Sequence[str]) -> str:
    """The registered words with these values in order; they are `variables` many."""
    fixed = registered.split(VARIABLE)
    return "".join(part for pair in zip(fixed, (*values, ""), strict=True) for part in pair)


def says(registered: str, values: Sequence[str], text: str) -> bool:
    """Whether a text is the registered words with these values, be they as long as they may."""
    return len(values) == variables(registered) and filled(registered, values) == text


def fits(registered: str, text: str) -> bool:
    """Whether a text says what is registered, each variable filled and none too long.

    Every place where the words so far may end is followed at once: a pattern with variables side by side
    would try each way of sharing the text among them.
    """
    first, *rest = registered.split(VARIABLE)
    ends = {len(first)} if text.startswith(first) else set()
    for words in rest:
        filled_up = set[int]()
        for _ in range(LONGEST_VARIABLE):
            ends = {end + 1 for end in ends if text[end : end + 1] not in _NEVER_FILLED}
            filled_up |= ends
        ends = {end + len(words) for end in filled_up if text.startswith(words, end)}
    return len(text) in ends


def cut(value: str, longest: int = LONGEST_VARIABLE) -> str:
    """As much of a value as a variable holds, no sign torn from its letter."""
    if len(value) <= longest:
        return value
    end = longest
    while end > 0 and unicodedata.category(value[end])[0] == "M":
        end -= 1
    return value[:end].rstrip()


def segments(text: str) -> tuple[int, str]:
    """In how many parts a text is sent and paid for, and in which alphabet: `gsm7` (160 letters in one, 153
    in each of several) or `ucs2` (70 and 67), as 3GPP TS 23.038 and 23.040 count."""
    if all(letter in _GSM7 or letter in _GSM7_TWICE for letter in text):
        return _parts(len(text) + sum(letter in _GSM7_TWICE for letter in text), 160, 153), "gsm7"
    return _parts(len(text.encode("utf-16-be")) // 2, 70, 67), "ucs2"


def _parts(length: int, alone: int, joined: int) -> int:
    return 1 if length <= alone else ceil(length / joined)
