"""Finds where things move between two frames, and how far that can be trusted.

The dense optical flow is OpenCV's (DIS: Kroeger et al., "Fast Optical Flow using Dense Inverse Search",
2016).  The check of forward against backward flow is that of Sundaram, Brox and Keutzer, 2010, which Ruder,
Dosovitskiy and Brox used for steady films ("Artistic style transfer for videos", 2016).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.films.extra import opencv

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOTICED: Final = 0.12
"""Difference in colour, as a share of black to white, from which a place no longer counts as the one that
moved there."""


class Flow:
    """Finds movement between frames."""

    def __init__(self) -> None:
        """Load OpenCV; raise UsageError if it cannot be loaded."""
        self._cv2 = opencv()
        self._seer = self._cv2.DISOpticalFlow_create(self._cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def between(
        self, before: NDArray[np.uint8], after: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the backward flow from the later of two frames [H, W, 3] to the earlier, and its trust.

        The flow, [H, W, 2], is the offset, in pixels to the right and down, from each place of the later
        frame to where it came from.  The trust, [H, W, 1], is from 0 to 1.
        """
        old, new = self._grey(before), self._grey(after)
        back = np.asarray(self._seer.calc(new, old, None), np.float32)
        forth = np.asarray(self._seer.calc(old, new, None), np.float32)
        returned = self.warped(forth, back) + back
        sizes = (back**2).sum(2) + (self.warped(forth, back) ** 2).sum(2)
        same = (returned**2).sum(2) < 0.01 * sizes + 0.5
        looks = np.abs(self.warped(before.astype(np.float32), back) - after).mean(2)
        same &= looks < NOTICED * 255
        trust = self._cv2.GaussianBlur(
            self._cv2.erode(same.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), 1.5
        )
        return back, trust[..., np.newaxis]

    def warped(self, image: NDArray[np.float32], back: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return an image [H, W, C] of the earlier frame, warped to the later one by the flow `back`."""
        rows, columns = np.mgrid[: back.shape[0], : back.shape[1]].astype(np.float32)
        result: NDArray[np.float32] = self._cv2.remap(
            image,
            columns + back[..., 0],
            rows + back[..., 1],
            self._cv2.INTER_CUBIC,
            borderMode=self._cv2.BORDER_REPLICATE,
        )
        return result

    def _grey(self, image: NDArray[np.uint8]) -> Any:
        return self._cv2.cvtColor(np.ascontiguousarray(image), self._cv2.COLOR_RGB2GRAY)
