"""Fly into a picture's dream: each frame is the one before, a little nearer, dreamed on a little more.

The idea is Alexander Mordvintsev's, of the same notebook as DeepDream's first code (google/deepdream, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from engine.errors import UsageError
from engine.films.balance import Balance
from engine.films.motion import moved
from engine.films.project import Project, digest, dreamed, settle
from engine.library.repeating import recipe_for
from engine.pictures.pixels import to_model
from engine.settings.config import changed
from engine.settings.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from engine.ascent.order import Order
    from engine.network.model import DreamModel
    from engine.pictures.picture import Picture
    from engine.settings.config import DreamConfig

STEP: Final = 0.7
"""Share of a preset's step size that a frame's only step has: there are many frames."""


@dataclass(frozen=True, kw_only=True)
class Flight:
    """How a zoom film flies.  Raises UsageError for a value outside its range."""

    seconds: float = 10.0
    """Length of the film; 0.1 to 3600."""

    fps: float = 25.0
    """Frames a second; 1 to 120."""

    zoom_rate: float = 1.35
    """How much larger a thing is a second later; 1 to 20."""

    rotate: float = 0.0
    """Degrees that the picture turns in a second, clockwise; -360 to 360."""

    size: int | tuple[int, int] = 640
    """Larger side of the frames in pixels, or (width, height); 16 to 8192."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("seconds", 0.1, 3600),
            ("fps", 1, 120),
            ("zoom_rate", 1, 20),
            ("rotate", -360, 360),
        ):
            Setting("--" + name.replace("_", "-"), float, low, high, "").check(getattr(self, name))
        for side in (self.size,) if isinstance(self.size, int) else self.size:
            Setting("--size", int, 16, 8192, "").check(side)

    @property
    def frames(self) -> int:
        """How many frames the film has."""
        return max(round(self.seconds * self.fps), 2)


def parse_size(text: str) -> int | tuple[int, int]:
    """Read what `--size` says, `640` or `640x480`; raise UsageError for anything else."""
    sides = text.lower().split("x")
    if not all(x.isdecimal() for x in sides) or len(sides) > 2:
        raise UsageError(f"--size {text} is no size", hint="--size 640 or --size 640x480")
    return int(sides[0]) if len(sides) == 1 else (int(sides[0]), int(sides[1]))


def lightly(config: DreamConfig, given: Mapping[str, Any]) -> DreamConfig:
    """Return settings for each of many frames: a preset's, but one small step for what is not `given`."""
    light = {"iterations": 1, "step_size": max(round(config.step_size * STEP, 6), 1e-5)}
    return changed(config, {name: value for name, value in light.items() if name not in given})


def project(picture: Picture, target: Path, order: Order, model: DreamModel, flight: Flight) -> Project:
    """Return the film of a flight into a picture; `make()` makes it.

    The first frame is the picture itself.  `order` says what each frame is dreamed on: see `lightly`.
    """
    value_range = model.metadata.value_range
    pixels = fitted(screened(picture), flight.size)
    work = settle((pixels.shape[0], pixels.shape[1]), order, model)
    rate = Fraction(flight.fps).limit_denominator(1001)

    def grow(
        number: int, state: NDArray[np.float32] | None
    ) -> Iterator[tuple[NDArray[np.float32], tuple[str, ...]]]:
        first = to_model(pixels, value_range)
        balance = Balance.of(first, value_range)
        if state is None:
            yield (state := first), ()
            number = 1
        factor, degrees = flight.zoom_rate ** (1 / flight.fps), flight.rotate / flight.fps
        warned = number > 1
        for following in range(number + 1, flight.frames + 1):
            image, warnings = dreamed(moved(state, factor, degrees), work, following)
            state = balance.held(image)
            yield state, () if warned else warnings
            warned = True

    facts = {
        "film": "zoom",
        "picture": digest(pixels),
        "fps": flight.fps,
        "zoom-rate": flight.zoom_rate,
        "rotate": flight.rotate,
        "size": f"{pixels.shape[1]}x{pixels.shape[0]}",
        **recipe_for(work).facts(),
    }
    return Project(
        target=target,
        shape=(pixels.shape[0], pixels.shape[1]),
        frames=flight.frames,
        rate=rate,
        times=lambda: (i / rate for i in range(flight.frames)),
        grow=grow,
        facts=facts,
        value_range=value_range,
    )


def screened(picture: Picture) -> NDArray[np.uint8]:
    """Return a picture's colours as films have them: sRGB, 8 bit, without alpha."""
    return np.asarray(picture.in_srgb().at_depth("8").pixels, np.uint8)


def fitted(pixels: NDArray[np.uint8], size: int | tuple[int, int]) -> NDArray[np.uint8]:
    """Bring a picture [H, W, 3] to a film's size, both sides even.

    A number is the larger side at most: smaller pictures stay so.  To (width, height) it is brought whatever
    its size, and what sticks out is cut off evenly.
    """
    height, width = pixels.shape[:2]
    if isinstance(size, int):
        scale = min(size / max(height, width), 1.0)
        size = (round(width * scale), round(height * scale))
    across, down = (max(side // 2 * 2, 2) for side in size)
    scale = min(width / across, height / down)
    left, top = (width - across * scale) / 2, (height - down * scale) / 2
    box = (left, top, left + across * scale, top + down * scale)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize((across, down), Image.Resampling.LANCZOS, box))
