"""Copies of a subject, or of parts of it, for the preview: 8 bit, sRGB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pixbufs
import within
from deepdream_common import region, words
from pixels import Frame, Rectangle, masked, unmasked

if TYPE_CHECKING:
    from subject import Subject

LONGEST = 448
"""Pixels of the longer side of a preview: takes seconds on two cores, and resembles the full result."""


class Copy:
    """Pixels that are seen, and how much of a dream is seen of each of them.

    frame: the pixels; cut: a byte for each, how much it is selected; None if all are.
    """

    def __init__(self, frame: Frame, cut: bytes | None) -> None:
        self.frame, self._cut = frame, cut

    def crop(self, where: Rectangle) -> Copy:
        """Return a part of it."""
        frame = self.frame
        pixels = _cropped(frame.pixels, frame.width, where, frame.channels)
        cut = None if self._cut is None else _cropped(self._cut, frame.width, where, 1)
        return Copy(frame._replace(height=where.height, width=where.width, pixels=pixels), cut)

    def within_selection(self, dreamed: bytes) -> bytes:
        """Return the dreamed pixels where they are selected, and the copy's own elsewhere."""
        own, grey = self.frame.pixels, self.frame.channels == 2
        dreamed = unmasked(self.frame, dreamed)
        if self._cut is None:
            return dreamed
        size = (self.frame.width, self.frame.height)
        mixed = pixbufs.mixed(self.rgba(own), self.rgba(dreamed), self._cut, *size)
        if grey:
            values = bytearray(own)
            values[0::2] = mixed[0::4]
            return bytes(values)
        return mixed

    def rgba(self, pixels: bytes) -> bytes:
        """Return the pixels of such a frame as red, green, blue, alpha."""
        if self.frame.channels == 4:
            return pixels
        colour = bytearray(2 * len(pixels))
        for channel in range(3):
            colour[channel::4] = pixels[0::2]
        colour[3::4] = pixels[1::2]
        return bytes(colour)


class Thumbnail(Copy):
    """A small copy of a part of a subject; as large as the part itself, if it may be so large."""

    def __init__(self, subject: Subject, where: Rectangle, longest: int = LONGEST) -> None:
        """Reduce a part of the subject; longest: pixels of its longer side, at most."""
        self._subject, self._where = subject, _crop(where, longest)
        where = self._where
        self._scale = min(1.0, max(longest / max(where[2:]), region.SMALLEST / min(where[2:])))
        width, height = (max(round(side * self._scale), region.SMALLEST) for side in where[2:])
        channels, form = (2, "Y'A u8") if subject.grey else (4, "R'G'B'A u8")
        raw = subject.small(where, self._scale, width, height, form)
        self.frame = Frame("|u1", height, width, channels, raw)
        self.full_size = where[2:]
        super().__init__(self.frame, self._shares(within.SELECTION))
        self._fitted: dict[str, tuple[Frame | None, Rectangle]] = {}

    def _shares(self, fitted: str) -> bytes | None:
        size = (self.frame.width, self.frame.height)
        return within.shares(self._subject, fitted, self._where, self._scale, size)

    @property
    def reduction(self) -> float:
        """How many times smaller its sides are."""
        return self.full_size[0] / self.frame.width

    def sent(self, values: dict[str, Any]) -> tuple[list[str], Frame]:
        """Return the engine's options for these values, and the frame to send with them.

        Raises SettingError if all layers are 0.
        """
        fitted = within.fitted_to(self._subject, values)
        if fitted not in self._fitted:
            self._fitted[fitted] = self._masked(fitted), within.bounds(self._subject, fitted)
        frame, part = self._fitted[fitted]
        if frame is None:
            return words.engine_options(values), self.frame
        values = words.masked(values, part.width, part.height, scale=1 / self.reduction)
        return words.engine_options(values) + words.MASK, frame

    def _masked(self, fitted: str) -> Frame | None:
        """Return the frame with what the forms fit as its alpha; None where they fit nothing."""
        shares = self._shares(fitted)
        return None if shares is None else masked(self.frame, shares)


def _cropped(values: bytes, width: int, where: Rectangle, size: int) -> bytes:
    """Return a part of pixels in rows; width: how many a row has; size: bytes of a pixel."""
    starts = range(where.y * width + where.x, (where.y + where.height) * width, width)
    return b"".join(values[start * size : (start + where.width) * size] for start in starts)


def _crop(where: Rectangle, longest: int) -> Rectangle:
    """Return the middle of a strip that would become too narrow when reduced."""
    limit = round(min(where[2:]) * max(longest, region.SMALLEST) / region.SMALLEST)
    width, height = min(where.width, limit), min(where.height, limit)
    return Rectangle(
        where.x + (where.width - width) // 2, where.y + (where.height - height) // 2, width, height
    )
