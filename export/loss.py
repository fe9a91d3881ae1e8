"""The objective: how strongly a picture excites each channel of each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Mapping

BORDER = 2
"""Positions left out at each border of every layer, where padding excites the network."""


def loss_and_energies(
    activations: Mapping[str, tf.Tensor], channel_weights: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Compute the loss of Keras' deep_dream example and the energies that it is the weighted sum of.

    Keras writes `coefficient * sum(square(x[:, 2:-2, 2:-2, :])) / prod(shape(x))` per layer.  Here each
    channel has a factor of its own; with one number in all places of a layer the two are the same.

    Args:
        activations: per layer [N, C, H, W], in the order of `channel_weights`.
        channel_weights: [sum of all C].

    Returns:
        loss [N] and energies [N, sum of all C]: per channel the sum of squares inside the border divided by
        the element count C·H·W of the whole layer.
    """
    widths = [layer.shape[1] for layer in activations.values()]
    losses, energies = [], []
    for layer, weights in zip(activations.values(), tf.split(channel_weights, widths), strict=True):
        inside = layer[:, :, BORDER:-BORDER, BORDER:-BORDER]
        squares = tf.reduce_sum(tf.square(inside), [2, 3], keepdims=True)
        squares = tf.squeeze(squares, [2, 3])
        count = tf.cast(tf.reduce_prod(tf.shape(layer)[1:]), layer.dtype)
        # Dividing the weights instead of the squares keeps run-time shapes out of the gradient's graph.
        losses.append(tf.linalg.matmul(squares, (weights / count)[:, tf.newaxis]))
        energies.append(squares / count)
    return tf.squeeze(tf.add_n(losses), [1]), tf.concat(energies, axis=1)
