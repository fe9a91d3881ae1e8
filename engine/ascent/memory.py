"""How much memory a dream takes: each number and each formula once.

Everything that depends on memory asks here: tiles how large they may be, a batch and a gallery how many
pictures come at once, the pipe whether a frame can be taken at all.  The numbers were measured:
docs/performance.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine import machine
from engine.errors import ImageError

if TYPE_CHECKING:
    from engine.network.model import DreamModel

PROGRAM: Final = 150_000_000
"""Bytes that Python, the libraries and an opened model take."""

ARRAYS: Final = 34
"""Bytes per pixel that a dream holds besides what a gradient takes: image and gradient in float32, the
original in 8 bit, and the octave before."""

ORIGINAL: Final = 3
"""Those of them that the original takes, at its full size whatever the last octave's is."""

GRADIENT: Final = 560
"""Bytes per pixel of a window that its gradient takes on a CPU."""

STEM_TILE: Final = 35_000_000
"""Bytes that a tile of the stem takes while it is computed on a CPU: there is one for each thread."""

FRAME: Final = 100
"""Bytes per pixel that any dream of a frame takes besides the frame, on any device: the picture eight times
in float32."""

POLITE: Final = 0.75
"""Share of the free memory that is taken before less is done at once."""


def needed(model: DreamModel, pixels: int, window: int, held: int = 0) -> int:
    """Return the bytes that a dream of a picture takes if `window` of its pixels are computed at once.

    `held` are bytes per pixel that it holds besides `ARRAYS`.
    """
    arrays = pixels * (ARRAYS + held)
    return arrays if model.device != "cpu" else arrays + window * GRADIENT + model.threads * STEM_TILE


def fitting_window(budget: int, model: DreamModel, pixels: int, held: int = 0) -> int:
    """Return how many pixels of a picture can be computed at once on a CPU within a budget of bytes."""
    return max(budget - PROGRAM - needed(model, pixels, 0, held), 0) // GRADIENT


def fitting_pixels(budget: int, threads: int) -> int:
    """Return how many pixels can be dreamed on at once on a CPU within a budget of bytes, each one whole."""
    return max(budget - PROGRAM - threads * STEM_TILE, 0) // (GRADIENT + ARRAYS)


def fitting_pictures(budget: int, threads: int, pixels: int) -> int:
    """Return how many pictures of `pixels` can be dreamed on at once, at least 1."""
    return max(fitting_pixels(budget, threads) // max(pixels, 1), 1)


def budget(model: DreamModel, most: int) -> int:
    """Return the bytes that may be taken: `most`, or less where little is free."""
    free = machine.available_memory()
    return most if free is None else min(most, int(free * POLITE) + _reused(model))


def check(model: DreamModel, shape: tuple[int, int], window: int, held: int, way_out: str) -> None:
    """Raise ImageError for a picture that memory does not hold, before the system kills the process.

    `window` and `held` as for `needed`; `way_out` ends a hint that begins with "make it smaller, or".
    """
    wanted = needed(model, shape[0] * shape[1], window, held)
    what, hint = f"a picture of {shape[1]}x{shape[0]} pixels needs about", f"make it smaller, or {way_out}"
    _refuse_above(wanted, what, hint, reused=_reused(model))


def check_frame(shape: tuple[int, int], each: int) -> None:
    """Raise ImageError for a frame, of `each` bytes per pixel, that no dream here could hold."""
    wanted = shape[0] * shape[1] * (FRAME + each)
    what, hint = (
        f"a frame of {shape[1]}x{shape[0]} pixels needs at least",
        "send a part of it, or a smaller copy",
    )
    _refuse_above(wanted, what, hint)


def _refuse_above(wanted: int, what: str, hint: str, *, reused: int = 0) -> None:
    free = machine.available_memory()
    if free is not None and wanted > free + reused:
        raise ImageError(
            f"{what} {machine.amount(wanted)} of memory, and {machine.amount(free)} are free", hint=hint
        )


def _reused(model: DreamModel) -> int:
    """Return the bytes that earlier pictures took and the next one takes again."""
    return model.held_pixels * GRADIENT
