"""The independent references: Keras' own networks and the loss of Keras' deep_dream example; GoogLeNet.

It shares no code with export/network.py, export/writing.py and export/loss.py, so that it can be used to
verify them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import keras
import numpy as np
import tensorflow as tf

from export.caffe_reference import GoogLeNetReference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from export.architecture import Architecture
    from export.weights import Weights


def reference(
    architecture: Architecture, weights: Weights, dtype: Literal["float32", "float64"]
) -> KerasReference | GoogLeNetReference:
    """Return a network's loss, gradient and energies as TensorFlow computes them, by code of its own."""
    if architecture.name == "bvlc_googlenet":
        return GoogLeNetReference(weights, architecture.layers, dtype)
    return KerasReference(weights, architecture.channels(), dtype)


def build(dtype: Literal["float32", "float64"] = "float32", *, include_top: bool = False) -> keras.Model:
    """Build Keras' InceptionV3, untrained; without the top it takes pictures of any size."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        return keras.applications.InceptionV3(include_top=include_top, weights=None)
    finally:
        keras.config.set_dtype_policy(before)


def convolutions(model: keras.Model) -> list[tuple[keras.layers.Layer, keras.layers.Layer]]:
    """Return each convolution with the batch norm that follows it, in the order of creation.

    `model.layers` is sorted by depth, and the numbers in Keras' names continue from earlier models in the
    same process, so only the order of these numbers has a meaning.
    """

    def created(layer: keras.layers.Layer) -> int:
        number = layer.name.rpartition("_")[2]
        return int(number) if number.isdecimal() else 0

    def of_kind(kind: type) -> list[keras.layers.Layer]:
        return sorted((layer for layer in model.layers if isinstance(layer, kind)), key=created)

    pairs = zip(of_kind(keras.layers.Conv2D), of_kind(keras.layers.BatchNormalization), strict=True)
    return list(pairs)


def layer_order(model: keras.Model) -> dict[type, list[int]]:
    """Return the numbers of convolutions and batch norms, from 0 on, in the order of `model.layers`.

    Keras 3 writes weights files in that order, and its older versions without the layers' names.
    """
    numbers = {layer.name: number for number, pair in enumerate(convolutions(model)) for layer in pair}
    kinds = (keras.layers.Conv2D, keras.layers.BatchNormalization)
    return {
        kind: [numbers[layer.name] for layer in model.layers if isinstance(layer, kind)] for kind in kinds
    }


class Reference:
    """A Keras model: loss, gradient and energies as TensorFlow computes them."""

    def __init__(
        self,
        model: keras.Model,
        layers: Mapping[str, int],
        preprocess: Callable[[tf.Tensor], tf.Tensor],
        dtype: Literal["float32", "float64"],
    ) -> None:
        """Take a model.

        Args:
            model: with its weights.
            layers: the layers to dream on, with their numbers of channels, in the order of the energies.
            preprocess: from pictures in [-1, 1] to what the model takes.
            dtype: of the whole computation.  float64 is the truth, float32 what a user of TensorFlow gets.
        """
        self.dtype = np.dtype(dtype)
        self._layers = tuple(layers)
        self._preprocess = preprocess
        outputs = {name: model.get_layer(name).output for name in layers}
        self.network = keras.Model(model.inputs[0], outputs)
        self._compute: Callable[..., tuple[tf.Tensor, tf.Tensor, tf.Tensor]] = tf.function(
            self._loss_gradient_energies,
            input_signature=[
                tf.TensorSpec([None, None, None, 3], dtype),
                tf.TensorSpec([sum(layers.values())], dtype),
            ],
            autograph=False,
        )

    def __call__(
        self, image: NDArray[np.floating], channel_weights: NDArray[np.floating]
    ) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
        """Return loss [N], gradient [N, H, W, 3] and energies [N, C], as contract 1 defines them."""
        found = self._compute(
            tf.constant(image.astype(self.dtype)), tf.constant(channel_weights.astype(self.dtype))
        )
        loss, gradient, energies = (tensor.numpy() for tensor in found)
        return loss, gradient, energies

    def _loss_gradient_energies(
        self, image: tf.Tensor, channel_weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(image)
            energies = []
            activations = self.network(self._preprocess(image), training=False)
            for layer in (activations[name] for name in self._layers):
                scaling = tf.reduce_prod(tf.cast(tf.shape(layer)[1:], layer.dtype))
                energies.append(tf.reduce_sum(tf.square(layer[:, 2:-2, 2:-2, :]), [1, 2]) / scaling)
            loss = tf.reduce_sum(tf.concat(energies, 1) * channel_weights, axis=1)
        return loss, tape.gradient(loss, image), tf.concat(energies, 1)


class KerasReference(Reference):
    """Keras' InceptionV3 with the given weights."""

    def __init__(
        self,
        weights: Weights,
        layers: Mapping[str, int],
        dtype: Literal["float32", "float64"] = "float32",
    ) -> None:
        """Build the network.

        Args:
            weights: at least as many convolutions as the deepest of `layers` needs.
            layers: as `Reference` takes them.
            dtype: of the whole computation.
        """
        whole = build(dtype)
        for (conv, norm), values in zip(convolutions(whole), weights.convolutions, strict=False):
            conv.set_weights([values.values])
            norm.set_weights([values.beta, values.mean, values.variance])
        super().__init__(whole, layers, lambda image: image, dtype)
