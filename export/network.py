"""The table of export/architecture.py as a TensorFlow graph.

The gradient of each block is written out here, because the one that TensorFlow derives takes more and smaller
operations for the same result; export/convert.py lets TensorFlow derive the stem's.  A layer that
concatenates the outputs of a block's chains is kept as these parts, so that no gradient has to be split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import tensorflow as tf

from export.architecture import AveragePool, Conv, MaxPool, Parallel

if TYPE_CHECKING:
    from export.architecture import Architecture, Chain, Node

Parameters: TypeAlias = Iterator[tuple[tf.Tensor, tf.Tensor]]
"""Kernel [h, w, in, out] and bias [out] of each convolution, batch norm folded in, in the table's order."""

Parts: TypeAlias = list[tf.Tensor]
"""The tensors whose concatenation along the channels is a layer's activations."""

Pullback: TypeAlias = Callable[[Parts], tf.Tensor]
"""From the gradient with respect to a node's outputs to that with respect to its input."""


def stem(architecture: Architecture, image: tf.Tensor, parameters: Parameters) -> tf.Tensor:
    """Compute the first block's input [N, C, h, w] from an image [N, 3, H, W].

    A ReLU before a max pool is moved behind it, where there is a quarter of the positions: the maximum is the
    same, and where it is not positive, there is no gradient either way.
    """
    x, held_back = image, False
    for node, following in zip(architecture.stem, (*architecture.stem[1:], None), strict=True):
        if isinstance(node, Conv):
            x = _convolve(node, x, *next(parameters))
            held_back = isinstance(following, MaxPool)
        else:
            x = _pool(node, x)
        if not held_back or isinstance(node, MaxPool):
            x, held_back = tf.nn.relu(x), False
    return x


def blocks(architecture: Architecture, x: tf.Tensor, parameters: Parameters) -> dict[str, Parts]:
    """Compute the activations of all layers, each in parts [N, c, h, w], from the stem's output."""
    parts, found = [x], {}
    for name, chain in architecture.blocks:
        (block,) = chain
        parts = _block(block, parts, parameters)
        found[name] = parts
    return found


def _block(block: Node, parts: Parts, parameters: Parameters) -> Parts:
    """Compute a block, with its own gradient: see `_input_gradients`."""
    if not isinstance(block, Parallel):
        raise NotImplementedError(f"a block that begins with {block}")

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def forward(*parts: tf.Tensor) -> tuple[Parts, Any]:
        x = _join(list(parts))
        tracks = [_follow(chain, x, parameters) for chain in block.chains]

        def gradient(*upstream: tf.Tensor) -> Parts:
            return _input_gradients(tracks, list(upstream), list(parts))

        return [y for track in tracks for y in track.outputs], gradient

    result = forward(*parts)
    return list(result) if isinstance(result, (list, tuple)) else [result]


@dataclass(frozen=True)
class _Track:
    """One chain of a block after the forward pass."""

    outputs: Parts

    pull: Pullback
    """The gradient for the chain's input or, with a `kernel`, for the output of its first convolution."""

    kernel: tf.Tensor | None
    """Of a 1x1 convolution [1, 1, in, out] whose gradient is left to `_input_gradients`."""


def _follow(chain: Chain, x: tf.Tensor, parameters: Parameters) -> _Track:
    """Compute a chain, and return how to take its gradient.

    The gradient of a 1x1 convolution at the start is left out, to be taken for several chains at once.  The
    gradient of an average pool before it commutes with it, and so is taken first, on fewer channels.
    """
    before = chain[:1] if isinstance(chain[0], AveragePool) else ()
    first = chain[len(before)] if len(chain) > len(before) else None
    if not (isinstance(first, Conv) and first.size == (1, 1) and first.stride == 1):
        outputs, pull_all = _walk(chain, x, parameters)
        return _Track(outputs, pull_all, None)
    pooled = _pool(before[0], x) if before else x
    kernel, bias = next(parameters)
    y = tf.nn.relu(_convolve(first, pooled, kernel, bias))
    outputs, pull_rest = _walk(chain[len(before) + 1 :], y, parameters)

    def pull(upstream: Parts) -> tf.Tensor:
        masked = tf.raw_ops.ReluGrad(gradients=pull_rest(upstream), features=y)
        return _average_pool_gradient(masked) if before else masked

    return _Track(outputs, pull, kernel)


def _walk(chain: Chain, x: tf.Tensor, parameters: Parameters) -> tuple[Parts, Pullback]:
    """Compute a chain node by node, and return its outputs and its pullback."""
    outputs, pullbacks = [x], []
    for node in chain:
        outputs, pull = _apply(node, _join(outputs), parameters)
        pullbacks.append(pull)

    def pull_all(upstream: Parts) -> tf.Tensor:
        for pull in reversed(pullbacks):
            upstream = [pull(upstream)]
        return upstream[0]

    return outputs, pull_all


def _apply(node: Node, x: tf.Tensor, parameters: Parameters) -> tuple[Parts, Pullback]:
    match node:
        case Conv():
            kernel, bias = next(parameters)
            y = tf.nn.relu(_convolve(node, x, kernel, bias))

            def pull_conv(upstream: Parts) -> tf.Tensor:
                masked = tf.raw_ops.ReluGrad(gradients=upstream[0], features=y)
                return _convolution_gradient(node, tf.shape(x), kernel, masked)

            return [y], pull_conv
        case Parallel(chains):
            tracks = [_follow(chain, x, parameters) for chain in chains]
            outputs = [y for track in tracks for y in track.outputs]
            return outputs, lambda upstream: _input_gradients(tracks, upstream, [x])[0]
        case AveragePool():
            return [_pool(node, x)], lambda upstream: _average_pool_gradient(upstream[0])
        case MaxPool():
            y = _pool(node, x)
            return [y], lambda upstream: tf.raw_ops.MaxPoolGrad(
                orig_input=x,
                orig_output=y,
                grad=upstream[0],
                ksize=[1, 1, 3, 3],
                strides=[1, 1, 2, 2],
                padding="VALID",
                data_format="NCHW",
            )


def _input_gradients(tracks: Sequence[_Track], upstream: Parts, parts: Parts) -> Parts:
    """Return the gradient for each part of a block's input, given those for its outputs.

    On the way back, all 1x1 convolutions that read the input become one: a convolution of their stacked
    gradients with their stacked kernels, which also sums over the chains.  It is computed separately for each
    part, because splitting a gradient would take it out of ONNX Runtime's blocked layout.
    """
    stacked, kernels, others = [], [], []
    for track in tracks:
        own, upstream = upstream[: len(track.outputs)], upstream[len(track.outputs) :]
        gradient = track.pull(own)
        if track.kernel is None:
            others.append(gradient)
        else:
            stacked.append(gradient)
            kernels.append(track.kernel)
    widths = [part.shape[1] for part in parts]
    sums: list[Parts] = [[] for _ in parts]
    if stacked:
        pieces = tf.split(tf.concat(kernels, 3), widths, 2)
        for terms, part, kernel in zip(sums, parts, pieces, strict=True):
            one_by_one = Conv(kernel.shape[3], (1, 1))
            terms.append(_convolution_gradient(one_by_one, tf.shape(part), kernel, _join(stacked)))
    if others:
        for terms, term in zip(sums, tf.split(tf.add_n(others), widths, 1), strict=True):
            terms.append(term)
    return [tf.add_n(terms) for terms in sums]


def _convolve(node: Conv, x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    x = tf.nn.conv2d(x, kernel, node.stride, node.padding, data_format="NCHW")
    return tf.nn.bias_add(x, bias, data_format="NCHW")


def _pool(node: Node, x: tf.Tensor) -> tf.Tensor:
    if isinstance(node, MaxPool):
        return tf.nn.max_pool2d(x, 3, 2, "VALID", data_format="NCHW")
    return tf.nn.avg_pool2d(x, 3, 1, "SAME", data_format="NCHW")


def _convolution_gradient(node: Conv, sizes: tf.Tensor, kernel: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.Conv2DBackpropInput(
        input_sizes=sizes,
        filter=kernel,
        out_backprop=upstream,
        strides=[1, 1, node.stride, node.stride],
        padding=node.padding,
        data_format="NCHW",
    )


def _average_pool_gradient(upstream: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.AvgPoolGrad(
        orig_input_shape=tf.shape(upstream),
        grad=upstream,
        ksize=[1, 1, 3, 3],
        strides=[1, 1, 1, 1],
        padding="SAME",
        data_format="NCHW",
    )


def _join(parts: Parts) -> tf.Tensor:
    return parts[0] if len(parts) == 1 else tf.concat(parts, 1)
