"""The letter of an appointment as a page to print."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chalicelib.ambassadors.model import spelled
from chalicelib.i18n import translate
from chalicelib.pages.figures import day
from chalicelib.pages.frame import Frame, frame, named
from chalicelib.pages.paper import HEIGHT, INNER, OWN, QUIET, Paper
from chalicelib.pages.shell import mark

if TYPE_CHECKING:
    from chalicelib.ambassadors.service import Written
    from chalicelib.files import Files
    from chalicelib.ports import Area

PRINTED_IN = ("hi", "en", "ur")
"""Languages of which the fonts are tried; a letter in any other is in Hindi."""
TITLE = mark("Letter of appointment")
NUMBER = mark("No. %(number)s")
DATED = mark("Date: %(day)s")
TO = mark("To")
APPOINTS = mark("%(organisation)s appoints you as ambassador of %(area)s.")
TASK = mark(
    "As an ambassador you carry verified information to the people around you in your own words, and bring "
    "back to us what they ask and what they need."
)
HOLDS = mark(
    "The appointment is personal. It ends with its last day unless it is renewed, and earlier if it is ended "
    "or if you leave. It does not allow you to collect money or to promise anything in our name."
)
AMBASSADOR_OF = mark("Ambassador of")
LAST_DAY = mark("Last day")
FIRST_DAY = mark("First day")
APPOINTED_BY = mark("Appointed by")
FOR = mark("For %(organisation)s")
IS_IT_REAL = mark("Is this letter real?")
SCAN = mark("Point the camera of a phone at the square, or open this address:")
COMPARE = mark(
    "The page must be one of %(host)s and show the same first name, area and days as this letter. If it says "
    "that the appointment was ended, the letter holds no more."
)
BY_COMPUTER = mark("This letter was made by computer and holds without a signature.")
SAMPLE = mark("Sample: this person is invented.")
CODE = mark("QR code of %(address)s")

SCALES = (1.0, 0.9, 0.8, 0.7, 0.6)
"""Of the type, until all of a letter is on its one page: names may be long."""
LOWEST = HEIGHT - 10
QR_SIZE, QR_TOP = 38.0, 232.0
LABEL = 44.0
FOLDER = "letters/"
"""In the bucket, for a day: a letter is made anew whenever somebody wants it."""
LINK_S = 300


@dataclass(frozen=True)
class Printer:
    """Letters as files: they go to their readers out of the bucket, whatever types a caller accepts."""

    files: Files
    public_url: str

    def link(self, told: Written, lang: str) -> str:
        """From where the letter may be read for five minutes. Raises NotPrintable."""
        content = letter(told, frame(lang), self.public_url, lang)
        name = hashlib.sha256(content).hexdigest()[:16]
        key = f"{FOLDER}{told.appointment.id}-{name}.pdf"
        self.files.put(key, content, "application/pdf", name=f"{spelled(told.appointment.code)}.pdf")
        return self.files.link(key, LINK_S)


def letter(told: Written, by: Frame, public_url: str, lang: str) -> bytes:
    """The letter as PDF: one page of A4, the same bytes as long as nothing in it changes. Raises NotPrintable
    for a name in a script that our fonts lack."""
    return _Writer(told, by, public_url, lang if lang in PRINTED_IN else "hi").content()


@dataclass(frozen=True)
class _Writer:
    told: Written
    by: Frame
    public_url: str
    lang: str

    def content(self) -> bytes:
        for scale in SCALES:
            content, fits = self._laid_out(scale)
            if fits:
                break
        return content

    def _laid_out(self, scale: float) -> tuple[bytes, bool]:
        title, dated = f"{self._say(TITLE)}: {self.told.name}", self.told.dated
        with Paper(self.lang, title=title, author=self.by.name, made_at=dated, scale=scale) as paper:
            self._head(paper)
            self._body(paper)
            self._foot(paper)
            return paper.content(), paper.y <= LOWEST

    def _head(self, paper: Paper) -> None:
        paper.y = 16
        paper.emblem(self.by.emblem, self.by.alt, 20, 3)
        if self.by.lineage:
            paper.text(self.by.lineage, size=10, side="centre", colour=QUIET, after=0)
        paper.text(self.by.name, size=17, bold=True, side="centre", colour=OWN, leading=1.35, after=3)
        paper.rule(0.9, 0.7)
        paper.rule(0.25, 4)
        number = self._say(NUMBER, number=self._apart(spelled(self.told.appointment.code)))
        dated = self._say(DATED, day=self._apart(day(self.told.dated)))
        left = partial(paper.text, number, size=10, box=(0, INNER * 0.6), after=6)
        right = partial(paper.text, dated, size=10, side="end", box=(INNER * 0.6, INNER * 0.4), after=6)
        paper.beside(left, right)

    def _body(self, paper: Paper) -> None:
        told, one = self.told, self.told.appointment
        paper.text(self._say(TITLE), role="H1", size=18, bold=True, side="centre", after=6)
        if one.sample:
            paper.text(self._say(SAMPLE), size=10, bold=True, side="centre")
        paper.text(self._say(TO), size=10, colour=QUIET, after=0)
        paper.text(told.name, size=15, bold=True, leading=1.4, after=4)
        organisation, area = self._apart(self.by.name), _place(told.areas, self.lang)
        paper.text(self._say(APPOINTS, organisation=organisation, area=self._apart(area)), size=11.5)
        rows = [
            (AMBASSADOR_OF, f"{area} ({one.area})"),
            (FIRST_DAY, day(one.begins)),
            (LAST_DAY, day(one.until)),
        ]
        if told.by:
            rows.append((APPOINTED_BY, told.by))
        for label, value in rows:
            left = partial(
                paper.text, self._say(label), size=10.5, colour=QUIET, box=(4, LABEL), after=0, leading=1.7
            )
            box = (4 + LABEL, INNER - LABEL - 4)
            right = partial(paper.text, self._apart(value), size=11.5, bold=True, box=box, after=0)
            paper.beside(left, right)
        paper.y += 3
        paper.text(self._say(TASK))
        paper.text(self._say(HOLDS), after=8)
        paper.text(self._say(FOR, organisation=organisation), bold=True, side="end", after=0)
        if told.by:
            paper.text(told.by, side="end", after=0)

    def _foot(self, paper: Paper) -> None:
        address = f"{self.public_url}/verify/{spelled(self.told.appointment.code)}"
        host = self._apart(urlsplit(self.public_url).netloc)
        top = max(paper.y + 4, QR_TOP)
        paper.y = top + 1
        paper.qr(address, self._say(CODE, address=address), 1, QR_SIZE)
        paper.y += 2
        say = partial(paper.text, box=(QR_SIZE + 3, INNER - QR_SIZE - 7), size=9.5, after=0)
        say(self._say(IS_IT_REAL), role="H2", size=11.5, bold=True, colour=OWN)
        say(self._say(SCAN))
        say(self._apart(address), size=10, bold=True)
        say(self._say(COMPARE, host=host))
        height = max(paper.y - top + 3, QR_SIZE + 2)
        paper.frame(top, height)
        paper.y = top + height + 2
        paper.text(self._say(BY_COMPUTER), size=8.5, side="centre", colour=QUIET, after=0)

    def _say(self, sentence: str, **params: object) -> str:
        return translate(self.lang, sentence, params)

    def _apart(self, text: str) -> str:
        """What runs its own way in a line from right to left (UAX 9: isolates)."""
        return f"\u2068{text}\u2069" if self.lang == "ur" else text


def _place(areas: tuple[Area, ...], lang: str) -> str:
    """An area and what it lies in, the smallest first; the country is told only where it is all."""
    told = [area for area in areas[::-1] if area.level != "country"] or list(areas)
    return ", ".join(named(area.names, lang) for area in told)
