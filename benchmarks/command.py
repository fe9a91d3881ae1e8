"""Time the whole command, cold: the engine's `dream` against a plain Keras script, on one photograph.

Both start a new process, load what they need, do the same 60 steps on a 512x512 picture and write a PNG. They
take turns; wall time, processor time and peak memory are the operating system's own figures for each process.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import report

HERE = Path(__file__).parent
PHOTOGRAPH = HERE.parent / "examples" / "mountains.jpg"


def main() -> None:
    """Read the command line, let the commands take turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="side of the square picture (default: 512)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command (default: 5)")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "picture.png")
        write_picture(picture, options.size)
        commands = {name: command(picture) for name, command in COMMANDS.items()}
        for arguments in commands.values():
            run(arguments)  # so that files are in the system's cache for both
        runs: dict[str, list[Run]] = {name: [] for name in commands}
        for i in range(options.rounds):
            for name in commands if i % 2 == 0 else reversed(commands):
                runs[name].append(run(commands[name]))

    print(f"The whole command, {options.size}x{options.size}, 60 steps.\n{report.machine()}\n")
    slowest = statistics.median(each.wall for each in runs["Keras script"])
    rows = []
    for name, of_one in runs.items():
        wall = statistics.median(each.wall for each in of_one)
        processor = statistics.median(each.processor for each in of_one)
        peak = statistics.median(each.peak_mb for each in of_one)
        rows.append([name, f"{wall:.2f}", f"{slowest / wall:.2f}", f"{processor:.2f}", f"{peak:.0f}"])
    print(report.table(["", "wall s", "speed", "processor s", "peak MB"], rows))


def write_picture(path: Path, size: int) -> None:
    """Write the sample photograph as a square PNG."""
    from PIL import Image

    with Image.open(PHOTOGRAPH) as file:
        file.convert("RGB").resize((size, size)).save(path)


def engine_command(picture: Path) -> list[str]:
    """Return the engine's command line: the tutorial's settings, never stopping early."""
    output = picture.with_name("engine.png")
    options = ["--max-loss", "none", "--device", "cpu", "--progress", "none", "--overwrite"]
    return [sys.executable, "-m", "engine", "dream", str(picture), "-o", str(output), *options]


def keras_command(picture: Path) -> list[str]:
    """Return the command line of the same dream in plain Keras."""
    output = picture.with_name("keras.png")
    script = str(HERE / "keras_deep_dream.py")
    return [sys.executable, script, str(picture), "-o", str(output), "--max-loss", "none"]


COMMANDS = {"engine": engine_command, "Keras script": keras_command}


@dataclass(frozen=True)
class Run:
    """What one process used, from its start to its end."""

    wall: float
    """Seconds."""

    processor: float
    """Seconds, user and system, over all cores."""

    peak_mb: float
    """The most memory that it held."""


def run(arguments: list[str]) -> Run:
    """Run one command and return what the operating system counted for it."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    start = time.perf_counter()
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(
            arguments, stdout=subprocess.DEVNULL, stderr=messages, cwd=HERE.parent, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            messages.seek(0)
            raise SystemExit(f"{' '.join(arguments)}\n{messages.read().decode(errors='replace')}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)


if __name__ == "__main__":
    main()
