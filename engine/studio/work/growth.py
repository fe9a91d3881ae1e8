"""What a dream looks like so far, for the page: made small, and then finished as the result is.

A picture of 12 million pixels takes longer to put together than the page waits between two looks; here each
part of the step is brought to the size of the copy first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from engine.ascent.octaves import resize
from engine.library.change import changed
from engine.pictures.picture import Picture
from engine.studio.work.reading import small

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from engine.ascent.step import Step
    from engine.pictures.rows import Rows


def growing(source: Picture, value_range: tuple[float, float], longest: int) -> Callable[[Step], Image.Image]:
    """Return a function that shows a step of the source's dream with at most `longest` pixels on a side."""
    image = np.asarray(small(source, longest))
    alpha = image[..., 3] if image.shape[2] == 4 else None
    copy = Picture(np.ascontiguousarray(image[..., :3]), alpha)
    height, width = copy.shape
    shares: list[Rows | float] = []

    def shown(step: Step) -> Image.Image:
        if not shares:  # the same in all steps
            shares.append(step.share if isinstance(step.share, float) else _fitted(step.share, copy.shape))
        held, below = step.held, (min(step.below[0], height), min(step.below[1], width))
        if step.shape[0] > height or step.shape[1] > width:
            held = _fitted(held, copy.shape)
        like = replace(step, held=held, original=copy.rows(value_range), below=below, share=shares[0])
        return changed(copy, like, value_range, "8").to_pil()

    return shown


def _fitted(rows: Rows, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Bring [H, W, C] to a shape, each pixel the mean of those that it stands for."""
    if rows.shape[0] < shape[0] or rows.shape[1] < shape[1]:
        return resize(rows, shape)
    values, size = rows[:], (shape[1], shape[0])
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(values[..., x])).resize(size, Image.Resampling.BOX))
        for x in range(values.shape[2])
    ]
    return np.dstack(planes)
