"""The command line that makes a picture again, from its recipe."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from engine.network.model import EMBEDDED
from engine.settings import models
from engine.settings.config import DreamConfig, settings
from engine.settings.devices import as_option
from engine.settings.origin import Origin
from engine.settings.output import STANDARD
from engine.settings.presets import TUTORIAL
from engine.settings.recipe import CHOICES
from engine.settings.selectors import format_layers, format_number

if TYPE_CHECKING:
    from engine.settings.recipe import Recipe


def command_line(recipe: Recipe, picture: str = "PICTURE") -> list[str]:
    """Return the words after `deepdream` that repeat a recipe without its file."""
    plain, config, output = DreamConfig(), recipe.config, recipe.output
    words = ["dream", picture, "--preset", TUTORIAL]
    words += _option("--layers", format_layers(config.layers), format_layers(plain.layers))
    for name, setting in settings().items():
        words += _option(setting.option, getattr(config, name), getattr(plain, name))
    words += _option("--guide", _word(recipe.guide), "") + _option("--mask", _word(recipe.mask), "")
    for name in CHOICES:
        words += _option(f"--{name.replace('_', '-')}", getattr(output, name), getattr(STANDARD, name))
    words += _option("--tile", recipe.tiling.size, "auto") + _option("--halo", recipe.tiling.halo, None)
    words += _option("--model", _model(recipe.model), f"./{EMBEDDED}") if recipe.model else []
    words += _option("--device", as_option(recipe.device), "")
    words += _option("--precision", recipe.precision, "full") + _option("--threads", recipe.threads, None)
    return words


def _option(option: str, value: object, default: object) -> list[str]:
    """Return the words that set an option to its value; none if that is the default."""
    if value == default:
        return []
    if isinstance(value, bool):
        return [option if value else option.replace("--", "--no-", 1)]
    text = as_text(value)
    return [f"{option}={text}"] if text.startswith("-") else [option, text]


def _model(origin: Origin) -> str:
    """Return a model's name, where one of that name is here or can be had, or else its file's."""
    name = origin.name.removesuffix(models.SUFFIX)
    known = models.is_name(name) and name in {*models.kept(), *models.obtainable()}
    return name if known else _word(origin)


def _word(origin: Origin | str | None) -> str:
    """Return a file's name for the command line, so that it cannot be taken for an option or keyword."""
    return f"./{origin.name or 'FILE'}" if isinstance(origin, Origin) else origin or ""


def as_text(value: object) -> str:
    """Return a value as the command line takes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format_number(value)
    return "none" if value is None else str(value)


def quoted(words: list[str]) -> str:
    """Quote words for the shell of this system."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
