"""Dreaming as a function call: a picture in, a Dream out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack

import numpy as np
from PIL import Image

from engine.ascent import dreaming
from engine.ascent.dreaming import Guide, Order, order_for
from engine.ascent.masks import Mask
from engine.errors import ImageError, UsageError
from engine.files import images
from engine.library.change import changed
from engine.library.repeating import origin_of_pixels, recipe_for
from engine.network.model import DreamModel, load_model
from engine.pictures.picture import Picture
from engine.pictures.pixels import DTYPES, at_depth, luma
from engine.settings.config import DreamConfig, fit_layers
from engine.settings.origin import origin_of
from engine.settings.output import STANDARD, Output
from engine.settings.presets import DEFAULT, configure
from engine.settings.selectors import parse_layers

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from engine.ascent.step import Step
    from engine.pictures.pixels import Values
    from engine.settings.config import Settings
    from engine.settings.origin import Origin
    from engine.settings.recipe import Recipe
    from engine.settings.tiling import Tiling

    Source: TypeAlias = str | os.PathLike[str] | Image.Image | Picture | NDArray[Any]
    ModelSource: TypeAlias = DreamModel | str | os.PathLike[str] | None


@dataclass(frozen=True, eq=False)
class Dream:
    """A dreamed picture, and how it came to be.  A notebook shows it as a picture."""

    picture: Picture = field(repr=False)
    """The result, with the alpha, profile and EXIF of the source."""

    losses: tuple[tuple[float, ...], ...]
    """Loss before each step, octave by octave, smallest first; an octave's last may be above max loss."""

    device: str
    """What computed it: `cpu` or `cuda:N`."""

    config: DreamConfig
    """The settings that were used."""

    warnings: tuple[str, ...]
    """What the user should know, one sentence each."""

    recipe: Recipe = field(repr=False)
    """All that is needed to make it again."""

    @property
    def pixels(self) -> Values:
        """The colours [H, W, 3], as deep as the picture's: uint8, uint16, or float32 with white at 1."""
        return self.picture.pixels

    @property
    def image(self) -> Image.Image:
        """The result as a Pillow image, RGB or RGBA of 8 bits per channel."""
        return self.picture.to_pil()

    def save(
        self, path: str | os.PathLike[str], *, overwrite: bool = False, output: Output = STANDARD
    ) -> Path:
        """Write the result in the format of the path's suffix, PNG without one; return the path written.

        `output` chooses quality, depth and what is left out; the recipe is put in, unless that is.  Raises
        UsageError where a file is there already, ImageError where it cannot be written.
        """
        target = Path(path) if Path(path).suffix else Path(path).with_suffix(".png")
        if target.exists() and not overwrite:
            raise UsageError(f"{target} is there already", hint="overwrite=True replaces it")
        recipe = self._recipe(output).to_json() if output.with_recipe else ""
        images.save(self.picture, target, replace(output, recipe=recipe))
        return target

    def _recipe(self, output: Output) -> Recipe:
        """Return the recipe of a file; what was rounded when the dream was made stays so."""
        made = self.recipe.output
        depth = made.depth if output.depth == "source" else output.depth
        return replace(self.recipe, output=replace(output, depth=depth, dither=made.dither))

    def _repr_png_(self) -> bytes:
        return images.encode(self.picture)[0]


def dream(
    picture: Source,
    *,
    preset: str = DEFAULT,
    guide: Source | None = None,
    mask: Source | None = None,
    model: ModelSource = None,
    device: str = "auto",
    threads: int | None = None,
    tiling: Tiling | None = None,
    depth: str = "source",
    dither: bool = False,
    progress: Callable[[Step], object] | None = None,
    **settings: Unpack[Settings],
) -> Dream:
    """Dream on a picture: a path, a Pillow image or an array.

    Arrays are grey [H, W] or RGB(A) [H, W, 1 to 4], uint8, uint16 or floating point from 0 to 1.  `settings`
    are those of DreamConfig, in place of the preset's; `layers` is a mapping or text such as
    `"mixed3=0.5,mixed4:87"`.  `guide` is a picture whose channels the dream is steered toward.  `mask` is a
    picture of the same proportions, white where to dream, or `"alpha"` for wherever the picture is opaque.
    `model` is a path or an open DreamModel (then `device` and `threads` are its own).  `tiling` tells how
    large pictures are cut.  `depth` is that of the result, `8`, `16`, `float` or `source`; `dither` rounds
    what changed by chance, from the seed.  `progress` is called with every Step; `print` will do.

    Raises the errors of `engine.errors`: UsageError, ImageError, ModelError, DeviceError.
    """
    given = dict(settings)
    if isinstance(settings.get("layers"), str):
        given["layers"] = parse_layers(str(settings["layers"]))
    config = configure(preset, given)
    output = Output(depth=depth)  # refuses a depth that there is not
    source = read(picture)
    opened = open_model(model, device, threads)
    config, warnings = fit_layers(config, opened.layer_names, chosen="layers" in settings)
    order = order_for(opened, config, tiling, guide=read_guide(guide, opened), mask=read_mask(mask))
    order = settled(source, order, opened)
    recipe = recipe_for(_origin(picture, source).sha256, order, opened, replace(output, dither=dither))
    losses: dict[int, list[float]] = {}
    notes = [*warnings, *source.warnings]
    for step in begin(source, order, opened):
        losses.setdefault(step.octave, []).append(step.loss)
        notes += step.warnings
        if progress is not None:
            progress(step)
    return Dream(
        picture=finish(source, step, opened, depth=output.depth, dither=config.seed if dither else None),
        losses=tuple(map(tuple, losses.values())),
        device=opened.device,
        config=config,
        warnings=tuple(notes),
        recipe=recipe,
    )


def steps(
    picture: Source,
    config: DreamConfig | None = None,
    *,
    guide: Source | None = None,
    mask: Source | None = None,
    model: ModelSource = None,
    device: str = "auto",
    threads: int | None = None,
    tiling: Tiling | None = None,
) -> Iterator[Step]:
    """Dream on a picture and yield a Step for each evaluation; the last one's `full_size()` is the dream.

    All that can be refused is refused at the call, before the first Step is asked for.  See `dream` for the
    arguments and errors; `finish` makes a Picture of a Step.
    """
    source = read(picture)
    opened = open_model(model, device, threads)
    settings = config or DreamConfig()
    order = order_for(opened, settings, tiling, guide=read_guide(guide, opened), mask=read_mask(mask))
    return begin(source, order, opened)


def read_guide(source: Source | None, model: DreamModel) -> Guide | None:
    """Return a picture that shall guide as the model sees it."""
    if source is None:
        return None
    picture = read(source)
    return Guide(picture.rows(model.metadata.value_range), _origin(source, picture))


def read_mask(source: Source | None) -> Mask | None:
    """Return a mask from a picture, whose luma and opacity both count, or for the word `alpha`."""
    if source is None:
        return None
    if isinstance(source, str) and source == "alpha":
        return Mask(None)
    picture = read(source).at_depth("8")
    grey = luma(picture.pixels.astype(np.float32))
    if picture.alpha is not None:
        grey *= picture.alpha / np.float32(255)
    return Mask(np.rint(grey).astype(np.uint8), _origin(source, picture))


def _origin(source: Source, picture: Picture) -> Origin:
    """Return where a picture that was read comes from."""
    if isinstance(source, Picture | Image.Image | np.ndarray):
        return origin_of_pixels(picture)
    return origin_of(Path(source))


def begin(source: Picture, order: Order, model: DreamModel) -> Iterator[Step]:
    """Dream on a picture as `steps` does."""
    alpha = None if source.alpha is None else at_depth(source.alpha, DTYPES["8"])
    rows = source.rows(model.metadata.value_range)
    return dreaming.ascend(rows, order, model, alpha, held=_held(source))


def settled(source: Picture, order: Order, model: DreamModel) -> Order:
    """Return the order for a picture, in which nothing is left to chance: see `tiles.settled`."""
    return dreaming.settled(order, model, source.shape, held=_held(source))


def _held(source: Picture) -> int:
    """Return how many bytes per pixel a picture takes above those of 8 bits."""
    return 3 * (source.pixels.itemsize - 1)


def finish(
    source: Picture, step: Step, model: DreamModel, *, depth: str = "source", dither: int | None = None
) -> Picture:
    """Return the picture so far, with all that the source holds besides; what did not change is as it was.

    `depth` is `8` or `16` bits, `float`, or `source` for that of the source.  `dither` is the seed of the
    chance by which changed values are rounded up or down; None rounds to the nearest.
    """
    depth = source.depth if depth == "source" else depth
    return changed(source, step, model.metadata.value_range, depth, dither)


def open_model(model: ModelSource, device: str, threads: int | None) -> DreamModel:
    """Return an open model as it is, or open a model file, the embedded one for None."""
    if isinstance(model, DreamModel):
        return model
    return load_model(None if model is None else Path(model), device=device, threads=threads)


def read(picture: Source) -> Picture:
    """Turn whatever a caller has into a Picture; raise ImageError where that cannot be done."""
    if isinstance(picture, Picture):
        # A dream reads the pixels to its end: what the caller could change meanwhile is copied.
        ours = not picture.pixels.flags.writeable
        return picture if ours else replace(picture, pixels=_frozen(picture.pixels))
    if isinstance(picture, Image.Image):
        return images.from_pil(picture)
    if isinstance(picture, np.ndarray):
        return _from_array(picture)
    return images.load(Path(picture))


def _from_array(array: NDArray[Any]) -> Picture:
    values = array[..., np.newaxis] if array.ndim == 2 else array
    if values.ndim != 3 or not 1 <= values.shape[2] <= 4 or 0 in values.shape:
        raise ImageError(f"an array of shape {array.shape} is no picture: [H, W] or [H, W, 1 to 4] is")
    if np.issubdtype(values.dtype, np.floating):
        if not (values.min() >= 0 and values.max() <= 1):
            raise ImageError(
                "a floating-point array must stay from 0 to 1", hint="divide by 255, or give uint8"
            )
        values = values.astype(np.float32)
    elif values.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        raise ImageError(f"an array of {values.dtype} is no picture: uint8, uint16 or floating point is")
    alpha = values[..., -1] if values.shape[2] in {2, 4} else None
    colours = values[..., :3] if values.shape[2] >= 3 else np.repeat(values[..., :1], 3, axis=2)
    return Picture(_frozen(colours), None if alpha is None else np.array(alpha, order="C"))


def _frozen(pixels: Values) -> Values:
    """Return a copy that nobody can write to."""
    copy = np.array(pixels, order="C")
    copy.flags.writeable = False
    return copy
