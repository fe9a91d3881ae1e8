"""What tests of controls dream on, and with."""

from __future__ import annotations

import numpy as np

import engine
from engine.settings.config import DreamConfig
from tests.engine.conftest import noise

LAYERS = {"mixed0": 1.0, "mixed1": 0.5}
CONFIG = DreamConfig(layers=LAYERS, iterations=3, octaves=2)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def dreamed(picture: np.ndarray, tiny, config: DreamConfig = CONFIG, **how) -> np.ndarray:
    *_, last = engine.steps(picture, config, model=tiny, **how)
    return last.full_size()


def pixels(height: int = 48, width: int = 64) -> np.ndarray:
    return np.array(noise(height, width))
