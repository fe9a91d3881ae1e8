"""The benchmarks run, and what the engine is compared with does the same work."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import engine

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    "script",
    [
        "cluster_parts.py",
        "command.py",
        "controls.py",
        "exactness.py",
        "gpu.py",
        "gpu_smoke.py",
        "interruptions.py",
        "live.py",
        "plot.py",
        "step.py",
    ],
)
def test_a_benchmark_needs_only_the_engine_to_say_what_it_does(script):
    done = run(script, "--help")
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout


@pytest.mark.slow
def test_the_smoke_test_of_gpus_tells_of_each_device():
    done = run("gpu_smoke.py", "--sides", "96")
    assert done.returncode == 0, done.stderr
    assert "step of 96x96: " in done.stdout
    assert "has no CUDA" in done.stdout
    assert "error: " in done.stdout.partition("\nwebgpu:")[2]  # no GPU is shown to tests


@pytest.mark.slow
def test_gpu_benchmark_says_what_cannot_run_and_goes_on(tmp_path):
    saved = tmp_path / "gpu.json"
    options = ["--device", "cpu", "--sizes", "96", "--rounds", "1", "--budget", "120", "--json", str(saved)]
    done = run("gpu.py", *options, "--only", "engine")
    assert done.returncode == 0, done.stderr
    rows = {row["contender"]: row for row in json.loads(saved.read_text())["rows"]}
    assert rows["engine float32"]["median_s"] > 0
    assert rows["engine float32"]["failed"] == ""
    assert "GPU" in rows["engine TF32"]["failed"]


@pytest.mark.slow
def test_pytorch_and_the_engine_agree(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.syspath_prepend(BENCHMARKS)
    import keras_deep_dream
    import pictures
    import torch_deep_dream

    picture = pictures.network_input(300, 200)
    model = engine.load_model(device="cpu")
    loss, gradient = model(picture, model.channel_weights(keras_deep_dream.LAYERS))
    evaluate = torch_deep_dream.make_gradient(torch_deep_dream.build_network())
    other_loss, other_gradient = evaluate(torch.from_numpy(picture))
    assert float(other_loss) == pytest.approx(loss[0], rel=1e-4)
    ours, theirs = gradient.ravel().astype(float), other_gradient.numpy().ravel().astype(float)
    assert ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs) > 0.9999
