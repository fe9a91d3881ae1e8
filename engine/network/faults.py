"""What goes wrong on a GPU behind WebGPU, which ONNX Runtime only writes to its log.

After that the plug-in computes on with buffers that do not exist, and says nothing more: numbers are any
numbers.  It begins anew when all that was open there is gone, and until then nothing is computed.
"""

from __future__ import annotations

import contextlib
import gc
import re
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LOST: Final = re.compile(r"device.{0,20} lost|is lost|DXGI_ERROR_DEVICE|VK_ERROR_DEVICE_LOST", re.IGNORECASE)
"""What a runtime says of a GPU that the system took away."""


class Faults:
    """What ONNX Runtime has reported from the GPU: it goes to a log, while the run goes on."""

    def __init__(self) -> None:
        self._turn = threading.RLock()  # only taken inside `calls`, so that no fork finds it taken
        self._said: list[str] = []
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()
        self._spoilt: weakref.WeakSet[Any] = weakref.WeakSet()
        self._why = ""
        self.listening = False
        """Whether ONNX Runtime's log comes here: its errors must not be silenced any more."""

    def hear(self, _severity: int, _category: str, _logid: str, _location: str, message: str) -> None:
        """Note an entry of the log, which holds errors only; where it happened inside is of no use here."""
        self._said.append(message.partition("\n - While")[0])

    def watch(self, thing: Any) -> Any:
        """Return a session or a tensor on the GPU, and know it as long as it lives."""
        self._open.add(thing)
        return thing

    @contextlib.contextmanager
    def refused(self) -> Iterator[None]:
        """Raise RuntimeError at the end where the GPU reported something meanwhile.

        The first report tells the cause, and tells it again as long as something is open that was open then.
        One thread has its turn after the other, so that none is told another one's faults.
        """
        with self._turn:
            self._check()
            self._said.clear()
            try:
                yield
            except Exception as error:
                if LOST.search(str(error)):
                    self._spoil(str(error))
                if self._said:  # of which that is a consequence
                    self._spoil(self._said[0])
                    raise RuntimeError(self._said[0]) from error
                raise
            if self._said:
                self._spoil(self._said[0])
                raise RuntimeError(self._said[0])

    def _spoil(self, why: str) -> None:
        self._why = why
        self._spoilt.update(self._open)

    def _check(self) -> None:
        if self._spoilt:
            gc.collect()
        if self._spoilt:
            raise RuntimeError(self._why)


faults = Faults()
