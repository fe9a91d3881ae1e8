"""Dreams on a film, without flicker.

Frames dreamed one by one would each show something different.  So a frame starts with the dream of the frame
before, moved as the film moves (see engine/films/flow.py), and is dreamed on only a little; new things that
come into view, and everything after a cut, start afresh.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine import paths
from engine.films import decode, encode, tracks
from engine.films.flow import Flow
from engine.films.project import Project, dreamed, settle
from engine.films.tally import Tally
from engine.films.zoom import fitted
from engine.library.repeating import recipe_for
from engine.pictures.pixels import to_model
from engine.settings.config import changed
from engine.settings.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from engine.ascent.order import Order
    from engine.ascent.work import Work
    from engine.network.model import DreamModel
    from engine.settings.config import DreamConfig
    from engine.stop import Stop

CUT: Final = 0.35
"""Share of a frame that must be found in the frame before; with less, there is a cut between them."""

HASHED: Final = 1 << 20
"""Bytes at each end of a film file that are hashed to identify it."""


@dataclass(frozen=True, kw_only=True)
class Carrying:
    """How one frame's dream is carried into the next.  Raises UsageError for a value outside its range."""

    carry: float = 0.9
    """Share of the last frame's dream that a frame starts with: more is steadier; 0 to 0.98."""

    frame_iterations: int | None = None
    """Ascent steps in each octave of a frame that continues another; 1 to 1000.  None for as many as replace
    what is not carried, so that the dream stays as strong as in the first frame."""

    size: int | tuple[int, int] | None = None
    """Largest length of the frames' longer side in pixels, or (width, height); 16 to 8192, None for the
    film's own size."""

    def __post_init__(self) -> None:
        carry = Setting("--carry", float, 0, 0.98, "").check(self.carry)
        steps = Setting("--frame-iterations", int, 1, 1000, "", optional=True).check(self.frame_iterations)
        object.__setattr__(self, "carry", carry)  # in Python's own types
        object.__setattr__(self, "frame_iterations", steps)
        for side in () if self.size is None else (self.size,) if isinstance(self.size, int) else self.size:
            Setting("--size", int, 16, 8192, "").check(side)

    def iterations(self, config: DreamConfig) -> int:
        """Return the ascent steps in each octave of a frame that continues another."""
        return self.frame_iterations or max(round(config.iterations * (1 - self.carry)), 1)


def within_range(config: DreamConfig, given: Mapping[str, Any]) -> DreamConfig:
    """Return a preset's settings with clipping turned on, unless `clip` is among the `given` settings.

    Otherwise, burnt-out colours of one frame would be carried through all that follow.
    """
    return config if "clip" in given else changed(config, {"clip": True})


def project(
    source: Path, target: Path, order: Order, model: DreamModel, carrying: Carrying, *, sound: bool = True
) -> tuple[Project, tuple[str, ...]]:
    """Return the project of dreaming on a film, and one sentence for each thing that will be lost.

    The project's `make()` makes the film.  The first frame, and each frame after a cut, gets all steps of
    `order`.  Without `sound`, the new film has none.  Raises ImageError if the film cannot be read,
    UsageError without the extra `[video]`.
    """
    film = decode.look(source)
    flow = Flow()
    shape = film.shape
    if carrying.size is not None:
        shape = fitted(np.zeros((*film.shape, 3), np.uint8), carrying.size).shape[:2]
    work = settle((shape[0], shape[1]), order, model)
    identity = {
        "film": "video",
        "source": _digest(source),
        "carry": carrying.carry,
        "frame-iterations": carrying.iterations(order.config),
        "size": f"{shape[1]}x{shape[0]}",
        **recipe_for(work).identity(),
    }
    taken, lost = tracks.chosen(source, target, sound=sound)
    dreamer = _Dreamer(source, work, carrying, flow)
    made = Project(
        target=target,
        shape=(shape[0], shape[1]),
        frames=film.frames,
        rate=film.rate,
        time_base=film.time_base,
        times=lambda: decode.times(source),
        frames_after=dreamer.frames_after,
        tracks=taken,
        tally=lambda: dreamer.tally,
        identity=identity,
        value_range=model.metadata.value_range,
    )
    return made, (*film.warnings, *encode.cropped(target, made.shape), *lost)


@dataclass(eq=False)
class _Dreamer:
    source: Path
    work: Work
    carrying: Carrying
    flow: Flow
    tally: Tally = field(default_factory=Tally)

    def frames_after(
        self, number: int, state: NDArray[np.float32] | None, stop: Stop
    ) -> Iterator[tuple[NDArray[np.float32], tuple[str, ...]]]:
        """Yield the frames after the first `number`, the last of which is `state`; see FramesAfter."""
        before: NDArray[np.uint8] | None = None
        self.tally = Tally()
        for current, shot in enumerate(decode.shots(self.source, self.tally), 1):
            stop.check()
            pixels = shot.image
            if self.carrying.size is not None:
                pixels = fitted(pixels, self.carrying.size)
            if current > number:
                state, warnings = self._frame(current, before, pixels, state, stop)
                yield state, warnings if current == number + 1 else ()
            before = pixels

    def _frame(
        self,
        number: int,
        before: NDArray[np.uint8] | None,
        pixels: NDArray[np.uint8],
        state: NDArray[np.float32] | None,
        stop: Stop,
    ) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        value_range = self.work.model.metadata.value_range
        image = to_model(pixels, value_range)
        carried = None
        if before is not None and state is not None:
            carried = self._carried(state - to_model(before, value_range), before, pixels)
        if carried is None:
            return dreamed(image, self.work, number, stop)
        following = self.carrying.iterations(self.work.order.config)
        image = (image + carried).clip(*value_range)
        return dreamed(image, self.work, number, stop, iterations=following)

    def _carried(
        self, change: NDArray[np.float32], before: NDArray[np.uint8], pixels: NDArray[np.uint8]
    ) -> NDArray[np.float32] | None:
        """Return the change that is carried into a frame, [H, W, 3]; None after a cut."""
        back, trust = self.flow.between(before, pixels)
        if float(trust.mean()) < CUT:
            return None
        carried = self.flow.warped(change, back) * trust * np.float32(self.carrying.carry)
        return carried if self.work.mask is None else carried * self.work.mask[:]


def _digest(source: Path) -> str:
    """Return a text that identifies a film file by its length, its beginning and its end."""
    with paths.open_file(source) as file:
        head = file.read(HASHED)
        size = file.seek(0, 2)
        file.seek(max(size - HASHED, 0))
        content = hashlib.sha256(head + file.read()).hexdigest()[:16]
    return f"{size} {content}"
