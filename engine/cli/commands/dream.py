"""`deepdream dream`: pictures through the model."""

from __future__ import annotations

import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.cli import console, options
from engine.cli.commands.common import begin, configured, handling, open_model, ordered, report_step
from engine.cli.commands.repeat import follow
from engine.errors import Cancelled, DreamError, UsageError

if TYPE_CHECKING:
    import argparse

    from engine.batch.growth import Showing
    from engine.batch.jobs import Event, Progress, Streams
    from engine.cli.console import Silent

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

HELP: Final = "dream on pictures"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `dream` takes."""
    parser.add_argument(
        "input", nargs="+", metavar="INPUT", help="picture, folder, glob pattern, or - for stdin"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="file, folder, or - for stdout; without it, STEM.dream.png beside the picture",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace results that are there already")
    parser.add_argument(
        "--jobs",
        type=_jobs,
        metavar="auto|N",
        help="pictures of up to a megapixel dreamed at once on a CPU, each on its share of --threads, which "
        "shows in a result's last bits; auto: as many as threads and --max-memory allow (auto)",
    )
    parser.add_argument(
        "--recipe",
        metavar="FILE",
        help="repeat what made this picture, or is in this .json file; the options given here win, "
        "--guide none and --mask none too",
    )
    parser.add_argument(
        "--save-steps", metavar="DIR", help="write each step of the dream too, as DIR/PICTURE-0001.png and on"
    )
    parser.add_argument(
        "--steps-every", type=int, default=1, metavar="N", help="of so many steps write one, and the last (1)"
    )
    parser.add_argument(
        "--animate",
        metavar="FILM",
        help="write a film of how the dream grew: .gif, .webp, or with [video] .mp4 and .webm; of several "
        "pictures, PICTURE.FILM",
    )
    options.add_output(parser)
    options.add_model(parser)
    options.add_dreaming(parser)


def run(arguments: argparse.Namespace, reporter: Silent) -> int:
    """Dream on pictures."""
    repeat = follow(arguments) if arguments.recipe else None
    config = configured(arguments, repeat.recipe if repeat else None)
    options.tiling(arguments)  # refused before anything is read
    output = options.output(arguments, config.seed)
    with ThreadPoolExecutor(1) as pool:
        if repeat:
            opening = pool.submit(repeat.open_model, arguments)
        else:
            opening = pool.submit(open_model, arguments, arguments.device, arguments.precision)

        from engine.batch import crew
        from engine.batch import jobs as batch
        from engine.batch.growth import Shows

        streams = batch.Streams(_binary(sys.stdin), _binary(sys.stdout))
        items = batch.plan(arguments.input, arguments.output, overwrite=arguments.overwrite)
    model = opening.result()
    order, warnings = ordered(arguments, config, model)
    warnings += repeat.warnings(model) if repeat else ()
    shares = crew.share(items, model, order.tiling, arguments.jobs)
    pictures = sum(isinstance(x, batch.Job) for x in items)
    shown = Shows(_showing(arguments, several=pictures > 1))
    begin(reporter, model, order, warnings, pictures, shares.at_once)
    errors: list[DreamError] = []
    work = crew.Crew(model, order, streams, shares, output)
    try:
        with handling(work.interrupt, signal.SIGTERM, signal.SIGINT):
            for event in work.run(items):
                _report(event, reporter, errors)
                for film in shown.see(event):
                    console.say(str(film))
    except KeyboardInterrupt:
        unfinished = list(work.unfinished.values())
        if arguments.keep_partial:
            raise _kept(unfinished, streams, reporter) from None
        raise _cancelled(unfinished) from None
    codes = {error.exit_code for error in errors}
    return codes.pop() if len(codes) == 1 else int(bool(codes))


def _showing(arguments: argparse.Namespace, *, several: bool) -> Showing:
    """Return what the options want to see of a dream's growth."""
    from engine.batch.growth import Showing

    return Showing(
        folder=arguments.save_steps and Path(arguments.save_steps),
        every=arguments.steps_every,
        film=arguments.animate and Path(arguments.animate),
        several=several,
        overwrite=arguments.overwrite,
    )


def _report(event: Event, reporter: Silent, errors: list[DreamError]) -> None:
    """Hand an event of the batch on to the reporter; collect errors, print written paths."""
    from engine.batch import jobs as batch

    match event:
        case batch.Progress(job, step):
            report_step(job.name, step, reporter)
        case batch.Warned(name, message):
            reporter.warning(message, name=name)
        case batch.Skipped(job):
            reporter.warning(f"{job.output} is there already: skipped", name=job.name, hint="--overwrite")
        case batch.Failed(name, error):
            errors.append(error)
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
    hint = "--keep-partial writes the picture so far"
    return Cancelled(f"cancelled; {outputs} {verb} not written", hint=hint)


def _kept(unfinished: list[Progress], streams: Streams, reporter: Silent) -> DreamError:
    """Write the pictures so far, as many as can be; return the error to end with."""
    from engine.batch import jobs as batch

    reporter.clear()
    kept: list[str] = []
    failure: DreamError | None = None
    for progress in unfinished:
        try:
            batch.keep(progress, streams)
        except DreamError as error:
            if failure is not None:
                reporter.error(failure)
            failure = error
            continue
        kept.append(progress.job.output)
        if progress.job.target is not None:
            console.say(progress.job.output)
    verb = "are the pictures" if len(kept) > 1 else "is the picture"
    return failure or Cancelled(f"cancelled; {', '.join(kept)} {verb} so far" if kept else "cancelled")


def _binary(stream: Any) -> Any:
    """Return a text stream's binary side; None where the stream is closed."""
    return getattr(stream, "buffer", None)


def _jobs(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--jobs {text} is out of range", hint="--jobs takes auto, or a number from 1")
    return int(text)
