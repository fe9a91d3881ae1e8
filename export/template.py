"""Makes a template: a model file without its weights, and how each is made from a Keras weights file.

engine/weights/ fills templates, and so does the verification: what is compared with TensorFlow is a template
filled from variables under the names that Keras gives them.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import onnx

from engine.weights.filling import fill
from engine.weights.instructions import (
    KEY,
    NORM,
    READ,
    SCALE,
    ZEROS,
    Filled,
    Instructions,
    Published,
)
from export import reference
from export.applications import layer_order
from export.assembling import assemble
from export.convert import convert
from export.weights import EPSILON, Weights, random_weights

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from export.architecture import Architecture
    from export.operations import Network

CONV, NORMS = "conv2d", "batch_normalization"
"""What Keras calls the two kinds of layers that have variables, and counts."""

PUBLISHED = {
    "inception_v3": Published(
        address="https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"
        "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        hash="md5:bcbd6486424b2319ff4ef7d526e38f63",
        licence="Apache-2.0",
    ),
    "bvlc_googlenet": Published(
        address="http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel",
        hash="sha1:405fc5acd08a3bb12de8ee5e23a96bec22f08204",
        licence="unrestricted",
        size=53_533_754,  # with three classifiers
    ),
}
"""As keras/src/applications has them; https://keras.io/api/applications/ names the licences.  That of Caffe's
zoo is as models/bvlc_googlenet/readme.md of BVLC/caffe has it."""


def make_template(architecture: Architecture) -> bytes:
    """Return the template of a network, unverified and not yet packed.

    Raises ConversionError as `convert` does.
    """
    instructions = Instructions(
        tensors=tuple(_tensors(architecture)),
        order=_order(architecture),
        counted=() if architecture.names else (CONV, NORMS),
        min_sizes=tuple(architecture.min_size(architecture.border, x) for x in architecture.layers),
        published=PUBLISHED.get(architecture.name, Published()),
    )
    return _emptied(convert(architecture, random_weights("0", architecture)), instructions)


def template_of(described: Network, model: keras.Model, published: Published) -> bytes:
    """Return the template of a network, read from that Keras model; it is neither verified nor packed.

    Raises ConversionError as `assemble` does.
    """
    order = layer_order(model)
    instructions = Instructions(
        tensors=tuple(Filled(name, x.shape, x.steps) for name, x in described.parameters().items()),
        order=order,
        counted=tuple(kind for kind, names in order.items() if kind in names),
        min_sizes=tuple(described.min_size(described.border, x) for x in described.layers),
        published=published,
    )
    return _emptied(assemble(described), instructions)


def _emptied(model: onnx.ModelProto, instructions: Instructions) -> bytes:
    """Return a model with the instructions in it, and none of what they make."""
    shapes = {x.name: x.shape for x in instructions.tensors}
    for tensor in model.graph.initializer:
        if tensor.name in shapes:
            if tuple(tensor.dims) != shapes.pop(tensor.name):
                raise ValueError(f"{tensor.name} has another shape than its convolution")
            tensor.CopyFrom(onnx.TensorProto(name=tensor.name, data_type=onnx.TensorProto.FLOAT, dims=[0]))
    if shapes:
        raise ValueError(f"the graph lacks {', '.join(shapes)}")
    model.metadata_props.add(key=KEY, value=instructions.to_text())
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def pack(template: bytes) -> bytes:
    """Return a template as it is stored, the same for the same content."""
    return gzip.compress(template, 9, mtime=0)


def filled(
    template: bytes,
    architecture: Architecture,
    weights: Weights,
    until: str | None = None,
    *,
    half: bool = False,
) -> bytes:
    """Fill the template of a network with the weights that an export takes."""
    return fill(template, Named(weights, names_of(architecture)), until, half=half)


def _tensors(architecture: Architecture) -> list[Filled]:
    """Return how kernel and bias of each convolution are made; `convert` numbers them from 1 on."""
    found = []
    names = names_of(architecture)
    for number, (conv, norm, shape) in enumerate(zip(*names, architecture.kernel_shapes(), strict=True), 1):
        kernel: tuple[tuple[Any, ...], ...] = ((READ, conv, "kernel"),)
        bias: tuple[tuple[Any, ...], ...] = ((READ, conv, "bias"),)
        if norm:
            kernel = (*kernel, (SCALE, norm, EPSILON, False))
            bias = ((ZEROS,), (NORM, norm, EPSILON, False))
        found.append(Filled(f"kernel_{number}", shape, kernel))
        found.append(Filled(f"bias_{number}", shape[-1:], bias))
    return found


def names_of(architecture: Architecture) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what files call each convolution and the batch norm behind it, which is "" where none is."""
    numbers = range(len(architecture.kernel_shapes()))
    norms = tuple(_counted(NORMS, x) if architecture.norm else "" for x in numbers)
    return architecture.names or tuple(_counted(CONV, x) for x in numbers), norms


def _order(architecture: Architecture) -> dict[str, tuple[str, ...]]:
    """Return Keras' order of the layers, by kind; for a network that Keras does not have, the table's."""
    numbers = [list(range(len(architecture.kernel_shapes())))] * 2
    if architecture.name == "inception_v3":
        numbers = list(reference.layer_order(reference.build()).values())
    named = zip((CONV, NORMS), names_of(architecture), numbers, strict=True)
    order = {kind: tuple(names[x] for x in places if names[x]) for kind, names, places in named}
    return {kind: names for kind, names in order.items() if names}


def _counted(kind: str, number: int) -> str:
    """Return what Keras calls the layer of a kind with that number, from 0 on."""
    return f"{kind}_{number}" if number else kind


@dataclass(frozen=True)
class Named:
    """An export's weights as `engine.weights.protocol.Weights`: by the names of a file's layers."""

    weights: Weights

    names: tuple[tuple[str, ...], tuple[str, ...]]
    """Those of `names_of`."""

    numbered: bool = False

    @property
    def source(self) -> str:
        """Where they come from."""
        return self.weights.source

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all layers that have variables."""
        return tuple(x for names in self.names for x in names[: len(self.weights.convolutions)] if x)

    def tensor(self, layer: str, variable: str, /) -> NDArray[Any] | None:
        """Return a variable of a layer."""
        convolutions, norms = self.names
        if layer in norms:
            conv = self.weights.convolutions[norms.index(layer)]
            found = {"beta": conv.beta, "moving_mean": conv.mean, "moving_variance": conv.variance}
        else:
            conv = self.weights.convolutions[convolutions.index(layer)]
            found = {"kernel": conv.values, "bias": None if conv.variance is not None else conv.beta}
        return found.get(variable)
