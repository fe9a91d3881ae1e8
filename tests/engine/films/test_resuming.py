"""A stopped run is resumed only if its frames would be the same: the recipe decides."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine import machine
from engine.ascent.masks import Mask
from engine.ascent.order import Guide, Order, order_for
from engine.errors import UsageError
from engine.films import zoom
from engine.library.sources import read, read_guide
from engine.network.model import load_model
from engine.pictures.picture import Picture
from engine.settings.config import DreamConfig
from engine.settings.output import Output
from engine.settings.recipe import APART, Recipe
from engine.settings.tiling import Tiling
from tests.engine.conftest import TINY, noise
from tests.engine.films.conftest import photograph

if TYPE_CHECKING:
    from pathlib import Path

    from engine.network.model import DreamModel

SHAPE = (200, 260)
CONFIG = DreamConfig(layers={"mixed0": 1.0}, iterations=1, octaves=1)
TILES = Tiling(size=128, halo=16)


def begun(order: Order, model: DreamModel, target: Path) -> None:
    """Make the first frame of a film and stop."""
    flight = zoom.Flight(seconds=1, fps=10, size=400)
    run = zoom.project(Picture(photograph(*SHAPE)), target, order, model, flight).make()
    next(run)
    run.close()


def guided(tiny: DreamModel, seed: int) -> Order:
    pixels = np.random.default_rng(seed).integers(0, 256, (60, 60, 3), np.uint8)
    return order_for(tiny, CONFIG, TILES, guide=read_guide(pixels, tiny))


@pytest.mark.slow
def test_another_guide_mask_or_halo_is_refused(tiny, tmp_path: Path) -> None:
    target = tmp_path / "film.gif"
    order = guided(tiny, 0)
    begun(order, tiny, target)
    begun(order, tiny, target)  # the same order resumes
    plain = order_for(tiny, CONFIG, TILES)
    mask = Mask(np.zeros(SHAPE, np.uint8), read(noise(30, 40))[1])
    for other, said in (
        (plain, "guide was"),
        (guided(tiny, 1), "guide was"),
        (replace(order, mask=mask), "mask was"),
        (replace(order, tiling=Tiling(size=128, halo=32)), "halo was 16, is 32"),
        (replace(order, tiling=Tiling(size=144, halo=16)), "tile was 128, is 144"),
        (replace(order, tiling=Tiling(size="off")), "tile was 128, is whole"),
        (replace(order, config=replace(CONFIG, jitter=3)), "jitter was 0, is 3"),
    ):
        with pytest.raises(UsageError, match=said) as caught:
            begun(other, tiny, target)
        assert "--overwrite" in caught.value.hint


@pytest.mark.slow
def test_what_does_not_change_frames_does_not_prevent_resuming(tiny, tmp_path: Path) -> None:
    """The name of a guide, threads, the halo of pictures that are not cut, and why they are whole."""
    target = tmp_path / "film.gif"
    guide = read_guide(noise(60, 60), tiny)
    assert guide is not None
    assert guide.origin is not None
    begun(order_for(tiny, CONFIG, guide=guide), tiny, target)
    renamed = Guide(guide.picture, replace(guide.origin, name="other.jpg"))
    again = order_for(tiny, CONFIG, Tiling(size="off", halo=99), guide=renamed)
    begun(again, load_model(TINY, device="cpu", threads=2), target)


def test_a_film_is_not_resumed_with_other_tiles_if_less_memory_is_free(
    tiny, tmp_path: Path, monkeypatch
) -> None:
    """Tiles are settled once for all frames, so resuming with others is refused."""
    target, order = tmp_path / "film.gif", order_for(tiny, CONFIG)
    begun(order, tiny, target)
    monkeypatch.setattr(machine, "available_memory", lambda: 250_000_000)
    with pytest.raises(UsageError, match="tile was whole, is 1"):
        begun(order, load_model(TINY, device="cpu", threads=1), target)


@pytest.mark.parametrize("field", [x.name for x in fields(Recipe)])
def test_every_part_of_the_recipe_is_compared_unless_it_is_in_apart(field: str) -> None:
    """A part that is added to the recipe later is compared automatically."""
    plain = Recipe(config=CONFIG)
    assert {"config", *plain._table()} - {"settings", "schema"} == {x.name for x in fields(Recipe)} - {
        "unknown"
    }
    other = {
        "config": replace(CONFIG, blend=0.5),
        "guide": read(noise(3, 3))[1],
        "mask": "alpha",
        "tiling": Tiling(size=256),
        "precision": "half",
        "model": read(noise(3, 3))[1],
        "output": Output(quality=3),
        "picture": "0" * 64,
        "finished": False,
        "device": "cuda:1",
        "threads": 7,
        "versions": {"numpy": "9"},
        "system": "x",
        "unknown": ("x",),
    }[field]
    same = replace(plain, **{field: other}).identity() == plain.identity()
    assert same == (field in APART | {"unknown"})
