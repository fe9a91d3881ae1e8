"""The table of blocks against Keras' InceptionV3."""

from __future__ import annotations

import pytest

from export import reference
from export.architecture import inception_v3

NETWORK = inception_v3()


def test_kernels_are_those_of_keras_in_its_order() -> None:
    pairs = reference.convolutions(reference.build())
    assert [tuple(conv.kernel.shape) for conv, _ in pairs] == list(NETWORK.kernel_shapes())


@pytest.mark.parametrize("size", [75, 100, 299, 301])
def test_positions_and_channels_are_those_of_keras(size: int) -> None:
    model = reference.build()
    positions, channels = NETWORK.positions(size), NETWORK.channels()
    import keras

    network = keras.Model(model.input, [model.get_layer(name).output for name in NETWORK.layers])
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
