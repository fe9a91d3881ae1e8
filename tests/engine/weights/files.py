"""Weights as a file's reader gives them to whoever fills a template."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from engine.errors import WeightsError
from engine.weights.reading import open_weights
from tests.tiny_model import weights


@dataclass
class Known:
    """Variables in memory, by `layer/variable`."""

    variables: dict[str, np.ndarray]
    numbered: bool = False
    source: str = "weights.h5 sha256:00"
    asked: list[str] = field(default_factory=list)

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(x.rpartition("/")[0] for x in self.variables))

    def tensor(self, layer: str, variable: str, /) -> np.ndarray | None:
        self.asked.append(f"{layer}/{variable}")
        return self.variables.get(f"{layer}/{variable}")


def counted(kind: str, number: int) -> str:
    return f"{kind}_{number}" if number else kind


def tiny(first: int = 0) -> Known:
    """Return the weights of tests/data/tiny.onnx, its layers counted from `first` on."""
    variables = {}
    for number, conv in enumerate(weights().convolutions, first):
        norm = counted("batch_normalization", number)
        variables[f"{counted('conv2d', number)}/kernel"] = conv.kernel
        variables[f"{norm}/beta"] = conv.beta
        variables[f"{norm}/moving_mean"] = conv.mean
        variables[f"{norm}/moving_variance"] = conv.variance
    return Known(variables)


def refusal(file: Path) -> str:
    """Return what is said of a file that is opened, and all of whose tensors are read."""
    with pytest.raises(WeightsError) as refused:
        _read(file)
    assert str(file) in str(refused.value)
    return str(refused.value)


def _read(file: Path) -> None:
    with open_weights(file) as weights:
        for layer in weights.layers:
            for variable in ("kernel", "bias", "beta", "moving_mean", "moving_variance"):
                weights.tensor(layer, variable)
