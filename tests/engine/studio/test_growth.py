"""What the page shows of a growing dream is what its result would be, made small."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.ascent.masks import Mask
from engine.ascent.order import order_for
from engine.files import images
from engine.galleries.looks import LOOK
from engine.library import sources
from engine.library.dreaming import Dreaming
from engine.settings.config import DreamConfig
from engine.studio.work.growth import growing
from engine.studio.work.thumbnails import FEWEST, _quicker
from tests.engine.conftest import noise

LIGHT = DreamConfig(layers={"mixed0": 1.0, "mixed1": 1.0}, iterations=2, octaves=3, blend=0.7)


def dreaming(photo, tiny, *, masked: bool) -> Dreaming:
    values = np.zeros((30, 40), np.uint8)
    values[:, :20] = 255
    order = order_for(tiny, LIGHT, mask=Mask(values) if masked else None)
    return Dreaming.begin(sources.read(photo), order, tiny)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_at_full_size_each_step_is_the_result_so_far(photo, tiny, mode: str, masked: bool) -> None:
    noise(30, 40, mode).save(photo)
    work = dreaming(photo, tiny, masked=masked)
    shown = growing(work.source, tiny.metadata.value_range, 1000)
    for step in work.steps():
        np.testing.assert_array_equal(np.asarray(shown(step)), np.asarray(work.result(step, "8").to_pil()))


@pytest.mark.parametrize("masked", [False, True])
def test_made_small_it_is_much_like_the_result_made_small(photo, tiny, masked: bool) -> None:
    noise(3, 4).resize((40, 30)).save(photo)
    work = dreaming(photo, tiny, masked=masked)
    shown = growing(work.source, tiny.metadata.value_range, 20)
    for step in work.steps():
        picture = work.result(step, "8").to_pil().resize((20, 15))
        one, other = (np.asarray(x).astype(int) for x in (shown(step), picture))
        assert one.shape == (15, 20, 3)
        before = np.asarray(images.load(photo).to_pil().resize((20, 15))).astype(int)
        assert np.abs(one - other).mean() < max(0.5 * np.abs(before - other).mean(), 3)
        if masked:  # what stays, stays
            assert np.abs(one - before)[:, 12:].max() <= 12


def test_quicker_settings_are_the_same_look_with_fewer_larger_steps() -> None:
    quick = _quicker(LOOK)
    assert FEWEST <= quick.iterations < LOOK.iterations
    assert quick.step_size**2 * quick.iterations == pytest.approx(LOOK.step_size**2 * LOOK.iterations)
    assert replace(quick, iterations=LOOK.iterations, step_size=LOOK.step_size) == LOOK
    one = replace(LOOK, iterations=3)
    assert _quicker(one) == one
