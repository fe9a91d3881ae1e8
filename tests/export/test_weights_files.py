"""Weights files that Keras itself has written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from engine.weights.reading import open_weights

if TYPE_CHECKING:
    from pathlib import Path


def test_keras_own_files_are_read_as_keras_reads_them(tmp_path: Path) -> None:
    """Each kind of layer that variables have names for, in each format that Keras saves."""
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((16, 16, 3)),
            layers.Conv2D(4, 3, use_bias=False, name="first"),
            layers.BatchNormalization(scale=False),
            layers.ReLU(),
            layers.DepthwiseConv2D(3),
            layers.BatchNormalization(),
            layers.SeparableConv2D(5, 3),
            layers.Conv2D(2, 1),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    draw = np.random.default_rng(1)
    model.set_weights([draw.normal(size=x.shape).astype(np.float32) for x in model.get_weights()])
    wanted = {
        layer.name: {x.name: x.numpy() for x in layer.weights} for layer in model.layers if layer.weights
    }
    model.save_weights(tmp_path / "a.weights.h5")
    model.save(tmp_path / "a.keras")
    model.save(tmp_path / "a.h5")
    for file in sorted(tmp_path.iterdir()):
        with open_weights(file) as weights:
            assert set(weights.layers) == set(wanted)
            assert not weights.numbered
            for layer, variables in wanted.items():
                for name, values in variables.items():
                    asked = "depthwise_kernel" if name == "kernel" and "depthwise" in layer else name
                    found = weights.tensor(layer, asked)
                    assert found is not None, f"{file.name} {layer}/{asked}"
                    np.testing.assert_array_equal(found, values)
