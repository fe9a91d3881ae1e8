"""Time how long a stop takes to be heard, at any moment of a step: in the library, `pipe`, `pipe --live`.

Each stop comes at a moment of its own, spread evenly over a step of the whole picture, or its first seconds;
all controls of the default look included.  Nothing is written at the end.  The processor's seconds are those
of the process that is stopped: on a busy machine they say more than the clock's.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pictures
import psutil
import report

import engine

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = ["--octaves", "1", "--min-size", "none", "--max-size", "none", "--iterations", "1000"]


def main() -> None:
    """Print one row for each size and way to stop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.3, 3, 12, 24], metavar="N")
    parser.add_argument("--stops", type=int, default=6, help="stops for each row (default: 6)")
    parser.add_argument("--over", type=float, metavar="SECONDS", help="spread them over so long (a step)")
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    print(report.machine(), end="\n\n", flush=True)
    print(
        "| picture | a step takes s, or --over | stopped by | median s | longest s | processor s, at most |\n"
        "|---|---|---|---|---|---|",
        flush=True,
    )
    for megapixels in options.megapixels:
        width = round((megapixels * 1.5e6) ** 0.5)
        pixels = np.asarray(pictures.photograph(width, round(width / 1.5)))
        step = options.over or seconds_of_step(pixels)
        for way in options.only:
            heard = [WAYS[way](pixels, step * (i + 0.5) / options.stops + WARM) for i in range(options.stops)]
            size = f"{pixels.shape[1]}x{pixels.shape[0]}"
            wall, processor = zip(*heard, strict=True)
            print(
                f"| {size} | {step:.2f} | {way} | {statistics.median(wall):.3f} | {max(wall):.3f} "
                f"| {max(processor):.3f} |",
                flush=True,
            )


WARM = 2.0
"""Seconds that a process is given to open the model and to look at the picture."""


def seconds_of_step(pixels: np.ndarray) -> float:
    """Return how long the second step takes; the first opens what it needs."""
    ends = []
    for _ in engine.steps(pixels, look()):
        ends.append(time.perf_counter())
        if len(ends) == 2:
            break
    return ends[1] - ends[0]


def look() -> engine.DreamConfig:
    """Return the default look at the picture's own size."""
    return replace(engine.PRESETS["dream"], octaves=1, min_size=None, max_size=None, iterations=1000)


@dataclass(frozen=True)
class Moment:
    """A moment of a process, from which is counted."""

    process: psutil.Process
    wall: float
    processor: float

    @classmethod
    def now(cls, process: int) -> Moment:
        """Begin to count."""
        found = psutil.Process(process)
        return cls(found, time.perf_counter(), _processor(found))

    def since(self) -> tuple[float, float]:
        """Return the clock's and the process's seconds since then, also of one that ended and is a zombie."""
        return time.perf_counter() - self.wall, _processor(self.process) - self.processor


def _processor(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def library(pixels: np.ndarray, moment: float) -> tuple[float, float]:
    """Set an `engine.Stop` after so many seconds; return how long it took until Cancelled was raised."""
    stop = engine.Stop()
    ended: list[tuple[float, float]] = []

    def dream() -> None:
        try:
            for _ in engine.steps(pixels, look(), stop=stop):
                pass
        except engine.Cancelled:
            ended.append(begun.since())

    thread = threading.Thread(target=dream)
    thread.start()
    time.sleep(moment)
    begun = Moment.now(os.getpid())
    stop.set()
    thread.join()
    return ended[0]


def piped(*words: str) -> subprocess.Popen[bytes]:
    """Start a pipe."""
    command = [sys.executable, "-m", "engine", "pipe", *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def frame(pixels: np.ndarray) -> bytes:
    """Return a picture as a frame of the wire."""
    content = io.BytesIO()
    np.save(content, pixels)
    return content.getvalue()


def request(number: int, pixels: np.ndarray) -> bytes:
    """Return a request of `pipe --live`."""
    line = json.dumps({"dream": number, "options": WORDS, "show": None})
    return line.encode() + b"\n" + frame(pixels)


def terminated(pixels: np.ndarray, moment: float) -> tuple[float, float]:
    """Send a frame, and SIGTERM after so many seconds; return how long the process went on."""
    process = piped(*WORDS)
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    process.stdin.write(frame(pixels))
    process.stdin.flush()
    time.sleep(moment)
    begun = Moment.now(process.pid)
    process.send_signal(signal.SIGTERM)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    took = begun.since()
    process.communicate()
    if process.returncode != 130:
        raise RuntimeError(f"exit code {process.returncode}")
    return took


def overtaken(pixels: np.ndarray, moment: float) -> tuple[float, float]:
    """Send a request, and another one after so many seconds; return how long the first went on."""
    process = piped("--live")
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - they are pipes
    process.stdin.write(request(1, pixels))
    process.stdin.flush()
    time.sleep(moment)
    begun = Moment.now(process.pid)
    process.stdin.write(request(2, pixels[:64, :64]))
    process.stdin.flush()
    while json.loads(process.stdout.readline())["event"] != "stopped":
        pass
    took = begun.since()
    process.kill()
    process.communicate()
    return took


WAYS: dict[str, Callable[[np.ndarray, float], tuple[float, float]]] = {
    "engine.Stop": library,
    "SIGTERM to pipe": terminated,
    "a newer request": overtaken,
}
"""How a dream is stopped, and what measures it."""

if __name__ == "__main__":
    main()
