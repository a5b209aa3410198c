"""A page to print: A4 as PDF, in Indian scripts as their readers write them, for eyes and for screen readers.

fpdf2 with HarfBuzz shapes the text (conjuncts, vowel signs, Nastaliq) and sets it from right to left where it
runs so. It is imported when the first page is made: no cold start pays for it.

Glyphs of a conjunct stand in another order than its letters, so nothing that reads a PDF back could tell the
text from them: each block carries it beside them (ActualText; ISO 32000-1, 14.9.4), with its role in the page
(14.8.4). fpdf2 has no public way to either: `_block` writes them.
"""

from __future__ import annotations

import base64
import io
import re
import unicodedata
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from chalicelib.errors import Conflict
from chalicelib.names import JOINERS
from chalicelib.telemetry import logger

if TYPE_CHECKING:
    from fpdf import FPDF

FONTS = Path(__file__).parent / "fonts"
MARGIN = 22.0
"""Millimetres, as all lengths here; sizes of type are points."""
WIDTH, HEIGHT = 210.0, 297.0
INNER = WIDTH - 2 * MARGIN
INK, QUIET, OWN = (20, 24, 28), (84, 92, 96), (8, 67, 63)
FAMILIES = {
    "latin": ("NotoSans-Regular", "NotoSans-Bold"),
    "deva": ("NotoSansDevanagari-Regular", "NotoSansDevanagari-Bold"),
    "urdu": ("NotoNastaliqUrdu-Regular",),
    "beng": ("NotoSansBengali-Regular",),
    "guru": ("NotoSansGurmukhi-Regular",),
    "gujr": ("NotoSansGujarati-Regular",),
    "orya": ("NotoSansOriya-Regular",),
    "taml": ("NotoSansTamil-Regular",),
    "telu": ("NotoSansTelugu-Regular",),
    "knda": ("NotoSansKannada-Regular",),
    "mlym": ("NotoSansMalayalam-Regular",),
    "olck": ("NotoSansOlChiki-Regular",),
    "mtei": ("NotoSansMeeteiMayek-Regular",),
}
"""Regular, and bold where there is one."""
LRI, RLI, PDI = "\u2066", "\u2067", "\u2069"
ISOLATES = str.maketrans("", "", f"{LRI}{RLI}\u2068{PDI}")
ISO_639 = {"en": "eng", "hi": "hin", "ur": "urd"}
KEPT = Path("emblem.png")
PNG = "data:image/png;base64,"
SVG = "data:image/svg+xml;base64,"

Role = Literal["H1", "H2", "P"]
Side = Literal["start", "centre", "end"]


class NotPrintable(Conflict):
    code = "not_printable"
    message = "This cannot be printed yet, since our fonts lack these letters: %(letters)s"


class Paper:
    """One page, filled from above: `y` is where the next block begins. Fonts stay open until it is left."""

    def __init__(self, lang: str, *, title: str, author: str, made_at: datetime, scale: float = 1) -> None:
        """`made_at` stands in the file: the same page made again has the same bytes. `scale` makes all type
        smaller, and what is between the blocks."""
        self._scale = scale
        self.rtl = lang == "ur"
        self._pdf = _blank()
        self._pdf.set_title(title)
        self._pdf.set_author(author)
        self._pdf.set_lang(f"{lang}-IN")
        self._pdf.set_creator("JanJan")
        self._pdf.set_creation_date(made_at)
        self._pdf.set_text_shaping(
            use_shaping_engine=True, direction="rtl" if self.rtl else "ltr", language=ISO_639.get(lang, lang)
        )
        self.y: float = MARGIN

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for font in self._pdf.fonts.values():
            font.close()  # type: ignore[union-attr]

    def text(
        self,
        text: str,
        *,
        role: Role = "P",
        size: float = 11,
        bold: bool = False,
        side: Side = "start",
        colour: tuple[int, int, int] = INK,
        box: tuple[float, float] = (0, INNER),
        leading: float = 1.5,
        after: float = 3,
    ) -> None:
        """Writes a block into `box` (begin, from the start of the line, and width) and moves below it by
        `after`. What is too long for a line is wrapped. Raises NotPrintable."""
        check(text)
        pdf, size = self._pdf, size * self._scale
        main, others = _families(text)
        styles = [self._font(family, bold=bold) for family in (main, *others)]
        pdf.set_fallback_fonts(others, exact_match=False)
        pdf.set_font(main, styles[0], size)
        pdf.set_text_color(*colour)
        begin, width = box
        line = size * (1.9 if self.rtl else leading) / pdf.k
        ends = {"start": "R" if self.rtl else "L", "centre": "C", "end": "L" if self.rtl else "R"}
        with self._block(role, text):
            pdf.set_xy(MARGIN + (INNER - begin - width if self.rtl else begin), self.y)
            drawn = _untorn(text, rtl=self.rtl)
            pdf.multi_cell(width, line, drawn, align=ends[side], padding=0, new_x="LMARGIN", new_y="NEXT")
        self.y = pdf.get_y() + after * self._scale

    def beside(self, left: Callable[[], None], right: Callable[[], None]) -> None:
        """Writes two things from the same height, and moves below both."""
        top = self.y
        left()
        low, self.y = self.y, top
        right()
        self.y = max(low, self.y)

    def rule(self, thickness: float, after: float, box: tuple[float, float] = (0, INNER)) -> None:
        """A line across the page."""
        pdf, (begin, width) = self._pdf, box
        left = MARGIN + (INNER - begin - width if self.rtl else begin)
        with self._artifact():
            pdf.set_fill_color(*OWN)
            pdf.rect(left, self.y, width, thickness, style="F")
        self.y += thickness + after

    def frame(self, top: float, height: float) -> None:
        """A thin frame around what stands between."""
        with self._artifact():
            self._pdf.set_draw_color(*OWN)
            self._pdf.set_line_width(0.3)
            self._pdf.rect(MARGIN, top, INNER, height)

    def emblem(self, address: str, alt: str, height: float, after: float) -> None:
        """A picture in the middle, from its `data:` address: SVG or PNG. Another kind, or one that cannot be
        read, is left out: a letter without it is better than none."""
        try:
            with self._block("Figure", alt):
                self._picture(address, height)
        except Exception:
            logger.exception("the emblem cannot be printed")
        else:
            self.y += height + after

    def qr(self, address: str, alt: str, begin: float, size: float) -> None:
        """The QR code of `address` as black squares, `size` wide with the white around it that readers
        need."""
        import segno

        rows = [bytes(row) for row in segno.make_qr(address, error="m").matrix_iter(border=4)]
        one = size / len(rows)
        left = MARGIN + (INNER - begin - size if self.rtl else begin)
        with self._block("Figure", alt):
            self._pdf.set_fill_color(0, 0, 0)
            for down, row in enumerate(rows):
                for across, length in _runs(row):
                    # a hair more than a square: viewers would show light between rows that only touch
                    place = (left + across * one, self.y + down * one, length * one, one * 1.03)
                    self._pdf.rect(*place, style="F")

    def content(self) -> bytes:
        """The file."""
        return bytes(self._pdf.output())

    def _font(self, family: str, *, bold: bool) -> str:
        """Puts a font into the file when the first letter needs it; its style."""
        names = FAMILIES[family]
        style = "B" if bold and len(names) > 1 else ""
        if family + style not in self._pdf.fonts:
            self._pdf.add_font(family, style, FONTS / f"{names[1 if style else 0]}.ttf")
        return style

    def _picture(self, address: str, height: float) -> None:
        from fpdf.enums import ResourceAccessPolicy

        pdf = self._pdf
        if address.startswith(SVG):
            drawing = io.BytesIO(base64.b64decode(address.removeprefix(SVG)))
            pdf.image(drawing, x=MARGIN, y=self.y, w=INNER, h=height, keep_aspect_ratio=True)
        elif address.startswith(PNG):
            _keep_png(pdf, base64.b64decode(address.removeprefix(PNG)))
            pdf.image(
                KEPT,
                x=MARGIN,
                y=self.y,
                w=INNER,
                h=height,
                keep_aspect_ratio=True,
                resource_access_policy=ResourceAccessPolicy.LOCAL_FILES,
            )
        else:
            raise ValueError("neither SVG nor PNG")

    @contextmanager
    def _block(self, role: Role | Literal["Figure"], text: str) -> Iterator[None]:
        pdf = self._pdf
        place = pdf.struct_builder.next_mcid_for_page(pdf.page)
        alt = {"alt_text": text} if role == "Figure" else {}
        pdf._add_marked_content(struct_type=f"/{role}", mcid=place, **alt)
        said = "" if role == "Figure" else f"/Span <</ActualText <{_utf16(text.translate(ISOLATES))}>>> BDC "
        pdf._out(f"/{role} <</MCID {place}>> BDC {said}")
        try:
            yield
        finally:
            pdf._out("EMC EMC" if said else "EMC")

    @contextmanager
    def _artifact(self) -> Iterator[None]:
        """What only adorns: nobody is read it."""
        self._pdf._out("/Artifact BMC")
        yield
        self._pdf._out("EMC")


def check(text: str) -> None:
    """Raises NotPrintable for letters of which no font of ours has a glyph: nobody is given boxes to read."""
    known = frozenset[int]().union(*_letters().values())
    lacking = {one for one in text if ord(one) not in known and unicodedata.category(one) != "Cf"}
    if lacking:
        raise NotPrintable(letters=" ".join(sorted(lacking)))


def _untorn(text: str, *, rtl: bool) -> str:
    """A text with what runs against its page isolated (UAX 9) where a joiner stands in it: fpdf2 gives a
    joiner the direction of the page (UAX 9, 5.2: that of the letters around it), and so draws the parts of
    such a word in the page's order, not joined as they are written."""
    page, across = (("R", "AL"), ("L",)) if rtl else (("L",), ("R", "AL"))
    kinds = {**dict.fromkeys(page, "|"), **dict.fromkeys(across, "a"), "NSM": "m"}
    kinds.update(dict.fromkeys(("LRI", "RLI", "FSI", "PDI"), "|"))
    runs = "".join("j" if one in JOINERS else kinds.get(unicodedata.bidirectional(one), ".") for one in text)
    made, done = "", 0
    for found in re.finditer("a(?:[^|]*[ajm])?", runs):
        begin, end = found.span()
        word = text[begin:end]
        made += text[done:begin] + (f"{LRI if rtl else RLI}{word}{PDI}" if "j" in found[0] else word)
        done = end
    return made + text[done:]


def _families(text: str) -> tuple[str, list[str]]:
    """In which fonts a text is set: Nastaliq's blanks are narrow, they stand in lines of Urdu alone."""
    letters, seen = _letters(), {ord(one) for one in text if one not in JOINERS}
    main = "urdu" if any(code in letters["urdu"] - letters["latin"] for code in seen) else "latin"
    others, left = [], seen - letters[main]
    for family in FAMILIES:
        if left & letters[family]:
            others.append(family)
            left -= letters[family]
    return main, others


@cache
def _letters() -> dict[str, frozenset[int]]:
    """What each of the fonts has."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    found = {}
    for family, names in FAMILIES.items():
        with TTFont(FONTS / f"{names[0]}.ttf") as font:
            found[family] = frozenset(font.getBestCmap())
    return found


def _blank() -> FPDF:
    """An empty page."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Pillow could not be imported")  # no picture of ours needs it
        from fpdf import FPDF
        from fpdf.enums import ResourceAccessPolicy
        from fpdf.prefs import ViewerPreferences

    class Page(FPDF):
        """A joiner belongs to the letter before it, whatever other fonts have it too."""

        before: str | None = None

        def get_fallback_font(self, char: str, style: str = "") -> str | None:
            if char not in JOINERS:
                self.before = super().get_fallback_font(char, style)
            return self.before

    pdf = Page(format="A4")
    pdf.resource_access_policy = ResourceAccessPolicy.NONE  # an emblem leads to no other file or address
    pdf.viewer_preferences = ViewerPreferences(display_doc_title=True)
    pdf.set_margins(MARGIN, MARGIN)
    pdf.c_margin = 0
    pdf.set_auto_page_break(auto=False)
    pdf.add_page()
    return pdf


def _keep_png(pdf: FPDF, content: bytes) -> None:
    """Puts a PNG among the pictures that `pdf` has read, as it would with Pillow: it is found as KEPT."""
    import png  # type: ignore[import-untyped]
    from fpdf.image_datastructures import RasterImageInfo

    wide, high, rows, _ = png.Reader(bytes=content).asRGBA8()
    pixels = [bytes(row) for row in rows]
    solid = b"".join(b"\0" + bytes(b for n, b in enumerate(row) if n % 4 != 3) for row in pixels)  # noqa: PLR2004
    clear = b"".join(b"\0" + row[3::4] for row in pixels)
    pdf.image_cache.images[str(KEPT)] = RasterImageInfo(
        i=len(pdf.image_cache.images) + 1,
        usages=0,
        w=wide,
        h=high,
        cs="DeviceRGB",
        bpc=8,
        f="FlateDecode",
        dp=f"/Predictor 15 /Colors 3 /Columns {wide}",
        data=zlib.compress(solid),
        smask=zlib.compress(clear),
    )


def _runs(row: bytes) -> Iterator[tuple[int, int]]:
    """Where dark squares that touch begin, and how many they are."""
    begin = row.find(1)
    while begin >= 0:
        end = row.find(0, begin)
        yield begin, end - begin
        begin = row.find(1, end)


def _utf16(text: str) -> str:
    """A text string of PDF in hexadecimal (ISO 32000-1, 7.9.2.2)."""
    return (b"\xfe\xff" + text.encode("utf-16-be")).hex()
