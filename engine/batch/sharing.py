"""The pictures of an order, as far as no other process is at work on them.

Each process goes through the whole order.  It claims a picture before it begins it; what others have claimed
it comes back to, until their results are there or their claims have ended.  So the last picture is done when
any of the processes ends of itself, whatever became of the others.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import leftovers, paths
from engine.batch.claims import Claims
from engine.batch.events import ELSEWHERE, Done, Failed, Job, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from engine.batch.events import Asked, Event, Item

PAUSE: Final = 0.5
"""Seconds between two looks at what others are at work on."""


class Sharing:
    """The items of an order, and None for as long as others are at work on all that is left.

    Whoever does the work tells what becomes of it; at the end all claims are taken back.
    """

    def __init__(
        self,
        items: Iterable[Asked],
        made: Callable[[Job], bool],
        told: Callable[[int], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is claimed yet.

        `made` tells of a picture whose result is there whether this order would make it as it is.  `told` is
        called with the number of pictures that others are at work on, when nothing else is left.
        """
        self._items = items
        self._made = made
        self._told = told
        self._clock = clock
        self._claims = Claims(clock)
        self._others: list[Job] = []
        self._cleared: set[Path] = set()
        self._looked = clock()

    def clear(self, jobs: Iterable[Job]) -> None:
        """Remove the claims that killed processes left beside these results."""
        for folder in {x.target.parent for x in jobs if isinstance(x.target, Path)} - self._cleared:
            self._cleared.add(folder)
            self._claims.clear(folder)

    def __enter__(self) -> Sharing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._claims.close()

    def __iter__(self) -> Iterator[Asked]:
        for item in self._items:
            yield from self._freed()
            self.clear([item.job] if isinstance(item, Skipped) else [item] if isinstance(item, Job) else ())
            settled = self._settled(item) if isinstance(item, Job) else item
            if isinstance(item, Job) and settled is None:
                self._others.append(item)
            else:
                yield settled
        while self._others:
            yield from self._freed()
            if self._others:
                self._told(len(self._others))
                yield None
        for folder in self._cleared:  # of what others have left that were killed since
            self._claims.clear(folder)
            leftovers.sweep(folder)

    def see(self, event: Event) -> None:
        """Note what becomes of a picture."""
        self._claims.renew()
        target = event.job.target if isinstance(event, Done) else None
        target = event.target if isinstance(event, Failed) else target
        if isinstance(target, Path):
            self._claims.release(target)

    def _freed(self) -> Iterator[Item]:
        """Yield those of the others' pictures that nobody is at work on any more; look now and then only."""
        if self._clock() - self._looked < PAUSE:
            return
        self._looked = self._clock()
        for job in tuple(self._others):
            settled = self._settled(job)
            if settled is not None:
                self._others.remove(job)
                yield settled

    def _settled(self, job: Job) -> Item | None:
        """Claim a picture and return what is to be done of it; None where somebody else is at work on it."""
        if job.source is None or not isinstance(job.target, Path) or paths.kind(job.target):
            return job  # in a store, who comes second finds the result
        if self._is_made(job):
            return Skipped(job, ELSEWHERE)
        if not self._claims.take(job.target):
            return None
        if self._is_made(job):  # just before the claim
            self._claims.release(job.target)
            return Skipped(job, ELSEWHERE)
        return job

    def _is_made(self, job: Job) -> bool:
        return isinstance(job.target, Path) and paths.taken(job.target) and self._made(job)
