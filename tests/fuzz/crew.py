"""Inputs handed to a worker process, which is started anew when it crashes, hangs, or has tried many."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.fuzz.known import marked
from tests.fuzz.verdict import Verdict

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0
"""Seconds that an input may take: far more than any does, and less than for ever."""

SHIFT = 2000
"""Inputs that a worker tries, at most: what one leaves in the process must not decide on all that follow."""


class Worker:
    """A process that tries inputs."""

    def __init__(self, *command: str) -> None:
        """Start it; a command other than tests.fuzz.worker is for the tests of this module."""
        self._process = subprocess.Popen(
            [sys.executable, *(command or ("-m", "tests.fuzz.worker"))],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.tried = 0

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._answers.put(line)
        self._answers.put("")

    def ask(self, order: str, patience: float = PATIENCE) -> Verdict:
        """Return what came of an input; after a crash or a hang the worker is of no more use."""
        self.tried += 1
        try:
            print(order, file=self._process.stdin, flush=True)
            line = self._answers.get(timeout=patience)
        except BrokenPipeError:
            line = ""
        except queue.Empty:
            self.dismiss()
            return Verdict("hang", fault=True, detail=f"no answer after {patience} s")
        if not line:
            return Verdict("crash", fault=True, detail=f"the process ended with {self._process.wait()}")
        return Verdict(**json.loads(line))

    def dismiss(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def tried(orders: Iterable[tuple[str, int, int]]) -> Iterator[tuple[str, int, int, Verdict]]:
    """Try inputs, each a subject, a seed and a number; yield them with what came of them."""
    worker = Worker()
    try:
        for subject, seed, number in orders:
            verdict = worker.ask(f"{subject} {seed} {number}")
            yield subject, seed, number, marked(subject, verdict)
            if verdict.outcome in {"crash", "hang"} or worker.tried >= SHIFT:
                worker.dismiss()
                worker = Worker()
    finally:
        worker.dismiss()
