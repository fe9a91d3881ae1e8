"""A small copy of a part of a layer, for the preview."""

from __future__ import annotations

from typing import Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from deepdream_common import mask, parameters, region, words  # noqa: E402 - versions first
from gi.repository import Gegl, Gimp  # noqa: E402 - versions first
from pixels import Frame, Rectangle  # noqa: E402 - versions first

LONGEST = 448
"""Pixels of the longer side of a preview: takes seconds on two cores, and resembles the full result."""


class Thumbnail:
    """A small copy of a part of a layer, for the preview: 8 bit, sRGB."""

    def __init__(
        self, image: Gimp.Image, layer: Gimp.Layer, where: Rectangle, longest: int = LONGEST
    ) -> None:
        """Read it; longest: pixels of its longer side, at most."""
        where = _crop(where, longest)
        scale = min(1.0, max(longest / max(where[2:]), region.SMALLEST / min(where[2:])))
        width, height = (max(round(side * scale), region.SMALLEST) for side in where[2:])
        channels = 2 if layer.is_gray() else 4
        name = "Y'A u8" if layer.is_gray() else "R'G'B'A u8"
        self.frame = Frame("|u1", height, width, channels, _small(layer, where, scale, width, height, name))
        self.full_size = where[2:]
        self._selected = layer.mask_intersect()[3:]
        self._mask = None
        if not Gimp.Selection.is_empty(image):
            _, left, top = layer.get_offsets()
            on_canvas = where._replace(x=where.x + left, y=where.y + top)
            self._mask = _small(image.get_selection(), on_canvas, scale, width, height, "Y u8")

    @property
    def reduction(self) -> float:
        """How many times smaller its sides are."""
        return self.full_size[0] / self.frame.width

    def sent(self, values: dict[str, Any]) -> tuple[list[str], Frame]:
        """Return the engine's options for these values, and the frame to send with them.

        Raises SettingError if all layers are 0.
        """
        if self._mask is None or not values[parameters.FIT.name]:
            return words.engine_options(values), self.frame
        values = words.masked(values, *self._selected, scale=1 / self.reduction)
        channels, raw = mask.put_on(self.frame.kind, self.frame.channels, self.frame.pixels, self._mask)
        return words.engine_options(values) + words.MASK, self.frame._replace(channels=channels, pixels=raw)

    def within_selection(self, dreamed: bytes) -> bytes:
        """Return the dreamed pixels where they are selected, and the copy's own elsewhere."""
        if self._mask is None:
            return dreamed
        dreamed = mask.take_off(self.frame.kind, self.frame.channels, self.frame.pixels, dreamed)
        mixed = bytearray(dreamed)
        for channel in range(self.frame.channels):
            part = slice(channel, None, self.frame.channels)
            mixed[part] = bytes(map(_mix, self.frame.pixels[part], dreamed[part], self._mask))
        return bytes(mixed)

    def rgba(self, pixels: bytes) -> bytes:
        """Return the pixels of such a frame as red, green, blue, alpha."""
        if self.frame.channels == 4:
            return pixels
        colour = bytearray(2 * len(pixels))
        for channel in range(3):
            colour[channel::4] = pixels[0::2]
        colour[3::4] = pixels[1::2]
        return bytes(colour)


def _mix(old: int, new: int, share: int) -> int:
    """Return a value between two, at a share of 255."""
    return (old * (255 - share) + new * share + 127) // 255


def _crop(where: Rectangle, longest: int) -> Rectangle:
    """Return the middle of a strip that would become too narrow when reduced."""
    limit = round(min(where[2:]) * max(longest, region.SMALLEST) / region.SMALLEST)
    width, height = min(where.width, limit), min(where.height, limit)
    return Rectangle(
        where.x + (where.width - width) // 2, where.y + (where.height - height) // 2, width, height
    )


def _small(
    drawable: Gimp.Drawable, where: Rectangle, scale: float, width: int, height: int, name: str
) -> bytes:
    at = Gegl.Rectangle.new(round(where.x * scale), round(where.y * scale), width, height)
    return drawable.get_buffer().get(at, scale, name, Gegl.AbyssPolicy.NONE)
