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
    from thumbnail import Copy, Thumbnail

REMARKABLE = 1.05
"""From how many times a size on to mention that it differs from the result's."""


class Sight:
    """What is seen: `before`, and pictures made of the engine's pixels.

    place: what is seen, and how large its longer side is; two of the same place are pictures of the same;
    part: what is wanted of the frame that is sent, None for all of it.
    """

    def __init__(
        self, where: Rectangle, small: Callable[[Rectangle, int], Thumbnail], *, selected: bool
    ) -> None:
        """Show the whole.

        where: what will be dreamed on; small: returns a copy of a part of that, whose longer side has at most
        so many pixels; selected: whether that is a selection, and what is around it.
        """
        self._where, self._small, self._selected = where, small, selected
        self._centre = (where.x + where.width / 2, where.y + where.height / 2)
        self.part: Rectangle | None = None
        self._larger = 1.0
        self.place: tuple[Rectangle, int] | None = None
        self._copy: Thumbnail | None = None
        self._full: Thumbnail | None = None
        self._seen: Copy | None = None
        self.before: GdkPixbuf.Pixbuf | None = None

    def move(self, room: tuple[int, int], across: int, down: int) -> None:
        """Move the part in full size by so many pixels, as far as the picture goes."""
        x, y, width, height = framing.part(self._where, room, self._centre)
        self._centre = (x + width / 2 + across, y + height / 2 + down)

    def take(self, room: tuple[int, int], unit: int, *, full_size: bool) -> bool:
        """Read what fills the room; return whether it is another picture than before.

        unit: see `framing.fitted`; full_size: whether that is a part in full size, or the whole.
        """
        longest = max(self._where[2:] if full_size else framing.fitted(self._where[2:], room, unit))
        part = Rectangle(*framing.part(self._where, room, self._centre)) if full_size else None
        place = (part or self._where, longest)
        if place == self.place:
            return False
        another = self.place is None or self.place[0] != place[0]
        self.place, self.part = place, None
        self._copy = self._seen = self._whole() if full_size else self._small(self._where, longest)
        if part is not None:
            left, top = self._where[:2]
            self.part = part._replace(x=part.x - left, y=part.y - top)
            self._seen = self._copy.crop(self.part)
        self.before = pixbufs.on_checks(self._seen, self._seen.frame.pixels)
        return another

    def request(self, values: dict[str, Any]) -> tuple[list[str], Frame]:
        """Return the engine's options for values, and the frame to send with them; raises SettingError."""
        frame, full = self._copy.frame, self._where[2:]
        if self.part is None:
            values, self._larger = sketch.whole(values, (frame.width, frame.height), full)
        return self._copy.sent(values)

    def finer(self, values: dict[str, Any]) -> tuple[list[str], Frame] | None:
        """Return a request, as `request` does, for a picture that is nearer to the result and takes longer.

        None if there is none.
        """
        if self.part is not None:
            return None
        frame, full = self._copy.frame, self._where[2:]
        size = (frame.width, frame.height)
        found, _larger = sketch.whole(values, size, full, sketch.MORE_WORK)
        if found == sketch.whole(values, size, full)[0]:
            return None
        return self._copy.sent(found)

    def dreamed(self, pixels: bytes) -> GdkPixbuf.Pixbuf:
        """Return what is seen of a dream."""
        return pixbufs.on_checks(self._seen, self._seen.within_selection(pixels))

    def about(self) -> str:
        """Say what is seen."""
        if self.part is not None:
            return _("A part in full size. Drag it to see others.")
        what = _("The selection and what is around it.") if self._selected else _("The whole picture.")
        if self._larger >= REMARKABLE:
            text, times = _("In the result, forms are %(times).1f times finer."), self._larger
        elif self._copy.reduction >= REMARKABLE:
            text, times = _("It is shown %(times).1f times smaller."), self._copy.reduction
        else:
            return what
        return f"{what} {text % {'times': times}}"

    def _whole(self) -> Thumbnail:
        """Return the whole in full size, which is read once: its parts depend on all of it."""
        if self._full is None:
            self._full = self._small(self._where, max(self._where[2:]))
        return self._full
