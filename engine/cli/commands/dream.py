"""`deepdream dream`: pictures through the model."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.cli import console, options, stopping
from engine.cli.commands.common import (
    begin,
    configured,
    files_read,
    open_model,
    ordered,
    report_step,
)
from engine.cli.commands.repeat import follow
from engine.errors import Cancelled, DreamError, UsageError
from engine.paths import Kept

if TYPE_CHECKING:
    import argparse

    from engine.batch.events import Event, Item, Progress, Streams
    from engine.batch.growth import Showing
    from engine.cli.reporters import Reporter

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

HELP: Final = "dream on pictures"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dream`."""
    parser.add_argument(
        "input", nargs="*", metavar="INPUT", help="picture, folder, glob pattern, or - for stdin"
    )
    parser.add_argument(
        "--from",
        dest="listed",
        metavar="FILE",
        help="take the pictures and folders that this file names, too: one a line, or between null bytes; "
        "- for stdin",
    )
    parser.add_argument(
        "-r",
        "--recursive",
        action="store_true",
        help="take the folders in folders too, and mirror them in OUT",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="file, folder, or - for stdout; without it, STEM.dream.png beside the picture",
    )
    parser.add_argument(
        "--name",
        metavar="TEMPLATE",
        help="names of results in folders, such as {stem}.dream{suffix}, which is the default; {name} is the "
        "stem with the picture's own suffix",
    )
    parser.add_argument(
        "--format", metavar="FORMAT", help="format of results in folders: jpg, tiff, webp and so on (png)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace results that already exist")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep results that already exist; of several, those are otherwise made anew whose recipe is "
        "another",
    )
    parser.add_argument(
        "--jobs",
        type=_jobs,
        metavar="auto|N",
        help="how many pictures of up to a megapixel to dream on at once on a CPU, each with its share of "
        "--threads (which can change a result's last bits); auto: as many as threads and --max-memory allow "
        "(auto)",
    )
    parser.add_argument(
        "--recipe",
        metavar="FILE",
        help="repeat the recipe in this picture or .json file; options on the command line override it, and "
        "--guide none and --mask none remove its guide and mask",
    )
    parser.add_argument(
        "--save-steps",
        metavar="DIR",
        help="also save the steps of the dream, as DIR/PICTURE-0001.png, DIR/PICTURE-0002.png, ...",
    )
    parser.add_argument(
        "--steps-every", type=int, default=1, metavar="N", help="save every Nth step, and the last one (1)"
    )
    parser.add_argument(
        "--animate",
        metavar="FILM",
        help="also write a film of the dream growing: .gif, .webp, or with the [video] extra .mp4 or .webm; "
        "for several pictures, PICTURE.FILM",
    )
    options.add_output(parser)
    options.add_model(parser)
    options.add_dreaming(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Dream on pictures."""
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

        streams = events.Streams(_binary(sys.stdin), _binary(sys.stdout))
        items = _planned(arguments, streams)
    model = opening.result()
    order, warnings = ordered(arguments, config, model)
    warnings += repeat.warnings(model) if repeat else ()
    if not arguments.keep:
        items = look_again(items, order, model, output, files_read(arguments))
    skipped = [x for x in items if isinstance(x, events.Skipped)]
    items = [x for x in items if not isinstance(x, events.Skipped)]
    shares = crew.share(items, model, order.tiling, arguments.jobs)
    inputs = [x.source for x in items if isinstance(x, events.Job)]
    pictures = len(inputs)
    shown = Shows(_showing(arguments, inputs, several=pictures > 1))
    begin(reporter, model, order, warnings, pictures, shares.at_once)
    if skipped:
        reporter.skipped(skipped)
    errors: list[DreamError] = []
    work = crew.Crew(model, order, streams, shares, output)
    try:
        with (
            stopping.saying(lambda: _cancelled(list(work.unfinished.values()))),
            stopping.instead(work.interrupt) if arguments.keep_partial else nullcontext(),
        ):
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


def _planned(arguments: argparse.Namespace, streams: Streams) -> list[Item]:
    """Return what the options ask for, file by file."""
    from engine.batch.finding import read_list
    from engine.batch.naming import Naming
    from engine.batch.planning import plan

    if arguments.keep and arguments.overwrite:
        raise UsageError("--keep and --overwrite contradict each other", hint="leave one of them out")
    listed = None
    if arguments.listed is not None:
        if arguments.listed == "-" in arguments.input:
            raise UsageError("standard input is either a picture or a list", hint="leave out one -")
        listed = read_list(arguments.listed, streams)
    elif not arguments.input:
        raise UsageError("there is nothing to dream on: INPUT is missing", hint="name a picture or a folder")
    return plan(
        arguments.input,
        arguments.output,
        listed=listed,
        recursive=arguments.recursive,
        naming=Naming.of(arguments.name, arguments.format),
        overwrite=arguments.overwrite,
        keep=arguments.keep,
        kept=files_read(arguments),
    )


def _showing(arguments: argparse.Namespace, inputs: list[Path | None], *, several: bool) -> Showing:
    """Return how the options want a dream's growth to be shown."""
    from engine.batch.growth import Showing

    kept: list[tuple[str, str | Path]] = [
        *files_read(arguments),
        *(("the input", x) for x in inputs if x is not None),
    ]
    return Showing(
        folder=arguments.save_steps and Path(arguments.save_steps),
        every=arguments.steps_every,
        film=arguments.animate and Path(arguments.animate),
        several=several,
        overwrite=arguments.overwrite,
        kept=Kept(kept if arguments.overwrite else ()),
    )


def _report(event: Event, reporter: Reporter, errors: list[DreamError]) -> None:
    """Report an event of the batch; collect errors, print the paths of results."""
    from engine.batch import events as batch

    match event:
        case batch.Progress(job, step):
            report_step(job.name, step, reporter)
        case batch.Warned(name, message):
            reporter.warning(message, name=name)
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


def _jobs(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--jobs {text} is out of range", hint="--jobs takes auto, or a number from 1 up")
    return int(text)
