"""The verbs of `engine.weights.instructions`: from the variables of a weights file to a tensor of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.errors import WeightsError
from engine.weights.instructions import NORM, ONES, READ, SCALE, TIMES, ZEROS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from numpy.typing import NDArray

    from engine.weights.instructions import Filled
    from engine.weights.protocol import Weights

    Values = NDArray[np.float64]


class Variables:
    """The variables of a weights file, under the names that a network has for its layers."""

    def __init__(self, weights: Weights, names: Mapping[str, str], network: str) -> None:
        """Take the names of `engine.weights.names.match`."""
        self._weights, self._names, self._network = weights, names, network
        self._there = frozenset(weights.layers)

    def make(self, tensor: Filled) -> Values:
        """Follow all steps of a tensor, in float64.

        Raises WeightsError, which names the variable, where one is missing, has another shape, or holds
        values that no network has.
        """
        value: Values = np.zeros(tensor.shape)
        for verb, *arguments in tensor.steps:
            if verb == READ:
                layer, variable = arguments
                value = self._read(layer, variable, tensor.shape)
            elif verb == ZEROS:
                value = np.zeros(tensor.shape)
            elif verb == ONES:
                value = np.ones(tensor.shape)
            elif verb == TIMES:
                value = value * float(arguments[0])
            elif verb == SCALE:
                value = np.multiply(value, self.factor(tuple(arguments), tensor.shape[-1]))
            elif verb == NORM:
                value = self._norm(value, tuple(arguments))
            else:
                raise ValueError(f"a template of this kind is not known: {verb}")
        return value

    def factor(self, norm: tuple[Any, ...], channels: int) -> Values:
        """Return what a batch norm multiplies each channel by, [channels].  Raises WeightsError.

        `norm` is the arguments of `SCALE`: layer, epsilon, whether it has gamma.
        """
        layer, epsilon, has_gamma = norm
        variance = self._read(layer, "moving_variance", (channels,))
        if (variance < 0).any():
            raise WeightsError(f"{self._called(layer, 'moving_variance')} holds negative values")
        gamma = self._read(layer, "gamma", (channels,)) if has_gamma else 1.0
        return np.asarray(gamma / np.sqrt(variance + epsilon))

    def _norm(self, value: Values, norm: tuple[Any, ...]) -> Values:
        layer, channels = norm[0], value.shape[-1:]
        mean, beta = self._read(layer, "moving_mean", channels), self._read(layer, "beta", channels)
        return beta + (value - mean) * self.factor(norm, *channels)

    def _read(self, layer: str, variable: str, shape: tuple[int, ...]) -> Values:
        name, called = self._names[layer], self._called(layer, variable)
        found = self._weights.tensor(name, variable) if name in self._there else None
        if found is None:
            raise WeightsError(
                f"the weights lack {called}, which {self._network} needs",
                hint="a shallower layer may do without it: --until",
            )
        if found.shape != shape:
            raise WeightsError(f"{called} has the shape {found.shape}, and {self._network} needs {shape}")
        values = found.astype(np.float64)
        if not np.isfinite(values).all():
            raise WeightsError(f"{called} holds values that are not finite")
        return values

    def _called(self, layer: str, variable: str) -> str:
        """Name a variable as the file does, or would."""
        return f"{self._names[layer]}/{variable}"


def as_stored(values: Values, dtype: Any, what: str) -> NDArray[Any]:
    """Return values in the type that a file stores.  Raises WeightsError where they don't fit into it."""
    with np.errstate(over="ignore"):
        stored = values.astype(dtype)
    if not np.isfinite(stored).all():
        raise WeightsError(f"{what} holds values that are too large for {np.dtype(dtype).name}")
    return stored
