"""How the processors are shared among pictures: which come at once, and how many threads each gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine import machine
from engine.ascent import memory
from engine.batch.events import Job, Skipped
from engine.batch.stores import pixel_counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.batch.events import Item
    from engine.network.model import DreamModel
    from engine.settings.tiling import Tiling

SMALL: Final = 1 << 20
"""Pixels of the largest picture that shares the processors with others."""


class Unforeseen:
    """The small ones of pictures that are still to come."""

    def __contains__(self, job: Job) -> bool:
        """Tell whether a picture is there and small."""
        return bool(_sizes([job]))


@dataclass(frozen=True)
class Shares:
    """How the processors are shared."""

    at_once: int
    """Small pictures that are dreamed on at the same time."""

    threads: int
    """Threads that each of them uses."""

    small: frozenset[Job] | Unforeseen
    """The pictures that share; empty where all come one by one, on all threads."""


def share(items: Sequence[Item], model: DreamModel, tiling: Tiling, jobs: int | None = None) -> Shares:
    """Decide how many pictures of a plan are dreamed on at once: `jobs`, or as many as suit for None.

    The number of threads decides a result's last bits, so it follows from the plan alone, finished ones
    included.  Where little memory happens to be free, fewer pictures come at once, with as many threads each.
    """
    alone = Shares(1, model.threads, frozenset())
    left = [x for x in items if isinstance(x, Job)]
    planned = [x.job if isinstance(x, Skipped) else x for x in items if isinstance(x, Job | Skipped)]
    if not left or model.device != "cpu" or min(jobs or len(planned), model.threads) <= 1:
        return alone
    sizes = _sizes(planned)
    if not sizes:
        return alone
    largest = max(sizes.values())
    many = _many(len(sizes), largest, model, tiling, jobs)
    rest = len(sizes) % many
    if jobs is None and 2 * rest <= many:  # all threads together finish these sooner than one thread each
        sizes = dict(list(sizes.items())[: len(sizes) - rest])
    small = frozenset(x for x in left if x in sizes)
    if many == 1 or not small:
        return alone
    return Shares(min(len(small), _at_once(many, largest, model)), model.threads // many, small)


def share_unforeseen(model: DreamModel, tiling: Tiling, jobs: int | None = None) -> Shares:
    """Decide the same for pictures that are still to come."""
    many = _many(model.threads, SMALL, model, tiling, jobs) if model.device == "cpu" else 1
    if many == 1:
        return Shares(1, model.threads, frozenset())
    return Shares(_at_once(many, SMALL, model), model.threads // many, Unforeseen())


def _sizes(jobs: Iterable[Job]) -> dict[Job, int]:
    """Return how many pixels the small pictures among these have."""
    return {x: pixels for x, pixels in pixel_counts(jobs).items() if pixels <= SMALL}


def _many(count: int, largest: int, model: DreamModel, tiling: Tiling, jobs: int | None) -> int:
    """Return how many of `count` small pictures, of up to `largest` pixels, share the threads."""
    fitting = memory.fitting_pictures(tiling.max_memory, model, largest)
    return min(jobs or min(count, fitting), model.threads)


def _at_once(many: int, largest: int, model: DreamModel) -> int:
    """Return how many of these the memory holds that is free."""
    free = machine.available_memory()
    return many if free is None else min(many, memory.fitting_pictures(free, model, largest))
