"""Voices lie by the path of their district: when areas move, they follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from chalicelib.ports import Area, Areas
from chalicelib.voices.changes import ChangedMeanwhile, Changes
from chalicelib.voices.model import Shelf
from chalicelib.voices.store import VoiceStore, ground_prefix

MOST = 500
"""Voices that one call files anew: each is a transaction."""


@dataclass(frozen=True)
class VoicesRefiled:
    """Implements ports.Refiling. What they are routed to and due by stays as it was."""

    store: VoiceStore
    changes: Changes
    areas: Areas

    def refile(self, before: Sequence[str], district: Area) -> bool:
        prefix = ground_prefix(before)
        found = [voice for shelf in get_args(Shelf) for voice, _ in self.store.on_ground(shelf, prefix, None)]
        there = self.areas.many({voice.area for voice in found}, fresh=True)
        moved = 0
        for listed in found:
            area = there.get(listed.area)
            if area is not None and area.path != listed.path and moved < MOST:
                moved += self._moved(listed.id, area)
        return moved > 0

    def _moved(self, voice_id: str, area: Area) -> bool:
        """Files a voice where its area lies; False when it lies there already, or elsewhere by now."""
        voice = self.store.find(voice_id)
        if voice is None or voice.area != area.id or voice.path == area.path:
            return False
        try:
            self.changes.quietly(voice, voice.placed(area.id, area.path))
        except ChangedMeanwhile:  # the next call sees to it
            return True
        return True
