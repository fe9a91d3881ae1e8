"""The defaults of a gallery; importing them is cheap, so that `--help` can show them."""

from __future__ import annotations

from typing import Final

from engine.settings.config import DreamConfig

SIDE: Final = 256
"""Side of a square with as many pixels as a cell's picture has, by default."""

COUNT: Final = 11
"""Default number of channels of a layer; with the picture itself, they fill three rows of four cells."""

LOOK: Final = DreamConfig(
    min_size=112,
    iterations=16,
    step_size=0.02,
    max_loss=None,
    jitter=48,
    natural_colours=0.9,
    blur=0.8,
    clip=True,
    smooth=0.3,
    total_variation=0.1,
)
"""Settings that show what a layer does, in so small a picture up to its edges, and in a large one too."""
