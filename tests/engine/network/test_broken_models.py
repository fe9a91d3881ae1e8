"""Broken model files end with exit code 4 and one line that can be read, wherever the fault shows."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from engine.errors import DeviceError, DreamError, ModelError
from engine.network import ort
from engine.network.half import halved
from engine.network.model import load_model
from tests.engine.conftest import TINY
from tests.engine.network.fake_runtime import FULL, LOST
from tests.engine.network.test_model import changed, drop_stem
from tests.fuzz.worker import make as made

AT_MUL = "Non-zero status code returned while running Mul node. Name:'m' Status Message: "
LIGHT = ("--layers", "mixed0,mixed1", "--iterations", "1", "--octaves", "1", "--device", "cpu")


def stored(model, name: str):
    return next(x for x in model.graph.initializer if x.name == name)


def node(model, output: str):
    return next(x for x in model.graph.node if output in x.output)


def set_values(onnx, model, name: str, values: np.ndarray) -> None:
    stored(model, name).CopyFrom(onnx.numpy_helper.from_array(values, name))


def no_numbers(onnx, model) -> None:
    set_values(onnx, model, "bias_8", np.full(3, np.nan, np.float32))


def gone(onnx, model) -> None:
    model.graph.node.remove(node(model, "Relu_3:0"))


def other_kernel(onnx, model) -> None:
    set_values(onnx, model, "kernel_8", np.zeros((1, 1, 2, 2), np.float32))


def another_axis(onnx, model) -> None:
    next(x for x in node(model, "concat:0").attribute if x.name == "axis").i = 2


def after_the_gradient(onnx, model, operation: str, values: np.ndarray) -> None:
    last = node(model, "gradient")
    last.output[:] = ["gradient/before"]
    model.graph.initializer.append(onnx.numpy_helper.from_array(values, "added"))
    model.graph.node.append(onnx.helper.make_node(operation, ["gradient/before", "added"], ["gradient"]))


def one_pixel(onnx, model) -> None:
    """A gradient of one pixel: NumPy would stretch it over the picture."""
    last = node(model, "gradient")
    last.output[:] = ["gradient/before"]
    model.graph.node.append(
        onnx.helper.make_node("GlobalAveragePool", ["gradient/before"], ["gradient"])  # [N, H, 1, 1]
    )


def without_batch(onnx, model) -> None:
    after_the_gradient(onnx, model, "Squeeze", np.array([0], np.int64))


def much_memory(onnx, model) -> None:
    after_the_gradient(onnx, model, "Tile", np.array([1, 2**20, 2**20, 1], np.int64))


def loop(onnx, model) -> None:
    """Ten loops within each other: a file of a few kilobytes that never ends."""
    make = onnx.helper.make_node
    body = [make("Identity", ["x"], ["y"])]
    for _ in range(10):
        graph = onnx.helper.make_graph(body, "body", [], [])
        body = [make("Loop", ["many", "", "x"], ["y"], body=graph)]
    model.graph.node.extend(body)


def function(onnx, model) -> None:
    make = onnx.helper.make_node
    opset = [onnx.helper.make_opsetid("", 18)]
    body = [make("Add", ["x", "x"], ["y"])]
    model.functions.append(onnx.helper.make_function("own", "twice", ["x"], ["y"], body, opset))


def control_character(onnx, model) -> None:
    entry = next(x for x in model.metadata_props if x.key == "deepdream.layers")
    entry.value = entry.value.replace("mixed0", "mixed0\\u001b[2J")


def endless_numbers(onnx, model) -> None:
    entry = next(x for x in model.metadata_props if x.key == "deepdream.value_range")
    entry.value = "[-1e38, Infinity]"


CHANGES = [
    no_numbers,
    gone,
    other_kernel,
    another_axis,
    one_pixel,
    without_batch,
    much_memory,
    loop,
    function,
    control_character,
    endless_numbers,
]


@pytest.mark.parametrize("whole", [False, True], ids=["split", "whole"])
@pytest.mark.parametrize("change", CHANGES)
def test_each_ends_with_4_and_one_line(run, photo: Path, change, whole: bool) -> None:
    def both(onnx, model) -> None:
        change(onnx, model)
        if whole:
            drop_stem(onnx, model)

    path = photo.with_name("broken.onnx")
    path.write_bytes(changed(both))
    code, out, err = run("dream", photo, "--model", path, "--progress", "none", *LIGHT)
    assert (code, out) == (4, ""), err
    line, hint = err.splitlines()
    assert line.startswith("deepdream: error: ")
    assert hint.startswith(("  hint: make a model file", "  hint: use another model file"))
    assert line.isprintable()
    assert not re.search(r"b'|\.cc:|\.h:|status code", line)
    assert not list(photo.parent.glob("*.part"))


@pytest.mark.parametrize("name", [b"kernel_4", b"concat_6:0", b"image", b"Conv"])
def test_names_that_are_no_text(tmp_path: Path, name: bytes) -> None:
    for other in (b"\xff\xfe", b"\x1b["):
        path = tmp_path / "broken.onnx"
        path.write_bytes(TINY.read_bytes().replace(name, other + name[2:]))
        with pytest.raises(ModelError, match=r"broken\.onnx is not an ONNX model"):
            load_model(path, device="cpu")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="not a model file"):
        load_model(tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="no file can have such a name"):
        load_model("a\0b")


def test_a_file_too_large_for_the_format(tmp_path: Path) -> None:
    with (tmp_path / "model.onnx").open("wb") as file:
        file.truncate(3 * 10**9)  # of which the disk holds nothing
    with pytest.raises(ModelError, match="2 GB is the limit"):
        load_model(tmp_path / "model.onnx")


def test_a_model_that_fails_on_the_cpu_too_is_not_the_gpus_fault(runtime, tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(changed(other_kernel))
    runtime(running="it failed")
    with pytest.raises(ModelError):
        load_model(path, device="cuda")
    with pytest.raises(DeviceError):
        load_model(TINY, device="cuda")


@pytest.mark.parametrize("change", [one_pixel, without_batch])
def test_shapes_are_looked_at_before_a_gpu_dreams(runtime, tmp_path: Path, change) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(changed(change))
    runtime()
    with pytest.raises(ModelError, match="its gradient has the shape"):
        load_model(path, device="cuda")


@pytest.mark.parametrize(
    ("device", "text", "error"),
    [
        ("cpu", "axis out of range", ModelError),
        ("cuda:0", "axis out of range", ModelError),
        ("cuda:0", "CUDA failure 700: an illegal memory access", DeviceError),
        ("cpu", "Failed to allocate memory for requested buffer of size 4000000", DreamError),
        ("cpu", "Failed to allocate memory for requested buffer of size 5000000000", ModelError),
        ("cuda:0", "Available memory of 5 is smaller than requested bytes of 5000000000", ModelError),
        ("cpu", "std::bad_alloc", DreamError),
        ("webgpu: card", FULL, ort.Full),
        ("webgpu: card", LOST, ort.Lost),
    ],
)
def test_whose_fault_it_is(device: str, text: str, error: type[DreamError]) -> None:
    with pytest.raises(DreamError) as caught, ort.reported(device, 40_000):
        raise RuntimeError(text)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("[ONNXRuntimeError] : 1 : FAIL : it failed", "it failed"),
        (f"{AT_MUL}/a/b.h:56 void o::B<T>::Init(int, int) x == y was false. 3", "Mul m: x == y was false. 3"),
        ("concatbase.h:135 PrepareImpl dimensions must match", "PrepareImpl dimensions must match"),
        ("one\n  two\x1b[2J", "one two?[2J"),
        ("", "RuntimeError"),
    ],
)
def test_the_reason_without_the_runtimes_own_marks(said: str, shown: str) -> None:
    assert ort.reason(RuntimeError(said)) == shown


def test_what_cannot_be_halved_is_refused() -> None:
    refused = []
    for number in range(60):
        content = made("models", 0, number).files["m.onnx"]
        try:
            halved(content)
        except (ValueError, KeyError) as error:
            refused.append(str(error))
    assert refused
