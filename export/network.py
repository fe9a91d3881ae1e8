"""The table of export/architecture.py as a TensorFlow graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import tensorflow as tf

from export.architecture import AveragePool, Conv, MaxPool, Parallel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from export.architecture import Architecture, Chain, Node

DataFormat = Literal["NCHW", "NHWC"]


def activations(
    architecture: Architecture,
    image: tf.Tensor,
    parameters: Iterable[tuple[tf.Tensor, tf.Tensor]],
    data_format: DataFormat,
) -> dict[str, tf.Tensor]:
    """Compute the activations of all layers.

    Args:
        architecture: the network, already cut behind the deepest layer that is wanted.
        image: float [N, 3, H, W] or [N, H, W, 3], as `data_format` says, in the network's value range.
        parameters: kernel [h, w, in, out] and bias [out] of each convolution, batch norm folded in.
        data_format: `NCHW` gives the graph that converts without transpositions; TensorFlow can compute it
            on a CPU only as `NHWC`.

    Returns:
        One tensor per layer, in the data format of the image.
    """
    build = _Builder(iter(parameters), data_format)
    x = build.chain(architecture.stem, image)
    found = {}
    for name, chain in architecture.blocks:
        x = build.chain(chain, x)
        found[name] = x
    return found


class _Builder:
    """Walks the table and takes the parameters one by one."""

    def __init__(self, parameters: Iterator[tuple[tf.Tensor, tf.Tensor]], data_format: DataFormat) -> None:
        self._parameters = parameters
        self._format = data_format
        self._channel_axis = 1 if data_format == "NCHW" else 3

    def chain(self, chain: Chain, x: tf.Tensor) -> tf.Tensor:
        for node in chain:
            x = self._node(node, x)
        return x

    def _node(self, node: Node, x: tf.Tensor) -> tf.Tensor:
        match node:
            case Conv():
                kernel, bias = next(self._parameters)
                x = tf.nn.conv2d(x, kernel, node.stride, node.padding, data_format=self._format)
                return tf.nn.relu(tf.nn.bias_add(x, bias, data_format=self._format))
            case MaxPool():
                return tf.nn.max_pool2d(x, 3, 2, "VALID", data_format=self._format)
            case AveragePool():
                return tf.nn.avg_pool2d(x, 3, 1, "SAME", data_format=self._format)
            case Parallel(chains):
                return concatenate([self.chain(chain, x) for chain in chains], self._channel_axis)


def concatenate(parts: Sequence[tf.Tensor], axis: int) -> tf.Tensor:
    """Concatenate `parts`, whose sizes along `axis` are known; the gradient is one Split.

    TensorFlow's own gradient slices by the run-time shapes of all parts (ShapeN, ConcatOffset, Slice).
    """
    sizes = [part.shape[axis] for part in parts]

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def forward(*parts: tf.Tensor) -> tuple[tf.Tensor, Any]:
        return tf.concat(parts, axis), lambda upstream: tf.split(upstream, sizes, axis)

    return forward(*parts)
