# ruff: noqa: T201 - it prints
"""Print how the colours of photographs vary together: the numbers in engine/ascent/controls/natural.py.

    python docs/make_natural_colours.py examples/*.jpg

Of each photograph at 600x450 only what is finer than 16 pixels counts, as in a dream's step: what is coarser
says more about the scene than about colours.  Each photograph counts alike.
"""

from __future__ import annotations

import sys

import numpy as np
from PIL import Image

SIZE, COARSE = (600, 450), 16


def covariance(path: str) -> np.ndarray:
    """Return the covariance of red, green and blue in a photograph's detail, its trace 1."""
    with Image.open(path) as file:
        image = file.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)
    coarse = image.resize((SIZE[0] // COARSE, SIZE[1] // COARSE), Image.Resampling.BOX).resize(
        SIZE, Image.Resampling.BICUBIC
    )
    detail = (np.asarray(image, np.float64) - np.asarray(coarse, np.float64)).reshape(-1, 3)
    found = np.cov(detail.T)
    return found / np.trace(found)


def main() -> None:
    """Print the mean of all photographs, and how its directions compare."""
    mean = np.mean([covariance(path) for path in sys.argv[1:]], axis=0)
    print(np.array2string(mean, precision=3, suppress_small=True))
    values = np.linalg.eigvalsh(mean)
    print("variances along its directions, largest 1:", (values / values.max())[::-1].round(3))


if __name__ == "__main__":
    main()
