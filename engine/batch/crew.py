"""Several pictures at once, each on its share of the processors.

The more processors share a small picture, the more they wait for each other; separate pictures wait for
nobody.  So small pictures are dreamed on in threads, and the main thread passes on what happens to them, from
one queue.  Large pictures have enough work for all processors, and memory for only one of them at a time.
They come one by one, in the main thread.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.batch.events import Done, Event, Failed, Job, Progress
from engine.batch.jobs import Patience, perform
from engine.batch.room import Room
from engine.settings.output import STANDARD, Output
from engine.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.ascent.order import Order
    from engine.batch.events import Asked, Streams
    from engine.batch.shares import Shares
    from engine.network.model import DreamModel

PAUSE: Final = 0.5
"""Seconds before work is asked for again where there was none."""

TICK: Final = 0.1
"""Seconds between two checks of a thread that somebody is still listening."""


@dataclass(frozen=True)
class _Left:
    """The last word of a thread."""

    job: Job
    model: DreamModel
    failure: BaseException | None
    """A bug, which ends everything; whatever can go wrong with a picture is an event."""


_Message: TypeAlias = Event | _Left


class Crew:
    """Dreams on the pictures of an order; for the main thread of a program."""

    def __init__(
        self,
        model: DreamModel,
        order: Order,
        streams: Streams,
        shares: Shares,
        output: Output = STANDARD,
        retries: int = 0,
    ) -> None:
        """Prepare; a picture that cannot be read at the moment is read again, `retries` times at most."""
        self._model = model
        self._order = order
        self._output = output
        self.streams = streams
        self._shares = shares
        self.at_once = shares.at_once
        self._idle: list[DreamModel] = []
        self._at_work: dict[Job, threading.Thread] = {}
        self._messages: queue.Queue[_Message] = queue.Queue(shares.at_once)
        self._stop = Stop()
        self._patience = Patience(retries, self._stop.wait)
        self._deserted = False
        self._room = Room()
        self.unfinished: dict[str, Progress] = {}
        """The last step of each picture at work, by name."""

    def interrupt(self) -> bool:
        """Stop every picture in the midst of its step; return whether any has made a step before.

        `run` then raises KeyboardInterrupt.  Can be called from any thread.
        """
        self._stop.set()
        return bool(self.unfinished)

    def run(self, items: Iterable[Asked]) -> Iterator[Event]:
        """Dream on the pictures and yield what happens; errors end only their own picture.

        They begin in the order of the items; none is asked for before it can begin.  Where a disk is full,
        none is begun any more whose result would go there; a last Failed, without a name, tells how many
        were left out.  No thread is at work any more when this ends, however it ends.
        """
        try:
            for event in self._events(items):
                self._remember(event)
                yield event
        finally:
            self._deserted = True
            self._stop.set()
            for thread in self._at_work.values():
                thread.join()

    def _events(self, items: Iterable[Asked]) -> Iterator[Event]:
        if self._shares.small:
            layers = self._model.weighed_layers(self._order.weights)
            self._idle = self._model.copies(self._shares.at_once, self._shares.threads, layers)
        for item in items:
            if item is None:
                yield from self._meanwhile()
                continue
            small = isinstance(item, Job) and item in self._shares.small
            if isinstance(item, Job) and not small:
                yield from self._until_at_work(0)
            if self._room.leaves_out(item):  # which the pictures that just ended may have found out
                continue
            if not isinstance(item, Job):
                yield item
            elif small:
                self._start(item)
                yield from self._until_at_work(self._shares.at_once - 1)
            else:
                yield from self._alone(item)
        yield from self._until_at_work(0)
        yield from self._room.last_word()

    def _alone(self, job: Job) -> Iterator[Event]:
        """Dream on a picture in this thread; KeyboardInterrupt if stopped."""
        for event in self._performed(job, self._model):
            yield event
            if self._stop.is_set():
                break
        if self._stop.is_set():
            raise KeyboardInterrupt

    def _performed(self, job: Job, model: DreamModel) -> Iterator[Event]:
        return perform(job, model, self._order, self.streams, self._output, self._patience, self._stop)

    def _until_at_work(self, most: int) -> Iterator[Event]:
        """Yield what the threads report until at most `most` are at work; KeyboardInterrupt if stopped."""
        while len(self._at_work) > (0 if self._stop.is_set() else most):
            yield from self._heard(self._messages.get())
        if self._stop.is_set():
            raise KeyboardInterrupt

    def _meanwhile(self) -> Iterator[Event]:
        """Yield what the threads report while there is nothing to begin, for a while; as above if stopped."""
        until = time.monotonic() + PAUSE
        while time.monotonic() < until and not self._stop.is_set():
            with contextlib.suppress(queue.Empty):
                yield from self._heard(self._messages.get(timeout=TICK))
        yield from self._until_at_work(self._shares.at_once)

    def _heard(self, message: _Message) -> Iterator[Event]:
        """Yield an event of a thread's; let the thread go whose last word it is."""
        if not isinstance(message, _Left):
            yield message
            return
        self._at_work.pop(message.job).join()
        self._idle.append(message.model)
        if message.failure is not None:
            raise message.failure

    def _start(self, job: Job) -> None:
        # Not a daemon: Python has to wait for it, since a thread inside ONNX Runtime would crash at exit.
        thread = threading.Thread(target=self._work, args=(job, self._idle.pop()))
        self._at_work[job] = thread
        thread.start()

    def _work(self, job: Job, model: DreamModel) -> None:
        """Dream on a picture, in a thread of its own."""
        failure = None
        try:
            for event in self._performed(job, model):
                self._tell(event)
                if self._stop.is_set() and isinstance(event, Progress):
                    break
        except BaseException as error:  # noqa: BLE001 - it is raised in the main thread
            failure = error
        self._tell(_Left(job, model, failure))

    def _tell(self, message: _Message) -> None:
        """Pass a message to the main thread as long as it listens."""
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
                self._room.see(event)
            case _:
                pass
