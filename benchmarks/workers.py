"""Contenders in processes of their own: each does some steps when it is told to, and tells what they took.

Questions and answers are one JSON object a line.  An answer `{"failed": …}` says why there is none.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Step: TypeAlias = "Callable[[], tuple[float, Any]]"
"""One loss and gradient of a contender's picture; the work is done when it returns."""


class Failed(Exception):  # noqa: N818 - a row of the table, no error of ours
    """A contender that gave no answer; the text says why."""


class Worker:
    """A process with one contender in it."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start Python with `arguments`: a script that calls `serve`."""
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # so that `close` reaches the processes that it starts
        )

    @property
    def pid(self) -> int:
        """Return the process's number."""
        return self._process.pid

    def ask(self, question: Mapping[str, Any], timeout: float | None = None) -> dict[str, Any]:
        """Ask and wait for the answer; raises Failed."""
        self.tell(question)
        return self.answer(timeout)

    def tell(self, question: Mapping[str, Any]) -> None:
        """Ask without waiting: `answer` must follow."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        with contextlib.suppress(BrokenPipeError):  # `answer` says how the process ended
            print(json.dumps(question), file=self._process.stdin, flush=True)

    def answer(self, timeout: float | None = None) -> dict[str, Any]:
        """Wait for the answer, some seconds at most; raises Failed."""
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        ready, _, _ = select.select([self._process.stdout], [], [], timeout)
        if not ready:
            raise Failed("not finished in the time given")
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise Failed("killed, as where memory is short" if code == -9 else f"ended with exit code {code}")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise Failed(answer["failed"])
        return answer

    def close(self) -> None:
        """End the process, whatever it is doing; a second time does nothing."""
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        if self._process.stdout.closed:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Be a worker: answer questions until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not come between the answers
    for line in sys.stdin:
        try:
            said = answer(json.loads(line))
        except Exception as error:  # noqa: BLE001 - whatever it is, the table shows it
            said = {"failed": reason(error)}
        print(json.dumps(said), file=answers, flush=True)


def reason(error: BaseException) -> str:
    """Return the first line of what an exception says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= 160 else text[:160] + "…"


def timed(step: Step, count: int) -> dict[str, Any]:
    """Do some steps; return the seconds of each, the loss, and the most memory held so far, in MB."""
    seconds = []
    loss = 0.0
    for _ in range(count):
        start = time.perf_counter()
        loss, _ = step()
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, "loss": loss, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """Return the most memory that this process has held, its start included."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
