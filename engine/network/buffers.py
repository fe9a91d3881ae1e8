"""Memory that calls leave to the calls after them: each has a set of tensors for itself while it lasts."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from engine.network.spans import Span

    Place = tuple[Span, Span]
    """Rows and columns of a tile."""
    Tensors = dict[str, Any]


class Buffers:
    """The tensors that tiles of one window keep, which those of the next window use again.

    They are not the runtime's own: in its pool they would lie between what it frees, and nothing large would
    fit there any more.
    """

    def __init__(self) -> None:
        self._kept: dict[Place, Tensors] = {}
        self._spare: dict[tuple[Any, ...], list[Tensors]] = {}
        self._whole = np.empty(0, np.float32)
        self.held_pixels = 0
        """Pixels of the largest window so far, whose memory the next one uses again."""

    def fit(self, places: Sequence[Place]) -> bool:
        """Tell whether the last window had the same tiles."""
        return len(places) == len(self._kept) and all(x in self._kept for x in places)

    def begin(self, places: Sequence[Place]) -> None:
        """Get ready for a window of these tiles: take what fits, and drop the rest once it is too much."""
        for place, tensors in self._kept.items():
            self._spare.setdefault(_form(place), []).append(tensors)
        self._kept = {}
        for place in places:
            same = self._spare.get(_form(place))
            if same:
                self._kept[place] = same.pop()
        if sum(map(len, self._spare.values())) > len(places) // 2:
            self._spare = {}

    def of(self, place: Place, make: Callable[[], Tensors]) -> Tensors:
        """Return a tile's tensors, new ones by `make`; each thread asks for other tiles."""
        if place not in self._kept:
            self._kept[place] = make()
        return self._kept[place]

    def whole(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return memory for what all tiles compute together, that of the last window where it is as large.

        New memory comes page by page, which takes longer than to fill it.
        """
        if self._whole.shape != shape:
            self._whole = np.empty(shape, np.float32)
        return self._whole


class Shelf:
    """Buffers that no call is using: as many as there were calls at once."""

    def __init__(self) -> None:
        self._idle: list[Buffers] = []
        self._lock = threading.Lock()
        self.sets = 0
        """How many buffers there are, idle and in use."""

    @property
    def held_pixels(self) -> int:
        """Pixels of the largest window whose memory the next one uses again."""
        return max((x.held_pixels for x in list(self._idle)), default=0)

    def clear(self) -> None:
        """Let go of the buffers that no call is using."""
        with self._lock:
            self.sets -= len(self._idle)
            self._idle = []

    @contextlib.contextmanager
    def taken(self, places: Sequence[Place]) -> Iterator[Buffers]:
        """Give buffers to a call, best those that had the same tiles; take them back at its end.

        Not after an error or Ctrl-C: threads of the call may still be writing into them.
        """
        with self._lock:
            fitting = next((x for x in reversed(self._idle) if x.fit(places)), None)
            buffers = fitting or (self._idle[-1] if self._idle else Buffers())
            if buffers in self._idle:
                self._idle.remove(buffers)
            else:
                self.sets += 1
        fit = True
        try:
            buffers.begin(places)
            yield buffers
        except BaseException as error:
            fit = isinstance(error, Cancelled)
            raise
        finally:
            with self._lock:
                if fit:
                    self._idle.append(buffers)
                else:
                    self.sets -= 1


def _form(place: Place) -> tuple[Any, ...]:
    rows, columns = place
    return rows.form, columns.form
