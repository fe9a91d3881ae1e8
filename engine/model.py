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
    """An open model.  Opening takes a fraction of a second, so open it once and dream often."""

    def __init__(self, session: Session, name: str, reopen: Callable[[int], Session] | None = None) -> None:
        """Wrap a session; `reopen` opens the same model again, with as many threads as it is told."""
        self.name = name
        """Path of the model file, or the embedded file's name."""
        self._session = session
        self._reopen = reopen
        self._single: Session | None = None
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

    def per_core(
        self,
    ) -> tuple[
        Callable[[NDArray[np.float32], NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]],
        int,
    ]:
        """Return a function for many small images at once, and how many threads should call it.

        It takes an image [H, W, 3] and channel weights [C] and returns raw gradient and energies.  On a CPU
        each call keeps to one thread: small convolutions win more from whole processors of their own than
        from sharing.  On a GPU calls take turns.
        """
        if self.device == "cpu" and self._reopen is not None and self._session.threads > 1:
            self._single = self._single or self._reopen(1)
            session, workers = self._single, self._session.threads
        else:
            session, workers = self._session, 1

        def compute(
            image: NDArray[np.float32], weights: NDArray[np.float32]
        ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            feeds = {IMAGE: np.ascontiguousarray(image[np.newaxis]), CHANNEL_WEIGHTS: weights}
            gradient, energies = session.run((GRADIENT, ENERGIES), feeds)
            return gradient[0], energies[0]

        return compute, workers

    def check_memory(self, height: int, width: int) -> None:
        """Raise ImageError for a picture too large to compute whole, before the system kills us."""
        fits = self.pixels_that_fit()
        if fits is not None and height * width > fits:
            share = (fits / (height * width)) ** 0.5
            raise ImageError(
                f"a picture of {width}x{height} pixels needs about "
                f"{height * width * BYTES_PER_PIXEL / 1e9:.1f} GB of memory, "
                f"and {fits * BYTES_PER_PIXEL / 1e9:.1f} GB are free",
                hint=f"make it {int(width * share)}x{int(height * share)} or less, or leave out --tile off",
            )

    def pixels_that_fit(self) -> int | None:
        """Return how large a picture memory holds when it is computed whole, in pixels; None if unknown.

        What earlier pictures took is still held and used again.
        """
        available = machine.available_memory() if self.device == "cpu" else None
        return None if available is None else self._held_pixels + available // BYTES_PER_PIXEL

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
    embedded = resources.files("engine").joinpath("models", EMBEDDED)
    source = embedded.read_bytes() if path is None else Path(path)
    session = open_session(source, device, threads)
    return DreamModel(
        session, EMBEDDED if path is None else str(path), lambda count: open_session(source, "cpu", count)
    )
