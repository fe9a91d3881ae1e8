"""What an ascent reports while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.ascent.octaves import Resized, resize_rows, restored
from engine.pictures.rows import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from engine.pictures.rows import Rows


@dataclass(frozen=True, eq=False)
class Step:
    """The state of a dream after one evaluation of the gradient.

    Nothing in it changes later: keep as many as you like.
    """

    octave: int
    """Which octave, 1 for the smallest."""

    octaves: int
    """How many octaves there are, without those that are too small for the model."""

    iteration: int
    """Which ascent step of this octave, counted from 1."""

    iterations: int
    """How many ascent steps an octave has at most."""

    shape: tuple[int, int]
    """(height, width) of this octave in pixels."""

    loss: float
    """Objective before this step; it goes up."""

    fraction: float
    """Share of the whole work that is done, 0 to 1, each step counted by its pixels."""

    stopped: bool
    """Whether the loss was above max loss: then the step was not made, and the octave ends here."""

    warnings: tuple[str, ...] = field(repr=False)
    """What the user should know since the step before, one sentence each."""

    held: Rows = field(repr=False)
    """The picture at this octave's shape, [h, w, 3]: an array, or what fetches it from the device."""

    original: Rows = field(repr=False)
    """The picture that the dream began with, [H, W, 3]; `original[:]` is an array in the model's range."""

    below: tuple[int, int] = field(repr=False)
    """(height, width) of the octave before; in the first octave, its own."""

    share: Rows | float = field(default=1.0, repr=False)
    """How much of the dream counts, 0 to 1: one number, or one for each place, [H, W, 1]."""

    @property
    def image(self) -> NDArray[np.float32]:
        """The picture at this octave's shape, [h, w, 3] in the model's range, not clipped, read-only."""
        image = self.held[:]
        image.flags.writeable = False
        return image

    def facts(self) -> dict[str, Any]:
        """Return what programs are told of it, as JSON holds it."""
        return {
            "octave": self.octave,
            "octaves": self.octaves,
            "iteration": self.iteration,
            "iterations": self.iterations,
            "shape": list(self.shape),
            "loss": self.loss,
            "fraction": round(self.fraction, 6),
            "stopped": self.stopped,
        }

    def full_size(self) -> NDArray[np.float32]:
        """Return the picture so far at the original's size, with all of the original's detail, [H, W, 3].

        The image is enlarged, and the detail that it lacks is added: that of its own octave, which the ascent
        adds only after the octave's last step, and that of all octaves above.  At the last step of the last
        octave, this is the dream.
        """
        return joined(self.bands(), self.original.shape)

    def bands(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield `full_size()` band by band, as (rows, [h, W, 3]), which takes less memory."""
        height, width = self.original.shape[:2]
        for rows, band in restored(self.held, self.original, self.below, (height, width)):
            yield (
                rows,
                (band if isinstance(self.share, float) and self.share == 1 else self._mixed(band, rows)),
            )

    def part(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Return these rows and columns of `full_size()`, without the work for all the others."""
        height, width = self.original.shape[:2]
        smaller = Resized(self.original, self.below)
        band = resize_rows(self.held, (height, width), rows, columns) + self.original[rows][:, columns]
        band -= resize_rows(smaller, (height, width), rows, columns)
        return self._mixed(band, rows, columns)

    def _mixed(
        self, band: NDArray[np.float32], rows: slice, columns: slice = slice(None)
    ) -> NDArray[np.float32]:
        """Undo what does not count; where nothing counts, the original comes back bit for bit."""
        original = self.original[rows][:, columns]
        share = np.float32(self.share) if isinstance(self.share, float) else self.share[rows][:, columns]
        mixed: NDArray[np.float32] = original + (band - original) * share
        return mixed

    def __str__(self) -> str:
        height, width = self.shape
        return (
            f"octave {self.octave}/{self.octaves} {height}x{width} "
            f"iteration {self.iteration}/{self.iterations} loss {self.loss:.4g}"
        )
