"""Windows of one shape, computed many at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ascent import tiles, windows
from engine.ascent.grid import grid
from engine.network.model import DreamModel

STRIDE = 16
LARGEST = tiles.THINNEST
"""What a core may have more than its size."""


@settings(deadline=None)
@given(
    st.tuples(st.integers(60, 2500), st.integers(60, 2500)),
    st.sampled_from([128, 256, 512]),
    st.sampled_from([0, 32, 48, 96]),
    st.tuples(st.integers(0, 7), st.integers(0, 7)),
)
def test_windows_are_alike_and_have_all_that_was_asked_for(shape, size, halo, shift) -> None:
    own = grid(shape, size, halo, (shift[0] * STRIDE, shift[1] * STRIDE))
    made = windows.alike(own, shape, LARGEST + size, halo, STRIDE)
    assert len({tuple(x.stop - x.start for x in tile.window) for tile in made}) == 1
    for before, after in zip(own, made, strict=True):
        assert after.core == before.core
        for core, window, length in zip(after.core, after.window, shape, strict=True):
            assert 0 <= window.start <= max(core.start - halo, 0)
            assert min(core.stop + halo, length) <= window.stop <= length
            assert window.start % STRIDE == 0
            assert window.stop - window.start <= min(length, LARGEST + size + 2 * halo + STRIDE)


def test_the_shape_does_not_depend_on_where_the_borders_are() -> None:
    shapes = set()
    for shift in range(0, 256, STRIDE):
        made = windows.alike(
            grid((900, 1300), 256, 48, (shift, shift)), (900, 1300), LARGEST + 256, 48, STRIDE
        )
        shapes |= {tuple(x.stop - x.start for x in tile.window) for tile in made}
    assert len(shapes) == 1


@pytest.mark.parametrize("most_pixels", [1, 3 * 304 * 304, 10**9])
def test_many_at_once_are_what_they_are_one_by_one(tiny: DreamModel, monkeypatch, most_pixels: int) -> None:
    image = np.random.default_rng(0).uniform(-1, 1, (250, 350, 3)).astype(np.float32)
    made = windows.alike(grid(image.shape[:2], 128, 16), image.shape[:2], LARGEST + 128, 16, STRIDE)
    weights = tiny.channel_weights(dict.fromkeys(tiny.layer_names, 1.0))
    batches = []
    together = tiny.evaluate_many

    def counted(images, weights, *others):
        batches.append(images.shape)
        return together(images, weights, *others)

    monkeypatch.setattr(tiny, "evaluate_many", counted)
    found = list(windows.evaluate(tiny, image, made, weights, most_pixels))
    assert len(set(batches)) == 1
    assert [tile for tile, _, _, _ in found] == made
    assert len(batches) == -(-len(made) // batches[0][0])
    for tile, loss, gradient, energies in found:
        its_loss, alone, its_own = tiny.evaluate(image[tile.window], weights)
        assert loss == pytest.approx(its_loss, rel=1e-5)
        np.testing.assert_allclose(gradient, alone, atol=1e-6 * np.abs(alone).max())
        np.testing.assert_allclose(energies, its_own, rtol=1e-5)
