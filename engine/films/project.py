"""A film in the making: frames that are dreamed one after the other, kept, and put together at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.ascent.work import Work
from engine.errors import UsageError
from engine.films import encode
from engine.films.shot import Frame, Shot
from engine.films.store import Store, check_room, folder_of
from engine.pictures.pixels import from_model

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

    from engine.ascent.order import Order
    from engine.network.model import DreamModel

Image: TypeAlias = NDArray[np.float32]
"""A dreamed frame, float32 [H, W, 3] in the model's range."""

Grow: TypeAlias = Callable[[int, Image | None], Iterator[tuple[Image, tuple[str, ...]]]]
"""How many frames there are and the last of them, to all that follow, each with what the user should know."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Project:
    """What it takes to make a film, or to go on with one."""

    target: Path
    """The film's file."""

    shape: tuple[int, int]
    """(height, width) of its frames."""

    frames: int | None
    """How many it will have, about; None where nobody knows."""

    rate: Fraction
    """Frames a second."""

    tick: Fraction | None = None
    """Seconds that times are counted in; None for one frame's."""

    times: Callable[[], Iterable[Fraction]]
    """When each frame is shown, in seconds; as many as there will be frames, or more."""

    grow: Grow
    """Makes the frames."""

    sound: Path | None = None
    """Film whose sound this one gets."""

    facts: dict[str, Any] = field(default_factory=dict)
    """All that decides what the frames look like: a run goes on only where it is the same."""

    value_range: tuple[float, float]
    """The model's black and white."""

    def make(self, *, overwrite: bool = False, keep_frames: bool = False) -> Iterator[Frame]:
        """Yield the frames as they are done; at the end the film is written.

        Frames of an earlier run that was stopped are found in the folder beside the film, which is removed
        when the film is complete, unless `keep_frames`.  `overwrite` replaces a film that is there and starts
        again.  All that can be refused is refused at the call: UsageError where the film is there already or
        the frames are another order's, ImageError where it cannot be written.
        """
        folder = folder_of(self.target)
        pixels = (self.frames or 0) * self.shape[0] * self.shape[1]
        encode.check_writable(self.target, pixels)
        if self.target.exists() and not overwrite and not folder.exists():
            raise UsageError(
                f"{self.target} is there already", hint="--overwrite replaces it; -o NAME writes another file"
            )
        check_room(self.target.parent, self.frames, self.shape)
        return self._make(Store(folder, self.facts, overwrite=overwrite), keep_frames=keep_frames)

    def _make(self, store: Store, *, keep_frames: bool) -> Iterator[Frame]:
        found, state = store.state()
        number = found
        try:
            for number, (image, warnings) in enumerate(self.grow(found, state), found + 1):
                picture = from_model(image, self.value_range)
                store.add(number, picture, image)
                yield Frame(number, self.frames, complete=False, warnings=warnings)
        except BaseException:
            if number == 0:  # nothing to go on with
                store.remove()
            raise
        lost = self.write()
        end = Frame(number, number, complete=True, warnings=lost)
        if not keep_frames:
            store.remove()
        yield end

    def write(self, *, partly: bool = False) -> tuple[str, ...]:
        """Write the film of the frames that there are; return what is lost in it.

        Where they are a part only, so is the sound.
        """
        store = Store(folder_of(self.target), self.facts)
        count = store.state()[0]
        shots = (Shot(time, store.image(i + 1)) for i, time in zip(range(count), self.times(), strict=False))
        return encode.write(shots, self.target, self.rate, tick=self.tick, sound=self.sound, partly=partly)


def settle(shape: tuple[int, int], order: Order, model: DreamModel) -> Work:
    """Settle an order for all frames of a film, of that shape (height, width); raises what a Work raises."""
    work = Work.settle(np.broadcast_to(np.float32(0), (*shape, 3)), order, model)
    work.steps()  # refuses frames that are too small
    return work


def dreamed(image: Image, work: Work, number: int, **settings: Any) -> tuple[Image, tuple[str, ...]]:
    """Dream on a frame; return it, and what the user should know.

    `settings` take the place of the work's own.  Random numbers are different for each frame, and depend on
    nothing that came before: a run that is resumed gets the same.
    """
    config = work.order.config
    config = replace(config, seed=(config.seed + number) % 2**32, **settings)
    warnings: tuple[str, ...] = ()
    for step in work.on(image, config).steps():
        warnings += step.warnings
    return step.full_size(), warnings


def digest(values: NDArray[Any]) -> str:
    """Return a short name of an array's content."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:16]
