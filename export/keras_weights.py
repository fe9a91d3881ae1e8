"""Weights out of Keras: its files, and what `keras.applications` downloads.  Imports TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from export.errors import WeightsError
from export.reference import build, convolutions
from export.weights import ConvWeights, Weights, digest

if TYPE_CHECKING:
    from pathlib import Path


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
            return Weights(found, f"{path.name} sha256:{digest(path)}")
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
