"""Several pictures at once, each on its share of the processors.

The more processors share a small picture, the more they wait for each other; pictures wait for nobody.  So
small pictures are dreamed on in threads, and the main thread hands on what happens to them, from one queue.
Large pictures have enough work for all processors, and memory is for one of them: they come one by one, in
the main thread, where Ctrl-C interrupts them between tiles.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from engine import machine
from engine.ascent import memory
from engine.batch.jobs import Done, Event, Failed, Job, Progress, perform
from engine.files import images
from engine.settings.output import STANDARD, Output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.ascent.order import Order
    from engine.batch.jobs import Item, Streams
    from engine.network.model import DreamModel
    from engine.settings.tiling import Tiling

SMALL: Final = 1 << 20
"""Pixels of the largest picture that shares the processors with others."""

TICK: Final = 0.1
"""Seconds between two looks of a thread whether anybody still listens."""


@dataclass(frozen=True)
class Shares:
    """Who gets how much of the processors."""

    at_once: int
    """Small pictures that are dreamed on at the same time."""

    threads: int
    """Threads that each of them works with."""

    small: frozenset[Job]
    """The pictures that this is about; empty where all come one by one, on all threads."""


@dataclass(frozen=True)
class _Left:
    """The last word of a thread."""

    job: Job
    model: DreamModel
    failure: BaseException | None
    """A bug, which ends everything; what can go wrong with a picture is an event."""


_Message: TypeAlias = Event | _Left


def share(items: Sequence[Item], model: DreamModel, tiling: Tiling, jobs: int | None = None) -> Shares:
    """Decide how many pictures are dreamed on at once: `jobs`, or None for what suits.

    The number of threads decides a result's last bits, so it follows from the order alone; where little
    memory happens to be free, fewer pictures come at once, on as many threads each.
    """
    alone = Shares(1, model.threads, frozenset())
    pictures = [x for x in items if isinstance(x, Job)]
    if model.device != "cpu" or min(jobs or len(pictures), model.threads) <= 1:
        return alone
    files = {x: images.pixel_count(x.source) for x in pictures if x.source and x.source.is_file()}
    sizes = {x: pixels for x, pixels in files.items() if pixels <= SMALL}

    def fitting(budget: int) -> int:
        return memory.fitting_pictures(budget, model.threads, max(sizes.values()))

    if not sizes:
        return alone
    many = min(jobs or min(len(sizes), fitting(tiling.max_memory)), model.threads)
    if many == 1:
        return alone
    rest = len(sizes) % many
    if jobs is None and 2 * rest <= many:  # all threads are sooner done with these than one each
        sizes = dict(list(sizes.items())[: len(sizes) - rest])
    free = machine.available_memory()
    at_once = min(many, len(sizes), many if free is None else fitting(free))
    return Shares(at_once, model.threads // many, frozenset(sizes))


class Crew:
    """Dreams on the pictures of an order; for the main thread of a program."""

    def __init__(
        self, model: DreamModel, order: Order, streams: Streams, shares: Shares, output: Output = STANDARD
    ) -> None:
        self._model = model
        self._order = order
        self._output = output
        self._streams = streams
        self._shares = shares
        self._idle: list[DreamModel] = []
        self._at_work: dict[Job, threading.Thread] = {}
        self._messages: queue.Queue[_Message] = queue.Queue(shares.at_once)
        self._stopped = self._deserted = False
        self.unfinished: dict[str, Progress] = {}
        """The last step of each picture at work, by name."""

    def interrupt(self, *_: object) -> None:
        """End all after the step they are at; fit to be a signal handler.

        `run` then raises KeyboardInterrupt.  Raises it right here where no thread is at work, and the
        second time.
        """
        if self._stopped or not self._at_work:
            raise KeyboardInterrupt
        self._stopped = True

    def run(self, items: Iterable[Item]) -> Iterator[Event]:
        """Dream on the pictures and yield what happens; errors end only their own picture.

        They begin in the order of the items.  No thread is at work any more when this ends, however it ends.
        """
        try:
            for event in self._events(items):
                self._remember(event)
                yield event
        finally:
            self._stopped = self._deserted = True
            for thread in self._at_work.values():
                thread.join()

    def _events(self, items: Iterable[Item]) -> Iterator[Event]:
        if self._shares.small:
            layers = self._model.weighed_layers(self._order.weights)
            self._idle = self._model.copies(self._shares.at_once, self._shares.threads, layers)
        for item in items:
            if not isinstance(item, Job):
                yield item
            elif item in self._shares.small:
                yield from self._until_at_work(self._shares.at_once - 1)
                self._start(item)
            else:
                yield from self._until_at_work(0)
                yield from perform(item, self._model, self._order, self._streams, self._output)
        yield from self._until_at_work(0)

    def _until_at_work(self, most: int) -> Iterator[Event]:
        """Yield what the threads tell until at most so many are at work; KeyboardInterrupt if stopped."""
        while len(self._at_work) > (0 if self._stopped else most):
            message = self._messages.get()
            if not isinstance(message, _Left):
                yield message
                continue
            self._at_work.pop(message.job).join()
            self._idle.append(message.model)
            if message.failure is not None:
                raise message.failure
        if self._stopped:
            raise KeyboardInterrupt

    def _start(self, job: Job) -> None:
        # No daemon: Python's end waits for it, for a thread inside ONNX Runtime would crash then.
        thread = threading.Thread(target=self._work, args=(job, self._idle.pop()))
        self._at_work[job] = thread
        thread.start()

    def _work(self, job: Job, model: DreamModel) -> None:
        """Dream on a picture, in a thread of its own."""
        failure = None
        try:
            for event in perform(job, model, self._order, self._streams, self._output):
                self._tell(event)
                if self._stopped and isinstance(event, Progress):
                    break
        except BaseException as error:  # noqa: BLE001 - it is raised in the main thread
            failure = error
        self._tell(_Left(job, model, failure))

    def _tell(self, message: _Message) -> None:
        """Hand a message to the main thread, as long as that listens."""
        while not self._deserted:
            with contextlib.suppress(queue.Full):
                self._messages.put(message, timeout=TICK)
                return

    def _remember(self, event: Event) -> None:
        match event:
            case Progress(job):
                self.unfinished[job.name] = event
            case Done(job):
                self.unfinished.pop(job.name, None)
            case Failed(name):
                self.unfinished.pop(name, None)
            case _:
                pass
