"""Gives pictures to the workers of a cluster, again where one is lost, and tells what happens.

A worker holds two pictures, so that it need not wait for the next one.  Which of them killed it nobody
knows: both are given out again, and from then on alone.  One that kills a second worker is a failure.  Where
a whole machine is lost no picture is to blame, but none is given out for ever.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from engine.batch.events import Done, Failed, Job, Told, Warned
from engine.batch.room import Room
from engine.cluster.parcels import packed, unpack
from engine.errors import DreamError, ImageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.batch.events import Asked, Event, Progress
    from engine.cluster.worker import Outcome

AHEAD: Final = 2
"""Pictures that a worker holds."""

DEADLY: Final = 2
"""Workers that a picture may kill before it is a failure."""

PAUSE: Final = 0.5
"""Seconds before work is asked for again where there was none."""

TRIES: Final = 6
"""How often a picture is given out, at most, whatever became of the workers."""


@dataclass(frozen=True)
class Joined:
    """A worker that has answered its first call: only such a one is given work."""

    worker: int
    where: str
    """What it is and where, for people."""


@dataclass(frozen=True)
class Finished:
    """A worker's word about a picture."""

    worker: int
    job: Job
    outcome: Outcome


@dataclass(frozen=True)
class Lost:
    """A worker that will not answer any more."""

    worker: int
    why: str
    machine: bool
    """Whether its whole machine is gone."""


@dataclass(frozen=True)
class Trouble:
    """What the user should know about the cluster."""

    message: str


News: TypeAlias = Joined | Finished | Lost | Trouble


class Grid(Protocol):
    """A cluster, as the fleet knows it; `with` connects to it, and lets all workers go at the end."""

    def __enter__(self) -> object: ...

    def __exit__(self, *exception: object) -> None: ...

    def news(self) -> list[News]:
        """Wait a moment for something to happen; raise DeviceError where nobody is left who could dream."""

    def give(self, worker: int, packed: Job, job: Job) -> None:
        """Give a picture to a worker that has joined; `job` is what `Finished` calls it."""


@dataclass
class _Case:
    """A picture's history."""

    job: Job
    tries: int = 0
    deaths: int = 0
    """Workers that were lost while they held it, alone or not."""


class Fleet:
    """Dreams on the pictures of an order on a cluster; these are `engine.batch.events.Hands`."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._stop = threading.Event()
        self._connected = False
        self._items: Iterator[Asked] = iter(())
        self._over = False
        self._again: deque[_Case] = deque()
        self._room = Room()
        self._told: list[Event] = []
        """What came with the items and is no work."""

        self._held: dict[int, list[_Case]] = {}
        """What each worker holds that has joined."""

        self._where: dict[int, str] = {}
        self.at_once = 1
        self.unfinished: dict[str, Progress] = {}
        """Always empty: steps stay where they are made."""

    def interrupt(self) -> bool:
        """Stop soon; see `Hands`.  The workers are to be let go, once there can be any."""
        self._stop.set()
        return self._connected

    def run(self, items: Iterable[Asked]) -> Iterator[Event]:
        """Dream on the pictures and yield what happens; see `Hands` and, for full disks, `Crew.run`."""
        for event in self._events(items):
            self._room.see(event)
            yield event
        yield from self._room.last_word()

    def _events(self, items: Iterable[Asked]) -> Iterator[Event]:
        self._items = iter(items)
        first = self._fresh()
        yield from self._passed_on()
        while first is None and not self._over and not self._stop.wait(PAUSE):  # others are at work on all
            first = self._fresh()
            yield from self._passed_on()
        if first is None:
            return
        self._again.append(first)
        yield Told("waiting for the first worker")  # seconds at best, a minute on a busy machine
        with self._grid:
            self._connected = True
            while not self._over or self._again or any(self._held.values()):
                yield from self._give_out()
                for new in self._grid.news():
                    yield from self._heard(new)
                if self._stop.is_set():
                    raise KeyboardInterrupt

    def _give_out(self) -> Iterator[Event]:
        """Give pictures to all workers that have room, first to those that hold the fewest."""
        for many in range(AHEAD):
            for worker, held in self._held.items():
                while len(held) == many and (case := self._next(held)) is not None:
                    yield from self._give(worker, case)
        yield from self._passed_on()

    def _next(self, held: list[_Case]) -> _Case | None:
        """Return a picture for a worker that holds these, if there is one that goes with them."""
        if any(x.deaths for x in held):
            return None
        if self._again and (not held or not self._again[0].deaths):
            return self._again.popleft()
        return self._fresh()

    def _fresh(self) -> _Case | None:
        """Return the next picture that was not given out before, None where there is none."""
        for item in self._items:
            if item is None:
                return None
            if self._room.leaves_out(item):
                continue
            if isinstance(item, Job):
                return _Case(item)
            self._told.append(item)
        self._over = True
        return None

    def _passed_on(self) -> Iterator[Event]:
        yield from self._told
        self._told.clear()

    def _give(self, worker: int, case: _Case) -> Iterator[Event]:
        try:
            parcel = packed(case.job)
        except ImageError as error:
            yield Failed(case.job.name, error, case.job.target)
            return
        case.tries += 1
        self._held[worker].append(case)
        self._grid.give(worker, parcel, case.job)

    def _heard(self, new: News) -> Iterator[Event]:
        match new:
            case Joined(worker, where):
                self._held[worker], self._where[worker] = [], where
                yield Told(f"worker {len(self._held)}: {where}")
            case Finished(worker, job, outcome):
                self._held[worker] = [x for x in self._held[worker] if x.job != job]
                yield from _finished(job, outcome)
            case Lost(worker, why, machine):
                where = self._where.pop(worker, "a machine")
                yield Warned("", f"a worker is lost, {where}: {why}")
                for case in self._held.pop(worker, []):
                    yield from self._blamed(case, why, machine=machine)
            case Trouble(message):
                yield Warned("", message)

    def _blamed(self, case: _Case, why: str, *, machine: bool) -> Iterator[Event]:
        """Give a picture out again whose worker was lost, unless it may be the reason."""
        case.deaths += not machine
        if case.deaths < DEADLY and case.tries < TRIES:
            self._again.append(case)
            return
        name = case.job.name
        error = DreamError(
            f"{name} was given up: {case.tries} workers ended while they dreamed on it, the last one: {why}",
            hint=f"dream it alone, without --cluster: deepdream dream {name}",
        )
        yield Failed(name, error, case.job.target)


def _finished(job: Job, outcome: Outcome) -> Iterator[Event]:
    """Tell what became of a picture; write its result where that is for this machine to do."""
    yield from (Warned(job.name, x) for x in outcome.warnings)
    error, digest = outcome.error, outcome.sha256
    if error is None and outcome.content is not None:
        try:
            unpack(job, outcome.content)
            digest = hashlib.sha256(outcome.content).hexdigest()
        except ImageError as failure:
            error = failure
    yield Done(job, outcome.seconds, digest) if error is None else Failed(job.name, error, job.target)
