"""Pictures, videos and PDFs that people hand in: posted straight to the bucket, looked at before they are
believed.

Whoever asks gets a place of their own under `uploads/<their id>/`, which holds one file for a day. What is
to be kept is copied from there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from chalicelib import ids
from chalicelib.clock import Clock
from chalicelib.errors import InvalidInput
from chalicelib.files import Files
from chalicelib.ops import RateLimits
from chalicelib.shapes import Strict, View

FOLDER = "uploads/"
LARGEST = 5 * 1024 * 1024
"""Bytes: a screenshot of the largest phones is about 3 MB."""
OF_A_FORM = 4
"""Times as much a browser's form may post: what is too large comes back to us so, and is refused in words;
what is larger even than that ends on a page of the store's own."""
HOLDS_S = 900
UPLOADS_AN_HOUR = 60
PictureType = Literal["image/png", "image/jpeg", "image/webp"]
FileType = PictureType | Literal["video/mp4", "application/pdf"]
_ENDINGS: dict[str, str] = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_ENDINGS |= {"video/mp4": "mp4", "application/pdf": "pdf"}
_LARGEST = {"video/mp4": 16 * 1024 * 1024, "application/pdf": 10 * 1024 * 1024}
"""Bytes of what is no picture."""
_BEGINNINGS = {
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "jpg": re.compile(rb"\xff\xd8\xff"),
    "webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
LOOKED_AT = 12
"""Bytes by which a picture is known, whatever it calls itself."""


class UploadRequest(Strict):
    content_type: PictureType


class StaffUploadRequest(Strict):
    content_type: FileType
    """Videos and PDFs for the media of a campaign."""


class Form(View):
    """Post a form with these fields, and the file as the last one, to this address."""

    url: str
    fields: dict[str, str]


class Upload(View):
    """`key` names the file where it is used."""

    key: str
    upload: Form
    largest: int = LARGEST
    """Bytes."""
    expires_at: datetime


@dataclass(frozen=True)
class Uploads:
    files: Files
    limits: RateLimits
    clock: Clock

    def place(self, owner: str, content_type: FileType, then: str = "") -> Upload:
        """A place for one picture, video or PDF of this person's; a browser that posts it is sent on to
        `then`, and brings what is up to OF_A_FORM times too large, to be told so: who takes it looks at its
        size. Raises TooManyRequests."""
        self.limits.spend(f"upload#{owner}", UPLOADS_AN_HOUR, 3600)
        key = f"{FOLDER}{owner}/{ids.new_id('upl')}.{_ENDINGS[content_type]}"
        largest = _LARGEST.get(content_type, LARGEST)
        taken = largest * OF_A_FORM if then else largest
        url, fields = self.files.post_to(key, content_type, taken, HOLDS_S, then)
        until = self.clock.now() + timedelta(seconds=HOLDS_S)
        return Upload(key=key, upload=Form(url=url, fields=fields), largest=largest, expires_at=until)

    def put(self, owner: str, name: str, content: bytes, content_type: str) -> str:
        """Puts a file that is at hand in this person's place, under a name of ours; its key. Raises
        TooManyRequests."""
        self.limits.spend(f"upload#{owner}", UPLOADS_AN_HOUR, 3600)
        key = f"{FOLDER}{owner}/{name}"
        self.files.put(key, content, content_type)
        return key

    def is_of(self, owner: str, key: str) -> bool:
        """Whether this is the name of an upload of this person's."""
        return (
            re.fullmatch(rf"{FOLDER}{re.escape(owner)}/[a-z0-9_]{{1,80}}\.[a-z0-9]{{3,4}}", key) is not None
        )

    def content(self, owner: str, key: str, largest: int) -> bytes | None:
        """What this person has uploaded there, up to one byte more than `largest`; None when there is
        nothing of theirs (any more)."""
        found = self.files.part(key, 0, largest + 1) if self.is_of(owner, key) else None
        return found.body if found else None

    def keep(self, owner: str, key: str, folder: str, field: str) -> str:
        """Copies a picture that this person has posted into `folder`, and gives its key there; the same again
        gives the same. Raises InvalidInput on `field`."""
        found = re.fullmatch(rf"{FOLDER}{re.escape(owner)}/(upl_[a-z2-7]+\.(png|jpg|webp))", key)
        begins = self.files.beginning(key, LOOKED_AT) if found else None
        if found is None or begins is None:
            raise InvalidInput.of(
                field, "upload_missing", "There is no such file of yours. Please upload it again."
            )
        beginning, size = begins
        if size > LARGEST or not _BEGINNINGS[found[2]].match(beginning):
            raise InvalidInput.of(
                field,
                "upload_no_picture",
                "Please upload a picture: PNG, JPEG or WebP, at most %(most)s MB.",
                most=LARGEST // 1024 // 1024,
            )
        kept = f"{folder}{found[1]}"
        self.files.copy(key, kept)
        return kept
