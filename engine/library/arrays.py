"""Arrays as pictures.  Their type alone says what is white, never their content."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import ImageError
from engine.pictures.picture import Picture
from engine.pictures.pixels import DTYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.pictures.pixels import Values


def picture_of(array: NDArray[Any], name: str = "the array") -> Picture:
    """Return an array [H, W] or [H, W, 1 to 4], grey to RGBA, as a picture of its own, in the same depth.

    uint8 goes from 0 to 255, uint16 to 65535, floating point from 0 to 1; integers of any other type go from
    0 to 255 too, and booleans are black and white.  Raises ImageError for another shape or type, and for
    values outside that range, NaN and infinity.
    """
    if np.ma.is_masked(array):
        raise ImageError(f"{name} is a masked array with values left out", hint="fill them: array.filled(0)")
    values = np.asarray(array)
    if values.ndim == 2:
        values = values[..., np.newaxis]
    if values.ndim != 3 or not 1 <= values.shape[2] <= 4 or 0 in values.shape:
        raise ImageError(
            f"{name} has the shape {array.shape}: a picture has [H, W] or [H, W, 1 to 4]",
            hint=_way_out(array.shape),
        )
    values = _in_range(values, name)
    alpha = values[..., -1] if values.shape[2] in {2, 4} else None
    colours = values[..., :3] if values.shape[2] >= 3 else np.repeat(values[..., :1], 3, axis=2)
    return Picture(frozen(colours), None if alpha is None else frozen(alpha))


def checked(picture: Picture, name: str) -> Picture:
    """Return a Picture that a caller made, with copies of the values that could change.

    A dream reads them until its end.  Raises ImageError for one that is not as Picture says.
    """
    colours, alpha = picture.pixels, picture.alpha
    sound = (
        isinstance(colours, np.ndarray)
        and colours.dtype in DTYPES.values()
        and colours.ndim == 3
        and colours.shape[2] == 3
        and colours.size > 0
    )
    if not sound:
        what = "pixels of uint8, uint16 or float32, [H, W, 3]"
        raise ImageError(f"{name} is a Picture without {what}", hint="an array may be given as it is")
    if alpha is not None and (alpha.shape != colours.shape[:2] or alpha.dtype != colours.dtype):
        raise ImageError(f"{name} is a Picture whose alpha is not [H, W] and of the same type as its pixels")
    alpha = alpha if alpha is None or not alpha.flags.writeable else frozen(alpha)
    return replace(picture, pixels=frozen(colours) if colours.flags.writeable else colours, alpha=alpha)


def frozen(pixels: Values) -> Values:
    """Return a read-only copy."""
    copy = np.array(pixels, order="C")
    copy.flags.writeable = False
    return copy


def refuse_unreal(values: NDArray[Any], name: str) -> None:
    """Raise ImageError for floating-point values that are no numbers."""
    for found, tell in (("NaN", np.isnan), ("infinity", np.isinf)):
        if tell(values).any():
            raise ImageError(f"{name} holds {found}", hint="np.nan_to_num replaces such values")


def _in_range(values: NDArray[Any], name: str) -> Values:
    """Return values in one of DTYPES; raise ImageError for those that lie outside its range."""
    kind = values.dtype.kind
    if kind == "b":
        return values.astype(np.uint8) * np.uint8(255)
    if kind in "iu":
        if values.dtype.itemsize == 2 and kind == "u":
            return values.astype(np.uint16, copy=False)  # in this machine's byte order
        _refuse_outside(values, 255, name, "give uint16 if 65535 is white, or divide by what is white")
        return values.astype(np.uint8, copy=False)
    if kind == "f":
        refuse_unreal(values, name)
        _refuse_outside(values, 1, name, "divide by 255, or give uint8")
        return values.astype(np.float32, copy=False)
    raise ImageError(f"{name} is of {values.dtype}: a picture has booleans, integers or floating point")


def _refuse_outside(values: NDArray[Any], white: int, name: str, hint: str) -> None:
    low, high = values.min(), values.max()
    if low < 0 or high > white:
        raise ImageError(
            f"{name}, of {values.dtype}, must stay between 0 and {white}: it goes from {low} to {high}",
            hint=hint,
        )


def _way_out(shape: tuple[int, ...]) -> str:
    """Return a hint for the usual reasons for a shape that is none."""
    if 0 in shape:
        return "it has no pixels"
    if len(shape) == 4:
        return "give one picture at a time: array[0]"
    if len(shape) == 3 and 1 <= shape[0] <= 4:
        return "the channels come last: array.transpose(1, 2, 0)"
    return ""
