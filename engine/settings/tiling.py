"""How much memory a dream may take, and what that makes of large pictures; engine/ascent/tiles.py does it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.errors import UsageError
from engine.settings.setting import Setting


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How large pictures are cut into tiles.

    Raises UsageError for a value outside its range.
    """

    SMALLEST: ClassVar[int] = 128
    """Smallest side of a tile, in pixels."""

    MEDIUM: ClassVar[int] = 768
    """Side from which on tiles make do with a narrow halo."""

    CUDA_SIZE: ClassVar[int] = 512
    """Side of the tiles on a GPU, where none is asked for."""

    size: int | Literal["auto", "off"] = "auto"
    """Side of the part that a tile answers for, in pixels, 128 to 8192; `off` for pictures of any size whole;
    `auto` for as much as `max_memory` holds."""

    halo: int | None = None
    """Pixels computed around it, 0 to 512: more is truer and slower.  None for 32, or 48 around small tiles,
    of which more lies near a border."""

    max_memory: int = 4_500_000_000
    """Bytes that the program may take, roughly, before pictures are cut into tiles; 300 MB or more."""

    def __post_init__(self) -> None:
        if self.size not in {"auto", "off"}:
            Setting("--tile", int, self.SMALLEST, 8192, "").check(self.size)
        if self.halo is not None:
            Setting("--halo", int, 0, 512, "").check(self.halo)
        Setting("--max-memory", int, 300_000_000, 2**50, "").check(self.max_memory)

    def halo_of(self, size: int) -> int:
        """Return the halo of tiles of that size."""
        if self.halo is not None:
            return self.halo
        return 32 if size >= self.MEDIUM else 48


def parse_tile(text: str) -> int | Literal["auto", "off"]:
    """Read what `--tile` says; raise UsageError where it is neither a word that it knows nor a number."""
    if text == "auto":
        return "auto"
    if text == "off":
        return "off"
    if not text.isdecimal():
        raise UsageError(
            f"--tile {text} is no size", hint="--tile takes auto, off, or a side from 128 to 8192"
        )
    return int(text)


def parse_bytes(text: str) -> int:
    """Read an amount of memory such as `2GB`, `800 MB` or `1.5 GiB`; raise UsageError for anything else."""
    form = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(k|m|g|t)(i?)b?", text.strip().lower())
    if form is None:
        raise UsageError(f"--max-memory {text} is no amount", hint="for example --max-memory 2GB")
    return int(float(form[1]) * (1024 if form[3] else 1000) ** ("kmgt".index(form[2]) + 1))
