"""Identifiers: random, short, safe in URLs, in file names and inside a delivery key (no dot)."""

from __future__ import annotations

import base64
import hashlib
import secrets


def new_id(prefix: str) -> str:
    """`<prefix>_` and 16 letters and digits (80 random bits)."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(10)).decode('ascii').lower()}"


def id_from(prefix: str, *facts: str) -> str:
    """An id that the same facts always give, and that looks like any other."""
    digest = hashlib.sha256("\n".join(facts).encode()).digest()
    return f"{prefix}_{base64.b32encode(digest[:10]).decode('ascii').lower()}"


def new_token() -> str:
    """A secret of 32 URL-safe characters (192 random bits), such as a deep link carries."""
    return secrets.token_urlsafe(24)
