"""Whether a post says that something was given for it: the labels that India's rules know.

Sources: ASCI's "Guidelines for Influencer Advertising in Digital Media" (2021) name the labels and allow them
in English or in the language of the post; the Department of Consumer Affairs' "Endorsements Know-hows" (2023,
under the Consumer Protection Act 2019) add "paid promotion". docs/decisions/disclosure.md tells what cannot
be seen here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal

Disclosed = Literal["yes", "no", "not_known", "not_needed"]
LONGEST = 10_000
"""Characters of a post's words that are looked at."""

_LABELS: dict[str, tuple[str, ...]] = {
    "ad": ("ad", "advertisement", "advt", "paid ad", "विज्ञापन"),
    "sponsored": ("sponsored", "प्रायोजित"),
    "paid_promotion": ("paid promotion", "सशुल्क प्रचार"),
    "partnership": ("partnership", "paid partnership", "सशुल्क साझेदारी"),
    "collaboration": ("collaboration",),
    "gift": ("free gift", "मुफ़्त उपहार"),
}
ACCEPTED: dict[str, frozenset[str]] = {
    "paid": frozenset(_LABELS) - {"gift"},
    "in_kind": frozenset(_LABELS),
}
"""Compensation -> the labels of which one must be there. For goods and favours the stronger word will do."""


def _fold(text: str) -> str:
    """Compatible forms (＃ is #), case, joiners and what else nobody sees make no difference."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST])
    return "".join(c for c in plain if not _unseen(c)).casefold()


def _unseen(letter: str) -> bool:
    """Joiners, marks of direction, and what chooses between two looks of an emoji."""
    return unicodedata.category(letter) == "Cf" or "\ufe00" <= letter <= "\ufe0f"


_BY_WORDS = {_fold(words): label for label, spellings in _LABELS.items() for words in spellings}
_BY_TAG = {words.replace(" ", ""): label for words, label in _BY_WORDS.items()}


def labels_in(text: str) -> tuple[str, ...]:
    """The labels that stand in a post's words: as a hashtag anywhere, or as the first words of a line with
    nothing but punctuation, or `by` and `with`, behind them. "This ad" in a sentence is no label."""
    folded = _fold(text)
    found = {_BY_TAG.get(tag) for tag in _tags(folded)}
    found |= {_BY_WORDS.get(words) for words in _openings(folded)}
    return tuple(sorted(label for label in found if label))


def tagged(text: str) -> tuple[str, ...]:
    """The same by hashtags alone: all that a message about a post can show of the post's own words."""
    return tuple(sorted({label for tag in _tags(_fold(text)) if (label := _BY_TAG.get(tag))}))


def disclosed(compensation: str, labels: Iterable[str] | None) -> Disclosed:
    """Whether the label that a campaign with this compensation asks for is there. `labels`: None while the
    post's words are not known; `compensation` is empty while no campaign is."""
    if compensation == "none":
        return "not_needed"
    if not compensation or labels is None:
        return "not_known"
    return "yes" if ACCEPTED[compensation].intersection(labels) else "no"


def _tags(folded: str) -> Iterator[str]:
    """Hashtags without their sign; a letter's marks (vowel signs) belong to it."""
    for piece in folded.split("#")[1:]:
        end = next((i for i, c in enumerate(piece) if not _in_word(c)), len(piece))
        if _ends(piece[end:]):
            yield piece[:end].replace("_", "")


def _openings(folded: str) -> Iterator[str]:
    """The first words of each line, when they may be a label: `ad:`, `[विज्ञापन]`, `paid partnership with`."""
    for line in folded.splitlines():
        start = next((i for i, c in enumerate(line) if _in_word(c) or c == "#"), len(line))
        for words in _BY_WORDS:
            rest = line[start + len(words) :]
            if line.startswith(words, start) and _ends(rest) and _stands_alone(rest):
                yield words


def _ends(rest: str) -> bool:
    """Whether a word is over before `rest`: `#ad-free` is one word."""
    return not _in_word(rest[:1]) and not (rest.startswith("-") and _in_word(rest[1:2]))


def _stands_alone(rest: str) -> bool:
    behind = rest.lstrip()
    return not _in_word(behind[:1]) or re.match(r"(?:by|with)\b", behind) is not None


def _in_word(letter: str) -> bool:
    return bool(letter) and (letter == "_" or unicodedata.category(letter)[0] in "LMN")
