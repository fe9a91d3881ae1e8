"""Measure how far each device's gradient is from float64, beside TensorFlow's own.

The truth is Keras' network in float64, TensorFlow's the same in float32, as its users get it; on the eight
photographs in examples/, toward the tutorial's layers.  Needs [export].  What counts is the median of the
ratios: docs/decisions/0003-when-an-export-is-right.md says why.
"""

from __future__ import annotations

import argparse
import os
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import report
from PIL import Image, ImageOps

from engine.network.model import load_model
from export.architecture import inception_v3
from export.cases import TUTORIAL
from export.verify import relative_error
from export.weights import npz_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

ROOT = Path(__file__).parent.parent
WEIGHTS = ROOT / "export" / "weights" / "inception_v3_imagenet_mixed5_uint8.npz"
TENSORFLOW = "TensorFlow"


def main() -> None:
    """Print one row for each photograph, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", nargs="+", default=["cpu"], help="cpu, cuda, webgpu (default: cpu)")
    parser.add_argument("--side", type=int, default=112, help="of the square pictures (default: 112)")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from export.reference import KerasReference

    models = {name: load_model(device=name) for name in options.devices}
    weights, channels = npz_weights(WEIGHTS), inception_v3().until("mixed5").channels()
    tensorflow, truth = (KerasReference(weights, channels, x) for x in ("float32", "float64"))
    print(report.machine())
    print(*(f"{name}: {x.device}" for name, x in models.items()), sep="\n", end="\n\n")
    rows: list[dict[str, float]] = []
    pictures = sorted((ROOT / "examples").glob("*.jpg"))
    vector = next(iter(models.values())).channel_weights(TUTORIAL)
    for path in pictures:
        image = square(path, options.side)
        right = truth(image, vector)[1]
        found = {TENSORFLOW: tensorflow(image, vector)[1]}
        found |= {name: model(image, vector)[1] for name, model in models.items()}
        rows.append({name: relative_error(gradient, right) for name, gradient in found.items()})
    print(table([x.stem for x in pictures], rows))


def square(path: Path, side: int) -> Array:
    """Return the middle of a photograph, [1, side, side, 3] in the model's range."""
    with Image.open(path) as file:
        pixels = np.asarray(ImageOps.fit(file.convert("RGB"), (side, side)), np.float32)
    return pixels[np.newaxis] / np.float32(127.5) - np.float32(1)


def table(names: list[str], rows: list[dict[str, float]]) -> str:
    """Return the errors, and how many times TensorFlow's each device's are, in the median."""
    columns = list(rows[0])
    middle = {x: statistics.median(row[x] for row in rows) for x in columns}
    ratios = {x: statistics.median(row[x] / max(row[TENSORFLOW], 1e-30) for row in rows) for x in columns}
    lines = [[name, *(f"{row[x]:.1e}" for x in columns)] for name, row in zip(names, rows, strict=True)]
    lines += [["median", *(f"{middle[x]:.1e}" for x in columns)]]
    lines += [["median of the ratios to TensorFlow's", *(f"{ratios[x]:.2f}" for x in columns)]]
    return report.table(["photograph", *columns], lines)


if __name__ == "__main__":
    main()
