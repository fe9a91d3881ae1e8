"""One picture of an order: read, dreamed on, written; errors are events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine.batch.events import Done, Failed, Job, Progress, Warned
from engine.errors import DreamError, ImageError
from engine.files import images
from engine.library.dreaming import Dreaming
from engine.settings.output import STANDARD, Output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.ascent.order import Order
    from engine.batch.events import Event, Streams
    from engine.network.model import DreamModel
    from engine.pictures.picture import Picture
    from engine.settings.origin import Origin


def perform(
    job: Job, model: DreamModel, order: Order, streams: Streams, output: Output = STANDARD
) -> Iterator[Event]:
    """Dream on a picture and yield what happens; errors are events too."""
    try:
        yield from _dream(job, model, order, streams, output)
    except DreamError as error:
        yield Failed(job.name, error, job.target)
    except OSError as error:  # a file system can refuse anything at any time
        reason = error.strerror or str(error)
        yield Failed(job.name, ImageError(f"{job.name} cannot be dreamed on: {reason}"), job.target)
    except MemoryError:
        yield Failed(job.name, DreamError(f"not enough memory for {job.name}", hint="make it smaller"))


def keep(progress: Progress, streams: Streams) -> tuple[str, ...]:
    """Write the picture so far, at full size, as the job's result; return what could not be kept."""
    if progress.job.target is not None:
        return progress.dreaming.save(progress.step, progress.job.target)
    if streams.stdout is None:
        raise ImageError("standard output is closed")
    content, lost = progress.dreaming.encode(progress.step)
    try:
        streams.stdout.write(content)
        streams.stdout.flush()
    except OSError as error:
        raise ImageError(f"the picture cannot be written to standard output: {error.strerror}") from error
    return lost


def _dream(job: Job, model: DreamModel, order: Order, streams: Streams, output: Output) -> Iterator[Event]:
    started = time.perf_counter()
    if job.target is not None:
        images.check_writable(job.target)  # now rather than after minutes of work
    dreaming = Dreaming.begin(_read(job, streams), order, model, output)
    yield from (Warned(job.name, x) for x in dreaming.source.warnings)
    for step in dreaming.steps():
        progress = Progress(job, step, dreaming)
        yield progress
    yield from (Warned(job.name, x) for x in keep(progress, streams))
    yield Done(job, time.perf_counter() - started)


def _read(job: Job, streams: Streams) -> tuple[Picture, Origin]:
    if job.source is not None:
        return images.read(job.source)
    if streams.stdin is None:
        raise ImageError("standard input is closed")
    try:
        content = streams.stdin.read()
    except OSError as error:
        raise ImageError(f"standard input cannot be read: {error.strerror}") from error
    return images.read_bytes(content, "standard input")
