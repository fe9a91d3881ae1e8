"""`deepdream recipe`: how a picture was made."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from engine.cli import console
from engine.settings.config import DreamConfig, settings
from engine.settings.origin import Origin
from engine.settings.output import STANDARD
from engine.settings.presets import TUTORIAL
from engine.settings.recipe import CHOICES
from engine.settings.selectors import format_layers, format_number

if TYPE_CHECKING:
    import argparse

    from engine.cli.reporters import Reporter
    from engine.settings.recipe import Recipe

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

HELP: Final = "show how a picture was made, and the command that makes it again"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `recipe`."""
    parser.add_argument(
        "picture", metavar="PICTURE", help="picture made by deepdream, or a recipe as a .json file"
    )
    parser.add_argument(
        "--json", action="store_true", help="print JSON, which dream --recipe accepts as a file"
    )


def run(arguments: argparse.Namespace, _reporter: Reporter) -> int:
    """Show how a picture was made."""
    from engine.library.repeating import read_recipe

    recipe = read_recipe(arguments.picture)
    if arguments.json:
        console.say_lines(json.dumps(json.loads(recipe.to_json()), indent=2))
        return 0
    for name, value in _lines(recipe):
        console.say(f"{name:<16} {value}")
    console.say("")
    for way in (["dream", "PICTURE", "--recipe", arguments.picture], command_line(recipe)):
        console.say(_quoted(["deepdream", *way]))
    return 0


def command_line(recipe: Recipe, picture: str = "PICTURE") -> list[str]:
    """Return the words after `deepdream` that repeat a recipe without its file."""
    from engine.network.model import EMBEDDED

    plain, config, output = DreamConfig(), recipe.config, recipe.output
    words = ["dream", picture, "--preset", TUTORIAL]
    words += _option("--layers", format_layers(config.layers), format_layers(plain.layers))
    for name, setting in settings().items():
        words += _option(setting.option, getattr(config, name), getattr(plain, name))
    words += _option("--guide", _word(recipe.guide), "") + _option("--mask", _word(recipe.mask), "")
    for name in CHOICES:
        words += _option(f"--{name.replace('_', '-')}", getattr(output, name), getattr(STANDARD, name))
    words += _option("--tile", recipe.tiling.size, "auto") + _option("--halo", recipe.tiling.halo, None)
    words += _option("--model", _word(recipe.model), f"./{EMBEDDED}") if recipe.model else []
    words += _option("--device", recipe.device, "")
    words += _option("--precision", recipe.precision, "full") + _option("--threads", recipe.threads, None)
    return words


def _option(option: str, value: object, default: object) -> list[str]:
    """Return the words that set an option to its value; none if that is the default."""
    if value == default:
        return []
    if isinstance(value, bool):
        return [option if value else option.replace("--", "--no-", 1)]
    text = _text(value)
    return [f"{option}={text}"] if text.startswith("-") else [option, text]


def _lines(recipe: Recipe) -> list[tuple[str, str]]:
    """Return a recipe as names and values for people to read."""
    versions = ", ".join(f"{name} {version}" for name, version in recipe.versions.items())
    threads = f", {recipe.threads} thread{'s'[: recipe.threads != 1]}" if recipe.threads else ""
    computed = f"{recipe.device}{threads}, {recipe.precision} precision; {recipe.system}"
    values: list[tuple[str, object]] = [
        ("layers", format_layers(recipe.config.layers)),
        *((name.replace("_", " "), getattr(recipe.config, name)) for name in settings()),
        ("guide", _described(recipe.guide)),
        ("mask", _described(recipe.mask)),
        *((name.replace("_", " "), getattr(recipe.output, name)) for name in CHOICES),
        ("tiles", recipe.tiling.size),
        ("model", _described(recipe.model)),
        ("computed on", computed if recipe.device else ""),
        ("with", versions),
        ("picture", f"sha256 {recipe.picture}" if recipe.picture else ""),
        ("stopped", "" if recipe.finished else "before its end"),
    ]
    return [(name, _text(value)) for name, value in values if value != ""]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format_number(value)
    return "none" if value is None else str(value)


def _described(origin: Origin | str | None) -> str:
    if isinstance(origin, Origin):
        return f"{origin.name or 'no file'}, sha256 {origin.sha256}"
    return origin or ""


def _word(origin: Origin | str | None) -> str:
    """Return a file's name for the command line, so that it cannot be taken for an option or keyword."""
    return f"./{origin.name or 'FILE'}" if isinstance(origin, Origin) else origin or ""


def _quoted(words: list[str]) -> str:
    """Quote words for the shell of this system."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
