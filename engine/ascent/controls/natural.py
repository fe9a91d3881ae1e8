"""Natural colours: steps in a space in which the colours of photographs are uncorrelated.

Photographs are mostly light and shade: red, green and blue rise and fall together.  A step that treats the
three alike makes rainbow flecks as easily as shading.  Steps in a decorrelated space are the remedy of Olah,
Mordvintsev and Schubert ("Feature Visualization", Distill, 2017); for an ascent in pixels that is one matrix
on the gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine.ascent.controls.control import Control
from engine.pictures.rows import bands
from engine.stop import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.ascent.ascent import Gradient, Image
    from engine.stop import Stop

COVARIANCE: Final = ((0.350, 0.306, 0.260), (0.306, 0.338, 0.303), (0.260, 0.303, 0.313))
"""How red, green and blue vary together in the detail of photographs, up to a factor: the mean of those in
examples/, by docs/make_natural_colours.py.  ImageNet's, as tensorflow/lucid has them, are nearly the same."""


def natural(gradient: Gradient, degree: float, stop: Stop = NEVER) -> Gradient:
    """Bring the colours of a gradient nearer to those of photographs; 0 leaves it as it is."""
    matrix = mixing(degree)

    def mixed(image: Image) -> tuple[float, Image]:
        loss, slope = gradient(image)
        for rows in bands(slope.shape, stop):
            slope[rows] = slope[rows] @ matrix
        return loss, slope

    return mixed


def mixing(degree: float) -> NDArray[np.float32]:
    """Return the matrix that colours are multiplied with, [3, 3]: the covariance to the power of `degree`.

    The colour that varies most, which is nearly grey, keeps its size.
    """
    values, vectors = np.linalg.eigh(np.array(COVARIANCE, np.float64))
    powers = (values / values.max()) ** degree
    matrix: NDArray[np.float32] = ((vectors * powers) @ vectors.T).astype(np.float32)
    return matrix


CONTROL: Final = Control(
    wanted=lambda config: config.natural_colours > 0,
    wrap=lambda gradient, config, stop: natural(gradient, config.natural_colours, stop),
)
