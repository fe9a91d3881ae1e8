"""An ascent whose picture stays on the GPU; see fake_runtime.py for what is pretended."""

from __future__ import annotations

import json

import numpy as np
import pytest

import engine
from engine.ascent import ascent
from engine.ascent.on_device import DeviceClimber
from engine.errors import DeviceError, DreamError, UsageError
from engine.library.sources import read
from engine.network.model import load_model
from engine.settings.config import DreamConfig
from engine.settings.tiling import Tiling
from tests.engine.conftest import QUICK, TINY, climbed, gradient_of

LAYERS = {"mixed0": 1.0, "mixed1": 0.5}
CONFIG = DreamConfig(layers=LAYERS, iterations=4, octaves=3, max_loss=None)


@pytest.fixture
def gpu(runtime):
    return runtime()


@pytest.fixture
def on_gpu(gpu) -> engine.DreamModel:
    return load_model(TINY, device="cuda", threads=1)


def picture(height: int = 90, width: int = 120) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def assert_same(steps, others) -> None:
    steps, others = list(steps), list(others)
    for one, other in zip(steps, others, strict=True):
        assert (one.octave, one.iteration, one.stopped) == (other.octave, other.iteration, other.stopped)
        assert (one.shape, one.fraction, one.warnings) == (other.shape, other.fraction, other.warnings)
        assert one.loss == pytest.approx(other.loss, rel=1e-5)
        np.testing.assert_allclose(one.image, other.image, atol=1e-5)
    np.testing.assert_allclose(steps[-1].full_size(), others[-1].full_size(), atol=1e-5)


@pytest.mark.parametrize("max_loss", [None, 0.19])
def test_it_is_the_ascent_that_the_host_makes(tiny, on_gpu, max_loss: float | None) -> None:
    config = DreamConfig(layers=LAYERS, iterations=4, octaves=3, max_loss=max_loss)
    assert on_gpu.device == "cuda:0"
    ours = list(engine.steps(picture(), config, model=on_gpu))
    assert_same(ours, engine.steps(picture(), config, model=tiny))
    assert any(x.stopped for x in ours) == (max_loss is not None)


def test_the_same_on_the_cpu_itself(tiny) -> None:
    image = np.random.default_rng(1).uniform(-1, 1, (61, 80, 3)).astype(np.float32)
    ours = ascent.ascend(image, DeviceClimber(tiny, tiny.channel_weights(LAYERS), CONFIG), CONFIG)
    assert_same(ours, climbed(image, gradient_of(tiny, LAYERS), CONFIG))


def test_two_numbers_come_back_and_one_image_an_octave_goes_there(gpu, on_gpu) -> None:
    list(engine.steps(picture(), CONFIG, model=on_gpu))
    assert gpu.bound == {"gradient": "cuda", "loss": "cpu", "next": "cuda", "mean": "cpu"}
    shapes = [(1, 45, 61, 3), (1, 64, 85, 3), (1, 90, 120, 3)]
    assert gpu.sent == [((10,), "cuda", 0), ((), "cuda", 0), *((shape, "cuda", 0) for shape in shapes)]


def test_the_second_gpu_gets_its_own_tensors(gpu) -> None:
    model = load_model(TINY, device="cuda:1", threads=1)
    list(engine.steps(picture(), CONFIG, model=model))
    assert {index for _, _, index in gpu.sent} == {1}
    assert {options["device_id"] for _, options in gpu.asked} == {"1"}


def test_a_step_once_yielded_never_changes(on_gpu) -> None:
    kept = list(engine.steps(picture(), CONFIG, model=on_gpu))
    for step, other in zip(kept, engine.steps(picture(), CONFIG, model=on_gpu), strict=True):
        np.testing.assert_array_equal(step.image, other.image)  # fetched at once, and after the dream
        with pytest.raises(ValueError, match="read-only"):
            step.image[:] = 0


def test_nothing_is_fetched_that_nobody_looks_at(on_gpu, monkeypatch) -> None:
    fetched = []
    fetch = type(on_gpu.resident).fetch
    monkeypatch.setattr(
        type(on_gpu.resident), "fetch", lambda self, tensor: (fetched.append(1), fetch(self, tensor))[1]
    )
    *_, last = engine.steps(picture(), CONFIG, model=on_gpu)
    assert len(fetched) == 2  # between the octaves
    last.full_size()
    last.full_size()
    assert len(fetched) == 3


def test_a_picture_in_tiles_is_the_hosts(tiny, gpu, on_gpu) -> None:
    tiling = Tiling(size=128, halo=16)
    config = DreamConfig(layers=LAYERS, iterations=2, octaves=2)
    ours = list(engine.steps(picture(250, 300), config, model=on_gpu, tiling=tiling))
    assert all(np.isfinite(x.loss) for x in ours)
    assert [
        shape for shape, _, _ in gpu.sent[2:]
    ] == []  # neither octave is small enough to be computed whole


def test_layers_that_see_nothing_are_told(on_gpu) -> None:
    config = DreamConfig(layers={"mixed0": 0.0}, iterations=2, octaves=2)
    steps = list(engine.steps(picture(), config, model=on_gpu))
    assert [len(x.warnings) for x in steps] == [1, 0, 1, 0]
    np.testing.assert_array_equal(engine.finish(read(picture())[0], steps[-1], on_gpu).pixels, picture())


def test_what_is_not_finite_ends_the_dream(on_gpu) -> None:
    image = np.full((40, 50, 3), 1e30, np.float32)
    with pytest.raises(DreamError, match="no longer finite at 40x50"):
        list(
            ascent.ascend(
                image, DeviceClimber(on_gpu, on_gpu.channel_weights(LAYERS), CONFIG), DreamConfig(octaves=1)
            )
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CUDA failure 2: out of memory", "not enough memory on cuda:0"),
        ("CUDNN_STATUS_EXECUTION_FAILED", "ONNX Runtime failed on cuda:0: CUDNN_STATUS_EXECUTION_FAILED"),
    ],
)
def test_a_gpu_that_fails_on_the_way_is_reported(gpu, on_gpu, text: str, said: str) -> None:
    steps = engine.steps(picture(), CONFIG, model=on_gpu)
    next(steps)
    gpu.running = text
    with pytest.raises(DreamError, match=said):
        next(steps)


def test_a_gpu_too_small_for_the_image_is_reported(gpu, on_gpu, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("Failed to allocate memory for requested buffer of size 1")

    monkeypatch.setattr(gpu.OrtValue, "ortvalue_from_numpy", full)
    with pytest.raises(DreamError, match="not enough memory on cuda:0"):
        next(engine.steps(picture(), CONFIG, model=on_gpu))


def test_half_precision_stays_close(on_gpu) -> None:
    half = load_model(TINY, device="cuda", threads=1, precision="half")
    assert (on_gpu.precision, half.precision) == ("full", "half")
    ours = engine.steps(picture(), CONFIG, model=half)
    for one, other in zip(ours, engine.steps(picture(), CONFIG, model=on_gpu), strict=True):
        assert one.loss == pytest.approx(other.loss, rel=2e-3)
        assert np.abs(one.image - other.image).mean() < 0.3 * CONFIG.step_size


def test_half_precision_is_for_gpus(runtime) -> None:
    with pytest.raises(UsageError, match="for GPUs") as caught:
        load_model(TINY, device="cpu", precision="half")
    assert "leave it out" in caught.value.hint
    with pytest.raises(UsageError, match="not a precision"):
        load_model(TINY, precision="double")
    runtime(cuda=False)
    with pytest.raises(UsageError, match="has no CUDA"):
        load_model(TINY, precision="half")
    with pytest.raises(DeviceError, match="has no CUDA"):
        load_model(TINY, device="cuda", precision="half")


@pytest.mark.parametrize("precision", ["full", "half"])
def test_the_command_line_takes_a_precision_and_tells_it(gpu, run, photo, precision: str) -> None:
    code, _, err = run("dream", photo, *QUICK, "--precision", precision, "--progress", "json")
    assert code == 0, err
    start = json.loads(err.splitlines()[0])
    assert (start["device"], start["precision"]) == ("cuda:0", precision)


def test_people_are_told_of_half_precision(gpu, run, photo) -> None:
    _, _, err = run("dream", photo, *QUICK, "--precision", "half")
    assert "dreaming on cuda:0 in half precision with mixed0=1" in err


def test_the_command_line_refuses_half_precision_on_the_cpu(run, photo) -> None:
    code, _, err = run("dream", photo, *QUICK, "--precision", "half", "--device", "cpu")
    assert code == 2
    assert "leave it out" in err
