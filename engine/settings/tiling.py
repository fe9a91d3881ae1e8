"""How large pictures are cut into tiles to limit memory; engine/ascent/tiles.py does the cutting."""

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
    """Side from which a narrow halo is enough."""

    GPU_SIZE: ClassVar[int] = 512
    """Default side of tiles on a GPU."""

    size: int | Literal["auto", "off"] = "auto"
    """Side of a tile without its halo, in pixels, 128 to 8192; `off` never cuts; `auto` takes as large a
    tile as `max_memory` allows."""

    halo: int | None = None
    """Pixels computed around it, 0 to 512: more is more exact and slower.  None for 32, or 48 around small
    tiles, of which a larger share lies near a border."""

    USUAL: ClassVar[int] = 4_500_000_000
    """Bytes of `max_memory` that promise nothing."""

    max_memory: int = USUAL
    """Bytes that the program may take, 300 MB or more: tiles are as large as that allows, and what does not
    fit is refused.  With `USUAL` a picture that takes more by itself is computed in small tiles."""

    def __post_init__(self) -> None:
        # What is kept is what was checked: NumPy's numbers become Python's, which JSON can write.
        if self.size not in ("auto", "off"):
            size = Setting("--tile", int, self.SMALLEST, 8192, "").check(self.size)
            object.__setattr__(self, "size", size)
        halo = Setting("--halo", int, 0, 512, "", optional=True).check(self.halo)
        object.__setattr__(self, "halo", halo)
        memory = Setting("--max-memory", int, 300_000_000, 2**50, "").check(self.max_memory)
        object.__setattr__(self, "max_memory", memory)

    @property
    def promised(self) -> int | None:
        """Bytes that the program does not exceed; None where that was not asked for."""
        return None if self.max_memory == self.USUAL else self.max_memory

    def halo_of(self, size: int) -> int:
        """Return the halo of tiles of that size."""
        if self.halo is not None:
            return self.halo
        return 32 if size >= self.MEDIUM else 48


def parse_tile(text: str) -> int | Literal["auto", "off"]:
    """Read the value of `--tile`; raise UsageError if it is not `auto`, `off` or a whole number."""
    if text == "auto":
        return "auto"
    if text == "off":
        return "off"
    if not text.isdecimal():
        raise UsageError(
            f"--tile {text} is not a size", hint="--tile takes auto, off, or a side from 128 to 8192"
        )
    return int(text)


def parse_bytes(text: str) -> int:
    """Read an amount of memory such as `2GB`, `800 MB` or `1.5 GiB`; raise UsageError for anything else."""
    form = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(k|m|g|t)(i?)b?", text.strip().lower())
    if form is None:
        raise UsageError(
            f"--max-memory {text} is not an amount of memory", hint="for example --max-memory 2GB"
        )
    return int(float(form[1]) * (1024 if form[3] else 1000) ** ("kmgt".index(form[2]) + 1))
