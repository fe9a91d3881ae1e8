"""`deepdream gallery`: one sheet of what each layer makes of a picture."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import paths
from engine.cli import console, options
from engine.cli.commands.common import files_read, open_model
from engine.errors import UsageError
from engine.galleries.looks import COUNT, LOOK, SIDE
from engine.settings import presets

if TYPE_CHECKING:
    import argparse

    from engine.cli.reporters import Reporter
    from engine.galleries.sheet import Cell

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

HELP: Final = "show on one sheet what each layer makes of a picture"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `gallery`."""
    parser.add_argument("picture", metavar="PICTURE", help="picture; a small copy of it is dreamed on")
    parser.add_argument(
        "-o",
        "--output",
        metavar="SHEET",
        help="file or folder; without it, STEM.gallery.png beside the picture",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a sheet that already exists")
    parser.add_argument(
        "--channels", metavar="LAYER", help="show the channels of this layer that the picture excites most"
    )
    parser.add_argument(
        "--count", type=int, default=COUNT, metavar="N", help=f"how many channels to show ({COUNT})"
    )
    parser.add_argument(
        "--size",
        type=int,
        default=SIDE,
        metavar="PX",
        help=f"size of each small picture: the side of a square of the same area; 64 to 1024 ({SIDE})",
    )
    options.add_model(parser)
    options.add_device(parser)
    options.add_progress(parser)
    look = parser.add_argument_group("the look")
    look.add_argument(
        "--preset",
        help=f"settings to start from, except its layers: {', '.join(presets.names())}, or a .toml file "
        "(the gallery's own)",
    )
    options.add_settings(look, LOOK)


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Dream on a small picture with each layer, or channel, and write one sheet."""
    from engine.files import images
    from engine.galleries import gallery as galleries

    started = time.perf_counter()
    config = galleries.look(arguments.preset, options.given_settings(arguments))
    target = _target(arguments)
    images.check_writable(target)
    model = open_model(arguments, arguments.device, arguments.precision)
    plan = galleries.make_plan(
        arguments.picture,
        model,
        config,
        channels=arguments.channels,
        count=arguments.count,
        side=arguments.size,
    )
    reporter.start_sheet(model, len(plan.selectors), plan.at_once)
    if model.fallback:
        reporter.warning(f"{model.fallback}: dreaming on the CPU")
    ready: list[Cell] = []
    with closing(galleries.cells(plan)) as coming:
        for cell in coming:
            ready.append(cell)
            reporter.cell(cell.label, len(ready), len(plan.selectors))
    gallery = galleries.collect(plan, ready)
    for warning in (*gallery.warnings, *images.save(gallery.picture, target)):
        reporter.warning(warning)
    reporter.done(arguments.picture, str(target), time.perf_counter() - started)
    console.say(str(target))
    return 0


def _target(arguments: argparse.Namespace) -> Path:
    """Return the file to write; raise UsageError if it already exists."""
    source, output = Path(arguments.picture), arguments.output
    name = paths.named(source.stem, ".gallery.png")
    if output is None:
        target = source.parent / name
    elif output.endswith(("/", "\\")) or paths.is_folder(output):
        target = Path(output) / name
    else:
        target = paths.with_suffix(output, ".png")
    if paths.taken(target) and not arguments.overwrite:
        raise UsageError(
            f"{target} already exists", hint="--overwrite replaces it; -o NAME writes another file"
        )
    paths.Kept([("the input", source), *files_read(arguments)]).refuse(target)
    return target
