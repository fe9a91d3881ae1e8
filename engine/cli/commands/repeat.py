"""`--recipe`: a recipe supplies the options that are not on the command line."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine import paths
from engine.cli.commands.common import open_model
from engine.errors import DeviceError, ImageError, UsageError

if TYPE_CHECKING:
    import argparse

    from engine.network.model import DreamModel
    from engine.settings.recipe import Recipe

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py


@dataclass(frozen=True)
class Repeat:
    """A recipe that is being repeated."""

    recipe: Recipe

    same_picture: bool
    """Whether it is repeated on its own picture, where even the last bits matter."""

    def open_model(self, arguments: argparse.Namespace) -> DreamModel:
        """Open the model as the recipe says; in full precision where half precision is not available."""
        try:
            return open_model(arguments, arguments.device, arguments.precision)
        except (DeviceError, UsageError):
            if self.recipe.precision != "half" or arguments.device not in {"auto", "cpu"}:
                raise
            return open_model(arguments, arguments.device)

    def warnings(self, model: DreamModel) -> tuple[str, ...]:
        """Return what the user should know about this repetition."""
        from engine.library.repeating import differences

        said = [differences(self.recipe, model, same_picture=self.same_picture)]
        if self.recipe.unknown:
            names = ", ".join(self.recipe.unknown)
            names = names if len(names) <= 200 else names[:200] + "…"  # they are anybody's text
            said.append(f"the recipe was written by a newer version; ignored: {names}")
        return tuple(filter(None, said))


def follow(arguments: argparse.Namespace) -> Repeat:
    """Read the recipe that the options name; set the options that are not on the command line to its values.

    How it was computed, which decides the last bits, is taken over only for the recipe's own picture.  Raises
    UsageError for a file without a recipe, for a missing guide or mask, and where --preset is given too.
    """
    from engine.library.repeating import find, read_recipe
    from engine.settings import models
    from engine.settings.recipe import CHOICES

    if arguments.preset is not None:
        raise UsageError("--recipe and --preset both say what to start from", hint="leave one of them out")
    recipe = read_recipe(arguments.recipe)
    folders = _folders([arguments.recipe, *arguments.input])
    taken: dict[str, object] = {}
    if recipe.guide is not None and "guide" not in arguments.given:
        taken["guide"] = str(find(recipe.guide, "--guide", folders))
    if recipe.mask is not None and "mask" not in arguments.given:
        taken["mask"] = "alpha" if recipe.mask == "alpha" else str(find(recipe.mask, "--mask", folders))
    if recipe.model is not None and (model := models.with_content(recipe.model)):
        taken["model"] = model
    taken |= {name: getattr(recipe.output, name) for name in CHOICES}
    same = _is_its_picture(recipe, arguments.input)
    if same:
        taken |= _computing(recipe)
    for name, value in taken.items():
        if name not in arguments.given:
            setattr(arguments, name, value)
    return Repeat(recipe, same)


def _computing(recipe: Recipe) -> dict[str, object]:
    """Return the options that decide a result's last bits, with the recipe's values."""
    from engine.machine import cpu_count

    tiling = recipe.tiling
    taken: dict[str, object] = {"tile": tiling.size, "halo": tiling.halo, "max_memory": tiling.max_memory}
    if recipe.device == "cpu":
        taken["device"] = "cpu"
    if recipe.precision == "half":
        taken["precision"] = "half"
    if recipe.threads is not None and recipe.threads <= cpu_count():
        taken["threads"] = recipe.threads
    return taken


def _folders(files: list[str]) -> list[Path]:
    """Return the folders of these files; a folder stands for itself."""
    found = [Path(x) for x in files if x != "-"]
    return list(dict.fromkeys(x if paths.is_folder(x) else x.parent for x in found))


def _is_its_picture(recipe: Recipe, inputs: list[str]) -> bool:
    from engine.settings.origin import origin_of

    if len(inputs) != 1 or not paths.is_file(inputs[0]):
        return False
    file = Path(inputs[0])
    with contextlib.suppress(ImageError):  # reading the picture reports it better
        return origin_of(file).sha256 == recipe.picture
    return False
