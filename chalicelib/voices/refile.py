"""Voices are seen by the path of their area: when areas move, they follow."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import get_args

from chalicelib.errors import Transient
from chalicelib.ports import Area, Areas
from chalicelib.refiling import misfiled
from chalicelib.voices.changes import ChangedMeanwhile, Changes
from chalicelib.voices.model import Shelf
from chalicelib.voices.store import VoiceStore, ground_prefix

MOST = 1000
"""Voices that one call files anew: each is a transaction."""


@dataclass(frozen=True)
class VoicesRefiled:
    """Implements ports.Refiling. Who changes a voice meanwhile goes first; it is looked at again."""

    store: VoiceStore
    changes: Changes
    areas: Areas

    def refile(self, before: Sequence[str], district: Area) -> bool:
        begin, moved = ground_prefix(before), 0
        listed = (one for shelf in get_args(Shelf) for one, _ in self.store.on_ground(shelf, begin, None))
        for voice_id, area in misfiled(((one.area, one.path, one.id) for one in listed), self.areas):
            moved += self._moved(voice_id, area)
            if moved == MOST:
                break
        return moved > 0

    def _moved(self, voice_id: str, area: Area) -> bool:
        """Files a voice where its area lies; False when it lies there already, or elsewhere by now."""
        voice = self.store.find(voice_id)
        if voice is None or voice.area != area.id or voice.path == area.path:
            return False
        with suppress(ChangedMeanwhile, Transient):  # the next call finds it where it was
            self.changes.quietly(voice, voice.placed(area.id, area.path))
        return True
