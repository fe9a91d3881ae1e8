"""WebGPU, really: on a GPU in software, compared with the CPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.network.model import load_model
from tests.engine.network import compute_in_software as computed
from tests.engine.network.software_gpu import environment

ROOT = Path(__file__).parents[3]
SHAPES = frozenset(
    [
        "Shape",
        "Slice",
        "Gather",
        "Range",
        "Concat",
        "Mul",
        "Add",
        "Sub",
        "Div",
        "Mod",
        "Cast",
        "Unsqueeze",
        "Squeeze",
        "Reshape",
        "Expand",
        "ConstantOfShape",
        "ReduceProd",
        "Where",
        "Equal",
        "Transpose",
        "Min",
        "Max",
    ]
)
"""Operations on a few whole numbers, sizes and places, which may stay on the CPU."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def software(tmp_path_factory) -> tuple[dict[str, np.ndarray], dict]:
    """Compute on a GPU in software: arrays and facts."""
    folder = tmp_path_factory.mktemp("software")
    done = subprocess.run(
        [sys.executable, "-m", computed.__name__, folder],
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with np.load(folder / "arrays.npz") as arrays:
        return dict(arrays), json.loads((folder / "facts.json").read_text())


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def test_its_gradients_are_the_cpus(software) -> None:
    arrays, _ = software
    model = load_model(device="cpu")
    weights = model.channel_weights(dict.fromkeys(model.layer_names, 1.0))
    assert distance(arrays["gradient"], model(arrays["image"], weights)[1]) < 1e-4


def test_it_is_known_for_what_it_is(software) -> None:
    _, facts = software
    assert facts["device"].startswith("webgpu: SwiftShader")
    assert facts["kind"] == "software"
    assert facts["largest"] >= 128 << 20


def test_all_arithmetic_is_on_the_gpu(software) -> None:
    _, facts = software
    for name in ("model", "step"):
        placed = facts["placed"][name]
        assert placed["WebGpuExecutionProvider"]
        assert set(placed.get("CPUExecutionProvider", [])) <= SHAPES, name
    assert "Sum" in facts["placed"]["as it is"]["CPUExecutionProvider"]


def test_the_same_dream_twice_is_the_same_to_the_byte(software) -> None:
    arrays, _ = software
    np.testing.assert_array_equal(arrays["dream 0"], arrays["dream 1"])


def test_its_dream_is_the_cpus(software, tiny) -> None:
    arrays, _ = software
    ours = computed.dreamed(tiny, (40, 32))
    assert np.abs(ours.astype(int) - computed.photograph((40, 32))).mean() > 1
    assert np.abs(arrays["dream 0"].astype(int) - ours).max() <= 2


def test_memory_that_the_gpu_does_not_have_is_an_error_until_all_is_opened_anew(software) -> None:
    """Only its log says so: numbers would come all the same, and wrong ones from then on."""
    _, facts = software
    assert "not enough memory on webgpu: SwiftShader" in facts["too large"]
    assert "not enough memory on webgpu: SwiftShader" in facts["at once after it"]
    assert "1." in facts["opened anew"]
