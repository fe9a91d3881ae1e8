"""Where weights come from: 8-bit files, Keras' files, Keras' download, or a random seed."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.errors import WeightsError
from export.weights import ConvWeights, Weights, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from export.architecture import Architecture

LARGEST = 1 << 30
"""Bytes that an .npz may unpack to."""


def load(source: str, architecture: Architecture) -> Weights:
    """Load weights from what `--weights` names.

    Args:
        source: `imagenet`, `random:SEED`, or the path of an .npz (8 bit, see export/weights/README.md), .h5
            or .keras file.
        architecture: the whole network.

    Raises:
        WeightsError: with a hint, where they can't be had or are not of this network.
    """
    if source == "imagenet":
        from export.keras_weights import imagenet_weights  # noqa: PLC0415 - imports TensorFlow

        return imagenet_weights()
    if source.startswith("random:"):
        return random_weights(source.removeprefix("random:"), architecture)
    path = Path(source)
    if not path.is_file():
        raise WeightsError(
            f"there is no weights file {source}",
            "give imagenet, random:SEED, or the path of an .npz, .h5 or .keras file",
        )
    if path.suffix == ".npz":
        return npz_weights(path)
    if path.suffix in {".h5", ".hdf5", ".keras"}:
        from export.keras_weights import keras_weights  # noqa: PLC0415 - imports TensorFlow

        return keras_weights(path)
    raise WeightsError(f"{source} is of no known kind", "weights files end in .npz, .h5 or .keras")


def npz_weights(path: Path) -> Weights:
    """Read 8-bit weights: for each tensor `NAME` (uint8), `NAME.scale` and `NAME.min`."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise WeightsError(f"{path} is larger than any network this is for")
        with np.load(path, allow_pickle=False) as archive:
            tensors = {name: archive[name] for name in archive.files}
        count = sum(name.endswith("/kernel") for name in tensors)
        if count == 0:
            raise WeightsError(
                f"{path} holds no kernels", "its format is described in export/weights/README.md"
            )
        convolutions = tuple(_npz_convolution(tensors, number) for number in range(1, count + 1))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path} can't be read as .npz: {error}") from error
    except KeyError as error:
        raise WeightsError(f"{path} lacks the tensor {error}") from None
    return Weights(convolutions, f"{path.name} sha256:{digest(path)}")


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
    """Draw untrained weights that keep the size of activations from layer to layer (He et al. 2015)."""
    if not seed.isdecimal():
        raise WeightsError(f"random:{seed} names no seed", "give a whole number, such as random:1")
    draw = np.random.default_rng(int(seed))
    convolutions = []
    for shape in architecture.kernel_shapes():
        spread = np.sqrt(2.0 / np.prod(shape[:3]))
        filters = shape[-1]
        convolutions.append(
            ConvWeights(
                kernel=draw.normal(0.0, spread, shape).astype(np.float32),
                beta=draw.normal(0.0, 0.1, filters),
                mean=draw.normal(0.0, 0.1, filters),
                variance=draw.uniform(0.8, 1.2, filters),
            )
        )
    return Weights(tuple(convolutions), f"random:{seed}")
