"""How much memory a dream takes: each number and each formula once.

Everything that depends on memory asks here: tiles how large they may be, a batch and a gallery how many
pictures come at once, the pipe whether a frame can be taken at all.  The numbers were measured:
docs/performance.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine import machine
from engine.errors import ImageError
from engine.settings.devices import kind_of

if TYPE_CHECKING:
    from engine.network.model import DreamModel

SMALL: Final = 1 << 20
"""Pixels of the largest picture that is a small one: several are dreamed on at once, and what they took stays
for the next one."""

PROGRAM: Final = 150_000_000
"""Bytes that Python, the libraries and an opened model take."""

ARRAYS: Final = 31
"""Bytes per pixel of the last octave that a dream holds besides the picture and what a gradient takes: image
and gradient in float32, and the octave before."""

SAVING: Final = 5
"""Bytes per byte of a picture that it takes to save it, at most: the picture, the result, what its encoder
makes of that, and the file's content."""

LAST: Final = 18
"""Bytes per pixel of the last octave that are held until a result is saved: the last image, and half of the
octave before."""

GRADIENT: Final = 560
"""Bytes per pixel of a window that its gradient takes on a CPU, where the model does not say."""

STEM_TILE: Final = 35_000_000
"""Bytes that a tile of the stem takes while it is computed on a CPU: there is one for each thread."""

FRAME: Final = 100
"""Bytes per pixel that any dream of a frame takes besides the frame, on any device: the picture eight times
in float32."""

POLITE: Final = 0.75
"""Share of the free memory that is taken before less is done at once."""


@dataclass(frozen=True)
class Load:
    """What a dream holds, however it is cut."""

    pixels: int
    """Those of the last octave, margin included."""

    held: int = 0
    """Bytes for each of them besides `ARRAYS`: what controls take."""

    picture: int = 0
    """Bytes of the picture as it was read, its mask and opacity included."""


def gradient_of(model: DreamModel) -> int:
    """Return the bytes per pixel of a window that a model's gradient takes on a CPU."""
    return model.metadata.gradient_bytes or GRADIENT


def needed(model: DreamModel, load: Load, window: int) -> int:
    """Return the bytes that a dream takes if `window` of its pixels are computed at once."""
    arrays = load.picture + load.pixels * (ARRAYS + load.held)
    if kind_of(model.device) == "cuda":
        return arrays
    tiles = model.threads * STEM_TILE if model.device == "cpu" else 0
    return arrays + window * gradient_of(model) + tiles  # behind WebGPU it may be the processor's memory


def at_ends(load: Load, pixels: int, reading: int, own: int) -> int:
    """Return the bytes that it takes to read and to save a picture of `pixels`, the program included.

    `reading` and `own` are bytes per pixel, of reading it and of the picture itself.
    """
    return PROGRAM + max(pixels * reading, pixels * own * SAVING + load.pixels * LAST)


def fitting_window(budget: int, model: DreamModel, load: Load) -> int:
    """Return how many pixels of a picture can be computed at once on a CPU within a budget of bytes."""
    return max(budget - PROGRAM - needed(model, load, 0), 0) // gradient_of(model)


def fitting_pixels(budget: int, model: DreamModel) -> int:
    """Return how many pixels can be dreamed on at once on a CPU within a budget of bytes, each one whole."""
    left = budget - PROGRAM - model.threads * STEM_TILE
    return max(left, 0) // (gradient_of(model) + ARRAYS + 3)


def fitting_pictures(budget: int, model: DreamModel, pixels: int) -> int:
    """Return how many pictures of `pixels` can be dreamed on at once, at least 1."""
    return max(fitting_pixels(budget, model) // max(pixels, 1), 1)


def budget(model: DreamModel, most: int) -> int:
    """Return the bytes that may be taken: `most`, or less where little is free."""
    free = machine.available_memory()
    return most if free is None else min(most, int(free * POLITE) + _reused(model))


def check(model: DreamModel, shape: tuple[int, int], load: Load, window: int, way_out: str) -> None:
    """Raise ImageError for a picture that memory does not hold, before the system kills the process.

    `way_out` ends a hint that begins with "make it smaller, or".
    """
    wanted = needed(model, load, window)
    what, hint = f"a picture of {shape[1]}x{shape[0]} pixels needs about", f"make it smaller, or {way_out}"
    _refuse_above(wanted, what, hint, reused=_reused(model))


def check_promise(shape: tuple[int, int], least: int, promised: int | None) -> None:
    """Raise ImageError for a picture of which the dream takes `least` bytes at least, the program included.

    `promised` is what it may take; None for whatever is free.
    """
    if promised is not None and least > promised:
        enough = -(-least // 10_000_000) * 10  # rounded up, so that it is
        raise ImageError(
            f"a picture of {shape[1]}x{shape[0]} pixels needs {enough} MB of memory with these settings, and "
            f"--max-memory allows {promised // 1_000_000} MB",
            hint=f"--max-memory {enough}MB is enough, or make it smaller",
        )


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
    return model.held_pixels * gradient_of(model)
