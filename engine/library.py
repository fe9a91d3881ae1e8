"""Dreaming as a function call: a picture in, a Dream out."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from PIL import Image

from engine import ascent, images, tiles
from engine.config import DreamConfig, Tiling, configure, fit_layers, parse_layers
from engine.decode import Picture
from engine.device import climber_for
from engine.errors import ImageError, UsageError
from engine.model import DreamModel, load_model
from engine.pixels import ModelRows, from_model, from_unit

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from engine.progress import Step

    Source: TypeAlias = str | os.PathLike[str] | Image.Image | Picture | NDArray[Any]
    ModelSource: TypeAlias = DreamModel | str | os.PathLike[str] | None


class Default(enum.Enum):
    """The value of a setting that is left to the preset."""

    PRESET = enum.auto()

    def __repr__(self) -> str:
        return self.name


PRESET: Final = Default.PRESET


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

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The colours, uint8 [H, W, 3]."""
        return self.picture.pixels

    @property
    def image(self) -> Image.Image:
        """The result as a Pillow image, RGB or RGBA."""
        return self.picture.to_pil()

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the result in the format of the path's suffix, PNG without one; return the path written.

        Raises UsageError where a file is there already, ImageError where it cannot be written.
        """
        target = Path(path) if Path(path).suffix else Path(path).with_suffix(".png")
        if target.exists() and not overwrite:
            raise UsageError(f"{target} is there already", hint="overwrite=True replaces it")
        images.save(self.picture, target)
        return target

    def _repr_png_(self) -> bytes:
        return images.encode(self.picture)[0]


def dream(
    picture: Source,
    *,
    preset: str = "keras",
    layers: Mapping[str, float] | str | Default = PRESET,
    octaves: int | Default = PRESET,
    octave_scale: float | Default = PRESET,
    iterations: int | Default = PRESET,
    step_size: float | Default = PRESET,
    max_loss: float | Default | None = PRESET,
    model: ModelSource = None,
    device: str = "auto",
    threads: int | None = None,
    tiling: Tiling | None = None,
    progress: Callable[[Step], object] | None = None,
) -> Dream:
    """Dream on a picture: a path, a Pillow image or an array.

    Arrays are grey [H, W] or RGB(A) [H, W, 1 to 4], uint8 or floating point from 0 to 1.  `layers` is a
    mapping or text such as `"mixed3=0.5,mixed4"`; see DreamConfig for the other settings.  `model` is a path
    or an open DreamModel (then `device` and `threads` are its own).  `tiling` tells how large pictures are
    cut.  `progress` is called with every Step; `print` will do.

    Raises the errors of `engine.errors`: UsageError, ImageError, ModelError, DeviceError.
    """
    given = {
        "layers": parse_layers(layers) if isinstance(layers, str) else layers,
        "octaves": octaves,
        "octave_scale": octave_scale,
        "iterations": iterations,
        "step_size": step_size,
        "max_loss": max_loss,
    }
    config = configure(preset, {name: value for name, value in given.items() if value is not PRESET})
    source = read(picture)
    opened = open_model(model, device, threads)
    config, warnings = fit_layers(config, opened.layer_names, chosen=layers is not PRESET)
    losses: dict[int, list[float]] = {}
    notes = [*warnings, *source.warnings]
    for step in steps(source, config, model=opened, tiling=tiling):
        losses.setdefault(step.octave, []).append(step.loss)
        notes += step.warnings
        if progress is not None:
            progress(step)
    return Dream(
        finish(source, step, opened), tuple(map(tuple, losses.values())), opened.device, config, tuple(notes)
    )


def steps(
    picture: Source,
    config: DreamConfig | None = None,
    *,
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
    settings = config if config is not None else DreamConfig()
    gradient = tiles.gradient(opened, settings.layers, tiling or Tiling(), source.shape)
    start = ModelRows(source.pixels, opened.metadata.value_range)
    climber = climber_for(opened, gradient, settings)
    return ascent.ascend(start, climber, settings, min_size=opened.metadata.min_size)


def finish(source: Picture, step: Step, model: DreamModel) -> Picture:
    """Return the picture so far as 8-bit colours, with all that the source holds besides."""
    pixels = np.empty_like(source.pixels)
    for rows, band in step.bands():
        pixels[rows] = from_model(band, model.metadata.value_range)
    return replace(source, pixels=pixels)


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
        values = from_unit(values)
    elif values.dtype != np.uint8:
        raise ImageError(f"an array of {values.dtype} is no picture: uint8 or floating point is")
    alpha = values[..., -1] if values.shape[2] in {2, 4} else None
    colours = values[..., :3] if values.shape[2] >= 3 else np.repeat(values[..., :1], 3, axis=2)
    return Picture(_frozen(colours), None if alpha is None else np.array(alpha, order="C"))


def _frozen(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a copy that nobody can write to."""
    copy = np.array(pixels, order="C")
    copy.flags.writeable = False
    return copy
