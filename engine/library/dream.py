"""Dreaming as a function call: a picture in, a Dream out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from engine.ascent.order import order_for
from engine.errors import UsageError
from engine.files import images
from engine.library.change import changed
from engine.library.dreaming import Dreaming
from engine.library.sources import open_model, read, read_guide, read_mask
from engine.settings.config import DreamConfig, fit_layers
from engine.settings.output import STANDARD, Output
from engine.settings.presets import DEFAULT, configure
from engine.settings.selectors import parse_layers

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from PIL import Image

    from engine.ascent.step import Step
    from engine.library.sources import ModelSource, Source
    from engine.network.model import DreamModel
    from engine.pictures.picture import Picture
    from engine.pictures.pixels import Values
    from engine.settings.config import Settings
    from engine.settings.recipe import Recipe
    from engine.settings.tiling import Tiling


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
    output = Output(depth=depth, dither=dither, seed=config.seed)  # refuses what is out of range
    read_picture = read(picture)
    opened = open_model(model, device, threads)
    config, warnings = fit_layers(config, opened.layer_names, chosen="layers" in settings)
    order = order_for(opened, config, tiling, guide=read_guide(guide, opened), mask=read_mask(mask))
    dreaming = Dreaming.begin(read_picture, order, opened, output)
    losses: dict[int, list[float]] = {}
    notes = [*warnings, *dreaming.source.warnings]
    for step in dreaming.steps():
        losses.setdefault(step.octave, []).append(step.loss)
        notes += step.warnings
        if progress is not None:
            progress(step)
    return Dream(
        picture=dreaming.result(step),
        losses=tuple(map(tuple, losses.values())),
        device=opened.device,
        config=config,
        warnings=tuple(notes),
        recipe=dreaming.recipe(),
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
    read_picture = read(picture)
    opened = open_model(model, device, threads)
    settings = config or DreamConfig()
    order = order_for(opened, settings, tiling, guide=read_guide(guide, opened), mask=read_mask(mask))
    return Dreaming.begin(read_picture, order, opened).steps()


def finish(
    source: Picture, step: Step, model: DreamModel, *, depth: str = "source", dither: int | None = None
) -> Picture:
    """Return the picture so far, with all that the source holds besides; what did not change is as it was.

    `depth` is `8` or `16` bits, `float`, or `source` for that of the source.  `dither` is the seed of the
    chance by which changed values are rounded up or down; None rounds to the nearest.
    """
    depth = source.depth if depth == "source" else depth
    return changed(source, step, model.metadata.value_range, depth, dither)
