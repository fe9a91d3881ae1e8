"""Check that a file is a dream of a photograph: check_dream.py PHOTOGRAPH DREAM."""

from __future__ import annotations

import sys

import numpy as np
from PIL import Image


def main() -> None:
    """Exit with a message where the dream is not one."""
    photograph, dream = sys.argv[1:]
    with Image.open(photograph) as before, Image.open(dream) as after:
        if before.size != after.size:
            sys.exit(f"{dream} is {after.size}, {photograph} is {before.size}")
        difference = np.asarray(after.convert("RGB"), dtype=float) - np.asarray(
            before.convert("RGB"), dtype=float
        )
    change = float(np.abs(difference).mean())
    if not 1 < change < 60:
        sys.exit(
            f"{dream} differs from {photograph} by {change:.2f} of 255 in the mean: that is no dream of it"
        )


if __name__ == "__main__":
    main()
