"""Staying close: a pull back to the picture.

One of the usual priors of feature visualisation (Mahendran and Vedaldi, 2015).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine.ascent.controls.control import Control

if TYPE_CHECKING:
    from engine.ascent.ascent import Image
    from engine.settings.config import DreamConfig


def way_back(image: Image, original: Image, rows: slice, config: DreamConfig) -> Image:
    """Return the weighted way from these rows of an image back to the picture, [h, W, 3]."""
    back: Image = (original[rows] - image[rows]) * np.float32(config.stay_close)
    return back


CONTROL: Final = Control(wanted=lambda config: config.stay_close > 0, pull=way_back)
