"""Damaged model files: bytes, and what only one who knows the format can damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.fuzz.case import TINY, Case, dream, photo
from tests.fuzz.mutate import NUMBERS, damaged, damaged_text, other


def make(random: Random) -> Case:
    """Return a dream with a damaged model; some are of one layer, some with the whole model at once."""
    content = TINY.read_bytes()
    if random.random() < 0.4:
        # What is looked at first stands at the end.
        start = len(content) - random.choice((len(content), 2500))
        part, what = damaged(random, content[start:])
        content = content[:start] + part
    else:
        content, what = _reworked(random, content)
    layers = random.choice(("mixed0", "mixed1", "mixed0,mixed1"))
    words = dream("photo.png", "--layers", layers, layers=False, model="m.onnx")
    # 2, 3: a file may say that it has other layers, or needs larger pictures.
    return Case(
        what, words, frozenset({2, 3, 4}), {"photo.png": photo(), "m.onnx": content}, result="out.png"
    )


def _reworked(random: Random, content: bytes) -> tuple[bytes, str]:
    import onnx

    model = onnx.load_from_string(content)
    said = []
    if random.random() < 0.2:
        _without_stem(model, random)
        said.append("no stem")
    for _ in range(random.choice((1, 1, 2))):
        change = random.choice(CHANGES)
        said.append(f"{change.__name__.strip('_')}: {change(model, random)}")
    return model.SerializeToString(), ", ".join(said)


def _without_stem(model: Any, _: Random) -> str:
    for entry in [x for x in model.metadata_props if x.key == "deepdream.stem"]:
        model.metadata_props.remove(entry)
    return ""


def _tensor(model: Any, random: Random) -> str:
    """Change type, sizes or values of a stored tensor."""
    import numpy as np
    from onnx import TensorProto, numpy_helper

    tensor = random.choice(model.graph.initializer)
    values = numpy_helper.to_array(tensor)
    kind = random.choice(("type", "sizes", "values", "shape", "external"))
    if kind == "type":
        tensor.data_type = random.randrange(24)
    elif kind == "sizes":
        tensor.dims[:] = [random.choice(NUMBERS) % 2**63 for _ in range(random.randrange(5))]
    elif kind == "values":
        new = np.full_like(values, random.choice((0, 1, 3, 2**31 - 1)))
        if values.dtype == np.float32:
            new = np.full_like(values, random.choice((np.nan, np.inf, 3e38, 0, -1e-40)))
        tensor.CopyFrom(numpy_helper.from_array(new, tensor.name))
    elif kind == "shape":
        new = np.resize(values, [random.choice((0, 1, 2, 5)) for _ in values.shape])
        tensor.CopyFrom(numpy_helper.from_array(new, tensor.name))
    else:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=random.choice(("photo.png", "/etc/passwd", "")))
    return f"{kind} of {tensor.name}"


def _node(model: Any, random: Random) -> str:
    """Take a node away, double it, or change its operation or its inputs."""
    nodes = model.graph.node
    place = random.randrange(len(nodes))
    node = nodes[place]
    kind = random.choice(("gone", "operation", "inputs", "outputs", "domain", "order"))
    if kind == "gone":
        del nodes[place]
    elif kind == "operation":
        node.op_type = random.choice((*{x.op_type for x in nodes}, "Loop", "If", "NoSuch", "", "Identity"))
    elif kind == "inputs":
        node.input[:] = random.sample([y for x in nodes for y in x.output], len(node.input))
    elif kind == "outputs":
        node.output[0] = random.choice(("loss", "stem", "", "new"))
    elif kind == "domain":
        node.domain = random.choice(("com.microsoft", "nowhere", "ai.onnx.ml"))
    else:
        other = random.choice(nodes)
        node.input[0] = other.output[0]
    return f"{kind} of {node.op_type} {node.name}"


def _attribute(model: Any, random: Random) -> str:
    """Change an attribute's numbers, or leave it out."""
    node = random.choice([x for x in model.graph.node if x.attribute])
    attribute = random.choice(node.attribute)
    if random.random() < 0.2:
        node.attribute.remove(attribute)
    elif attribute.ints:
        attribute.ints[random.randrange(len(attribute.ints))] = random.choice(NUMBERS)
    else:
        attribute.i = random.choice(NUMBERS)
    return f"{attribute.name} of {node.op_type} {node.name}"


def _described(model: Any, random: Random) -> str:
    """Change what the file says about shapes and types."""
    value = random.choice([*model.graph.input, *model.graph.output, *model.graph.value_info])
    tensor = value.type.tensor_type
    if random.random() < 0.3:
        tensor.elem_type = random.randrange(20)
    elif tensor.shape.dim:
        random.choice(tensor.shape.dim).dim_value = random.choice(NUMBERS)
    else:
        tensor.shape.dim.add().dim_value = random.choice(NUMBERS)
    return value.name


def _metadata(model: Any, random: Random) -> str:
    """Change the file's own words about itself."""
    entry = random.choice(model.metadata_props)
    if random.random() < 0.5:
        entry.value, what = damaged_text(random, entry.value)
        return f"{entry.key}, {what}"
    try:
        table = json.loads(entry.value)
    except ValueError:
        table = entry.value
    entry.value = json.dumps(other(table, random))[:100_000]
    return f"{entry.key} = {entry.value[:60]}"


def _bomb(model: Any, random: Random) -> str:
    """Let a small file ask for much memory."""
    import numpy as np
    from onnx import helper, numpy_helper

    size = random.choice((2**33, 2**38, 2**62))
    shape = numpy_helper.from_array(np.array([size], np.int64), "bomb/shape")
    model.graph.initializer.append(shape)
    nodes = [
        helper.make_node("ConstantOfShape", ["bomb/shape"], ["bomb"]),
        helper.make_node("ReduceSum", ["bomb"], ["bomb/sum"], keepdims=0),
    ]
    last = next(x for x in model.graph.node if "loss" in x.output)
    last.output[:] = ["loss/before" if x == "loss" else x for x in last.output]
    nodes.append(helper.make_node("Add", ["loss/before", "bomb/sum"], ["loss"]))
    model.graph.node.extend(nodes)
    return f"{size} floats"


CHANGES: tuple[Callable[[Any, Random], str], ...] = (
    _tensor,
    _tensor,
    _node,
    _node,
    _attribute,
    _attribute,
    _described,
    _metadata,
    _bomb,
)
