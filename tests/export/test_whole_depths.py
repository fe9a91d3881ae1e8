"""The network cut at other layers than the embedded model is, the first and the last among them.

The committed template, filled with the same weights, computes the same: so it is what an export verifies.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.weights.templates import read_template
from export import verify
from export.architecture import inception_v3
from export.template import filled
from export.weights import random_weights

from .command import NPZ, export_here


@pytest.mark.parametrize(
    ("source", "until"),
    [
        ("random:7", "mixed10"),
        pytest.param(str(NPZ), "mixed0", id="uint8-mixed0"),
    ],
)
def test_other_depths(tmp_path: Path, source: str, until: str) -> None:
    output = tmp_path / "model.onnx"
    export_here("--weights", source, "--until", until, "--output", output)
    compute = verify.ort_compute(output.read_bytes())
    channels = inception_v3().until(until).channels()
    image = np.zeros((1, 120, 130, 3), np.float32)
    _, gradient, energies = compute(image, np.ones(sum(channels.values()), np.float32))
    assert gradient.shape == image.shape
    assert energies.shape == (1, sum(channels.values()))
    if source.startswith("random:"):
        weights = random_weights(source.removeprefix("random:"), inception_v3())
        made = verify.ort_compute(
            filled(read_template("inception_v3").content, inception_v3(), weights, until)
        )
        picture = np.random.default_rng(1).uniform(-1, 1, (1, 150, 130, 3)).astype(np.float32)
        channel_weights = np.ones(len(energies[0]), np.float32)
        pairs = zip(made(picture, channel_weights), compute(picture, channel_weights), strict=True)
        assert all(verify.relative_error(ours, theirs) < 1e-6 for ours, theirs in pairs)
