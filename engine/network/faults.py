"""What goes wrong on a GPU behind WebGPU, which ONNX Runtime only writes to its log."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Faults:
    """What ONNX Runtime has reported from the GPU: it goes to a log, while the run goes on."""

    def __init__(self) -> None:
        self._turn = threading.RLock()  # only taken inside `calls`, so that no fork finds it taken
        self._said: list[str] = []

    def hear(self, _severity: int, _category: str, _logid: str, _location: str, message: str) -> None:
        """Note a line of the log, which holds errors only."""
        self._said.append(message)

    @contextlib.contextmanager
    def refused(self) -> Iterator[None]:
        """Raise RuntimeError at the end where the GPU reported something meanwhile.

        The first report tells the cause.  One thread has its turn after the other, so that none is told
        another one's faults.
        """
        with self._turn:
            self._said.clear()
            try:
                yield
            except Exception as error:
                if self._said:  # of which that is a consequence
                    raise RuntimeError(self._said[0]) from error
                raise
            if self._said:
                raise RuntimeError(self._said[0])


faults = Faults()
