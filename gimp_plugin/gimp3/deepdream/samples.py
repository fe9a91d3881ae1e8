"""The looks tried on a small copy of the user's picture, while the engine has nothing better to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gi

gi.require_version("GdkPixbuf", "2.0")
from deepdream_common import parameters, words  # noqa: E402 - versions first
from gi.repository import GdkPixbuf, GLib  # noqa: E402 - versions first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deepdream_common.live import Live
    from deepdream_common.look import Look
    from thumbnail import Thumbnail


class Samples:
    """The requests to the engine, and what became of them."""

    def __init__(self, live: Live, small: Callable[[], Thumbnail]) -> None:
        self._live, self._small = live, small
        self._copy: Thumbnail | None = None
        self._asked: dict[int, str] = {}
        self._settled: set[str] = set()

    @property
    def before(self) -> GdkPixbuf.Pixbuf:
        """The copy itself."""
        return self._pixbuf(self._thumbnail().frame.pixels)

    def has(self, key: str) -> bool:
        """Return whether a look has been tried."""
        return key in self._settled

    def ask(self, looks: Iterable[Look], device: str) -> None:
        """Ask for all that have not been tried and are not being tried, in this order."""
        waiting = set(self._asked.values()) | self._settled
        for look in looks:
            if look.key in waiting:
                continue
            values = {**look.values, "preset": look.preset, "device": device}
            try:
                options = words.engine_options(values)
            except parameters.SettingError:  # for another model; the look itself says so
                self._settled.add(look.key)
                continue
            number = self._live.ask(options, self._thumbnail().frame, background=True)
            self._asked[number] = look.key

    def handle(self, event: dict[str, Any]) -> tuple[bool, str, GdkPixbuf.Pixbuf | None]:
        """Return whether an event is about this, and perhaps the key of a look and what it made."""
        number, picture = event.get("dream"), None
        key = self._asked.get(number)
        if key is None:
            return False, "", None
        if event["event"] == "done":
            picture = self._pixbuf(event["pixels"])
        if event["event"] in ("done", "error"):
            del self._asked[number]
            if self._live.alive:  # else it is asked for again when the engine is
                self._settled.add(key)
        return True, key, picture

    def close(self) -> None:
        """Ask for nothing any more."""
        for number in self._asked:
            self._live.forget(number)
        self._asked.clear()

    def _thumbnail(self) -> Thumbnail:
        if self._copy is None:
            self._copy = self._small()
        return self._copy

    def _pixbuf(self, pixels: bytes) -> GdkPixbuf.Pixbuf:
        copy = self._thumbnail()
        width, height = copy.frame.width, copy.frame.height
        rgba = GLib.Bytes.new(copy.rgba(pixels))
        return GdkPixbuf.Pixbuf.new_from_bytes(
            rgba, GdkPixbuf.Colorspace.RGB, True, 8, width, height, width * 4
        )
