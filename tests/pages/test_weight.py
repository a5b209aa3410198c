"""What a first view of a public page weighs on the wire, with its fonts, and how a shared link is shown."""

from __future__ import annotations

import gzip
import hashlib
import re
import struct
from base64 import b64encode

import pytest

from chalicelib import i18n
from chalicelib.pages import shell
from tests.pages.conftest import Site
from tests.pages.test_signup_page import page

KB = 1024
PUBLIC_PAGES = ("/", "/signup", "/voice", "/transparency", "/signup/qr", "/me/signin", "/about/privacy")
SHARED = ("/", "/signup", "/voice", "/transparency")


def first_view(site: Site, path: str, lang: str) -> dict[str, int]:
    """What a phone without any font of ours asks for: address and bytes, gzipped as API Gateway does."""
    shown = site.get(f"{path}?lang={lang}")
    found = {path: len(gzip.compress(shown.body))}
    text = page(shown)
    for one in re.findall(r'(?:src|href)="(/static/[^"]+)"', text):
        found[one] = len(gzip.compress(site.get(one).body))
    if lang in shell.OWN_FONT:
        style = text if "<style>" in text else page(site.get(shell.static_url("style.css")))
        [font] = re.findall(r'url\("([^"]+)"\)', style)
        found[font] = len(site.get(font).body)
    return found


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_a_first_view_is_light_on_the_wire(site: Site, path: str) -> None:
    for lang in i18n.languages():
        asked = first_view(site, path, lang)
        assert sum(asked.values()) <= (120 if lang in shell.OWN_FONT else 25) * KB, asked
        assert len(asked) <= 3, asked


def test_the_form_brings_its_style_along_where_its_letters_are_fetched(site: Site) -> None:
    """Page, script and letters are three requests; the policy allows this stylesheet and no other."""
    for lang in i18n.languages():
        answer = site.get(f"/signup?lang={lang}")
        policy = str(answer.headers["Content-Security-Policy"])
        style = re.findall(r"<style>(.*?)</style>", page(answer), re.DOTALL)
        if lang not in shell.OWN_FONT:
            assert (style, "sha256-" in policy) == ([], False)
            continue
        assert style == [(shell.STATIC / "style.css").read_text(encoding="utf-8")]
        digest = b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
        assert f"style-src 'self' 'sha256-{digest}';" in policy
        again = site.post(f"/signup?lang={lang}", [("at", "about"), ("go", "next")])
        assert "<style>" not in page(again)


def test_only_pages_in_urdu_ask_for_its_letters() -> None:
    style = (shell.STATIC / "style.css").read_text(encoding="utf-8")
    [users] = re.findall(r'([^{}]+)\{ font-family: "Our Nastaliq"', style)
    assert users.strip() == "html[lang=ur] :is(body, :lang(ur))"
    font = (shell.STATIC / "nastaliq.woff2").read_bytes()
    assert f"nastaliq.woff2?v={hashlib.sha256(font).hexdigest()[:10]}" in style
    assert (shell.STATIC / "nastaliq.OFL.txt").exists()


def test_fonts_and_pictures_come_as_they_are(site: Site) -> None:
    for name, kind in (("nastaliq.woff2", "font/woff2"), ("card.png", "image/png")):
        answer = site.get(f"/static/{name}", accept="*/*")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
        assert answer.body == (shell.STATIC / name).read_bytes()


@pytest.mark.parametrize("path", SHARED)
def test_a_shared_link_is_shown_with_words_of_its_language_and_a_picture(site: Site, path: str) -> None:
    told = {}
    for lang in i18n.languages():
        shown = page(site.get(f"{path}?lang={lang}"))
        cards = dict(re.findall(r'<meta property="og:([\w:]+)" content="([^"]+)">', shown))
        address = f"http://127.0.0.1:8000{path}?lang={lang}"
        assert cards["url"] == address
        assert f'<link rel="canonical" href="{address}">' in shown
        assert cards["image"].startswith("http://127.0.0.1:8000/static/card.png?v=")
        assert cards["title"]
        told[lang] = cards["description"]
    assert len(set(told.values())) == len(told)


def test_the_picture_of_a_link_is_of_the_size_that_is_said() -> None:
    card = (shell.STATIC / "card.png").read_bytes()
    assert struct.unpack(">II", card[16:24]) == (1200, 630)
    assert len(card) <= 60 * KB
