"""One picture of an order: read, dreamed on, written; errors are events."""

from __future__ import annotations

import errno
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from engine.ascent.work import admit
from engine.batch.again import is_result
from engine.batch.events import Done, Failed, Job, Progress, Warned
from engine.errors import Cancelled, DreamError, ImageError
from engine.files import images
from engine.library.dreaming import Dreaming
from engine.settings.output import STANDARD, Output
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from engine.ascent.order import Order
    from engine.batch.events import Event, Streams
    from engine.files.limits import Admit
    from engine.network.model import DreamModel
    from engine.pictures.picture import Picture
    from engine.settings.origin import Origin
    from engine.stop import Stop


_NAMES: Final = """
EAGAIN EBUSY ECONNABORTED ECONNRESET EHOSTDOWN EHOSTUNREACH EIO ENETDOWN ENETUNREACH ENOTCONN EREMOTEIO ESTALE
ETIMEDOUT
"""

PASSING: Final = frozenset(getattr(errno, x) for x in _NAMES.split() if hasattr(errno, x))
"""Errors of reading that can pass, as those of a disk in the network do."""

FIRST_WAIT: Final = 1.0
"""Seconds before a picture is read again; each further wait is twice as long."""

LONGEST_WAIT: Final = 60.0
"""Seconds of a wait, at most."""


@dataclass(frozen=True)
class Patience:
    """What is done about pictures that cannot be read at the moment."""

    retries: int = 0
    """How many times each is read again, at most."""

    wait: Callable[[float], object] = time.sleep
    """Waits for so many seconds, or until the work is stopped."""


def perform(
    job: Job,
    model: DreamModel,
    order: Order,
    streams: Streams,
    output: Output = STANDARD,
    patience: Patience = Patience(),
    stop: Stop = NEVER,
) -> Iterator[Event]:
    """Dream on a picture and yield what happens; errors are events too.

    Once `stop` is set, it ends without a further event.
    """
    try:
        yield from _dream(job, model, order, streams, output, patience, stop)
    except Cancelled:  # whoever asked for it knows
        return
    except DreamError as error:
        yield Failed(job.name, error, job.target)
    except OSError as error:  # a file system can refuse anything at any time
        reason = error.strerror or str(error)
        yield Failed(job.name, ImageError(f"{job.name} cannot be dreamed on: {reason}"), job.target)
    except MemoryError:
        yield Failed(job.name, DreamError(f"not enough memory for {job.name}", hint="make it smaller"))


def may_pass(error: DreamError, *others: int) -> bool:
    """Tell whether an error is one of a disk or a network that can pass, or has one of these numbers."""
    return getattr(error.__cause__, "errno", None) in (*PASSING, *others)


def no_room(consequence: str, numbers: Iterable[int]) -> ImageError:
    """Return the error that ends a run where disks take nothing more, which these numbers of errors say."""
    if set(numbers) == {errno.EROFS}:
        return ImageError(
            f"results cannot be written to a read-only disk: {consequence}", hint="write elsewhere"
        )
    hint = "make room and run the same command again: pictures that are finished are skipped"
    return ImageError(f"no room for results: {consequence}", hint=hint)


def keep(progress: Progress, streams: Streams) -> tuple[str, ...]:
    """Write the picture so far, at full size, as the job's result; return what could not be kept."""
    job = progress.job
    if job.target is not None:
        try:
            return progress.dreaming.save(progress.step, job.target, replace=job.replaces)
        except ImageError as error:
            if isinstance(error.__cause__, FileExistsError) and is_result(job, progress.dreaming.recipe()):
                return ()  # another run, or one that was lost, has done the same meanwhile
            raise
    if streams.stdout is None:
        raise ImageError("standard output is closed")
    content, lost = progress.dreaming.encode(progress.step)
    try:
        streams.stdout.write(content)
        streams.stdout.flush()
    except OSError as error:
        raise ImageError(f"the picture cannot be written to standard output: {error.strerror}") from error
    return lost


def _dream(
    job: Job,
    model: DreamModel,
    order: Order,
    streams: Streams,
    output: Output,
    patience: Patience,
    stop: Stop,
) -> Iterator[Event]:
    started = time.perf_counter()
    if job.target is not None:
        images.check_writable(job.target)  # now rather than after minutes of work
    read = yield from _read_patiently(job, streams, patience, partial(admit, order, model))
    dreaming = Dreaming.begin(read, order, model, output)
    yield from (Warned(job.name, x) for x in dreaming.source.warnings)
    for step in dreaming.steps(stop):
        progress = Progress(job, step, dreaming)
        yield progress
    yield from (Warned(job.name, x) for x in keep(progress, streams))
    yield Done(job, time.perf_counter() - started)


def _read_patiently(
    job: Job, streams: Streams, patience: Patience, admitted: Admit
) -> Generator[Event, None, tuple[Picture, Origin]]:
    """Read a picture, again where an error can pass; tell of each."""
    for again in range(patience.retries):
        try:
            return _read(job, streams, admitted)
        except ImageError as error:
            if job.source is None or not may_pass(error):
                raise
            seconds = min(FIRST_WAIT * 2**again, LONGEST_WAIT)
            left = patience.retries - again
            yield Warned(job.name, f"{error}; read again in {seconds:g} s (--retry: {left} left)")
            patience.wait(seconds)
    return _read(job, streams, admitted)


def _read(job: Job, streams: Streams, admitted: Admit) -> tuple[Picture, Origin]:
    if job.source is not None:
        return images.read(job.source, admitted)
    if streams.stdin is None:
        raise ImageError("standard input is closed")
    try:
        content = streams.stdin.read()
    except OSError as error:
        raise ImageError(f"standard input cannot be read: {error.strerror}") from error
    return images.read_bytes(content, "standard input", admitted)
