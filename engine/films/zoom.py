"""Flies into a picture's dream: each frame is the one before, slightly enlarged and dreamed on a little more.

The idea is Alexander Mordvintsev's, from the notebook with the first DeepDream code (google/deepdream, 2015).
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
    from engine.stop import Stop

STEP: Final = 0.7
"""Share of a preset's step size for the single step of a frame, because there are many frames."""


@dataclass(frozen=True, kw_only=True)
class Flight:
    """How a zoom film moves.  Raises UsageError for a value outside its range."""

    seconds: float = 10.0
    """Length of the film in seconds; 0.1 to 3600."""

    fps: float = 25.0
    """Frames per second; 1 to 120."""

    zoom_rate: float = 1.35
    """Magnification per second; 1 to 20."""

    rotate: float = 0.0
    """Clockwise rotation in degrees per second; -360 to 360."""

    size: int | tuple[int, int] = 640
    """Largest length of the frames' longer side in pixels, or (width, height); 16 to 8192."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("seconds", 0.1, 3600),
            ("fps", 1, 120),
            ("zoom_rate", 1, 20),
            ("rotate", -360, 360),
        ):
            number = Setting("--" + name.replace("_", "-"), float, low, high, "")
            object.__setattr__(self, name, number.check(getattr(self, name)))  # in Python's own type
        for side in (self.size,) if isinstance(self.size, int) else self.size:
            Setting("--size", int, 16, 8192, "").check(side)

    @property
    def frames(self) -> int:
        """Number of frames of the film."""
        return max(round(self.seconds * self.fps), 2)


def parse_size(text: str) -> int | tuple[int, int]:
    """Read the value of `--size`, such as `640` or `640x480`; raise UsageError for anything else."""
    sides = text.lower().split("x")
    if not all(x.isdecimal() for x in sides) or len(sides) > 2:
        raise UsageError(
            f"--size {text} is not a valid size", hint="for example --size 640 or --size 640x480"
        )
    return int(sides[0]) if len(sides) == 1 else (int(sides[0]), int(sides[1]))


def lightly(config: DreamConfig, given: Mapping[str, Any]) -> DreamConfig:
    """Return a preset's settings for a film of many frames.

    Each frame gets one small step, unless the user has `given` iterations or a step size.
    """
    light = {"iterations": 1, "step_size": max(round(config.step_size * STEP, 6), 1e-5)}
    return changed(config, {name: value for name, value in light.items() if name not in given})


def project(picture: Picture, target: Path, order: Order, model: DreamModel, flight: Flight) -> Project:
    """Return the project of a flight into a picture; its `make()` makes the film.

    The first frame is the picture itself.  `order` applies to each frame; see `lightly`.
    """
    value_range = model.metadata.value_range
    pixels = fitted(screened(picture), flight.size)
    work = settle((pixels.shape[0], pixels.shape[1]), order, model)
    rate = Fraction(flight.fps).limit_denominator(1001)

    def frames_after(
        number: int, state: NDArray[np.float32] | None, stop: Stop
    ) -> Iterator[tuple[NDArray[np.float32], tuple[str, ...]]]:
        first = to_model(pixels, value_range)
        balance = Balance.of(first, value_range)
        if state is None:
            yield (state := first), ()
            number = 1
        factor, degrees = flight.zoom_rate ** (1 / flight.fps), flight.rotate / flight.fps
        warned = number > 1
        for following in range(number + 1, flight.frames + 1):
            image, warnings = dreamed(moved(state, factor, degrees), work, following, stop)
            state = balance.pull(image)
            yield state, () if warned else warnings
            warned = True

    identity = {
        "film": "zoom",
        "picture": digest(pixels),
        "fps": flight.fps,
        "zoom-rate": flight.zoom_rate,
        "rotate": flight.rotate,
        "size": f"{pixels.shape[1]}x{pixels.shape[0]}",
        **recipe_for(work).identity(),
    }
    return Project(
        target=target,
        shape=(pixels.shape[0], pixels.shape[1]),
        frames=flight.frames,
        rate=rate,
        times=lambda: (i / rate for i in range(flight.frames)),
        frames_after=frames_after,
        identity=identity,
        value_range=value_range,
    )


def screened(picture: Picture) -> NDArray[np.uint8]:
    """Return a picture's colours as films store them: sRGB, 8 bits, without alpha, [H, W, 3]."""
    return np.asarray(picture.in_srgb().at_depth("8").pixels, np.uint8)


def fitted(pixels: NDArray[np.uint8], size: int | tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture [H, W, 3] resized for a film, with even sides.

    A number is the largest length of the longer side; smaller pictures are not enlarged.  For (width,
    height), any picture is resized to fill that, and cropped evenly on both sides.
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
