"""The table of export/architecture.py as a TensorFlow graph.

The gradient of each block is written out here, because the one that TensorFlow derives takes more and smaller
operations for the same result; export/convert.py lets TensorFlow derive the stem's.  A layer that
concatenates the outputs of a block's chains is kept as these parts, so that no gradient has to be split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import tensorflow as tf

from export.architecture import AveragePool, Conv, MaxPool, Parallel, ResponseNorm
from export.response import normalise

if TYPE_CHECKING:
    from export.architecture import Architecture, Chain, Node

Parameters: TypeAlias = Iterator[tuple[tf.Tensor, tf.Tensor]]
"""Kernel [h, w, in, out] and bias [out] of each convolution, batch norm folded in, in the table's order."""

Parts: TypeAlias = list[tf.Tensor]
"""The tensors whose concatenation along the channels is a layer's activations."""

Pullback: TypeAlias = Callable[[Parts], tf.Tensor]
"""From the gradient with respect to a node's outputs to that with respect to its input."""


BELOW = -1.0
"""Less than anything that a pool sees where windows reach beyond a beginning: it comes behind a ReLU."""


def stem(architecture: Architecture, image: tf.Tensor, parameters: Parameters) -> tf.Tensor:
    """Compute the first block's input [N, C, h, w] from an image [N, 3, H, W].

    A ReLU before a max pool is moved behind it, where there is a quarter of the positions: the maximum is the
    same, and where it is not positive, there is no gradient either way.  Behind a normalisation it changes
    nothing, but keeps the pool apart from the stem's end, which engines take for the way back's beginning.
    """
    x = _as_taken(architecture, image)
    for node, following in zip(architecture.stem, (*architecture.stem[1:], None), strict=True):
        if isinstance(node, Conv):
            kernel, bias = next(parameters)
            if node is architecture.stem[0] and architecture.means:
                kernel = tf.gather(kernel, [2, 1, 0], axis=2)  # it is for BGR
            x = _convolve(node, x, kernel, bias)
            x = x if isinstance(following, MaxPool) else tf.nn.relu(x)
        else:
            x = _with_own_gradient(node, x)
            x = tf.nn.relu(x) if isinstance(node, MaxPool) else x
    return x


def _as_taken(architecture: Architecture, image: tf.Tensor) -> tf.Tensor:
    """Return what the network takes for an image from -1 to 1, its channels still RGB.

    Not folded into the first convolution: that pads with zeros, which are the means.
    """
    if not architecture.means:
        return image
    shift = np.array([127.5 - mean for mean in reversed(architecture.means)], np.float32)
    return image * np.float32(127.5) + shift.reshape(1, 3, 1, 1)


def _with_own_gradient(node: Node, x: tf.Tensor) -> tf.Tensor:
    """Compute a pool or a normalisation, with the gradient that is written out here."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def forward(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
        (y,), pull = _apply(node, x, iter(()), _Taps(wanted=False))
        return y, lambda upstream: pull([upstream])

    return forward(x)


def blocks(architecture: Architecture, x: tf.Tensor, parameters: Parameters) -> dict[str, Parts]:
    """Compute the activations of all layers, each in parts [N, c, h, w], from the stem's output."""
    parts, inside = [x], architecture.inside()
    found: dict[str, Parts] = {}
    for name, chain in architecture.blocks:
        (block,) = chain
        parts, sums = _block(block, parts, parameters, _Taps(wanted=bool(inside[name])))
        found |= {inner: [x] for inner, x in zip(inside[name], sums, strict=True)}
        found[name] = parts
    return found


class _Taps:
    """The convolutions of a block before their ReLU, in the table's order, where these are layers, too."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self.sums: Parts = []
        self.slopes: Parts = []
        """The gradients of the loss with respect to each, once the way back has begun."""

    def add(self, sums: tf.Tensor) -> Callable[[tf.Tensor], tf.Tensor]:
        """Take one in; return what adds its own gradient to the one that comes through its ReLU."""
        if not self._wanted:
            return lambda upstream: upstream
        number = len(self.sums)
        self.sums.append(sums)
        return lambda upstream: upstream + self.slopes[number]


def _block(block: Node, parts: Parts, parameters: Parameters, taps: _Taps) -> tuple[Parts, Parts]:
    """Compute a block, with its own gradient, see `_input_gradients`; return outputs, and what is tapped."""
    if not isinstance(block, Parallel):
        raise NotImplementedError(f"a block that begins with {block}")

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def forward(*parts: tf.Tensor) -> tuple[Parts, Any]:
        x = _join(list(parts))
        tracks = [_follow(chain, x, parameters, taps) for chain in block.chains]
        outputs = [y for track in tracks for y in track.outputs]

        def gradient(*upstream: tf.Tensor) -> Parts:
            taps.slopes = list(upstream[len(outputs) :])
            return _input_gradients(tracks, list(upstream[: len(outputs)]), list(parts))

        return [*outputs, *taps.sums], gradient

    result = forward(*parts)
    found = list(result) if isinstance(result, (list, tuple)) else [result]
    count = len(found) - len(taps.sums)
    return found[:count], found[count:]


@dataclass(frozen=True)
class _Track:
    """One chain of a block after the forward pass."""

    outputs: Parts

    pull: Pullback
    """The gradient for the chain's input or, with a `kernel`, for the output of its first convolution."""

    kernel: tf.Tensor | None
    """Of a 1x1 convolution [1, 1, in, out] whose gradient is left to `_input_gradients`."""


def _follow(chain: Chain, x: tf.Tensor, parameters: Parameters, taps: _Taps) -> _Track:
    """Compute a chain, and return how to take its gradient.

    The gradient of a 1x1 convolution at the start is left out, to be taken for several chains at once.  The
    gradient of an average pool before it commutes with it, and so is taken first, on fewer channels.
    """
    before = chain[:1] if isinstance(chain[0], AveragePool) else ()
    first = chain[len(before)] if len(chain) > len(before) else None
    if not (isinstance(first, Conv) and first.size == (1, 1) and first.stride == 1):
        outputs, pull_all = _walk(chain, x, parameters, taps)
        return _Track(outputs, pull_all, None)
    pooled = _average_pool(x) if before else x
    kernel, bias = next(parameters)
    sums = _convolve(first, pooled, kernel, bias)
    with_own, y = taps.add(sums), tf.nn.relu(sums)
    outputs, pull_rest = _walk(chain[len(before) + 1 :], y, parameters, taps)

    def pull(upstream: Parts) -> tf.Tensor:
        masked = with_own(tf.raw_ops.ReluGrad(gradients=pull_rest(upstream), features=y))
        return _average_pool_gradient(masked) if before else masked

    return _Track(outputs, pull, kernel)


def _walk(chain: Chain, x: tf.Tensor, parameters: Parameters, taps: _Taps) -> tuple[Parts, Pullback]:
    """Compute a chain node by node, and return its outputs and its pullback."""
    outputs, pullbacks = [x], []
    for node in chain:
        outputs, pull = _apply(node, _join(outputs), parameters, taps)
        pullbacks.append(pull)

    def pull_all(upstream: Parts) -> tf.Tensor:
        for pull in reversed(pullbacks):
            upstream = [pull(upstream)]
        return upstream[0]

    return outputs, pull_all


def _apply(node: Node, x: tf.Tensor, parameters: Parameters, taps: _Taps) -> tuple[Parts, Pullback]:
    match node:
        case Conv():
            kernel, bias = next(parameters)
            sums = _convolve(node, x, kernel, bias)
            with_own, y = taps.add(sums), tf.nn.relu(sums)

            def pull_conv(upstream: Parts) -> tf.Tensor:
                masked = with_own(tf.raw_ops.ReluGrad(gradients=upstream[0], features=y))
                return _convolution_gradient(node, tf.shape(x), kernel, masked)

            return [y], pull_conv
        case Parallel(chains):
            tracks = [_follow(chain, x, parameters, taps) for chain in chains]
            outputs = [y for track in tracks for y in track.outputs]
            return outputs, lambda upstream: _input_gradients(tracks, upstream, [x])[0]
        case AveragePool():
            return [_average_pool(x)], lambda upstream: _average_pool_gradient(upstream[0])
        case MaxPool():
            y, pull_pool = _max_pool(node, x)
            return [y], lambda upstream: pull_pool(upstream[0])
        case ResponseNorm():
            y, pull_norm = normalise(x)
            return [y], lambda upstream: pull_norm(upstream[0])


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
    padding: Any = node.padding
    if isinstance(padding, int):
        padding = [[0, 0], [0, 0], [padding, padding], [padding, padding]]
    x = tf.nn.conv2d(x, kernel, node.stride, padding, data_format="NCHW")
    return tf.nn.bias_add(x, bias, data_format="NCHW")


def _max_pool(node: MaxPool, x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Pool; also return what takes the gradient for the result to that for x.

    The rule for that gradient knows windows that reach beyond the end.
    """
    ends = [0, 0] if node.before else [0, node.after]
    around = [[0, 0], [0, 0], [node.before, node.after], [node.before, node.after]]
    seen = tf.pad(x, around, constant_values=BELOW) if node.before else x
    padding: dict[str, Any] = {"padding": "VALID"}
    if any(ends):
        padding = {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 0, 0, *ends, *ends]}
    sizes = {"ksize": [1, 1, 3, 3], "strides": [1, 1, node.stride, node.stride], "data_format": "NCHW"}
    y = tf.raw_ops.MaxPool(input=seen, **sizes, **padding, name="MaxPool2d")  # as model files know it

    def pull(upstream: tf.Tensor) -> tf.Tensor:
        gradient = tf.raw_ops.MaxPoolGrad(orig_input=seen, orig_output=y, grad=upstream, **sizes, **padding)
        inside = slice(node.before, -node.after or None)
        return gradient[:, :, inside, inside] if node.before else gradient

    return y, pull


def _average_pool(x: tf.Tensor) -> tf.Tensor:
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
