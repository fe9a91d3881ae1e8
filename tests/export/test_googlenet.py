"""GoogLeNet: its table against what Caffe's model zoo says, its numbers against TensorFlow and float64."""

from __future__ import annotations

import math

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

from engine.weights.templates import read_template
from export.caffe_reference import NAMES
from export.convert import convert_function
from export.googlenet import bvlc_googlenet
from export.reference import reference
from export.response import normalise
from export.template import filled
from export.verify import GRADIENT_BAR, ort_compute, relative_error
from export.weights import random_weights

NETWORK = bvlc_googlenet()
rng = np.random.default_rng(3)


def test_it_has_as_many_weights_as_the_zoo_says() -> None:
    """6,998,552 with the classifier, which has 1000 classes on 1024 channels."""
    shapes = NETWORK.kernel_shapes()
    assert sum(math.prod(x) + x[-1] for x in shapes) + 1025 * 1000 == 6_998_552
    assert NETWORK.names == NAMES
    assert len(shapes) == len(NAMES) == 57


def caffe_pooled(size: int, stride: int, pad: int) -> int:
    """Return how many windows of 3 Caffe has: src/caffe/layers/pooling_layer.cpp."""
    count = math.ceil((size + 2 * pad - 3) / stride) + 1
    if pad and (count - 1) * stride >= size + pad:
        count -= 1
    return count


@pytest.mark.parametrize("size", [224, 31, *range(60, 90)])
def test_it_has_as_many_positions_as_in_caffe(size: int) -> None:
    found = NETWORK.positions(size)
    conv1 = (size + 2 * 3 - 7) // 2 + 1
    third = caffe_pooled(caffe_pooled(conv1, 2, 0), 2, 0)
    assert caffe_pooled(third, 1, 1) == third
    assert found["inception_3a/output"] == third
    assert found["inception_4c/output"] == caffe_pooled(third, 2, 0)
    assert found["inception_5b/output"] == caffe_pooled(caffe_pooled(third, 2, 0), 2, 0)


def test_what_its_layers_are() -> None:
    assert NETWORK.positions(224)["inception_5b/output"] == 7
    assert NETWORK.channels()["inception_4c/output"] == 512
    strides = NETWORK.strides()
    blocks = [name for name, _ in NETWORK.blocks]
    assert [strides[x] for x in blocks] == [8] * 2 + [16] * 5 + [32] * 2
    smallest = NETWORK.min_size(0)
    assert min(NETWORK.positions(smallest).values()) == 1
    assert min(NETWORK.positions(smallest - 1).values()) == 0


def test_its_blocks_are_open() -> None:
    """Each convolution inside is a layer under its name in Caffe's files, in their order."""
    assert NETWORK.layers[:7] == tuple(
        f"inception_3a/{x}" for x in ("1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj", "output")
    )
    assert len(NETWORK.layers) == 9 * 7
    assert [x for x in NETWORK.layers if not x.endswith("/output")] == list(NAMES[3:])
    channels, shapes = NETWORK.channels(), dict(zip(NAMES, NETWORK.kernel_shapes(), strict=True))
    assert all(channels[x] == shapes[x][3] for x in NAMES[3:])
    assert NETWORK.strides()["inception_4c/3x3"] == NETWORK.strides()["inception_4c/output"] == 16
    assert NETWORK.until("inception_3b/output").layers == NETWORK.layers[:14]


def test_inside_a_block_a_layer_is_what_google_deepdream_saw() -> None:
    """There, `net.forward(end=…)` ends before the ReLU that works in place: what is negative counts, too."""
    weights = random_weights("4", NETWORK)
    made = filled(read_template(NETWORK.name).content, NETWORK, weights, "inception_3a/output")
    image = rng.uniform(-1, 1, (1, 40, 37, 3)).astype(np.float32)
    channels = NETWORK.until("inception_3a/output").channels()
    energies = ort_compute(made)(image, np.ones(sum(channels.values()), np.float32))[2][0]
    ends = np.cumsum([*channels.values()])
    sums = {x: part * len(part) for x, part in zip(channels, np.split(energies, ends[:-1]), strict=True)}
    before = np.concatenate([sums[f"inception_3a/{x}"] for x in ("1x1", "3x3", "5x5", "pool_proj")])
    behind = sums["inception_3a/output"]
    assert (before >= behind * (1 - 1e-5)).all()
    assert 0.3 < behind.sum() / before.sum() < 0.7


def converted(channels: int) -> onnxruntime.InferenceSession:
    """Return the normalisation and its gradient as a model file has them, in NCHW."""

    def both(x: tf.Tensor, g: tf.Tensor) -> dict[str, tf.Tensor]:
        y, pull = normalise(x)
        return {"y": y, "gradient": pull(g)}

    shape = [None, channels, None, None]
    signature = [tf.TensorSpec(shape, tf.float32, x) for x in ("x", "g")]
    model = convert_function(tf.function(both, autograph=False), signature)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("channels", [2, 9])
def test_normalisation_is_tensorflows(channels: int) -> None:
    """Large numbers, as they are behind the first convolution of pixels: the sum of squares counts."""
    x, upstream = (rng.normal(0, spread, (2, 3, 4, channels)).astype("f4") for spread in (300, 1))
    with tf.GradientTape() as tape:
        there = tf.constant(x)
        tape.watch(there)
        wanted = tf.nn.local_response_normalization(there, 2, bias=1, alpha=1e-4 / 5, beta=0.75)
    assert np.abs(wanted / x).min() < 0.5
    feeds = {name: np.transpose(value, [0, 3, 1, 2]) for name, value in (("x", x), ("g", upstream))}
    y, gradient = (np.transpose(x, [0, 2, 3, 1]) for x in converted(channels).run(["y", "gradient"], feeds))
    assert relative_error(y, wanted.numpy()) < 1e-6
    slope = tape.gradient(wanted, there, tf.constant(upstream)).numpy()
    assert relative_error(gradient, slope) < 1e-5


def test_normalisations_gradient_is_that_of_central_differences() -> None:
    """By the formula alone, in float64."""
    x, upstream = rng.normal(0, 300, 7), rng.normal(0, 1, 7)

    def formula(x: np.ndarray) -> float:
        sums = [np.square(x[max(i - 2, 0) : i + 3]).sum() for i in range(7)]
        return float(upstream @ (x / (1 + 1e-4 / 5 * np.array(sums)) ** 0.75))

    steps = np.eye(7) * 1e-3
    wanted = [(formula(x + step) - formula(x - step)) / 2e-3 for step in steps]
    feeds = {"x": x.reshape(1, 7, 1, 1).astype("f4"), "g": upstream.reshape(1, 7, 1, 1).astype("f4")}
    (found,) = converted(7).run(["gradient"], feeds)
    assert relative_error(found.ravel(), np.array(wanted)) < 1e-5


def test_the_references_gradient_is_that_of_central_differences() -> None:
    """Along itself, in float64: what everything else is compared with is its own loss's gradient."""
    network = NETWORK.until("inception_3a/output")
    truth = reference(network, random_weights("5", NETWORK).fit(network), "float64")
    image, channels = rng.uniform(-1, 1, (1, 40, 37, 3)), np.ones(sum(network.channels().values()))
    gradient = truth(image, channels)[1]
    along = gradient / np.abs(gradient).mean() * 1e-7
    after, before = (float(truth(image + x, channels)[0][0]) for x in (along, -along))
    assert after - before == pytest.approx(2 * np.vdot(gradient, along), rel=1e-4)


def test_the_template_computes_what_caffe_would() -> None:
    """The committed one, to its last layer, on even and odd sides; its gradient is as near to float64 as
    TensorFlow's."""
    weights = random_weights("4", NETWORK)
    compute = ort_compute(filled(read_template(NETWORK.name).content, NETWORK, weights))
    theirs, truth = (reference(NETWORK, weights, x) for x in ("float32", "float64"))
    draw, ratios = np.random.default_rng(6), []
    channels = draw.uniform(0, 2, sum(NETWORK.channels().values())).astype(np.float32)
    for size in [(31, 36), (33, 46), (37, 31)]:
        image = draw.uniform(-1, 1, (1, *size, 3)).astype(np.float32)
        ours, tensorflows, true = (x(image, channels) for x in (compute, theirs, truth))
        assert relative_error(ours[0], true[0]) < 1e-5
        assert relative_error(ours[2], true[2]) < 1e-5
        ratios.append(relative_error(ours[1], true[1]) / relative_error(tensorflows[1], true[1]))
    assert np.median(ratios) < GRADIENT_BAR


def test_ties_go_to_the_first_as_in_caffe() -> None:
    """A flat picture: every window of every pool is a tie, those that reach beyond an end among them."""
    network = NETWORK.until("inception_4a/output")
    weights = random_weights("4", NETWORK)
    made = filled(read_template(NETWORK.name).content, NETWORK, weights, "inception_4a/output")
    truth = reference(network, weights.fit(network), "float64")
    image = np.full((1, 46, 37, 3), 0.3, np.float32)
    channels = np.ones(sum(network.channels().values()), np.float32)
    ours, true = ort_compute(made)(image, channels), truth(image, channels)
    assert relative_error(ours[1], true[1]) < 1e-3
