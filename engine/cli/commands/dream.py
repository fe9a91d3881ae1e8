"""`deepdream dream`: pictures through the model."""

from __future__ import annotations

import functools
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from engine.cli import console, options, stopping
from engine.cli.commands import clustering, ordering, supply
from engine.cli.commands.common import (
    begin,
    configured,
    idle,
    open_model,
    ordered,
    report_step,
)
from engine.cli.commands.repeat import follow
from engine.errors import Cancelled, DreamError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from engine.batch.events import Asked, Event, Hands, Progress, Streams
    from engine.batch.growth import Shows
    from engine.batch.tally import Tally
    from engine.cli.reporters import Reporter

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

HELP: Final = "dream on pictures"

LONG: Final = 5.0
"""Seconds that the last words may take where they include a report."""

LEAVING: Final = 10.0
"""Seconds that leaving a cluster may take, whose head perhaps does not answer any more."""

add_options = ordering.add_options


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Dream on pictures."""
    started, began = time.monotonic(), time.time()
    repeat = follow(arguments) if arguments.recipe else None
    device = clustering.settle(arguments) if arguments.cluster else ""
    config = configured(arguments, repeat.recipe if repeat else None)
    options.tiling(arguments)  # refused before anything is read
    output = options.output(arguments, config.seed)
    if arguments.watch:
        supply.check_watch(arguments)
    from engine.batch import events

    with ThreadPoolExecutor(1) as pool:
        if repeat:
            opening = pool.submit(repeat.open_model, arguments)
        else:
            opening = pool.submit(open_model, arguments, arguments.device, arguments.precision)

        from engine.batch import growth
        from engine.batch.again import Wanted
        from engine.batch.crew import Crew
        from engine.batch.sharing import Sharing
        from engine.batch.tally import Tally

        streams = events.Streams(_binary(sys.stdin), _binary(sys.stdout))
        planned = ordering.planned(arguments, streams)
    model = opening.result()
    order, warnings = ordered(arguments, config, model)
    warnings += idle(arguments, config) + (repeat.warnings(model) if repeat else ())
    wanted = Wanted(order, model, output)
    plan = functools.partial(ordering.planned, arguments, streams)
    pictures = supply.supplied(arguments, planned, plan, wanted, order, model, reporter)
    tally = Tally(pictures.planned, digests=arguments.report is not None)
    showing = ordering.showing(arguments, pictures.inputs, several=arguments.watch or len(pictures.jobs) > 1)
    shown = growth.Shows(showing, pictures.jobs)
    ending = Ending(reporter, tally, ordering.report(arguments, pictures.inputs), started)
    hands: Hands = Crew(model, order, streams, pictures.shares, output, arguments.retry)
    if arguments.cluster:
        hands = clustering.fleet(arguments, device, order, model, output)
    begin(reporter, model, order, warnings, pictures.pictures, hands.at_once, arguments.cluster or "")
    if pictures.skipped:
        reporter.skipped(pictures.skipped)
    if arguments.watch:
        reporter.watching(arguments.input)
    others = supply.made_by_others(arguments, wanted, began)
    with Sharing(pictures.items, others, reporter.waiting) as sharing:
        sharing.clear(x.job for x in pictures.skipped)
        noting = [tally.see, sharing.see, *([pictures.arrivals.see] if pictures.arrivals else [])]
        see = functools.partial(_see, noting, shown, reporter)
        try:
            _work(hands, streams, sharing, see, ending, arguments, reporter)
        except DreamError as error:
            ending(error.exit_code)
            raise
    return ending(tally.exit_code)


@dataclass(frozen=True)
class Ending:
    """How a run of pictures ends: with its report, and its summary."""

    reporter: Reporter
    tally: Tally
    report: Path | None
    started: float

    def __call__(self, code: int) -> int:
        """Write the report and say how the run went, which ends with this exit code; return it.

        A report that cannot be written makes that of a run without failures another one.
        """
        seconds = time.monotonic() - self.started
        if self.report is not None:
            try:
                self.tally.write(self.report, seconds)
            except DreamError as error:
                self.reporter.error(error)
                code = code or error.exit_code
        self.reporter.end(self.tally, seconds, code)
        return code

    @property
    def patience(self) -> float:
        """Seconds that this may take where the run is stopped."""
        return stopping.PATIENCE if self.report is None else LONG


def _work(
    work: Hands,
    streams: Streams,
    items: Iterable[Asked],
    see: Callable[[Event], None],
    ending: Ending,
    arguments: argparse.Namespace,
    reporter: Reporter,
) -> None:
    """Dream on the pictures and show what happens; raise what an interruption ends with."""

    def words() -> DreamError:
        ending(Cancelled.exit_code)
        return _cancelled(list(work.unfinished.values()))

    try:
        with (
            console.private() if arguments.cluster else nullcontext(),
            stopping.saying(words, ending.patience),
            stopping.instead(work.interrupt, within=LEAVING if arguments.cluster else None)
            if arguments.keep_partial or arguments.cluster
            else nullcontext(),
        ):
            for event in work.run(items):
                see(event)
    except KeyboardInterrupt:
        unfinished = list(work.unfinished.values())
        if arguments.keep_partial:
            raise _kept(unfinished, streams, reporter) from None
        raise _cancelled(unfinished) from None


def _see(noting: Iterable[Callable[[Event], object]], shown: Shows, reporter: Reporter, event: Event) -> None:
    """Have an event noted by all whom it concerns, and reported."""
    for note in noting:
        note(event)
    _report(event, reporter)
    for film in shown.see(event):
        console.say(str(film))


def _report(event: Event, reporter: Reporter) -> None:
    """Report an event of the batch; print the paths of results."""
    from engine.batch import events as batch

    match event:
        case batch.Progress(job, step):
            report_step(job.name, step, reporter)
        case batch.Warned(name, message):
            reporter.warning(message, name=name)
        case batch.Failed(name, error):
            reporter.error(error, name=name)
        case batch.Skipped():
            reporter.passed(event)
        case batch.Told(message):
            reporter.told(message)
        case batch.Done(job, seconds):
            reporter.clear()
            if job.target is not None:
                console.say(job.output)
            reporter.done(job.name, job.output, seconds)


def _cancelled(unfinished: list[Progress]) -> Cancelled:
    """Return the error to end with after an interruption."""
    if not unfinished:
        return Cancelled("cancelled")
    outputs, verb = ", ".join(x.job.output for x in unfinished), "were" if len(unfinished) > 1 else "was"
    hint = "with --keep-partial, the unfinished picture is written"
    return Cancelled(f"cancelled; {outputs} {verb} not written", hint=hint)


def _kept(unfinished: list[Progress], streams: Streams, reporter: Reporter) -> DreamError:
    """Write the unfinished pictures, as many as possible; return the error to end with."""
    from engine.batch import jobs as batch

    reporter.clear()
    kept: list[str] = []
    failure: DreamError | None = None
    for progress in unfinished:
        try:
            lost = batch.keep(progress, streams)
        except DreamError as error:
            if failure is not None:
                reporter.error(failure)
            failure = error
            continue
        for sentence in lost:
            reporter.warning(sentence, name=progress.job.name)
        kept.append(progress.job.output)
        if progress.job.target is not None:
            console.say(progress.job.output)
    verb = "are unfinished pictures" if len(kept) > 1 else "is an unfinished picture"
    return failure or Cancelled(f"cancelled; {', '.join(kept)} {verb}" if kept else "cancelled")


def _binary(stream: Any) -> Any:
    """Return the binary stream below a text stream; None if it is closed."""
    return getattr(stream, "buffer", None)
