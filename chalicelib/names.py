"""Names and texts of people in any Indian script: how they are cleaned, what is refused, how long they
are."""

from __future__ import annotations

import re
import unicodedata
from typing import LiteralString

from pydantic_core import PydanticCustomError

LONGEST_NAME = 60
"""In graphemes, what a reader counts as letters."""
LONGEST_NAME_CODES = 200
"""In code points: what is stored stays small whatever the script."""

ZWNJ, ZWJ = "\u200c", "\u200d"
JOINERS = frozenset((ZWNJ, ZWJ))
"""They are text in Indic scripts, and in emoji."""
_EMOJI_STYLES = frozenset("\ufe0e\ufe0f")
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
_FILLERS = re.compile("[" + "".join(f"{first}-{last}" for first, last in _IGNORABLE) + "]")
_DROPPED = str.maketrans(
    "", "", "\u00ad\u061c\u200b\u200e\u200f\u202a\u202c\u2060\u2066\u2067\u2068\u2069\ufeff"
)
"""What phones, messengers and web pages put into a text by themselves: marks round a number or a name, soft
hyphens, byte-order marks. What turns letters round (U+202B, U+202D, U+202E) is not among them."""
_HIDDEN = frozenset(("Cc", "Cf", "Cn", "Co", "Cs"))
_VIRAMA = 9
"""Unicode's combining class of viramas: the sign that joins a letter to the next one."""
_PUNCTUATION = frozenset(" .,'’-()/:@;।॰")
"""What stands in names on real lists of candidates beside letters ("UMESH KR. SINGH", "Uttara (Hazra)")."""
_TEXT = JOINERS | _EMOJI_STYLES
_INDIC = frozenset(
    (
        "DEVANAGARI",
        "BENGALI",
        "GURMUKHI",
        "GUJARATI",
        "ORIYA",
        "TAMIL",
        "TELUGU",
        "KANNADA",
        "MALAYALAM",
        "SINHALA",
        "ARABIC",
        "OL",
        "MEETEI",
        "LEPCHA",
        "LIMBU",
        "CHAKMA",
        "WARANG",
        "SORA",
        "MRO",
        "TAKRI",
        "SHARADA",
        "TIBETAN",
        "SYLOTI",
        "VEDIC",
        "KAITHI",
        "MODI",
        "NEWA",
        "TIRHUTA",
        "WANCHO",
        "GUNJALA",
        "MASARAM",
    )
)
"""First words of the Unicode names of letters that Indian languages are written in ("OL CHIKI LETTER …")."""


def refuse(code: LiteralString, sentence: LiteralString, **params: object) -> PydanticCustomError:
    """The error of one field, with our own sentence (translated where it is shown)."""
    return PydanticCustomError(code, sentence, {"sentence": sentence, **params})


def is_hidden(letter: str) -> bool:
    """Whether nobody sees it: control, format, direction and unassigned characters, fillers, variation
    selectors, and joiners, which are text only where they join."""
    if unicodedata.category(letter) in _HIDDEN:
        return True
    return any(first <= letter <= last for first, last in _IGNORABLE)


def hides(text: str) -> bool:
    """Whether it holds what nobody sees, joiners aside: as `is_hidden`, fast enough for a file of 100,000
    rows."""
    seen = text.replace(ZWNJ, "").replace(ZWJ, "")
    return not seen.isprintable() or bool(_FILLERS.search(seen))


def compose(text: str) -> str:
    """NFC, with every run of blanks made one space and none at the ends. Line ends and tabs in a name are
    blanks."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def graphemes(text: str) -> int:
    """How many letters a reader sees: vowel signs, nuktas, joiners and conjuncts (क्ष) belong to their
    letter.

    After UAX 29 with its rule for Indic conjuncts (GB9c), which is all that names need of it.
    """
    count, joins = 0, False
    for letter in text:
        if letter in (ZWNJ, ZWJ):
            joins = joins and letter == ZWJ
        elif unicodedata.category(letter)[0] == "M":
            joins = unicodedata.combining(letter) == _VIRAMA
        else:
            count += not (joins and unicodedata.category(letter) == "Lo")
            joins = False
    return count


def is_indic(letter: str) -> bool:
    """Whether it is a letter or sign of an Indian script other than Latin."""
    in_words = unicodedata.category(letter)[0] in "LM"
    return in_words and unicodedata.name(letter, "").split(" ")[0] in _INDIC


def clean_name(text: str) -> str:
    """A person's name as it is stored. Raises PydanticCustomError for what cannot be one."""
    name = compose(text)
    if any(letter not in _PUNCTUATION and not _in_name(name, i) for i, letter in enumerate(name)):
        raise refuse(
            "name_characters", "Please write the name in letters only, without digits or hidden characters."
        )
    if any(unicodedata.category(word[0])[0] == "M" for word in name.split(" ") if word):
        raise refuse(
            "name_broken", "A word of the name begins with a vowel sign. Please type the name again."
        )
    if not any(unicodedata.category(letter)[0] == "L" for letter in name):
        raise refuse("missing", "Please fill in this field.")
    if graphemes(name) > LONGEST_NAME or len(name) > LONGEST_NAME_CODES:
        raise refuse(
            "string_too_long", "This is too long: at most %(max_length)s characters.", max_length=LONGEST_NAME
        )
    return name


def _in_name(name: str, i: int) -> bool:
    letter = name[i]
    if letter in JOINERS:
        return joins(name, i)
    if is_hidden(letter):
        return False
    if unicodedata.category(letter)[0] == "L":
        return is_indic(letter) or unicodedata.name(letter, "").startswith("LATIN ")
    return unicodedata.category(letter) in ("Mn", "Mc")


def joins(name: str, i: int) -> bool:
    """Whether a joiner means something here: behind an Indic letter and before another, or behind a virama at
    the end of a word (a half letter, such as a Malayalam chillu)."""
    before, after = name[i - 1 : i], name[i + 1 : i + 2]
    if not before or not is_indic(before):
        return False
    ends_word = after in ("", *_PUNCTUATION)
    return unicodedata.combining(before) == _VIRAMA if ends_word else is_indic(after)


def clean_text(text: str, longest: int) -> str:
    """Free text as it is stored: NFC, line ends kept, without the invisible marks that come along when it is
    copied; at most `longest` graphemes. Raises PydanticCustomError, also for any other control or direction
    mark."""
    lines = (
        unicodedata.normalize("NFC", text.translate(_DROPPED))
        .replace("\r\n", "\n")
        .replace("\r", "\n")
        .replace("\u2028", "\n")
        .replace("\u2029", "\n")
        .replace("\t", " ")
        .strip()
    )
    if any(is_hidden(letter) and letter not in _TEXT for letter in lines.replace("\n", "")):
        raise refuse("hidden_characters", "The text holds hidden characters. Please type it again.")
    if graphemes(lines) > longest or len(lines) > 4 * longest:
        raise refuse(
            "string_too_long", "This is too long: at most %(max_length)s characters.", max_length=longest
        )
    return lines


def clean_line(text: str) -> str:
    """One line of any text: NFC, with every run of blanks made one space. Raises PydanticCustomError for
    characters that nobody sees."""
    line = compose(text)
    if any(is_hidden(letter) and letter not in _TEXT for letter in line):
        raise refuse("hidden_characters", "The text holds hidden characters. Please type it again.")
    return line


def fold(text: str) -> str:
    """What two spellings of a name have in common when somebody searches: no case, no joiners, one form."""
    bare = unicodedata.normalize("NFC", text).replace(ZWNJ, "").replace(ZWJ, "")
    return " ".join(bare.casefold().split())


def has_words(text: str, asked: str) -> bool:
    """Whether each word of `asked`, or a part of one, stands somewhere in the text; none asks for nothing."""
    searched = fold(text)
    return all(word in searched for word in fold(asked).split())


def plain_digits(text: str) -> str:
    """The same text with the digits of every script as 0 to 9."""
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
