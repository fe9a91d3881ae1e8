"""Gradient ascent on a picture: the whole of DeepDream.

A picture is made small and changed step by step, so that chosen layers of a network see more of what they
already see in it.  It is enlarged, given back the detail that it lost, and changed again, up to its full
size.  The idea is Alexander Mordvintsev's (Google Research Blog, June 2015); the loop is that of Keras'
DeepDream example by François Chollet (keras.io/examples/generative/deep_dream).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.ascent.octaves import Ladder, bounded, ladder, reaching, resize, restored
from engine.ascent.step import Step
from engine.errors import DreamError, ImageError, ModelError
from engine.pictures.rows import bands, joined
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.pictures.rows import Rows
    from engine.settings.config import DreamConfig
    from engine.stop import Stop

Image: TypeAlias = NDArray[np.float32]
"""float32 [H, W, 3] in the model's range."""

Gradient: TypeAlias = Callable[[Image], tuple[float, Image]]
"""An image, which is read-only, to its loss and the loss' raw derivative by each of its values.  The array of
derivatives must be new at each call: the ascent makes the next image in it, which saves a picture's memory.
Whatever else acts on an ascent (tiles, jitter, a mask) wraps one Gradient in another."""

Pull: TypeAlias = Callable[[Image, slice], Image]
"""An image and which of its rows, to what moves these rows in addition to the normalised gradient, whose mean
size is 1."""

Climber: TypeAlias = Callable[["Rows"], tuple["Rows", float, float, bool]]
"""One step uphill from an image, as `climb` describes it.  What it returns comes back to it next, and need
not be an array, so that an image can stay on the device that computes it."""

EPSILON = 1e-12
"""Smallest mean that a gradient is divided by.  Keras uses 1e-7, which is more than the mean of a single
channel on a large picture: its steps would shrink."""


EVERYWHERE = (slice(None), slice(None))
"""All rows and all columns."""


class NotFinite(DreamError):  # noqa: N818 - it says what the numbers are
    """Report that loss or gradient are no numbers any more."""

    hint = "a smaller --step, or smaller coefficients in --layers, keep them finite"


def ascend(
    picture: Rows,
    climber: Climber,
    config: DreamConfig,
    *,
    min_size: int = 1,
    share: Rows | float = 1.0,
    stop: Stop = NEVER,
) -> Iterator[Step]:
    """Yield a Step for each evaluation of the gradient; the last one's `full_size()` is the dream.

    `picture` is [H, W, 3] in the model's range: an array, which is copied, or Rows that do not change.  Each
    step is made by `climber`; of what it makes, `share` counts, see Step.  Octaves with a side below
    `min_size` are dropped, with a warning in the first Step.  Raises ImageError, at the call, where that
    leaves none, and on the way what `climber` raises, and Cancelled once `stop` is set.
    """
    original: Rows = picture
    if isinstance(picture, np.ndarray):  # ours, so that no Step changes with the caller's
        original = _read_only(np.array(picture, np.float32, order="C"))
    height, width = bounded((original.shape[0], original.shape[1]), config.max_size)
    octaves, scale = config.octaves, config.octave_scale
    if config.min_size is not None:
        octaves, scale = reaching((height, width), max(config.min_size, min_size), scale)
    rungs = ladder((height, width), octaves, scale, min_size)
    if not rungs.shapes:
        full = f"{original.shape[1]}x{original.shape[0]}"
        raise ImageError(f"a picture of {full} pixels is too small: both sides must have at least {min_size}")
    return _ascend(original, rungs, climber, config, _dropped(rungs, min_size), share, stop)


def _ascend(
    original: Rows,
    rungs: Ladder,
    climber: Climber,
    config: DreamConfig,
    before: tuple[str, ...],
    share: Rows | float,
    stop: Stop,
) -> Iterator[Step]:
    """Go up the ladder; the first Step carries the warnings from `before` it."""
    below = rungs.shapes[0]
    image: Rows = resize(original, below, stop)
    for octave, shape in enumerate(rungs.shapes):
        image = resize(image, shape, stop)
        for iteration in range(config.iterations):
            stop.check()
            try:
                image, loss, mean, stopped = climber(image)
            except NotFinite as error:
                if octave or iteration:
                    raise
                # Settings are bounded, and the picture is as it came: only the model is left.
                raise ModelError(
                    f"{error}, before the first step: the model is damaged",
                    hint=f"use another model file; if this one is sound, {error.hint}",
                ) from error
            yield Step(
                octave=octave + 1,
                octaves=len(rungs.shapes),
                iteration=iteration + 1,
                iterations=config.iterations,
                shape=shape,
                loss=loss,
                fraction=_fraction(rungs, octave, 1.0 if stopped else (iteration + 1) / config.iterations),
                stopped=stopped,
                warnings=before + _unseen(shape, mean, iteration),
                held=image,
                original=original,
                below=below,
                share=share,
            )
            before = ()
            if stopped:
                break
        if octave + 1 < len(rungs.shapes):  # the last octave gets all the detail from full_size()
            image = joined(restored(image, original, below, shape, stop), image.shape, stop)
            below = shape


def climb(
    image: Image,
    gradient: Gradient,
    config: DreamConfig,
    *,
    pull: Pull | None = None,
    limits: tuple[float, float] | None = None,
    area: float = 1.0,
    within: tuple[slice, slice] = EVERYWHERE,
    stop: Stop = NEVER,
) -> tuple[Image, float, float, bool]:
    """Make one step uphill, unless the loss is above max loss already.

    `pull` moves the image too, in units of the gradient's mean size.  Values stay within `limits`; without
    limits they may leave the model's range.  The mean is taken over the rows and columns `within`, of which
    `area` is the share that can change.  Returns the new image (the old one is left alone), the loss before
    the step, the gradient's mean size, and whether max loss forbade the step.  Raises DreamError where loss
    or gradient are not finite, and Cancelled once `stop` is set.
    """
    loss, slope = gradient(_read_only(image))
    mean = mean_size(slope[within], stop)
    if forbidden(loss, mean, image.shape, config):
        return image, loss, mean, True
    # Normalised, so that a step moves every picture equally far; in place, so that it takes no more memory.
    scale = np.float32(config.step_size / max(mean / area, EPSILON))
    for rows in bands(slope.shape, stop):
        slope[rows] *= scale
        if pull is not None:
            slope[rows] += pull(image, rows) * np.float32(config.step_size)
        slope[rows] += image[rows]
        if limits is not None:
            slope[rows].clip(*limits, out=slope[rows])
    return slope, loss, mean, False


def forbidden(loss: float, mean: float, shape: tuple[int, ...], config: DreamConfig) -> bool:
    """Tell whether max loss forbids a step; raise DreamError where loss or gradient are not finite."""
    if not (math.isfinite(loss) and math.isfinite(mean)):
        raise NotFinite(f"loss or gradient is no longer finite at {shape[0]}x{shape[1]}")
    return config.max_loss is not None and loss > config.max_loss


def mean_size(slope: Image, stop: Stop = NEVER) -> float:
    """Return the mean of a gradient's |g|, summed in float64."""
    sums = [np.abs(slope[rows]).sum(dtype=np.float64) for rows in bands(slope.shape, stop)]
    return math.fsum(sums) / slope.size


def _fraction(rungs: Ladder, octave: int, within: float) -> float:
    pixels = [height * width for height, width in rungs.shapes]
    return (sum(pixels[:octave]) + within * pixels[octave]) / sum(pixels)


def _dropped(rungs: Ladder, min_size: int) -> tuple[str, ...]:
    if not rungs.dropped:
        return ()
    sizes = ", ".join(f"{height}x{width}" for height, width in rungs.dropped)
    return (f"left out octaves too small for the model, which needs {min_size} pixels a side: {sizes}",)


def _unseen(shape: tuple[int, int], mean: float, iteration: int) -> tuple[str, ...]:
    """Warn, once an octave, where the gradient is zero everywhere."""
    if mean != 0 or iteration > 0:
        return ()
    return (f"the chosen layers see nothing at {shape[0]}x{shape[1]}: this octave changes nothing",)


def _read_only(image: Image) -> Image:
    view = image.view()
    view.flags.writeable = False
    return view
