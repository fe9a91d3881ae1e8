"""A whole export with weights in half precision."""

from __future__ import annotations

from pathlib import Path

from export.architecture import inception_v3
from export.weights import random_weights

from .command import export_here


def test_half_weights(tmp_path: Path) -> None:
    """Against the kernels in float32: a whole file is larger."""
    output = tmp_path / "half.onnx"
    export_here("--weights", "random:7", "--until", "mixed3", "--output", output, "--half-weights")
    weights = random_weights("7", inception_v3().until("mixed3")).convolutions
    assert output.stat().st_size < 0.55 * sum(x.kernel.nbytes for x in weights)
