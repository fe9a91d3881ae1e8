"""What `--weights` names, loaded: files of Keras and of this project, Keras' own download, random weights.

Keras' formats need TensorFlow.  What NumPy alone can read or draw is in export/weights.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from export.errors import WeightsError
from export.reference import build, convolutions
from export.weights import ConvWeights, Weights, file_sha256, npz_weights, random_weights

if TYPE_CHECKING:
    from export.architecture import Architecture


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
        return keras_weights(path)
    raise WeightsError(f"{source} is of no known kind", "weights files end in .npz, .h5 or .keras")


def imagenet_weights() -> Weights:
    """Return the ImageNet weights that `keras.applications` downloads on first use.

    Raises WeightsError where there is no network.
    """
    try:
        model = keras.applications.InceptionV3(include_top=False, weights="imagenet")
    except Exception as error:  # Keras wraps what urllib raises in a bare Exception
        raise WeightsError(
            f"the ImageNet weights can't be downloaded: {error}",
            "without a network, give the 8-bit weights of this project "
            "(--weights export/weights/inception_v3_imagenet_mixed5_uint8.npz) "
            "or a Keras weights file that you have (--weights FILE.h5)",
        ) from error
    return Weights(tuple(_read(model)), "imagenet (keras.applications, InceptionV3 without top)")


def keras_weights(path: Path) -> Weights:
    """Read a Keras weights file of InceptionV3, `.h5` or `.keras`, with or without the top.

    Raises WeightsError where the file is not one.
    """
    reasons = []
    for include_top in (False, True):
        model = build(include_top=include_top)
        # What the file does not fill stays NaN and is noticed.
        for conv, norm in convolutions(model):
            for layer in (conv, norm):
                layer.set_weights([np.full_like(array, np.nan) for array in layer.get_weights()])
        try:
            model.load_weights(path)
        except Exception as error:  # noqa: BLE001 - Keras and h5py raise nearly anything for a file they don't like
            reasons.append(str(error).splitlines()[0])
            continue
        found = tuple(_read(model))
        if not any(np.isnan(conv.kernel).any() or np.isnan(conv.bias).any() for conv in found):
            return Weights(found, f"{path.name} sha256:{file_sha256(path)}")
        reasons.append("it leaves some of the convolutions empty")
    raise WeightsError(
        f"{path} does not hold weights of Keras' InceptionV3: {reasons[0]}",
        "it must come from model.save_weights() or model.save() of keras.applications.InceptionV3, "
        "with the 1000 ImageNet classes or without top",
    )


def _read(model: keras.Model) -> list[ConvWeights]:
    found = []
    for conv, norm in convolutions(model):
        (kernel,) = conv.get_weights()
        beta, mean, variance = (array.astype(np.float64) for array in norm.get_weights())
        found.append(ConvWeights(kernel.astype(np.float32), beta, mean, variance))
    return found
