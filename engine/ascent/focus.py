"""A part of a dream: only what is seen of it is climbed, as the dream of the whole picture would change it.

A step is as large as the gradient is small on average, so a part by itself would dream more where it is calm,
and less where it is busy.  And its largest forms depend on all of the picture.  So the first octaves, which
are small, are climbed whole, and of the others only the part and what is around it.  How much more or less
than the whole the gradient moves there is looked at once an octave, before it is climbed: where it has the
same surroundings as the rest, as a window by itself is weak at its edges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.ascent import controls
from engine.ascent.ascent import EVERYWHERE, climb, mean_size
from engine.ascent.controls.jitter import jittered
from engine.ascent.controls.mask import masked
from engine.ascent.octaves import Resized, resize_rows
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.ascent.ascent import Gradient, Image
    from engine.pictures.rows import Rows
    from engine.settings.config import DreamConfig
    from engine.stop import Stop

Part: TypeAlias = tuple[slice, slice]
"""Rows and columns of a picture, both with a start and a stop."""

Size: TypeAlias = tuple[int, int]
"""(height, width) in pixels."""

WHOLE: Final = 80_000
"""Pixels up to which an octave is climbed whole: about what the part and its surroundings take later."""

AROUND: Final = 48
"""Pixels of an octave around the part that its forms depend on."""

MARGIN: Final = 32
"""Largest margin of a window, which has its surroundings: the rest would cost a third of the time."""

STRIDE: Final = 32
"""Windows begin at its multiples, as deep layers have a grid of so many pixels: on another one, the same
things become other forms."""

LOOKED_AT: Final = 1_000_000
"""Pixels up to which all of an octave is looked at, as of a last one of 768; of larger ones, samples."""

SAMPLES: Final = (2, 3)
SAMPLE: Final = 160
"""Rows and columns of samples, and the side of each in pixels: a smaller piece is weaker, at its edges."""


@dataclass(frozen=True, eq=False)
class Inlaid:
    """A picture of which only a window is new, as `Rows`."""

    around: Image
    """The picture, [H, W, 3]."""

    window: Part
    """Where it is new."""

    values: Image
    """What is new, [h, w, 3]."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W, 3)."""
        return self.around.shape

    def __getitem__(self, rows: slice, /) -> Image:
        """Return these rows, a new array."""
        start, stop, _ = rows.indices(self.shape[0])
        band = self.around[start:stop].copy()
        first, last = max(start, self.window[0].start), min(stop, self.window[0].stop)
        if first < last:
            above = self.window[0].start
            band[first - start : last - start, self.window[1]] = self.values[first - above : last - above]
        return band


class Focus:
    """The `ascent.Climber` of a part: each step changes a window of the picture, the same in each octave."""

    def __init__(
        self,
        picture: Rows,
        part: Part,
        gradient: Gradient,
        config: DreamConfig,
        *,
        mask: Rows | None = None,
        area: float = 1.0,
        limits: tuple[float, float] | None = None,
        smallest: int = 1,
        stop: Stop = NEVER,
    ) -> None:
        """Prepare the steps in a part of a picture, [H, W, 3] in the model's range.

        `gradient` is the model's; `mask`, `area` and `limits` are as in `ascent.climb`, for the whole
        picture; windows have no side below `smallest`.
        """
        self._picture, self._mask, self._part = picture, mask, part
        self._area, self._smallest = area, smallest
        moved = jittered(gradient, config.jitter, config.seed) if config.jitter else gradient
        still = replace(config, jitter=0)
        narrow = replace(still, margin=min(config.margin, MARGIN))
        self._reach = max(config.jitter, narrow.margin + 1)  # the edge itself is not reflected
        self._on_all, self._on_part = (controls.decorated(moved, x, stop=stop) for x in (still, narrow))
        # Scales are evened over all that is seen, so what is looked at in pieces is left uneven.
        self._all_seen, self._piece_seen = (
            controls.decorated(gradient, replace(x, smooth=0.0), stop=stop) for x in (still, narrow)
        )
        self._climb = partial(climb, config=config, limits=limits)
        self._pull_of = partial(controls.pull_of, config, stop=stop)
        self._below: Size | None = None
        """Size of the octave before."""

        self._whole: tuple[Image, Size] | None = None
        """What all octaves that were climbed whole have made of the picture, and at which size its detail was
        given back; None before there is an octave that is not."""

        self._step: Callable[[Image], tuple[Image, float, float, bool]]

    def __call__(self, image: Rows) -> tuple[Rows, float, float, bool]:
        """Make one step, as `ascent.climb` does; what is an array is a new octave."""
        if not isinstance(image, Inlaid):
            image = self._entered(image[:])
        values, loss, mean, stopped = self._step(image.values)
        return replace(image, values=values), loss, mean, stopped

    def _entered(self, image: Image) -> Inlaid:
        """Begin an octave."""
        size = (image.shape[0], image.shape[1])
        below, self._below = self._below or size, size
        window, area, within = self._window(size), self._area, EVERYWHERE
        if window != _all(size):
            self._whole = self._whole or (image, below)
            within, share = self._balance(size, window, below)
            area *= share
        mask = None if self._mask is None else resize_rows(self._mask, size, *window)
        pull = self._pull_of(resize_rows(self._picture, size, *window), mask)
        gradient = self._on_all if window == _all(size) else self._on_part
        if mask is not None:
            gradient = masked(gradient, mask)
        self._step = partial(self._climb, gradient=gradient, pull=pull, area=area, within=within)
        return Inlaid(image, window, image[window])

    def _window(self, size: Size) -> Part:
        """Return what is climbed of an octave: all of a small one, else the part and what is around it."""
        if size[0] * size[1] <= WHOLE:
            return _all(size)
        full = self._picture.shape[:2]
        down, across = (
            _widened(slice(x.start * new // old, -(-x.stop * new // old)), new, self._smallest)
            for x, old, new in zip(self._part, full, size, strict=True)
        )
        return down, across

    def _balance(self, size: Size, window: Part, below: Size) -> tuple[Part, float]:
        """Return where in a window to take the gradient's mean, and how strong it is there, relative to all.

        Both are seen as before any octave was climbed in part, since what has been climbed is stronger, but
        with the detail of the size below, as this octave begins.
        """
        strength = self._looked_at(size, below)
        everywhere = strength(_all(size))
        for within in (self._steady(window), EVERYWHERE):
            there = strength(_of(window, within))
            if there and everywhere:
                return within, there / everywhere
        return EVERYWHERE, 1.0

    def _steady(self, window: Part) -> Part:
        """Return the rows and columns of a window that neither jitter's seam nor its own margin comes to."""
        down, across = (
            slice(edge, side - edge)
            for side in (span.stop - span.start for span in window)
            for edge in (min(self._reach, side // 3),)
        )
        return down, across

    def _looked_at(self, size: Size, below: Size) -> Callable[[Part], float]:
        """Look at an octave; return what tells how strong the gradient is in a part of it."""
        if size[0] * size[1] <= LOOKED_AT:
            slope = self._slope(self._all_seen, size, _all(size), below)
            return lambda part: mean_size(slope[part])

        def sampled(part: Part) -> float:
            found = [mean_size(self._slope(self._piece_seen, size, x, below)) for x in _samples(size, part)]
            return sum(found) / len(found)

        return sampled

    def _slope(self, seen: Gradient, size: Size, part: Part, below: Size) -> Image:
        """Return the gradient in a part of an octave, as far as the mask lets it change anything."""
        assert self._whole is not None  # noqa: S101 - for the type checker
        image, detail = self._whole
        lost = resize_rows(Resized(self._picture, below), size, *part)
        lost = lost - resize_rows(Resized(self._picture, detail), size, *part)
        _, slope = seen(resize_rows(image, size, *part) + lost)
        if self._mask is not None:
            slope *= resize_rows(self._mask, size, *part)
        return slope


def _all(size: Size) -> Part:
    return slice(0, size[0]), slice(0, size[1])


def _widened(span: slice, length: int, smallest: int) -> slice:
    stop = min(max(span.stop + AROUND, max(span.start - AROUND, 0) + smallest), length)
    start = max(min(span.start - AROUND, stop - smallest), 0)
    return slice(start // STRIDE * STRIDE, stop)


def _of(window: Part, within: Part) -> Part:
    """Return in the octave's rows and columns what is given in those of a window."""
    down, across = (
        slice(*(outer.start + x for x in inner.indices(outer.stop - outer.start)[:2]))
        for outer, inner in zip(window, within, strict=True)
    )
    return down, across


def _samples(size: Size, part: Part) -> list[Part]:
    """Return samples that are evenly spread over a part of an octave, all of the same size."""
    down, across = (
        [
            _sample(span.start + (2 * at + 1) * (span.stop - span.start) // (2 * count), side)
            for at in range(count)
        ]
        for span, side, most in zip(part, size, SAMPLES, strict=True)
        for count in (min(most, -(-(span.stop - span.start) // SAMPLE)),)
    )
    return [(rows, columns) for rows in down for columns in across]


def _sample(centre: int, length: int) -> slice:
    start = max(min(centre - SAMPLE // 2, length - SAMPLE), 0)
    return slice(start, min(start + SAMPLE, length))
