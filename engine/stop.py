"""A wish to stop, made in one thread and heard by what computes in others.

Nothing is ever raised into a thread from outside.  Whoever computes asks, between two parts of the work that
take milliseconds; and what computes in a library, where nobody can ask, says how it is ended from outside.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Final

from engine.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Stop(threading.Event):
    """An Event: `set()` it, from any thread, and whatever it was given to ends with Cancelled.

    That takes milliseconds, whatever the size of the picture.  One Stop may be given to any number of dreams.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ends: set[Callable[[], object]] = set()

    def set(self) -> None:
        """Have everything end that hears this Stop, now and later."""
        super().set()
        for end in tuple(self._ends):
            end()

    def check(self) -> None:
        """Raise Cancelled once it is set."""
        if self.is_set():
            raise Cancelled("cancelled")

    @contextlib.contextmanager
    def heard_by(self, end: Callable[[], object]) -> Iterator[None]:
        """Have `end` called, in any thread and perhaps twice, if it is set before the `with` block ends."""
        self._ends.add(end)
        try:
            if self.is_set():  # after `add`: what is set meanwhile calls `end`, or is seen here
                end()
            yield
        finally:
            self._ends.discard(end)


NEVER: Final = Stop()
"""The one that nobody sets."""
