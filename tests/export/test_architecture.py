"""The table of blocks against Keras' InceptionV3."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from engine.network.contract import Stem
from export import reference
from export.architecture import Architecture, Conv, inception_v3
from tests import tiny_model

from .plain import activations
from .tiny import CAFFE, TINY

NETWORK = inception_v3()
STEMS = {
    "inception_v3": NETWORK.stem,
    "the export's": TINY.stem,
    "the engine's": tiny_model.NETWORK.stem,
    "Caffe's": CAFFE.stem,
    "one convolution": (Conv(2, (5, 5)),),
}


@pytest.fixture(scope="module")
def built() -> keras.Model:
    return reference.build()


def test_kernels_are_those_of_keras_in_its_order(built: keras.Model) -> None:
    pairs = reference.convolutions(built)
    assert [tuple(conv.kernel.shape) for conv, _ in pairs] == list(NETWORK.kernel_shapes())


@pytest.mark.parametrize("size", [75, 100, 299, 301])
def test_positions_and_channels_are_those_of_keras(built: keras.Model, size: int) -> None:
    positions, channels = NETWORK.positions(size), NETWORK.channels()
    network = keras.Model(built.input, [built.get_layer(name).output for name in NETWORK.layers])
    shapes = network.compute_output_shape((1, size, size, 3))
    assert [tuple(shape) for shape in shapes] == [
        (1, positions[name], positions[name], channels[name]) for name in NETWORK.layers
    ]


def test_strides() -> None:
    strides = NETWORK.strides()
    assert [strides[f"mixed{i}"] for i in range(11)] == [8] * 3 + [16] * 5 + [32] * 3


@pytest.mark.parametrize("layer", ["mixed2", "mixed5", "mixed10"])
def test_min_size_is_the_smallest_with_something_inside_the_border(layer: str) -> None:
    network = NETWORK.until(layer)
    smallest = network.min_size(2)
    assert max(network.positions(smallest).values()) > 4
    assert min(network.positions(smallest).values()) >= 1
    before = network.positions(smallest - 1).values()
    assert max(before) <= 4 or min(before) < 1


def test_until_cuts() -> None:
    assert NETWORK.until("mixed3").layers == ("mixed0", "mixed1", "mixed2", "mixed3")
    assert len(NETWORK.until("mixed5").kernel_shapes()) == 50
    with pytest.raises(ValueError, match="mixed11"):
        NETWORK.until("mixed11")


@pytest.fixture(params=list(STEMS))
def stem(request: pytest.FixtureRequest) -> Architecture:
    """A stem with nothing behind it but a layer that sees what it sees."""
    return Architecture("stem", STEMS[request.param], (("seen", (Conv(1, (1, 1)),)),))


def seen(stem: Architecture, images: np.ndarray) -> np.ndarray:
    """Compute a network whose weights are positive, so that each pixel counts wherever it is looked at."""
    parameters = [
        (tf.fill(shape, np.float32(1 / np.prod(shape[:3]))), tf.fill(shape[3:], np.float32(1)))
        for shape in stem.kernel_shapes()
    ]
    result: np.ndarray = activations(stem, tf.constant(images), parameters)["seen"].numpy()
    return result


@pytest.mark.parametrize("size", [61, 64, 66])
def test_positions_see_what_the_field_says(stem: Architecture, size: int) -> None:
    images = np.zeros((size + 1, size, 40, 3), np.float32)
    images[np.arange(size), np.arange(size)] = 1  # in each picture a row; in the last none
    found = seen(stem, images)
    changed = (found[:-1] != found[-1:]).any(axis=(2, 3))
    field = stem.stem_field()
    used = np.flatnonzero(changed.any(axis=1))  # a stride may leave out the last rows
    assert used.tolist() == list(range(len(used)))
    assert len(used) > size - field.stride
    for position, rows in enumerate(changed.T):
        first = position * field.stride - field.before
        expected = [row for row in used if first <= row < first + field.size]
        assert np.flatnonzero(rows).tolist() == expected


def test_the_stem_has_as_many_positions_as_the_network(stem: Architecture) -> None:
    field = stem.stem_field()
    described = Stem(field.stride, field.size, field.before, (), (), (), field.after)
    sizes = range(1, 400)
    assert [described.positions(x) for x in sizes] == [stem.positions(x)["seen"] for x in sizes]
    for size in (field.size, field.size + 1, 75, 78, 80, 83):
        assert seen(stem, np.zeros((1, size, size, 3), np.float32)).shape[1] == described.positions(size)
