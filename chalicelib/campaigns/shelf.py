"""Where the media of campaigns lie: `media/<campaign>/<hash of the bytes>`, written once and never changed.

What somebody brings is theirs alone until a draft names it: an upload of their own, gone after a day.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from chalicelib.campaigns.media import FILE, FOLDER, LARGEST_OF_ALL, TYPES, Medium, known
from chalicelib.errors import FieldError, InvalidInput
from chalicelib.files import Files
from chalicelib.ports import CampaignMedium
from chalicelib.uploads import Uploads

SHOWN_S = 900
MISSING = "There is no such file of yours. Please upload it again."


@dataclass(frozen=True)
class Shelf:
    files: Files
    uploads: Uploads

    def take_in(self, owner: str, content: bytes, field: str) -> str:
        """Puts a file that is at hand among this person's uploads; its key there. Raises InvalidInput on
        `field`, TooManyRequests."""
        if not content:
            raise InvalidInput.of(field, "file_missing", "Please choose a file.")
        found = known(content, field)
        return self.uploads.put(owner, found.file, found.content, found.content_type)

    def settled(
        self, owner: str, campaign_id: str, media: Sequence[Medium], before: Collection[Medium]
    ) -> tuple[Medium, ...]:
        """The same with every upload kept as a file of the campaign, each file once. Raises InvalidInput for
        what is no upload of this person's, and no file of the campaign."""
        sizes = {one.file: one.bytes for one in before}
        made: dict[str, Medium] = {}
        for n, one in enumerate(media):
            if one.upload:
                kept = self._kept(owner, campaign_id, one, f"media.{n}")
            else:
                size = sizes.get(one.file) or self._size(campaign_id, one.file, f"media.{n}")
                kept = one.model_copy(update={"bytes": size})
            made.setdefault(kept.file, kept)
        return tuple(made.values())

    def _size(self, campaign_id: str, file: str, field: str) -> int:
        part = self.files.part(key_of(campaign_id, file), 0, 1) if file else None
        if part is None:
            raise InvalidInput([FieldError(field, "upload_missing", MISSING)])
        return part.size

    def _kept(self, owner: str, campaign_id: str, one: Medium, field: str) -> Medium:
        content = self.uploads.content(owner, one.upload, LARGEST_OF_ALL)
        if content is None:
            raise InvalidInput([FieldError(field, "upload_missing", MISSING)])
        found = known(content, field)
        self.files.put(key_of(campaign_id, found.file), found.content, found.content_type)
        return one.model_copy(update={"file": found.file, "upload": "", "bytes": len(found.content)})

    def link(self, campaign_id: str, file: str) -> str:
        """Where anybody who has it may read a file of a campaign, for a quarter of an hour."""
        return self.files.link(key_of(campaign_id, file), SHOWN_S) if self.files.bucket else ""

    def shown(
        self, owner: str, campaign_id: str, media: Iterable[Medium], languages: Sequence[str]
    ) -> tuple[CampaignMedium, ...]:
        """As pages show them: with links that hold for a quarter of an hour. Uploads only to whose they
        are (`owner`)."""
        return tuple(self._shown(owner, campaign_id, one, languages) for one in media)

    def _shown(self, owner: str, campaign_id: str, one: Medium, languages: Sequence[str]) -> CampaignMedium:
        ending = one.name.rpartition(".")[2]
        if campaign_id and re.fullmatch(FILE, one.file):
            key = key_of(campaign_id, one.file)
        elif owner and ending in TYPES and self.uploads.is_of(owner, one.upload):
            key = one.upload
        else:
            return one.shown(languages, "", "")
        save_as = f"{re.sub('[^a-z0-9_-]', '', campaign_id)}-{key.rpartition('/')[2][:8]}.{ending}"
        return one.shown(languages, self.files.link(key, SHOWN_S), self.files.link(key, SHOWN_S, save_as))


def key_of(campaign_id: str, file: str) -> str:
    return f"{FOLDER}{campaign_id}/{file}"
