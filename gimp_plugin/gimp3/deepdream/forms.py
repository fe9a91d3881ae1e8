"""The size of the forms as one number, whichever arguments decide it; plain numbers, without GIMP."""

from __future__ import annotations

import math

SIZES = (512, 32)
"""Smallest sizes for the smallest and the largest forms."""

OCTAVES = (1, 8)
"""Numbers of octaves for the smallest and the largest forms."""


def from_share(share: float, min_size: int) -> dict[str, int]:
    """Return the argument that gives forms of a size, 0 to 1, while the smallest size is the given one."""
    if min_size:
        return {"min-size": round(SIZES[0] * (SIZES[1] / SIZES[0]) ** share)}
    return {"octaves": round(OCTAVES[0] + (OCTAVES[1] - OCTAVES[0]) * share)}


def to_share(min_size: int, octaves: int) -> float:
    """Return the size of the forms, 0 to 1, that these arguments give."""
    if min_size:
        share = math.log(SIZES[0] / min_size) / math.log(SIZES[0] / SIZES[1])
    else:
        share = (octaves - OCTAVES[0]) / (OCTAVES[1] - OCTAVES[0])
    return min(max(share, 0.0), 1.0)
