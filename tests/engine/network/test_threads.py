"""One model, many threads: each gets what it would get alone, whatever the others compute meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.network import parts, split
from engine.network.model import DreamModel, load_model
from tests.engine.conftest import TINY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CROWD = 8
SHAPES = [(20, 24), (33, 70), (65, 60), (150, 140)]
LAYERS = ["mixed0", "mixed1", "mixed0=0.5,mixed1:2=1"]
Order = tuple[tuple[int, int], str]


def picture(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(0, 256, (*shape, 3), np.uint8)


def dreamed(model: DreamModel, order: Order) -> np.ndarray:
    """Dream in two octaves; the largest picture is cut into tiles."""
    tiling, (shape, layers) = engine.Tiling(size=128, halo=16), order
    return engine.dream(
        picture(shape), model=model, layers=layers, octaves=2, iterations=2, tiling=tiling
    ).pixels


@cache
def model(threads: int) -> DreamModel:
    return load_model(TINY, device="cpu", threads=threads)


@cache
def alone(order: Order, threads: int) -> np.ndarray:
    """Dream before any thread is there."""
    return dreamed(load_model(TINY, device="cpu", threads=threads), order)


def at_once(tasks: Sequence[Callable[[], np.ndarray]]) -> list[np.ndarray]:
    """Call each in a thread of its own, all from the same moment on."""
    together = threading.Barrier(len(tasks), timeout=60)

    def begin(task: Callable[[], np.ndarray]) -> np.ndarray:
        together.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(begin, tasks))


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
@settings(max_examples=3)
@given(st.lists(st.tuples(st.sampled_from(SHAPES), st.sampled_from(LAYERS)), min_size=CROWD, max_size=CROWD))
def test_each_thread_gets_what_it_gets_alone(threads: int, orders: list[Order]) -> None:
    expected = [alone(x, threads) for x in orders]
    found = at_once([partial(dreamed, model(threads), x) for x in orders])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_from_asyncio() -> None:
    orders = list(zip(SHAPES, itertools.cycle(LAYERS), strict=False))

    async def gathered() -> list[np.ndarray]:
        return await asyncio.gather(*(asyncio.to_thread(dreamed, model(1), x) for x in orders))

    expected = [alone(x, 1) for x in orders]
    for found, one in zip(asyncio.run(gathered()), expected, strict=True):
        np.testing.assert_array_equal(found, one)


def test_loss_energies_and_guides(tiny: DreamModel) -> None:
    image = np.random.default_rng(0).uniform(-1, 1, (40, 50, 3)).astype(np.float32)
    weights = tiny.channel_weights({"mixed1": 1.0})
    expected = tiny(image, weights)[1], tiny.energies(image), tiny.energies(image, ["mixed0"])
    tasks = [
        lambda: tiny(image, weights)[1],
        lambda: tiny.energies(image),
        lambda: tiny.energies(image, ["mixed0"]),
    ]
    for i, found in enumerate(at_once(tasks * 3)):
        np.testing.assert_array_equal(found, expected[i % 3])


@pytest.mark.slow
def test_models_opened_at_once() -> None:
    order = (SHAPES[0], LAYERS[0])

    def opened() -> np.ndarray:
        return dreamed(load_model(TINY, device="cpu", threads=1), order)

    for found in at_once([opened] * CROWD):
        np.testing.assert_array_equal(found, alone(order, 1))


def test_nothing_is_opened_twice_for_the_same_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def noted(*words, **more):
        opened.append(set(words[2]))
        return parts.Parts(*words, **more)

    monkeypatch.setattr(split, "Parts", noted)
    own = load_model(TINY, device="cpu", threads=1)
    ongoing = [engine.steps(picture((40, 50)), config(x), model=own) for x in ("mixed0", "mixed1") * 2]
    for _ in range(4):
        for steps in ongoing:
            next(steps)
    assert opened == [{"mixed0"}, {"mixed1"}]


def test_the_stem_is_opened_once_whatever_the_layers_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a model and by its copies; given back, it is opened again."""
    orders = {layers: (SHAPES[2], layers) for layers in ("mixed0", "mixed1", "mixed0,mixed1")}
    expected = {layers: alone(order, 1) for layers, order in orders.items()}
    opened, open_fragment = [], parts.open_fragment
    monkeypatch.setattr(parts, "open_fragment", lambda *x: opened.append(x) or open_fragment(*x))

    def sessions(own: DreamModel, layers: str) -> int:
        """Return how many a dream opens; it must be the one that it is alone."""
        before = len(opened)
        np.testing.assert_array_equal(dreamed(own, orders[layers]), expected[layers])
        return len(opened) - before

    own = load_model(TINY, device="cpu", threads=1)
    first = sessions(own, "mixed0")
    assert first > 3
    assert sessions(own, "mixed1") == 1  # the trunk
    (copy,) = own.copies(1, 1, ["mixed0", "mixed1"])
    assert sessions(copy, "mixed0,mixed1") == 0
    own.give_back()
    assert sessions(own, "mixed1") == first - 1


def config(layer: str) -> engine.DreamConfig:
    return engine.DreamConfig(layers={layer: 1.0}, octaves=1, iterations=5)


def test_an_interrupted_call_leaves_nothing_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its other threads may still be writing into what it kept."""
    forward, used = split.SplitModel._forward, []

    def watched(opened, buffers, *rest):
        used.append(buffers)
        if len(used) == 3:
            raise KeyboardInterrupt
        return forward(opened, buffers, *rest)

    monkeypatch.setattr(split.SplitModel, "_forward", staticmethod(watched))
    own, order = load_model(TINY, device="cpu", threads=2), ((140, 60), "mixed0")
    with pytest.raises(KeyboardInterrupt):
        dreamed(own, order)
    before = list(used)
    np.testing.assert_array_equal(dreamed(own, order), alone(order, 2))
    assert not {id(x) for x in before} & {id(x) for x in used[-4:]}


@pytest.mark.slow
def test_the_embedded_model() -> None:
    """What was seen to give pictures that were wrong by up to 248 of 255."""
    with load_model(device="cpu", threads=1) as own:
        orders = [((150, 200), "mixed3=1"), ((201, 140), "mixed3=1"), ((150, 200), "mixed2=1,mixed4=2")]

        def one(order: Order) -> np.ndarray:
            return engine.dream(picture(order[0]), model=own, layers=order[1], octaves=1, iterations=4).pixels

        expected = [one(x) for x in orders]
        for i, found in enumerate(at_once([partial(one, x) for x in orders * 2])):
            np.testing.assert_array_equal(found, expected[i % 3])
