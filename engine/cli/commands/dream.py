"""`deepdream dream`: pictures through the model."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from engine.cli import console, options, stopping
from engine.cli.commands import ordering
from engine.cli.commands.common import (
    begin,
    configured,
    files_read,
    open_model,
    ordered,
    report_step,
)
from engine.cli.commands.repeat import follow
from engine.errors import Cancelled, DreamError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from engine.batch.crew import Crew
    from engine.batch.events import Event, Item, Progress, Streams
    from engine.cli.reporters import Reporter

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

HELP: Final = "dream on pictures"

add_options = ordering.add_options


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Dream on pictures."""
    started = time.monotonic()
    repeat = follow(arguments) if arguments.recipe else None
    config = configured(arguments, repeat.recipe if repeat else None)
    options.tiling(arguments)  # refused before anything is read
    output = options.output(arguments, config.seed)
    from engine.batch import events

    with ThreadPoolExecutor(1) as pool:
        if repeat:
            opening = pool.submit(repeat.open_model, arguments)
        else:
            opening = pool.submit(open_model, arguments, arguments.device, arguments.precision)

        from engine.batch import crew
        from engine.batch.again import look_again
        from engine.batch.growth import Shows
        from engine.batch.tally import Tally

        streams = events.Streams(_binary(sys.stdin), _binary(sys.stdout))
        items = ordering.planned(arguments, streams)
    model = opening.result()
    order, warnings = ordered(arguments, config, model)
    warnings += repeat.warnings(model) if repeat else ()
    if not arguments.keep:
        items = look_again(items, order, model, output, files_read(arguments))
    tally = Tally(items, digests=arguments.report is not None)
    skipped = [x for x in items if isinstance(x, events.Skipped)]
    items = [x for x in items if not isinstance(x, events.Skipped)]
    shares = crew.share(items, model, order.tiling, arguments.jobs)
    inputs = [x.source for x in items if isinstance(x, events.Job)]
    pictures = len(inputs)
    shown = Shows(ordering.showing(arguments, inputs, several=pictures > 1))
    report = ordering.report(arguments, inputs)
    begin(reporter, model, order, warnings, pictures, shares.at_once)
    if skipped:
        reporter.skipped(skipped)

    def see(event: Event) -> None:
        tally.see(event)
        _report(event, reporter)
        for film in shown.see(event):
            console.say(str(film))

    try:
        _work(
            crew.Crew(model, order, streams, shares, output, arguments.retry), items, see, arguments, reporter
        )
    finally:
        if report is not None:
            tally.write(report, time.monotonic() - started)
    code = tally.codes.pop() if len(tally.codes) == 1 else int(bool(tally.codes))
    reporter.end(tally, time.monotonic() - started, code)
    return code


def _work(
    work: Crew,
    items: list[Item],
    see: Callable[[Event], None],
    arguments: argparse.Namespace,
    reporter: Reporter,
) -> None:
    """Dream on the pictures and show what happens; raise what an interruption ends with."""
    try:
        with (
            stopping.saying(lambda: _cancelled(list(work.unfinished.values()))),
            stopping.instead(work.interrupt) if arguments.keep_partial else nullcontext(),
        ):
            for event in work.run(items):
                see(event)
    except KeyboardInterrupt:
        unfinished = list(work.unfinished.values())
        if arguments.keep_partial:
            raise _kept(unfinished, work.streams, reporter) from None
        raise _cancelled(unfinished) from None


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
        case batch.Done(job, seconds):
            reporter.done(job.name, job.output, seconds)
            if job.target is not None:
                console.say(job.output)


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
