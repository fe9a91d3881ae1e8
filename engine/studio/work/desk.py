"""What every job of a worker has at hand: the lines from and to the studio, and the open model."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
from typing import TYPE_CHECKING, Any

from engine import atomic
from engine.errors import DreamError
from engine.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.network.model import DreamModel

# ruff: noqa: PLC0415 - a worker that reads a picture opens no model


class Desk:
    """A worker's desk.  A thread reads, so that a stop and the end of input are noticed at any time."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._telling = threading.Lock()
        self._model: DreamModel | None = None
        self.stopped = Stop()
        """Whether the job at hand is to end early."""
        threading.Thread(target=self._read, daemon=True).start()

    def jobs(self) -> Iterator[dict[str, Any]]:
        """Yield the jobs as they come; the process ends when the studio does."""
        while True:
            job = self._jobs.get()
            yield job

    def tell_all(self, events: Iterator[dict[str, Any]]) -> None:
        """Send a job's events, and the last word about it: its end, or what went wrong."""
        error: DreamError | None = None
        full: int | None = None
        try:
            for event in events:
                self.tell(event)
        except DreamError as known:
            error, full = known, atomic.fullness(known)
        except MemoryError:
            error = DreamError("not enough memory", hint="close other programs, or take a smaller picture")
        except OSError as of_system:
            reason = of_system.strerror or type(of_system).__name__
            error = DreamError(f"the studio's folder cannot be used: {reason}", hint="make room there")
            full = atomic.fullness(of_system)
        if error is None:
            self.tell({"event": "end"})
        else:
            said = {"message": str(error), "hint": error.hint, "code": error.exit_code, "full": full}
            self.tell({"event": "error"} | said)

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event; end where nobody listens any more."""
        rest = memoryview(json.dumps(event).encode() + b"\n")
        with self._telling:
            try:
                while rest:
                    rest = rest[os.write(self._writing, rest) :]
            except OSError:  # the studio has gone
                os._exit(0)

    def model(self, job: dict[str, Any]) -> DreamModel:
        """Return the model that a job names, which stays open for the next one."""
        from engine.network.model import load_model

        if self._model is None:
            self._model = load_model(job["model"], device=job["device"], threads=job["threads"])
        return self._model

    def _read(self) -> None:
        with contextlib.suppress(OSError), open(self._reading, "rb", closefd=False) as lines:
            for line in lines:
                words = json.loads(line)
                if "stop" in words:
                    self.stopped.set()
                else:
                    self.stopped.clear()
                    self._jobs.put(words)
        os._exit(0)  # the studio has ended: nobody wants what is not finished
