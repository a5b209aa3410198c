"""One canonical form for each account, however it was typed: `@name`, a link with or without `www.`, `m.`, a
query."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from chalicelib.influencers.names import compose, refuse
from chalicelib.influencers.phones import clean_phone

LONGEST = 300
"""A link with its tracking parameters; the canonical form is much shorter."""


@dataclass(frozen=True)
class Link:
    """A link taken apart: its path's parts, decoded, and its query."""

    parts: tuple[str, ...]
    query: dict[str, list[str]]

    def first(self) -> str:
        return self.parts[0] if self.parts else ""

    def after(self, *words: str) -> str:
        """The part behind a leading `words` (`/channel/UC…`), or nothing."""
        if len(self.parts) > 1 and self.parts[0].lower() in words:
            return self.parts[1]
        return ""


@dataclass(frozen=True)
class Site:
    """How one platform writes its accounts."""

    hosts: tuple[str, ...]
    """Domains of its links, without `www.`, `m.` and the like."""
    names: re.Pattern[str]
    """The canonical form of a bare name."""
    reserved: frozenset[str]
    """First parts of links that lead to something else than an account."""
    canonical: Callable[[str], str]
    """A bare name in its one form."""
    of_link: Callable[[Link], str]
    """The bare name that a link holds."""


def _facebook_link(link: Link) -> str:
    if link.first().lower() == "profile.php":
        return link.query.get("id", [""])[0]
    if link.first().lower() in ("people", "pages"):
        return link.parts[2] if len(link.parts) > 2 else ""  # noqa: PLR2004 - /people/<name>/<id>
    return link.after("pg") or link.first()


def _youtube_link(link: Link) -> str:
    kind = link.first().lower()
    if kind == "channel":
        return link.after(kind)
    if kind in ("c", "user"):
        return f"{kind}/{link.after(kind)}"
    return link.first() if kind.startswith("@") else f"c/{kind}"


def _youtube_name(name: str) -> str:
    """Channel ids mean something in their case; handles and the older names do not."""
    return name if _CHANNEL_ID.fullmatch(name) else name.casefold()


def _whatsapp_link(link: Link) -> str:
    channel = link.after("channel")
    if channel:
        return f"channel/{channel}"
    number = link.query.get("phone", [""])[0] if link.first().lower() == "send" else link.first()
    return "+" + number.strip().removeprefix("+")  # in links the country code always leads


def _whatsapp_name(name: str) -> str:
    """A number in E.164, or a channel's id."""
    return name if name.startswith("channel/") else clean_phone(name)


def _telegram_link(link: Link) -> str:
    if link.first().lower() == "resolve":  # tg://resolve?domain=name
        return link.query.get("domain", [""])[0]
    return link.after("s") or link.first()


_CHANNEL_ID = re.compile(r"UC[A-Za-z0-9_-]{22}")
SITES = {
    "instagram": Site(
        ("instagram.com", "instagr.am"),
        re.compile(r"(?!.*\.\.)[a-z0-9_][a-z0-9._]{0,29}(?<!\.)"),
        frozenset({"p", "reel", "reels", "tv", "explore", "accounts", "direct", "about"}),
        str.lower,
        lambda link: link.after("stories") or link.first(),
    ),
    "facebook": Site(
        ("facebook.com", "fb.com", "fb.me"),
        re.compile(r"[a-z0-9]{5,50}"),
        frozenset(
            {
                "groups",
                "watch",
                "share",
                "sharer",
                "events",
                "photo",
                "photos",
                "photo.php",
                "story.php",
                "login",
                "reel",
                "permalink.php",
                "hashtag",
                "marketplace",
                "gaming",
                "help",
                "video.php",
                "home.php",
            }
        ),
        lambda name: name.lower().replace(".", ""),  # facebook.com/j.smith and /JSmith are one page
        _facebook_link,
    ),
    "x": Site(
        ("x.com", "twitter.com"),
        re.compile(r"[a-z0-9_]{1,15}"),
        frozenset(
            {"i", "intent", "home", "search", "hashtag", "share", "explore", "settings", "login", "messages"}
        ),
        str.lower,
        Link.first,
    ),
    "youtube": Site(
        ("youtube.com",),
        re.compile(r"UC[A-Za-z0-9_-]{22}|(?:(?:c|user)/)?[\w.·\u200c\u200d\u0900-\u0DFF-]{3,60}"),
        frozenset(
            {"watch", "shorts", "playlist", "embed", "live", "results", "feed", "post", "hashtag", "clip"}
        ),
        _youtube_name,
        _youtube_link,
    ),
    "whatsapp": Site(
        ("wa.me", "whatsapp.com", "api.whatsapp.com"),
        re.compile(r"\+[0-9]{7,15}|channel/[A-Za-z0-9_-]{16,40}"),
        frozenset({"message", "qr", "catalog"}),
        _whatsapp_name,
        _whatsapp_link,
    ),
    "telegram": Site(
        ("t.me", "telegram.me", "telegram.dog", "tg"),
        re.compile(r"[a-z][a-z0-9_]{3,31}"),
        frozenset({"join", "joinchat", "addstickers", "c", "share", "iv", "proxy", "addlist"}),
        str.lower,
        _telegram_link,
    ),
}
PLATFORMS = tuple(SITES)
_PREFIXES = re.compile(r"(?:(?:www|m|mobile|web|mbasic|touch|business|[a-z]{2}-[a-z]{2})\.)+")
_LINK = re.compile(r"(?:(?P<scheme>https?|tg)://)?(?P<rest>.+)", re.IGNORECASE | re.DOTALL)


def clean_handle(platform: str, typed: str) -> str:
    """The canonical form of an account on `platform` (one of PLATFORMS): two spellings of one account give
    one form.

    Raises PydanticCustomError for a link to another site, to a post or a group, and for what cannot be a name
    there.
    """
    site = SITES[platform]
    text = compose("".join(c for c in typed if unicodedata.category(c) != "Cf" or c in "\u200c\u200d"))
    if len(text) > LONGEST:
        raise _not_a_handle(platform)
    bare = _bare(site, text)
    name = site.canonical(bare) if bare else ""
    if name in site.reserved or not site.names.fullmatch(name):
        raise _not_a_handle(platform)
    return name


def _bare(site: Site, text: str) -> str:
    """The name inside a link, or what was typed without `@`; nothing for a link to something else."""
    found = _link(text)
    if found is None:
        return text.lstrip("@ ")
    host, link = found
    if host not in site.hosts:
        raise refuse("handle_other_site", "This link leads to another site. Please check the platform.")
    return "" if link.first().lower() in site.reserved else site.of_link(link).strip().removeprefix("@")


def _link(text: str) -> tuple[str, Link] | None:
    """Host and parts of what looks like a link; None for a bare name."""
    found = _LINK.fullmatch(text.replace(" ", ""))
    if not found:
        return None
    rest = found["rest"]
    if not found["scheme"] and not _begins_with_host(rest):
        return None
    if (found["scheme"] or "").lower() == "tg":
        rest = f"tg/{rest}"
    try:
        split = urlsplit(f"//{rest}")
    except ValueError:  # such as http://[name
        return "", Link((), {})
    host = _without_prefix(split.hostname or "")
    parts = tuple(unicodedata.normalize("NFC", unquote(part)) for part in split.path.split("/") if part)
    return host, Link(parts, parse_qs(split.query))


def _begins_with_host(text: str) -> bool:
    """`instagram.com/name` without a scheme: a known host, and a slash or nothing behind it."""
    host = _without_prefix(text.partition("/")[0])
    return "." in host and any(host in site.hosts for site in SITES.values())


def _without_prefix(host: str) -> str:
    """`m.facebook.com`, `www.facebook.com` and `hi-in.facebook.com` are one site."""
    lower = host.lower()
    found = _PREFIXES.match(lower)
    return lower[found.end() :] if found and "." in lower[found.end() :] else lower


def _not_a_handle(platform: str) -> Exception:
    return refuse(
        "handle_invalid",
        "This is not an account on %(platform)s. Please give its name or its link.",
        platform=platform,
    )
