"""Shows a film's frames as players do: upright, with square pixels, in sRGB; says what is not shown."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.films import hdr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SQUARE: Final = Fraction(1)

MOST_OBLONG: Final = 4
"""How many times as wide as high, or as high as wide, a pixel can be; others are a damaged header's."""

UNKNOWN: Final = 2
"""FFmpeg's number for a colour matrix that is not stated."""

HIGH_DEFINITION: Final = (1280, 576)
"""Width and height from which players take an unstated matrix for Rec. 709's; below, Rec. 601's."""


@dataclass(frozen=True)
class View:
    """How the frames of a film are shown.  It is settled on the first frame, and holds for all."""

    width: int
    height: int
    """Size of a frame in square pixels, before it is turned."""

    transfer: int
    primaries: int
    """FFmpeg's numbers of the colours' curve and primaries."""

    turn: tuple[bool, bool, bool]
    """Whether rows and columns change places; then, whether left and right do; then, whether above and below
    do."""

    @classmethod
    def of(cls, stream: Any, first: Any) -> View:
        """Return the view of a film, from its stream and first frame as PyAV gives them."""
        width, height = first.width, first.height
        aspect = pixel_aspect(stream)
        if aspect > 1:
            width = _even(width * aspect)
        elif aspect < 1:
            height = _even(height / aspect)
        context = stream.codec_context
        return cls(width, height, context.color_trc, context.color_primaries, _turn(first))

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the frames that are shown."""
        return (self.width, self.height) if self.turn[0] else (self.height, self.width)

    def show(self, frame: Any) -> NDArray[np.uint8]:
        """Return the colours of a frame, [H, W, 3], 0 to 255; one of another size is scaled."""
        plain = hdr.is_srgb(self.transfer, self.primaries)
        known = frame.colorspace != UNKNOWN or not _is_high_definition(frame)
        image = frame.to_ndarray(
            format="rgb24" if plain else "rgb48le",
            width=self.width,
            height=self.height,
            interpolation="BICUBIC",
            src_colorspace=None if known else "ITU709",
        )
        if not plain:
            image = hdr.to_srgb(image, self.transfer, self.primaries)
        exchanged, across, down = self.turn
        image = image.transpose(1, 0, 2) if exchanged else image
        image = image[:, ::-1] if across else image
        return np.ascontiguousarray(image[::-1] if down else image)


def pixel_aspect(stream: Any) -> Fraction:
    """Return how many times as wide as high the pixels of a video stream are."""
    aspect = Fraction(stream.sample_aspect_ratio or SQUARE)
    return aspect if Fraction(1, MOST_OBLONG) <= aspect <= MOST_OBLONG else SQUARE


def not_shown(stream: Any, first: Any) -> Iterator[str]:
    """Yield one sentence for each thing of a film's pictures that is lost or changed."""
    if max((x.bits for x in first.format.components), default=8) > 8:
        yield "the film has more than 8 bits per channel, but the result has only 8"
    transfer, primaries = stream.codec_context.color_trc, stream.codec_context.color_primaries
    if transfer in {hdr.PQ, hdr.HLG}:
        curve = "PQ" if transfer == hdr.PQ else "HLG"
        yield f"the film is HDR ({curve}), but the result is not: its highlights are darkened to fit"
    elif not hdr.is_srgb(transfer, primaries) and primaries > 7:
        yield "the film has colours that the result cannot have: they are clipped"
    if first.interlaced_frame:
        yield "the film is interlaced, the result is not: both fields of a frame become one picture"
    if pixel_aspect(stream) == SQUARE and (stream.sample_aspect_ratio or SQUARE) != SQUARE:
        yield "the film states pixels of an impossible shape: they are taken as square"
    if stream.metadata.get("alpha_mode") == "1" or is_clear(first):
        yield "a film has no transparency: left out"


def is_clear(frame: Any) -> bool:
    """Return whether a frame is transparent anywhere."""
    if not any(x.is_alpha for x in frame.format.components):
        return False
    return bool(frame.to_ndarray(format="rgba")[..., 3].min() < 255)


def _even(side: Fraction) -> int:
    return max(round(side / 2) * 2, 2)


def _is_high_definition(frame: Any) -> bool:
    return bool(frame.width >= HIGH_DEFINITION[0] or frame.height > HIGH_DEFINITION[1])


def _turn(frame: Any) -> tuple[bool, bool, bool]:
    """Return how a frame must be turned, by its display matrix; the nearest of the eight ways."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return (False, False, False)
    # A place (x, y) is shown at (a x + c y, b x + d y).
    a, b, _, c, d, *_ = (int(x) for x in np.frombuffer(bytes(matrix), np.int32))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (False, a < 0, d < 0)
    return (True, c < 0, b < 0)
