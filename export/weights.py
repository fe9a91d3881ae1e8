"""The weights of a network in one form, and those that need only NumPy: 8-bit files, random numbers."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from export.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from export.architecture import Architecture

EPSILON = 1e-3
"""Added to the variance in every batch norm of Keras' InceptionV3, which is that layer's default."""

LARGEST = 1 << 30
"""Most bytes that an .npz may unpack to."""


@dataclass(frozen=True)
class ConvWeights:
    """One convolution, and the batch norm (without gamma) that follows it, or the bias instead of one."""

    kernel: NDArray[np.generic]
    """[h, w, in, out] in the type to store: uint8, float16 or float32."""

    beta: NDArray[np.float64]
    """Of the batch norm, or the bias; [out]."""

    mean: NDArray[np.float64] | None = None
    variance: NDArray[np.float64] | None = None
    """Of the batch norm, each [out]; None where there is none."""

    scale: float = 1.0
    minimum: float = 0.0
    """An 8-bit kernel stands for `kernel * scale + minimum`."""

    @property
    def values(self) -> NDArray[np.float64]:
        """The kernel's actual values."""
        return self.kernel.astype(np.float64) * self.scale + self.minimum

    @property
    def factor(self) -> NDArray[np.float64]:
        """What the batch norm multiplies each output channel by, [out]."""
        if self.variance is None:
            return np.ones_like(self.beta)
        return np.asarray(1.0 / np.sqrt(self.variance + EPSILON))

    @property
    def bias(self) -> NDArray[np.float64]:
        """What the batch norm then adds to each output channel, [out]."""
        return self.beta if self.mean is None else self.beta - self.mean * self.factor


@dataclass(frozen=True)
class Weights:
    """All convolutions of a network, in the order in which Keras creates its layers."""

    convolutions: tuple[ConvWeights, ...]
    source: str
    """Where they come from, with the sha256 if that is a file."""

    def fit(self, architecture: Architecture) -> Weights:
        """Keep what `architecture` needs.  Raises WeightsError if shapes differ or some are missing."""
        wanted = architecture.kernel_shapes()
        if len(self.convolutions) < len(wanted):
            raise WeightsError(
                f"{architecture.layers[-1]} needs {len(wanted)} convolutions, "
                f"but the weights have only {len(self.convolutions)}",
                f"choose a shallower layer, {self.deepest(architecture)} at most",
            )
        kept = self.convolutions[: len(wanted)]
        for number, (have, want) in enumerate(zip(kept, wanted, strict=True), 1):
            if have.kernel.shape != want:
                raise WeightsError(
                    f"the kernel of convolution {number} has the shape {have.kernel.shape}, "
                    f"but {architecture.name} needs {want}"
                )
        return replace(self, convolutions=kept)

    def deepest(self, architecture: Architecture) -> str:
        """Return the deepest layer that these weights reach.  Raises WeightsError if they reach none."""
        fitting = [
            name
            for name in architecture.layers
            if len(architecture.until(name).kernel_shapes()) <= len(self.convolutions)
        ]
        if not fitting:
            raise WeightsError(f"the weights do not even reach {architecture.layers[0]}")
        return fitting[-1]

    def halved(self) -> Weights:
        """Store float kernels as float16: half the size, a relative error of at most 0.05 % per value."""
        halves = tuple(
            conv if conv.kernel.dtype == np.uint8 else replace(conv, kernel=conv.kernel.astype(np.float16))
            for conv in self.convolutions
        )
        return replace(self, convolutions=halves, source=f"{self.source}, kernels as float16")


def npz_weights(path: Path) -> Weights:
    """Read 8-bit weights: each tensor `NAME` (uint8) comes with `NAME.scale` and `NAME.min`.

    Raises WeightsError if the file is broken or incomplete.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise WeightsError(f"{path} is too large for the weights of this network")
        with np.load(path, allow_pickle=False) as archive:
            tensors = {name: archive[name] for name in archive.files}
        count = sum(name.endswith("/kernel") for name in tensors)
        if count == 0:
            raise WeightsError(
                f"{path} does not contain any kernels", "see export/weights/README.md for the format"
            )
        convolutions = tuple(_npz_convolution(tensors, number) for number in range(1, count + 1))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path} can't be read as .npz: {error}") from error
    except KeyError as error:
        raise WeightsError(f"{path} lacks the tensor {error}") from None
    return Weights(convolutions, f"{path.name} sha256:{file_sha256(path)}")


def _npz_convolution(tensors: Mapping[str, NDArray[np.generic]], number: int) -> ConvWeights:
    def vector(name: str) -> NDArray[np.float64]:
        stored = tensors[name].astype(np.float64)
        if f"{name}.scale" not in tensors:
            return stored
        return np.asarray(stored * float(tensors[f"{name}.scale"]) + float(tensors[f"{name}.min"]))

    norm, kernel = f"batch_normalization_{number}", f"conv2d_{number}/kernel"
    return ConvWeights(
        kernel=tensors[kernel],
        beta=vector(f"{norm}/beta"),
        mean=vector(f"{norm}/moving_mean"),
        variance=vector(f"{norm}/moving_variance"),
        scale=float(tensors[f"{kernel}.scale"]),
        minimum=float(tensors[f"{kernel}.min"]),
    )


def random_weights(seed: str, architecture: Architecture) -> Weights:
    """Draw untrained weights that preserve the size of activations from layer to layer (He et al. 2015).

    Raises WeightsError if `seed` is not a whole number.
    """
    if not seed.isdecimal():
        raise WeightsError(f"{seed!r} is not a valid seed", "give a whole number, such as random:1")
    draw = np.random.default_rng(int(seed))
    convolutions = []
    for shape in architecture.kernel_shapes():
        spread = np.sqrt(2.0 / np.prod(shape[:3]))
        filters = shape[-1]
        convolutions.append(
            ConvWeights(
                kernel=draw.normal(0.0, spread, shape).astype(np.float32),
                beta=draw.normal(0.0, 0.1, filters),
                mean=draw.normal(0.0, 0.1, filters) if architecture.norm else None,
                variance=draw.uniform(0.8, 1.2, filters) if architecture.norm else None,
            )
        )
    return Weights(tuple(convolutions), f"random:{seed}")


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
