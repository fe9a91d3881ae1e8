"""The network cut at other layers than the embedded model is, the first and the last among them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export import verify
from export.architecture import inception_v3

from .command import NPZ, export


@pytest.mark.parametrize(
    ("source", "until"),
    [
        ("random:7", "mixed10"),
        pytest.param(str(NPZ), "mixed0", id="uint8-mixed0"),
    ],
)
def test_other_depths(tmp_path: Path, source: str, until: str) -> None:
    output = tmp_path / "model.onnx"
    export("--weights", source, "--until", until, "--output", output)
    compute = verify.ort_compute(output.read_bytes())
    channels = inception_v3().until(until).channels()
    image = np.zeros((1, 120, 130, 3), np.float32)
    _, gradient, energies = compute(image, np.ones(sum(channels.values()), np.float32))
    assert gradient.shape == image.shape
    assert energies.shape == (1, sum(channels.values()))
