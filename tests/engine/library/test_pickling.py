"""What the library returns goes through pickle, and so to other processes."""

# ruff: noqa: S301 - what is unpickled was pickled here

from __future__ import annotations

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine
from engine.errors import UsageError
from tests.engine.conftest import TINY

LIGHT = {"layers": "mixed0=0.5,mixed1:2=1", "iterations": 2, "octaves": 2}


def dreamed(photo: Path, device: str = "cpu") -> engine.Dream:
    """Dream in another process."""
    return engine.dream(photo, model=TINY, device=device, threads=1, dither=True, seed=3, **LIGHT)


def assert_same(found: engine.Dream, dream: engine.Dream, folder: Path) -> None:
    np.testing.assert_array_equal(found.pixels, dream.pixels)
    np.testing.assert_array_equal(np.asarray(found.image), np.asarray(dream.image))
    assert (found.config, found.recipe) == (dream.config, dream.recipe)
    assert (found.losses, found.warnings, found.device) == (dream.losses, dream.warnings, dream.device)
    files = [x.save(folder / f"{name}.png") for x, name in ((dream, "one"), (found, "other"))]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert engine.read_recipe(files[1]) == engine.read_recipe(files[0])


def test_a_dream(tmp_path: Path, photo: Path, tiny) -> None:
    colours = np.asarray(Image.open(photo))
    alpha = np.dstack([colours, colours[..., 0]])
    dream = engine.dream(alpha, model=tiny, tiling=engine.Tiling(size=128), **LIGHT)
    assert_same(pickle.loads(pickle.dumps(dream)), dream, tmp_path)
    assert len(pickle.dumps(dream)) < alpha.nbytes + 8_000  # nothing of the model


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_settings_and_recipes(protocol: int) -> None:
    for made in (
        engine.DreamConfig(),
        engine.DreamConfig(layers={"mixed1": 2.0}, min_size=200, max_loss=None),
        engine.Recipe(config=engine.DreamConfig(seed=5), versions={"numpy": "2"}, unknown=("x",)),
        engine.Output(depth="16"),
        engine.Tiling(size=128, halo=16),
    ):
        for again in (pickle.loads(pickle.dumps(made, protocol)), copy.copy(made), copy.deepcopy(made)):
            assert again == made
            assert vars(again) == vars(made)
            assert hash(again) == hash(made)
    with pytest.raises(TypeError):
        pickle.loads(pickle.dumps(engine.DreamConfig(), protocol)).layers["mixed0"] = 1.0


@pytest.mark.slow
def test_steps_galleries_and_channels(photo: Path, tiny) -> None:
    *_, step = engine.steps(photo, engine.DreamConfig(layers={"mixed0": 1.0}, octaves=1), model=tiny)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(step)).full_size(), step.full_size())
    gallery = engine.gallery(photo, model=tiny)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(gallery)).picture.pixels, gallery.picture.pixels)
    channels = engine.rank_channels(photo, model=tiny)
    assert pickle.loads(pickle.dumps(channels)) == channels


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 warns of any fork
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_dream_from_another_process(tmp_path: Path, photo: Path, method: str) -> None:
    context = multiprocessing.get_context(method)
    if method == "fork":
        dreamed(photo)  # so that the child finds what its parent had open
    with ProcessPoolExecutor(1, context) as pool:
        assert_same(pool.submit(dreamed, photo).result(timeout=60), dreamed(photo), tmp_path)
        with pytest.raises(UsageError, match="--device none is not a device") as caught:
            pool.submit(dreamed, photo, "none").result(timeout=60)
        assert "cuda:N" in caught.value.hint


def test_a_model_says_why_not(tiny) -> None:
    with pytest.raises(TypeError, match="a DreamModel cannot be pickled: each process loads its own"):
        pickle.dumps(tiny)
