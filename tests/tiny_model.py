"""A model file of a few hundred bytes that keeps contract 1, for tests of the engine in milliseconds.

Two layers with random weights: `mixed0` (4 channels) and `mixed1` (6), both at every second pixel.  The
gradient is written by hand, with the operators that the real export uses.  `python tests/tiny_model.py`
writes tests/data/tiny.onnx.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, parser

from engine.metadata import Layer, Metadata

TINY = Path(__file__).parent / "data" / "tiny.onnx"

METADATA = Metadata(
    network="tiny",
    layers=(Layer("mixed0", 4, 2), Layer("mixed1", 6, 2)),
    value_range=(-1.0, 1.0),
    border=2,
    min_size=11,  # (11 - 3) // 2 + 1 = 5 positions, one inside a border of 2
    weights="random:0",
    exporter="tests/tiny_model.py",
)

# Each layer: activation a, its part inside the border, energies, and the loss' gradient by a.
LAYER = """
    {a}_inside = Slice({a}, two, minus_two, axes)
    {a}_square = Mul({a}_inside, {a}_inside)
    {a}_sums = ReduceSum<keepdims=0>({a}_square, axes)
    {a}_elements = Size({a})
    {a}_count = Div({a}_elements, images)
    {a}_size = Cast<to=1>({a}_count)
    {a}_energies = Div({a}_sums, {a}_size)
    {a}_twice = Add(w_{a}, w_{a})
    {a}_factor = Div({a}_twice, {a}_size)
    {a}_factors = Reshape({a}_factor, per_channel)
    {a}_slope = Mul({a}_inside, {a}_factors)
    {a}_own = Pad({a}_slope, border)
"""

GRAPH = f"""
<ir_version: 8, opset_import: ["" : 18]>
tiny (float[N, H, W, 3] image, float[10] channel_weights)
    => (float[N] loss, float[N, H, W, 3] gradient, float[N, 10] energies)
<
    int64[2] two = {{2, 2}}, int64[2] minus_two = {{-2, -2}}, int64[2] axes = {{2, 3}},
    int64[4] per_channel = {{1, -1, 1, 1}}, int64[8] border = {{0, 0, 2, 2, 0, 0, 2, 2}},
    int64[2] parts = {{4, 6}}, int64[1] channel_axis = {{1}}, int64[6] no_pads = {{0, 0, 0, 0, 0, 0}}
>
{{
    planes = Transpose<perm=[0, 3, 1, 2]>(image)
    images = Shape<start=0, end=1>(image)
    a_before = Conv<strides=[2, 2]>(planes, kernel_a, bias_a)
    a = Relu(a_before)
    b_before = Conv<pads=[1, 1, 1, 1]>(a, kernel_b, bias_b)
    b = Relu(b_before)
    w_a, w_b = Split<axis=0>(channel_weights, parts)
    {LAYER.format(a="a")}
    {LAYER.format(a="b")}
    energies = Concat<axis=1>(a_energies, b_energies)
    weighted = Mul(energies, channel_weights)
    loss = ReduceSum<keepdims=0>(weighted, channel_axis)

    b_alive = Greater(b, zero)
    b_mask = Cast<to=1>(b_alive)
    b_slopes = Mul(b_own, b_mask)
    b_back = Conv<pads=[1, 1, 1, 1]>(b_slopes, kernel_b_turned)
    a_alive = Greater(a, zero)
    a_mask = Cast<to=1>(a_alive)
    a_sum = Add(a_own, b_back)
    a_slopes = Mul(a_sum, a_mask)
    seen = ConvTranspose<strides=[2, 2]>(a_slopes, kernel_a)
    size = Shape<start=2>(planes)
    seen_size = Shape<start=2>(seen)
    missing = Sub(size, seen_size)
    pads = Concat<axis=0>(no_pads, missing)
    back = Pad(seen, pads)
    gradient = Transpose<perm=[0, 2, 3, 1]>(back)
}}
"""


def build() -> bytes:
    """Return the model file's content; the same at every call."""
    random = np.random.default_rng(0)
    kernel_a = random.normal(0, 0.4, (4, 3, 3, 3)).astype(np.float32)
    kernel_b = random.normal(0, 0.3, (6, 4, 3, 3)).astype(np.float32)
    values = {
        "kernel_a": kernel_a,
        "bias_a": random.normal(0, 0.1, 4).astype(np.float32),
        "kernel_b": kernel_b,
        "bias_b": random.normal(0, 0.1, 6).astype(np.float32),
        "kernel_b_turned": np.ascontiguousarray(kernel_b[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)),
        "zero": np.zeros((), np.float32),
    }
    model = parser.parse_model(GRAPH)
    model.graph.initializer.extend(numpy_helper.from_array(x, name) for name, x in values.items())
    for key, value in METADATA.to_props().items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


if __name__ == "__main__":
    TINY.write_bytes(build())
