"""Email addresses: what may be one."""

from __future__ import annotations

import re

from chalicelib.names import refuse

LONGEST_EMAIL = 254
"""RFC 5321, 4.5.3.1.3."""
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
"""RFC 5322, 3.2.3, plain. `x<me@y.org>` would reach me@y.org under another name, past its STOP and its
limits; and Amazon SES takes 7-bit ASCII only before the @ (its API_Destination)."""
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")


def clean_email(text: str) -> str:
    """One bare address: an @ and a domain; the domain in lower case. Whether it exists, only a message
    shows."""
    user, _, domain = text.rpartition("@")
    if not (_LOCAL.fullmatch(user) and "." in domain and all(map(_LABEL.fullmatch, domain.split(".")))):
        raise refuse("email_invalid", "This is not an email address.")
    return f"{user}@{domain.lower()}"
