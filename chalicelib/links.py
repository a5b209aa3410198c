"""Links as people paste them: which platform, which account or post, and the one form of each.

Nothing is fetched. So what only the platform can resolve (`facebook.com/share/…`, `fb.watch/…`,
`instagram.com/share/…`, and Facebook's `pfbid…`, of which one post has several) is a post of its own here:
handed in by its share link and by its plain link, a post counts twice until somebody says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, unquote, urlsplit

LONGEST = 2000
"""Characters of a link, tracking included; more is not looked at."""
MOST = 10
"""Posts that are taken from one text."""


@dataclass(frozen=True)
class Link:
    """A link taken apart: its host without `www.` and the like, its path's parts, decoded, and its query."""

    host: str
    parts: tuple[str, ...] = ()
    query: dict[str, list[str]] = field(default_factory=dict)

    def first(self) -> str:
        return self.parts[0] if self.parts else ""

    def after(self, *words: str) -> str:
        """The part behind a leading `words` (`/channel/UC…`), or nothing."""
        if len(self.parts) > 1 and self.parts[0].lower() in words:
            return self.parts[1]
        return ""

    def asked(self, name: str) -> str:
        """The first value of a name in the query, or nothing."""
        return self.query.get(name, [""])[0]


# --- accounts -----------------------------------------------------------------------------------------------


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
        return link.asked("id")
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
    number = link.asked("phone") if link.first().lower() == "send" else link.first()
    return "+" + number.strip().removeprefix("+")  # in links the country code always leads


def _telegram_link(link: Link) -> str:
    if link.first().lower() == "resolve":  # tg://resolve?domain=name
        return link.asked("domain")
    return link.after("s") or link.first()


_CHANNEL_ID = re.compile(r"UC[A-Za-z0-9_-]{22}")
SITES = {
    "instagram": Site(
        ("instagram.com", "instagr.am", "ig.me"),
        re.compile(r"(?!.*\.\.)[a-z0-9_][a-z0-9._]{0,29}(?<!\.)"),
        frozenset({"p", "reel", "reels", "tv", "share", "explore", "accounts", "direct", "about"}),
        str.lower,
        lambda link: link.after("stories", "_u", *(["m"] if link.host == "ig.me" else [])) or link.first(),
    ),
    "facebook": Site(
        ("facebook.com", "fb.com", "fb.me", "m.me"),
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
        str,
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
NAMES = {
    "facebook": "Facebook",
    "instagram": "Instagram",
    "telegram": "Telegram",
    "whatsapp": "WhatsApp",
    "x": "X",
    "youtube": "YouTube",
}
"""Platforms as they write themselves."""
_SEEN_AT = {
    "facebook": "www.facebook.com",
    "instagram": "www.instagram.com",
    "telegram": "t.me",
    "whatsapp": "whatsapp.com",
    "x": "x.com",
    "youtube": "www.youtube.com",
}
_LEADS_ON = frozenset(("l.facebook.com", "lm.facebook.com", "l.instagram.com", "lm.instagram.com"))
_PREFIXES = re.compile(r"(?:(?:www|m|mobile|web|mbasic|touch|business|[a-z]{2}-[a-z]{2})\.)+")
_LINK = re.compile(r"(?:(?P<scheme>https?|tg)://)?(?P<rest>.+)", re.IGNORECASE | re.DOTALL)


def split(text: str) -> Link | None:
    """What looks like a link, taken apart; None for a bare name. Without a scheme it must begin with a host
    that we know; a link that no browser would read has no host. One that leads through Meta's own warning
    page is the one behind it."""
    found = _LINK.fullmatch(text.replace(" ", ""))
    if not found:
        return None
    rest = found["rest"]
    if not found["scheme"] and not _begins_with_host(rest):
        return None
    if (found["scheme"] or "").lower() == "tg":
        rest = f"tg/{rest}"
    try:
        parsed = urlsplit(f"//{rest}")
        host = _without_prefix(parsed.hostname or "")
        query = parse_qs(parsed.query.replace("&amp;", "&"), max_num_fields=100)
    except ValueError:  # such as http://[name
        return Link("")
    if host in _LEADS_ON and query.get("u"):
        return split(query["u"][0])
    parts = tuple(unicodedata.normalize("NFC", unquote(part)) for part in parsed.path.split("/") if part)
    return Link(host, parts, query)


def platform_of(text: str) -> str:
    """The platform to whose site a link leads; empty for anything else."""
    link = split(text)
    return next((name for name, site in SITES.items() if link and link.host in site.hosts), "")


def _begins_with_host(text: str) -> bool:
    """`instagram.com/name` without a scheme: a known host, and a slash or nothing behind it."""
    host = _without_prefix(text.partition("/")[0])
    return "." in host and host in _HOSTS


def _without_prefix(host: str) -> str:
    """`m.facebook.com`, `www.facebook.com` and `hi-in.facebook.com` are one site."""
    lower = host.lower().removesuffix(".")
    found = _PREFIXES.match(lower)
    return lower[found.end() :] if found and "." in lower[found.end() :] else lower


def account(platform: str, name: str) -> str:
    """The canonical form of a bare account name; empty when it cannot be one there."""
    site = SITES[platform]
    form = site.canonical(name)
    return form if site.names.fullmatch(form) and form not in site.reserved else ""


def account_url(platform: str, name: str) -> str:
    """Where an account in its canonical form is to be seen; empty for a number."""
    if platform == "whatsapp" and not name.startswith("channel/"):
        return ""
    if platform == "youtube" and not name.startswith(("c/", "user/")):
        name = f"channel/{name}" if _CHANNEL_ID.fullmatch(name) else f"@{name}"
    return f"https://{_SEEN_AT[platform]}/{quote(name, safe='/@')}"


# --- posts --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PostLink:
    """The link of a post. All spellings of one link give one `native_id` and, but for `account`, one form."""

    platform: str
    native_id: str
    """The platform's own id, in its own case."""
    url: str
    account: str = ""
    """Whose post the link says it is, in the canonical form of handles."""
    sure: bool = False
    """Whether that cannot be otherwise. X, Instagram and Facebook open a post whatever name stands in its
    link."""


_VIDEO = re.compile(r"[A-Za-z0-9_-]{11}")
_SHORTCODE = re.compile(r"[A-Za-z0-9_-]{5,60}")
_NUMBER = re.compile(r"[0-9]{1,25}")
_FACEBOOK_ID = re.compile(r"[0-9]{5,25}|pfbid[A-Za-z0-9]{10,120}")
_GROUP = re.compile(r"[\w.-]{1,80}", re.ASCII)


def _youtube_post(link: Link) -> PostLink | None:
    if link.host == "youtu.be":
        video = link.first()
    elif link.first().lower() == "watch":
        video = link.asked("v")
    else:
        video = link.after("shorts", "live", "embed", "v", "e")
    if not _VIDEO.fullmatch(video):
        return None
    return PostLink("youtube", video, f"https://www.youtube.com/watch?v={video}")


def _instagram_post(link: Link) -> PostLink | None:
    site, parts = "https://www.instagram.com", link.parts
    if len(parts) > 2 and link.first().lower() == "stories":  # noqa: PLR2004 - /stories/<user>/<number>
        user = account("instagram", parts[1])
        native = f"stories/{user}/{parts[2]}"
        known = user and _NUMBER.fullmatch(parts[2])
        return PostLink("instagram", native, f"{site}/{native}/", user, sure=True) if known else None
    user = account("instagram", link.first())
    parts = parts[1:] if user else parts
    match tuple(part.lower() for part in parts[:-1]):
        case ("p" | "reel" | "reels" | "tv",) if _SHORTCODE.fullmatch(parts[-1]):
            return PostLink("instagram", parts[-1], f"{site}/p/{parts[-1]}/", user)
        case ("share",) | ("share", "p" | "reel" | "tv") if _SHORTCODE.fullmatch(parts[-1]):
            native = "/".join((*(part.lower() for part in parts[:-1]), parts[-1]))
            return PostLink("instagram", native, f"{site}/{native}/")
    return None


_FACEBOOK = "https://www.facebook.com"
_FACEBOOK_QUERIES = {
    "photo": ("fbid", f"{_FACEBOOK}/photo/?fbid=%s"),
    "photo.php": ("fbid", f"{_FACEBOOK}/photo/?fbid=%s"),
    "watch": ("v", f"{_FACEBOOK}/watch/?v=%s"),
    "video.php": ("v", f"{_FACEBOOK}/watch/?v=%s"),
}
"""First parts of links that hold the id in their query, its name there, and the canonical form."""
_FACEBOOK_PATHS = {
    "posts": f"{_FACEBOOK}/%(page)s/posts/%(id)s",
    "videos": f"{_FACEBOOK}/watch/?v=%(id)s",
    "photos": f"{_FACEBOOK}/photo/?fbid=%(id)s",
}
"""What follows a page's name, up to the id at the end, with a slug or an album between."""


def _facebook_post(link: Link) -> PostLink | None:
    first = link.first().lower()
    if first in ("permalink.php", "story.php"):
        return _facebook_page(link.asked("id"), "posts", link.asked("story_fbid"))
    if first in _FACEBOOK_QUERIES:
        name, form = _FACEBOOK_QUERIES[first]
        return _facebook(link.asked(name), form)
    return _facebook_path(first, *link.parts[1:])


def _facebook_path(*parts: str) -> PostLink | None:
    match parts:
        case ("share", *kind, code) if _SHORTCODE.fullmatch(code) and re.fullmatch("[a-z]?", "/".join(kind)):
            native = "/".join(("share", *kind, code))
            return PostLink("facebook", native, f"{_FACEBOOK}/{native}/")
        case ("reel", native, *_):
            return _facebook(native, f"{_FACEBOOK}/watch/?v=%s")
        case ("groups", group, "posts" | "permalink", native) if _GROUP.fullmatch(group):
            return _facebook(native, f"{_FACEBOOK}/groups/{group.lower()}/posts/%s")
        case (page, kind, *_, native):
            return _facebook_page(page, kind.lower(), native)
    return None


def _facebook_short(link: Link) -> PostLink | None:
    """fb.watch/<code>, which only Facebook can resolve."""
    native = f"{link.host}/{link.first()}"
    known = _SHORTCODE.fullmatch(link.first())
    return PostLink("facebook", native, f"https://{native}/") if known else None


def _facebook_page(name: str, kind: str, native: str) -> PostLink | None:
    page = account("facebook", name)
    if not page or kind not in _FACEBOOK_PATHS:
        return None
    return _facebook(native, _FACEBOOK_PATHS[kind] % {"page": page, "id": "%s"}, page)


def _facebook(native: str, form: str, page: str = "") -> PostLink | None:
    if not _FACEBOOK_ID.fullmatch(native):
        return None
    return PostLink("facebook", native, form % native, page)


def _x_post(link: Link) -> PostLink | None:
    parts = link.parts[1:] if link.after("i").lower() == "web" else link.parts  # /i/web/status/<id>
    match parts:
        case (user, kind, native, *_) if kind.lower() in ("status", "statuses") and _NUMBER.fullmatch(native):
            name = "" if parts is not link.parts else account("x", user)
            return PostLink("x", native, f"https://x.com/i/status/{native}", name)
    return None


def _telegram_post(link: Link) -> PostLink | None:
    if link.host == "tg":
        name, number, kind = link.asked("domain"), link.asked("post"), ""
    else:
        parts = link.parts[1:] if link.first().lower() == "s" and len(link.parts) > 2 else link.parts  # noqa: PLR2004
        name, number = (parts[0], parts[-1]) if len(parts) in (2, 3) else ("", "")
        kind = parts[1] if len(parts) == 3 else ""  # noqa: PLR2004 - a topic's number, or `s`: a story
    channel = account("telegram", name)
    if not (channel and _NUMBER.fullmatch(number) and (kind in ("", "s") or _NUMBER.fullmatch(kind))):
        return None
    native = f"{channel}/s/{number}" if kind == "s" else f"{channel}/{number}"
    return PostLink("telegram", native, f"https://t.me/{native}", channel, sure=True)


def _whatsapp_post(link: Link) -> PostLink | None:
    channel = account("whatsapp", f"channel/{link.after('channel')}")
    number = link.parts[2] if len(link.parts) > 2 else ""  # noqa: PLR2004 - /channel/<id>/<post>
    if not channel or not _NUMBER.fullmatch(number):
        return None
    native = f"{channel.removeprefix('channel/')}/{number}"
    return PostLink("whatsapp", native, f"https://www.whatsapp.com/channel/{native}", channel, sure=True)


_READERS: dict[str, Callable[[Link], PostLink | None]] = {
    **dict.fromkeys(("youtube.com", "youtu.be", "music.youtube.com", "youtube-nocookie.com"), _youtube_post),
    **dict.fromkeys(SITES["instagram"].hosts, _instagram_post),
    **dict.fromkeys(("facebook.com", "fb.com"), _facebook_post),
    "fb.watch": _facebook_short,
    **dict.fromkeys(SITES["x"].hosts, _x_post),
    **dict.fromkeys(SITES["telegram"].hosts, _telegram_post),
    "whatsapp.com": _whatsapp_post,
}
_WRAPPERS = {"l.facebook.com": "u", "lm.facebook.com": "u", "l.instagram.com": "u", "l.wl.co": "u"}
"""Hosts through which apps open a link, and where in the query it stands."""
_HOSTS = {host for site in SITES.values() for host in site.hosts} | _READERS.keys() | _WRAPPERS.keys()
_WITH_SCHEME = re.compile(r"(?:https?|tg)://.*?(?=(?:https?|tg)://|$)", re.IGNORECASE)
_WITHOUT = re.compile(r"(?<![\w.@/-])(?:[a-z0-9-]+\.)+[a-z]{2,10}/.*", re.IGNORECASE | re.ASCII)
_ENDS_A_LINK = "-_/=%&+#"
"""Punctuation with which a link may end."""


def post_link(text: str) -> PostLink | None:
    """The post that a link leads to; None when it is no link of a post that we know how to read."""
    link = split(text.strip()) if len(text) <= LONGEST else None
    if link is not None and link.host in _WRAPPERS:
        link = split(link.asked(_WRAPPERS[link.host]))
    reader = _READERS.get(link.host) if link else None
    return reader(link) if link and reader else None


def posts_in(text: str) -> list[PostLink]:
    """The posts whose links stand in a text, each once, in its order; at most MOST."""
    found: dict[tuple[str, str], PostLink] = {}
    plain = "".join(c for c in text if unicodedata.category(c) != "Cf")
    for word in re.split(r"[\s<>\"]+", plain):
        for piece in _WITH_SCHEME.findall(word) or _WITHOUT.findall(word):
            one = next((post for spelling in _spellings(piece) if (post := post_link(spelling))), None)
            if one is not None and len(found) < MOST:
                found.setdefault((one.platform, one.native_id), one)
    return list(found.values())


def _spellings(piece: str) -> list[str]:
    """A link as it stands in a sentence, and what may be left of it without what follows it there."""
    ended = piece
    while ended and unicodedata.category(ended[-1])[0] == "P" and ended[-1] not in _ENDS_A_LINK:
        ended = ended[:-1]
    ascii_only = re.match(r"[!-~]*", ended, re.ASCII)
    return [ended, ascii_only[0] if ascii_only else "", ended.rstrip("_~*-.,)")]
