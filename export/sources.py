"""Loads the weights that `--weights` names: files, Keras' download, or random weights.

Keras' formats need TensorFlow; what needs only NumPy is in export/weights.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import is_zipfile

import h5py
import keras
import numpy as np

from export.errors import WeightsError
from export.reference import build, convolutions
from export.weights import ConvWeights, Weights, file_sha256, npz_weights, random_weights

if TYPE_CHECKING:
    from export.architecture import Architecture


def load(source: str, architecture: Architecture) -> Weights:
    """Load the weights that `--weights` names.

    Args:
        source: `imagenet`, `random:SEED`, or the path of an .npz (8 bit, see export/weights/README.md), .h5
            or .keras file.
        architecture: the whole network.

    Raises:
        WeightsError: with a hint, if they can't be loaded or do not belong to this network.
    """
    if source == "imagenet":
        return imagenet_weights()
    if source.startswith("random:"):
        return random_weights(source.removeprefix("random:"), architecture)
    path = Path(source)
    if not path.is_file():
        raise WeightsError(
            f"there is no weights file {source}",
            "give imagenet, random:SEED, or the path of an .npz, .h5 or .keras file; this project's 8-bit "
            "weights are in its repository and sdist (export/weights), not in its wheel",
        )
    if path.suffix == ".npz":
        return npz_weights(path)
    if path.suffix in {".h5", ".hdf5", ".keras"}:
        return keras_weights(path)
    raise WeightsError(
        f"{source} is not a known type of weights file", "give a file that ends in .npz, .h5 or .keras"
    )


def imagenet_weights() -> Weights:
    """Return the ImageNet weights that `keras.applications` downloads on first use.

    Raises WeightsError if the download fails.
    """
    try:
        model = keras.applications.InceptionV3(include_top=False, weights="imagenet")
    except Exception as error:  # Keras wraps errors of urllib in a bare Exception
        raise WeightsError(
            f"the ImageNet weights can't be downloaded: {error}",
            "offline, use the 8-bit weights that come with this project "
            "(--weights export/weights/inception_v3_imagenet_mixed5_uint8.npz) "
            "or a Keras weights file of your own (--weights FILE.h5)",
        ) from error
    return Weights(tuple(_read(model)), "imagenet (keras.applications, InceptionV3 without top)")


def keras_weights(path: Path) -> Weights:
    """Read a Keras weights file of InceptionV3, `.h5` or `.keras`, with or without the top.

    Raises WeightsError if the file is not one.
    """
    if not (h5py.is_hdf5(path) or is_zipfile(path)):  # known before a network is built, which takes seconds
        raise _unsuitable(path, "it is neither HDF5 nor a .keras file")
    reasons = []
    for include_top in (False, True):
        model = build(include_top=include_top)
        # Whatever the file does not fill stays NaN, which is checked below.
        for conv, norm in convolutions(model):
            for layer in (conv, norm):
                layer.set_weights([np.full_like(array, np.nan) for array in layer.get_weights()])
        try:
            model.load_weights(path)
        except Exception as error:  # noqa: BLE001 - Keras and h5py raise almost anything for an unsuitable file
            reasons.append(str(error).splitlines()[0])
            continue
        found = tuple(_read(model))
        if not any(np.isnan(conv.kernel).any() or np.isnan(conv.bias).any() for conv in found):
            return Weights(found, f"{path.name} sha256:{file_sha256(path)}")
        reasons.append("it does not contain all convolutions")
    raise _unsuitable(path, reasons[0])


def _unsuitable(path: Path, reason: str) -> WeightsError:
    return WeightsError(
        f"{path} does not hold weights of Keras' InceptionV3: {reason}",
        "it must come from model.save_weights() or model.save() of keras.applications.InceptionV3, "
        "with the 1000 ImageNet classes or without the top",
    )


def _read(model: keras.Model) -> list[ConvWeights]:
    found = []
    for conv, norm in convolutions(model):
        (kernel,) = conv.get_weights()
        beta, mean, variance = (array.astype(np.float64) for array in norm.get_weights())
        found.append(ConvWeights(kernel.astype(np.float32), beta, mean, variance))
    return found
