"""The photograph that every contender dreams on, at any size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

PHOTOGRAPH = Path(__file__).parent.parent / "examples" / "mountains.jpg"


def photograph(width: int, height: int) -> Image.Image:
    """Return the photograph at another size; its proportions may change."""
    with Image.open(PHOTOGRAPH) as file:
        return file.convert("RGB").resize((width, height))


def network_input(width: int, height: int) -> NDArray[np.float32]:
    """Return the photograph as the network takes it, [1, H, W, 3] from -1 to 1."""
    pixels = np.asarray(photograph(width, height), dtype=np.float32)
    return np.asarray(pixels[np.newaxis] / np.float32(127.5) - np.float32(1.0))
