"""Time one loss and gradient: the engine against TensorFlow, on one photograph.

Each contender runs in a process of its own, so that memory is its own too. The processes take turns, a few
steps each, so that a machine that slows down slows both; the medians are of single steps.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import report

from engine.config import Tiling
from engine.machine import cpu_count

if TYPE_CHECKING:
    from collections.abc import Callable

PHOTOGRAPH = Path(__file__).parent.parent / "examples" / "mountains.jpg"
REST = 0.3
"""Seconds between two turns: thread pools go on spinning for a moment after their work is done."""


def main() -> None:
    """Read the command line; be the parent, or one of the workers that it starts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[512, 1024], help="sides of the square pictures"
    )
    parser.add_argument("--rounds", type=int, default=9, help="turns of each contender (default: 9)")
    parser.add_argument("--steps", type=int, default=3, help="steps in each turn (default: 3)")
    parser.add_argument("--threads", type=int, default=cpu_count(), help="default: all cores given")
    parser.add_argument("--worker", choices=sorted(CONTENDERS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(CONTENDERS[options.worker](options.threads), options.sizes[0])
        return

    print(f"Loss and gradient, {options.threads} threads.\n{report.machine()}\n", flush=True)
    rows: list[list[str]] = []
    for size in options.sizes:
        rows += compare(size, options.rounds, options.steps, options.threads)
    print(report.table(["picture", "", "median ms", "fastest ms", "speed", "peak MB"], rows))


def compare(size: int, rounds: int, steps: int, threads: int) -> list[list[str]]:
    """Return the table's rows for one size; the first contender's speed is given relative to the second's."""
    workers = [Worker(name, size, threads) for name in CONTENDERS]
    try:
        losses = [worker.turn(2).loss for worker in workers]  # also warms up
        in_tiles = size * size > (Tiling().whole_pixels or 0)  # there the engine's loss is an estimate
        if abs(losses[0] / losses[1] - 1) > (0.02 if in_tiles else 1e-3):
            raise SystemExit(f"the contenders don't do the same work: their losses are {losses}")
        turns: dict[str, list[Turn]] = {worker.name: [] for worker in workers}
        for i in range(rounds):
            for worker in workers if i % 2 == 0 else reversed(workers):
                time.sleep(REST)
                turns[worker.name].append(worker.turn(steps))
    finally:
        for worker in workers:
            worker.close()
    seconds = {name: [x for turn in of_one for x in turn.seconds] for name, of_one in turns.items()}
    slowest = statistics.median(seconds[workers[-1].name])
    return [
        [
            f"{size}x{size}",
            name,
            f"{statistics.median(of_one) * 1000:.0f}",
            f"{min(of_one) * 1000:.0f}",
            f"{slowest / statistics.median(of_one):.2f}",
            f"{turns[name][-1].peak_mb:.0f}",
        ]
        for name, of_one in seconds.items()
    ]


@dataclass(frozen=True)
class Turn:
    """What a worker tells about a few steps."""

    seconds: list[float]
    """One entry per step."""

    loss: float
    """The same at every step: the picture doesn't change."""

    peak_mb: float
    """The most memory that the worker has held so far, its start included."""


class Worker:
    """A process with one contender in it, which does as many steps as it is told to, when it is told to."""

    def __init__(self, name: str, size: int, threads: int) -> None:
        self.name = name
        command = [
            sys.executable,
            __file__,
            "--worker",
            name,
            "--sizes",
            str(size),
            "--threads",
            str(threads),
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def turn(self, steps: int) -> Turn:
        """Let the worker do some steps and return what it measured."""
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        print(steps, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"the {self.name} worker ended, exit code {self._process.wait()}")
        return Turn(**json.loads(answer))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def work(evaluate: Callable[[Any], float], size: int) -> None:
    """Be a worker: read a number of steps a line, do them, write a Turn a line."""
    import numpy as np
    from PIL import Image

    with Image.open(PHOTOGRAPH) as file:
        pixels = np.asarray(file.convert("RGB").resize((size, size)), dtype=np.float32)
    image = pixels[np.newaxis] / np.float32(127.5) - np.float32(1.0)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            loss = evaluate(image)
            seconds.append(time.perf_counter() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
        print(json.dumps({"seconds": seconds, "loss": loss, "peak_mb": peak}), flush=True)


def engine_contender(threads: int) -> Callable[[Any], float]:
    """Return loss and gradient as `dream` computes them: large pictures in tiles, halo included."""
    import keras_deep_dream

    import engine
    from engine.tiles import TiledGradient

    model = engine.load_model(device="cpu", threads=threads)
    gradient = TiledGradient(model, keras_deep_dream.LAYERS, engine.Tiling())

    def evaluate(image: Any) -> float:
        loss, _ = gradient(image[0])
        return loss

    return evaluate


def tensorflow_contender(threads: int) -> Callable[[Any], float]:
    """Return loss and gradient as the Keras tutorial has TensorFlow compute them: in a `tf.function`."""
    import keras_deep_dream
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    gradient = keras_deep_dream.make_gradient(keras_deep_dream.build_network())

    def evaluate(image: Any) -> float:
        loss, raw = gradient(tf.constant(image))
        raw.numpy()
        return float(loss)

    return evaluate


CONTENDERS: dict[str, Callable[[int], Callable[[Any], float]]] = {
    "engine": engine_contender,
    "TensorFlow": tensorflow_contender,
}

if __name__ == "__main__":
    main()
