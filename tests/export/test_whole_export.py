"""`python -m export` as a user runs it, with real weights and with the deepest network."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from export import verify
from export.architecture import inception_v3
from export.cases import make_cases

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NPZ = ROOT / "export/weights/inception_v3_imagenet_mixed5_uint8.npz"
EMBEDDED = ROOT / "engine/models/inception_v3_mixed5.onnx"


def export(*arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "export", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "median over" in done.stderr
    return done.stdout.strip()


def test_the_embedded_model_is_what_the_export_makes(tmp_path: Path) -> None:
    again = tmp_path / "again.onnx"
    assert export("--weights", NPZ, "--output", again) == str(again)
    ours, theirs = (verify.ort_compute(path.read_bytes()) for path in (again, EMBEDDED))
    cases = make_cases(inception_v3().until("mixed5"))
    for case in cases[:: len(cases) // 4]:
        for new, committed in zip(
            ours(case.image, case.channel_weights), theirs(case.image, case.channel_weights), strict=True
        ):
            assert verify.relative_error(new, committed) < 1e-6
    models = [onnx.load(path) for path in (again, EMBEDDED)]
    new_props, old_props = ({p.key: p.value for p in model.metadata_props} for model in models)
    # The versions of the programs may move on.
    new_props.pop("deepdream.exporter")
    old_props.pop("deepdream.exporter")
    assert new_props == old_props
    kernels = [
        {
            t.name: hashlib.sha256(t.raw_data).hexdigest()
            for t in model.graph.initializer
            if "kernel_" in t.name
        }
        for model in models
    ]
    assert kernels[0] == kernels[1]
    assert EMBEDDED.stat().st_size < 6e6


@pytest.mark.parametrize(
    ("source", "until"), [("random:7", "mixed0"), (str(NPZ), "mixed2"), ("random:7", "mixed10")]
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


def test_half_weights(tmp_path: Path) -> None:
    paths = [tmp_path / "whole.onnx", tmp_path / "half.onnx"]
    for path, option in zip(paths, ([], ["--half-weights"]), strict=True):
        export("--weights", "random:7", "--until", "mixed3", "--output", path, *option)
    whole, half = (path.stat().st_size for path in paths)
    assert half < 0.55 * whole
