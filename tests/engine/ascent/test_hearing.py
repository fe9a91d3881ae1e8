"""A stop is heard in the midst of whatever is done to a whole picture, so that its size does not matter."""

from __future__ import annotations

import numpy as np
import pytest

from engine.ascent import ascent, controls
from engine.ascent.octaves import resize
from engine.errors import Cancelled
from engine.pictures.pixels import ModelRows
from engine.pictures.rows import COPIED
from engine.settings.config import DreamConfig
from engine.stop import Stop

SIDE = 1400
"""About two megapixels."""

NOTHING = {"jitter": 0, "margin": 0, "natural_colours": 0, "keep_colours": False, "blur": 0, "smooth": 0}


class Counting(Stop):
    """Knows how often somebody asked."""

    checks = 0

    def check(self) -> None:
        self.checks += 1
        super().check()


@pytest.mark.parametrize(
    "wanted",
    [
        {"jitter": 9},
        {"margin": 9},
        {"natural_colours": 1},
        {"keep_colours": True},
        {"blur": 0.8},
        {"smooth": 0.5},
    ],
    ids=str,
)
def test_each_control_asks_in_its_midst(wanted: dict[str, float]) -> None:
    stop = Counting()
    config = DreamConfig(**{**NOTHING, **wanted})
    gradient = controls.decorated(lambda image: (0.0, np.zeros_like(image)), config, None, stop)
    image = np.zeros((SIDE, SIDE, 3), np.float32)
    gradient(image)
    assert stop.checks > image.shape[0] * image.shape[1] / COPIED + 1  # one is asked after each control


def test_a_stop_within_the_gradient_is_heard_before_anything_is_done_to_it() -> None:
    stop, image, mask = Stop(), np.zeros((8, 8, 3), np.float32), np.ones((8, 8, 1), np.float32)

    def gradient(image: np.ndarray) -> tuple[float, np.ndarray]:
        stop.set()
        return 0.0, np.ones_like(image)

    config = DreamConfig(**NOTHING)
    with pytest.raises(Cancelled):
        ascent.climb(image, gradient, config, stop=stop)
    with pytest.raises(Cancelled):
        controls.decorated(gradient, config, mask, stop)(image)


def test_pixels_are_made_floats_band_by_band() -> None:
    stop = Stop()
    stop.set()
    pixels = ModelRows(np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(Cancelled):
        resize(pixels, (8, 8), stop)
