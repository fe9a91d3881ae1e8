"""A picture in memory: its colours at their own depth, and what its file says besides."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from engine.pictures.colour import space_of
from engine.pictures.pixels import DTYPES, ModelRows, at_depth
from engine.pictures.rows import bands

if TYPE_CHECKING:
    from engine.pictures.pixels import Values
    from engine.pictures.rows import Rows


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it is dreamed on, and what its file says besides."""

    pixels: Values = field(repr=False)
    """Colours [H, W, 3], upright: uint8 0 to 255, uint16 0 to 65535, or float32, where 1 is white; sRGB, or
    in the space of `icc`."""

    alpha: Values | None = field(default=None, repr=False)
    """Opacity [H, W], of the same type as the colours; None where the file has none."""

    icc: bytes | None = field(default=None, repr=False)
    """RGB colour profile."""

    exif: bytes | None = field(default=None, repr=False)
    """EXIF without orientation and thumbnail."""

    xmp: bytes | None = field(default=None, repr=False)
    """XMP packet; an orientation in it is reset."""

    iptc: bytes | None = field(default=None, repr=False)
    """IPTC-IIM records."""

    comment: bytes | None = field(default=None, repr=False)
    """Comment, as JPEG and GIF have one."""

    dpi: tuple[float, float] | None = None
    """Resolution, horizontal and vertical."""

    warnings: tuple[str, ...] = ()
    """What could not be kept, one sentence each."""

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def rows(self, value_range: tuple[float, float]) -> Rows:
        """Return what a network sees of the picture: sRGB, clipped, in the network's range."""
        return ModelRows(self.pixels, value_range, space_of(self.icc))

    @property
    def depth(self) -> str:
        """Depth of the values: `8` or `16` bits, or `float`."""
        return next(name for name, dtype in DTYPES.items() if dtype == self.pixels.dtype)

    def at_depth(self, depth: str) -> Picture:
        """Return the picture with colours and alpha of another depth, rounded if that is less exact."""
        if depth == self.depth:
            return self
        alpha = None if self.alpha is None else at_depth(self.alpha, DTYPES[depth])
        return replace(self, pixels=at_depth(self.pixels, DTYPES[depth]), alpha=alpha)

    def in_srgb(self) -> Picture:
        """Return the picture without profile, its colours converted to sRGB and clipped to its gamut."""
        if space_of(self.icc) is None:
            return replace(self, icc=None)
        rows, pixels = self.rows((0, 1)), np.empty_like(self.pixels)
        for band in bands(self.shape):
            pixels[band] = at_depth(rows[band], self.pixels.dtype)
        return replace(self, pixels=pixels, icc=None)

    def stripped(self) -> Picture:
        """Return the picture without EXIF, XMP, IPTC and comment; profile and resolution stay."""
        return replace(self, exif=None, xmp=None, iptc=None, comment=None)

    def to_pil(self) -> Image.Image:
        """Return the picture as a Pillow image, RGB or RGBA, of 8 bits per channel."""
        picture = self.at_depth("8")
        if picture.alpha is None:
            return Image.fromarray(picture.pixels)
        return Image.fromarray(np.dstack([picture.pixels, picture.alpha]))
