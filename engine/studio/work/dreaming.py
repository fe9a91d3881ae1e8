"""Dream on one picture: tell how far it is, show it as it grows, keep it when it is stopped."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.ascent.masks import Mask
from engine.ascent.order import Guide, order_for
from engine.errors import Cancelled
from engine.library.dreaming import Dreaming
from engine.library.sources import read_mask
from engine.settings.config import DreamConfig, fit_layers
from engine.settings.tiling import Tiling
from engine.studio.work.growth import growing
from engine.studio.work.reading import opened, write_image

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

    After a stop, which ends it in the middle of a step, the last whole step is the result.
    """
    model, folder = desk.model(job), Path(job["folder"])
    source = opened(job["source"], job["name"])
    order, warnings = _order(job, model)
    dreaming = Dreaming.begin(source, order, model)
    yield from _warned([*warnings, *dreaming.source.warnings])
    shown = growing(dreaming.source, model.metadata.value_range, job["growing"])
    left, due = _Left(), 0.0
    last: Step | None = None
    with contextlib.suppress(Cancelled):
        for last in dreaming.steps(desk.stopped):
            yield from _warned(last.warnings)
            yield {"event": "step", **last.facts(), "seconds_left": left.seconds(last.fraction)}
            begun = time.monotonic()
            if begun >= due and last.fraction < 1:
                write_image(shown(last), folder / "preview.webp")
                yield {"event": "preview"}
                took = time.monotonic() - begun
                due = begun + took + max(OFTEN, SPARING * took)
    if last is not None:
        yield from _finished(dreaming, last, folder, job["longest"])


def _finished(dreaming: Dreaming, step: Step, folder: Path, longest: int) -> Iterator[dict[str, Any]]:
    """Write the result, and what the page shows of it; the recipe comes last, when all else is there."""
    name = "result.tiff" if dreaming.source.depth == "float" else "result.png"
    yield from _warned(dreaming.save(step, folder / name))
    shown = growing(dreaming.source, dreaming.work.model.metadata.value_range, longest)
    write_image(shown(step), folder / "preview.webp")
    yield {"event": "preview"}
    recipe = dreaming.recipe(finished=step.fraction >= 1).to_json()
    (folder / "recipe.json").write_text(recipe, encoding="utf-8")


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
