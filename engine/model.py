"""A model file as a function: image and channel weights in, loss and gradient out."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engine import machine
from engine.config import suggest
from engine.errors import ImageError, UsageError
from engine.metadata import CHANNEL_WEIGHTS, ENERGIES, GRADIENT, IMAGE, LOSS, Metadata
from engine.session import Session, open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

EMBEDDED: Final = "inception_v3_mixed5.onnx"

BYTES_PER_PIXEL: Final = 1600
"""Memory that a dream takes per pixel of the picture, on the CPU: 1,050 at one megapixel, 1,250 at three, and
room for the runtime's arenas, which grow by powers of two."""


class DreamModel:
    """An open model.  Opening takes half a second, so open it once and dream often."""

    def __init__(self, session: Session, name: str) -> None:
        self.name = name
        """Path of the model file, or the embedded file's name."""
        self._session = session
        self._held_pixels = 0

    @property
    def metadata(self) -> Metadata:
        """What the model says about itself: layers, smallest size, value range."""
        return self._session.metadata

    @property
    def device(self) -> str:
        """Where it computes: `cpu` or `cuda:N`."""
        return self._session.device

    @property
    def session(self) -> Session:
        """The session: threads, runtime version, why CUDA was not taken."""
        return self._session

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the layers, in the order of their channels."""
        return tuple(layer.name for layer in self.metadata.layers)

    def __call__(
        self, image: NDArray[np.float32], channel_weights: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return loss [N] and raw gradient [N, H, W, 3] of images [N, H, W, 3] in the model's range.

        One image [H, W, 3] gives a loss of shape () and a gradient [H, W, 3].  `channel_weights` is [C].
        """
        loss, gradient = self._run((LOSS, GRADIENT), image, channel_weights)
        return loss, gradient

    def energies(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how much an image excites each channel, [N, C] or [C]; see contract 1 for the definition."""
        return self._run((ENERGIES,), image, np.zeros(self.metadata.channels, np.float32))[0]

    def channel_weights(self, layers: Mapping[str, float]) -> NDArray[np.float32]:
        """Write each layer's coefficient in the places of all its channels, float32 [C].

        Raises UsageError for a layer that the model has not.
        """
        for name in layers:
            if name not in self.layer_names:
                raise UsageError(
                    f"the model has no layer called {name!r}", hint=suggest(name, self.layer_names)
                )
        return np.concatenate(
            [np.full(x.channels, layers.get(x.name, 0.0), np.float32) for x in self.metadata.layers]
        )

    def gradient(
        self, layers: Mapping[str, float]
    ) -> Callable[[NDArray[np.float32]], tuple[float, NDArray[np.float32]]]:
        """Return the `ascent.Gradient` of the objective that weighs what `layers` see in an image."""
        weights = self.channel_weights(layers)

        def gradient(image: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
            loss, slope = self(image, weights)
            return float(loss), slope

        return gradient

    def check_memory(self, height: int, width: int) -> None:
        """Raise ImageError for a picture whose gradient does not fit into memory, before the system kills us.

        What earlier pictures took is still held and used again.
        """
        available = machine.available_memory() if self.device == "cpu" else None
        if available is None:
            return
        needed = (height * width - self._held_pixels) * BYTES_PER_PIXEL
        if needed > available:
            whole = height * width * BYTES_PER_PIXEL
            fits = self._held_pixels + available // BYTES_PER_PIXEL
            share = (fits / (height * width)) ** 0.5
            raise ImageError(
                f"a picture of {width}x{height} pixels needs about {whole / 1e9:.1f} GB of memory, "
                f"and {available / 1e9:.1f} GB are free",
                hint=f"make it {int(width * share)}x{int(height * share)} or smaller",
            )

    def _run(
        self, outputs: tuple[str, ...], image: NDArray[np.float32], weights: NDArray[np.float32]
    ) -> list[NDArray[np.float32]]:
        batch = image if image.ndim == 4 else image[np.newaxis]
        results = self._session.run(
            outputs,
            {
                IMAGE: np.ascontiguousarray(batch, np.float32),
                CHANNEL_WEIGHTS: np.ascontiguousarray(weights, np.float32),
            },
        )
        self._held_pixels = max(self._held_pixels, batch.shape[0] * batch.shape[1] * batch.shape[2])
        return results if image.ndim == 4 else [x[0] for x in results]


def load_model(
    path: str | Path | None = None, *, device: str = "auto", threads: int | None = None
) -> DreamModel:
    """Open a model file, the embedded one by default.

    `device` is `auto`, `cpu`, `cuda` or `cuda:N`; `threads` None means as many as this process may
    use.  Raises ModelError, DeviceError or UsageError.
    """
    if path is not None:
        return DreamModel(open_session(Path(path), device, threads), str(path))
    with resources.as_file(resources.files("engine").joinpath("models", EMBEDDED)) as embedded:
        return DreamModel(open_session(embedded, device, threads), EMBEDDED)
