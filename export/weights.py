"""The weights of a network in one form, wherever they come from; `export.sources` loads them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from export.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from export.architecture import Architecture

EPSILON = 1e-3
"""What Keras' InceptionV3 adds to the variance in every batch norm."""


@dataclass(frozen=True)
class ConvWeights:
    """One convolution without bias and the batch norm (without gamma) behind it."""

    kernel: NDArray[np.generic]
    """uint8, float16 or float32, [h, w, in, out], as it is to be stored."""

    beta: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    """Batch norm, each [out]."""

    scale: float = 1.0
    minimum: float = 0.0
    """What an 8-bit kernel stands for: `kernel * scale + minimum`."""

    @property
    def values(self) -> NDArray[np.float64]:
        """The kernel's numbers."""
        return self.kernel.astype(np.float64) * self.scale + self.minimum

    @property
    def factor(self) -> NDArray[np.float64]:
        """What batch norm multiplies each output channel by, [out]."""
        return np.asarray(1.0 / np.sqrt(self.variance + EPSILON))

    @property
    def bias(self) -> NDArray[np.float64]:
        """What batch norm adds to each output channel after that, [out]."""
        return self.beta - self.mean * self.factor


@dataclass(frozen=True)
class Weights:
    """All convolutions of a network in the order in which Keras creates its layers."""

    convolutions: tuple[ConvWeights, ...]
    source: str
    """Where they come from, with the sha256 of the file."""

    def fit(self, architecture: Architecture) -> Weights:
        """Keep what `architecture` needs.  Raises WeightsError where shapes differ or some are missing."""
        wanted = architecture.kernel_shapes()
        if len(self.convolutions) < len(wanted):
            raise WeightsError(
                f"{architecture.layers[-1]} needs {len(wanted)} convolutions, "
                f"the weights have {len(self.convolutions)}",
                f"choose a shallower layer, at most {self.deepest(architecture)}",
            )
        kept = self.convolutions[: len(wanted)]
        for number, (have, want) in enumerate(zip(kept, wanted, strict=True), 1):
            if have.kernel.shape != want:
                raise WeightsError(
                    f"convolution {number} has a kernel of shape {have.kernel.shape}, "
                    f"{architecture.name} has {want} there"
                )
        return replace(self, convolutions=kept)

    def deepest(self, architecture: Architecture) -> str:
        """Return the deepest layer that these weights reach.  Raises WeightsError where there is none."""
        fitting = [
            name
            for name in architecture.layers
            if len(architecture.until(name).kernel_shapes()) <= len(self.convolutions)
        ]
        if not fitting:
            raise WeightsError(f"the weights do not even reach {architecture.layers[0]}")
        return fitting[-1]

    def halved(self) -> Weights:
        """Store float kernels as float16: half the file for a relative error of at most 0.05 % per value."""
        halves = tuple(
            conv if conv.kernel.dtype == np.uint8 else replace(conv, kernel=conv.kernel.astype(np.float16))
            for conv in self.convolutions
        )
        return replace(self, convolutions=halves, source=f"{self.source}, kernels as float16")


def digest(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
