"""What acts on an ascent besides the model: one control in each module, and here the list of them.

A control turns one `ascent.Gradient` into another, or pulls at each step; `control.Control` says which, and
when.  A mask is not a setting: it bounds whatever the controls do, so it always comes last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.ascent.controls import blur, clip, closeness, colours, jitter, margin, natural, scales, variation
from engine.ascent.controls.mask import BYTES_PER_PIXEL as HELD_BY_MASK
from engine.ascent.controls.mask import masked as inside
from engine.ascent.controls.pull import Pull
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.ascent.ascent import Gradient, Image
    from engine.ascent.controls.control import Control
    from engine.pictures.rows import Rows
    from engine.settings.config import DreamConfig
    from engine.stop import Stop

CONTROLS: Final[tuple[Control, ...]] = (
    jitter.CONTROL,  # inside the margin, where what comes in at the other edge is not seen
    margin.CONTROL,
    natural.CONTROL,
    colours.CONTROL,
    blur.CONTROL,
    scales.CONTROL,
    closeness.CONTROL,
    variation.CONTROL,
    clip.CONTROL,
)
"""All controls, the innermost first: each one sees what those before it made of the gradient."""


def decorated(
    gradient: Gradient, config: DreamConfig, mask: Rows | None = None, stop: Stop = NEVER
) -> Gradient:
    """Return the gradient of an ascent with everything that `config` asks for, and only inside a mask.

    Between two controls it raises Cancelled once `stop` is set.
    """
    for control in _wanted(config):
        if control.wrap is not None:
            gradient = _heard(control.wrap(gradient, config, stop), stop)
    return gradient if mask is None else inside(gradient, mask, stop)


def _heard(gradient: Gradient, stop: Stop) -> Gradient:
    def hear(image: Image) -> tuple[float, Image]:
        result = gradient(image)
        stop.check()
        return result

    return hear


def pull_of(config: DreamConfig, original: Rows, mask: Rows | None = None, stop: Stop = NEVER) -> Pull | None:
    """Return what pulls at the steps of a dream on a picture, [H, W, 3]; None where nothing does."""
    parts = tuple(x.pull for x in _wanted(config) if x.pull is not None)
    return Pull(parts, config, original, mask, stop) if parts else None


def any_in(config: DreamConfig) -> bool:
    """Tell whether the settings ask for more than the gradient's own way uphill."""
    return any(True for _ in _wanted(config))


def bytes_per_pixel(config: DreamConfig, *, masked: bool) -> int:
    """Return what the controls hold of a picture in addition to what any dream holds, in bytes per pixel."""
    wanted = tuple(_wanted(config))
    held = max(sum(x.bytes_per_pixel for x in wanted), *(x.bytes_after for x in wanted), 0)
    if any(x.pull is not None for x in wanted):
        held += Pull.BYTES_PER_PIXEL
    return held + (HELD_BY_MASK if masked else 0)


def _wanted(config: DreamConfig) -> Iterator[Control]:
    """Yield the controls that the settings ask for, in their order."""
    return (x for x in CONTROLS if x.wanted(config))
