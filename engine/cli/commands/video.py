"""`deepdream video`: a film dreams, without flicker."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.cli import options
from engine.cli.commands import filming
from engine.cli.commands.common import begin, configured, idle, open_model, ordered
from engine.settings.presets import FILMS

if TYPE_CHECKING:
    from engine.cli.reporters import Reporter

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

HELP: Final = "dream on a film, without flicker"

EPILOG: Final = """\
The first frame, and the first after each cut, gets all --iterations. Every other frame starts from the dream
of the frame before it, moved along with the film, and gets --frame-iterations. Sound, subtitles, chapters and
timing are kept, where OUT can hold them. If a run is interrupted, finished frames stay in FILM.frames; run
the command again to resume. If IN ends early, OUT holds what could be read, and the exit code is 7.
Needs pip install "deepdream-onnx[video]".

example:
  deepdream video holiday.mp4 -o dream.mp4 --size 640
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `video`."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("input", metavar="IN", help="film to dream on")
    parser.add_argument("out", nargs="?", metavar="OUT", help="film to write; the same as -o")
    parser.add_argument(
        "--size", metavar="N|WxH", help="longer side of the frames, or width and height (as in the film)"
    )
    parser.add_argument(
        "--carry",
        type=float,
        default=0.9,
        metavar="X",
        help="how much of the previous frame's dream a frame starts with; 0 to 0.98, more is steadier (0.9)",
    )
    parser.add_argument(
        "--frame-iterations",
        type=int,
        metavar="N",
        help="ascent steps in each octave of a frame that continues the previous one; 1 to 1000 "
        "(--iterations times 1 minus --carry)",
    )
    parser.add_argument("--no-sound", action="store_true", help="leave the film's sound out")
    filming.add_options(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Dream on the film."""
    config = configured(arguments, preset=FILMS)
    options.tiling(arguments)  # refused before anything is read
    from engine.films import encode, video, zoom

    carrying = video.Carrying(
        carry=arguments.carry,
        frame_iterations=arguments.frame_iterations,
        size=None if arguments.size is None else zoom.parse_size(arguments.size),
    )
    source = Path(arguments.input)
    target = filming.target_of(source, arguments, "dream")
    encode.check_writable(target)
    model = open_model(arguments, arguments.device, arguments.precision)
    config = video.within_range(config, options.given_settings(arguments))
    order, warnings = ordered(arguments, config, model)
    project, lost = video.project(source, target, order, model, carrying, sound=not arguments.no_sound)
    begin(reporter, model, order, (*warnings, *idle(arguments, config), *lost), 1)
    return filming.make(project, arguments, reporter, arguments.input)
