"""The numbers of a file as those of a picture: uint8, uint16 or float32, where white is the largest or 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.pictures.rows import bands

if TYPE_CHECKING:
    from numpy.typing import NDArray


def as_colours(values: NDArray[Any], bits: int) -> tuple[NDArray[Any], list[str]]:
    """Return numbers of any real type, [H, W, ...], as those of a picture, and what that loses.

    `bits` is how many of each integer are used.  Signed integers, and those of 32 bits and more that stay
    below 65536, keep their value; others are scaled, so that the largest that their type has is white.
    """
    if values.dtype.kind == "f":
        lost = ["the picture has floats of 64 bits: 32 are kept"] if values.dtype.itemsize > 4 else []
        with np.errstate(over="ignore"):  # to infinity, which is brighter than white as well
            return values.astype(np.float32, copy=False), lost
    lost = []
    if values.dtype.kind == "i" and values.size and values.min() < 0:
        lost.append("the picture has values below 0: they became black")
    target = np.dtype(np.uint8 if bits <= 8 else np.uint16)
    white = _most_of(target)
    most = (1 << bits) - 1
    if bits > 16:
        most = _most_of(values.dtype) if values.size and values.max() > white else white
        if most > white:
            lost.append(
                f"the picture has {bits}-bit integers: {most} was taken as white, and 16 bits are kept"
            )
    elif values.dtype.kind == "i":
        most = white
    if most == white and values.dtype.kind == "u" and bits <= 16:
        return values.astype(target, copy=False), lost
    return _scaled(values, most, target), lost


def _most_of(integers: np.dtype[Any]) -> int:
    return (1 << (8 * integers.itemsize - (integers.kind == "i"))) - 1


def _scaled(values: NDArray[Any], most: int, target: np.dtype[Any]) -> NDArray[Any]:
    """Return integers, those below 0 as 0, with `most` as the largest of another type."""
    white = _most_of(target)
    result = np.empty(values.shape, target)
    for rows in bands(values.shape):
        # Of 64 bits the lowest eleven are lost here, and only 16 are kept.
        result[rows] = np.rint(values[rows].clip(0).astype(np.float64) * (white / most))
    return result
