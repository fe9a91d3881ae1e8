"""Frames for tests, and what comes back for them."""

from __future__ import annotations

import io
import json

import numpy as np

from engine.ascent.order import order_for
from engine.pipe import serve as pipe
from engine.pipe import wire
from engine.settings.config import DreamConfig

SETTINGS = DreamConfig(layers={"mixed0": 1.0, "mixed1": 1.0}, iterations=2)


def frame(kind: str, channels: int, height: int = 30, width: int = 40) -> np.ndarray:
    random = np.random.default_rng(channels)
    if kind == "|u1":
        return random.integers(0, 256, (height, width, channels), np.uint8)
    return random.random((height, width, channels), np.float32)


FRAMES = [frame(kind, channels, 30 + channels) for kind in wire.KINDS for channels in (1, 2, 3, 4)]
RGB = frame("|u1", 3)


def frames_of(content: bytes) -> list[np.ndarray]:
    stream, found = io.BytesIO(content), []
    while (header := wire.read_header(stream.read)) is not None:
        found.append(wire.read_pixels(stream.read, header))
    return found


def events_of(lines: bytes) -> list[dict]:
    return [json.loads(x) for x in lines.splitlines()]


def dreamed(picture: np.ndarray, model, config: DreamConfig = SETTINGS) -> np.ndarray:
    *_, last = pipe.steps(picture, model, order_for(model, config))
    return pipe.finish(picture, last, model)
