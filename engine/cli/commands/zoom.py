"""`deepdream zoom`: a film that flies into a picture's dream."""

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

HELP: Final = "make a film that flies into a picture's dream"

EPILOG: Final = """\
Each frame is the previous one, a little nearer, dreamed on a little more: by default with --iterations 1 and
0.7 times the preset's --step. If a run is interrupted, finished frames stay in FILM.frames; run the command
again to resume. .gif and .webp films need nothing else; the others need pip install "deepdream-onnx[video]".

examples:
  deepdream zoom photo.jpg -o film.mp4 --seconds 10
  deepdream zoom photo.jpg -o film.webp --seconds 4 --fps 15 --size 320 --rotate 10
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `zoom`."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("input", metavar="PHOTO", help="picture to start from")
    for option, default, text in (
        ("--seconds", 10.0, "length of the film"),
        ("--fps", 25.0, "frames per second"),
        ("--zoom-rate", 1.35, "how much larger things get per second"),
        ("--rotate", 0.0, "degrees per second that the picture turns, clockwise"),
    ):
        parser.add_argument(option, type=float, default=default, metavar="X", help=f"{text} ({default:g})")
    parser.add_argument(
        "--size", default="640", metavar="N|WxH", help="longer side of the frames, or width and height (640)"
    )
    filming.add_options(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Make the film."""
    config = configured(arguments, preset=FILMS)
    options.tiling(arguments)  # refused before anything is read
    from engine.files import images
    from engine.films import encode, zoom

    flight = zoom.Flight(
        seconds=arguments.seconds,
        fps=arguments.fps,
        zoom_rate=arguments.zoom_rate,
        rotate=arguments.rotate,
        size=zoom.parse_size(arguments.size),
    )
    source = Path(arguments.input)
    target = filming.target_of(source, arguments, "zoom")
    encode.check_writable(target)
    picture = images.load(source)
    model = open_model(arguments, arguments.device, arguments.precision)
    order, warnings = ordered(arguments, zoom.lightly(config, options.given_settings(arguments)), model)
    if picture.alpha is not None:
        warnings = (*warnings, "films have no transparency; the picture's is left out")
    begin(reporter, model, order, (*warnings, *idle(arguments, config), *picture.warnings), 1)
    return filming.make(
        zoom.project(picture, target, order, model, flight), arguments, reporter, arguments.input
    )
