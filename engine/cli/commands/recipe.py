"""`deepdream recipe`: how a picture was made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from engine.cli import console
from engine.settings.config import settings
from engine.settings.origin import Origin
from engine.settings.recipe import CHOICES
from engine.settings.selectors import format_layers

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
    from engine.library.command import as_text, command_line, quoted
    from engine.library.repeating import read_recipe

    recipe = read_recipe(arguments.picture)
    if arguments.json:
        console.say_lines(json.dumps(json.loads(recipe.to_json()), indent=2))
        return 0
    for name, value in _lines(recipe):
        console.say(f"{name:<16} {as_text(value)}")
    console.say("")
    for way in (["dream", "PICTURE", "--recipe", arguments.picture], command_line(recipe)):
        console.say(quoted(["deepdream", *way]))
    return 0


def _lines(recipe: Recipe) -> list[tuple[str, object]]:
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
    return [(name, value) for name, value in values if value != ""]


def _described(origin: Origin | str | None) -> str:
    if isinstance(origin, Origin):
        return f"{origin.name or 'no file'}, sha256 {origin.sha256}"
    return origin or ""
