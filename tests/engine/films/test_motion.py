"""Camera moves compared with SciPy's, and pictures that stay balanced."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from engine.films.balance import Balance, _coarse
from engine.films.motion import moved
from tests.engine.films.conftest import photograph


def picture(height: int = 60, width: int = 80) -> np.ndarray:
    return photograph(height, width).astype(np.float32) / 127.5 - 1


@pytest.mark.parametrize(
    ("factor", "degrees"), [(1.0, 0.0), (1.3, 0.0), (0.7, 0.0), (1.2, 20.0), (0.8, -35.0)]
)
def test_moves_agree_with_scipy(factor: float, degrees: float) -> None:
    image = ndimage.gaussian_filter(picture(), (3, 3, 0))  # smooth, so that kernels agree
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / factor
    centre = (np.array(image.shape[:2]) - 1) / 2
    expected = np.stack(
        [
            ndimage.affine_transform(image[..., i], matrix, centre - matrix @ centre, mode="mirror", order=3)
            for i in range(3)
        ],
        axis=2,
    )
    assert np.abs(moved(image, factor, degrees) - expected).max() < 0.04


def test_a_corner_goes_outwards_and_to_the_right() -> None:
    """With a clockwise turn, what is above the centre moves right."""
    image = np.zeros((61, 61, 3), np.float32)
    image[20, 30] = 1
    seen = moved(image, 1.0, 30)[..., 0]
    row, column = np.unravel_index(seen.argmax(), seen.shape)
    assert column > 31
    assert row < 25


def test_values_are_not_rounded_and_nothing_from_outside_comes_in() -> None:
    image = np.full((40, 50, 3), 0.123456, np.float32)
    for factor, degrees in ((1.01, 0.0), (0.5, 0.0), (1.0, 45.0), (0.6, 120.0)):
        np.testing.assert_allclose(moved(image, factor, degrees), 0.123456, atol=1e-6)


@pytest.mark.slow
def test_a_hundred_small_moves_do_not_blur() -> None:
    """After zooming in and out in turns, a Lanczos kernel keeps more fine detail than a linear one."""

    def worn(move) -> float:
        image = picture(120, 160)
        for i in range(100):
            image = move(image, 1.012 if i % 2 else 1 / 1.012)
        inner = np.s_[20:-20, 20:-20]
        return float((image - _coarse(image))[inner].std())

    def linear(image: np.ndarray, factor: float) -> np.ndarray:
        centre = (np.array(image.shape[:2]) - 1) / 2
        matrix = np.eye(2) / factor
        planes = [
            ndimage.affine_transform(x, matrix, centre * (1 - 1 / factor), order=1)
            for x in np.moveaxis(image, 2, 0)
        ]
        return np.stack(planes, axis=2)

    fresh = picture(120, 160)
    whole = float((fresh - _coarse(fresh))[20:-20, 20:-20].std())
    assert worn(lambda image, factor: moved(image, factor, 0)) > 0.6 * whole
    assert worn(linear) < 0.4 * whole


def test_a_drifting_picture_is_pulled_back() -> None:
    """Each frame gets darker, more glaring and noisier; pulled back, it stays near the first."""
    first = picture()
    balance = Balance.of(first, (-1.0, 1.0))
    random = np.random.default_rng(0)
    image = first
    for _ in range(60):
        drifted = image * 1.02 - 0.02 + random.normal(0, 0.03, image.shape).astype(np.float32)
        image = balance.pull(drifted)
    assert np.abs(image.mean((0, 1)) - first.mean((0, 1))).max() < 0.2
    assert np.all(image.std((0, 1)) < 1.35 * first.std((0, 1)))
    assert (image - _coarse(image)).std() < 1.7 * balance.detail
    assert image.min() >= -1
    assert image.max() <= 1


def test_a_flat_picture_may_gain_contrast() -> None:
    balance = Balance.of(np.full((40, 40, 3), 0.2, np.float32), (-1.0, 1.0))
    gained = np.random.default_rng(0).normal(0.2, 0.05, (40, 40, 3)).astype(np.float32)
    np.testing.assert_allclose(balance.pull(gained).std(), gained.std(), rtol=0.1)
