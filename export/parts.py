"""What an engine needs to split the model: explicit padding, named sizes, and where the stem ends.

None of this changes what the model computes.  ONNX Runtime keeps a multiplication in its blocked layout only
if it can prove that both shapes are equal, and it cannot follow sizes through convolutions; named sizes give
that proof.  The stem, which is everything before the first layer, sees so little of the picture that it can
be computed exactly in small tiles; `engine.network.split` does so, using the description made here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from onnx import TensorProto, shape_inference

from engine.network import contract as metadata
from export.errors import ConversionError
from export.gradients import PLACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from export.architecture import Field

PROBES = ((203, 330), (300, 211), (150, 148), (512, 481), (255, 392), (161, 262), (357, 173), (410, 303))
"""Picture sizes, (height, width), that cover every remainder modulo the stem's stride: tensors whose sizes
are equal for all of these are always equal in size."""

QUICK = frozenset(["Add", "Div", "Mul", "Reciprocal", "Sqrt"])
"""Operations that are cheaper to compute again than to keep what they compute: a normalisation's."""

COUNT = 5
"""Pictures in a probe, to tell tensors with a batch axis from those shared by all pictures."""


def spell_out_padding(model: onnx.ModelProto) -> None:
    """Make SAME padding at stride 1 explicit.  Raises ConversionError if it depends on the picture size."""
    for node in model.graph.node:
        auto = next((x for x in node.attribute if x.name == "auto_pad"), None)
        if auto is None or not auto.s.startswith(b"SAME"):
            continue
        if set(_ints(node, "strides")) != {1} or any(k % 2 == 0 for k in _ints(node, "kernel_shape")):
            raise ConversionError(f"{node.op_type} {node.name} has padding that depends on the picture size")
        node.attribute.remove(auto)
        pads = [k // 2 for k in _ints(node, "kernel_shape")] * 2
        node.attribute.append(onnx.helper.make_attribute("pads", pads))


def name_sizes(model: onnx.ModelProto) -> None:
    """Describe the shape of every picture-like tensor, with one name for all sizes that are always equal."""
    probes = [_shapes_at(model, *size) for size in PROBES]
    graph = model.graph
    known = {x.name for x in (*graph.input, *graph.output)}
    del graph.value_info[:]
    names: dict[tuple[int, ...], str] = {}
    for name, first in probes[0].items():
        shapes = [probe.get(name) for probe in probes]
        if name in known or len(first) != 4 or not all(shape and len(shape) == 4 for shape in shapes):
            continue
        axes = list(zip(*(shape for shape in shapes if shape), strict=True))
        if any(len(set(axis)) != 1 for axis in axes[:2]):
            continue
        sizes = [names.setdefault(axis, f"size{len(names)}") for axis in axes[2:]]
        if any(len(set(axis)) == 1 for axis in axes[2:]):  # a bias, a kernel
            continue
        count = metadata.BATCH if axes[0][0] == COUNT else axes[0][0]
        dims = [count, axes[1][0], *sizes]
        graph.value_info.append(onnx.helper.make_tensor_value_info(name, TensorProto.FLOAT, dims))


def _shapes_at(model: onnx.ModelProto, height: int, width: int) -> dict[str, list[int]]:
    """Return the shapes that are known of float tensors, for `COUNT` pictures of that size."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for value in fixed.graph.input:
        if value.name == metadata.IMAGE:
            for dim, size in zip(value.type.tensor_type.shape.dim, (COUNT, height, width, 3), strict=True):
                dim.dim_value = size
    del fixed.graph.value_info[:]
    inferred = shape_inference.infer_shapes(fixed, data_prop=True)
    found = {}
    for value in inferred.graph.value_info:
        tensor = value.type.tensor_type
        dims = [dim.dim_value for dim in tensor.shape.dim]
        if tensor.elem_type == TensorProto.FLOAT and dims and all(dims):
            found[value.name] = dims
    return found


def describe_stem(model: onnx.ModelProto, field: Field) -> metadata.Stem:
    """Describe where the stem lies in the graph; `field` is what its positions see."""
    producers = {output: node for node in model.graph.node for output in node.output}
    places = {name for name in producers if name.endswith(PLACE)}
    places = {name for name in places if metadata.STEM not in _ancestors(producers, [name])}
    forward = _ancestors(producers, [metadata.STEM, *places])
    backward = _ancestors(producers, [metadata.GRADIENT], until=metadata.STEM_GRADIENT) - forward
    used = {
        name
        for output in backward
        if producers[output].op_type != "Shape"
        for read in producers[output].input
        for name in _sources(producers, read)
        if name in forward
    }
    return metadata.Stem(
        stride=field.stride,
        before=field.before,
        after=field.after,
        field=field.size,
        kept=tuple(sorted(x for x in used if _is_picture(model, x) and not _is_cheap(producers, x))),
        padded_forward=tuple(sorted(x for x in forward if _is_padded(producers[x]))),
        padded_backward=tuple(sorted(x for x in backward if _is_padded_gradient(producers[x]))),
    )


def _ancestors(producers: Mapping[str, onnx.NodeProto], names: Iterable[str], until: str = "") -> set[str]:
    """Return what `names` are computed from, including themselves, but not `until` and what precedes it."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in producers and name not in found and name != until:
            found.add(name)
            waiting += producers[name].input
    return found


def _is_picture(model: onnx.ModelProto, name: str) -> bool:
    return name == metadata.STEM or any(x.name == name for x in model.graph.value_info)


def _is_cheap(producers: Mapping[str, onnx.NodeProto], name: str) -> bool:
    """Return whether a tensor is cheaper to recompute than to keep: few weights, or the first layer."""
    node = producers[name]
    while node.op_type == "Relu":
        node = producers[node.input[0]]
    if node.op_type != "Conv":
        return False
    size = _ints(node, "kernel_shape")
    return size == [1, 1] or producers[node.input[0]].input[0] == metadata.IMAGE


def _sources(producers: Mapping[str, onnx.NodeProto], name: str) -> set[str]:
    """Return what a tensor is computed from by `QUICK` operations and 1x1 convolutions between them."""
    node = producers.get(name)
    if node is None or node.op_type not in QUICK or name.endswith(PLACE):
        return {name}
    found: set[str] = set()
    for read in node.input:
        inner = producers.get(read)
        summed = inner is not None and inner.op_type == "Conv" and _ints(inner, "kernel_shape") == [1, 1]
        found |= _sources(producers, inner.input[0] if inner is not None and summed else read)
    return found


def _is_padded(node: onnx.NodeProto) -> bool:
    return node.op_type in ("Conv", "MaxPool") and any(_ints(node, "pads"))


def _is_padded_gradient(node: onnx.NodeProto) -> bool:
    """Return whether this is the gradient of a padded convolution: it is padded, but less than fully.

    At a stride, it cuts as much off as the convolution pads.
    """
    if node.op_type == "ConvTranspose":
        return any(_ints(node, "pads"))
    if node.op_type != "Conv" or len(_ints(node, "pads")) == 0:
        return False
    full = [k - 1 for k in _ints(node, "kernel_shape")] * 2
    return any(pad < most for pad, most in zip(_ints(node, "pads"), full, strict=True))


def _ints(node: onnx.NodeProto, name: str) -> list[int]:
    return next((list(x.ints) for x in node.attribute if x.name == name), [])
