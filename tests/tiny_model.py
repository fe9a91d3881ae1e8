"""The model file that the engine's tests use: an export like any other, of a network of a few channels.

Two layers with random weights: `mixed0` (4 channels) and `mixed1` (6), both at every second pixel.  The stem
has what matters when it is cut into tiles: two convolutions that pad, of which one is kept and one computed
again, and a max pool.  `python -m tests.tiny_model` writes tests/data/tiny.onnx and the network's template,
tests/data/tiny_template.onnx; it needs the [export] extra.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from export.architecture import Architecture, AveragePool, Conv, MaxPool, Parallel

if TYPE_CHECKING:
    from export.weights import Weights

TINY = Path(__file__).parent / "data" / "tiny.onnx"

TEMPLATE = TINY.with_name("tiny_template.onnx")

NETWORK = Architecture(
    "tiny",
    stem=(Conv(4, (3, 3)), Conv(4, (3, 3)), Conv(5, (1, 1)), MaxPool()),
    blocks=(
        ("mixed0", (Parallel(((Conv(2, (1, 1)),), (AveragePool(), Conv(2, (1, 1))))),)),
        ("mixed1", (Parallel(((Conv(3, (1, 1)),), (Conv(2, (1, 1)), Conv(3, (3, 3))))),)),
    ),
)


def weights() -> Weights:
    """Return the network's weights, the same at every call."""
    from export.weights import random_weights

    return random_weights("0", NETWORK)


def build() -> bytes:
    """Return the model file's content; only names of tensors in it may differ from call to call."""
    from export.convert import convert

    content: bytes = convert(NETWORK, weights()).SerializeToString(deterministic=True)
    return content


def build_template() -> bytes:
    """Return the content of the network's template; only names of tensors in it may differ."""
    from export.template import make_template

    return make_template(NETWORK)


if __name__ == "__main__":
    TINY.write_bytes(build())
    TEMPLATE.write_bytes(build_template())
