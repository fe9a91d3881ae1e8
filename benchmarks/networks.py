"""Time and memory of one loss and gradient of each network that there is a template for, with drawn weights.

A process for each network, so that memory is its own.  All layers take part: that is the most that a dream of
the network takes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import report

from engine import load_model
from engine.weights.filling import fill
from engine.weights.instructions import NORM, READ, SCALE
from engine.weights.templates import networks, read_template

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.weights.instructions import Instructions

SIDE: Final = 512
"""Of the picture."""


class Drawn:
    """Weights of any network: what a template asks for, drawn by chance."""

    source = "drawn"
    numbered = False

    def __init__(self, instructions: Instructions) -> None:
        self._random = np.random.default_rng(7)
        self._shapes: dict[tuple[str, str], tuple[int, ...]] = {}
        for x in instructions.tensors:
            for verb, *rest in x.steps:
                if verb == READ:
                    self._shapes[rest[0], rest[1]] = x.shape
                elif verb in {SCALE, NORM}:
                    for name in ("gamma", "beta", "moving_mean", "moving_variance"):
                        self._shapes[rest[0], name] = x.shape[-1:]

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all layers."""
        return tuple(dict.fromkeys(layer for layer, _ in self._shapes))

    def tensor(self, layer: str, variable: str, /) -> NDArray[Any]:
        """Draw a variable, so that activations keep their size (He et al. 2015)."""
        shape = self._shapes[layer, variable]
        if variable in {"gamma", "moving_variance"}:
            return self._random.uniform(0.8, 1.2, shape)
        fan = np.prod(shape[:2] if variable == "depthwise_kernel" else shape[:3]) if len(shape) == 4 else 200
        return self._random.normal(0, np.sqrt(2 / fan), shape)


def main() -> None:
    """Print a row for each network, or, as a child, the figures of one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", help="which (all)")
    parser.add_argument("--steps", type=int, default=3, help="of which the median is told (%(default)s)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(*measured(options.networks[0], options.steps))
        return
    print(f"{report.machine()}\n")
    head = ("network", f"ms at {SIDE}²", "peak MB", "bytes a pixel", "stem")
    rows = []
    for name in options.networks or networks():
        command = [sys.executable, __file__, "--child", name, "--steps", str(options.steps)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds, peak, each, stem = run.stdout.split()
        row = (f"{float(seconds) * 1e3:.0f}", f"{float(peak) / 1e6:.0f}", f"{float(each):.0f}", stem)
        rows.append((name, *row))
        print("|", *rows[-1], flush=True, file=sys.stderr)
    print(report.table(head, rows))


def measured(network: str, steps: int) -> tuple[float, int, float, str]:
    """Return seconds of a step, the most bytes held, bytes for each pixel more, and the stem's kind."""
    template = read_template(network)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(fill(template.content, Drawn(template.instructions)))
        with load_model(path, device="cpu") as model:
            weights = np.ones(model.metadata.channels, np.float32)
            part = model.split_for(model.layer_names)
            stem = "whole" if model.metadata.stem is None or model.metadata.stem.field == 1 else "in pieces"
            image = np.random.default_rng(0).uniform(-1, 1, (SIDE, SIDE, 3)).astype(np.float32)
            area, seconds = (slice(0, SIDE), slice(0, SIDE)), []
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # Linux begins to count anew
            before = _held()
            for _ in range(steps):
                started = time.perf_counter()
                if part is None:
                    model(image, weights)
                else:
                    part.add_gradient(np.zeros_like(image), image, weights, area, area)
                seconds.append(time.perf_counter() - started)
            peak = _held()
    return median(seconds), peak, (peak - before) / SIDE**2, stem.replace(" ", "-")


def _held() -> int:
    """Return the most bytes that this process has held so far."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(x.split()[1]) * 1024 for x in lines if x.startswith("VmHWM"))


if __name__ == "__main__":
    main()
