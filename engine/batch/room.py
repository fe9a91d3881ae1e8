"""Disks that take nothing more: what would go there is left out, and told in one line at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine import atomic, paths
from engine.batch.events import Failed, Job
from engine.batch.jobs import no_room

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.batch.events import Event, Item


class Room:
    """What is known of the disks that results go to."""

    def __init__(self) -> None:
        self._full: dict[int | None, int] = {}
        """The disks that take nothing more, and which error says so."""

        self._left_out = 0

    def see(self, event: Event) -> None:
        """Note what becomes of a picture."""
        if isinstance(event, Failed) and isinstance(event.target, Path):
            full = atomic.fullness(event.error)
            if full is not None:
                self._full[paths.disk(event.target.parent)] = full

    def leaves_out(self, item: Item) -> bool:
        """Tell whether a picture's result could not be written, or its folder not made, and count it then."""
        if not self._full or not isinstance(item, Job | Failed) or not isinstance(item.target, Path):
            return False
        refused = isinstance(item, Job) or atomic.is_full(item.error)
        left_out = refused and paths.disk(item.target.parent) in self._full
        self._left_out += left_out
        return left_out

    def last_word(self) -> Iterator[Failed]:
        """Yield how many pictures were left out, if any were."""
        if self._left_out:
            were = "picture was" if self._left_out == 1 else "pictures were"
            yield Failed("", no_room(f"{self._left_out} more {were} left out", self._full.values()))
