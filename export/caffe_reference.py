"""The independent reference of GoogLeNet: its layers one after the other, in TensorFlow's own layout.

Written from Caffe's deploy.prototxt and from how Caffe's layers count and pad, with TensorFlow's operations
and the gradient that it derives of them.  It shares no code with export/network.py, export/response.py and
export/loss.py, so that it can be used to verify them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from export.weights import Weights

    Found = tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]

BLOCKS = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")

PARTS = ("1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj")

NAMES = (
    "conv1/7x7_s2",
    "conv2/3x3_reduce",
    "conv2/3x3",
    *(f"inception_{block}/{part}" for block in BLOCKS for part in PARTS),
)
"""The convolutions, in the order of their weights."""

MEAN = (104.0, 116.0, 122.0)
"""What google/deepdream subtracts, of blue, green and red."""


class GoogLeNetReference:
    """GoogLeNet with the given weights: loss, gradient and energies as TensorFlow computes them."""

    def __init__(
        self, weights: Weights, layers: Sequence[str], dtype: Literal["float32", "float64"] = "float32"
    ) -> None:
        """Take kernels and biases, in the order of `NAMES`, and the layers to dream on, shallow to deep."""
        self.dtype = np.dtype(dtype)
        self._layers = tuple(layers)
        self._kernels = {
            name: (tf.constant(conv.values.astype(dtype)), tf.constant(conv.bias.astype(dtype)))
            for name, conv in zip(NAMES, weights.convolutions, strict=False)
        }

    def __call__(self, image: NDArray[np.floating], channel_weights: NDArray[np.floating], /) -> Found:
        """Return loss [N], gradient [N, H, W, 3] and energies [N, C], as contract 1 defines them."""
        pixels = tf.constant(image.astype(self.dtype))
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            blobs = self.blobs(pixels)
            energies = tf.concat(
                [
                    tf.reduce_sum(tf.square(blobs[x]), [1, 2]) / np.prod(blobs[x].shape[1:])
                    for x in self._layers
                ],
                1,
            )
            loss = tf.reduce_sum(energies * channel_weights.astype(self.dtype), 1)
        return loss.numpy(), tape.gradient(loss, pixels).numpy(), energies.numpy()

    def blobs(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Compute all named blobs [N, h, w, C] from an image [N, H, W, 3] from -1 to 1."""
        found: dict[str, tf.Tensor] = {}
        x = tf.reverse((image + 1) * 127.5, [3]) - np.array(MEAN, self.dtype)
        x = _pool(self._relu_conv("conv1/7x7_s2", x, stride=2))
        found["pool1/norm1"] = x = _lrn(x)
        x = self._relu_conv("conv2/3x3", self._relu_conv("conv2/3x3_reduce", x))
        x = _pool(_lrn(x))
        for block in BLOCKS:
            if f"inception_{block}/1x1" not in self._kernels:
                break
            x = _pool(x) if block in {"4a", "5a"} else x
            x = self._inception(f"inception_{block}", x, found)
        return found

    def _inception(self, name: str, x: tf.Tensor, found: dict[str, tf.Tensor]) -> tf.Tensor:
        """Compute a block; put each convolution into `found` as it is before its ReLU works in place."""

        def convolved(part: str, bottom: tf.Tensor) -> tf.Tensor:
            found[f"{name}/{part}"] = blob = self._conv(f"{name}/{part}", bottom)
            return tf.nn.relu(blob)

        ones = convolved("1x1", x)
        threes = convolved("3x3", convolved("3x3_reduce", x))
        fives = convolved("5x5", convolved("5x5_reduce", x))
        pooled = convolved("pool_proj", tf.nn.max_pool2d(x, 3, 1, "SAME"))
        found[f"{name}/output"] = output = tf.concat([ones, threes, fives, pooled], 3)
        return output

    def _relu_conv(self, name: str, x: tf.Tensor, stride: int = 1) -> tf.Tensor:
        return tf.nn.relu(self._conv(name, x, stride))

    def _conv(self, name: str, x: tf.Tensor, stride: int = 1) -> tf.Tensor:
        """Convolve, padded by half a kernel at each end."""
        kernel, bias = self._kernels[name]
        half = kernel.shape[0] // 2
        x = tf.pad(x, [[0, 0], [half, half], [half, half], [0, 0]])
        return tf.nn.conv2d(x, kernel, stride, "VALID") + bias


def _pool(x: tf.Tensor) -> tf.Tensor:
    """Take the maxima of windows of 3 at a stride of 2; the last one may be of 2, where Caffe rounds up."""
    ends = [0, 1 - x.shape[1] % 2], [0, 1 - x.shape[2] % 2]
    return tf.nn.max_pool2d(x, 3, 2, [[0, 0], *ends, [0, 0]])


def _lrn(x: tf.Tensor) -> tf.Tensor:
    """Normalise over 5 channels; TensorFlow's own operation has no float64, and alpha of one square."""
    if x.dtype == tf.float32:
        return tf.nn.local_response_normalization(x, 2, bias=1, alpha=1e-4 / 5, beta=0.75)
    squares = tf.pad(tf.square(x), [[0, 0], [0, 0], [0, 0], [2, 2]])
    width = x.shape[3]
    return x / (1 + 1e-4 / 5 * sum(squares[..., i : i + width] for i in range(5))) ** 0.75
