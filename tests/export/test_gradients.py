"""Each conversion rule alone, against TensorFlow's own op."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

from export.convert import convert_function
from export.errors import ConversionError

SIZES = [(7, 7), (8, 8), (9, 12), (16, 11)]
rng = np.random.default_rng(7)


def nchw(array: Any) -> np.ndarray:
    return np.ascontiguousarray(np.transpose(array, [0, 3, 1, 2]))


def floats(*shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def convert_and_run(function: Any, arrays: dict[str, np.ndarray], dynamic: str = "") -> np.ndarray:
    """Convert `function`, with sizes N, H and W of the named inputs left open, and run it."""
    signature = [
        tf.TensorSpec(
            [None, array.shape[1], None, None] if name in dynamic.split() else array.shape, array.dtype, name
        )
        for name, array in arrays.items()
    ]
    wrapped = tf.function(lambda *inputs: {"result": function(*inputs)}, autograph=False)
    model = convert_function(wrapped, signature)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    wanted = {value.name for value in session.get_inputs()}
    return session.run(["result"], {name: array for name, array in arrays.items() if name in wanted})[0]


def test_relu_grad() -> None:
    features = np.array([-1.0, -1e-30, 0.0, 1e-20, 1e-6, 1.0, 3e8], np.float32).reshape(1, 7, 1, 1)
    upstream = floats(1, 7, 1, 1)
    found = convert_and_run(
        lambda g, y: tf.raw_ops.ReluGrad(gradients=g, features=y), {"g": upstream, "y": features}
    )
    np.testing.assert_array_equal(found, tf.raw_ops.ReluGrad(gradients=upstream, features=features))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [
        ((1, 1), 1, "SAME"),
        ((3, 3), 1, "SAME"),
        ((3, 3), 1, "VALID"),
        ((5, 5), 1, "SAME"),
        ((1, 7), 1, "SAME"),
        ((7, 1), 1, "SAME"),
        ((2, 4), 1, "SAME"),
        ((3, 3), 2, "VALID"),
        ((1, 1), 2, "VALID"),
    ],
)
def test_conv2d_backprop_input(
    size: tuple[int, int], kernel: tuple[int, int], stride: int, padding: str
) -> None:
    image, filters = floats(2, *size, 3), floats(*kernel, 3, 5)
    forward = tf.nn.conv2d(image, filters, stride, padding)
    upstream = floats(*forward.shape)

    def gradient(x: Any, k: Any, g: Any, form: str = "NCHW") -> Any:
        strides = [1, 1, stride, stride] if form == "NCHW" else [1, stride, stride, 1]
        return tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(x),
            filter=k,
            out_backprop=g,
            strides=strides,
            padding=padding,
            data_format=form,
        )

    arrays = {"x": nchw(image), "k": filters, "g": nchw(upstream)}
    found = convert_and_run(gradient, arrays, dynamic="x g")
    np.testing.assert_allclose(found, nchw(gradient(image, filters, upstream, "NHWC")), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [*SIZES, (1, 1), (2, 3)])
def test_avg_pool_grad(size: tuple[int, int]) -> None:
    upstream = floats(2, *size, 4)

    def gradient(g: Any, form: str = "NCHW") -> Any:
        ksize = [1, 1, 3, 3] if form == "NCHW" else [1, 3, 3, 1]
        return tf.raw_ops.AvgPoolGrad(
            orig_input_shape=tf.shape(g),
            grad=g,
            ksize=ksize,
            strides=[1] * 4,
            padding="SAME",
            data_format=form,
        )

    found = convert_and_run(gradient, {"g": nchw(upstream)}, dynamic="g")
    np.testing.assert_allclose(found, nchw(gradient(upstream, "NHWC")), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "features",
    ["distinct", "few levels", "flat", "flat at zero", "negative"],
)
def test_max_pool_grad(size: tuple[int, int], features: str) -> None:
    shape = (2, *size, 4)
    x = {
        "distinct": floats(*shape),
        "few levels": rng.integers(-1, 3, shape).astype(np.float32),
        "flat": np.full(shape, 0.7, np.float32),
        "flat at zero": np.zeros(shape, np.float32),
        "negative": -np.abs(floats(*shape)) - 1,
    }[features]

    def pool_and_gradient(x: Any, g: Any, form: str = "NCHW") -> Any:
        sizes = {"ksize": [1, 1, 3, 3], "strides": [1, 1, 2, 2]}
        if form == "NHWC":
            sizes = {name: [1, *window[2:], 1] for name, window in sizes.items()}
        y = tf.raw_ops.MaxPool(input=x, padding="VALID", data_format=form, **sizes)
        return tf.raw_ops.MaxPoolGrad(
            orig_input=x, orig_output=y, grad=g, padding="VALID", data_format=form, **sizes
        )

    upstream = floats(*tf.nn.max_pool2d(x, 3, 2, "VALID").shape)
    found = convert_and_run(pool_and_gradient, {"x": nchw(x), "g": nchw(upstream)}, dynamic="x g")
    # The same additions in the same places; their order may differ.
    np.testing.assert_allclose(found, nchw(pool_and_gradient(x, upstream, "NHWC")), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [*SIZES, (5, 5), (4, 6), (3, 3), (1, 2)])
def test_strided_slice_grad(size: tuple[int, int]) -> None:
    image = floats(2, 3, *size)

    def gradient(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.square(x[:, :, 2:-2, 2:-2]), [2, 3], keepdims=True)
        return tape.gradient(loss, x)

    found = convert_and_run(gradient, {"x": image}, dynamic="x")
    np.testing.assert_allclose(found, gradient(tf.constant(image)), rtol=1e-6)


def test_shape_n() -> None:
    first, second = floats(1, 2, 3, 4), floats(2, 5, 7, 6)

    def shapes(x: Any, y: Any) -> Any:
        return tf.concat(tf.raw_ops.ShapeN(input=[x, y]), 0)

    found = convert_and_run(shapes, {"x": first, "y": second}, dynamic="x y")
    assert found.tolist() == [1, 2, 3, 4, 2, 5, 7, 6]


def test_unsupported_ops_are_an_error() -> None:
    """tf2onnx itself logs these and returns a broken model."""
    with pytest.raises(ConversionError, match="LRNGrad"):
        convert_and_run(
            lambda x: tf.raw_ops.LRNGrad(input_grads=x, input_image=x, output_image=x),
            {"x": floats(1, 4, 4, 3)},
        )


def test_a_rule_refuses_what_it_does_not_cover() -> None:
    upstream = floats(1, 3, 4, 4)
    with pytest.raises(ConversionError, match="AvgPoolGrad"):
        convert_and_run(
            lambda g: tf.raw_ops.AvgPoolGrad(
                orig_input_shape=[1, 3, 8, 8],
                grad=g,
                ksize=[1, 1, 3, 3],
                strides=[1, 1, 2, 2],
                padding="SAME",
                data_format="NCHW",
            ),
            {"g": upstream},
        )
