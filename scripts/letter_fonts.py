"""Makes chalicelib/pages/fonts anew: of each Noto font only what names and letters need.

    python -m scripts.letter_fonts /usr/share/fonts/truetype/noto     # Debian's fonts-noto-core

What is left out: other scripts, hinting, glyph names. What shapes a script (GSUB, GPOS, GDEF) stays whole.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset

FONTS = Path(__file__).resolve().parents[1] / "chalicelib" / "pages" / "fonts"
JOINERS = (0x200C, 0x200D, 0x25CC)
DANDAS = (0x964, 0x965)
LATIN = (
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),
    *range(0x300, 0x332),
    *range(0x1E00, 0x1F00),
    *range(0x2010, 0x2027),
    0x20B9,
)
DEVANAGARI = (*range(0x900, 0x980), *range(0x1CD0, 0x1D00), *range(0xA8E0, 0xA900), *JOINERS)
SCRIPTS = {
    "NotoSans-Regular": LATIN,
    "NotoSans-Bold": LATIN,
    "NotoSansDevanagari-Regular": DEVANAGARI,
    "NotoSansDevanagari-Bold": DEVANAGARI,
    "NotoNastaliqUrdu-Regular": (0x20, 0xA0, *range(0x600, 0x700), *range(0x750, 0x780)),
    "NotoSansBengali-Regular": (*range(0x980, 0xA00), *DANDAS, *JOINERS),
    "NotoSansGurmukhi-Regular": (*range(0xA00, 0xA80), *DANDAS, *JOINERS),
    "NotoSansGujarati-Regular": (*range(0xA80, 0xB00), *DANDAS, *JOINERS),
    "NotoSansOriya-Regular": (*range(0xB00, 0xB80), *DANDAS, *JOINERS),
    "NotoSansTamil-Regular": (*range(0xB80, 0xC00), *JOINERS),
    "NotoSansTelugu-Regular": (*range(0xC00, 0xC80), *DANDAS, *JOINERS),
    "NotoSansKannada-Regular": (*range(0xC80, 0xD00), *DANDAS, *JOINERS),
    "NotoSansMalayalam-Regular": (*range(0xD00, 0xD80), *DANDAS, *JOINERS),
    "NotoSansOlChiki-Regular": range(0x1C50, 0x1C80),
    "NotoSansMeeteiMayek-Regular": (*range(0xABC0, 0xAC00), *range(0xAAE0, 0xAB00), *JOINERS),
}
"""A font's name and the characters of it that are kept."""


def main() -> int:
    """Writes every font; 2 without a folder."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    options = subset.Options()
    options.set(hinting=False, layout_features=["*"], glyph_names=False, notdef_outline=True)
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 7, 13, 14]  # also whose it is, and its licence
    for name, kept in SCRIPTS.items():
        font = subset.load_font(Path(sys.argv[1]) / f"{name}.ttf", options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=kept)
        subsetter.subset(font)
        subset.save_font(font, FONTS / f"{name}.ttf", options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
