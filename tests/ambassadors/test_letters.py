"""Letters to print: what stands in them, that their scripts are shaped as HarfBuzz shapes them, and that they
can be read back."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zlib import crc32

import pypdf
import pypdfium2
import pytest
import segno
import uharfbuzz
from PIL import Image

from chalicelib.ambassadors.model import Appointment, NotStanding
from chalicelib.ambassadors.printed import QR_SIZE, QR_TOP, letter
from chalicelib.ambassadors.service import Written
from chalicelib.errors import NotFound
from chalicelib.pages import paper as paper_module
from chalicelib.pages.frame import OWN_ICON, Frame, _data_url
from chalicelib.pages.paper import FONTS, MARGIN, WIDTH, NotPrintable, Paper, check
from chalicelib.ports import Area
from tests.ambassadors.world import World
from tests.influencers.world import ADMIN

AT = datetime(2026, 3, 1, 6, tzinfo=UTC)
URL = "https://janjan.example.test"
ADDRESS = f"{URL}/verify/abcd-efgh-ijkl-mnop"
PATH = ("IN", "IN-XN", "D9001")
AREAS = (
    Area("IN", "country", PATH[:1], {"hi": "भारत", "en": "India"}),
    Area("IN-XN", "state", PATH[:2], {"hi": "नमूना प्रदेश", "en": "Sample State"}),
    Area("D9001", "district", PATH, {"hi": "जनपुर", "en": "Janpur"}),
)
ONE = Appointment(
    id="amb_one",
    influencer="inf_one",
    area="D9001",
    path=PATH,
    begins=date(2026, 3, 1),
    until=date(2027, 3, 1),
    code="abcdefghijklmnop",
    barred=0,
    at=AT,
    by="usr_one",
)
TOLD = Written(ONE, "सुनीता देवी", AREAS, "Asha Verma", AT)
FRAME = Frame(
    name="नमूना सूचना विभाग",
    lineage="नमूना प्रदेश सरकार",
    emblem=_data_url("svg", OWN_ICON.read_bytes()),
    alt="प्रतीक",
    owner="",
    maintained_by="",
    contact=None,
    grievance_officer=None,
    reviewed="",
)
WORDS = """
    क्षत्रिय त्रिशूल ज्ञान श्रीमती कार्यक्रम धर्मेन्द्र राष्ट्र विद्यार्थी ऑफ़िस डॉक्टर कि की कु कू कृ के कै को कौ कं कः काँ 
    शक्ति भक्त द्वारा उद्देश्य पद्म ब्राह्मण चिह्न अपराह्न हृदय रुपया रूप श्रृंगार शृंगार ट्रक ड्रम छठ्ठा मिट्टी गड्ढा लड्डू 
    बुद्धि सिद्ध विद्युत् उज्ज्वल संख्या मुख्य वर्ष हर्ष सूर्य तीर्थ निर्णय दर्ज़ी पढ़ाई लड़का क़लम ख़बर ग़ज़ल फ़र्ज़ ज़्यादा प्रार्थना 
    स्त्री अष्टमी उत्कृष्ट ज्योत्स्ना लक्ष्मी अङ्क पञ्च कण्ठ सन्त सम्पूर्ण क्‍ष श्‍याम
"""
NAMES = {
    "beng": "লক্ষ্মী চট্টোপাধ্যায়",
    "guru": "ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ",
    "gujr": "લક્ષ્મી પટેલ",
    "orya": "ଲକ୍ଷ୍ମୀ ପଣ୍ଡା",
    "taml": "லட்சுமி ஸ்ரீனிவாசன்",
    "telu": "లక్ష్మీ శ్రీనివాస్",
    "knda": "ಲಕ್ಷ್ಮೀ ಶ್ರೀನಿವಾಸ್",
    "mlym": "ലക്ഷ്മി നമ്പൂതിരി",
    "olck": "ᱥᱟᱱᱛᱟᱲ",
    "mtei": "ꯃꯤꯇꯩ",
}


def page_of(text: str, lang: str = "hi", **more: Any) -> bytes:
    with Paper(lang, title="t", author="a", made_at=AT) as paper:
        paper.text(text, **more)
        return paper.content()


def drawn(content: bytes) -> list[tuple[str, tuple[int, ...]]]:
    """The glyphs of a page in the order in which they are drawn: the font, and a print of the outline."""
    page = pypdf.PdfReader(io.BytesIO(content)).pages[0]
    fonts: Any = page["/Resources"]["/Font"]  # type: ignore[index]
    outlines: dict[str, Any] = {}
    for name, font in fonts.items():
        file = font["/DescendantFonts"][0]["/FontDescriptor"]["/FontFile2"].get_data()
        told = font["/DescendantFonts"][0]["/CIDToGIDMap"].get_data()
        outlines[name] = (uharfbuzz.Font(uharfbuzz.Face(file)), told, str(font["/BaseFont"]))
    found: list[tuple[str, tuple[int, ...]]] = []
    now = ""
    for operands, operator in page.get_contents().operations:  # type: ignore[union-attr]
        if operator == b"Tf":
            now = operands[0]
        if operator in (b"Tj", b"TJ"):
            parts = operands[0] if isinstance(operands[0], list) else [operands[0]]
            for part in parts:
                if isinstance(part, (str, bytes)):
                    font, told, base = outlines[now]
                    raw = part.original_bytes if hasattr(part, "original_bytes") else part
                    for place in range(0, len(raw), 2):
                        cid = int.from_bytes(raw[place : place + 2], "big")
                        gid = int.from_bytes(told[2 * cid : 2 * cid + 2], "big")
                        found.append((base.partition("+")[2], outline(font, gid)))
    return found


def outline(font: Any, gid: int) -> tuple[int, ...]:
    box = font.get_glyph_extents(gid)
    shape: list[Any] = []
    functions = uharfbuzz.DrawFuncs()
    functions.set_move_to_func(lambda x, y, data: shape.append((x, y)))
    functions.set_line_to_func(lambda x, y, data: shape.append((x, y)))
    functions.set_cubic_to_func(lambda *all_of: shape.append(all_of[:6]))
    functions.set_quadratic_to_func(lambda *all_of: shape.append(all_of[:4]))
    functions.set_close_path_func(lambda data: None)
    font.draw_glyph(gid, functions, None)
    return (*(box if box else ()), crc32(repr(shape).encode()))


def shaped(text: str, font_name: str, lang: str = "hi") -> list[tuple[int, ...]]:
    """What HarfBuzz itself makes of a text, as outlines."""
    font = uharfbuzz.Font(uharfbuzz.Face((FONTS / f"{font_name}.ttf").read_bytes()))
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.language = lang
    uharfbuzz.shape(font, buffer)
    return [outline(font, info.codepoint) for info in buffer.glyph_infos]


def picture(content: bytes, scale: float = 3) -> Image.Image:
    rendered: Image.Image = pypdfium2.PdfDocument(content)[0].render(scale=scale).to_pil()
    return rendered.convert("L")


def read_back(content: bytes) -> str:
    text: str = pypdfium2.PdfDocument(content)[0].get_textpage().get_text_range()
    return text.replace("\r\n", "\n")


def test_what_is_drawn_of_seventy_hindi_words_is_what_harfbuzz_shapes() -> None:
    assert len(WORDS.split()) > 60
    for style in ("Regular", "Bold"):
        glyphs = drawn(page_of(" ".join(WORDS.split()), bold=style == "Bold"))
        expected = [glyph for word in WORDS.split() for glyph in shaped(word, f"NotoSansDevanagari-{style}")]
        assert [glyph for font, glyph in glyphs if "Devanagari" in font] == expected


@pytest.mark.parametrize("script", NAMES)
def test_a_name_in_any_of_the_constitutions_scripts_is_shaped_by_its_own_font(script: str) -> None:
    for word in NAMES[script].split():
        expected = shaped(word, paper_module.FAMILIES[script][0])
        assert [glyph for _, glyph in drawn(page_of(word))] == expected, word


def test_urdu_is_drawn_from_right_to_left_in_nastaliq() -> None:
    for word in ("تقرر", "نامہ", "پہنچاتے", "ہیں", "کیمرا"):
        found = [glyph for _, glyph in drawn(page_of(word, "ur"))]
        assert found == shaped(word, "NotoNastaliqUrdu-Regular", "ur"), word
    wide = picture(page_of("تقرر نامہ", "ur"))
    dark = [x for x in range(wide.width) if wide.crop((x, 0, x + 1, wide.height)).getextrema()[0] < 128]
    assert min(dark) > wide.width / 2  # it stands at the right


@pytest.mark.parametrize("lang", ["hi", "en", "ur"])
def test_a_letter_is_one_page_and_the_same_bytes_each_time(lang: str) -> None:
    first, again = letter(TOLD, FRAME, URL, lang), letter(TOLD, FRAME, URL, lang)
    assert first == again
    assert len(first) < 200_000
    assert len(pypdf.PdfReader(io.BytesIO(first)).pages) == 1
    assert letter(replace(TOLD, name="आशा देवी"), FRAME, URL, lang) != first


def test_a_letter_in_a_language_without_fonts_of_its_own_is_in_hindi() -> None:
    assert letter(TOLD, FRAME, URL, "ta") == letter(TOLD, FRAME, URL, "hi")


def test_a_letter_tells_who_is_what_until_when_and_by_whom_and_can_be_read_back() -> None:
    said = read_back(letter(TOLD, FRAME, URL, "hi"))
    for expected in (
        "नमूना प्रदेश सरकार\nनमूना सूचना विभाग\nसंख्या: abcd-efgh-ijkl-mnop",
        "दिनांक: 01-03-2026",
        "नियुक्ति पत्र",
        "सेवा में\nसुनीता देवी\n",
        "जनपुर, नमूना प्रदेश (D9001)",
        "आख़िरी दिन 01-03-2027",
        "Asha Verma",
        ADDRESS,
        "janjan.example.test",
    ):
        assert expected in said, said


def test_a_letter_tells_screen_readers_its_language_title_headings_and_pictures() -> None:
    read = pypdf.PdfReader(io.BytesIO(letter(TOLD, FRAME, URL, "hi")))
    root: Any = read.trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == ("hi-IN", True)
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert read.metadata is not None
    assert (read.metadata.title, read.metadata.author) == ("नियुक्ति पत्र: सुनीता देवी", "नमूना सूचना विभाग")
    blocks = [one.get_object() for one in root["/StructTreeRoot"]["/K"][0]["/K"]]
    roles = [one["/S"] for one in blocks]
    assert roles[:3] == ["/Figure", "/P", "/P"]
    assert (roles.count("/H1"), roles.count("/H2"), roles.count("/Figure")) == (1, 1, 2)
    assert [one["/Alt"] for one in blocks if one["/S"] == "/Figure"] == ["प्रतीक", f"{ADDRESS} का QR कोड"]
    places = [place for one in blocks for place in one["/K"]]
    assert places == list(range(len(blocks)))


@pytest.mark.parametrize("lang", ["hi", "ur"])
def test_the_square_on_the_page_is_the_qr_code_of_the_letters_address(lang: str) -> None:
    expected = [list(row) for row in segno.make_qr(ADDRESS, error="m").matrix_iter(border=4)]
    page = picture(letter(TOLD, FRAME, URL, lang), 6)
    one, left = QR_SIZE / len(expected), MARGIN + 1 if lang == "hi" else WIDTH - MARGIN - 1 - QR_SIZE

    def dark(across: int, down: int) -> int:
        place = (left + (across + 0.5) * one, QR_TOP + 1 + (down + 0.5) * one)
        return int(page.getpixel(tuple(int(mm * 6 * 72 / 25.4) for mm in place)) < 128)  # type: ignore[arg-type, operator]

    every = range(len(expected))
    assert [[dark(across, down) for across in every] for down in every] == expected


@pytest.mark.parametrize(
    "name",
    [
        "W" * 60,
        "محمد عبد الرحمن " * 4,
    ],
)
@pytest.mark.parametrize("lang", ["hi", "ur"])
def test_no_name_leaves_the_page_whatever_its_length_and_script(name: str, lang: str) -> None:
    long = replace(FRAME, name="राष्ट्रीय सूचना एवं जनसंपर्क विभाग " * 10, lineage="नमूना प्रदेश सरकार " * 20)
    page = picture(letter(replace(TOLD, name=name), long, URL, lang), 1)
    for edge in (
        (0, 0, page.width, 10),
        (0, page.height - 20, page.width, page.height),
        (0, 0, 10, page.height),
        (page.width - 10, 0, page.width, page.height),
    ):
        assert page.crop(edge).getextrema() == (255, 255)


@pytest.mark.parametrize(
    ("lang", "name", "family"),
    [
        ("ur", "ज्\u200dयोति शर्मा", "deva"),
        ("ur", "विद्\u200cया", "deva"),
        ("ur", "শ্\u200dরী", "beng"),
        ("ur", "राम\u200d", "deva"),
        ("ur", "علی ज्\u200dयोति خان", "deva"),
        ("hi", "علی\u200cرضا", "urdu"),
        ("en", "علی\u200cرضا", "urdu"),
        ("hi", "राम علی\u200cرضا देवी", "urdu"),
        ("en", "بی\u200cبی علی\u200cرضا", "urdu"),
        ("en", "علی\u200c", "urdu"),
        ("ur", "علی\u200cرضا", "urdu"),
    ],
)
def test_a_joiner_in_a_name_that_runs_against_its_page_neither_tears_it_nor_turns_it_round(
    lang: str, name: str, family: str
) -> None:
    """Each word is drawn as HarfBuzz shapes it with its joiner; words stand as their script reads."""
    font = paper_module.FAMILIES[family][0]
    words = [word for word in name.split() if ord(word[0]) in paper_module._letters()[family]]
    expected = [shaped(word, font, "ur" if family == "urdu" else "hi") for word in words]
    found = drawn(page_of(name, lang))
    seen = [glyph for base, glyph in found if base.startswith(font.removesuffix("-Regular"))]
    meant = [glyph for word in (expected[::-1] if family == "urdu" else expected) for glyph in word]
    # what is blank, such as the joiner itself, is drawn nowhere
    assert list(filter(ink, seen)) == list(filter(ink, meant))


def ink(glyph: tuple[int, ...]) -> bool:
    return any(glyph[:4])


def test_what_no_font_has_is_refused_and_named_rather_than_drawn_as_boxes() -> None:
    with pytest.raises(NotPrintable, match="漢 𑄌"):
        check("राम 漢 𑄌")
    check("राम ‌‍ \u2068Ram\u2069 رام ₹ — “x”")


@pytest.mark.parametrize("text", ["%s %(x)s {x} \\ ) ( <script>", "a\u202eb", "EMC ET Q", "**b** __u__"])
def test_odd_text_is_drawn_as_it_is_and_breaks_nothing(text: str) -> None:
    content = page_of(text)
    assert text.replace("\u202e", "") in read_back(content).replace("\u202e", "")


def png(mode: str) -> str:
    made = io.BytesIO()
    Image.new(mode, (40, 20), 200 if mode == "L" else (200, 30, 30, 255)[: len(mode)]).save(made, "PNG")
    return _data_url("png", made.getvalue())


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_an_emblem_may_be_a_png(mode: str) -> None:
    framed = replace(FRAME, emblem=png(mode), lineage="", name="x")
    page = picture(letter(TOLD, framed, URL, "en"), 1)
    assert page.getpixel((page.width // 2, 70)) not in (255, 0)


@pytest.mark.parametrize(
    "emblem",
    ["data:image/png;base64,AAAA", "data:image/webp;base64,AAAA", "data:image/svg+xml;base64,AAAA", ""],
)
def test_an_emblem_that_cannot_be_printed_is_left_out_and_the_letter_is_made(emblem: str) -> None:
    said = read_back(letter(TOLD, replace(FRAME, emblem=emblem), URL, "hi"))
    assert "सुनीता देवी" in said


def test_an_emblem_leads_to_no_other_file() -> None:
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="{OWN_ICON}"/></svg>'
    content = letter(TOLD, replace(FRAME, emblem=_data_url("svg", drawing.encode())), URL, "hi")
    assert "सुनीता देवी" in read_back(content)


def test_a_sample_says_that_its_person_is_invented() -> None:
    sample = replace(TOLD, appointment=ONE.model_copy(update={"sample": True}))
    assert "Sample: this person is invented." in read_back(letter(sample, FRAME, URL, "en"))


# --- of whom a letter is made


def test_a_letter_is_made_of_what_stands_and_of_nothing_that_is_over(world: World) -> None:
    one = world.ambassadors.appoint(ADMIN, world.approved().id, "D9001-B1")
    told = world.ambassadors.written(one)
    assert (told.name, told.by, told.dated) == ("सुनीता देवी", ADMIN.name, one.at)
    assert [area.id for area in told.areas] == list(one.path)
    world.clock.forward(60)
    renewed = world.ambassadors.renew(ADMIN, one.id, date(2027, 6, 1))
    assert world.ambassadors.written(renewed).dated == renewed.renewals[0].at
    ended = world.ambassadors.end(ADMIN, one.id, "x")
    with pytest.raises(NotStanding):
        world.ambassadors.written(ended)


def test_no_letter_is_made_of_who_was_suspended_a_moment_ago_or_whose_term_has_run_out(world: World) -> None:
    one = world.ambassadors.appoint(ADMIN, world.approved().id, "D9001-B1")
    world.review(one.influencer, "suspend")
    with pytest.raises(NotStanding):
        world.ambassadors.written(one)
    other = world.approved(phone="+918123456780", handles=[])
    two = world.ambassadors.appoint(ADMIN, other.id, "D9001-B1")
    world.days(366)
    with pytest.raises(NotStanding):
        world.ambassadors.written(two)


def test_nobody_has_the_letter_of_somebody_else(world: World) -> None:
    one = world.ambassadors.appoint(ADMIN, world.approved().id, "D9001-B1")
    assert world.ambassadors.own(one.influencer, one.id) == one
    for who, which in (("inf_other", one.id), (one.influencer, "amb_none")):
        with pytest.raises(NotFound):
            world.ambassadors.own(who, which)
