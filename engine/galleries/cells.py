"""Small dreams on one small picture, several at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from engine.ascent import memory
from engine.ascent.order import order_for
from engine.galleries.sheet import Cell
from engine.library import sources
from engine.library.dreaming import Dreaming
from engine.pictures.picture import Picture
from engine.settings.selectors import layer_of
from engine.settings.tiling import Tiling
from engine.stop import NEVER, Stop

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from engine.network.model import DreamModel
    from engine.settings.config import DreamConfig


def dream_each(
    pixels: NDArray[np.uint8],
    wanted: Mapping[str, DreamConfig],
    model: DreamModel,
    at_once: int,
    stop: Stop = NEVER,
) -> Generator[Cell]:
    """Dream on a picture [h, w, 3] with each configuration, and yield each Cell when it is ready.

    They are begun in the order of `wanted`, which says what each is called, and come in no particular order.
    On a CPU, each is dreamed on a single thread, so that the number of threads does not change it.  When the
    generator ends, for whatever reason, no thread is running any more; Cancelled once `stop` is set.
    """
    over = Stop()
    with ThreadPoolExecutor(max(at_once, 1)) as pool, stop.heard_by(over.set):
        try:
            works = [pool.submit(_cell, pixels, name, x, model, over) for name, x in wanted.items()]
            for work in as_completed(works):
                yield work.result()
        finally:
            over.set()
            pool.shutdown(cancel_futures=True)


def at_once(model: DreamModel, pixels: NDArray[np.uint8], cells: int) -> int:
    """Return how many cells processors and memory allow at the same time."""
    if model.device != "cpu":
        return 1
    free = memory.budget(model, Tiling().max_memory)
    fitting = memory.fitting_pictures(free, model, pixels.shape[0] * pixels.shape[1])
    return min(model.threads, cells, fitting)


def _cell(pixels: NDArray[np.uint8], name: str, config: DreamConfig, model: DreamModel, stop: Stop) -> Cell:
    """Dream one cell, in a thread of its own; raise Cancelled when `stop` is set."""
    if model.device == "cpu":
        model = model.copies(1, 1, [layer_of(x) for x in config.layers])[0]
    dreaming = Dreaming.begin(sources.read(Picture(pixels)), order_for(model, config), model)
    for step in dreaming.steps(stop):  # noqa: B007 - the last one, without keeping the others
        pass
    return Cell(name, dreaming.result(step).pixels)
