"""The pulls of all controls at a step, as one `ascent.Pull`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from engine.ascent.octaves import resize
from engine.stop import NEVER, Stop

if TYPE_CHECKING:
    from engine.ascent.ascent import Image
    from engine.ascent.controls.control import PullAtRows
    from engine.pictures.rows import Rows
    from engine.settings.config import DreamConfig


@dataclass
class Pull:
    """What pulls at an image in each step besides the gradient, in units of the gradient's mean size."""

    BYTES_PER_PIXEL: ClassVar = 12
    """What is held of a picture however many pulls there are: the picture at the octave's size."""

    parts: tuple[PullAtRows, ...]
    """The pulls, which add up."""

    config: DreamConfig
    """The settings, which have the weights."""

    original: Rows
    """The picture, [H, W, 3] in the model's range."""

    mask: Rows | None = None
    """Where to pull, [H, W, 1]; everywhere for None."""

    stop: Stop = NEVER
    """Ends it, between two bands, with Cancelled."""

    _at_size: tuple[Image, Image | None] | None = None

    def __call__(self, image: Image, rows: slice) -> Image:
        """Return the pull at these rows of an image of any octave's size, [h, W, 3]."""
        self.stop.check()
        original, mask = self._sized((image.shape[0], image.shape[1]))
        pull = np.zeros_like(image[rows])
        for part in self.parts:
            pull += part(image, original, rows, self.config)
        if mask is not None:
            pull *= mask[rows]
        return pull

    def _sized(self, shape: tuple[int, int]) -> tuple[Image, Image | None]:
        if self._at_size is None or self._at_size[0].shape[:2] != shape:
            mask = None if self.mask is None else resize(self.mask, shape, self.stop)
            self._at_size = (resize(self.original, shape, self.stop), mask)
        return self._at_size
