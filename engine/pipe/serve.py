"""Answer frames with dreams: colours and alpha of a frame, to and from the model."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from engine.ascent.work import Work
from engine.errors import Cancelled
from engine.pictures.pixels import DTYPES, ModelRows, at_depth, from_model, luma
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from engine.ascent.focus import Part
    from engine.ascent.order import Order
    from engine.ascent.step import Step
    from engine.network.model import DreamModel
    from engine.pipe.mailbox import Inbox, Outbox
    from engine.pipe.wire import Values
    from engine.stop import Stop


@dataclass(frozen=True)
class Progress:
    """One Step of a frame's dream."""

    number: int
    """Which frame, counted from 1."""

    step: Step


@dataclass(frozen=True)
class Done:
    """A frame that has been answered."""

    number: int
    seconds: float
    """Time since the frame arrived."""


Event: TypeAlias = Progress | Done


def serve(
    inbox: Inbox,
    outbox: Outbox,
    model: DreamModel,
    order: Order,
    *,
    keep_partial: bool,
) -> Iterator[Event]:
    """Answer each frame and yield what happens, until input ends or an error is raised.

    When stopped, raises Cancelled, with `keep_partial` after writing the picture so far, if there is one.
    """
    inbox.at_rest = model.give_back
    for number, frame in enumerate(inbox, 1):
        started = time.perf_counter()
        step = None
        try:
            for step in steps(frame, model, order, inbox.wish):
                yield Progress(number, step)
                inbox.wish.check()
        except Cancelled:
            if not keep_partial or step is None:
                raise Cancelled("cancelled; the frame was not answered") from None
            outbox.send(finish(frame, step, model), lambda: inbox.stopped)
            raise Cancelled("cancelled; the frame written last is the picture so far") from None
        assert step is not None  # noqa: S101 - for the type checker
        outbox.send(finish(frame, step, model), lambda: inbox.stopped)
        yield Done(number, time.perf_counter() - started)


def steps(
    frame: Values, model: DreamModel, order: Order, stop: Stop = NEVER, part: Part | None = None
) -> Iterator[Step]:
    """Dream on a frame: grey as RGB of three equal channels, alpha left out, float values clipped to 0..1.

    `part` is what will be seen of it, None for all.
    """
    start = ModelRows(frame[..., : _colours(frame)], model.metadata.value_range)
    return Work.settle(start, order, model, _opacity(frame), part=part).alone(stop)


def finish(frame: Values, step: Step, model: DreamModel, part: Part | None = None) -> Values:
    """Return the picture so far, or a part of it, as a frame like the one that came, alpha bit for bit.

    A grey frame gets the luma of the dreamed colours.  8-bit values are rounded as in files.  To float values
    the dream's change is added, so nothing is rounded, and a highlight of 3.0 stays one: the dream saw it as
    1.0, and what it took from that is taken from 3.0.
    """
    count, limits = _colours(frame), model.metadata.value_range
    answer = frame.copy() if part is None else frame[part].copy()
    if part is not None:
        colours, original = answer[..., :count], step.original[part[0]][:, part[1]]
        colours[:] = _answer(colours, step.part(*part), original, limits)
        return answer
    for rows, image in step.bands():
        colours = answer[rows, :, :count]
        colours[:] = _answer(colours, image, step.original[rows], limits)
    return answer


def _answer(
    colours: Values,
    image: NDArray[np.float32],
    original: NDArray[np.float32],
    value_range: tuple[float, float],
) -> Values:
    """Return what becomes of a frame's colours, [h, W, 1 or 3], where `original` was dreamed into `image`."""
    low, high = value_range
    image = image.clip(low, high)
    if colours.dtype == np.uint8:
        return from_model(_like(colours, image), value_range)
    change = _like(colours, (image - original) / np.float32(high - low))
    # The bounds only undo what float32 rounds: the clipped dream lies between 0 and 1.
    answer: Values = np.clip(colours + change, np.minimum(colours, 0), np.maximum(colours, 1))
    return answer


def _opacity(frame: Values) -> NDArray[np.uint8] | None:
    """Return a frame's alpha, [H, W], 0 to 255; None where it has none."""
    if frame.shape[2] % 2:
        return None
    alpha = frame[..., -1]
    return at_depth(alpha, DTYPES["8"])


def _colours(frame: Values) -> int:
    """Count the channels without alpha."""
    return 1 if frame.shape[2] <= 2 else 3


def _like(colours: Values, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the luma of `image` where `colours` are grey."""
    return luma(image)[..., np.newaxis] if colours.shape[2] == 1 else image
