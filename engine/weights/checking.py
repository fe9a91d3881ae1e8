"""Whether a model that was filled here computes what it must, before it is kept.

That its template is right was proved against TensorFlow when it was made.  What can be wrong here are the
weights (infinite, or of a network that went wrong in training), the filling, and the runtime.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.errors import ModelError, WeightsError
from engine.files import images
from engine.network.model import model_of
from engine.pictures.pixels import to_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.network.model import DreamModel

PLACES: Final = 3
"""Positions of the deepest layer, along each side, that the photograph leaves inside the border."""

FIELD: Final = 75
"""Pixels that the first position of a layer takes beyond its stride, at most: stems without padding."""

GRAIN: Final = 0.01
"""The noise's standard deviation, as a share of the span from black to white."""

STEP: Final = 1e-6
"""How far the central difference goes, as a share of that span, in the mean of all pixels: the loss changes
by a thousandth, and few of the network's bends lie on the way."""

AGREEMENT: Final = 0.05
"""How far the difference may lie from the gradient, as a share: what float32 and bends on the way leave."""


def check(content: bytes, name: str) -> None:
    """Raise WeightsError unless each layer of a model sees something, and the gradient is the loss's own.

    The gradient is compared with central differences along itself, on a photograph: that of all layers
    together, each with the same share of the loss, and that of the deepest.  They are float32: ONNX Runtime
    computes convolutions on a CPU in nothing finer.
    """
    with model_of(content, name, device="cpu", threads=None, precision="full") as model:
        image = _photograph(model)
        sums = _sums(model, image)
        _check_gradient(model, image, {layer: 1 / x for layer, x in sums.items()})
        last = model.layer_names[-1]
        _check_gradient(model, image, {last: 1 / sums[last]})


def _sums(model: DreamModel, image: NDArray[np.float32]) -> dict[str, float]:
    """Return the sum of each layer's energies; raise WeightsError where one is no number, or nothing."""
    try:
        energies = model.evaluate(image, np.ones(model.metadata.channels, np.float32))[2]
    except ModelError as error:  # not all operations bear what is no number
        raise WeightsError(f"with these weights the network computes what is no number: {error}") from error
    sums = {layer: float(energies[x].sum(dtype=np.float64)) for layer, x in model.places().items()}
    for layer, found in sums.items():
        if not np.isfinite(found):
            raise WeightsError(f"with these weights {layer} computes what is no number")
        if found <= 0:
            raise WeightsError(f"with these weights {layer} sees nothing in a photograph")
    return sums


def _check_gradient(model: DreamModel, image: NDArray[np.float32], layers: dict[str, float]) -> None:
    weights = model.channel_weights(layers)
    gradient = model.evaluate(image, weights)[1].astype(np.float64)
    what = f"the gradient of {' + '.join(layers)}"
    size = float(np.abs(gradient).mean())
    if not np.isfinite(size) or size == 0:
        raise WeightsError(f"with these weights {what} is {'zero' if size == 0 else 'no number'}")
    low, high = model.metadata.value_range
    along = (gradient / size * STEP * (high - low)).astype(np.float32)
    after, before = (float(model.evaluate(image + x, weights)[0]) for x in (along, -along))
    expected = 2 * float(np.vdot(gradient, along.astype(np.float64)))
    if not abs(after - before - expected) <= AGREEMENT * expected:
        raise WeightsError(
            f"{what} is not that of their loss: this changes by {after - before:.3g}, not {expected:.3g}"
        )


def _photograph(model: DreamModel) -> NDArray[np.float32]:
    """Return the middle of the studio's sample, [H, W, 3], in the model's range, with the noise of a camera.

    Where neighbours are equal, a max pool has a corner, and no gradient is right on both of its sides.
    """
    border, stride = model.metadata.border, max(x.stride for x in model.metadata.layers)
    side = max((2 * border + PLACES) * stride + FIELD, model.metadata.min_size)
    file = resources.files("engine").joinpath("studio", "sample", "sample.jpg")
    pixels = images.read_bytes(file.read_bytes(), "the sample")[0].pixels
    top, left = ((x - side) // 2 for x in pixels.shape[:2])
    image = to_model(pixels[top : top + side, left : left + side], model.metadata.value_range)
    low, high = model.metadata.value_range
    noise = np.random.default_rng(0).normal(0, GRAIN * (high - low), image.shape)
    return (image + noise).astype(np.float32)
