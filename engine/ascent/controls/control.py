"""What a control is: everything that `engine.ascent.controls` has to know about one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.ascent.ascent import Gradient, Image
    from engine.settings.config import DreamConfig
    from engine.stop import Stop

Wanted: TypeAlias = "Callable[[DreamConfig], bool]"
"""Settings, to whether they ask for a control."""

Wrap: TypeAlias = "Callable[[Gradient, DreamConfig, Stop], Gradient]"
"""The gradient so far, and the settings, to the gradient that acts instead.  What takes long on a large
picture checks the Stop between its parts; between two controls it is checked anyway."""

PullAtRows: TypeAlias = "Callable[[Image, Image, slice, DreamConfig], Image]"
"""An image, the picture at the image's size, which of their rows, and the settings, to what moves these rows
besides the gradient, in units of the gradient's mean size, [h, W, 3]."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """One way to act on an ascent besides the model: it wraps the gradient, or pulls at every step.

    A control that does neither is carried out by the step itself; what matters then is that it is wanted.
    """

    wanted: Wanted
    """Whether it acts at all.  With the settings of the tutorial none does."""

    wrap: Wrap | None = None
    """How it changes the gradient; None where it does not."""

    pull: PullAtRows | None = None
    """How it pulls at a step; None where it does not."""

    bytes_per_pixel: int = 0
    """What it holds of a picture, in addition to what any dream holds, while the gradient is computed."""

    bytes_after: int = 0
    """What it takes when the gradient is there, and lets go of before the next control takes any."""
