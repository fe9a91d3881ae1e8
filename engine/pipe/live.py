"""Many small dreams for a preview: requests in on standard input, events and frames out (docs/wire.md).

Each request has options of its own, and the newest one wins: it ends the dream at work at once.
The model stays open.  A thread reads, so that nothing is missed meanwhile; only the main thread writes.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from engine.ascent import memory
from engine.errors import Cancelled, DreamError, WireError
from engine.pipe import lines, wire
from engine.pipe.mailbox import REST, unsent
from engine.pipe.serve import finish, steps
from engine.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.ascent.order import Order
    from engine.ascent.step import Step
    from engine.network.model import DreamModel

    Prepare = Callable[[tuple[str, ...]], tuple[DreamModel, Order, tuple[str, ...]]]
    """Makes of a request's options a model, an order, and warnings for the user; raises DreamError."""

PROTOCOL: Final = 1
"""Version of the lines in both directions."""

TICK: Final = 0.25
"""Seconds between two looks for signals while there is nothing to do."""

SPARING: Final = 4
"""How many times longer than a picture of the dream so far took to make, the next one has to wait."""


@dataclass(frozen=True)
class Request:
    """A dream that is asked for."""

    number: int
    wanted: lines.Wanted
    frame: wire.Values = field(repr=False)

    stop: Stop = field(default_factory=Stop, repr=False)
    """Set once it is not wanted any more: it was stopped, or a newer one came."""

    keep: threading.Event = field(default_factory=threading.Event, repr=False)
    """Set before `stop` where the picture so far is wanted."""


@dataclass(frozen=True)
class Refusal:
    """A request that cannot be met."""

    number: int
    error: DreamError


@dataclass(frozen=True)
class Skipped:
    """A request that was stopped, or overtaken by a newer one, before its turn."""

    number: int


@dataclass(frozen=True)
class Event:
    """What is told of a request."""

    name: str
    entries: dict[str, Any]
    frame: wire.Values | None = field(default=None, repr=False)


class Requests:
    """What arrives on standard input; iterate over it, until it ends or WireError is raised."""

    def __init__(self, descriptor: int, ended: Callable[[], object]) -> None:
        """Begin to read; `ended` is called at the end of input, in another thread."""
        self._input = open(descriptor, "rb", closefd=False)  # noqa: SIM115 - read until the end
        self._ended = ended
        self._news: deque[Request | Refusal | Skipped | WireError | None] = deque()
        self._arrived = threading.Condition()
        self._newest: Request | None = None
        self.at_rest: Callable[[], object] = lambda: None
        """Called once nothing has arrived for `REST` seconds."""

        threading.Thread(target=self._receive, daemon=True).start()

    @property
    def waiting(self) -> bool:
        """Whether anything has arrived that has not been taken."""
        return bool(self._news)

    def __iter__(self) -> Iterator[Request | Refusal | Skipped]:
        while True:
            item = self._next()
            if item is None:
                return
            if isinstance(item, WireError):
                raise item
            yield item

    def _next(self) -> Request | Refusal | Skipped | WireError | None:
        since = time.monotonic()
        while True:
            with self._arrived:
                if not self._news:
                    self._arrived.wait(TICK)  # on Windows no signal is seen in a wait without end
                if self._news:
                    return self._news.popleft()
            if time.monotonic() - since > REST:
                self.at_rest()
                since = math.inf

    def _receive(self) -> None:
        """Take one line after another, in a thread of its own."""
        try:
            with self._input:
                while line := self._input.readline(lines.LONGEST + 1):
                    self._take(lines.read(line))
        except WireError as error:
            self._put(error)
        except OSError as error:
            self._put(WireError(f"standard input cannot be read: {error.strerror}"))
        else:
            self._ended()
            self._put(None)

    def _take(self, entries: dict[str, Any]) -> None:
        if "dream" not in entries:
            self._stop(lines.number(entries, "stop"), keep=lines.keep(entries))
            return
        number = lines.number(entries, "dream")
        with self._arrived:
            self._drop()  # now rather than when all of the frame has come
        wanted: lines.Wanted | WireError
        try:
            wanted = lines.wanted(entries)
        except WireError as error:  # the frame is still to come
            wanted = error
        frame = self._frame()
        item: Request | Refusal
        if isinstance(wanted, WireError):
            item = Refusal(number, wanted)
        elif isinstance(frame, DreamError):
            item = Refusal(number, frame)
        elif not wanted.fits(frame):
            item = Refusal(number, lines.outside(frame))
        else:
            item = Request(number, wanted, frame)
        self._put(item)

    def _frame(self) -> wire.Values | DreamError:
        """Return the frame, or why there can be none; raise WireError where what follows cannot be found."""
        header = wire.read_header(self._input.read1)
        if header is None:
            raise WireError("standard input ended before the frame of a request")
        height, width, channels = header.shape
        try:
            memory.check_frame((height, width), channels * int(header.kind[-1]))
        except DreamError as error:
            wire.skip_pixels(self._input.read1, header)
            return error
        try:
            return wire.read_pixels(self._input.read1, header)
        except wire.NotFinite as error:
            return error

    def _put(self, item: Request | Refusal | WireError | None) -> None:
        with self._arrived:
            self._drop()
            self._newest = item if isinstance(item, Request) else None
            self._news.append(item)
            self._arrived.notify()

    def _stop(self, number: int, *, keep: bool) -> None:
        with self._arrived:
            if self._newest is not None and self._newest.number == number:
                if keep:
                    self._newest.keep.set()
                self._drop()

    def _drop(self) -> None:
        """End the newest request: the dream at work, or one that has not had its turn."""
        if self._newest is not None:
            self._newest.stop.set()
        self._newest = None
        for at, item in enumerate(self._news):
            if isinstance(item, Request):
                self._news[at] = Skipped(item.number)


class Answers:
    """What is sent: a line of JSON for each event, and a frame after those that say so."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, event: Event) -> None:
        """Send an event; raises Cancelled where nobody reads."""
        words = {"event": event.name, **event.entries, "frame": event.frame is not None}
        rest = memoryview((json.dumps(words) + "\n").encode())
        try:
            while rest:
                rest = rest[self._write(rest) :]
            if event.frame is not None:
                wire.write(self._write, event.frame)
        except OSError as error:
            raise unsent(error) from error

    def _write(self, part: memoryview) -> int:
        return os.write(self._descriptor, part)


def serve(requests: Requests, answers: Answers, prepare: Prepare) -> None:
    """Answer requests until input ends; raises WireError where it is broken, Cancelled where nobody reads.

    The last event of each request is `done`, `stopped` or `error`.
    """
    for item in requests:
        for event in _answered(item, prepare):
            answers.send(event)


def _answered(item: Request | Refusal | Skipped, prepare: Prepare) -> Iterator[Event]:
    about = {"dream": item.number}
    try:
        match item:
            case Request():
                yield from _dreamed(item, prepare)
            case Refusal():
                raise item.error
            case Skipped():
                yield Event("stopped", about)
    except Cancelled:
        yield Event("stopped", about)
    except MemoryError:
        hint = "close other programs, or send a smaller picture"
        yield Event("error", about | {"message": "not enough memory", "hint": hint})
    except DreamError as error:
        yield Event("error", about | {"message": str(error), "hint": error.hint})


def _dreamed(request: Request, prepare: Prepare) -> Iterator[Event]:
    about = {"dream": request.number}
    begun, show, part = time.monotonic(), _Show(request), request.wanted.part
    model, order, warnings = prepare(request.wanted.options)
    step, finished = None, True
    try:
        for step in steps(request.frame, model, order, request.stop, part):
            for warning in (*warnings, *step.warnings):
                yield Event("warning", about | {"message": warning, "hint": ""})
            warnings = ()
            request.stop.check()
            yield Event("step", about | step.facts(), show.picture(step, model))
    except Cancelled:
        if step is None or not request.keep.is_set():
            raise
        finished = False
    assert step is not None  # noqa: S101 - for the type checker
    ended = {"seconds": round(time.monotonic() - begun, 3), "finished": finished}
    yield Event("done", about | ended, finish(request.frame, step, model, part))


class _Show:
    """Shows the dream so far, from the first step on, as often as is asked for and as it may take time."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._next = 0.0

    def picture(self, step: Step, model: DreamModel) -> wire.Values | None:
        """Return the picture so far if it is time for one; the last one comes with `done`."""
        seconds, begun = self._request.wanted.show, time.monotonic()
        if seconds is None or begun < self._next or step.fraction >= 1:
            return None
        frame = finish(self._request.frame, step, model, self._request.wanted.part)
        ended = time.monotonic()
        self._next = ended + max(seconds, SPARING * (ended - begun))
        return frame
