"""What people write that must be clean wherever they write it: characters that nobody sees, email
addresses."""

from __future__ import annotations

import re
import unicodedata
from typing import LiteralString

from pydantic_core import PydanticCustomError

ZWNJ, ZWJ = "\u200c", "\u200d"
JOINERS = frozenset((ZWNJ, ZWJ))
"""They are text in Indic scripts, and in emoji."""
EMOJI_STYLES = frozenset("\ufe0e\ufe0f")
_IGNORABLE = (
    ("\u034f", "\u034f"),
    ("\u115f", "\u1160"),
    ("\u17b4", "\u17b5"),
    ("\u180b", "\u180f"),
    ("\u2800", "\u2800"),  # a blank by its look, though not by its properties
    ("\u3164", "\u3164"),
    ("\ufe00", "\ufe0f"),
    ("\uffa0", "\uffa0"),
    ("\U000e0100", "\U000e01ef"),
)
"""Letters and marks that are drawn as nothing (Unicode's Default_Ignorable_Code_Point), beside those that
their category tells."""
_HIDDEN = frozenset(("Cc", "Cf", "Cn", "Co", "Cs"))
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
"""RFC 5322, 3.2.3, plain. Amazon SES takes 7-bit ASCII only before the @ (API_Destination)."""
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")


def refuse(code: LiteralString, sentence: LiteralString, **params: object) -> PydanticCustomError:
    """The error of one field, with our own sentence (translated where it is shown)."""
    return PydanticCustomError(code, sentence, {"sentence": sentence, **params})


def is_hidden(letter: str) -> bool:
    """Whether nobody sees it: control, format, direction and unassigned characters, fillers, variation
    selectors, and joiners, which are text only where they join."""
    if unicodedata.category(letter) in _HIDDEN:
        return True
    return any(first <= letter <= last for first, last in _IGNORABLE)


def clean_email(text: str) -> str:
    """One bare address: an @ and a domain; the domain in lower case. Whether it exists, only a message
    shows. Raises PydanticCustomError."""
    user, _, domain = text.rpartition("@")
    if not (_LOCAL.fullmatch(user) and "." in domain and all(map(_LABEL.fullmatch, domain.split(".")))):
        raise refuse("email_invalid", "This is not an email address.")
    return f"{user}@{domain.lower()}"


def clean_line(text: str) -> str:
    """One line of any text: NFC, with every run of blanks made one space. Raises PydanticCustomError for
    characters that nobody sees."""
    line = " ".join(unicodedata.normalize("NFC", text).split())
    if any(is_hidden(letter) and letter not in JOINERS | EMOJI_STYLES for letter in line):
        raise refuse("hidden_characters", "The text holds hidden characters. Please type it again.")
    return line
