"""Dreaming as a function call: a picture in, a Dream out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from functools import partial
from typing import IO, TYPE_CHECKING, Unpack, overload

from engine import paths
from engine.ascent.work import admit
from engine.errors import DreamWarning, UsageError
from engine.files import images
from engine.files.formats import format_named
from engine.library import streams
from engine.library.change import changed
from engine.library.dreaming import Dreaming
from engine.library.sources import open_model, order_from, read
from engine.settings.config import DreamConfig
from engine.settings.given import check, given_settings, path_of, wrong
from engine.settings.output import STANDARD, Output
from engine.settings.presets import DEFAULT, chosen, configure
from engine.stop import NEVER

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from PIL import Image

    from engine.ascent.step import Step
    from engine.library.sources import ModelSource, Source
    from engine.network.model import DreamModel
    from engine.pictures.picture import Picture
    from engine.pictures.pixels import Values
    from engine.settings.config import Chosen, Settings
    from engine.settings.recipe import Recipe
    from engine.settings.tiling import Tiling
    from engine.stop import Stop


@dataclass(frozen=True, eq=False)
class Dream:
    """A dreamed picture, and how it was made.  Notebooks show it as a picture."""

    picture: Picture = field(repr=False)
    """The result, with the alpha, profile and EXIF of the source."""

    losses: tuple[tuple[float, ...], ...]
    """Loss before each step, for each octave, smallest first; an octave's last may be above max loss."""

    device: str
    """What computed it: `cpu`, `cuda:N` or `webgpu: NAME`."""

    config: DreamConfig
    """The settings that were used."""

    warnings: tuple[str, ...]
    """What the user should know, one sentence each."""

    recipe: Recipe = field(repr=False)
    """Everything that is needed to make it again."""

    @property
    def pixels(self) -> Values:
        """The colours [H, W, 3], as deep as the picture's: uint8, uint16, or float32 where white is 1."""
        return self.picture.pixels

    @property
    def image(self) -> Image.Image:
        """The result as a Pillow image, RGB or RGBA of 8 bits per channel."""
        return self.picture.to_pil()

    @overload
    def save(
        self,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        overwrite: bool = False,
        output: Output = STANDARD,
    ) -> Path: ...

    @overload
    def save(self, path: IO[bytes], *, format: str | None = None, output: Output = STANDARD) -> None: ...

    def save(
        self,
        path: str | os.PathLike[str] | IO[bytes],
        *,
        format: str | None = None,  # noqa: A002 - Pillow's name for it
        overwrite: bool = False,
        output: Output = STANDARD,
    ) -> Path | None:
        """Write the result in the format of the path's suffix, PNG without one; return the path written.

        `path` may also be an open binary file, which stays open.  `format` is that of the file where its name
        does not say it: `png`, `jpg`, `tiff` and so on.  `output` chooses quality, depth and what is left
        out.  The recipe goes into the file unless `output` leaves it out.  What the format cannot hold is
        lost, each with a DreamWarning that says what.  Raises UsageError where the file exists already, or
        for a file without format or name, ImageError where it cannot be written.
        """
        check(overwrite=overwrite, output=output)
        form = None if format is None else format_named(format)
        recipe = self._recipe(output).to_json() if output.with_recipe else ""
        choices = replace(output, recipe=recipe)
        if hasattr(path, "write"):
            target = None
            content, lost = images.encode(self.picture, form or streams.format_of(path), choices)
            streams.write(content, path)
        else:
            target = paths.with_suffix(path_of(path, "path"), f".{(format or 'png').removeprefix('.')}")
            if paths.taken(target) and not overwrite:
                raise UsageError(f"{target} already exists", hint="overwrite=True replaces it")
            lost = images.save(self.picture, target, choices, form)
        for sentence in lost:
            warnings.warn(sentence, DreamWarning, stacklevel=2)
        return target

    def _recipe(self, output: Output) -> Recipe:
        """Return the recipe of a file; what was rounded when the dream was made stays rounded."""
        made = self.recipe.output
        depth = made.depth if output.depth == "source" else output.depth
        return replace(self.recipe, output=replace(output, depth=depth, dither=made.dither))

    def _repr_png_(self) -> bytes:
        return images.encode(self.picture)[0]


def dream(
    picture: Source,
    *,
    preset: str | os.PathLike[str] = DEFAULT,
    guide: Source | None = None,
    mask: Source | None = None,
    model: ModelSource = None,
    device: str = "auto",
    threads: int | None = None,
    tiling: Tiling | None = None,
    depth: str = "source",
    dither: bool = False,
    progress: Callable[[Step], object] | None = None,
    stop: Stop | None = None,
    **settings: Unpack[Settings],
) -> Dream:
    """Dream on a picture: a path, a file's bytes, an open binary file, a Pillow image or an array.

    Arrays are [H, W] or [H, W, 1 to 4], grey to RGBA: floating point from 0 to 1, uint16 to 65535, uint8 and
    all other integers to 255, or booleans.  An open file is read from where it is, and stays open.
    `settings` are those of DreamConfig and take the place of the preset's; `layers` is a mapping or text such
    as `"mixed3=0.5,mixed4:87"`.  `guide` is a picture that the dream is steered toward.  `mask` is a picture
    of the same proportions, white where to dream, or `"alpha"` for wherever the picture is opaque.  `model`
    is a name, a path, or an open DreamModel, which has a `device` and `threads` of its own; None for the one
    that the preset needs, mostly the embedded one.  `tiling` says how large pictures are cut.  `depth` is
    that of the result: `8`, `16`, `float`, or `source` for the picture's own.  `dither` rounds changed values
    up or down by chance, drawn from the seed.  `progress` is called with every Step; `print` will do.  Once
    another thread sets `stop`, the call ends with Cancelled.

    Raises the errors of `engine.errors`: UsageError, ImageError, ModelError, DeviceError, Cancelled.
    """
    check(device=device, threads=threads, tiling=tiling, dither=dither, progress=progress, stop=stop)
    given = given_settings(settings, dream)
    config = configure(preset, given)
    output = Output(depth=depth, dither=dither, seed=config.seed)
    opened = open_model(model, device, threads, preset)
    by = chosen(given, preset)
    order, warnings = order_from(config, opened, tiling, guide=guide, mask=mask, chosen=by)
    source = read(picture, admit=partial(admit, order, opened))
    dreaming = Dreaming.begin(source, order, opened, output)
    losses: dict[int, list[float]] = {}
    notes = [*warnings, *dreaming.source.warnings]
    for step in dreaming.steps(stop or NEVER):
        losses.setdefault(step.octave, []).append(step.loss)
        notes += step.warnings
        if progress is not None:
            progress(step)
    return Dream(
        picture=dreaming.result(step),
        losses=tuple(map(tuple, losses.values())),
        device=opened.device,
        config=order.config,
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
    stop: Stop | None = None,
) -> Iterator[Step]:
    """Dream on a picture and yield a Step for each evaluation; the last one's `full_size()` is the dream.

    `config` are all settings; None for those that `dream` begins with.  Whatever can be refused is refused at
    the call, before the first Step, and what the caller should know is told there, with DreamWarnings.  See
    `dream` for the other arguments and errors; `finish` turns a Step into a Picture, also the last one before
    Cancelled.
    """
    check(device=device, threads=threads, tiling=tiling, stop=stop)
    if not isinstance(config, DreamConfig | None):
        raise wrong("config", config, "an engine.DreamConfig")
    opened = open_model(model, device, threads)
    settings = config or configure(DEFAULT, {})
    by: Chosen = "layers" if config else "nothing"
    order, told = order_from(settings, opened, tiling, guide=guide, mask=mask, chosen=by)
    for sentence in told:
        warnings.warn(sentence, DreamWarning, stacklevel=2)
    source = read(picture, admit=partial(admit, order, opened))
    return Dreaming.begin(source, order, opened).steps(stop or NEVER)


def finish(
    source: Picture, step: Step, model: DreamModel, *, depth: str = "source", dither: int | None = None
) -> Picture:
    """Return the picture so far, with everything else that the source holds; what did not change stays.

    `depth` is `8` or `16` bits, `float`, or `source` for the source's own.  `dither` is the seed by which
    changed values are rounded up or down by chance; None rounds to the nearest.
    """
    chosen = Output(depth=depth).depth
    depth = source.depth if chosen == "source" else chosen
    return changed(source, step, model.metadata.value_range, depth, dither)
