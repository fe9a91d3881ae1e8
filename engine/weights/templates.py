"""The networks that templates are there for: graph and gradient, verified, without the weights."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError
from engine.weights.filling import read_instructions

if TYPE_CHECKING:
    from engine.network.contract import Layer
    from engine.weights.instructions import Instructions, Published

SUFFIX: Final = ".onnx.gz"
"""Of the files in engine/templates/: gzip takes them to a tenth, and every Python has it."""

GZIP: Final = 31
"""What zlib calls gzip's format."""

LARGEST: Final = 1 << 24
"""Bytes that a template unpacks to, at most."""


@dataclass(frozen=True)
class Template:
    """A model file of a network, all but its weights."""

    network: str
    """Its name, as Keras has it: `inception_v3`."""

    content: bytes
    """What `engine.weights.filling.fill` takes."""

    layers: tuple[Layer, ...]
    """The layers to dream on, shallow to deep."""

    instructions: Instructions
    """How it is filled."""

    @property
    def published(self) -> Published:
        """Where weights for it are to be had, and their licence."""
        return self.instructions.published

    @cached_property
    def model_size(self) -> int:
        """Bytes of the model file that it makes: within one per cent."""
        return len(self.content) + self._weights_size

    @property
    def published_size(self) -> int:
        """Bytes of the published weights, within one per cent: Keras' hold what a model takes, no more."""
        return self.published.size or self._weights_size

    @cached_property
    def _weights_size(self) -> int:
        return 4 * sum(math.prod(x.shape) for x in self.instructions.tensors)


def networks() -> tuple[str, ...]:
    """Return the names of all networks that there is a template for."""
    files = resources.files("engine").joinpath("templates").iterdir()
    return tuple(sorted(x.name.removesuffix(SUFFIX) for x in files if x.name.endswith(SUFFIX)))


def read_template(network: str) -> Template:
    """Read the template of a network.  Raises UsageError where there is none."""
    if network not in networks():
        raise UsageError(
            f"there is no network {network!r} to make a model of", hint=f"choose from {', '.join(networks())}"
        )
    packed = resources.files("engine").joinpath("templates", network + SUFFIX).read_bytes()
    content = zlib.decompressobj(GZIP).decompress(packed, LARGEST)
    instructions, described = read_instructions(content)
    return Template(described.network, content, described.layers, instructions)
