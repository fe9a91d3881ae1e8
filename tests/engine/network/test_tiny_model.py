"""The model that the other tests use is right; tests/export/test_tiny_model.py sees that it is up to date."""

from __future__ import annotations

import numpy as np
import pytest

from engine.network.model import DreamModel


@pytest.mark.parametrize("shape", [(1, 11, 11, 3), (2, 23, 18, 3), (1, 40, 31, 3)])
def test_its_gradient_is_the_derivative_of_its_loss(tiny: DreamModel, shape) -> None:
    random = np.random.default_rng(3)
    image = random.uniform(-1, 1, shape).astype(np.float32)
    direction = random.normal(size=shape).astype(np.float32)
    weights = random.normal(size=10).astype(np.float32)
    _, gradient = tiny(image, weights)
    up, _ = tiny(image + 1e-3 * direction, weights)
    down, _ = tiny(image - 1e-3 * direction, weights)
    expected = (gradient * direction).sum((1, 2, 3))
    np.testing.assert_allclose((up - down) / 2e-3, expected, rtol=2e-2, atol=1e-3)


def test_its_loss_is_the_weighted_sum_of_energies(tiny: DreamModel) -> None:
    image = np.random.default_rng(4).uniform(-1, 1, (2, 15, 17, 3)).astype(np.float32)
    weights = np.arange(10, dtype=np.float32)
    loss, _ = tiny(image, weights)
    np.testing.assert_allclose(loss, tiny.energies(image) @ weights, rtol=1e-5)
