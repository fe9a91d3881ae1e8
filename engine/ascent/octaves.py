"""The ladder of sizes, and how a picture gets from one to the next.

Pure functions, after Keras' DeepDream example: shapes, interpolation and rounding are the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.pictures.rows import bands, joined
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from engine.pictures.rows import Rows
    from engine.stop import Stop


@dataclass(frozen=True)
class Ladder:
    """The octaves of a picture."""

    shapes: tuple[tuple[int, int], ...]
    """(height, width) of each octave in pixels, smallest first; the last is the one that counts."""

    dropped: tuple[tuple[int, int], ...]
    """Shapes below these that are too small for the model, smallest first."""


def ladder(shape: tuple[int, int], octaves: int, scale: float, min_size: int = 1) -> Ladder:
    """Divide `shape` by `scale` again and again; drop shapes with a side below `min_size`.

    A `shape` that is too small itself leaves no octave at all.
    """
    height, width = shape
    shapes = [(int(height / scale**i), int(width / scale**i)) for i in reversed(range(octaves))]
    large = tuple(x for x in shapes if min(x) >= max(min_size, 1))
    return Ladder(large, tuple(shapes[: len(shapes) - len(large)]))


MOST: Final = 20
"""Octaves that a smallest size may ask for, at most."""


def reaching(shape: tuple[int, int], smallest: int, scale: float) -> tuple[int, float]:
    """Return how many octaves lead from `smallest` to `shape`, and at which scale near the given one.

    `smallest` is the smaller side of the first octave in pixels; a picture that is not larger has one octave.
    """
    ratio = max(min(shape) / smallest, 1.0)
    steps = min(round(math.log(ratio) / math.log(max(scale, 1.01))), MOST - 1)
    if ratio == 1 or steps < 1:
        return 1, scale
    return steps + 1, ratio ** (1 / steps)


def bounded(shape: tuple[int, int], largest: int | None) -> tuple[int, int]:
    """Return a picture's last octave: its own shape, or one whose smaller side is `largest`."""
    if largest is None or min(shape) <= largest:
        return shape
    height, width = (max(round(side * largest / min(shape)), 1) for side in shape)
    return height, width


def resize(picture: Rows, shape: tuple[int, int], stop: Stop = NEVER) -> NDArray[np.float32]:
    """Interpolate [H, W, C] linearly to `shape`, corner pixels on corner pixels; float32 [h, w, C].

    The Keras example calls `scipy.ndimage.zoom(picture, (h / H, w / W, 1), order=1)`.  This is the same, but
    for float32's last bit and one difference.  Rounding puts the last row or column of some sizes (one side
    in twelve) just outside the picture, where SciPy finds nothing and leaves a grey line: here it has the
    border's values.  Not to be written to: where nothing changes it may be `picture` itself.
    """
    if isinstance(picture, np.ndarray) and picture.shape[:2] == shape:
        return picture
    parts = ((rows, resize_rows(picture, shape, rows)) for rows in bands(shape))
    return joined(parts, (*shape, picture.shape[2]), stop)


def resize_rows(
    picture: Rows, shape: tuple[int, int], rows: slice, columns: slice = slice(None)
) -> NDArray[np.float32]:
    """Return these rows of `resize(picture, shape)`, or this part of them; not to be written to."""
    height, width = picture.shape[:2]
    if (height, width) == shape:
        return picture[rows][:, columns]
    above, below, down = _neighbours(height, shape[0], rows)
    left, right, across = _neighbours(width, shape[1], columns)
    top, first = above[0], left[0]
    source = picture[top : below[-1] + 1][:, first : right[-1] + 1]
    lines = _between(source[above - top], source[below - top], down[:, np.newaxis, np.newaxis])
    left, right = left - first, right - first
    resized = _between(lines.take(left, axis=1), lines.take(right, axis=1), across[:, np.newaxis])
    return resized.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Resized:
    """A picture at another size as `Rows`, which are made when they are asked for: `resize`, row by row."""

    picture: Rows
    """The picture, [H, W, C]."""

    size: tuple[int, int]
    """(height, width) that it is resized to."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(height, width, C)."""
        return (*self.size, self.picture.shape[2])

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        """Return these rows, float32 [h, width, C]."""
        return resize_rows(self.picture, self.size, rows)


def _neighbours(
    length: int, new_length: int, wanted: slice = slice(None)
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return, for wanted new places along an axis, the old ones around each, and how far between it is."""
    places = np.arange(new_length)[wanted] * ((length - 1) / max(new_length - 1, 1))
    before = np.minimum(places.astype(np.intp), length - 1)
    after = np.minimum(before + 1, length - 1)
    return before, after, np.subtract(places, before, dtype=np.float64)


def _between(
    before: NDArray[np.floating], after: NDArray[np.floating], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate in float64, as SciPy does, so that only the result is rounded."""
    between: NDArray[np.float64] = np.subtract(after, before, dtype=np.float64)
    between *= share
    between += before
    return between


def lost_detail(
    original: Rows, smaller: Rows, shape: tuple[int, int], rows: slice = slice(None)
) -> NDArray[np.float32]:
    """Return what `original` shows at `shape` and the enlarged `smaller` does not, float32 [h, w, C]."""
    return resize_rows(original, shape, rows) - resize_rows(smaller, shape, rows)


def restored(
    image: Rows, original: Rows, below: tuple[int, int], shape: tuple[int, int], stop: Stop = NEVER
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield `image` at `shape` with the detail of `original` that was lost at the shape `below`, in bands."""
    smaller = resize(original, below, stop)
    for rows in bands(shape):
        yield rows, resize_rows(image, shape, rows) + lost_detail(original, smaller, shape, rows)
