"""Parts of a model file: the operations between given tensors, as a model of their own.

ONNX files are protocol buffers.  Only the fields that matter here are declared; all others pass through
unread, as the format promises, so neither the `onnx` package nor a full schema is needed at run time.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine.forks import once

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    Shape: TypeAlias = Sequence[int | str]

FLOAT: Final = 1
HALF: Final = 10
"""ONNX's numbers for float32 and float16 elements."""

FIELDS: Final = {
    # Message: its fields as name -> (number, type or message, repeated); numbers from the ONNX specification.
    "Dimension": {"dim_value": (1, "int64", False), "dim_param": (2, "string", False)},
    "Shape": {"dim": (1, "Dimension", True)},
    "TensorType": {"elem_type": (1, "int32", False), "shape": (2, "Shape", False)},
    "Type": {"tensor_type": (1, "TensorType", False)},
    "Value": {"name": (1, "string", False), "type": (2, "Type", False)},
    "Tensor": {
        "dims": (1, "int64", True),
        "data_type": (2, "int32", False),
        "name": (8, "string", False),
        "raw_data": (9, "bytes", False),
    },
    "Attribute": {
        "name": (1, "string", False),
        "f": (2, "float", False),
        "i": (3, "int64", False),
        "g": (6, "bytes", False),
        "ints": (8, "int64", True),
        "graphs": (11, "bytes", True),
        "type": (20, "int32", False),
    },
    "Node": {
        "input": (1, "string", True),
        "output": (2, "string", True),
        "op_type": (4, "string", False),
        "attribute": (5, "Attribute", True),
    },
    "Graph": {
        "node": (1, "Node", True),
        "name": (2, "string", False),
        "initializer": (5, "Tensor", True),
        "input": (11, "Value", True),
        "output": (12, "Value", True),
        "value_info": (13, "Value", True),
    },
    "Entry": {"key": (1, "string", False), "value": (2, "string", False)},
    "Model": {
        "graph": (7, "Graph", False),
        "metadata_props": (14, "Entry", True),
        "functions": (25, "bytes", True),
    },
}

LONGEST: Final = 300
"""Characters of a name, at most."""

INT: Final = 2
INTS: Final = 7
"""ONNX's numbers for attributes that are one whole number, and several; `FLOAT` is that for any other."""

INT64: Final = 7
"""ONNX's number for elements that are whole numbers of 64 bits."""

GATHERING: Final = frozenset(["Add", "Sum", "Concat"])
"""Operations that can do without some of their inputs when these are cut away."""


@dataclass(frozen=True)
class Tensor:
    """Type and shape of an input or output."""

    is_float: bool
    """Whether its elements are float32."""

    shape: tuple[int | None, ...]
    """None for sizes that are open."""


class Graph:
    """The graph of a model file.  Raises ValueError where the content is not one."""

    def __init__(self, content: bytes) -> None:
        self._model = parse(content)

    @cached_property
    def _shell(self) -> bytes:
        """The model without its graph: versions and metadata."""
        shell = _message("Model")()
        shell.CopyFrom(self._model)
        shell.ClearField("graph")
        content: bytes = shell.SerializeToString()
        return content

    @property
    def readable(self) -> bool:
        """Whether the names in it are text that can be shown."""
        names = _names(self._model.graph)
        return all(isinstance(x, str) and x.isprintable() and len(x) <= LONGEST for x in names)

    @property
    def nests(self) -> bool:
        """Whether an operation holds a graph, as loops and branches do, or the file defines functions."""
        attributes = (x for node in self._model.graph.node for x in node.attribute)
        return bool(self._model.functions) or any(x.HasField("g") or x.graphs for x in attributes)

    @property
    def props(self) -> dict[str, str]:
        """What the file says about itself: its `metadata_props`."""
        return {_text(x.key): _text(x.value) for x in self._model.metadata_props}

    @property
    def inputs(self) -> dict[str, Tensor]:
        """What it takes."""
        stored = {x.name for x in self._model.graph.initializer}
        return {_text(x.name): _describe(x) for x in self._model.graph.input if x.name not in stored}

    @property
    def outputs(self) -> dict[str, Tensor]:
        """What it gives."""
        return {_text(x.name): _describe(x) for x in self._model.graph.output}

    def channels(self, tensor: str) -> int:
        """Return how many channels a tensor [N, C, h, w] has.

        Raises ValueError where the file does not say.
        """
        for value in self._model.graph.value_info:
            if value.name == tensor and len(value.type.tensor_type.shape.dim) == 4:
                return int(value.type.tensor_type.shape.dim[1].dim_value)
        raise ValueError(f"it does not describe a tensor called {tensor}")

    def kernel(self, tensor: str) -> tuple[tuple[int, int], tuple[int, ...]]:
        """Return kernel size and padding of the convolution that computes a tensor.

        Raises ValueError where none does.
        """
        for node in self._model.graph.node:
            if tensor in node.output:
                ints = {x.name: tuple(x.ints) for x in node.attribute}
                size, pads = ints.get("kernel_shape", ()), ints.get("pads", ())
                if len(size) == 2 and len(pads) == 4:
                    return (size[0], size[1]), pads
        raise ValueError(f"it has no padded convolution called {tensor}")

    def is_transposed(self, tensor: str) -> bool:
        """Tell whether a tensor is computed by a transposed convolution."""
        return any(
            tensor in node.output and node.op_type == "ConvTranspose" for node in self._model.graph.node
        )

    @property
    def content(self) -> bytes:
        """The content of a model file that holds it."""
        content: bytes = self._model.SerializeToString()
        return content

    def without(self, names: Iterable[str]) -> Graph:
        """Return the graph without these tensors and all that cannot be computed without them.

        Sums and concatenations keep what is left of their inputs.
        """
        gone = set(names)
        cut = Graph(self.content)
        graph = cut._model.graph
        for field in (graph.input, graph.initializer):
            _replace(field, [x for x in field if x.name not in gone])
        _replace(graph.node, [node for node in graph.node if _survives(node, gone)])
        return cut

    def part(
        self,
        inputs: Mapping[str, Shape],
        outputs: Sequence[str],
        pads: Mapping[str, Sequence[int]] | None = None,
    ) -> bytes:
        """Return a model that computes `outputs` from `inputs`, float32 tensors of the given shapes.

        A size is a number or a name.  `pads` sets the padding of the nodes that compute the tensors it
        names: before and after, each by axis.
        """
        graph = self._model.graph
        needed = needed_for(graph, outputs, set(inputs))
        part = _message("Model").FromString(self._shell)
        part.graph.name = graph.name
        part.graph.node.extend(x for x in graph.node if needed.intersection(x.output))
        part.graph.initializer.extend(x for x in graph.initializer if x.name in needed)
        # Named sizes are the whole picture's: they are wrong where an input's shape is given in numbers.
        named = all(isinstance(size, str) for shape in inputs.values() for size in shape[2:])
        kept = needed - set(inputs) - set(outputs) if named else set()
        part.graph.value_info.extend(x for x in graph.value_info if x.name in kept)
        part.graph.input.extend(_value(name, shape) for name, shape in inputs.items())
        part.graph.output.extend(_value(name, None) for name in outputs)
        for node in part.graph.node:
            for name in set(node.output) & set(pads or ()):
                _set_ints(node, "pads", (pads or {})[name])
        content: bytes = part.SerializeToString()
        return content


def _text(value: Any) -> str:
    """Return a string of the file.  Anything that is not UTF-8 comes as bytes, and is refused."""
    if not isinstance(value, str):
        raise ValueError("it is not an ONNX model")
    return value


def parse(content: bytes) -> Any:
    """Return a model file as the message that `FIELDS` declares; raise ValueError where it is not one."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - only where a model is taken apart

    model = _message("Model")()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise ValueError("it is not an ONNX model") from error
    if not model.graph.node:
        raise ValueError("it is not an ONNX model")
    return model


def _names(graph: Any) -> Iterator[Any]:
    yield graph.name
    for node in graph.node:
        yield from (node.op_type, *node.input, *node.output, *(x.name for x in node.attribute))
    for value in (*graph.initializer, *graph.input, *graph.output, *graph.value_info):
        yield value.name


def make_node(op: str, inputs: Iterable[str], output: str, **numbers: float | Sequence[int]) -> Any:
    """Return a new operation; its attributes are numbers, or several whole ones."""
    node = _message("Node")()
    node.op_type = op
    node.input.extend(inputs)
    node.output.append(output)
    for name, number in numbers.items():
        if isinstance(number, int):
            node.attribute.add(name=name, i=number, type=INT)
        elif isinstance(number, float):
            node.attribute.add(name=name, f=number, type=FLOAT)
        else:
            node.attribute.add(name=name, ints=number, type=INTS)
    return node


def make_indices(name: str, values: Sequence[int]) -> Any:
    """Return a stored tensor of whole numbers."""
    tensor = _message("Tensor")()
    tensor.name, tensor.data_type = name, INT64
    tensor.dims.append(len(values))
    tensor.raw_data = struct.pack(f"<{len(values)}q", *values)
    return tensor


def make_floats(name: str, values: Sequence[float], shape: Sequence[int]) -> Any:
    """Return a stored tensor of float32 numbers."""
    tensor = _message("Tensor")()
    tensor.name, tensor.data_type = name, FLOAT
    tensor.dims.extend(shape)
    tensor.raw_data = struct.pack(f"<{len(values)}f", *values)
    return tensor


def changed(content: bytes, *changes: Callable[[Any], None]) -> bytes:
    """Return a model file after changes to its parsed message; raise ValueError where it is not one."""
    model = parse(content)
    for change in changes:
        change(model)
    result: bytes = model.SerializeToString()
    return result


def _describe(value: Any) -> Tensor:
    tensor = value.type.tensor_type
    sizes = (x.dim_value if x.HasField("dim_value") else None for x in tensor.shape.dim)
    return Tensor(tensor.elem_type == FLOAT, tuple(sizes))


def _survives(node: Any, gone: set[str]) -> bool:
    """Tell whether a node can still be computed; note its outputs in `gone` where it cannot."""
    present = [name for name in node.input if name not in gone]
    if len(present) == len(node.input):
        return not gone.issuperset(node.output) or not node.output
    if node.op_type in GATHERING and present:
        node.op_type = "Sum" if node.op_type == "Add" else node.op_type
        if len(present) == 1:  # which the runtime removes
            node.op_type = "Identity"
            del node.attribute[:]
        _replace(node.input, present)
        return True
    gone.update(node.output)
    return False


def needed_for(graph: Any, outputs: Iterable[str], inputs: Collection[str] = ()) -> set[str]:
    """Return the names of all tensors that `outputs` are computed from, themselves and down to `inputs`.

    Raises ValueError where one of them is not in the graph.
    """
    producers = {name: node for node in graph.node for name in node.output}
    stored = {x.name for x in graph.initializer}
    found: set[str] = set()
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if not name or name in found or name in inputs:
            continue
        found.add(name)
        if name in producers:
            waiting += producers[name].input
        elif name not in stored:
            raise ValueError(f"it has no tensor called {name if str(name).isprintable() else ascii(name)}")
    return found


def _value(name: str, shape: Shape | None) -> Any:
    """Describe a float32 input or output."""
    value = _message("Value")()
    value.name = name
    value.type.tensor_type.elem_type = FLOAT
    for size in () if shape is None else shape:
        dim = value.type.tensor_type.shape.dim.add()
        setattr(dim, "dim_param" if isinstance(size, str) else "dim_value", size)
    return value


def _set_ints(node: Any, name: str, values: Sequence[int]) -> None:
    (attribute,) = (x for x in node.attribute if x.name == name)
    _replace(attribute.ints, values)


def _replace(field: Any, values: Iterable[Any]) -> None:
    """Set a repeated field, even to a selection of its own messages."""
    values = list(values)
    copies = [_copy(x) for x in values]
    del field[:]
    field.extend(copies)


def _copy(value: Any) -> Any:
    if not hasattr(value, "CopyFrom"):
        return value
    copy = type(value)()
    copy.CopyFrom(value)
    return copy


@cache
def _message(name: str) -> Any:
    """Return the class of a message."""
    from google.protobuf import message_factory  # noqa: PLC0415 - not before a model is opened

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"deepdream.{name}"))


@once
def _pool() -> Any:
    """Declare `FIELDS` to the protocol buffer library, in a pool that is not shared with other packages."""
    from google.protobuf import descriptor_pb2, descriptor_pool  # noqa: PLC0415 - not before a model is opened

    kinds = descriptor_pb2.FieldDescriptorProto
    types = {
        "int64": kinds.TYPE_INT64,
        "int32": kinds.TYPE_INT32,
        "float": kinds.TYPE_FLOAT,
        "string": kinds.TYPE_STRING,
        "bytes": kinds.TYPE_BYTES,
    }
    file = descriptor_pb2.FileDescriptorProto(name="deepdream.proto", package="deepdream", syntax="proto2")
    for message, fields in FIELDS.items():
        declared = file.message_type.add(name=message)
        for name, (number, kind, repeated) in fields.items():
            field = declared.field.add(name=name, number=number)
            field.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            field.type = types.get(kind, kinds.TYPE_MESSAGE)
            if kind not in types:
                field.type_name = f".deepdream.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool
