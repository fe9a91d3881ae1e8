"""An input to be tried: a command line, with the files and the standard input that it reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

TINY = Path(__file__).parents[1] / "data" / "tiny.onnx"
LIGHT = ("--device", "cpu", "--threads", "1", "--octaves", "2", "--iterations", "1", "--progress", "json")


@dataclass(frozen=True)
class Case:
    """What is tried, and which ends are allowed."""

    what: str
    """What was done to a sound input, for people."""

    words: tuple[str, ...]
    """The command line."""

    refusals: frozenset[int]
    """Exit codes that are allowed besides 0; see engine/errors.py."""

    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    """What lies in the folder where the command runs, by name."""

    stdin: bytes = field(default=b"", repr=False)

    result: str = ""
    """What is there, and is a picture, exactly if the command succeeds; empty where it writes none."""

    signal: tuple[int, float] | None = None
    """A signal, and the seconds after the start at which it is sent: then a process of its own runs."""


def dream(name: str, *words: str, layers: bool = True, model: str = str(TINY)) -> tuple[str, ...]:
    """Return the command that dreams on a file in the folder, as little as possible, into out.png."""
    chosen = ("--layers", "mixed0,mixed1") if layers else ()
    return ("dream", name, "-o", "out.png", "--model", model, *chosen, *LIGHT, *words)


@cache
def photo(width: int = 26, height: int = 18) -> bytes:
    """Return a small PNG with something to see in it."""
    buffer = BytesIO()
    Image.fromarray(pixels(height, width)).save(buffer, "PNG")
    return buffer.getvalue()


def pixels(height: int, width: int) -> np.ndarray:
    """Return colours, uint8 [height, width, 3], the same at every call."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
