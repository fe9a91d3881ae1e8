"""Which layer of a weights file is which layer of a network: by name, by number, or by order alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.weights.instructions import Instructions
    from engine.weights.protocol import Weights


def match(instructions: Instructions, weights: Weights) -> dict[str, str]:
    """Return what the file calls each of the network's layers, or would if it had it.

    Keras counts layers without a name of their own through all networks of a process, from 0 or from 1 on:
    the third `conv2d` is `conv2d_2`, `conv2d_3`, or `conv2d_96` in a second network.

    Raises WeightsError where a file that has an order only holds another number of layers.
    """
    if weights.numbered:
        return _by_order(instructions, weights)
    found: dict[str, str] = {}
    for kind, names in instructions.order.items():
        found |= {name: name for name in names}
        if kind in instructions.counted:
            first = min(_numbers(kind, weights.layers), default=0)
            found |= {name: _numbered(kind, first + x) for x, name in _numbers(kind, names).items()}
    return found


def _by_order(instructions: Instructions, weights: Weights) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind, names in instructions.order.items():
        given = sorted(_numbers(kind, weights.layers).items())
        if len(given) != len(names):
            raise WeightsError(
                f"the weights have {len(given)} layers of the kind {kind}, and the network has {len(names)}",
                hint="this file only tells its layers' order: it must hold the whole network, no more",
            )
        found |= {name: there for name, (_, there) in zip(names, given, strict=True)}
    return found


def _numbers(kind: str, names: Iterable[str]) -> dict[int, str]:
    """Return the names that are a kind and perhaps a number, by that number."""
    form = re.compile(rf"{re.escape(kind)}(?:_([0-9]{{1,9}}))?")
    return {int(x[1] or 0): name for name in names if (x := form.fullmatch(name))}


def _numbered(kind: str, number: int) -> str:
    return f"{kind}_{number}" if number else kind
