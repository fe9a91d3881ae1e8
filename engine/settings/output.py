"""How a result is written, apart from the file's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.errors import UsageError
from engine.settings.setting import Setting, brief

DEPTHS: Final = ("8", "16", "float")
"""The depths that a result can be written in, least first."""


NUMBERS: Final = {
    "quality": Setting("--quality", int, 1, 100, ""),
    "dither": Setting("--dither", bool, 0, 1, ""),
    "seed": Setting("--seed", int, 0, 2**32 - 1, ""),
    "strip_metadata": Setting("--strip-metadata", bool, 0, 1, ""),
    "with_recipe": Setting("with_recipe", bool, 0, 1, ""),
}
"""What the numbers and switches of an Output may be, by field."""


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
        for name, setting in NUMBERS.items():
            object.__setattr__(self, name, setting.check(getattr(self, name)))  # in Python's own type
        if self.depth not in ("source", *DEPTHS):
            hint = f"use {', '.join(map(repr, ('source', *DEPTHS)))}"
            raise UsageError(f"there is no depth {brief(self.depth)}", hint=hint)


STANDARD: Final = Output()
"""The default."""
