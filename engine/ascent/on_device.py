"""An ascent whose picture stays on the device: the image comes to the host only when somebody asks for it.

Each step runs two graphs there, the model and a small one that normalises its gradient and takes the step;
two numbers come back, the loss and the mean of |gradient|.  Nothing here knows what kind of device it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.ascent.ascent import forbidden
from engine.network.contract import CHANNEL_WEIGHTS, GRADIENT, IMAGE, LOSS, MEAN, NEXT, STEP
from engine.stop import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.network.model import DreamModel
    from engine.pictures.rows import Rows
    from engine.settings.config import DreamConfig
    from engine.stop import Stop


class DeviceImage:
    """An image on the device, as Rows; once somebody has looked at it, it is on the host instead."""

    def __init__(self, model: DreamModel, tensor: Any, shape: tuple[int, ...]) -> None:
        """Wrap a tensor [1, H, W, 3] that does not change any more."""
        self._model = model
        self.tensor: Any = tensor
        """None once it was fetched."""
        self.shape = shape
        """(H, W, 3)."""
        self._fetched: NDArray[np.float32] | None = None

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        image = self._fetched
        if image is None:
            image = self._fetched = self._model.fetch(self.tensor)[0]
            self.tensor = None  # what lies on a GPU holds all that was ever opened there
        return image[rows]


class DeviceClimber:
    """Makes the steps of an ascent where the model computes."""

    def __init__(
        self,
        model: DreamModel,
        weights: NDArray[np.float32],
        config: DreamConfig,
        stop: Stop = NEVER,
    ) -> None:
        """Climb the objective of these channel weights, [C]."""
        self._model = model
        self._gradient = model.resident
        self._step = model.resident_step
        self._config = config
        self._stop = stop
        self._weights = self._gradient.send(weights)
        self._step_size = self._gradient.send(np.array(config.step_size, np.float32))

    def __call__(self, image: Rows) -> tuple[Rows, float, float, bool]:
        """Make one step uphill, as `ascent.climb` does; an image from elsewhere is sent to the device."""
        here = getattr(image, "tensor", None) or self._send(image)
        feeds = {IMAGE: here, CHANNEL_WEIGHTS: self._weights}
        (gradient,), (losses,) = self._gradient.run([GRADIENT], [LOSS], feeds, self._stop)
        feeds = {IMAGE: here, GRADIENT: gradient, STEP: self._step_size}
        (following,), (mean_size,) = self._step.run([NEXT], [MEAN], feeds, self._stop)
        loss, mean = float(losses[0]), float(mean_size)
        if forbidden(loss, mean, image.shape, self._config):
            return image, loss, mean, True
        return DeviceImage(self._model, following, image.shape), loss, mean, False

    def _send(self, image: Rows) -> Any:
        return self._gradient.send(np.ascontiguousarray(image[:][np.newaxis]))
