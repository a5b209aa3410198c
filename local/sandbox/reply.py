"""What a platform is asked, and what it answers."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Json = dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """One request to a platform's API."""

    method: str
    path: list[str]
    """Parts of the path behind the platform's name, decoded."""
    query: dict[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: object
    """Parsed JSON, the fields of a form, or text; None without a body."""

    @property
    def token(self) -> str:
        """What the Authorization header holds."""
        return self.headers.get("authorization", "")

    @property
    def fields(self) -> Json:
        """The fields of the body, and of the query where the body has none of that name."""
        return {**self.query, **(self.body if isinstance(self.body, dict) else {})}


@dataclass(frozen=True)
class Reply:
    """Status and JSON body; `cut` closes the connection without a byte of it."""

    status: int
    body: Any
    """JSON, the bytes of a file, or a page of HTML as text."""
    cut: bool = False


@dataclass(frozen=True)
class Act:
    """Something that a person does on a platform, asked for by `POST /inbound`."""

    sender: str
    text: str
    name: str
    more: Json = field(default_factory=dict)
    """Fields that only this kind on this platform knows."""


class SandboxPlatform(Protocol):
    """One platform on a world: a file of its own, and a line in `Sandbox`."""

    NAME: str
    extras: frozenset[str]
    """Fields of `more` that its acts know."""
    acts: Mapping[str, Callable[[Act], str]]
    """By kind, what people can do; each gives the id of what it caused, and raises ValueError for what cannot
    be."""

    def handle(self, asked: Ask) -> Reply:
        """Answers the platform's own API."""
        ...


PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"RIFF": "image/webp"}
"""What a file begins with, and what a phone calls it."""


def picture_of(act: Act) -> tuple[str, bytes]:
    """Type and bytes of the picture that a person sends; ValueError when there is none."""
    try:
        content = base64.b64decode(str(act.more.get("picture", "")), validate=True)
    except binascii.Error as error:
        raise ValueError("picture must be base64") from error
    kind = next((name for begins, name in PICTURES.items() if content.startswith(begins)), "")
    if not kind:
        raise ValueError("picture must be a JPEG, PNG or WebP in base64")
    return kind, content
