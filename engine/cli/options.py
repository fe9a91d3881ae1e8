"""The command line's words: the parser, options of several commands, what is said about a misspelt one."""

from __future__ import annotations

import argparse
import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from engine._version import __version__
from engine.errors import UsageError
from engine.settings import presets
from engine.settings.config import DreamConfig, settings
from engine.settings.output import DEPTHS, STANDARD, Output
from engine.settings.selectors import format_layers, parse_layers
from engine.settings.tiling import Tiling, parse_bytes, parse_tile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.cli.console import Silent
    from engine.settings.setting import Setting

EPILOG: Final = """\
examples:
  deepdream dream photo.jpg -o dream
  deepdream dream photos/ -o dreams/ --layers mixed3=0.5,mixed4=2 --octaves 4
  deepdream gallery photo.jpg -o sheet.png
"""


DEFAULTS: Final[Mapping[str, object]] = {
    "device": "auto",
    "precision": "full",
    "tile": Tiling().size,
    "max_memory": Tiling().max_memory,
    "quality": STANDARD.quality,
    "depth": STANDARD.depth,
    "dither": STANDARD.dither,
    "strip_metadata": STANDARD.strip_metadata,
}
"""What a recipe may say where the command line does not."""

NONE: Final = "none"
"""What takes away a guide or mask that a recipe has."""


class Command(Protocol):
    """What a module of engine/cli/commands/ has."""

    HELP: str
    """What the command does, in a line that goes on after its name."""

    def add_options(self, parser: argparse.ArgumentParser, /) -> None:
        """Add what the command takes."""

    def run(self, arguments: argparse.Namespace, reporter: Silent, /) -> int:
        """Do it; return an exit code, see `engine.errors`."""


class Parser(argparse.ArgumentParser):
    """Raise UsageError where argparse would print its usage and exit."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError, with the nearest word for one that is not among the choices."""
        choice = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if choice:
            words = re.findall(r"[\w-]+", choice[2])
            near = difflib.get_close_matches(choice[1], words, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(words)}"
            raise UsageError(message.split(" (choose", maxsplit=1)[0], hint=hint)
        raise UsageError(message, hint=f"{self.prog} --help shows how")


def parse(commands: Mapping[str, Command], argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line; raise UsageError for what it does not know.

    `--help` and `--version` print and raise SystemExit.
    """
    parser, parsers = _parsers(commands)
    if argv and argv[0] not in commands and Path(argv[0]).exists():
        raise UsageError(f"{argv[0]} is not a command", hint=f"did you mean: deepdream dream {argv[0]}")
    arguments, rest = parser.parse_known_args(argv)
    unknown = [x for x in rest if x.startswith("-") and x != "-"]
    if unknown or (rest and arguments.command != "dream"):
        if not unknown:
            raise UsageError(f"{arguments.command} takes no argument {rest[0]}")
        _refuse(unknown[0], parsers[arguments.command])
    if rest:  # argparse takes inputs in one place only, people give them before and after options
        arguments.input += rest
    if getattr(arguments, "recipe", None) is None:
        complete(arguments)
    return arguments


def complete(arguments: argparse.Namespace) -> None:
    """Give what stands neither on the command line nor in a recipe its default."""
    for name, value in DEFAULTS.items():
        if getattr(arguments, name, ...) is None:
            setattr(arguments, name, value)
    for name in ("guide", "mask"):
        if getattr(arguments, name, None) == NONE:
            setattr(arguments, name, None)


def given_settings(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the settings of the look that stand on the command line, by field name of DreamConfig."""
    return {name: getattr(arguments, name) for name in ("layers", *settings()) if hasattr(arguments, name)}


def tiling(arguments: argparse.Namespace) -> Tiling:
    """Return what the options about tiles say; raise UsageError for what is out of range."""
    return Tiling(size=arguments.tile, halo=arguments.halo, max_memory=arguments.max_memory)


def output(arguments: argparse.Namespace, seed: int) -> Output:
    """Return what the options about results say; raise UsageError for what is out of range."""
    return Output(
        quality=arguments.quality,
        depth=arguments.depth,
        dither=arguments.dither,
        seed=seed,
        strip_metadata=arguments.strip_metadata,
        with_recipe=arguments.with_recipe,
    )


def _refuse(word: str, parser: argparse.ArgumentParser) -> NoReturn:
    option = word.partition("=")[0]
    known = re.findall(r"(?<!\w)--?[a-z][a-z-]*", parser.format_help())
    near = difflib.get_close_matches(option, known, n=1)
    near = near or [x for x in known if x.startswith(option)][:1]
    hint = f"did you mean {near[0]}?" if near else f"{parser.prog} --help lists all options"
    raise UsageError(f"unknown option {option}", hint=hint)


def _parsers(commands: Mapping[str, Command]) -> tuple[Parser, dict[str, Parser]]:
    common = Parser(add_help=False, allow_abbrev=False)
    common.add_argument("--debug", action="store_true", help="show where in the program an error comes from")
    common.add_argument("--verbose", action="store_true", help="say more, such as the loss of each iteration")
    parser = Parser(
        "deepdream",
        description="Makes pictures dream.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"deepdream {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    made: dict[str, Parser] = {}
    for name, command in commands.items():
        made[name] = subparsers.add_parser(
            name,
            help=command.HELP,
            description=command.HELP.capitalize() + ".",
            parents=[common],
            allow_abbrev=False,
        )
        command.add_options(made[name])
    return parser, made


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes that opens a model."""
    parser.add_argument("--model", metavar="PATH", help="model file; without it, the embedded InceptionV3")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="CPU threads; without it, all that may be used"
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes that writes pictures."""
    group = parser.add_argument_group("the file")
    group.add_argument(
        "--quality",
        type=int,
        metavar="N",
        help="of JPEG, WebP, AVIF, HEIC and JPEG XL, 1 to 100; at 100 WebP and JPEG XL lose nothing "
        f"({STANDARD.quality})",
    )
    group.add_argument(
        "--depth",
        choices=("source", *DEPTHS),
        help="bits per channel: 16 in PNG and TIFF, float in TIFF; as many as the source has (source)",
    )
    group.add_argument(
        "--dither",
        action=argparse.BooleanOptionalAction,
        help="round what changed by chance, which leaves no steps in smooth skies",
    )
    group.add_argument(
        "--strip-metadata",
        action=argparse.BooleanOptionalAction,
        help="leave out EXIF, with the place, XMP, IPTC and comments",
    )
    group.add_argument(
        "--no-recipe",
        dest="with_recipe",
        action="store_false",
        help="do not write into the result how it was made",
    )


def add_dreaming(parser: argparse.ArgumentParser, preset: str = presets.DEFAULT) -> None:
    """Add what every command takes that dreams; `preset` is what it begins with where none is given."""
    parser.add_argument(
        "--keep-partial", action="store_true", help="when interrupted, write the result so far"
    )
    add_device(parser)
    parser.add_argument(
        "--tile",
        type=parse_tile,
        metavar="auto|off|SIZE",
        help="compute larger pictures in tiles of SIZE pixels; auto: as large as memory allows (auto)",
    )
    parser.add_argument(
        "--max-memory",
        type=parse_bytes,
        metavar="AMOUNT",
        help="memory to take, roughly, before pictures are cut into tiles (4.5GB)",
    )
    parser.add_argument(
        "--halo", type=int, metavar="N", help="pixels computed around each tile (32, or 48 around small ones)"
    )
    add_progress(parser)
    look = add_look(parser, preset)
    look.add_argument("--guide", metavar="PICTURE", help="steer toward what this picture shows")
    look.add_argument(
        "--mask",
        metavar="PICTURE|alpha",
        help="dream only where this picture is white, or where the picture itself is opaque",
    )


def add_look(parser: argparse.ArgumentParser, preset: str = presets.DEFAULT) -> argparse._ArgumentGroup:
    """Add what a preset holds, and --preset; return the group of options."""
    default = DreamConfig()
    look = parser.add_argument_group("the look")
    look.add_argument(
        "--preset",
        help=f"settings to start from: {', '.join(presets.names())}, or a .toml file ({preset})",
    )
    look.add_argument(
        "--layers",
        type=parse_layers,
        default=argparse.SUPPRESS,
        metavar="NAME=NUMBER,...",
        help="coefficients of layers, or of channels as in mixed3:87=1,mixed5:12+40=0.5 "
        f"({format_layers(default.layers)})",
    )
    add_settings(look, default)
    return look


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add what says where to compute."""
    parser.add_argument("--device", metavar="auto|cpu|cuda|cuda:N", help="what computes (auto)")
    parser.add_argument(
        "--precision",
        choices=("full", "half"),
        help="what a GPU computes in: full for float32, half for float16, faster and in less memory (full)",
    )


def add_progress(parser: argparse.ArgumentParser) -> None:
    """Add what says how to report."""
    parser.add_argument("--progress", choices=("auto", "bar", "json", "none"), default="auto")


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
