"""Keras graphs read and written as ONNX compute what TensorFlow does: loss and gradient, kind by kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from engine.weights.filling import fill
from engine.weights.instructions import Published
from export.applications import Variables, randomise
from export.cases import vector
from export.errors import ConversionError
from export.networks import Row
from export.reading import read_network
from export.reference import Reference
from export.template import template_of
from export.verify import Compute, ort_compute, relative_error

SIZES = [(1, 46, 49), (2, 45, 52), (1, 47, 48)]
"""Odd and even: SAME pads them in different ways."""


def conv(x: Any, size: int = 3, **options: Any) -> Any:
    return layers.Conv2D(6, size, **{"padding": "same", "activation": "relu"} | options)(x)


def joined(x: Any) -> Any:
    return layers.Concatenate()([x, conv(x)])


def residual(x: Any) -> Any:
    x = conv(x)
    return layers.ReLU()(layers.Add()([x, conv(x, activation=None)]))


def before_activation(x: Any) -> Any:
    """A batch norm that cannot be folded, since two read what it reads."""
    x = conv(x, activation=None)
    y = layers.Activation("relu")(layers.BatchNormalization()(x))
    return layers.Add()([x, conv(y, activation=None)])


def scaled(x: Any) -> Any:
    kind = type(
        "CustomScaleLayer", (layers.Layer,), {"scale": 0.25, "call": lambda self, x: x[0] + 0.25 * x[1]}
    )
    x = conv(x)
    return layers.Activation("relu")(kind()([x, conv(x, activation=None)]))


def last(x: Any) -> Any:
    return conv(x)


KINDS: dict[str, Callable[[Any], Any]] = {
    "convolution": last,
    "stride, padding before it": lambda x: last(conv(layers.ZeroPadding2D(3)(x), strides=2, padding="valid")),
    "stride, padding on two sides": lambda x: last(
        conv(layers.ZeroPadding2D(((0, 1), (0, 1)))(x), strides=2, padding="valid")
    ),
    "stride, SAME": lambda x: last(conv(x, strides=2)),
    "stride, one pixel": lambda x: last(conv(conv(x), size=1, strides=2)),
    "folded": lambda x: last(layers.ReLU()(layers.BatchNormalization(scale=False)(conv(x, activation=None)))),
    "relu6": lambda x: last(layers.ReLU(6.0)(layers.Conv2D(8, 3, bias_initializer="ones")(x))),
    "depthwise": lambda x: last(
        layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same")(conv(x)))
    ),
    "depthwise, stride": lambda x: last(
        layers.DepthwiseConv2D(3, strides=2)(layers.ZeroPadding2D(((0, 1), (0, 1)))(conv(x)))
    ),
    "separable": lambda x: last(
        layers.BatchNormalization()(layers.SeparableConv2D(5, 3, padding="same")(conv(x)))
    ),
    "max pool of 1": lambda x: last(layers.MaxPooling2D(1, 2)(conv(x))),
    "max pool of 2": lambda x: last(layers.MaxPooling2D(2)(conv(x))),
    "max pool of 3": lambda x: last(layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(conv(x)))),
    "max pool, SAME": lambda x: last(layers.MaxPooling2D(3, 2, padding="same")(conv(x))),
    "average pool": lambda x: last(layers.AveragePooling2D(2)(conv(x))),
    "average pool, SAME": lambda x: last(layers.AveragePooling2D(3, 1, padding="same")(conv(x))),
    "joined": lambda x: last(layers.Dropout(0.5)(joined(conv(x)))),
    "residual": residual,
    "before the activation": before_activation,
    "scaled": scaled,
}


def built(dtype: Any) -> keras.Model:
    """Return one network that has each kind beside the others, each ending in a layer of its name."""
    keras.utils.clear_session()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        x = keras.Input((None, None, 3), dtype=dtype)
        ends = [layers.Activation("linear", name=called(kind))(make(x)) for kind, make in KINDS.items()]
        model = keras.Model(x, ends)
    finally:
        keras.config.set_dtype_policy(before)
    randomise(model, 1)
    return model


def called(kind: str) -> str:
    return kind.replace(",", "").replace(" ", "_")


@pytest.fixture(scope="module")
def sides() -> tuple[Compute, Reference, dict[str, int]]:
    """The file's side, TensorFlow's in float64, and the channels of each layer."""
    models = [built(x) for x in ("float32", "float64")]
    row = Row("", "tf", tuple(map(called, KINDS)), {}, Published())
    described = read_network(models[0], "tiny", row)
    template = template_of(described, models[0], Published())
    channels = described.channels()
    truth = Reference(models[1], channels, lambda image: image, "float64")
    return ort_compute(fill(template, Variables(models[0], "x"))), truth, channels


@pytest.mark.parametrize("kind", KINDS)
def test_it_computes_what_tensorflow_does(
    sides: tuple[Compute, Reference, dict[str, int]], kind: str
) -> None:
    compute, truth, channels = sides
    draw = np.random.default_rng(2)
    for size in SIZES:
        image = draw.uniform(-1, 1, (*size, 3)).astype(np.float32)
        weights = vector(channels, {called(kind): 1.0}) * draw.uniform(0, 1, sum(channels.values()))
        weights = weights.astype(np.float32)
        ours, theirs = compute(image, weights), truth(image, weights)
        for name, found, wanted in zip(("loss", "gradient", "energies"), ours, theirs, strict=True):
            assert relative_error(found, wanted) < 1e-5, f"{name} at {size}"


def shared(x: Any) -> Any:
    layer = layers.Conv2D(3, 3, padding="same")
    return layer(layer(x))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (layers.Conv2DTranspose(3, 3), "no rule for the layer .*Conv2DTranspose"),
        (layers.Lambda(lambda y: y), "no rule for the layer .*Lambda"),
        (lambda x: conv(x, dilation_rate=2), "needs no dilation"),
        (lambda x: conv(x, activation="tanh"), "needs relu, relu6 or no activation"),
        (lambda x: conv(x, size=4, strides=2), "needs odd windows at stride 2"),
        (layers.MaxPooling2D(3, 3), "needs windows of 1, 2 or 3, at stride 2"),
        (layers.LeakyReLU(), "no rule for the layer .*LeakyReLU"),
        (shared, "is used 2 times"),
    ],
)
def test_what_there_is_no_rule_for_is_refused(make: Callable[[Any], Any], said: str) -> None:
    x = keras.Input((None, None, 3))
    model = keras.Model(x, layers.Activation("linear", name="last")(make(x)))
    with pytest.raises(ConversionError, match=said):
        read_network(model, "tiny", Row("", "tf", ("last",), {}, Published()))


def test_a_gradient_that_there_is_no_rule_for_is_refused() -> None:
    x = keras.Input((None, None, 3))
    ends = conv(layers.ZeroPadding2D(1)(conv(x)), strides=3, padding="valid", name="last")
    model = keras.Model(x, ends)
    described = read_network(model, "tiny", Row("", "tf", ("last",), {}, Published()))
    with pytest.raises(ConversionError, match=r"last.*no rule for stride 3 with pads"):
        template_of(described, model, Published())
