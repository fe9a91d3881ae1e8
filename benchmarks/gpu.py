"""Time one loss and gradient on an NVIDIA GPU: the engine, PyTorch as it is and PyTorch compiled.

Each contender has a process of its own for each size. All are built at the same time, warmed up one by one,
and take turns. What can't run becomes a row that says why. It ends within its budget of seconds, and needs
nobody and no network. Contenders keep their memory while they wait: the card must hold all at once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import report
import workers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCRIPT = Path(__file__).parent / "gpu_contenders.py"
MAKERS = ("engine", "PyTorch", "torch.compile")
PRECISIONS = ("float32", "TF32", "half")
"""TF32 is float32 with factors rounded to 10 bits where they are multiplied; half is float16."""

WARM_UP = 5
"""Steps before the first that counts, while all others wait."""

STEPS = 10
"""Steps of a turn, fewer where they would take more than TURN_SECONDS."""
TURN_SECONDS = 1.0

REST = 0.1
"""Seconds between two turns: thread pools go on spinning for a moment after their work is done."""

BUILDING = 0.65
TURNS = 0.97
"""Shares of a size's time: when building and compiling must be over, and when the last turn must be."""

COLUMNS = (
    ("median ms", "median_s", ".2f", 1000),
    ("fastest ms", "fastest_s", ".2f", 1000),
    ("speed", "speed", ".2f", 1),
    ("peak MB", "peak_mb", ".0f", 1),
    ("tensors MB", "allocated_mb", ".0f", 1),
    ("loss error", "loss_error", ".1e", 1),
    ("gradient error", "gradient_error", ".1e", 1),
)
"""Heading, key of a row, format and unit of each column with numbers."""


def main() -> None:
    """Read the command line, let all sizes run, print and save the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[512, 1024, 2048], help="sides of the square pictures"
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender (default: 5)")
    parser.add_argument("--budget", type=float, default=280, help="seconds for all of it (default: 280)")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: to try this script")
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="rows with such a word only")
    parser.add_argument("--json", type=Path, default=Path("gpu.json"), help="default: gpu.json")
    options = parser.parse_args()

    clock = Clock(options.budget)
    names = [(maker, precision) for precision in PRECISIONS for maker in MAKERS]
    names = [(x, y) for x, y in names if any(word in row_name(x, y) for word in options.only)]
    print(f"Loss and gradient, {options.device}.\n{card()}\n{report.machine()}", flush=True)
    rows: list[report.Row] = []
    for i, size in enumerate(options.sizes):
        share = clock.share(len(options.sizes) - i)
        heat = Heat(size, options.device, names, share, compare=i == 0)
        found = heat.run(options.rounds)
        add_speeds(found)
        print_table(size, found)
        rows += found
        report.save(
            options.json, rows, card=card(), device=options.device
        )  # after each, should it be stopped
    print("\n".join(sorted({row["runtime"] for row in rows if "runtime" in row})))
    print(f"Took {clock.used():.0f} s of {options.budget:.0f}; {options.json} has all rows.")


def row_name(maker: str, precision: str) -> str:
    """Return what a row is called."""
    return f"{maker} {precision}"


class Clock:
    """Seconds from now on, of which there are only so many."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._start = time.monotonic()

    def used(self) -> float:
        """Return how many seconds have gone by."""
        return time.monotonic() - self._start

    def left(self, part: float = 1.0) -> float:
        """Return how many seconds are left of the first `part` of all, at least 0."""
        return max(0.0, self._seconds * part - self.used())

    def share(self, parts: int) -> Clock:
        """Return a clock for one of so many equal parts of what is left."""
        return Clock(self.left() / parts)


@dataclass
class Runner:
    """One contender at one size, with what has been measured so far."""

    maker: str
    precision: str
    worker: workers.Worker
    failed: str = ""
    pace: float = TURN_SECONDS
    """Seconds that a step took when warm."""

    seconds: list[float] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def ask(self, question: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Ask the worker; where it fails, remember why and return nothing."""
        if not self.failed:
            self.worker.tell(question)
        return self.answer(timeout)

    def answer(self, timeout: float) -> dict[str, Any]:
        """Wait for the worker's answer, likewise."""
        if self.failed:
            return {}
        try:
            return self.worker.answer(timeout)
        except workers.Failed as reason:
            self.failed = str(reason)
            self.worker.close()
            return {}

    def turn(self, timeout: float) -> None:
        """Do a turn's steps, if there is time."""
        if self.failed or timeout == 0:
            return
        time.sleep(REST)
        steps = max(1, min(STEPS, int(TURN_SECONDS / self.pace)))
        answer = self.ask({"do": "steps", "steps": steps}, timeout)
        self.seconds += answer.pop("seconds", [])
        self.figures |= answer


class Heat:
    """All contenders at one size."""

    def __init__(
        self, size: int, device: str, names: Iterable[tuple[str, str]], clock: Clock, *, compare: bool
    ) -> None:
        self._size = size
        self._device = device
        self._clock = clock
        self._compare = compare
        self._runners = [Runner(x, precision, self._start(x, precision, device)) for x, precision in names]

    def run(self, rounds: int) -> list[report.Row]:
        """Build, warm up, compare and take turns; return a row for each contender."""
        try:
            with tempfile.TemporaryDirectory() as folder:
                self._prepare(Path(folder, "reference.npz"))
            for i in range(rounds):
                for runner in self._runners if i % 2 == 0 else self._runners[::-1]:
                    runner.turn(self._clock.left(TURNS))
            held = gpu_memory()
        finally:
            for runner in self._runners:
                runner.worker.close()
        return [self._row(runner, held) for runner in self._runners]

    def _start(self, maker: str, precision: str, device: str) -> workers.Worker:
        what = {"maker": maker, "precision": precision, "device": device, "size": self._size}
        # CUDA's libraries heed this, whoever calls them: the engine may have no option of its own.
        environment = {"NVIDIA_TF32_OVERRIDE": "0"} if precision == "float32" else {}
        return workers.Worker([str(SCRIPT), json.dumps(what)], environment)

    def _prepare(self, reference: Path) -> None:
        """Let all build at once, since that is work for processors; then warm up one by one."""
        for runner in self._runners:
            runner.worker.tell({"do": "build"})
        if self._compare:
            self._compute_reference(reference)
        for runner in self._runners:
            runner.figures |= runner.answer(self._clock.left(BUILDING))
        for runner in self._runners:
            warm = runner.ask({"do": "steps", "steps": WARM_UP}, self._clock.left(TURNS))
            runner.pace = min(warm.get("seconds", [TURN_SECONDS]))
            if reference.exists():
                question = {"do": "compare", "file": str(reference)}
                runner.figures |= runner.ask(question, self._clock.left(TURNS))

    def _compute_reference(self, path: Path) -> None:
        worker = self._start("PyTorch", "float64", "cpu")
        try:
            worker.ask({"do": "save", "file": str(path)}, self._clock.left(BUILDING))
        except workers.Failed as reason:
            print(f"No reference in float64, and so no errors: {reason}")
        finally:
            worker.close()

    def _row(self, runner: Runner, held: dict[int, float]) -> report.Row:
        row: report.Row = {
            "contender": row_name(runner.maker, runner.precision),
            "maker": runner.maker,
            "precision": runner.precision,
            "width": self._size,
            "height": self._size,
            "megapixels": self._size**2 / 1e6,
            **runner.figures,
        }
        if self._device == "cuda":  # what counts there is the card's memory
            row["host_mb"] = row.pop("peak_mb", None)
            row["peak_mb"] = held.get(runner.worker.pid)
        if runner.seconds:
            row["median_s"] = statistics.median(runner.seconds)
            row["fastest_s"] = min(runner.seconds)
            row["measured"] = len(runner.seconds)
        elif not runner.failed:
            runner.failed = "no time was left"
        row["failed"] = runner.failed
        return row


def add_speeds(rows: Sequence[report.Row]) -> None:
    """Add to one size's rows their speed relative to PyTorch, not compiled, in the same precision."""
    plain = {row["precision"]: row.get("median_s") for row in rows if row["maker"] == "PyTorch"}
    for row in rows:
        other = plain.get(row["precision"])
        if other and "median_s" in row:
            row["speed"] = other / row["median_s"]


def print_table(size: int, rows: Sequence[report.Row]) -> None:
    """Print one size's rows."""
    lines = [
        [row["contender"], *(cell(row.get(key), form, unit) for _, key, form, unit in COLUMNS), row["failed"]]
        for row in rows
    ]
    head = ["", *(heading for heading, *_ in COLUMNS), "why not"]
    print(f"\n## {size}x{size}\n\n{report.table(head, lines)}\n", flush=True)


def cell(value: float | None, form: str, unit: int) -> str:
    """Write a number, or nothing where there is none."""
    return "" if value is None else format(value * unit, form)


@cache
def card() -> str:
    """Return the graphics card's name, driver and memory."""
    said = nvidia_smi("--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
    return said or "no nvidia-smi"


def gpu_memory() -> dict[int, float]:
    """Return how many MB of the card's memory each process holds, where that can be known.

    No contender gives memory back between its steps, so that this is its peak.
    """
    lines = nvidia_smi("--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits").splitlines()
    pairs = [line.split(", ") for line in lines]
    return {int(pair[0]): float(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def nvidia_smi(*arguments: str) -> str:
    """Return what nvidia-smi prints, nothing where there is none."""
    try:
        done = subprocess.run(
            ["nvidia-smi", *arguments],  # noqa: S607 - it lies elsewhere on each system
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


if __name__ == "__main__":
    main()
