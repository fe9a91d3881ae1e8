"""The options that several commands share, and what is made of their values."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from engine.settings import presets
from engine.settings.config import DreamConfig, settings
from engine.settings.devices import FORMS
from engine.settings.output import DEPTHS, STANDARD, Output
from engine.settings.selectors import format_layers, parse_layers
from engine.settings.tiling import Tiling, parse_bytes, parse_tile

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.settings.setting import Setting

NONE: Final = "none"
"""The word that removes the guide or mask of a recipe."""


def given_settings(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the settings of the look that are on the command line, by field name of DreamConfig."""
    names = ("layers", *settings())
    return {name: getattr(arguments, name) for name in names if name in arguments.given}


def tiling(arguments: argparse.Namespace) -> Tiling:
    """Return the tiling that the options ask for; raise UsageError for values out of range."""
    return Tiling(size=arguments.tile, halo=arguments.halo, max_memory=arguments.max_memory)


def output(arguments: argparse.Namespace, seed: int) -> Output:
    """Return how results are written; raise UsageError for values out of range."""
    return Output(
        quality=arguments.quality,
        depth=arguments.depth,
        dither=arguments.dither,
        seed=seed,
        strip_metadata=arguments.strip_metadata,
        with_recipe=arguments.with_recipe,
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that open a model."""
    add_which_model(parser)
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (all that are available)")


def add_which_model(parser: argparse.ArgumentParser) -> None:
    """Add the option that says which model."""
    parser.add_argument(
        "--model",
        metavar="NAME|FILE",
        help="a model by its name, see deepdream model list, or a model file (the embedded InceptionV3)",
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that write pictures."""
    group = parser.add_argument_group("the file")
    group.add_argument(
        "--quality",
        type=int,
        default=STANDARD.quality,
        metavar="N",
        help="quality of JPEG, WebP, AVIF, HEIC and JPEG XL; 1 to 100, where WebP and JPEG XL are lossless "
        f"({STANDARD.quality})",
    )
    group.add_argument(
        "--depth",
        choices=("source", *DEPTHS),
        default=STANDARD.depth,
        help="bits per channel: 16 for PNG and TIFF, float for TIFF; source: as in the input (source)",
    )
    dither = group.add_argument(
        "--dither",
        action=argparse.BooleanOptionalAction,
        help="round changed pixels at random, which avoids banding in smooth skies "
        f"({'yes' if STANDARD.dither else 'no'})",
    )
    strip = group.add_argument(
        "--strip-metadata",
        action=argparse.BooleanOptionalAction,
        help="leave out EXIF (with the location), XMP, IPTC and comments "
        f"({'yes' if STANDARD.strip_metadata else 'no'})",
    )
    # Set afterwards: Python 3.11 and 3.12 would add a switch's default to its help, in words of their own.
    dither.default, strip.default = STANDARD.dither, STANDARD.strip_metadata
    group.add_argument(
        "--no-recipe",
        dest="with_recipe",
        action="store_false",
        help="do not store in the result how it was made",
    )


def add_dreaming(parser: argparse.ArgumentParser, preset: str = presets.DEFAULT) -> None:
    """Add the options of commands that dream; `preset` is the one they start from by default."""
    parser.add_argument(
        "--keep-partial", action="store_true", help="when interrupted, write the unfinished result"
    )
    add_progress(parser)
    add_picture(parser, preset)


def add_picture(parser: argparse.ArgumentParser, preset: str = presets.DEFAULT) -> None:
    """Add the options that say how a picture is dreamed on, and where that is computed."""
    add_device(parser)
    parser.add_argument(
        "--tile",
        type=parse_tile,
        default=Tiling().size,
        metavar="auto|off|SIZE",
        help="compute larger pictures in tiles of SIZE pixels; auto: as large as memory allows (auto)",
    )
    parser.add_argument(
        "--max-memory",
        type=parse_bytes,
        default=Tiling().max_memory,
        metavar="AMOUNT",
        help="memory to use at most: pictures are cut into tiles that fit, or refused where none does "
        "(4.5GB, or more for a picture that needs more by itself)",
    )
    parser.add_argument(
        "--halo",
        type=int,
        metavar="N",
        help="margin computed around each tile, in pixels (32, or 48 for small tiles)",
    )
    look = add_look(parser, preset)
    look.add_argument(
        "--guide",
        type=_unless_none,
        metavar="PICTURE",
        help="steer the dream towards what this picture shows",
    )
    look.add_argument(
        "--mask",
        type=_unless_none,
        metavar="PICTURE|alpha",
        help="dream only where this picture is white; alpha: only where the input is opaque",
    )


def add_look(parser: argparse.ArgumentParser, preset: str = presets.DEFAULT) -> argparse._ArgumentGroup:
    """Add --preset and the settings that a preset holds; return their group of options."""
    default = presets.PRESETS[preset]
    look = parser.add_argument_group("the look")
    look.add_argument(
        "--preset",
        help=f"settings to start from: {', '.join(presets.names())}, or a .toml file ({preset})",
    )
    look.add_argument(
        "--layers",
        type=parse_layers,
        metavar="NAME=NUMBER,...",
        help="coefficients of layers, or of single channels, as in mixed3:87=1,mixed5:12+40=0.5 "
        f"({format_layers(default.layers)})",
    )
    add_settings(look, default)
    return look


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where to compute."""
    add_place(parser)
    parser.add_argument(
        "--precision",
        choices=("full", "half"),
        default="full",
        help="precision with CUDA: full is float32; half is float16, faster and in less memory (full)",
    )


def add_place(parser: argparse.ArgumentParser) -> None:
    """Add the option that says on what to compute."""
    parser.add_argument("--device", default="auto", metavar="|".join(FORMS), help="where to compute (auto)")


def add_progress(parser: argparse.ArgumentParser) -> None:
    """Add the option that says how progress is reported."""
    parser.add_argument(
        "--progress",
        choices=("auto", "bar", "json", "none"),
        default="auto",
        help="how to report progress; auto: a bar on a terminal, else lines; json: for programs; none: "
        "only warnings and errors (auto)",
    )


def _unless_none(text: str) -> str | None:
    return None if text == NONE else text


def add_settings(group: argparse._ArgumentGroup, default: DreamConfig) -> None:
    """Add an option for each setting but the layers; the help tells the default's values."""
    for name, setting in settings().items():
        _add_setting(group, name, setting, getattr(default, name))


def _add_setting(group: argparse._ArgumentGroup, name: str, setting: Setting, default: float | None) -> None:
    """Add the option of a setting, without a default: where it is not given, the preset's value stands."""
    if setting.kind is bool:
        group.add_argument(
            setting.option,
            dest=name,
            action=argparse.BooleanOptionalAction,
            default=argparse.SUPPRESS,
            help=f"{setting.help} ({'yes' if default else 'no'})",
        )
        return
    shown = "none" if default is None else f"{default:g}"
    group.add_argument(
        setting.option,
        dest=name,
        type=_reader(setting),
        default=argparse.SUPPRESS,
        metavar="N" if setting.kind is int else "X",
        help=f"{setting.help}; {setting.span} ({shown})",
    )


def _reader(setting: Setting) -> Callable[[str], float | None]:
    """Return the function that makes a setting's value of an option's text."""

    def read(text: str) -> float | None:
        if setting.optional and text == "none":
            return None
        try:
            return setting.check(setting.kind(text))
        except ValueError:
            return setting.check(text)  # refuses it, naming the range

    return read
