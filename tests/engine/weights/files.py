"""Weights as a file's reader gives them to whoever fills a template."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

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
