"""Fly into a finished dream: a zoom film of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.ascent.order import order_for
from engine.files import images
from engine.films import encode, zoom
from engine.settings.config import fit_layers
from engine.settings.presets import FILMS, configure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.studio.work.desk import Desk


def film(job: dict[str, Any], desk: Desk) -> Iterator[dict[str, Any]]:
    """Make the film, and tell of each frame; the dream's own layers grow in it."""
    target = Path(job["target"])
    encode.check_writable(target)  # which names the extra where it is missing
    model = desk.model(job)
    given = {"layers": job["layers"], "seed": job["seed"]}
    config, _ = fit_layers(zoom.lightly(configure(FILMS, given), given), model.layer_names, chosen="layers")
    flight = zoom.Flight(seconds=job["seconds"], fps=job["fps"], zoom_rate=1.35, rotate=0.0, size=job["size"])
    picture = images.load(Path(job["source"]), job["name"])
    begun = time.monotonic()
    project = zoom.project(picture, target, order_for(model, config), model, flight)
    for frame in project.make(overwrite=True, stop=desk.stopped):
        if frame.frames and not frame.complete:
            took = time.monotonic() - begun
            left = took / frame.number * (frame.frames - frame.number) if frame.number > 1 else None
            yield {"event": "frame", "fraction": frame.number / frame.frames, "seconds_left": left}
