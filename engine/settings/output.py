"""What is chosen about a result's file, besides its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.errors import UsageError

DEPTHS: Final = ("8", "16", "float")
"""How exactly a result can be written, least first."""


@dataclass(frozen=True)
class Output:
    """What is chosen about a result's file, besides its name."""

    quality: int = 95
    """Of the formats that lose something, 1 to 100; at 100 WebP and JPEG XL lose nothing."""

    depth: str = "source"
    """Bits per channel: `8`, `16`, `float`, or `source` for the source's; the format may hold less."""

    dither: bool = False
    """Whether what the dream changed is rounded up or down by chance, so that smooth areas get no steps."""

    seed: int = 0
    """Of the chance."""

    strip_metadata: bool = False
    """Whether EXIF (and with it the place), XMP, IPTC and comments are left out."""

    recipe: str = ""
    """Text to put into the file, how to make the picture again; empty for none."""

    with_recipe: bool = True
    """Whether whoever makes the picture writes that text."""

    def __post_init__(self) -> None:
        """Raise UsageError for what is out of range."""
        if not 1 <= self.quality <= 100:
            raise UsageError(f"--quality {self.quality} is out of range", hint="--quality takes 1 to 100")
        if self.depth not in {"source", *DEPTHS}:
            raise UsageError(f"there is no depth {self.depth}", hint=f"there are: {', '.join(DEPTHS)}")


STANDARD: Final = Output()
"""What is chosen where nobody chooses."""
