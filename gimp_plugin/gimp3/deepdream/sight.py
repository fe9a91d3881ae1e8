"""What the preview shows: the whole picture or a part in full size; and what it asks the engine for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import framing
import pixbufs
from deepdream_common import sketch
from deepdream_common.texts import _
from pixels import Rectangle

if TYPE_CHECKING:
    from collections.abc import Callable

    from gi.repository import GdkPixbuf
    from pixels import Frame
    from thumbnail import Thumbnail

REMARKABLE = 1.05
"""From how many times a size on to mention that it differs from the result's."""


class Sight:
    """What is seen: `before`, and pictures made of the engine's pixels.

    place: what is read for it, and how large; two of the same place are pictures of the same.
    """

    def __init__(self, where: Rectangle, small: Callable[[Rectangle, int], Thumbnail]) -> None:
        """Show the whole.

        where: what will be dreamed on; small: returns a copy of a part of that, whose longer side has at most
        so many pixels.
        """
        self._where, self._small = where, small
        self._centre = (where.x + where.width / 2, where.y + where.height / 2)
        self._part: Rectangle | None = None
        self._larger = 1.0
        self.place: tuple[Rectangle, Rectangle, int] | None = None
        self._copy: Thumbnail | None = None
        self.before: GdkPixbuf.Pixbuf | None = None

    def move(self, room: tuple[int, int], across: int, down: int) -> None:
        """Move the part in full size by so many pixels, as far as the picture goes."""
        x, y, width, height = framing.part(self._where, room, self._centre)
        self._centre = (x + width / 2 + across, y + height / 2 + down)

    def take(self, room: tuple[int, int], unit: int, values: dict[str, Any] | None) -> bool:
        """Read what fills the room; return whether it is another picture than before.

        unit: see `framing.fitted`; values: those to dream with, for a part in full size; None for the whole.
        """
        self._part = None if values is None else Rectangle(*framing.part(self._where, room, self._centre))
        taken = self._where if values is None else self._around(values)
        longest = max(framing.fitted(taken[2:], room, unit) if values is None else taken[2:])
        place = (self._part or taken, taken, longest)
        if place == self.place:
            return False
        another = self.place is None or self.place[0] != place[0]
        self.place, self._copy = place, self._small(taken, longest)
        self.before = self.picture(self._copy.frame.pixels)
        return another

    def request(self, values: dict[str, Any]) -> tuple[list[str], Frame]:
        """Return the engine's options for values, and the frame to send with them; raises SettingError."""
        frame, full = self._copy.frame, self._where[2:]
        if self._part is not None:
            values = sketch.part(values, (frame.width, frame.height), full)
        else:
            values, self._larger = sketch.whole(values, (frame.width, frame.height), full)
        return self._copy.sent(values)

    def finer(self, values: dict[str, Any]) -> tuple[list[str], Frame] | None:
        """Return a request, as `request` does, for a picture that is nearer to the result and takes longer.

        None if there is none.
        """
        if self._part is not None:
            return None
        frame, full = self._copy.frame, self._where[2:]
        size = (frame.width, frame.height)
        found, _larger = sketch.whole(values, size, full, sketch.MORE_WORK)
        if found == sketch.whole(values, size, full)[0]:
            return None
        return self._copy.sent(found)

    def picture(self, pixels: bytes) -> GdkPixbuf.Pixbuf:
        """Return what is seen of the pixels of a frame like the copy's."""
        whole = pixbufs.on_checks(self._copy, pixels)
        if self._part is None:
            return whole
        (part, taken, _longest) = self.place
        return whole.new_subpixbuf(part.x - taken.x, part.y - taken.y, part.width, part.height).copy()

    def dreamed(self, pixels: bytes) -> GdkPixbuf.Pixbuf:
        """Return what is seen of a dream."""
        return self.picture(self._copy.within_selection(pixels))

    def about(self) -> str:
        """Say what is seen."""
        if self._part is not None:
            return _("A part in full size. Drag it to see others.")
        if self._larger >= REMARKABLE:
            return _("The whole picture. In the result, forms are %(times).1f times finer.") % {
                "times": self._larger
            }
        if self._copy.reduction >= REMARKABLE:
            return _("The whole picture, %(times).1f times smaller.") % {"times": self._copy.reduction}
        return _("The whole picture.")

    def _around(self, values: dict[str, Any]) -> Rectangle:
        """Return what must be dreamed on for the part to look as in the result."""
        left, top = self._where[:2]
        inside = self._part._replace(x=self._part.x - left, y=self._part.y - top)
        x, y, width, height = sketch.around(values, inside, self._where[2:])
        return Rectangle(x + left, y + top, width, height)
