"""Dream on one picture: tell how far it is, show it as it grows, keep it when it is stopped."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.ascent.masks import Mask
from engine.ascent.order import Guide, order_for
from engine.library.dreaming import Dreaming
from engine.library.sources import read_mask
from engine.settings.config import DreamConfig, fit_layers
from engine.settings.tiling import Tiling
from engine.studio.work.growth import growing
from engine.studio.work.reading import opened, write_image, write_small

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.ascent.order import Order
    from engine.ascent.step import Step
    from engine.network.model import DreamModel
    from engine.studio.work.desk import Desk

OFTEN: Final = 0.25
"""Seconds between two pictures of the dream so far, at least."""

SPARING: Final = 6
"""How many times longer than such a picture took to make, the next one has to wait."""


def dream(job: dict[str, Any], desk: Desk) -> Iterator[dict[str, Any]]:
    """Dream, and write the result and what the page shows of it into the job's folder.

    A stop ends it at any moment, even inside of a step of many seconds: the last whole step is the result.
    """
    work = _Work(job, desk)
    desk.at_stop = work.stop
    yield from work.run()


class _Work:
    def __init__(self, job: dict[str, Any], desk: Desk) -> None:
        self._job, self._desk = job, desk
        self._folder = Path(job["folder"])
        self._ending = threading.Lock()
        """Taken by whoever ends the dream: its own end, or a stop."""
        self._dreaming: Dreaming | None = None
        self._last: Step | None = None

    def run(self) -> Iterator[dict[str, Any]]:
        """Dream to the end."""
        model = self._desk.model(self._job)
        source = opened(self._job["source"], self._job["name"])
        order, warnings = _order(self._job, model)
        self._dreaming = dreaming = Dreaming.begin(source, order, model)
        yield from _warned([*warnings, *dreaming.source.warnings])
        shown = growing(dreaming.source, model.metadata.value_range, self._job["growing"])
        left, due = _Left(), 0.0
        for step in dreaming.steps():
            self._last = step
            yield from _warned(step.warnings)
            yield {"event": "step", **step.facts(), "seconds_left": left.seconds(step.fraction)}
            begun = time.monotonic()
            if begun >= due and step.fraction < 1:
                write_image(shown(step), self._folder / "preview.webp")
                yield {"event": "preview"}
                took = time.monotonic() - begun
                due = begun + took + max(OFTEN, SPARING * took)
        self._ending.acquire()  # for good
        yield from self._finished(dreaming, step)

    def stop(self) -> None:
        """Keep the dream so far, and end this process, whatever its main thread is at."""
        if not self._ending.acquire(blocking=False):
            return
        self._desk.tell_all(self._so_far())
        os._exit(0)

    def _so_far(self) -> Iterator[dict[str, Any]]:
        if self._dreaming is not None and self._last is not None:
            yield from self._finished(self._dreaming, self._last)

    def _finished(self, dreaming: Dreaming, step: Step) -> Iterator[dict[str, Any]]:
        """Write the result; what it is, and the preview of it, are told when all of it is there."""
        name = "result.tiff" if dreaming.source.depth == "float" else "result.png"
        yield from _warned(dreaming.save(step, self._folder / name))
        write_small(dreaming.result(step, "8"), self._job["longest"], self._folder / "preview.webp")
        recipe = dreaming.recipe(finished=step.fraction >= 1).to_json()
        yield {"event": "preview"}
        (self._folder / "recipe.json").write_text(recipe, encoding="utf-8")  # last: now all of it is there


class _Left:
    """Estimates the time that is left from how far the dream came since its first step."""

    def __init__(self) -> None:
        self._begun: tuple[float, float] | None = None

    def seconds(self, fraction: float) -> float | None:
        """Return the seconds that are left; None as long as nobody can tell."""
        now = time.monotonic()
        if self._begun is None:
            self._begun = now, fraction
            return None
        begun, first = self._begun
        if fraction <= 1.5 * first:
            return None
        return round((now - begun) * (1 - fraction) / (fraction - first), 1)


def _order(job: dict[str, Any], model: DreamModel) -> tuple[Order, tuple[str, ...]]:
    config, warnings = fit_layers(DreamConfig(**job["settings"]), model.layer_names, chosen="layers")
    guide = mask = None
    if job["guide"] is not None:
        picture, origin = opened(**job["guide"])
        guide = Guide(picture.rows(model.metadata.value_range), origin)
    if job["mask"] == "alpha":
        mask = Mask(None)
    elif job["mask"] is not None:
        picture, origin = opened(**job["mask"])
        mask = replace(read_mask(picture) or Mask(None), origin=origin)
    tiling = Tiling() if job["max_memory"] is None else Tiling(max_memory=job["max_memory"])
    return order_for(model, config, tiling, guide=guide, mask=mask), warnings


def _warned(sentences: Any) -> Iterator[dict[str, Any]]:
    for sentence in sentences:
        yield {"event": "warning", "message": sentence}
