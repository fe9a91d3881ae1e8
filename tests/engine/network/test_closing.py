"""A model that is closed: what it frees, and what those get who go on asking it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.errors import UsageError
from engine.network.model import DreamModel, load_model
from tests.engine.conftest import TINY

IMAGE = np.random.default_rng(0).uniform(-1, 1, (40, 50, 3)).astype(np.float32)
PICTURE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
CONFIG = engine.DreamConfig(layers={"mixed1": 1.0}, octaves=1, iterations=6)


def weights(model: DreamModel) -> np.ndarray:
    return model.channel_weights({"mixed0": 1.0})


USES = {
    "a dream": lambda model: engine.dream(PICTURE, model=model, layers="mixed0"),
    "an image": lambda model: model(IMAGE, weights(model)),
    "energies": lambda model: model.energies(IMAGE),
    "a gallery": lambda model: engine.gallery(PICTURE, model=model),
    "channels": lambda model: engine.rank_channels(PICTURE, model=model),
    "with": lambda model: model.__enter__(),
    "copies": lambda model: model.copies(2, 1, ["mixed0"]),
    "on the device": lambda model: (model.resident, model.resident_step),
}


@pytest.mark.slow
@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("use", USES)
def test_who_asks_a_closed_model_is_told(use: str, device: str, runtime) -> None:
    if device == "cuda":
        runtime()
    model = load_model(TINY, device=device, threads=1)
    if use != "with":
        USES[use](model)
    model.close()
    model.close()
    with pytest.raises(UsageError, match=r"the model .*tiny\.onnx is closed") as caught:
        USES[use](model)
    assert caught.value.hint == "load_model opens it again"
    assert (len(model.sha256), model.layer_names, model.threads) == (64, ("mixed0", "mixed1"), 1)


def test_with_closes_it_whatever_happens() -> None:
    with load_model(TINY, device="cpu", threads=1) as model:
        dream = engine.dream(PICTURE, model=model, layers="mixed0", iterations=1)
    assert dream.pixels.shape == PICTURE.shape
    with pytest.raises(UsageError, match="closed"):
        model(IMAGE, weights(model))
    with pytest.raises(KeyError), load_model(TINY, device="cpu", threads=1) as model:
        raise KeyError
    with pytest.raises(UsageError, match="closed"):
        model(IMAGE, weights(model))


def test_a_dream_ends_at_its_next_step_and_what_it_made_stays() -> None:
    model = load_model(TINY, device="cpu", threads=2)
    whole = list(engine.steps(PICTURE, CONFIG, model=model))
    steps = engine.steps(PICTURE, CONFIG, model=model)
    kept = next(steps)
    model.close()
    with pytest.raises(UsageError, match="closed"):
        next(steps)
    np.testing.assert_array_equal(kept.full_size(), whole[0].full_size())


def test_closing_while_other_threads_dream() -> None:
    model = load_model(TINY, device="cpu", threads=2)
    begun, ends = threading.Barrier(5, timeout=60), []

    def endless() -> None:
        try:
            begun.wait()
            while True:
                engine.dream(PICTURE, model=model, layers="mixed1", iterations=1)
        except UsageError as error:
            ends.append(str(error))

    threads = [threading.Thread(target=endless) for _ in range(4)]
    for thread in threads:
        thread.start()
    begun.wait()
    model.close()
    for thread in threads:
        thread.join(60)
    assert len(ends) == 4


@pytest.mark.slow
def test_other_models_are_left_alone() -> None:
    one, other = (load_model(TINY, device="cpu", threads=2) for _ in range(2))
    expected = [engine.dream(PICTURE, model=x, layers="mixed1").pixels for x in (one, other)][1]
    one.close()
    np.testing.assert_array_equal(engine.dream(PICTURE, model=other, layers="mixed1").pixels, expected)


MEMORY = """
import os
import time
import numpy as np
import engine

def state():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096, len(os.listdir("/proc/self/task"))

def dream(**more):
    pixels = np.random.default_rng(0).integers(0, 256, (700, 800, 3), np.uint8)
    engine.dream(pixels, layers="mixed3=1,mixed4=1", octaves=1, iterations=1, **more)

idle = state()[1]
with engine.load_model(device="cpu", threads=2) as model:
    model(np.zeros((80, 80, 3), np.float32), model.channel_weights({"mixed0": 1.0}))
    dream(model=model)
    print(*state())
until = time.monotonic() + 30
while state()[1] > idle and time.monotonic() < until:  # threads of a pool end soon after
    time.sleep(0.01)
print(*state(), idle)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc, which is Linux")
def test_closing_frees_memory_and_threads() -> None:
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    most, busy, least, left, idle = map(int, done.stdout.split())
    assert least < most / 2
    assert left == idle < busy


def test_what_is_given_back_is_taken_anew_and_nothing_changes() -> None:
    with load_model(TINY, device="cpu", threads=1) as model:
        expected = engine.dream(PICTURE, model=model, layers="mixed1", octaves=1, iterations=2)
        (split,) = model._splits.values()
        shelf = split._parts.get().shelf
        assert (shelf.sets, model.held_pixels > 0) == (1, True)
        model.give_back()
        assert (shelf.sets, model.held_pixels) == (0, 0)
        again = engine.dream(PICTURE, model=model, layers="mixed1", octaves=1, iterations=2)
        np.testing.assert_array_equal(again.pixels, expected.pixels)
        assert shelf.sets == 1
    model.give_back()  # of a closed one there is nothing


def test_what_is_in_use_is_not_given_back() -> None:
    with load_model(TINY, device="cpu", threads=1) as model:
        engine.dream(PICTURE, model=model, layers="mixed0", octaves=1, iterations=1)
        (split,) = model._splits.values()
        shelf = split._parts.get().shelf
        with shelf.taken([]):
            model.give_back()
            assert shelf.sets == 1
        assert shelf.sets == 1


@pytest.mark.parametrize(("side", "given"), [(1024, 0), (1025, 1)])
def test_a_large_picture_gives_its_memory_back_before_it_is_saved(monkeypatch, side: int, given: int) -> None:
    calls: list[int] = []
    monkeypatch.setattr(DreamModel, "give_back", lambda self: calls.append(1))
    with load_model(TINY, device="cpu", threads=1) as model:
        picture = np.zeros((1024, side, 3), np.uint8)
        config = engine.DreamConfig(layers={"mixed0": 1.0}, octaves=1, iterations=1, max_size=128)
        for _ in engine.steps(picture, config, model=model):
            assert calls == []
    assert len(calls) == given
