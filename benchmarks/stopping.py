"""Time how long a stop takes to be heard, at any moment of a step: in the library, `pipe`, `pipe --live`.

Each stop comes at a moment of its own, spread evenly over a step of the whole picture, all controls of the
default look included.  Nothing is written at the end.
"""

from __future__ import annotations

import argparse
import io
import json
import signal
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pictures
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
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    print(report.machine(), end="\n\n", flush=True)
    print(
        "| picture | a step takes s | stopped by | median s | longest s |\n|---|---|---|---|---|", flush=True
    )
    for megapixels in options.megapixels:
        width = round((megapixels * 1.5e6) ** 0.5)
        pixels = np.asarray(pictures.photograph(width, round(width / 1.5)))
        step = seconds_of_step(pixels)
        for way in options.only:
            heard = [WAYS[way](pixels, step * (i + 0.5) / options.stops + WARM) for i in range(options.stops)]
            size = f"{pixels.shape[1]}x{pixels.shape[0]}"
            middle, most = statistics.median(heard), max(heard)
            print(f"| {size} | {step:.2f} | {way} | {middle:.3f} | {most:.3f} |", flush=True)


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


def library(pixels: np.ndarray, moment: float) -> float:
    """Set an `engine.Stop` after so many seconds; return when Cancelled was raised."""
    stop, ended = engine.Stop(), []

    def dream() -> None:
        try:
            for _ in engine.steps(pixels, look(), stop=stop):
                pass
        except engine.Cancelled:
            ended.append(time.perf_counter())

    thread = threading.Thread(target=dream)
    thread.start()
    time.sleep(moment)
    begun = time.perf_counter()
    stop.set()
    thread.join()
    return ended[0] - begun


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


def terminated(pixels: np.ndarray, moment: float) -> float:
    """Send a frame, and SIGTERM after so many seconds; return when the process had ended."""
    process = piped(*WORDS)
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    process.stdin.write(frame(pixels))
    process.stdin.flush()
    time.sleep(moment)
    begun = time.perf_counter()
    process.send_signal(signal.SIGTERM)
    code = process.wait()
    took = time.perf_counter() - begun
    process.communicate()
    if code != 130:
        raise RuntimeError(f"exit code {code}")
    return took


def overtaken(pixels: np.ndarray, moment: float) -> float:
    """Send a request, and another one after so many seconds; return when the first had been stopped."""
    process = piped("--live")
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - they are pipes
    process.stdin.write(request(1, pixels))
    process.stdin.flush()
    time.sleep(moment)
    begun = time.perf_counter()
    process.stdin.write(request(2, pixels[:64, :64]))
    process.stdin.flush()
    while json.loads(process.stdout.readline())["event"] != "stopped":
        pass
    took = time.perf_counter() - begun
    process.kill()
    process.communicate()
    return took


WAYS: dict[str, Callable[[np.ndarray, float], float]] = {
    "engine.Stop": library,
    "SIGTERM to pipe": terminated,
    "a newer request": overtaken,
}
"""How a dream is stopped, and what measures it."""

if __name__ == "__main__":
    main()
