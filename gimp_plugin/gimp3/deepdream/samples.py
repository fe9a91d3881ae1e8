"""The looks tried on a small copy of the user's picture, while the engine has nothing better to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepdream_common import parameters, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deepdream_common.live import Live
    from deepdream_common.look import Look
    from pixels import Rectangle
    from thumbnail import Thumbnail

LONGEST = 176
"""Pixels of the longer side of what the looks are tried on: nearly sharp on a fine screen."""

MARGIN = 40
"""The margin, at most: a little less is dreamed at the copy's edge, in half of the time."""

MORE = 1.7
"""Factor of the steps where a smallest size leaves such a copy a single octave, in which as much must be
dreamed as in the several octaves of a larger picture."""

SHAPE = 4 / 3
"""Width of what is seen of the copy relative to its height."""


def part(where: Rectangle) -> Rectangle:
    """Return the middle of what will be dreamed on, as much of it as is seen."""
    width = min(where.width, round(where.height * SHAPE))
    height = min(where.height, round(where.width / SHAPE))
    left, top = where.x + (where.width - width) // 2, where.y + (where.height - height) // 2
    return where._replace(x=left, y=top, width=width, height=height)


def _small(values: dict[str, Any]) -> dict[str, Any]:
    """Return values for the copy that make of it what a look's own make of the picture."""
    steps = round(values["iterations"] * (MORE if values["min-size"] else 1))
    return {**values, "margin": min(values["margin"], MARGIN), "iterations": steps}


class Samples:
    """The requests to the engine, and what became of them.

    small: makes the copy, of `part` and not longer than LONGEST.
    """

    def __init__(self, live: Live, small: Callable[[], Thumbnail]) -> None:
        self._live, self._small = live, small
        self._copy: Thumbnail | None = None
        self._asked: dict[int, str] = {}
        self._settled: set[str] = set()

    @property
    def copy(self) -> Thumbnail:
        """The copy, which is made when it is needed."""
        if self._copy is None:
            self._copy = self._small()
        return self._copy

    def has(self, key: str) -> bool:
        """Return whether a look has been tried."""
        return key in self._settled

    def ask(self, looks: Iterable[Look], device: str) -> None:
        """Ask for all that have not been tried and are not being tried, in this order."""
        waiting = set(self._asked.values()) | self._settled
        for look in looks:
            if look.key in waiting:
                continue
            try:
                values = {**_small(look.values), "preset": look.preset, "device": device}
                options = words.engine_options({**values, parameters.MODEL.name: look.needs})
            except parameters.SettingError:  # for another model; the look itself says so
                self._settled.add(look.key)
                continue
            number = self._live.ask(options, self.copy.frame, background=True)
            self._asked[number] = look.key

    def handle(self, event: dict[str, Any]) -> tuple[bool, str, bytes]:
        """Return whether an event is about this, the key of a look, and the pixels if it has made any."""
        number, pixels = event.get("dream"), b""
        key = self._asked.get(number)
        if key is None:
            return False, "", b""
        if event["event"] == "done":
            pixels = event["pixels"]
        if event["event"] in ("done", "error"):
            del self._asked[number]
            if self._live.alive:  # else it is asked for again when the engine is
                self._settled.add(key)
        return True, key, pixels

    def close(self) -> None:
        """Ask for nothing any more."""
        for number in self._asked:
            self._live.forget(number)
        self._asked.clear()
