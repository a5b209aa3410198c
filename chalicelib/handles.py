"""One canonical form for each account, however it was typed: `@name`, a link with or without `www.`, `m.`, a
query."""

from __future__ import annotations

import unicodedata

from chalicelib.links import NAMES, SITES, Site, split
from chalicelib.names import JOINERS, compose, is_hidden, joins, refuse
from chalicelib.phones import clean_phone

LONGEST = 300
"""A link with its tracking parameters; the canonical form is much shorter."""
PLATFORMS = tuple(SITES)
BROKEN = frozenset(("Cc", "Cn", "Co", "Cs"))
"""Categories of what was not copied along: with it the name is another one, or none."""


def clean_handle(platform: str, typed: str) -> str:
    """The canonical form of an account on `platform` (one of PLATFORMS): two spellings of one account give
    one form.

    Raises PydanticCustomError for a link to another site, to a post or a group, and for what cannot be a name
    there.
    """
    site = SITES[platform]
    text = compose(_seen(typed))
    if len(text) > LONGEST:
        raise _not_a_handle(platform)
    bare = _seen(_bare(site, text))
    name = site.canonical(bare) if bare else ""
    if platform == "whatsapp" and name and not name.startswith("channel/"):
        name = clean_phone(name)
    hidden = any(is_hidden(c) and c not in JOINERS for c in name)
    if hidden or name in site.reserved or not site.names.fullmatch(name):
        raise _not_a_handle(platform)
    return name


def is_id(account: str) -> bool:
    """Whether it is a platform's own id: a number, or a channel of YouTube (`UC…`)."""
    return account.isdigit() or (account.startswith("UC") and len(account) == 24)  # noqa: PLR2004


def _seen(typed: str) -> str:
    """Without the marks that nobody sees and that come along when a name is copied: two names that look the
    same are one. Joiners stay where they join."""
    return "".join(
        c
        for i, c in enumerate(typed)
        if (joins(typed, i) if c in JOINERS else not is_hidden(c) or unicodedata.category(c) in BROKEN)
    )


def _bare(site: Site, text: str) -> str:
    """The name inside a link, or what was typed without `@`; nothing for a link to something else."""
    link = split(text)
    if link is None:
        return text.lstrip("@ ")
    if link.host not in site.hosts:
        raise refuse("handle_other_site", "This link leads to another site. Please check the platform.")
    return "" if link.first().lower() in site.reserved else site.of_link(link).strip().removeprefix("@")


def _not_a_handle(platform: str) -> Exception:
    return refuse(
        "handle_invalid",
        "This is not an account on %(platform)s. Please give its name or its link.",
        platform=NAMES[platform],
    )
