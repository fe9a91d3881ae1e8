"""The networks of export/networks.py as Keras builds them, with random weights: to read and to compare."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import keras
import numpy as np

from export.networks import NETWORKS
from export.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import tensorflow as tf
    from numpy.typing import NDArray


def build(network: str, dtype: Literal["float32", "float64"] = "float32") -> keras.Model:
    """Return one of Keras' networks, untrained, without the top, for pictures of any size.

    Its layers are counted from the beginning, as in a process that builds no other.
    """
    keras.utils.clear_session()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        kind = getattr(keras.applications, NETWORKS[network].keras)
        picture = keras.Input((None, None, 3), dtype=dtype)
        model: keras.Model = kind(include_top=False, weights=None, input_tensor=picture)
        return model
    finally:
        keras.config.set_dtype_policy(before)


def preprocess(network: str, image: tf.Tensor) -> tf.Tensor:
    """Return a picture in [-1, 1] as the network takes it, by Keras' own function."""
    kind = NETWORKS[network].preprocessing
    if kind == "tf":
        return image
    module = keras.applications.vgg16 if kind == "caffe" else keras.applications.densenet
    return module.preprocess_input((image + 1) * 127.5)


def randomise(model: keras.Model, seed: int) -> None:
    """Draw weights that preserve the size of activations from layer to layer (He et al. 2015)."""
    draw = np.random.default_rng(seed)
    for variable in model.variables:
        name, shape = variable.name, tuple(variable.shape)
        if name.endswith("kernel"):
            fan = np.prod(shape[:2]) if name == "depthwise_kernel" or shape[3] == 1 else np.prod(shape[:3])
            values = draw.normal(0.0, np.sqrt(2.0 / fan), shape)
        elif name in {"gamma", "moving_variance"}:
            values = draw.uniform(0.8, 1.2, shape)
        else:
            values = draw.normal(0.0, 0.1, shape)
        variable.assign(values.astype(np.float32))


def references(
    network: str, layers: dict[str, int], seeds: Iterable[int]
) -> Iterator[tuple[Variables, Reference, Reference]]:
    """Yield a network's random weights, and what computes with them in float32 and in float64, seed by seed.

    They are the same objects each time, with other weights: nothing is built and traced again.
    """
    kinds: tuple[Literal["float32", "float64"], ...] = ("float32", "float64")
    models = [build(network, dtype) for dtype in kinds]
    single, double = (
        Reference(model, layers, lambda image: preprocess(network, image), dtype)
        for model, dtype in zip(models, kinds, strict=True)
    )
    for seed in seeds:
        for model in models:
            randomise(model, seed)
        yield Variables(models[0], f"random:{seed}"), single, double


@dataclass(frozen=True)
class Variables:
    """A Keras model's variables as `engine.weights.protocol.Weights`."""

    model: keras.Model
    source: str
    numbered: bool = False

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all layers that have variables, in the order of `model.layers`."""
        return tuple(x.name for x in self.model.layers if x.variables)

    def tensor(self, layer: str, variable: str, /) -> NDArray[Any] | None:
        """Return a variable of a layer."""
        names = {variable, "kernel"} if variable == "depthwise_kernel" else {variable}
        found = [x for x in self.model.get_layer(layer).variables if x.name in names]
        return np.asarray(found[0]) if found else None


def layer_order(model: keras.Model) -> dict[str, tuple[str, ...]]:
    """Return the layers with variables in the order of `model.layers`, by kind as weights files call it."""
    found: dict[str, list[str]] = {}
    for layer in model.layers:
        if layer.variables:
            found.setdefault(_kind(layer), []).append(layer.name)
    return {kind: tuple(names) for kind, names in found.items()}


def _kind(layer: keras.layers.Layer) -> str:
    """Return what Keras counts a layer's kind as: `separable_conv2d`."""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", type(layer).__name__)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
