"""Masks: where a picture may dream.  White dreams, black stays, grey in between.

Pillow is imported inside functions, so that a frame without a mask is answered sooner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import ImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.pictures.rows import Rows
    from engine.settings.origin import Origin

SLANT = 0.02
"""How far a mask's proportions may be from the picture's; beyond that it is a mask for another picture."""


@dataclass(frozen=True, eq=False)
class Mask:
    """A mask as it was given."""

    values: NDArray[np.uint8] | None
    """Where to dream, [H, W], 0 to 255; None for wherever the picture itself is opaque."""

    origin: Origin | None = None
    """Where the values come from; None if unknown."""

    def rows(self, shape: tuple[int, int], alpha: NDArray[np.uint8] | None, feather: int) -> Rows | None:
        """Return the mask for a picture of `shape` (height, width), float32 [H, W, 1], 0 to 1.

        Its edge is softened inwards over `feather` pixels, so that what is black stays black.  None where the
        picture's opacity was asked for and it has none.  Raises ImageError for a mask of other proportions.
        """
        values = alpha if self.values is None else self.values
        if values is None:
            return None
        soft = _feathered(_fitted(values, shape), feather)
        return MaskRows(soft)


@dataclass(frozen=True, eq=False)
class MaskRows:
    """A mask of a picture's size as `Rows`."""

    values: NDArray[np.uint8]
    """[H, W], 0 to 255."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W, 1)."""
        return (*self.values.shape, 1)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        band: NDArray[np.float32] = self.values[rows, :, np.newaxis].astype(np.float32)
        band /= np.float32(255)
        return band


def _fitted(values: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Bring a mask to a picture's size."""
    height, width = shape
    if values.shape == shape:
        return values
    slant = values.shape[0] * width / (values.shape[1] * height)
    if abs(slant - 1) > SLANT:
        raise ImageError(
            f"the mask has {values.shape[1]}x{values.shape[0]} pixels and the picture {width}x{height}: "
            "their proportions differ",
            hint="make the mask from the picture, at any size",
        )
    from PIL import Image  # noqa: PLC0415 - see above

    return np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.BILINEAR))


def _feathered(values: NDArray[np.uint8], feather: int) -> NDArray[np.uint8]:
    """Let a mask begin with nothing at its edge, and reach its full strength `feather` pixels inside."""
    if not feather:
        return values
    from PIL import Image, ImageFilter  # noqa: PLC0415 - see above

    # Blurred, a straight edge is half as bright where it was; from there it rises to full brightness.
    blurred = np.asarray(Image.fromarray(values).filter(ImageFilter.GaussianBlur(feather / 2)))
    risen = np.clip(2 * blurred.astype(np.int16) - 255, 0, 255).astype(np.uint8)
    return np.minimum(values, risen)
