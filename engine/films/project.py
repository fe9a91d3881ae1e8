"""Makes a film: frames are dreamed one after the other, stored, and put together at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine import paths
from engine.ascent.work import Work
from engine.errors import IncompleteError, UsageError
from engine.films import encode
from engine.films.shot import Frame, Shot
from engine.films.store import Store, check_room, folder_of, stored
from engine.films.tally import Tally
from engine.pictures.pixels import from_model
from engine.stop import NEVER, Stop

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

    from engine.ascent.order import Order
    from engine.films.tracks import Tracks
    from engine.network.model import DreamModel

Image: TypeAlias = NDArray[np.float32]
"""A dreamed frame, float32 [H, W, 3] in the model's range."""

FramesAfter: TypeAlias = Callable[[int, Image | None, Stop], Iterator[tuple[Image, tuple[str, ...]]]]
"""Takes the number of frames that exist and the last of them, None for none; yields each frame that follows,
with warnings for the user.  Raises Cancelled once the Stop is set."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Project:
    """Everything that is needed to make a film, or to resume one."""

    target: Path
    """The film's file."""

    shape: tuple[int, int]
    """(height, width) of its frames."""

    frames: int | None
    """Approximate number of frames; None if unknown."""

    rate: Fraction
    """Frames per second."""

    time_base: Fraction | None = None
    """Unit of the frames' times, in seconds; None for the duration of a frame."""

    times: Callable[[], Iterable[Fraction]]
    """Returns the time of each frame, in seconds; there may be more times than frames."""

    frames_after: FramesAfter
    """Dreams the frames."""

    tracks: Tracks | None = None
    """What is taken over from another film beside its pictures."""

    tally: Callable[[], Tally] | None = None
    """Returns how much of the film that is dreamed on could be read; asked for after the last frame."""

    identity: dict[str, Any] = field(default_factory=dict)
    """Everything that determines what the frames look like: a run can be resumed only if it is the same."""

    value_range: tuple[float, float]
    """The model's values of black and white."""

    def make(
        self, *, overwrite: bool = False, keep_frames: bool = False, stop: Stop = NEVER
    ) -> Iterator[Frame]:
        """Make the film; yield each frame when it is done, and write the film at the end.

        Frames are stored in a folder beside the film, where a later run finds those of a run that was
        stopped.  The folder is removed when the film is complete, unless `keep_frames` is set.  `overwrite`
        replaces an existing film and starts again.  Once `stop` is set, Cancelled is raised, inside a frame
        too; a film that has all its frames is written all the same.

        The call itself, before the first frame, raises UsageError if the film already exists or the stored
        frames belong to another film, and ImageError if the film cannot be written.  If the film that is
        dreamed on ends early, IncompleteError comes when all is done and the film is written.
        """
        folder = folder_of(self.target)
        pixels = (self.frames or 0) * self.shape[0] * self.shape[1]
        encode.check_writable(self.target, pixels)
        if paths.taken(self.target) and not overwrite and not paths.exists(folder):
            raise UsageError(
                f"{self.target} already exists", hint="--overwrite replaces it; -o NAME writes another file"
            )
        made = 0 if overwrite else stored(folder)
        check_room(self.target.parent, max((self.frames or 0) - made, 0), self.shape)
        store = Store(folder, self.identity, overwrite=overwrite)
        return self._make(store, keep_frames=keep_frames, stop=stop)

    def _make(self, store: Store, *, keep_frames: bool, stop: Stop) -> Iterator[Frame]:
        found, state = store.state()
        number = found
        try:
            for image, warnings in self.frames_after(found, state, stop):
                picture = from_model(image, self.value_range)
                store.add(number + 1, picture, image)
                number += 1
                yield Frame(number, self.frames, complete=False, warnings=warnings)
        except BaseException:
            if number == 0:  # there is nothing to resume
                store.remove()
            raise
        with store.kept():
            lost = self.write()
        tally = Tally() if self.tally is None else self.tally()
        end = Frame(number, number, complete=True, warnings=(*lost, *tally.warnings))
        if not keep_frames:
            store.remove()
        yield end
        if tally.missing:
            raise IncompleteError(f"the film ends early: {tally.read}; {self.target} holds these")

    def write(self, *, partly: bool = False) -> tuple[str, ...]:
        """Write the film from the stored frames; return one sentence for each thing that is lost.

        With `partly`, for a film that is not complete, the sound ends with the frames.
        """
        store = Store(folder_of(self.target), self.identity)
        count = store.state()[0]
        shots = (Shot(time, store.image(i + 1)) for i, time in zip(range(count), self.times(), strict=False))
        return encode.write(
            shots, self.target, self.rate, time_base=self.time_base, tracks=self.tracks, partly=partly
        )


def settle(shape: tuple[int, int], order: Order, model: DreamModel) -> Work:
    """Settle an order once for all frames of `shape` (height, width); raise what a Work raises."""
    work = Work.settle(np.broadcast_to(np.float32(0), (*shape, 3)), order, model)
    work.steps()  # raises if frames are too small
    return work


def dreamed(
    image: Image, work: Work, number: int, stop: Stop = NEVER, **settings: Any
) -> tuple[Image, tuple[str, ...]]:
    """Dream on a frame; return it, and warnings for the user.

    `settings` replace those of the work, by name.  Random numbers differ from frame to frame but depend only
    on the frame's number, so a resumed run gets the same ones.
    """
    config = work.order.config
    config = replace(config, seed=(config.seed + number) % 2**32, **settings)
    warnings: tuple[str, ...] = ()
    for step in work.on(image, config).steps(stop):
        warnings += step.warnings
    return step.full_size(), warnings


def digest(values: NDArray[Any]) -> str:
    """Return a short hash of an array's content."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:16]
