"""Time what each control adds to an ascent: one octave, the controls in turns, this process's time alone."""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from typing import Any, Final

import numpy as np
import pictures
import report

import engine

VARIANTS: Final[dict[str, dict[str, Any]]] = {
    "none": {},
    "jitter 32": {"jitter": 32},
    "margin 64": {"margin": 64},
    "natural colours 0.9": {"natural_colours": 0.9},
    "blur 0.8": {"blur": 0.8},
    "smooth 0.3": {"smooth": 0.3},
    "total variation 0.25": {"total_variation": 0.25},
    "stay close 0.5": {"stay_close": 0.5},
    "clip": {"clip": True},
    "all of them, as in dream": {
        "jitter": 32,
        "margin": 64,
        "natural_colours": 0.9,
        "blur": 0.8,
        "smooth": 0.3,
        "total_variation": 0.25,
        "stay_close": 0.5,
        "clip": True,
    },
}
STEPS: Final = 4
"""Of one run: the first is left out."""


def main() -> None:
    """Read the command line and print one table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, nargs=2, default=(768, 512), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--rounds", type=int, default=5, help="runs with each control (default: 5)")
    options = parser.parse_args()
    width, height = options.size
    picture = np.asarray(pictures.photograph(width, height))
    model = engine.load_model(device="cpu")
    print(f"Controls, {width}x{height}.\n{report.machine()}\n", flush=True)
    times: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for turn in range(options.rounds):
        for name in VARIANTS if turn % 2 == 0 else reversed(VARIANTS):
            times[name] += steps(picture, model, VARIANTS[name])
    medians = {name: statistics.median(of_one) * 1000 for name, of_one in times.items()}
    plain = next(iter(medians.values()))
    rows = [[name, f"{ms:.0f}", f"{ms / plain:.2f}"] for name, ms in medians.items()]
    print(report.table(["control", "ms a step", "against none"], rows))


def steps(picture: np.ndarray[Any, Any], model: engine.DreamModel, controls: dict[str, Any]) -> list[float]:
    """Return the seconds of each step of one octave but the first."""
    settings = {"octaves": 1, "iterations": STEPS, "max_loss": None, **controls}
    config = engine.DreamConfig(**settings)
    ends = [time.perf_counter() for _ in engine.steps(picture, config, model=model)]
    return [after - before for before, after in itertools.pairwise(ends)]


if __name__ == "__main__":
    main()
