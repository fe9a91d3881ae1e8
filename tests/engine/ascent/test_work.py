"""A picture and its order, settled once."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from engine import machine
from engine.ascent.order import order_for
from engine.ascent.work import Work
from engine.errors import ImageError
from engine.library.dreaming import Dreaming
from engine.library.repeating import recipe_for
from engine.library.sources import read, read_guide
from engine.network.model import load_model
from engine.settings.config import DreamConfig
from engine.settings.tiling import Tiling
from tests.engine.conftest import TINY, noise

CONFIG = DreamConfig(layers={"mixed0": 1.0, "mixed1": 0.5}, iterations=2, octaves=1)


@pytest.mark.slow
def test_memory_that_goes_after_a_picture_is_settled_cuts_nothing(monkeypatch) -> None:
    """What the recipe says is what was done: a picture that was settled whole stays whole."""
    free = SimpleNamespace(bytes=10**10, asked=0)

    def available() -> int:
        free.asked += 1
        return free.bytes

    monkeypatch.setattr(machine, "available_memory", available)
    model = load_model(TINY, device="cpu", threads=1)
    picture = np.random.default_rng(0).uniform(-1, 1, (500, 600, 3)).astype(np.float32)
    expected = [x.loss for x in Work.settle(picture, order_for(model, CONFIG), model).steps()]
    work = Work.settle(picture, order_for(model, CONFIG), model)
    recipe, free.bytes, free.asked = recipe_for(work), 1, 0
    assert [x.loss for x in work.steps()] == expected
    assert recipe == recipe_for(work)
    assert (recipe.tiling.size, work.tile, free.asked) == ("auto", None, 0)
    with pytest.raises(ImageError, match="needs about"):
        Work.settle(picture, order_for(model, CONFIG), load_model(TINY, device="cpu", threads=1))


def test_a_picture_that_is_cut_says_so() -> None:
    model = load_model(TINY, device="cpu", threads=1)
    work = Work.settle(np.zeros((300, 400, 3), np.float32), order_for(model, CONFIG, Tiling(size=128)), model)
    assert (work.tile, work.tiling.size, recipe_for(work).tiling.size) == (128, 128, 128)


def test_a_guide_takes_the_sessions_of_the_dream(runtime) -> None:
    """A second one would take twice the memory and the time to open: the file is never opened whole."""

    def opened(guide: np.ndarray | None) -> list[object]:
        fake = runtime(cuda=False)
        model = load_model(TINY, device="cpu", threads=1)
        order = order_for(model, CONFIG, guide=read_guide(guide, model))
        for _ in Dreaming.begin(read(noise(60, 60)), order, model).steps():
            pass
        return fake.asked

    assert opened(np.asarray(noise(60, 60))) == opened(None)


def test_the_sessions_of_a_dream_see_what_the_whole_model_does() -> None:
    model = load_model(TINY, device="cpu", threads=1)
    image = np.random.default_rng(0).uniform(-1, 1, (70, 90, 3)).astype(np.float32)
    whole = model.evaluate(image, np.zeros(10, np.float32))[2]
    np.testing.assert_allclose(model.energies(image), whole, rtol=1e-5)
    np.testing.assert_allclose(model.energies(image, ["mixed1"]), [0] * 4 + list(whole[4:]), rtol=1e-5)
    np.testing.assert_allclose(model.energies(np.stack([image, image])), [whole, whole], rtol=1e-5)
