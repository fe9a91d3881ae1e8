"""Time the whole command, cold: on one photograph against a plain Keras script, on many, or on a large one.

Every run is a new process that loads what it needs, dreams and writes. The commands take turns; wall time,
processor time and peak memory are the operating system's own figures for each process.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pictures
import report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).parent

ONE_AFTER_ANOTHER = ["--jobs", "1"]
"""Has the engine dream on one picture at a time, with all threads."""


def main() -> None:
    """Read the command line and do what it chose."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="side of the square pictures (default: 512)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command (default: 5)")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--batch", type=int, metavar="N", help="N pictures in one command, at once or not")
    chosen.add_argument(
        "--megapixels", type=float, nargs="+", metavar="N", help="one picture of so many, 3:2, two steps each"
    )
    chosen.add_argument(
        "--look",
        type=float,
        nargs="+",
        metavar="N",
        help="one picture of so many megapixels, the default look",
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.batch:
            many_pictures(folder, options.batch, options.size, options.rounds)
        elif options.megapixels:
            large_pictures(folder, options.megapixels, options.rounds)
        elif options.look:
            whole_looks(folder, options.look, options.rounds)
        else:
            one_picture(folder, options.size, options.rounds)


def one_picture(folder: Path, size: int, rounds: int) -> None:
    """Compare the engine with the Keras script: the tutorial's 60 steps."""
    picture = folder / "picture.png"
    pictures.photograph(size, size).save(picture)
    script = [sys.executable, str(HERE / "keras_deep_dream.py")]
    commands = {
        "engine": engine_command(picture, folder / "engine.files.png"),
        "Keras script": [*script, str(picture), "-o", str(folder / "keras.png"), "--max-loss", "none"],
    }
    for arguments in commands.values():
        run(arguments)  # so that files are in the system's cache for both
    print(f"The whole command, {size}x{size}, 60 steps.\n{report.machine()}\n", flush=True)
    print_table(take_turns(commands, rounds))


def many_pictures(folder: Path, count: int, size: int, rounds: int) -> None:
    """Compare several pictures at once with the same pictures one after another."""
    sources = folder / "pictures"
    sources.mkdir()
    for i in range(count):
        pictures.photograph(size, size).save(sources / f"{i}.png")
    at_once = engine_command(sources, folder / "dreams")
    commands = {"at once": at_once, "one after another": [*at_once, *ONE_AFTER_ANOTHER]}
    run(engine_command(sources / "0.png", folder / "first.png"))  # so that files are in the system's cache
    print(f"{count} pictures of {size}x{size}, 60 steps each.\n{report.machine()}\n", flush=True)
    print_table(take_turns(commands, rounds), count)


def large_pictures(folder: Path, megapixels: Sequence[float], rounds: int) -> None:
    """Time the steps of large pictures, without what comes before the first and after the last."""
    picture = folder / "picture.jpg"
    print(f"Large pictures.\n{report.machine()}\n", flush=True)
    rows = []
    for millions in megapixels:
        width, height = photograph(picture, millions)
        command = engine_command(picture, folder / "dream.png", "--octaves", "1", "--iterations", "2")
        runs = [run(command) for _ in range(rounds)]
        step = statistics.median(seconds for each in runs for seconds in each.steps())
        pixels = width * height / 1e6
        rows.append(
            [f"{width}x{height}", f"{pixels:.1f}", f"{step:.2f}", f"{step / pixels:.3f}", *medians(runs)]
        )
    head = ["picture", "megapixels", "s per step", "s per megapixel and step"]
    print(report.table([*head, "whole command s", "processor s", "peak MB"], rows))


def whole_looks(folder: Path, megapixels: Sequence[float], rounds: int) -> None:
    """Time what a user waits for who gives no option at all: a photograph in, the default dream out."""
    picture = folder / "picture.jpg"
    print(f"The default look.\n{report.machine()}\n", flush=True)
    rows = []
    for millions in megapixels:
        width, height = photograph(picture, millions)
        command = [sys.executable, "-m", "engine", "dream", str(picture), "-o", str(folder / "dream.jpg")]
        runs = [run([*command, "--overwrite"]) for _ in range(rounds)]
        rows.append([f"{width}x{height}", f"{width * height / 1e6:.1f}", *medians(runs)])
    print(report.table(["picture", "megapixels", "wall s", "processor s", "peak MB"], rows))


def photograph(path: Path, megapixels: float) -> tuple[int, int]:
    """Write a photograph of so many megapixels, 3:2, and return its width and height."""
    height = round(math.sqrt(megapixels * 1e6 / 1.5))
    width = round(1.5 * height)
    pictures.photograph(width, height).save(path, quality=95)
    return width, height


def engine_command(source: Path, output: Path, *more: str) -> list[str]:
    """Return the engine's command line: the tutorial's settings, never stopping early."""
    look = ["--preset", "keras", "--max-loss", "none"]
    options = [*look, "--device", "cpu", "--progress", "json", "--overwrite", *more]
    target = f"{output}/" if source.is_dir() else str(output)
    return [sys.executable, "-m", "engine", "dream", str(source), "-o", target, *options]


@dataclass(frozen=True)
class Run:
    """What one process used, from its start to its end."""

    wall: float
    """Seconds."""

    processor: float
    """Seconds, user and system, over all cores."""

    peak_mb: float
    """The most memory that it held."""

    said: list[tuple[float, str]]
    """Lines of its standard error, and at which second each came."""

    def steps(self) -> list[float]:
        """Return how many seconds each step took that has one before it, by the engine's events."""
        ends = [at for at, line in self.said if line.startswith("{") and json.loads(line)["event"] == "step"]
        return [end - start for start, end in pairwise(ends)]


def take_turns(commands: dict[str, list[str]], rounds: int) -> dict[str, list[Run]]:
    """Run each command once a round, in turns."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for i in range(rounds):
        for name in commands if i % 2 == 0 else reversed(commands):
            runs[name].append(run(commands[name]))
    return runs


def print_table(runs: Mapping[str, list[Run]], count: int = 1) -> None:
    """Print medians of runs on so many pictures; the speed is relative to the last command."""
    walls = {name: statistics.median(each.wall for each in of_one) for name, of_one in runs.items()}
    slowest = list(walls.values())[-1]
    head = ["", "wall s", "processor s", "peak MB", "speed"]
    rows = [[name, *medians(of_one), f"{slowest / walls[name]:.2f}"] for name, of_one in runs.items()]
    if count > 1:
        head.append("s per picture")
        rows = [[*row, f"{wall / count:.2f}"] for row, wall in zip(rows, walls.values(), strict=True)]
    print(report.table(head, rows))


def medians(runs: Sequence[Run]) -> list[str]:
    """Return wall time, processor time and peak memory as a table shows them."""
    wall = statistics.median(each.wall for each in runs)
    processor = statistics.median(each.processor for each in runs)
    peak = statistics.median(each.peak_mb for each in runs)
    return [f"{wall:.2f}", f"{processor:.2f}", f"{peak:.0f}"]


def run(arguments: Sequence[str]) -> Run:
    """Run one command and return what the operating system counted for it."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    start = time.perf_counter()
    process = subprocess.Popen(
        arguments,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        cwd=HERE.parent,
        env=environment,
    )
    assert process.stderr is not None  # noqa: S101 - it is a pipe
    said = [(time.perf_counter() - start, line) for line in process.stderr]
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)}\n{''.join(line for _, line in said)}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, said)


if __name__ == "__main__":
    main()
