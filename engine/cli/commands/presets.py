"""`deepdream presets`: the built-in looks and the user's own."""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import TYPE_CHECKING, Any, Final

from engine.cli import console, options
from engine.cli.commands.common import configured
from engine.errors import UsageError
from engine.settings import models, presets
from engine.settings.config import settings

if TYPE_CHECKING:
    import argparse

    from engine.cli.reporters import Reporter
    from engine.settings.presets import Preset

HELP: Final = "list the presets, show one, or save your own"

ACTIONS: Final = ("list", "show", "save")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `presets`."""
    parser.add_argument("action", choices=ACTIONS, help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the preset to show or save")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--description", metavar="TEXT", help="save: what the preset makes of a picture")
    parser.add_argument(
        "--from-recipe",
        dest="recipe",
        metavar="PICTURE",
        help="save: start from the settings of this picture's recipe",
    )
    parser.add_argument(
        "--needs", metavar="MODEL", help="save: the model whose layers these are, see deepdream model list"
    )
    parser.add_argument("--overwrite", action="store_true", help="save: replace a preset of your own")
    options.add_look(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """List, show or save presets."""
    if arguments.action == "save":
        return _save(arguments)
    saving = [
        name for name in ("description", "recipe", "needs", "overwrite", "preset") if getattr(arguments, name)
    ]
    if options.given_settings(arguments) or saving:
        raise UsageError(
            f"presets {arguments.action} takes no settings", hint="only presets save NAME takes settings"
        )
    return _list(arguments, reporter) if arguments.action == "list" else _show(arguments)


def _list(arguments: argparse.Namespace, reporter: Reporter) -> int:
    if arguments.name:
        raise UsageError(
            "presets list takes no name", hint=f"use presets show {arguments.name} to see one preset"
        )
    found = []
    for name in dict.fromkeys([*presets.names(), *presets.OF_OTHERS]):
        try:
            found.append(presets.load(name))
        except UsageError as error:  # a broken file must not hide the others
            reporter.warning(str(error), hint=error.hint)
    if arguments.json:
        console.say(json.dumps([_table(x) for x in found]))
        return 0
    width = max(len(x.name) for x in found) + 2
    for preset in found:
        console.say_lines(_entry(preset, width))
    return 0


def _show(arguments: argparse.Namespace) -> int:
    preset = presets.load(_name(arguments))
    if arguments.json:
        console.say(json.dumps(_table(preset)))
        return 0
    console.say(f"# {preset.source}")
    text = presets.to_toml(preset.config, preset.title, preset.description, preset.needs)
    console.say_lines(text.rstrip())
    return 0


def _save(arguments: argparse.Namespace) -> int:
    name = _name(arguments)
    recipe = None
    if arguments.recipe:
        from engine.library.repeating import read_recipe  # noqa: PLC0415 - see engine/cli/commands/__init__.py

        if arguments.preset is not None:
            hint = "leave one of them out"
            raise UsageError("--from-recipe and --preset both say what to start from", hint=hint)
        recipe = read_recipe(arguments.recipe)
    config = configured(arguments, recipe)
    path = presets.save(
        name, config, arguments.description or "", needs=_needs(arguments), overwrite=arguments.overwrite
    )
    if arguments.json:
        console.say(json.dumps({"name": name, "file": str(path)}))
        return 0
    console.say(str(path))
    console.note(f"deepdream dream PICTURE --preset {name}")
    return 0


def _needs(arguments: argparse.Namespace) -> str:
    """Return the model that a preset to save needs: as given, or as the one does that it starts from."""
    if arguments.needs is None:
        return presets.load(arguments.preset).needs if arguments.preset else ""
    if not models.is_name(arguments.needs):
        raise UsageError("--needs takes a model's name", hint="deepdream model list shows all names")
    return str(arguments.needs)


def _name(arguments: argparse.Namespace) -> str:
    if not arguments.name:
        raise UsageError(f"presets {arguments.action} takes a name", hint="presets list shows all names")
    return str(arguments.name)


def _entry(preset: Preset, width: int) -> str:
    """Return a preset's entry in the list, wrapped to the terminal."""
    text = f"{preset.title}. {preset.description}" if preset.title != preset.name else preset.description
    text = " ".join(filter(None, [text, f"Needs {preset.needs}." if preset.needs else ""]))
    plain = "".join(x if x.isprintable() else " " for x in text) or "-"
    columns = max(min(shutil.get_terminal_size().columns, 110), width + 30)
    indent = " " * width
    return textwrap.fill(plain, columns, initial_indent=f"{preset.name:<{width}}", subsequent_indent=indent)


def _table(preset: Preset) -> dict[str, Any]:
    """Return a preset in a form that JSON can write."""
    values = {name: getattr(preset.config, name) for name in settings()}
    head = {"name": preset.name, "title": preset.title, "description": preset.description}
    return {
        **head,
        "source": preset.source,
        "needs": preset.needs,
        "settings": {"layers": dict(preset.config.layers), **values},
    }
