"""`deepdream zoom`: a film that flies into a picture's dream."""

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

HELP: Final = "fly into a picture's dream: a film"

EPILOG: Final = """\
Each frame is the one before, a little nearer, dreamed on a little more: --iterations 1 and 0.7 times the
preset's --step, where you don't give them. What was done when a run is stopped stays in FILM.frames, and the
same command goes on. .gif and .webp need nothing more, the others pip install "deepdream-onnx[video]".

examples:
  deepdream zoom photo.jpg -o film.mp4 --seconds 10
  deepdream zoom photo.jpg -o film.webp --seconds 4 --fps 15 --size 320 --rotate 10
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `zoom` takes."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("input", metavar="PHOTO", help="picture to begin with")
    for option, default, text in (
        ("--seconds", 10.0, "length of the film"),
        ("--fps", 25.0, "frames a second"),
        ("--zoom-rate", 1.35, "how much larger a thing is a second later"),
        ("--rotate", 0.0, "degrees that the picture turns in a second, clockwise"),
    ):
        parser.add_argument(option, type=float, default=default, metavar="X", help=f"{text} ({default:g})")
    parser.add_argument(
        "--size", default="640", metavar="N|WxH", help="larger side of the frames, or width and height (640)"
    )
    filming.add_options(parser)


def run(arguments: argparse.Namespace, reporter: Silent) -> int:
    """Make the film."""
    config = configured(arguments, preset=filming.PRESET)
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
    target = filming.target_of(source, arguments.output, "zoom")
    encode.check_writable(target)
    picture = images.load(source)
    model = open_model(arguments, arguments.device, arguments.precision)
    order, warnings = ordered(arguments, zoom.lightly(config, options.given_settings(arguments)), model)
    if picture.alpha is not None:
        warnings = (*warnings, "a film has no transparency: left out")
    begin(reporter, model, order, warnings, 1)
    return filming.make(
        zoom.project(picture, target, order, model, flight), arguments, reporter, arguments.input
    )
