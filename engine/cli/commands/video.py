"""`deepdream video`: a film dreams, without flicker."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.cli import options
from engine.cli.commands import filming
from engine.cli.commands.common import begin, configured, open_model, ordered

if TYPE_CHECKING:
    from engine.cli.console import Silent

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

HELP: Final = "dream on a film, without flicker"

EPILOG: Final = """\
The first frame gets all --iterations, and so does that after a cut; each other frame begins with the dream of
the one before, moved as the film moves, and gets --frame-iterations. Sound and times are kept. What was done
when a run is stopped stays in FILM.frames, and the same command goes on.
Needs pip install "deepdream-onnx[video]".

example:
  deepdream video holiday.mp4 -o dream.mp4 --size 640
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `video` takes."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("input", metavar="IN", help="film to dream on")
    parser.add_argument("out", nargs="?", metavar="OUT", help="film to write, as -o says")
    parser.add_argument(
        "--size", metavar="N|WxH", help="larger side of the frames, or width and height (the film's own)"
    )
    parser.add_argument(
        "--carry",
        type=float,
        default=0.9,
        metavar="X",
        help="share of the dream before that a frame begins with: 0 to 0.98, more is steadier (0.9)",
    )
    parser.add_argument(
        "--frame-iterations",
        type=int,
        metavar="N",
        help="ascent steps in each octave of a frame XX",
    )
    filming.add_options(parser)


def run(arguments: argparse.Namespace, reporter: Silent) -> int:
    """Dream on the film."""
    config = configured(arguments, preset=filming.PRESET)
    options.tiling(arguments)  # refused before anything is read
    from engine.films import encode, video, zoom

    carrying = video.Carrying(
        carry=arguments.carry,
        frame_iterations=arguments.frame_iterations,
        size=None if arguments.size is None else zoom.parse_size(arguments.size),
    )
    source = Path(arguments.input)
    target = filming.target_of(source, arguments.output or arguments.out, "dream")
    encode.check_writable(target)
    model = open_model(arguments, arguments.device, arguments.precision)
    config = video.within_range(config, options.given_settings(arguments))
    order, warnings = ordered(arguments, config, model)
    project, lost = video.project(source, target, order, model, carrying)
    begin(reporter, model, order, (*warnings, *lost), 1)
    return filming.make(project, arguments, reporter, arguments.input)
