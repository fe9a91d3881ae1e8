"""Dream on a photograph with plain Keras and TensorFlow: what the engine is measured against.

It follows the algorithm of the DeepDream tutorial on keras.io, with the weights of the embedded model, and
does nothing to be faster or slower than that.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEIGHTS = Path(__file__).parent.parent / "export" / "weights" / "inception_v3_imagenet_mixed5_uint8.npz"
LAYERS = {"mixed2": 0.2, "mixed3": 0.5, "mixed4": 2.0, "mixed5": 1.5}
STEP = 0.01
OCTAVES = 3
OCTAVE_SCALE = 1.4
ITERATIONS = 20


def build_network() -> Any:
    """Return Keras' InceptionV3 up to its last dreaming layer: a model from pictures to features by name."""
    import keras

    whole = keras.applications.InceptionV3(include_top=False, weights=None)
    extractor = keras.Model(whole.inputs, {name: whole.get_layer(name).output for name in LAYERS})
    with np.load(WEIGHTS) as file:
        stored = {name: _tensor(file, name) for name in file.files if not name.endswith((".scale", ".min"))}
    for i, layer in enumerate(_in_order_of_creation(extractor, keras.layers.Conv2D), start=1):
        layer.set_weights([stored.pop(f"conv2d_{i}/kernel")])
    for i, layer in enumerate(_in_order_of_creation(extractor, keras.layers.BatchNormalization), start=1):
        parts = ("beta", "moving_mean", "moving_variance")
        layer.set_weights([stored.pop(f"batch_normalization_{i}/{part}") for part in parts])
    if stored:
        raise ValueError(f"{WEIGHTS.name} holds tensors that the network lacks: {sorted(stored)}")
    return extractor


def _tensor(file: Any, name: str) -> NDArray[np.float32]:
    """Return one stored tensor as float32; see the README.md beside the weights."""
    values = file[name]
    if values.dtype == np.uint8:
        values = values * file[f"{name}.scale"] + file[f"{name}.min"]
    return np.asarray(values, dtype=np.float32)


def _in_order_of_creation(network: Any, kind: type) -> list[Any]:
    """Return the layers of one kind; Keras lists them by depth but numbers them as it creates them."""

    def number(layer: Any) -> int:
        tail = str(layer.name).rpartition("_")[2]
        return int(tail) if tail.isdigit() else 0

    return sorted((layer for layer in network.layers if isinstance(layer, kind)), key=number)


def make_gradient(network: Any) -> Any:
    """Return a `tf.function` from pictures (1, H, W, 3) to their loss and its raw gradient."""
    import tensorflow as tf

    def evaluate(image: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(image)
            features = network(image, training=False)
            loss = tf.zeros(())
            for name, coefficient in LAYERS.items():
                activation = features[name]
                size = tf.cast(tf.reduce_prod(tf.shape(activation)), tf.float32)
                loss += coefficient * tf.reduce_sum(tf.square(activation[:, 2:-2, 2:-2, :])) / size
        return loss, tape.gradient(loss, image)

    return tf.function(evaluate)


def make_step(network: Any) -> Any:
    """Return a `tf.function` that does one step of ascent: picture to loss and changed picture."""
    import tensorflow as tf

    gradient = make_gradient(network)

    def step(image: Any) -> tuple[Any, Any]:
        loss, raw = gradient(image)
        return loss, image + STEP * raw / tf.maximum(tf.reduce_mean(tf.abs(raw)), 1e-7)

    return tf.function(step)


def dream(original: NDArray[np.float32], max_loss: float | None) -> NDArray[np.float32]:
    """Return the dream of a picture (1, H, W, 3) with values in [-1, 1]."""
    import tensorflow as tf

    step = make_step(build_network())
    height, width = original.shape[1:3]
    scales = [OCTAVE_SCALE**i for i in reversed(range(OCTAVES))]
    shapes = [(int(height / scale), int(width / scale)) for scale in scales]
    smaller = _resize(original, shapes[0])
    image = tf.constant(smaller)
    for octave, shape in enumerate(shapes):
        print(f"octave {octave + 1}/{OCTAVES} {shape[1]}x{shape[0]}")
        image = tf.constant(_resize(image.numpy(), shape))
        for _ in range(ITERATIONS):
            loss, changed = step(image)
            if max_loss is not None and float(loss) > max_loss:
                break
            image = changed
        here = _resize(original, shape)
        image += here - _resize(smaller, shape)
        smaller = here
    return np.asarray(image.numpy(), dtype=np.float32)


def _resize(image: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    from scipy import ndimage

    factors = (1.0, shape[0] / image.shape[1], shape[1] / image.shape[2], 1.0)
    return np.asarray(ndimage.zoom(image, factors, order=1), dtype=np.float32)


def main() -> None:
    """Read the command line, dream, write the picture."""
    from PIL import Image

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photograph", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument(
        "--max-loss", default="10", help="stop an octave above this loss, or none (default: 10)"
    )
    options = parser.parse_args()

    with Image.open(options.photograph) as file:
        original = np.asarray(file.convert("RGB"), dtype=np.float32)[np.newaxis] / 127.5 - 1.0
    dreamt = dream(original, None if options.max_loss == "none" else float(options.max_loss))
    pixels = np.clip((dreamt[0] / 2.0 + 0.5) * 255.0, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(options.output)


if __name__ == "__main__":
    main()
