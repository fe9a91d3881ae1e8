"""What each look, layer or channel makes of a picture, one small picture after another."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
import sys
from contextlib import closing
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from engine.errors import Cancelled
from engine.galleries.cells import at_once, dream_each
from engine.galleries.looks import LOOK
from engine.galleries.ranking import rank_channels
from engine.galleries.thumbnails import thumbnail
from engine.settings import presets
from engine.settings.config import fit_layers
from engine.studio.work.reading import opened, write_image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.network.model import DreamModel
    from engine.pictures.picture import Picture
    from engine.settings.config import DreamConfig
    from engine.studio.work.desk import Desk

SIDE: Final = 152
"""Side of a square with as many pixels as a thumbnail has, and the shorter side of a long one: all of them
are to be there in 20 seconds on two cores, and in less a deep layer finds nothing."""

FEWEST: Final = 6
"""Steps below which a dream no longer looks like itself."""

MARGIN: Final = 8
"""Largest margin: all of it would cost more than the picture, and one of 16 four fifths of it again."""

POLITENESS: Final = 10
"""How much nicer than the studio itself its thumbnails are: beside a dream they get a tenth of a core."""

CHANNELS: Final = 12
"""How many channels of a layer are shown: those that the picture excites most."""

SAFE: Final = re.compile(r"\w[\w.+-]{0,99}", re.ASCII)
"""Names that a file may have on each system."""


def thumbnails(job: dict[str, Any], desk: Desk) -> Iterator[dict[str, Any]]:
    """Dream the thumbnails that are not there yet, and tell of each; a stop ends it at once."""
    if job["polite"]:
        _give_way()
    model = desk.model(job)
    picture, _ = opened(job["source"], job["name"])
    pixels = thumbnail(picture, SIDE, SIDE)
    folder = Path(job["folder"])
    wanted = dict(_wanted(job, picture, model))
    yield {"event": "names", "names": list(wanted)}
    for name in wanted:
        if (folder / file_of(name)).exists():
            yield {"event": "thumbnail", "name": name, "file": file_of(name)}
    missing = {name: x for name, x in wanted.items() if not (folder / file_of(name)).exists()}
    coming = dream_each(pixels, missing, model, at_once(model, pixels, len(missing)), desk.stopped)
    with contextlib.suppress(Cancelled), closing(coming):
        for cell in coming:
            write_image(Image.fromarray(cell.pixels), folder / file_of(cell.label))
            yield {"event": "thumbnail", "name": cell.label, "file": file_of(cell.label)}


def file_of(name: str) -> str:
    """Return the file of a thumbnail, which lies in the sheet's folder whatever a model calls its layers.

    A name that no file has everywhere, as `inception_4c/output`, or a long one becomes its digest.
    """
    plain = name.replace(":", ".")
    if not SAFE.fullmatch(plain):
        plain = hashlib.sha256(name.encode()).hexdigest()
    return f"{plain}.webp"


def _wanted(job: dict[str, Any], picture: Picture, model: DreamModel) -> Iterator[tuple[str, DreamConfig]]:
    quick = _quicker(LOOK)
    match job["kind"]:
        case "looks":
            for name in job["looks"]:
                look, default = presets.load(name).config, model.metadata.default_layers
                config, _ = fit_layers(look, model.layer_names, default=default, chosen="nothing")
                yield name, _quicker(config)
        case "layers":
            for name in model.main_layers:
                yield name, replace(quick, layers={name: 1.0})
        case _:
            layer = job["layer"]
            ranked = rank_channels(picture, layers=[layer], count=CHANNELS, model=model)
            for channel in ranked.get(layer, ()):
                yield channel.selector, replace(quick, layers={channel.selector: 1.0})


def _quicker(config: DreamConfig) -> DreamConfig:
    """Return settings that give much the same small picture in a quarter of the time.

    Fewer steps, each larger by the square root of how many fewer, change a picture about as much.  A look
    with jitter gets the gallery's, which makes up for the margin that is left out.
    """
    iterations = max(2 * config.iterations // 3, min(FEWEST, config.iterations))
    step = config.step_size * math.sqrt(config.iterations / iterations)
    return replace(
        config,
        iterations=iterations,
        step_size=min(step, 1.0),
        margin=min(config.margin, MARGIN),
        jitter=config.jitter and LOOK.jitter,
    )


def _give_way() -> None:
    """Take what of the processors a dream leaves, from now on: nobody may take this back."""
    if sys.platform == "win32":
        psutil = import_module("psutil")
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        return
    usual = os.getpriority(os.PRIO_PROCESS, os.getppid())
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, min(usual + POLITENESS, 19))
    with contextlib.suppress(OSError):  # desktops share out processors among sessions first, and this is one
        Path("/proc/self/autogroup").write_text(str(POLITENESS), "ascii")
