"""Measure what a run on a cluster is made of, on this machine, for `benchmarks/cluster_model.py`.

A cluster of this machine alone, as `--cluster local` has it, dreams on tiny pictures with the tests' model,
so that all but the dream is seen.  In the middle of it a worker is killed.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import report
from PIL import Image
from tree_runs import QUICK, ROOT

from engine import load_model
from engine.ascent.order import order_for
from engine.batch.events import Done, Job
from engine.cluster.fleet import Fleet, Joined, Lost
from engine.cluster.ray_grid import RayGrid
from engine.cluster.ray_session import LOCAL, Session
from engine.cluster.worker import Commission
from engine.settings.config import DreamConfig
from engine.settings.output import Output
from engine.settings.tiling import Tiling

if TYPE_CHECKING:
    from engine.cluster.fleet import News


@dataclass
class Watched(RayGrid):
    """A grid that notes when things happen."""

    at: dict[str, float] = field(default_factory=dict)
    """Moments, in seconds: when each first happened."""

    def __enter__(self) -> None:
        """Connect."""
        self.note("asked for")
        super().__enter__()
        self.note("connected")

    def news(self) -> list[News]:
        """Wait a moment for something to happen."""
        found = super().news()
        for new in found:
            if isinstance(new, Joined):
                self.note("replaced" if "lost" in self.at else "joined")
            if isinstance(new, Lost):
                self.note("lost")
        return found

    def note(self, moment: str) -> None:
        """Note that something happens now, for the first time."""
        self.at.setdefault(moment, time.monotonic())

    def between(self, first: str, second: str) -> float:
        """Return the seconds from one moment to another."""
        return self.at[second] - self.at[first]


def main() -> None:
    """Print each part."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    print(f"{report.machine()}\n", flush=True)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        sources = tiny(folder / "in", options.pictures)
        rows = [*run(sources, folder / "out", options.workers), *listing(folder)]
    print(report.table(("part", "measured"), rows))


def tiny(folder: Path, count: int) -> list[Path]:
    """Write so many pictures of 32 pixels a side."""
    folder.mkdir()
    noise = np.random.default_rng(0)
    files = [folder / f"{x:05}.png" for x in range(count)]
    for file in files:
        Image.fromarray(noise.integers(0, 256, (32, 32, 3), np.uint8)).save(file)
    return files


def run(sources: list[Path], out: Path, workers: int) -> list[tuple[str, str]]:
    """Dream on pictures on a cluster of this machine; return its parts."""
    out.mkdir()
    model = load_model(ROOT / "tests/data/tiny.onnx", device="cpu", threads=1)
    config = DreamConfig(layers={"mixed0": 1.0}, octaves=1, iterations=1)
    order = order_for(model, config, Tiling(max_memory=300_000_000))
    grid = Watched(
        Session(LOCAL), Commission(model.content, model.name, order, Output(), device="cpu"), workers
    )
    done, cpu = 0, 0.0
    for event in Fleet(grid).run(Job(x, out / x.name) for x in sources):
        if not isinstance(event, Done):
            continue
        done += 1
        if done == 1:
            grid.note("begun")
            cpu = time.process_time()
        elif done == len(sources) // 2:
            grid.note("half")
            cpu = time.process_time() - cpu
            os.kill(_workers()[0], signal.SIGKILL)
            grid.note("killed")
    grid.note("end")
    each = grid.between("begun", "half") / (len(sources) // 2 - 1)
    return [
        ("start of the cluster", f"{grid.between('asked for', 'connected'):.1f} s"),
        ("start of the first worker", f"{grid.between('connected', 'joined'):.1f} s"),
        (f"a tiny picture, {workers} workers", f"{1000 * each:.1f} ms"),
        ("the same, of the command's processor", f"{1000 * cpu / (len(sources) // 2 - 1):.1f} ms"),
        ("a killed worker is noticed", f"{grid.between('killed', 'lost'):.2f} s"),
        ("and replaced", f"{grid.between('killed', 'replaced'):.1f} s" if "replaced" in grid.at else "not"),
    ]


def listing(folder: Path) -> list[tuple[str, str]]:
    """Look at results that are there already, as a second run does."""
    words = ["dream", "-o", folder / "again", *QUICK]
    command = [sys.executable, "-m", "engine", *map(str, words)]
    count = len(list((folder / "in").iterdir()))
    subprocess.run([*command, str(folder / "in")], cwd=ROOT, check=True, capture_output=True)
    took = []
    (folder / "one").mkdir()
    (folder / "one" / "00000.png").write_bytes((folder / "in" / "00000.png").read_bytes())
    for given in (folder / "in", folder / "one"):
        began = _of_children()
        subprocess.run([*command, str(given)], cwd=ROOT, check=True, capture_output=True)
        took.append(_of_children() - began)
    each = 1000 * (took[0] - took[1]) / (count - 1)
    return [("to find that a picture is finished, of a processor", f"{each:.2f} ms")]


def _of_children() -> float:
    """Return the seconds that processes took of a processor which have been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _workers() -> list[int]:
    family = import_module("psutil").Process().children(recursive=True)
    return [x.pid for x in family if "ray::Worker" in " ".join(x.cmdline())]


if __name__ == "__main__":
    main()
