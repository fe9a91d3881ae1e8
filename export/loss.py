"""The objective: how strongly a picture activates each channel of each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def loss_and_energies(
    activations: Mapping[str, Sequence[tf.Tensor]], channel_weights: Mapping[str, tf.Tensor], border: int
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Compute the loss of Keras' deep_dream example, and the energies whose weighted sum it is.

    Keras writes `coefficient * sum(square(x[:, 2:-2, 2:-2, :])) / prod(shape(x))` per layer.  Here each
    channel has its own weight; if all channels of a layer have the same weight, and `border` is 2, the two
    are identical.

    Args:
        activations: for each layer its parts [N, c, H, W], with C channels in total.
        channel_weights: for each layer [C].
        border: positions left out at each edge of every layer.

    Returns:
        The loss [N], and for each layer the energies [N, C]: for each channel, the sum of squares inside the
        border divided by the number of elements C·H·W of the whole layer.
    """
    losses, energies = [], {}
    for name, parts in activations.items():
        inside = _inside(parts[0], border)
        squares = [_sum_of_squares(part, inside) for part in parts]
        widths = [part.shape[1] for part in parts]
        count = sum(widths) * tf.cast(tf.reduce_prod(tf.shape(parts[0])[2:]), inside.dtype)
        # Dividing the weights rather than the squares keeps run-time shapes out of the gradient's graph.
        weights = tf.split(channel_weights[name] / count, widths)
        losses += [tf.linalg.matmul(x, w[:, tf.newaxis]) for x, w in zip(squares, weights, strict=True)]
        energies[name] = tf.concat(squares, 1) / count
    return tf.squeeze(tf.add_n(losses), [1]), energies


def _inside(x: tf.Tensor, border: int) -> tf.Tensor:
    """Return ones [1, 1, H, W] with zeros at the border; a layer too small for an inside is all zeros."""
    rows, columns = (
        tf.cast((tf.range(size) >= border) & (tf.range(size) < size - border), x.dtype)
        for size in (tf.shape(x)[2], tf.shape(x)[3])
    )
    return rows[tf.newaxis, tf.newaxis, :, tf.newaxis] * columns


@tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow has no types
def _sum_of_squares(x: tf.Tensor, inside: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """Return the sum of squares [N, C] of x [N, C, H, W] where `inside` [1, 1, H, W] is one."""
    masked = x * inside

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
        slope = masked * (2 * upstream[:, :, tf.newaxis, tf.newaxis])
        # A one-pixel pool changes no value, but brings the gradient back into ONNX Runtime's blocked
        # layout, where a convolution then adds it to the next block's gradient.
        return tf.nn.avg_pool2d(slope, 1, 1, "VALID", data_format="NCHW"), None

    return tf.reduce_sum(tf.square(masked), [2, 3]), gradient
