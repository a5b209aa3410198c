"""Email addresses: what may be one."""

from __future__ import annotations

import re

from chalicelib.names import refuse

LONGEST_EMAIL = 254
"""RFC 5321, 4.5.3.1.3."""
_SPECIALS = frozenset('()<>[]:;@\\,"')
"""RFC 5322, 3.2.3. `x<me@y.org>` would reach me@y.org under another name, past its STOP and its limits."""
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")


def clean_email(text: str) -> str:
    """One bare address: an @ and a domain; the domain in lower case. Whether it exists, only a message
    shows."""
    user, _, domain = text.rpartition("@")
    plain = user.isprintable() and " " not in user and _SPECIALS.isdisjoint(user)
    if not (user and plain and "." in domain and all(map(_LABEL.fullmatch, domain.split(".")))):
        raise refuse("email_invalid", "This is not an email address.")
    return f"{user}@{domain.lower()}"
