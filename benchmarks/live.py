"""Time the plug-in's live preview: the start of its engine, the first picture of a request, the last one."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pictures
import psutil
import report

from gimp_plugin.deepdream_common import live, parameters, sketch, words

if TYPE_CHECKING:
    from collections.abc import Callable

FULL: Final = (4000, 3000)
"""Width and height of the picture that the preview is of."""

DEADLINE: Final = 300.0


class Clock:
    """Seconds on the wall and of the engine's processors since the last look."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._begun = self._now()

    def __call__(self) -> tuple[float, float]:
        """Return both."""
        wall, processors = self._now()
        return wall - self._begun[0], processors - self._begun[1]

    def _now(self) -> tuple[float, float]:
        times = self._process.cpu_times()
        return time.perf_counter(), times.user + times.system


def main() -> None:
    """Read the command line and print one table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--looks", nargs="+", default=["dream"], metavar="NAME", help="presets (default: dream)"
    )
    parser.add_argument(
        "--sizes", nargs="+", default=["320x240", "640x480", "1280x960"], metavar="WIDTHxHEIGHT",
        help="of the preview in pixels of the screen (default: 320x240 640x480 1280x960)",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3, help="processes (default: 3)")
    options = parser.parse_args()
    sizes = [tuple(map(int, size.split("x"))) for size in options.sizes]
    print(f"Live preview of {FULL[0]}x{FULL[1]}.\n{report.machine()}\n", flush=True)
    measured: dict[str, list[tuple[float, float]]] = {}
    for _ in range(options.rounds):
        for name, times in one_process(options.looks, sizes):
            measured.setdefault(name, []).append(times)
    rows = [
        [
            name,
            f"{statistics.median(x for x, _ in found):.2f}",
            f"{statistics.median(y for _, y in found):.2f}",
        ]
        for name, found in measured.items()
    ]
    print(report.table(["from the request, or the start, to", "wall s", "processor s"], rows))


def one_process(looks: list[str], sizes: list[tuple[int, ...]]) -> list[tuple[str, tuple[float, float]]]:
    """Return what was measured with one engine, by name."""
    engine = live.Live([sys.executable, "-m", "engine"])
    process = psutil.Process(engine._conversation._process.pid)  # noqa: SLF001 - only a clock needs the process
    try:
        clock = Clock(process)
        until(engine, lambda event: event["event"] == "start")
        found = [("start", clock())]
        for look in looks:
            values: dict[str, Any] = {**parameters.DEFAULTS, **parameters.preset_values(look), "preset": look}
            for width, height in sizes:
                asked, _ = sketch.whole(values, (width, height), FULL)
                frame = ("|u1", height, width, 3, pictures.photograph(width, height).tobytes())
                clock = Clock(process)
                number = engine.ask(words.engine_options(asked), frame)
                until(engine, partial(of, number, "pixels"))
                found.append((f"first picture of {width}x{height}, {look}", clock()))
                until(engine, partial(of, number, "seconds"))
                found.append((f"last picture of {width}x{height}, {look}", clock()))
        return found
    finally:
        engine.close()


def of(number: int, entry: str, event: dict[str, Any]) -> bool:
    """Tell whether an event of a request has an entry: `pixels` come first, `seconds` at the end."""
    return event.get("dream") == number and entry in event


def until(engine: live.Live, fits: Callable[[dict[str, Any]], bool]) -> None:
    """Wait for an event; raise RuntimeError where the engine fails."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        event = engine.poll()
        if event is None:
            time.sleep(0.002)
        elif event["event"] in ("error", "ended"):
            raise RuntimeError(event["message"])
        elif fits(event):
            return
    raise RuntimeError("the engine does not answer")


if __name__ == "__main__":
    main()
