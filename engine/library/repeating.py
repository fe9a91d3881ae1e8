"""Between a dream and its recipe: what was done becomes a recipe, and a recipe's files are found again."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import PIL

from engine import paths
from engine._version import __version__
from engine.errors import ImageError, UsageError
from engine.files import images
from engine.settings.devices import kind_of
from engine.settings.given import path_of
from engine.settings.origin import Origin, bare_name, origin_of
from engine.settings.output import STANDARD
from engine.settings.recipe import Recipe
from engine.settings.untrusted import LARGEST

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from pathlib import Path

    from engine.ascent.order import Order
    from engine.ascent.work import Work
    from engine.files.formats import Options
    from engine.network.model import DreamModel
    from engine.pictures.picture import Picture
    from engine.settings.output import Output

DECISIVE: Final = ("deepdream", "onnxruntime")
"""Programs whose version can change more than the last bits."""


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Return the recipe in a picture's file, or in a file of its own that ends in `.json`.

    Raises ImageError where the file cannot be read, and UsageError where it has no recipe, or one that does
    not make sense.
    """
    file = path_of(path, "path", ImageError)
    text = _text(file) if file.suffix.lower() == ".json" else images.recipe_of(file)
    if not text:
        raise UsageError(
            f"there is no recipe in {file}",
            hint="pictures made with --no-recipe have none, nor have those that another program saved again",
        )
    try:
        return Recipe.from_json(text)
    except UsageError as error:
        raise UsageError(f"the recipe in {file}: {error}", hint=error.hint) from None


def recipe_for(work: Work, output: Output = STANDARD) -> Recipe:
    """Return the recipe of a finished dream, of whatever picture."""
    return replace(recipe_of_order(work.order, work.model, output), tiling=work.tiling)


def recipe_of_order(order: Order, model: DreamModel, output: Output = STANDARD) -> Recipe:
    """Return what the recipes of all pictures of an order have in common."""
    mask = order.mask
    return Recipe(
        config=order.config,
        guide=None if order.guide is None else order.guide_from,
        mask=None if mask is None else mask.origin if mask.values is not None else "alpha",
        output=output,
        tiling=order.tiling,
        device=model.device,
        threads=model.threads if model.device == "cpu" else None,
        precision=model.precision,
        model=Origin(bare_name(model.name), model.sha256),
        versions=_versions(model),
        system=f"{platform.system()} {platform.machine()}",
    )


def origin_of_pixels(picture: Picture) -> Origin:
    """Return the origin of a picture that did not come from a file."""
    digest = hashlib.sha256(f"{picture.pixels.dtype} {picture.pixels.shape}".encode())
    digest.update(np.ascontiguousarray(picture.pixels).data)
    if picture.alpha is not None:
        digest.update(np.ascontiguousarray(picture.alpha).data)
    return Origin("", digest.hexdigest())


def find(origin: Origin, option: str, folders: Iterable[Path]) -> Path:
    """Return the file that a recipe names, from the first of these folders that has it.

    A recipe can come from anybody.  So only files with the bare name in these folders are opened, and only
    one with the same content is used.  Raises UsageError, with the option that names the file.
    """
    what = option.removeprefix("--")
    way_out = f"{option} FILE names it; {option} none does without"
    if not origin.name:
        raise UsageError(f"the recipe's {what} did not come from a file", hint=way_out)
    other = None
    for folder in folders:
        file = folder.absolute() / origin.name
        try:
            if paths.is_file(file):
                if origin_of(file).sha256 == origin.sha256:
                    return file
                other = file
        except ImageError:
            continue
    if other is not None:
        raise UsageError(f"{other} is not the {what} that the recipe was made with", hint=way_out)
    raise UsageError(
        f"the recipe's {what} {origin.name} is neither beside the recipe nor beside the picture", hint=way_out
    )


def differences(recipe: Recipe, model: DreamModel, *, same_picture: bool) -> str:
    """Say in one sentence why a picture will differ from the recipe's; empty where it will not.

    On the same picture the last bits matter too.
    """
    here = _versions(model)
    pairs = [(name, recipe.versions.get(name, ""), here[name]) for name in DECISIVE]
    pairs.append(("device", kind_of(recipe.device), kind_of(model.device)))
    if same_picture:
        pairs += [
            ("threads", str(recipe.threads or ""), str(model.threads)),
            ("precision", recipe.precision, model.precision),
        ]
    said = [f"{name} {old} there, {new} here" for name, old, new in pairs if old and old != new]
    if recipe.model is not None and recipe.model.sha256 != model.sha256:
        said.insert(0, f"the model {recipe.model.name} there, another here")
    if same_picture and not recipe.finished:
        said.append("the picture there was stopped before its end")
    return f"not quite as in the recipe: {'; '.join(said)}" if said else ""


def changes(recipe: Recipe, wanted: Recipe, options: Options) -> str:
    """Say in two words what makes another picture of a recipe than is wanted; empty for nothing.

    The picture that it was made from does not count, nor does what shows in the last bits only.  `options`
    are those of the file's format, to which not every quality matters.
    """
    pairs = {
        "other settings": (recipe.config, wanted.config),
        "another model": (_content(recipe.model), _content(wanted.model)),
        "another guide": (_content(recipe.guide), _content(wanted.guide)),
        "another mask": (_content(recipe.mask), _content(wanted.mask)),
        "another precision": (recipe.precision, wanted.precision),
        "another quality": (options(recipe.output.quality), options(wanted.output.quality)),
        "another kind of file": (_kept_in(recipe), _kept_in(wanted)),
        "unfinished": (recipe.finished, True),
    }
    return next((what for what, (there, here) in pairs.items() if there != here), "")


def _kept_in(recipe: Recipe) -> Output:
    """Return what is chosen about a recipe's file, but for its quality."""
    return replace(recipe.output, quality=STANDARD.quality)


def _content(origin: Origin | str | None) -> str:
    """Return what a file that took part is known by."""
    return origin.sha256 if isinstance(origin, Origin) else origin or ""


def _versions(model: DreamModel) -> dict[str, str]:
    return {
        "deepdream": __version__,
        "onnxruntime": model.runtime,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
    }


def _text(file: Path) -> str:
    try:
        with paths.open_file(file) as opened:
            content = opened.read(4 * LARGEST + 1)
        if len(content) > 4 * LARGEST:  # a character has four bytes at most
            raise UsageError(f"the recipe in {file}: it is too long to be one")
        return content.decode("utf-8")
    except FileNotFoundError:
        raise ImageError(f"there is no recipe {file}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"the recipe {file} cannot be read: {reason}") from None
