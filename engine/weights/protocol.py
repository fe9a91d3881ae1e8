"""What a weights file looks like to whoever fills a template, whatever the file's format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Weights(Protocol):
    """The variables of a trained network, by the names of its layers."""

    @property
    def source(self) -> str:
        """Where they come from, for the model's metadata: a file's name and its sha256, in one line."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers that have variables, in the file's order."""

    @property
    def numbered(self) -> bool:
        """Whether the names are only counted, kind by kind (`conv2d`, `conv2d_1`), in the file's order.

        Keras 3 counts them so, in the order of `model.layers`; only its newer versions write the true names
        beside them, as each group's attribute `name`.  Where a file has true names, `layers` are these, and
        this is False.
        """

    def tensor(self, layer: str, variable: str, /) -> NDArray[np.floating] | None:
        """Return a variable's values, float32 or float64 in C order; None where the file has none.

        Args:
            layer: one of `layers`.
            variable: as Keras calls it: `kernel`, `bias`, `gamma`, `beta`, `moving_mean`, `moving_variance`,
                `depthwise_kernel`, …  A kernel is [h, w, in, out].

        Raises:
            WeightsError: where the file breaks off, or is damaged there.
        """
