"""Dreaming for editors: frames in, frames out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from engine import ascent, tiles
from engine.errors import Cancelled
from engine.pixels import from_model, luma, to_model, unit_to_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from engine.config import DreamConfig, Tiling
    from engine.mailbox import Inbox, Outbox
    from engine.model import DreamModel
    from engine.progress import Step
    from engine.wire import Values


@dataclass(frozen=True)
class Progress:
    """One Step of a frame's dream."""

    number: int
    """Which frame, counted from 1."""

    step: Step


@dataclass(frozen=True)
class Done:
    """A frame that is answered."""

    number: int
    seconds: float
    """From the frame's arrival on."""


Event: TypeAlias = Progress | Done


def serve(
    inbox: Inbox,
    outbox: Outbox,
    model: DreamModel,
    config: DreamConfig,
    tiling: Tiling,
    *,
    keep_partial: bool,
) -> Iterator[Event]:
    """Answer each frame, and yield what happens; the first error ends it.

    When stopped, raises Cancelled, with `keep_partial` after writing the picture so far.
    """
    for number, frame in enumerate(inbox, 1):
        started = time.perf_counter()
        for step in steps(frame, model, config, tiling):
            yield Progress(number, step)
            if inbox.stopped:
                if not keep_partial:
                    raise Cancelled("cancelled; the frame was not answered")
                outbox.send(finish(frame, step, model), lambda: inbox.stopped)
                raise Cancelled("cancelled; the frame written last is the picture so far")
        outbox.send(finish(frame, step, model), lambda: inbox.stopped)
        yield Done(number, time.perf_counter() - started)


def steps(frame: Values, model: DreamModel, config: DreamConfig, tiling: Tiling) -> Iterator[Step]:
    """Dream on a frame: grey as RGB of three equal channels, alpha left out, float values clipped to 0..1."""
    height, width, _ = frame.shape
    gradient = tiles.gradient(model, config.layers, tiling, (height, width))
    colours = frame[..., : _colours(frame)]
    if colours.shape[2] == 1:
        colours = np.repeat(colours, 3, axis=2)
    value_range = model.metadata.value_range
    start = to_model(colours, value_range) if _is_8_bit(frame) else unit_to_model(colours, value_range)
    return ascent.dream(start, gradient, config, min_size=model.metadata.min_size)


def finish(frame: Values, step: Step, model: DreamModel) -> Values:
    """Return the picture so far as a frame like the one that came, alpha bit for bit.

    A grey frame gets the luma of the dreamed colours.  8-bit values are rounded as in files.  To float values
    the dream's change is added, so nothing is rounded, and a highlight of 3.0 stays one: the dream saw it as
    1.0, and what it took from that is taken from 3.0.
    """
    low, high = model.metadata.value_range
    count = _colours(frame)
    answer = frame.copy()
    image = step.full_size()
    np.clip(image, low, high, out=image)
    if _is_8_bit(frame):
        answer[..., :count] = from_model(_as_grey(image) if count == 1 else image, (low, high))
        return answer
    image -= step.original
    image /= np.float32(high - low)
    colours = frame[..., :count]
    # The bounds only undo what float32 rounds: the clipped dream lies between 0 and 1.
    answer[..., :count] = np.clip(
        colours + (_as_grey(image) if count == 1 else image), np.minimum(colours, 0), np.maximum(colours, 1)
    )
    return answer


def _colours(frame: Values) -> int:
    """Count the channels without alpha."""
    return 1 if frame.shape[2] <= 2 else 3


def _is_8_bit(frame: Values) -> bool:
    return frame.dtype == np.uint8


def _as_grey(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return luma(image)[..., np.newaxis]
