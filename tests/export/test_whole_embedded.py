"""The embedded model, made again from the weights that come with the project."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx

from export import verify
from export.architecture import inception_v3
from export.cases import make_cases

from .command import NPZ, ROOT, export

EMBEDDED = ROOT / "engine/models/inception_v3_mixed5.onnx"


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
