"""Controls that filter a gradient: margin, natural colours, blur."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

import engine
from engine.ascent.controls import blur, margin, natural
from engine.pictures.pixels import to_model
from tests.engine.ascent.conftest import CONFIG, LAYERS, dreamed, pixels, random
from tests.engine.conftest import gradient_of

SKY = Path(__file__).parents[3] / "export" / "photographs" / "sky.jpg"


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 4), (9, 30), (40, 41)])
@pytest.mark.parametrize("width", [1, 3, 8, 48])
def test_a_margin_is_brought_back_by_the_adjoint(shape: tuple[int, int], width: int) -> None:
    """Whatever the loss: the sum over the larger picture's derivative is that over the smaller one's."""
    image, seen = random(*shape, 3), []

    def gradient(padded: np.ndarray) -> tuple[float, np.ndarray]:
        seen.extend([padded, random(*padded.shape, seed=2)])
        return 0.0, seen[1].copy()

    _, slope = margin.reflected(gradient, width)(image)
    assert slope.shape == image.shape
    assert seen[0].shape[:2] == tuple(x + 2 * min(width, x - 1) for x in shape)
    assert np.vdot(slope, image) == pytest.approx(np.vdot(seen[1], seen[0]), rel=1e-4, abs=1e-4)


def test_a_margins_gradient_is_the_numerical_derivative(tiny) -> None:
    image, weights = random(30, 26, 3).astype(np.float64), tiny.channel_weights(LAYERS)

    def loss(x: np.ndarray) -> float:
        padded = np.pad(x, [(8, 8), (8, 8), (0, 0)], mode="reflect").astype(np.float32)
        return float(tiny(padded, weights)[0])

    _, slope = margin.reflected(gradient_of(tiny, LAYERS), 8)(image.astype(np.float32))
    uphill = 1e-2 * slope / np.abs(slope).max()
    found = (loss(image + uphill) - loss(image - uphill)) / 2
    assert found == pytest.approx(float(np.vdot(slope, uphill)), rel=0.02)


@pytest.mark.parametrize("tiling", [engine.Tiling(), engine.Tiling(size=128, halo=16)])
def test_with_a_margin_the_edge_dreams_as_the_middle_does(tiny, tiling: engine.Tiling) -> None:
    grey = np.full((200, 220, 3), 128, np.uint8) + pixels(200, 220) // 16
    config = replace(CONFIG, octaves=1, jitter=4)
    shares = []
    for width in (0, 16):
        change = np.abs(dreamed(grey, tiny, replace(config, margin=width), tiling=tiling) - to_model(grey))
        middle = change[50:-50, 50:-50].mean()
        edges = [change[:3], change[-3:], change[:, :3], change[:, -3:]]
        shares.append(min(float(x.mean() / middle) for x in edges))
    assert shares[0] < 0.6
    assert shares[1] > 0.8


def test_natural_colours_by_degrees() -> None:
    np.testing.assert_allclose(natural.mixing(0), np.eye(3), atol=1e-6)
    np.testing.assert_allclose(natural.mixing(0.5) @ natural.mixing(0.5), natural.mixing(1), atol=1e-6)
    covariance = np.array(natural.COVARIANCE)
    np.testing.assert_allclose(
        natural.mixing(1), covariance / np.linalg.eigvalsh(covariance).max(), atol=1e-6
    )
    _, slope = natural.natural(lambda x: (0.0, random(*x.shape)), 1.0)(random(90, 80, 3))
    red, green, blue = (slope[..., x].ravel() for x in range(3))
    assert np.corrcoef(red, green)[0, 1] > 0.9
    assert np.corrcoef(red, blue)[0, 1] > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("name", ["card", "noise", "sky"])
def test_the_default_dreams_at_the_edge_as_in_the_middle(name: str) -> None:
    """In one octave and in two; on the card, without the margin, the outer twentieth changes by a quarter."""
    with Image.open(SKY) as file:
        pictures = {
            "card": np.full((160, 240, 3), 128, np.uint8),
            "noise": np.random.default_rng(1).integers(96, 160, (160, 240, 3)).astype(np.uint8),
            "sky": np.asarray(file.convert("RGB")),
        }
    picture = pictures[name]
    assert edge(picture) >= 0.8
    if name == "card":
        assert edge(picture, margin=0) < 0.5


def edge(picture: np.ndarray, **settings: int) -> float:
    """Return how much a dream changes the outer twentieth of a picture, as a share of the middle's change."""
    change = np.abs(engine.dream(picture, **settings).pixels.astype(float) - picture).mean(axis=2)
    height, width = change.shape
    inner = change[height // 20 : -(height // 20), width // 20 : -(width // 20)]
    outer = (change.sum() - inner.sum()) / (change.size - inner.size)
    middle = change[height // 4 : -(height // 4), width // 4 : -(width // 4)].mean()
    return float(outer / middle)


@pytest.mark.parametrize("deviation", [0.01, 0.3, 0.8, 2.0, 8.0])
@pytest.mark.parametrize("shape", [(41, 30), (5, 60), (1, 1)])
def test_blur_is_a_gaussian(shape: tuple[int, int], deviation: float) -> None:
    slope = random(*shape, 3)
    reach = min(math.ceil(3 * deviation), *shape)
    _, soft = blur.blurred(lambda _: (1.0, slope.copy()), deviation)(slope)
    assert soft.dtype == np.float32
    np.testing.assert_allclose(soft.mean(axis=(0, 1)), slope.mean(axis=(0, 1)), atol=1e-5)
    if reach == math.ceil(3 * deviation):  # where the picture is smaller than the blur, SciPy reflects again
        double, how = slope.astype(np.float64), {"mode": "reflect", "axes": (0, 1)}
        expected = scipy.ndimage.gaussian_filter(double, deviation, radius=reach, **how)
        np.testing.assert_allclose(soft, expected, atol=1e-5)


def test_blur_ends_a_lattice_of_dots_and_leaves_forms() -> None:
    rows, columns = np.mgrid[:64, :64]
    for period, low, high in ((4, 0.0, 0.5), (16, 0.9, 1.0)):
        wave = np.cos(2 * np.pi * rows / period) * np.ones_like(columns)
        slope = np.repeat(wave[..., np.newaxis], 3, axis=2).astype(np.float32)
        _, soft = blur.blurred(lambda _, slope=slope: (0.0, slope.copy()), 0.8)(slope)
        assert low <= float(np.vdot(soft, slope) / np.vdot(slope, slope)) <= high
