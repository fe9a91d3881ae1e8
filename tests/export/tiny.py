"""A network with everything InceptionV3 has, small enough to convert in a second, and its truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from export.architecture import Architecture, AveragePool, Conv, MaxPool, Parallel, ResponseNorm
from export.weights import Weights

from .plain import activations

TINY = Architecture(
    "tiny",
    stem=(Conv(8, (3, 3), stride=2, padding="VALID"), Conv(6, (3, 3)), MaxPool()),
    blocks=(
        (
            "mixed0",
            (
                Parallel(
                    (
                        (Conv(4, (1, 1)),),
                        (Conv(3, (1, 1)), Parallel(((Conv(2, (1, 3)),), (Conv(2, (3, 1)),)))),
                        (AveragePool(), Conv(3, (1, 1))),
                    )
                ),
            ),
        ),
        (
            "mixed1",
            (
                Parallel(
                    (
                        (Conv(5, (1, 1)), Conv(5, (3, 3), stride=2, padding="VALID")),
                        (MaxPool(),),
                    )
                ),
            ),
        ),
    ),
)

CAFFE = Architecture(
    "tiny",
    stem=(
        Conv(8, (7, 7), stride=2, padding=3),
        MaxPool(after=1),
        ResponseNorm(),
        Conv(4, (1, 1)),
        Conv(6, (3, 3)),
        ResponseNorm(),
        MaxPool(after=1),
    ),
    blocks=(
        (
            "a/output",
            (Parallel(((Conv(4, (1, 1)),), (MaxPool(1, 1, 1), Conv(3, (1, 1))))),),
        ),
        (
            "b/output",
            (Parallel(((MaxPool(after=1), Parallel(((Conv(4, (1, 1)),), (Conv(3, (5, 5)),)))),)),),
        ),
    ),
    norm=False,
    names=("one", "reduce", "two", "a/1x1", "a/pool", "b/1x1", "b/5x5"),
    means=(104.0, 116.0, 122.0),
    border=0,
)
"""The same for GoogLeNet."""


def truth(
    weights: Weights,
    image: np.ndarray,
    channel_weights: np.ndarray,
    dtype: str = "float64",
    architecture: Architecture = TINY,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute loss, gradient and energies by TensorFlow in NHWC, batch norm folded in `dtype`."""
    parameters = [
        (
            tf.constant((conv.values * conv.factor).astype(dtype)),
            tf.constant(conv.bias.astype(dtype)),
        )
        for conv in weights.convolutions
    ]
    x = tf.constant(image.astype(dtype))
    with tf.GradientTape() as tape:
        tape.watch(x)
        energies = [_energies(layer) for layer in activations(architecture, x, parameters).values()]
        loss = tf.reduce_sum(tf.concat(energies, 1) * channel_weights.astype(dtype), 1)
    return loss.numpy(), tape.gradient(loss, x).numpy(), tf.concat(energies, 1).numpy()


def _energies(layer: Any) -> Any:
    count = np.prod(layer.shape[1:])
    return tf.reduce_sum(tf.square(layer[:, 2:-2, 2:-2, :]), [1, 2]) / count
