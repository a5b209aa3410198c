"""Pictures, short videos and PDFs of a campaign: known by their bytes, named by their hash. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from chalicelib import films, pictures
from chalicelib.errors import FieldError, InvalidInput
from chalicelib.ports import CampaignMedium
from chalicelib.shapes import Strict

FOLDER = "media/"
MEGABYTE = 1024 * 1024
MOST = 10
"""Of one campaign."""
TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
}
LARGEST = {"mp4": 16 * MEGABYTE, "pdf": 10 * MEGABYTE}
"""Bytes, by ending; 16 MB is what WhatsApp takes of a video. All others are pictures."""
LARGEST_OF_ALL = max(LARGEST.values())
FILE = rf"[0-9a-f]{{64}}\.(?:{'|'.join(TYPES)})"
LONGEST_KEY = 200
PDF_ENDS_WITHIN = 1024
SHOWN_OF_A_HASH = 16
"""Letters (64 bits): nobody makes another file that looks the same where somebody decides on it."""
Platform = Literal["facebook", "instagram", "x", "youtube", "whatsapp", "telegram"]


def _by_language(given: Any) -> Any:  # noqa: ANN401 - raw input
    return ({"*": given} if given.strip() else {}) if isinstance(given, str) else given


Alt = Annotated[
    dict[Annotated[str, Field(pattern=r"^(\*|[a-z]{2,3})$")], Annotated[str, Field(max_length=300)]],
    BeforeValidator(_by_language),
]


class Medium(Strict):
    """One file of a campaign. Who adds it names their `upload`; it is kept as a `file` of the campaign."""

    file: Annotated[str, Field(pattern=rf"^(?:{FILE})?$", max_length=80)] = ""
    """The SHA-256 of its bytes, with an ending that says what they are."""
    upload: Annotated[str, Field(max_length=LONGEST_KEY)] = ""
    bytes: Annotated[int, Field(ge=0, le=LARGEST_OF_ALL)] = 0
    """Ours to say."""
    alt: Alt = {}
    """What is to be seen, for who cannot see it; of a film what is said too, and whether it has captions: by
    language or (`*`) for all."""
    platforms: Annotated[tuple[Platform, ...], Field(max_length=10)] = ()
    """For which it is meant; for all without."""

    @property
    def name(self) -> str:
        """What names it in a form: its file, else its upload."""
        return self.file or self.upload

    @property
    def content_type(self) -> str:
        return TYPES.get(self.name.rpartition(".")[2], "")

    @property
    def is_picture(self) -> bool:
        return self.content_type.startswith("image/")

    @property
    def is_film(self) -> bool:
        return self.content_type.startswith("video/")

    def said(self, languages: Iterable[str]) -> str:
        """Its words in the first of these languages that has some, else in any."""
        found = next((self.alt[one] for one in (*languages, "*") if self.alt.get(one)), "")
        return found or next((one for one in self.alt.values() if one), "")

    def shown(self, languages: Iterable[str], link: str, download: str) -> CampaignMedium:
        """As a page shows it."""
        return CampaignMedium(
            name=self.name,
            content_type=self.content_type,
            bytes=self.bytes,
            alt=self.said(languages),
            platforms=self.platforms,
            link=link,
            download=download,
        )


Media = Annotated[
    tuple[Medium, ...],
    BeforeValidator(lambda given: () if given is None else given),
    Field(max_length=MOST),
]


@dataclass(frozen=True)
class Known:
    """What a file is, by its bytes; `content` is what is kept of it."""

    content: bytes
    ending: str

    @property
    def file(self) -> str:
        return f"{hashlib.sha256(self.content).hexdigest()}.{self.ending}"

    @property
    def content_type(self) -> str:
        return TYPES[self.ending]


def known(content: bytes, field: str) -> Known:
    """What it is, without place and time of pictures and films. Raises InvalidInput on `field` for what is
    none of them or too large."""
    if len(content) > LARGEST_OF_ALL:
        raise InvalidInput.of(field, "media_too_large", TOO_LARGE, most=LARGEST_OF_ALL // MEGABYTE)
    try:
        if content.startswith(b"%PDF-") and b"%%EOF" in content[-PDF_ENDS_WITHIN:]:
            found = Known(content, "pdf")
        elif content[4:8] == b"ftyp":
            found = Known(films.clean(content), "mp4")
        else:
            picture = pictures.clean(content)
            found = Known(picture.content, picture.ending)
    except (films.NoFilm, pictures.NoPicture):
        raise InvalidInput.of(field, "media_type", NONE_OF_THEM, most=pictures.LARGEST // MEGABYTE) from None
    if len(content) > LARGEST.get(found.ending, pictures.LARGEST):
        most = LARGEST.get(found.ending, pictures.LARGEST) // MEGABYTE
        raise InvalidInput.of(field, "media_too_large", TOO_LARGE, most=most)
    return found


NONE_OF_THEM = (
    "This is none of the files that can be handed on: a picture (JPEG, PNG or WebP, at most %(most)s MB), a "
    "video (MP4) or a PDF."
)
TOO_LARGE = "This file is larger than %(most)s MB."
NO_ALT = "Please say what is to be seen in the picture, for people who cannot see it."
NO_WORDS = (
    "Please say what is shown and said in the film, and whether it has captions, for people who cannot see "
    "or hear it."
)


def media_faults(media: Iterable[Medium]) -> list[FieldError]:
    """Pictures and films that nobody has described."""
    return [
        FieldError(f"media.{n}.alt", "alt_missing", NO_ALT if one.is_picture else NO_WORDS)
        for n, one in enumerate(media)
        if (one.is_picture or one.is_film) and not one.said(())
    ]


def told(media: Iterable[Medium], platforms: Mapping[str, str]) -> str:
    """Each of them on a line, as somebody decides on it."""
    return "\n".join(
        " · ".join(
            part
            for part in (
                f"{one.name.rpartition('.')[2].upper()} {one.file[:SHOWN_OF_A_HASH]}",
                *(f"{text} ({language})" if language != "*" else text for language, text in one.alt.items()),
                ", ".join(platforms.get(name, name) for name in one.platforms),
            )
            if part.strip()
        )
        for one in media
    )
