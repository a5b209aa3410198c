"""Server-rendered pages: one environment a language, made when the first page is asked for."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib import i18n
from chalicelib.errors import JanJanError
from chalicelib.pages import figures
from chalicelib.pages.frame import frame, named
from chalicelib.phones import readable
from chalicelib.settings import settings

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
STATIC = HERE / "static"
ENDONYMS = {
    "as": "অসমীয়া",
    "bn": "বাংলা",
    "brx": "बड़ो",
    "doi": "डोगरी",
    "en": "English",
    "gu": "ગુજરાતી",
    "hi": "हिन्दी",
    "kn": "ಕನ್ನಡ",
    "kok": "कोंकणी",
    "ks": "کٲشُر",
    "mai": "मैथिली",
    "ml": "മലയാളം",
    "mni": "মৈতৈলোন্",
    "mr": "मराठी",
    "ne": "नेपाली",
    "or": "ଓଡ଼ିଆ",
    "pa": "ਪੰਜਾਬੀ",
    "sa": "संस्कृतम्",
    "sat": "ᱥᱟᱱᱛᱟᱲᱤ",
    "sd": "سنڌي",
    "ta": "தமிழ்",
    "te": "తెలుగు",
    "ur": "اردو",
}
"""Each language's name for itself."""
OWN_FONT = frozenset(("ur",))
"""Languages whose letters many phones cannot write as they are read: their pages bring a font."""


def mark(text: str) -> str:
    """The same text: a label that a template translates when it shows it."""
    return text


def render(template: str, lang: str, **values: object) -> str:
    """The page `templates/<template>` in `lang`. `path` among the values is where the language links lead;
    without it there are none; `kept` is the query that they keep."""
    about = frame(lang)
    shared: dict[str, object] = {
        "path": None,
        "kept": {},
        "frame": about,
        "organisation": about.name,
        "icon": about.emblem,
        "site": settings().public_url,
    }
    return _environment(lang).get_template(template).render(shared | values)


def error_page(error: JanJanError, lang: str) -> str:
    """What went wrong, as a page."""
    return render(
        "error.html", lang, message=i18n.translate(lang, error.message, error.params), status=error.status
    )


@cache
def static_url(name: str) -> str:
    """The address of a file in static/, which changes with its content: so it may be kept for a year."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]}"


@cache
def _style() -> str:
    return (STATIC / "style.css").read_text(encoding="utf-8")


def style_in_the_page(policy: str) -> str:
    """The Content-Security-Policy of a page that is rendered with `carries_style`: it allows our stylesheet,
    by its hash, and no other."""
    found = b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return policy.replace("style-src 'self'", f"style-src 'self' 'sha256-{found}'")


@cache
def _environment(lang: str) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(i18n.catalogue(lang), newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(
        day=lambda of: i18n.isolated(figures.day(of), lang),
        grouped=figures.grouped,
        sized=figures.sized,
        moment=lambda of: i18n.isolated(figures.moment(of), lang),
        phone=lambda of: i18n.isolated(readable(of), lang),
        rupees=figures.rupees,
    )
    made.filters.update(named=lambda names: named(names, lang))
    made.globals.update(
        lang=lang,
        rtl=lang in i18n.RIGHT_TO_LEFT,
        wide=False,
        kind="",
        trail=(),
        problems=(),
        crumbs=(),
        card=(),
        languages=i18n.languages(),
        endonyms=ENDONYMS,
        static_url=static_url,
        carries_style=False,
        stylesheet=lambda: Markup(_style()),
    )
    return made
