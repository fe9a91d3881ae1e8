"""Time one loss and gradient on one photograph: the engine, PyTorch and TensorFlow, or the engine's layers.

Each contender runs in a process of its own, so that memory is its own too. The processes take turns, a few
steps each, so that a machine that slows down slows all; the medians are of single steps.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pictures
import report
import workers
from keras_deep_dream import LAYERS

from engine.machine import cpu_count
from engine.settings.selectors import format_layers, parse_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

Contender: TypeAlias = "Callable[[NDArray[np.float32], int, Mapping[str, float]], workers.Step]"
"""Makes a step for a picture [1, H, W, 3], with so many threads and these layer coefficients."""

REST = 0.3
"""Seconds between two turns: thread pools go on spinning for a moment after their work is done."""

WARM_UP = 2
"""Steps before the first that counts: tracing, memory."""

TOGETHER = 5_000_000
"""Pixels above which each turn starts a process anew: memory need not hold all contenders at once."""


def main() -> None:
    """Read the command line; be the parent, or one of the workers that it starts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[512, 1024], help="sides of the square pictures"
    )
    parser.add_argument("--rounds", type=int, default=9, help="turns of each contender (default: 9)")
    parser.add_argument("--steps", type=int, default=3, help="steps in each turn (default: 3)")
    parser.add_argument("--threads", type=int, default=cpu_count(), help="default: all cores given")
    parser.add_argument(
        "--depths", action="store_true", help="the engine alone, with each layer alone, instead of contenders"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too, for plot.py")
    parser.add_argument("--worker", choices=sorted(CONTENDERS), help=argparse.SUPPRESS)
    parser.add_argument("--layers", type=parse_layers, default=LAYERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.sizes[0], options.threads, options.layers)
        return

    entrants = list(layers_alone() if options.depths else installed_contenders())
    print(f"Loss and gradient, {options.threads} threads.\n{report.machine()}", flush=True)
    rows: list[report.Row] = []
    for size in options.sizes:
        turns = take_turns(entrants, size, options)
        if not options.depths:
            check_losses(size, turns)
        rows += [row(name, size, of_one) for name, of_one in turns.items() if of_one]
    if rows:
        print_table(rows)
    if options.json:
        report.save(options.json, rows, threads=options.threads)


@dataclass(frozen=True)
class Entrant:
    """One row of each size's table."""

    name: str
    contender: str
    layers: Mapping[str, float] = field(default_factory=lambda: LAYERS)


def installed_contenders() -> Iterator[Entrant]:
    """Yield the contenders that can run here; say which cannot."""
    for name, (package, _) in CONTENDERS.items():
        if importlib.util.find_spec(package) is None:
            print(f"{name} is left out: the package {package} is not installed.")
        else:
            yield Entrant(name, name)


def layers_alone() -> Iterator[Entrant]:
    """Yield the engine once for each layer, shallow to deep."""
    from export.architecture import inception_v3

    for name in inception_v3().until(list(LAYERS)[-1]).layers:  # those of the embedded model
        yield Entrant(name, "engine", {name: 1.0})


@dataclass(frozen=True)
class Turn:
    """What a worker tells about a few steps."""

    seconds: list[float]
    """One entry per step."""

    loss: float
    """The same at every step: the picture doesn't change."""

    peak_mb: float
    """The most memory that the worker has held so far, its start included."""


def take_turns(entrants: Iterable[Entrant], size: int, options: argparse.Namespace) -> dict[str, list[Turn]]:
    """Return the turns of each entrant at one size: none for one that failed, which is said."""
    seats = [Seat(entrant, size, options.threads) for entrant in entrants]
    turns: dict[str, list[Turn]] = {seat.entrant.name: [] for seat in seats}
    try:
        for i in range(options.rounds):
            for seat in seats if i % 2 == 0 else seats[::-1]:
                if seat.failed:
                    continue
                try:
                    turns[seat.entrant.name].append(seat.turn(options.steps))
                except workers.Failed as reason:
                    print(f"{seat.entrant.name} at {size}x{size}: {reason}", flush=True)
                    turns[seat.entrant.name] = []
                    seat.failed = True
    finally:
        for seat in seats:
            seat.leave()
    return turns


class Seat:
    """An entrant's place: its worker, which is started when it is needed."""

    def __init__(self, entrant: Entrant, size: int, threads: int) -> None:
        self.entrant = entrant
        self.failed = False
        self._together = size * size <= TOGETHER
        self._worker: workers.Worker | None = None
        self._arguments = [
            *(__file__, "--worker", entrant.contender, "--layers", format_layers(entrant.layers)),
            *("--sizes", str(size), "--threads", str(threads)),
        ]

    def turn(self, steps: int) -> Turn:
        """Do some steps; raises workers.Failed."""
        if self._worker is None:
            self._worker = workers.Worker(self._arguments)
            self._worker.ask({"steps": WARM_UP})
        time.sleep(REST)
        turn = Turn(**self._worker.ask({"steps": steps}))
        if not self._together:
            self.leave()
        return turn

    def leave(self) -> None:
        """End the worker, if there is one."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None


def check_losses(size: int, turns: Mapping[str, list[Turn]]) -> None:
    """End the program where the contenders' losses show that they don't do the same work."""
    in_tiles = size > 1200  # there the engine's loss may be an estimate
    losses = {name: of_one[-1].loss for name, of_one in turns.items() if of_one}
    truth = list(losses.values())[-1] if losses else 0.0
    for name, loss in losses.items():
        if abs(loss / truth - 1) > (0.02 if in_tiles and name == "engine" else 1e-3):
            raise SystemExit(f"the contenders don't do the same work: their losses are {losses}")


def row(name: str, size: int, turns: list[Turn]) -> report.Row:
    """Return one entrant's figures at one size."""
    seconds = [x for turn in turns for x in turn.seconds]
    return {
        "contender": name,
        "width": size,
        "height": size,
        "megapixels": size * size / 1e6,
        "median_s": statistics.median(seconds),
        "fastest_s": min(seconds),
        "peak_mb": max(turn.peak_mb for turn in turns),
    }


def print_table(rows: list[report.Row]) -> None:
    """Print all rows; the speed is relative to the last row of the same size."""
    last = {row["width"]: row["median_s"] for row in rows}
    lines = [
        [
            f"{row['width']}x{row['height']}",
            row["contender"],
            f"{row['median_s'] * 1000:.0f}",
            f"{row['fastest_s'] * 1000:.0f}",
            f"{last[row['width']] / row['median_s']:.2f}",
            f"{row['peak_mb']:.0f}",
        ]
        for row in rows
    ]
    print("\n" + report.table(["picture", "", "median ms", "fastest ms", "speed", "peak MB"], lines))


def work(name: str, size: int, threads: int, layers: Mapping[str, float]) -> None:
    """Be a worker: do as many steps as each question asks for."""
    _, contender = CONTENDERS[name]
    picture = pictures.network_input(size, size)

    @cache
    def step() -> workers.Step:
        return contender(picture, threads, layers)

    workers.serve(lambda question: workers.timed(step(), question["steps"]))


def engine_contender(image: NDArray[np.float32], threads: int, layers: Mapping[str, float]) -> workers.Step:
    """Return loss and gradient as `dream` computes them: large pictures in tiles, halo included."""
    import engine
    from engine.ascent import tiles

    model = engine.load_model(device="cpu", threads=threads)
    size = tiles.settled(model, engine.Tiling(), image.shape[1:3])
    gradient = tiles.gradient(model, model.channel_weights(layers), engine.Tiling(), size, 0)
    return partial(gradient, image[0])


def pytorch_contender(image: NDArray[np.float32], threads: int, _: Mapping[str, float]) -> workers.Step:
    """Return loss and gradient as PyTorch computes them without being compiled, channels last."""
    import torch
    import torch_deep_dream

    torch.set_num_threads(threads)
    gradient = torch_deep_dream.make_gradient(torch_deep_dream.build_network())

    def step() -> tuple[float, Any]:
        loss, raw = gradient(torch.from_numpy(image))
        return float(loss), raw.numpy()

    return step


def tensorflow_contender(image: NDArray[np.float32], threads: int, _: Mapping[str, float]) -> workers.Step:
    """Return loss and gradient as the Keras tutorial has TensorFlow compute them: in a `tf.function`."""
    import keras_deep_dream
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    gradient = keras_deep_dream.make_gradient(keras_deep_dream.build_network())

    def step() -> tuple[float, Any]:
        loss, raw = gradient(tf.constant(image))
        return float(loss), raw.numpy()

    return step


CONTENDERS: dict[str, tuple[str, Contender]] = {
    "engine": ("onnxruntime", engine_contender),
    "PyTorch": ("torch", pytorch_contender),
    "TensorFlow": ("tensorflow", tensorflow_contender),
}
"""For each, the package that it needs, and the function that makes its steps."""

if __name__ == "__main__":
    main()
