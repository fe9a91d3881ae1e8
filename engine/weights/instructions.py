"""How each tensor of a template is made from the variables of a weights file: by a few verbs in turn.

The exporter writes them into a template, as JSON in its metadata under `KEY`; docs/model-file.md documents
them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from engine.network.contract import PREFIX

KEY: Final = PREFIX + "filling"

READ: Final = "read"
"""[read, layer, variable]: begin with a variable of the weights file, of the tensor's shape."""

ZEROS: Final = "zeros"
"""[zeros]: begin with zeros."""

ONES: Final = "ones"
"""[ones]: begin with ones."""

TIMES: Final = "times"
"""[times, number]: multiply by a number."""

SCALE: Final = "scale"
"""[scale, layer, epsilon, has gamma]: multiply the last axis by a batch norm's factor, gamma / sqrt(variance
+ epsilon)."""

NORM: Final = "norm"
"""[norm, layer, epsilon, has gamma]: apply a batch norm to the last axis: (value - mean) * factor + beta."""


@dataclass(frozen=True)
class Filled:
    """One tensor of a template."""

    name: str
    """Of the initializer that is empty in the template."""

    shape: tuple[int, ...]

    steps: tuple[tuple[Any, ...], ...]
    """Each is a verb and its arguments."""


@dataclass(frozen=True)
class Published:
    """Where weights for a network are to be had."""

    address: str = ""
    """Of the file; empty where none is known."""

    hash: str = ""
    """`md5:`, `sha1:` or `sha256:`, and the file's, as its publisher states it."""

    licence: str = ""
    """Of the weights."""

    size: int = 0
    """Bytes of the file, where it holds much besides what a model takes; 0 where it does not."""


@dataclass(frozen=True)
class Instructions:
    """All that it takes to fill a template."""

    tensors: tuple[Filled, ...]

    order: dict[str, tuple[str, ...]]
    """By kind (`conv2d`), the layers that have variables in the order of Keras' `model.layers`."""

    counted: tuple[str, ...]
    """Kinds whose layers have no names of their own: Keras counts them, across all networks of a process."""

    min_sizes: tuple[int, ...]
    """The shortest side of a picture, in pixels, for the network cut after each of its layers."""

    published: Published

    def to_text(self) -> str:
        """Return them as JSON, which leaves out a size of 0."""
        found = asdict(self)
        if not self.published.size:
            del found["published"]["size"]
        return json.dumps(found, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Instructions:
        """Read what `to_text` wrote.  Raises ValueError, TypeError or KeyError where it is something else."""
        found = json.loads(text)
        return cls(
            tensors=tuple(
                Filled(x["name"], tuple(x["shape"]), tuple(map(tuple, x["steps"]))) for x in found["tensors"]
            ),
            order={kind: tuple(names) for kind, names in found["order"].items()},
            counted=tuple(found["counted"]),
            min_sizes=tuple(found["min_sizes"]),
            published=Published(**found["published"]),
        )
