"""How a result is written, apart from the file's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.errors import UsageError

DEPTHS: Final = ("8", "16", "float")
"""The depths that a result can be written in, least first."""


@dataclass(frozen=True)
class Output:
    """How a result is written, apart from the file's name."""

    quality: int = 95
    """Quality of lossy formats, 1 to 100; at 100 WebP and JPEG XL are lossless."""

    depth: str = "source"
    """Bits per channel: `8`, `16`, `float`, or `source` for the source's; some formats hold less."""

    dither: bool = False
    """Whether changed values are rounded up or down at random, so that smooth areas show no banding."""

    seed: int = 0
    """Of the random rounding."""

    strip_metadata: bool = False
    """Whether EXIF (and with it the place), XMP, IPTC and comments are left out."""

    recipe: str = ""
    """The recipe's text, to be put into the file; empty for none."""

    with_recipe: bool = True
    """Whether a recipe is to be put into the file."""

    def __post_init__(self) -> None:
        """Raise UsageError for a value that is out of range."""
        if not 1 <= self.quality <= 100:
            raise UsageError(f"--quality {self.quality} is out of range", hint="--quality takes 1 to 100")
        if self.depth not in {"source", *DEPTHS}:
            raise UsageError(f"there is no depth {self.depth}", hint=f"use source, {', '.join(DEPTHS)}")


STANDARD: Final = Output()
"""The default."""
