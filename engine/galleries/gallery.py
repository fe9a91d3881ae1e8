"""A gallery: what each layer of a model, or each channel of a layer, makes of one picture, on one sheet."""

from __future__ import annotations

import warnings
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from engine import paths
from engine.errors import DreamWarning, ImageError, UsageError
from engine.files import images
from engine.galleries import sheet
from engine.galleries.cells import at_once, dream_each
from engine.galleries.looks import COUNT, LOOK, SIDE
from engine.galleries.ranking import rank_channels
from engine.galleries.sheet import Cell
from engine.galleries.thumbnails import thumbnail
from engine.library import sources
from engine.pictures.picture import Picture
from engine.settings import presets
from engine.settings.config import DreamConfig, changed
from engine.settings.config import settings as known_settings
from engine.settings.given import check
from engine.settings.selectors import parse_layers
from engine.settings.setting import Setting
from engine.stop import NEVER

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

    from engine.library.sources import ModelSource, Source
    from engine.network.model import DreamModel
    from engine.settings.config import Settings
    from engine.stop import Stop


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that goes on a sheet, decided before anything is dreamed."""

    pixels: NDArray[np.uint8]
    """The picture, made small, [h, w, 3]."""

    selectors: tuple[str, ...]
    """What is dreamed of in each cell, as `--layers` takes it."""

    config: DreamConfig
    """How, save the layers."""

    model: DreamModel
    """With what."""

    at_once: int
    """How many cells are dreamed at the same time."""


@dataclass(frozen=True, eq=False)
class Gallery:
    """A finished gallery; a notebook shows its sheet."""

    cells: tuple[Cell, ...]
    """The picture itself, then each dream, labelled with its value for `--layers`."""

    note: str
    """The line below the cells: the other settings, as command-line options."""

    warnings: tuple[str, ...]
    """Warnings for the user, one sentence each."""

    @property
    def picture(self) -> Picture:
        """The sheet."""
        return Picture(sheet.compose(self.cells, self.note))

    @property
    def image(self) -> Image.Image:
        """The sheet as a Pillow image, RGB."""
        return self.picture.to_pil()

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the sheet in the format of the path's suffix, PNG without one; return the path written.

        Warns with a DreamWarning of what the format cannot hold.  Raises UsageError where a file already
        exists, ImageError where it cannot be written.
        """
        target = paths.with_suffix(path, ".png")
        if paths.taken(target) and not overwrite:
            raise UsageError(f"{target} already exists", hint="overwrite=True replaces it")
        for lost in images.save(self.picture, target):
            warnings.warn(lost, DreamWarning, stacklevel=2)
        return target

    def _repr_png_(self) -> bytes:
        return images.encode(self.picture)[0]


def gallery(
    picture: Source,
    *,
    channels: str | None = None,
    count: int = COUNT,
    side: int = SIDE,
    preset: str | None = None,
    model: ModelSource = None,
    device: str = "auto",
    threads: int | None = None,
    progress: Callable[[Cell], object] | None = None,
    stop: Stop | None = None,
    **settings: Unpack[Settings],
) -> Gallery:
    """Dream on a small copy of a picture with each layer of a model alone, and with some pairs of layers.

    `channels` names a layer; the cells then show the `count` channels of that layer that the picture excites
    most (see `rank_channels`).  Each small copy has as many pixels as a square with sides of `side`.
    `settings` are those of DreamConfig; they replace the preset's, or, without a preset, the gallery's own.
    Any layers among them are ignored.  `progress` is called with each Cell when it is ready.
    `stop` is as in `dream`.

    Raises what `dream` raises.
    """
    check(stop=stop)
    config = look(preset, settings)
    opened = sources.open_model(model, device, threads, preset)
    plan = make_plan(picture, opened, config, channels=channels, count=count, side=side)
    ready: list[Cell] = []
    with closing(cells(plan, stop or NEVER)) as coming:
        for cell in coming:
            ready.append(cell)
            if progress is not None:
                progress(cell)
    return collect(plan, ready)


def look(preset: str | None, given: Mapping[str, Any]) -> DreamConfig:
    """Return a preset's settings, or the gallery's own for None, with those in `given` replaced.

    Raises what `presets.configure` raises.
    """
    given = {name: value for name, value in given.items() if name != "layers"}  # each cell has its own
    return changed(LOOK, given) if preset is None else presets.configure(preset, given)


def make_plan(
    picture: Source,
    model: DreamModel,
    config: DreamConfig = LOOK,
    *,
    channels: str | None = None,
    count: int = COUNT,
    side: int = SIDE,
) -> Plan:
    """Decide what goes on the sheet; see `gallery`."""
    Setting("--size", int, 64, 1024, "").check(side)
    Setting("--count", int, 1, 100, "").check(count)
    source, _ = sources.read(picture)
    pixels = thumbnail(source, side)
    if channels is None:
        selectors = _layers_and_pairs(model.main_layers)
    else:
        ranked = rank_channels(source, layers=[channels], count=count, model=model)
        selectors = [x.selector for x in ranked.get(channels, ())]
    if not selectors:
        raise ImageError(f"{channels} sees nothing in a picture of {_size(pixels)} pixels")
    return Plan(pixels, tuple(selectors), config, model, at_once(model, pixels, len(selectors)))


def cells(plan: Plan, stop: Stop = NEVER) -> Generator[Cell]:
    """Dream the cells, and yield each one when it is ready, in no particular order.

    See `dream_each`: the number of threads does not change a cell, and none is running any more at the end.
    """
    wanted = {x: replace(plan.config, layers=parse_layers(x)) for x in plan.selectors}
    yield from dream_each(plan.pixels, wanted, plan.model, plan.at_once, stop)


def collect(plan: Plan, ready: Iterable[Cell]) -> Gallery:
    """Return the gallery of all cells of a plan."""
    found = {x.label: x for x in ready}
    dreams = [found[x] for x in plan.selectors]
    unseen = [x.label for x in dreams if np.array_equal(x.pixels, plan.pixels)]
    warnings = [f"{x} sees nothing in a picture of {_size(plan.pixels)} pixels" for x in unseen]
    return Gallery((Cell("the picture", plan.pixels), *dreams), _as_options(plan.config), tuple(warnings))


def _layers_and_pairs(names: Sequence[str]) -> list[str]:
    """Return each layer, then each with the middle layer, which adds forms to layers that see objects."""
    middle = len(names) // 2
    pairs = [sorted({i, middle}) for i in range(len(names)) if i != middle]
    return [*names, *(",".join(names[i] for i in pair) for pair in pairs)]


def _as_options(config: DreamConfig) -> str:
    """Return settings as options of `deepdream dream`."""
    words = ["--preset", presets.TUTORIAL]
    for name, setting in known_settings().items():
        value = getattr(config, name)
        if value == getattr(DreamConfig(), name):
            continue
        if setting.kind is bool:
            words.append(setting.option if value else setting.option.replace("--", "--no-"))
        else:
            words += [setting.option, "none" if value is None else f"{value:g}"]
    return " ".join(words)


def _size(pixels: NDArray[np.uint8]) -> str:
    return f"{pixels.shape[1]}x{pixels.shape[0]}"
