"""Each conversion rule alone, against TensorFlow's own op."""

from __future__ import annotations

from functools import cache
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


def converted(
    function: Any, arrays: dict[str, np.ndarray], dynamic: str = ""
) -> onnxruntime.InferenceSession:
    """Convert `function`, with sizes N, H and W of the named inputs left open, and open it."""
    signature = [
        tf.TensorSpec(
            [None, array.shape[1], None, None] if name in dynamic.split() else array.shape, array.dtype, name
        )
        for name, array in arrays.items()
    ]
    wrapped = tf.function(lambda *inputs: {"result": function(*inputs)}, autograph=False)
    model = convert_function(wrapped, signature)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def convert_and_run(function: Any, arrays: dict[str, np.ndarray], dynamic: str = "") -> np.ndarray:
    session = converted(function, arrays, dynamic)
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
        ((3, 3), 1, 1),
        ((7, 7), 2, 3),
    ],
)
def test_conv2d_backprop_input(
    size: tuple[int, int], kernel: tuple[int, int], stride: int, padding: str | int
) -> None:
    """A number is padding at each end; TensorFlow only has its gradient by way of a padded image."""
    image, filters = floats(2, *size, 3), floats(*kernel, 3, 5)
    if isinstance(padding, int):
        _check_explicit(image, filters, stride, padding)
        return
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


def _check_explicit(image: np.ndarray, filters: np.ndarray, stride: int, pad: int) -> None:
    ends = [[0, 0], [pad, pad], [pad, pad], [0, 0]]
    with tf.GradientTape() as tape:
        x = tf.constant(image)
        tape.watch(x)
        forward = tf.nn.conv2d(tf.pad(x, ends), filters, stride, "VALID")
    upstream = floats(*forward.shape)

    def gradient(x: Any, k: Any, g: Any) -> Any:
        return tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(x),
            filter=k,
            out_backprop=g,
            strides=[1, 1, stride, stride],
            padding="EXPLICIT",
            explicit_paddings=[0, 0, 0, 0, pad, pad, pad, pad],
            data_format="NCHW",
        )

    found = convert_and_run(gradient, {"x": nchw(image), "k": filters, "g": nchw(upstream)}, dynamic="x g")
    wanted = tape.gradient(forward, x, tf.constant(upstream))
    np.testing.assert_allclose(found, nchw(wanted), rtol=1e-4, atol=1e-5)


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


def pool_and_gradient(x: Any, g: Any, form: str = "NCHW", stride: int = 2) -> Any:
    sizes = {"ksize": [1, 1, 3, 3], "strides": [1, 1, stride, stride]}
    if form == "NHWC":
        sizes = {name: [1, *window[2:], 1] for name, window in sizes.items()}
    y = tf.raw_ops.MaxPool(input=x, padding="VALID", data_format=form, **sizes)
    return tf.raw_ops.MaxPoolGrad(
        orig_input=x, orig_output=y, grad=g, padding="VALID", data_format=form, **sizes
    )


@cache
def max_pool_session(channels: int, stride: int = 2) -> onnxruntime.InferenceSession:
    shape = (1, channels, 9, 9)
    arrays = {"x": np.zeros(shape, np.float32), "g": np.zeros((1, channels, 4, 4), np.float32)}
    return converted(lambda x, g: pool_and_gradient(x, g, stride=stride), arrays, dynamic="x g")


@pytest.mark.parametrize("size", [*SIZES, (3, 3), (4, 3), (3, 8), (35, 41)])
@pytest.mark.parametrize("channels", [4, 48])
@pytest.mark.parametrize(
    "features",
    ["distinct", "few levels", "flat", "flat at zero", "negative", "negative levels", "nearly flat", "large"],
)
def test_max_pool_grad(size: tuple[int, int], channels: int, features: str) -> None:
    """48 channels are computed in ONNX Runtime's blocked layout, 4 are not."""
    shape = (2, *size, channels)
    levels = rng.integers(-1, 3, shape).astype(np.float32)
    x = {
        "distinct": floats(*shape),
        "few levels": levels,
        "flat": np.full(shape, 0.7, np.float32),
        "flat at zero": np.zeros(shape, np.float32),
        "negative": -np.abs(floats(*shape)) - 1,
        "negative levels": levels - 5,
        "nearly flat": 1 + levels * np.finfo(np.float32).eps,
        "large": 1e30 * levels,
    }[features]
    # Whole numbers add up exactly in any order.
    upstream = rng.integers(-9, 10, tf.nn.max_pool2d(x, 3, 2, "VALID").shape).astype(np.float32)
    feeds = {"x": nchw(x), "g": nchw(upstream)}
    (found,) = max_pool_session(channels).run(["result"], feeds)
    np.testing.assert_array_equal(found, nchw(pool_and_gradient(x, upstream, "NHWC")))


@pytest.mark.parametrize("size", [(3, 3), (4, 7), (9, 12)])
def test_max_pool_grad_at_every_position(size: tuple[int, int]) -> None:
    """At a stride of 1, most positions are in nine windows."""
    x = rng.integers(-1, 3, (2, *size, 5)).astype(np.float32)
    upstream = rng.integers(-9, 10, (2, size[0] - 2, size[1] - 2, 5)).astype(np.float32)
    (found,) = max_pool_session(5, 1).run(["result"], {"x": nchw(x), "g": nchw(upstream)})
    np.testing.assert_array_equal(found, nchw(pool_and_gradient(x, upstream, "NHWC", 1)))


@pytest.mark.parametrize("place", range(9))
def test_max_pool_grad_finds_each_place_of_a_window(place: int) -> None:
    """And of two equal maxima the first, for each pair of places."""
    for other in range(place, 9):
        x = np.full((1, 9, 3), -2.0, np.float32).reshape(1, 3, 3, 3)
        x.reshape(9, 3)[[place, other]] = -1
        x = np.concatenate([x, x[..., :1]], axis=3)
        (found,) = max_pool_session(4).run(["result"], {"x": nchw(x), "g": np.ones((1, 4, 1, 1), np.float32)})
        assert (found.reshape(4, 9).argmax(axis=1) == place).all()
        assert found.sum() == 4


@pytest.mark.parametrize(("window", "stride", "padding"), [(2, 2, "VALID"), (3, 3, "VALID"), (3, 2, "SAME")])
def test_max_pool_grad_refuses_other_windows(window: int, stride: int, padding: str) -> None:
    def gradient(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.max_pool2d(x, window, stride, padding, data_format="NCHW")
        return tape.gradient(y, x)

    with pytest.raises(ConversionError, match="MaxPoolGrad"):
        converted(gradient, {"x": floats(1, 4, 9, 9)}, dynamic="x")


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
