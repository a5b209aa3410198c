"""Pictures of voices: posted to the bucket by a page, or fetched from the platform; kept only when clean."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from chalicelib.errors import InvalidInput, JanJanError, PlatformOff
from chalicelib.files import Files
from chalicelib.pictures import LARGEST, NoPicture, clean
from chalicelib.platforms.base import Cameras, Line, MediaGone, SendRefused
from chalicelib.telemetry import count, logger
from chalicelib.uploads import FOLDER, Upload, Uploads
from chalicelib.voices.model import MOST_PICTURES, OPEN, Attachment, Forgotten, Refused, Voice
from chalicelib.voices.service import Voices

KEPT = "voices/"
BEHIND = timedelta(milliseconds=1)
"""A picture stands behind the words that it came with."""


class Regrets(Protocol):
    """Tells whoever sent a picture that it was not taken."""

    def picture_lost(self, wanted: Mapping[str, Any], ticket: str, why: JanJanError) -> None:
        """Once for the message that it came with. Raises Transient to be asked again."""
        ...


@dataclass(frozen=True)
class Gallery:
    voices: Voices
    files: Files
    uploads: Uploads
    cameras: Cameras
    regrets: Regrets

    def place(self, voice: Voice, then: str = "") -> Upload:
        """A place for one picture of a voice's sender, for a quarter of an hour; the browser goes on to
        `then`. Raises Refused for a closed voice or one with pictures enough, TooManyRequests."""
        self._room(voice)
        return self.uploads.place(voice.id, "image/jpeg", then)

    def keep(self, voice: Voice, key: str) -> Attachment:
        """Takes what was posted to such a place; the same again gives the same. Raises InvalidInput on
        `picture`, Refused."""
        self._room(voice)
        part = self.files.part(key, 0, LARGEST + 1) if key.startswith(f"{FOLDER}{voice.id}/") else None
        if part is None:
            raise InvalidInput.of(
                "picture", "upload_missing", "There is no such file of yours. Please upload it again."
            )
        return self._kept(voice.id, part.body, key)

    def fetch(self, wanted: Mapping[str, Any]) -> None:
        """Brings a picture of a message to its voice (service queue, `voice_picture`). Who sent one that is
        gone, too large, no picture or too much is told so; who has been forgotten meanwhile is not. May be
        repeated. Raises Transient, OutcomeUnknown: to be asked again."""
        voice_id, platform, *to = str(wanted["voice"]), *map(str, wanted["line"])
        try:
            content = self.cameras.fetch(
                Line(platform, tuple(to)), str(wanted["channel"]), str(wanted["media"]), LARGEST
            )
            self._added(voice_id, content, wanted)
        except Forgotten:
            count("VoicePicturesForgotten")
        except (MediaGone, NoPicture, SendRefused, PlatformOff, Refused) as error:
            logger.warning("picture left out", extra={"voice": voice_id, "error": error.code})
            count("VoicePicturesLost")
            voice = self.voices.find(voice_id)
            if voice is not None and wanted.get("to"):
                self.regrets.picture_lost(wanted, voice.ticket, error)
        else:
            count("VoicePictures")

    def _added(self, voice_id: str, content: bytes, wanted: Mapping[str, Any]) -> None:
        """What a voice does not take is not left behind in the bucket."""
        picture = self._kept(voice_id, content, str(wanted["evidence"]))
        at, evidence = datetime.fromisoformat(str(wanted["at"])), f"{wanted['evidence']} picture"
        at += BEHIND
        try:
            self.voices.add_words(voice_id, "", [picture], at, evidence, owned=True)
        except Refused:
            self.files.delete(picture.key)
            raise

    def _room(self, voice: Voice) -> None:
        if voice.status not in OPEN:
            raise Refused("This voice is closed.")
        if voice.pictures >= MOST_PICTURES:
            raise Refused("There are as many pictures here as there may be.")

    def _kept(self, voice_id: str, content: bytes, evidence: str) -> Attachment:
        picture = clean(content)
        name = hashlib.sha256(evidence.encode()).hexdigest()[:20]
        key = f"{KEPT}{voice_id}/{name}.{picture.ending}"
        self.files.put(key, picture.content, picture.content_type)
        return Attachment(key=key, content_type=picture.content_type, bytes=len(picture.content))
