"""What the options of `deepdream dream` ask for: which pictures, and what is kept of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli import options
from engine.cli.commands.common import files_read
from engine.errors import UsageError
from engine.paths import Kept

if TYPE_CHECKING:
    import argparse

    from engine.batch.events import Item, Streams
    from engine.batch.growth import Showing
    from engine.remote import Place

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dream`."""
    parser.add_argument(
        "input",
        nargs="*",
        metavar="INPUT",
        help="picture, folder, glob pattern, s3://, gs:// or file:// URL of one of these, or - for stdin",
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
        "--watch",
        action="store_true",
        help="go on with the pictures that arrive in these folders, until Ctrl-C; needs the [watch] extra",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="file, folder, URL, or - for stdout; without it, STEM.dream.png beside the picture",
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
        "--cluster",
        metavar="local|HOST:PORT",
        help="dream on the machines of a Ray cluster, each picture on --threads processors (1) or a GPU, by "
        "--jobs workers at most; local: on all GPUs or processors of this machine",
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
    parser.add_argument(
        "--retry",
        type=_retries,
        default=0,
        metavar="N",
        help="where a picture cannot be read, as on a network that fails, how often to read it again, after "
        "1, 2, 4 seconds and so on (0)",
    )
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="when all is over, write what became of each picture: .json or .csv",
    )
    options.add_output(parser)
    options.add_model(parser)
    options.add_dreaming(parser)


def planned(arguments: argparse.Namespace, streams: Streams) -> list[Item]:
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
        awaiting=arguments.watch,
        kept=files_read(arguments),
    )


def showing(arguments: argparse.Namespace, inputs: list[Place | None], *, several: bool) -> Showing:
    """Return how the options want a dream's growth to be shown."""
    from engine.batch.growth import Showing

    return Showing(
        folder=arguments.save_steps and Path(arguments.save_steps),
        every=arguments.steps_every,
        film=arguments.animate and Path(arguments.animate),
        several=several,
        overwrite=arguments.overwrite,
        kept=Kept(_read(arguments, inputs) if arguments.overwrite else ()),
    )


def report(arguments: argparse.Namespace, inputs: list[Place | None]) -> Path | None:
    """Return the file of the report that the options ask for; refuse it here, before anything is dreamed."""
    if arguments.report is None:
        return None
    from engine.batch import tally

    file = Path(arguments.report)
    tally.check(file, Kept(_read(arguments, inputs)))
    return file


def _read(arguments: argparse.Namespace, inputs: list[Place | None]) -> list[tuple[str, str | Place]]:
    """Return all files that a run reads, by what they are."""
    return [*files_read(arguments), *(("the input", x) for x in inputs if x is not None)]


def _retries(text: str) -> int:
    if not text.isdecimal() or int(text) > 100:
        raise UsageError(f"--retry {text} is out of range", hint="--retry takes a number from 0 to 100")
    return int(text)


def _jobs(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--jobs {text} is out of range", hint="--jobs takes auto, or a number from 1 up")
    return int(text)
