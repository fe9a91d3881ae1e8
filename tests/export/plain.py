"""A network's activations straight from the table, in NHWC, to compare export/network.py with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import tensorflow as tf

from export.architecture import Architecture, Chain, Conv, MaxPool, Parallel, ResponseNorm

Parameters = Iterator[tuple[tf.Tensor, tf.Tensor]]


def activations(
    architecture: Architecture, image: tf.Tensor, parameters: Iterable[tuple[tf.Tensor, tf.Tensor]]
) -> dict[str, tf.Tensor]:
    """Compute the activations [N, h, w, C] of every layer.

    Args:
        architecture: the network, cut after the deepest layer wanted.
        image: float [N, H, W, 3] in the network's value range.
        parameters: kernel [h, w, in, out] and bias [out] of each convolution, with batch norm folded in.
    """
    parameters = iter(parameters)
    x = _follow(architecture.stem, image, parameters)
    found = {}
    for name, chain in architecture.blocks:
        x = _follow(chain, x, parameters)
        found[name] = x
    return found


def _follow(chain: Chain, x: tf.Tensor, parameters: Parameters) -> tf.Tensor:
    for node in chain:
        match node:
            case Conv():
                kernel, bias = next(parameters)
                padding = node.padding
                if isinstance(padding, int):
                    x, padding = _padded(x, padding, padding, 0), "VALID"
                x = tf.nn.relu(tf.nn.conv2d(x, kernel, node.stride, padding) + bias)
            case Parallel(chains):
                x = tf.concat([_follow(inner, x, parameters) for inner in chains], 3)
            case MaxPool():
                x = tf.nn.max_pool2d(_padded(x, node.before, node.after, -1e9), 3, node.stride, "VALID")
            case ResponseNorm():
                squares = tf.pad(tf.square(x), [[0, 0]] * 3 + [[2, 2]])
                sums = [squares[..., i : i + x.shape[3]] for i in range(5)]
                x = x / (1 + 1e-4 / 5 * tf.add_n(sums)) ** 0.75
            case _:
                x = tf.nn.avg_pool2d(x, 3, 1, "SAME")
    return x


def _padded(x: tf.Tensor, before: int, after: int, value: float) -> tf.Tensor:
    return tf.pad(x, [[0, 0], [before, after], [before, after], [0, 0]], constant_values=value)
