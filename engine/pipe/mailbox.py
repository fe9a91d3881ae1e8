"""Standard input and output of a process that must be able to stop at any moment.

The main thread does the work.  Another thread owns standard input, so that its end is noticed meanwhile.
Whatever may block for ever (input, output, opening a model) runs in daemon threads; the main thread checks
every `TICK` whether to stop.  It polls because no call waits for threads, pipes and signals on every system.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import queue
import threading
import time
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Final, TypeVar

from engine.ascent import memory
from engine.errors import Cancelled, DreamError, ImageError, WireError
from engine.pipe import wire
from engine.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

TICK: Final = 0.05
"""Seconds between two checks whether to stop."""

PATIENCE: Final = 2.0
"""Seconds that a reader may go without taking any of a frame once we have been told to stop."""


REST: Final = 2.0
"""Seconds without anything to do after which an engine that waits gives its memory back."""


class Inbox:
    """The frames on standard input, and whether to stop.

    Iterate over it: asking for the next frame means that the previous one is answered.  At most one frame
    is read ahead, and only with `abort_on_eof`, where the end of input must not be missed.
    """

    def __init__(self, descriptor: int, *, abort_on_eof: bool) -> None:
        self._descriptor = descriptor
        self._abort_on_eof = abort_on_eof
        self._any_input = self._aborted = self._signalled = False
        self.wish = Stop()
        """Set once we are told to stop, by a signal or, with `abort_on_eof`, by the end of input."""
        self.at_rest: Callable[[], object] = lambda: None
        """Called once nothing has arrived for `REST` seconds."""
        self._room = threading.Semaphore(2 if abort_on_eof else 1)
        self._items: queue.SimpleQueue[wire.Values | BaseException | None] = queue.SimpleQueue()
        threading.Thread(target=self._receive, daemon=True).start()

    @property
    def stopped(self) -> bool:
        """Whether to stop now."""
        return self.wish.is_set()

    def stop(self) -> bool:
        """Stop as soon as possible, and return True; can be called from any thread."""
        self._signalled = True
        self.wish.set()
        return True

    def until(self, future: Future[T]) -> T:
        """Wait for a result; raise Cancelled as soon as we are told to stop."""
        while not future.done():
            if self.stopped:
                raise Cancelled("cancelled; nothing was written")
            wait([future], TICK)
        return future.result()

    def __iter__(self) -> Iterator[wire.Values]:
        """Yield the frames; raise WireError for a bad one, and if there is none at all."""
        number = 0
        while (frame := self._next()) is not None:
            number += 1
            yield frame
            self._room.release()
        if not number:
            raise WireError("no frame arrived on standard input", hint="send one as numpy.save writes it")

    def _next(self) -> wire.Values | None:
        item: wire.Values | BaseException | None = None
        arrived, since = False, time.monotonic()
        while not arrived:
            if self._signalled:
                raise Cancelled("cancelled")
            try:
                item, arrived = self._items.get(timeout=TICK), True
            except queue.Empty:
                if time.monotonic() - since > REST:
                    self.at_rest()
                    since = math.inf
        if isinstance(item, BaseException):
            raise item
        if item is not None and self.stopped:
            raise Cancelled("cancelled; the frame was not answered")
        return item

    def _receive(self) -> None:
        """Read one frame after another, in a thread of its own."""
        try:
            while (header := wire.read_header(self._read)) is not None:
                height, width, channels = header.shape
                memory.check_frame((height, width), channels * int(header.kind[-1]))
                self._room.acquire()
                self._items.put(wire.read_pixels(self._read, header))
        except BaseException as error:  # noqa: BLE001 - it is raised in the main thread
            cut_off = Cancelled("cancelled while a frame was arriving")
            self._items.put(cut_off if self._aborted else error)
            self._drain()
        self._items.put(None)

    def _drain(self) -> None:
        """After a bad frame, keep waiting for the end: the frame before it may still be at work."""
        with contextlib.suppress(DreamError):
            while self._abort_on_eof and self._read(wire.CHUNK):
                pass

    def _read(self, count: int) -> bytes:
        try:
            part = os.read(self._descriptor, count)
        except OSError as error:
            raise WireError(f"standard input cannot be read: {error.strerror}") from error
        if part:
            self._any_input = True
        elif self._abort_on_eof and self._any_input:
            self._aborted = True
            self.wish.set()
        return part


class Outbox:
    """The answers, on standard output."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._taken = 0

    def send(self, values: wire.Values, stopped: Callable[[], bool]) -> None:
        """Write a whole frame, even if we are told to stop meanwhile, as long as somebody reads it.

        Raises Cancelled if nobody does, ImageError if it cannot be written.
        """
        sending = in_background(wire.write, self._write, values)
        taken, since = self._taken, time.monotonic()
        while not sending.done():
            wait([sending], TICK)
            if self._taken != taken or not stopped():
                taken, since = self._taken, time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                raise Cancelled("cancelled; nobody reads the frame")
        try:
            sending.result()
        except OSError as error:
            raise unsent(error) from error

    def _write(self, part: memoryview) -> int:
        count = os.write(self._descriptor, part[: 1 << 16])
        self._taken += count
        return count


def unsent(error: OSError) -> DreamError:
    """Return why standard output takes no more: Cancelled where nobody reads, or else ImageError."""
    if error.errno in {errno.EPIPE, errno.EINVAL, errno.ECONNRESET}:  # Windows says EINVAL
        return Cancelled("nobody reads the frames any more")
    return ImageError(f"the frame cannot be written: {error.strerror}")


def in_background(function: Callable[..., T], *arguments: object) -> Future[T]:
    """Call a function in a daemon thread, which does not keep the program from ending."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(function(*arguments))
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future
