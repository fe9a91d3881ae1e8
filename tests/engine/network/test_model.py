"""Opening models: what is refused, what runs where; CUDA by a runtime that only pretends."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engine import machine
from engine.errors import DeviceError, DreamError, ModelError, UsageError
from engine.network import session
from engine.network.model import DreamModel, load_model
from engine.network.opening import open_session
from engine.network.ort import CPU, CUDA
from tests.engine.conftest import TINY

CONTENT = TINY.read_bytes()


def test_cuda_is_taken_where_it_works_and_asked_for_heuristic_search(runtime, capfd) -> None:
    fake = runtime()
    assert open_session(CONTENT, "auto", 1).device == "cuda:0"
    assert open_session(CONTENT, "cuda:3", 1).device == "cuda:3"
    name, options = fake.asked[1]
    assert name == CUDA
    assert options["device_id"] == "3"
    assert options["cudnn_conv_algo_search"] == "HEURISTIC"
    assert capfd.readouterr() == ("", "")  # preload_dlls prints


@pytest.mark.parametrize(
    ("how", "reason", "way_out"),
    [
        ({"cuda": False}, "has no CUDA", "deepdream-onnx[gpu]"),
        (
            {"opening": "CUDA failure 35: CUDA driver version is insufficient"},
            "driver",
            "update the NVIDIA driver",
        ),
        ({"opening": "CUDA failure 101: invalid device ordinal"}, "ordinal", "nvidia-smi -L"),
        ({"silent_fallback": True}, "providers_shared", "brings CUDA and cuDNN"),
        ({"running": "CUDNN_STATUS_NOT_INITIALIZED"}, "CUDNN_STATUS", "--device cpu"),
        ({"running": "CUDA failure 2: out of memory"}, "out of memory", "free memory on the GPU"),
    ],
)
def test_cuda_that_does_not_work_fails_with_reason_and_way_out(runtime, how, reason, way_out) -> None:
    runtime(**how)
    with pytest.raises(DeviceError, match=reason) as caught:
        open_session(CONTENT, "cuda", 1)
    assert way_out in caught.value.hint
    opened = open_session(CONTENT, "auto", 1)
    assert opened.device == "cpu"
    assert (reason in opened.fallback) == how.get("cuda", True)  # a CPU wheel is no surprise


@pytest.mark.parametrize(("threads", "spin"), [(1, True), (2, True), (3, False)])
def test_threads_that_take_turns_do_not_spin(runtime, monkeypatch, threads: int, spin: bool) -> None:
    """More of them than processors: one that spins would take the time of the one that it waits for."""
    fake, given = runtime(), []
    monkeypatch.setattr(machine, "cpu_count", lambda: 2)
    create = fake.InferenceSession
    monkeypatch.setattr(fake, "InferenceSession", lambda *x, **more: given.append(x[1]) or create(*x, **more))
    load_model(TINY, device="cpu", threads=threads).split_for(["mixed0"])
    assert (("session.intra_op.allow_spinning", "0") in given[0].entries) is not spin


def test_no_runtime_at_all_names_both_extras(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(DeviceError) as caught:
        open_session(CONTENT)
    assert "deepdream-onnx[cpu]" in str(caught.value)
    assert "deepdream-onnx[gpu]" in str(caught.value)


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "CPU", ""])
def test_unknown_devices(device: str) -> None:
    with pytest.raises(UsageError, match="--device"):
        open_session(CONTENT, device)


@pytest.mark.parametrize("content", [b"", b"hello world", b"\x89PNG\r\n\x1a\n", CONTENT[:1000]])
def test_files_that_are_no_models(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.onnx"):
        load_model(path, device="cpu")


def test_missing_model_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model file"):
        load_model(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(tmp_path)


def changed(change) -> bytes:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(TINY)
    change(onnx, model)
    content: bytes = model.SerializeToString()
    return content


def drop_metadata(onnx, model) -> None:
    del model.metadata_props[:]


def rename_output(onnx, model) -> None:
    for node in model.graph.node:
        node.output[:] = ["slope" if x == "gradient" else x for x in node.output]
    next(x for x in model.graph.output if x.name == "gradient").name = "slope"


def drop_stem(onnx, model) -> None:
    model.metadata_props.remove(next(x for x in model.metadata_props if x.key == "deepdream.stem"))


def fewer_channels(onnx, model) -> None:
    layers = next(x for x in model.metadata_props if x.key == "deepdream.layers")
    layers.value = layers.value.replace("6", "5")


def fixed_size(onnx, model) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 224


@pytest.mark.parametrize("change", [drop_metadata, rename_output, fewer_channels, fixed_size])
def test_models_that_break_the_contract(change) -> None:
    with pytest.raises(ModelError, match="was not made for dreaming"):
        open_session(changed(change), "cpu")


@pytest.mark.parametrize("location", ["secret.bin", "../secret.bin", "{folder}/secret.bin"])
def test_a_model_reads_no_other_files(tmp_path: Path, monkeypatch, location: str) -> None:
    def outside(onnx, model) -> None:
        tensor = next(x for x in model.graph.initializer if x.name == "bias_8")
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location.format(folder=tmp_path))

    (tmp_path / "secret.bin").write_bytes(bytes(12))
    (tmp_path / "sub").mkdir()
    path = tmp_path / ("sub/m.onnx" if ".." in location else "m.onnx")
    path.write_bytes(changed(outside))
    monkeypatch.chdir(path.parent)
    model = load_model(path, device="cpu")
    with pytest.raises(ModelError, match="other files"):
        model.energies(np.zeros((20, 20, 3), np.float32))
    with pytest.raises(ModelError, match="other files"):
        model.split_for(["mixed1"])


@pytest.mark.slow
def test_damaged_files_are_refused_or_opened() -> None:
    random = np.random.default_rng(2)
    for _ in range(300):
        damaged = bytearray(CONTENT)
        # Most of what is looked at stands at the end.
        for place in len(damaged) - random.integers(1, 2500, int(random.integers(1, 4))):
            damaged[place] = random.integers(256)
        with contextlib.suppress(ModelError):
            open_session(bytes(damaged), "cpu", 1)


def test_a_model_in_parts_is_opened_whole_only_on_demand(runtime) -> None:
    fake = runtime(cuda=False)
    opened = open_session(CONTENT, "cpu", 1)
    assert opened.metadata.channels == 10
    assert fake.asked == []
    opened.open()
    opened.open()
    assert fake.asked == [CPU]
    open_session(changed(drop_stem), "cpu", 1)
    assert fake.asked == [CPU, CPU]


def test_parts_are_opened_for_the_layers_that_are_wanted(tmp_path: Path) -> None:
    model = load_model(TINY, device="cpu", threads=1)
    assert model.held_pixels == 0
    assert model.split_for([]) is None
    first = model.split_for({"mixed1": 1.0, "mixed0": 2.0})
    assert [x.name for x in first.layers] == ["mixed0", "mixed1"]
    assert model.split_for(["mixed0", "mixed1"]) is first
    assert [x.name for x in model.split_for(["mixed1"]).layers] == ["mixed1"]
    whole = tmp_path / "whole.onnx"
    whole.write_bytes(changed(drop_stem))
    assert load_model(whole, device="cpu").split_for(["mixed1"]) is None


def test_a_model_on_a_gpu_stays_whole(runtime) -> None:
    runtime()
    assert load_model(TINY, device="cuda", threads=1).split_for(["mixed1"]) is None


def wrong_stem(onnx, model) -> None:
    entry = next(x for x in model.metadata_props if x.key == "deepdream.stem")
    entry.value = entry.value.replace("stem", "trunk")
    for x in model.graph.value_info:
        x.name = x.name.replace("stem", "trunk")


def test_a_stem_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wrong.onnx"
    path.write_bytes(changed(wrong_stem))
    with pytest.raises(ModelError, match=r"wrong\.onnx cannot be split: .*stem"):
        load_model(path, device="cpu").split_for(["mixed1"])


def test_one_image_or_several(tiny: DreamModel) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (2, 14, 16, 3)).astype(np.float32)
    weights = tiny.channel_weights({"mixed1": 2.0})
    np.testing.assert_array_equal(weights, [0] * 4 + [2] * 6)
    losses, gradients = tiny(images, weights)
    loss, gradient = tiny(images[1], weights)
    assert (losses.shape, gradients.shape, np.shape(loss), gradient.shape) == (
        (2,),
        images.shape,
        (),
        (14, 16, 3),
    )
    np.testing.assert_allclose(gradient, gradients[1], atol=1e-7)
    assert tiny.energies(images[0]).shape == (10,)


def test_an_unknown_layer_is_refused(tiny: DreamModel) -> None:
    with pytest.raises(UsageError, match="mixed9") as caught:
        tiny.channel_weights({"mixed9": 1.0})
    assert "mixed0, mixed1" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "said"), [("Failed to allocate memory", "not enough memory"), ("x", "failed")]
)
def test_a_runtime_that_fails_is_reported(text: str, said: str) -> None:
    def fail(*_):
        raise RuntimeError(text)

    opened = SimpleNamespace(run=fail)
    broken = session.Session("cpu", "", 1, None, "", lambda _: opened)  # type: ignore[arg-type]
    with pytest.raises(DreamError, match=said):
        broken.run(["loss"], {})


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "150000 100000"}, 2),
        ({"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "max 100000"}, 64),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/docker/x\n0::/\n",  # the path is the host's
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            1,
        ),
        ({}, 64),
    ],
)
def test_processors_within_the_containers_quota(tmp_path: Path, monkeypatch, files, cpus) -> None:
    lay_out(tmp_path, monkeypatch, files)
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: range(64), raising=False)
    assert machine.cpu_count() == cpus


@pytest.mark.parametrize(
    ("files", "available"),
    [
        ({}, None),
        ({"proc/meminfo": "MemTotal: 9 kB\nMemAvailable:   1000 kB\n"}, 1_024_000),
        (
            {
                "proc/meminfo": "MemAvailable: 1000 kB\n",
                "proc/self/cgroup": "0::/a\n",
                "sys/fs/cgroup/a/memory.max": "500000",
                "sys/fs/cgroup/a/memory.current": "400000",
                "sys/fs/cgroup/a/memory.stat": "anon 1\ninactive_file 300000\n",
            },
            400_000,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/a\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "1",
            },
            None,
        ),
    ],
)
def test_memory_within_the_containers_limit(tmp_path: Path, monkeypatch, files, available) -> None:
    lay_out(tmp_path, monkeypatch, files)
    assert machine.available_memory() == available


def lay_out(root: Path, monkeypatch, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setattr(machine, "ROOT", root)
