"""A picture before and after the dream, parted by a line that can be dragged.

Composed of pixbufs: GIMP's Python may lack the binding that drawing with cairo needs.
"""

from __future__ import annotations

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
gi.require_version("GdkPixbuf", "2.0")
import framing  # noqa: E402 - versions first
from gi.repository import Gdk, GdkPixbuf, GLib, GObject, Gtk  # noqa: E402 - versions first

START = 0.3
"""Where the line is at first, a share of the picture's width: most of the dream is seen."""

NEAR = 12
"""Distance from the line at which it can be taken hold of."""

STEP = 0.02
"""How far an arrow key moves the line, a share of the picture's width."""

GRIP = (8, 32)
"""Width and height of the handle on the line."""

DARK, LIGHT, FOCUSED = 0x202020FF, 0xF4F4F4FF, 0x5AA0F0FF
"""Colours of the line's edges, and of the line itself without and with the keyboard's focus."""

ARROWS = {
    Gdk.KEY_Left: (-1, 0), Gdk.KEY_Right: (1, 0), Gdk.KEY_Up: (0, -1), Gdk.KEY_Down: (0, 1),
}  # fmt: skip
NUDGE = 40
"""Pixels by which Shift and an arrow key move a part of the picture."""

EVENTS = (
    Gdk.EventMask.BUTTON_PRESS_MASK | Gdk.EventMask.BUTTON_RELEASE_MASK | Gdk.EventMask.POINTER_MOTION_MASK
)


class SplitView(Gtk.Layout):
    """Shows the picture before left of the line, and after right of it.

    Signals: `resized` when there is another size to fill; `panned` with the pixels by which to move what is
    seen of the picture; `compared` when it shows, or no longer shows, only the picture before.  Lengths are
    in GTK's pixels; those of pictures and of `panned` in the screen's, which may be finer.
    """

    __gsignals__ = {  # noqa: RUF012 - PyGObject takes nothing else
        "resized": (GObject.SignalFlags.RUN_FIRST, None, ()),
        "panned": (GObject.SignalFlags.RUN_FIRST, None, (int, int)),
        "compared": (GObject.SignalFlags.RUN_FIRST, None, ()),
    }

    def __init__(self) -> None:
        super().__init__(can_focus=True)
        self.pans = False
        """Whether this is a part in full size: not enlarged, and moved by dragging beside the line, which
        else shows the picture before."""

        self.comparing = False
        self._line = START
        self._given: tuple[GdkPixbuf.Pixbuf, GdkPixbuf.Pixbuf | None] | None = None
        self._scaled: list[GdkPixbuf.Pixbuf] = []
        self._place = (0, 0, 0, 0)
        self._drag = ""
        self._from = (0.0, 0.0)
        self._size = (0, 0)
        self._image = Gtk.Image()
        self.put(self._image, 0, 0)
        self.add_events(EVENTS)
        self.connect("size-allocate", self._allocated)
        self.connect("notify::scale-factor", lambda *_ignored: self._refit())
        self.connect("button-press-event", self._pressed)
        self.connect("button-release-event", self._released)
        self.connect("motion-notify-event", self._moved)
        self.connect("key-press-event", self._key)
        for signal in ("focus-in-event", "focus-out-event"):
            self.connect_after(signal, lambda *_ignored: self._show())

    @property
    def unit(self) -> int:
        """How many of the screen's pixels are one of GTK's, in each direction."""
        return int(self.get_scale_factor())

    @property
    def room(self) -> tuple[int, int]:
        """Width and height to fill, in the screen's pixels."""
        return self._size[0] * self.unit, self._size[1] * self.unit

    def show_pictures(self, before: GdkPixbuf.Pixbuf, after: GdkPixbuf.Pixbuf | None) -> None:
        """Show two pictures of the same size; after: None while there is no dream yet."""
        self._given = (before, after)
        self._fit()

    def compare(self, *, on: bool) -> None:
        """Show only the picture before, or both again."""
        if on != self.comparing:
            self.comparing = on
            self._show()
            self.emit("compared")

    def _allocated(self, _widget: Gtk.Widget, place: Gdk.Rectangle) -> None:
        if (place.width, place.height) != self._size:
            self._size = (place.width, place.height)
            GLib.idle_add(self._refit)  # while sizes are being given, GTK forgets who wants another one

    def _refit(self) -> bool:
        self._fit()
        self.emit("resized")
        return GLib.SOURCE_REMOVE

    def _fit(self) -> None:
        """Enlarge or reduce the pictures to the room that there is."""
        if self._given is None or min(self._size) < 1:
            return
        before, _ = self._given
        own = before.get_width(), before.get_height()
        size = framing.fitted(own, self.room, self.unit, enlarge=not self.pans)
        self._scaled = [_resized(each, size) for each in self._given if each is not None]
        width, height = size[0] // self.unit, size[1] // self.unit
        self._place = ((self._size[0] - width) // 2, (self._size[1] - height) // 2, width, height)
        self._show()

    def _show(self) -> None:
        if not self._scaled:
            return
        # As an icon, for such a picture keeps its pixels on a finer screen.
        self._image.set_from_gicon(self._composed(), Gtk.IconSize.DIALOG)
        self._image.set_pixel_size(max(*self._place[2:], 1))
        self.move(self._image, *self._place[:2])

    def _composed(self) -> GdkPixbuf.Pixbuf:
        """Return what is seen: the pictures on their sides of the line, and the line."""
        before, after = self._scaled[0], self._scaled[-1]
        if after is before or self.comparing:
            return before
        mixed, unit = after.copy(), self.unit
        width, height = mixed.get_width(), mixed.get_height()
        at = round(self._line * width)
        if at:
            before.copy_area(0, 0, at, height, mixed, 0, 0)
        grip, tall = GRIP[0] * unit, min(GRIP[1] * unit, height)
        light = FOCUSED if self.has_focus() else LIGHT
        for edge, colour in ((unit, DARK), (0, light)):
            _fill(mixed, at - unit - edge, 0, 2 * (unit + edge), height, colour)
            _fill(
                mixed,
                at - grip // 2 - edge,
                (height - tall) // 2 - edge,
                grip + 2 * edge,
                tall + 2 * edge,
                colour,
            )
        return mixed

    def _near(self, x: float) -> bool:
        left, _, width, _ = self._place
        return len(self._scaled) > 1 and abs(x - left - self._line * width) <= NEAR

    def _pressed(self, _widget: Gtk.Widget, event: Gdk.EventButton) -> bool:
        if event.button != Gdk.BUTTON_PRIMARY or event.type != Gdk.EventType.BUTTON_PRESS:
            return False
        self.grab_focus()
        self._from = (event.x, event.y)
        self._drag = "line" if self._near(event.x) else "picture" if self.pans else "compare"
        if self._drag == "compare":
            self.compare(on=True)
        return True

    def _released(self, _widget: Gtk.Widget, _event: Gdk.EventButton) -> bool:
        if self._drag == "compare":
            self.compare(on=False)
        self._drag = ""
        return True

    def _moved(self, _widget: Gtk.Widget, event: Gdk.EventMotion) -> bool:
        left, _, width, _ = self._place
        if self._drag == "line" and width:
            self._to((event.x - left) / width)
        elif self._drag == "picture":
            across, down = round(self._from[0] - event.x), round(self._from[1] - event.y)
            self._from = (self._from[0] - across, self._from[1] - down)
            self.emit("panned", across * self.unit, down * self.unit)
        elif not self._drag:
            name = "col-resize" if self._near(event.x) else "grab" if self.pans else "default"
            self.get_window().set_cursor(Gdk.Cursor.new_from_name(self.get_display(), name))
        return True

    def _key(self, _widget: Gtk.Widget, event: Gdk.EventKey) -> bool:
        arrow = ARROWS.get(event.keyval)
        if event.keyval == Gdk.KEY_space:
            self.compare(on=not self.comparing)
        elif arrow and event.state & Gdk.ModifierType.SHIFT_MASK and self.pans:
            self.emit("panned", *(NUDGE * self.unit * way for way in arrow))
        elif arrow and arrow[0]:
            self._to(self._line + STEP * arrow[0])
        else:
            return False
        return True

    def _to(self, line: float) -> None:
        self._line = min(max(line, 0.0), 1.0)
        self._show()


def _resized(picture: GdkPixbuf.Pixbuf, size: tuple[int, int]) -> GdkPixbuf.Pixbuf:
    if (picture.get_width(), picture.get_height()) == size:
        return picture
    return picture.scale_simple(*size, GdkPixbuf.InterpType.BILINEAR)


def _fill(picture: GdkPixbuf.Pixbuf, x: int, y: int, width: int, height: int, colour: int) -> None:
    """Fill a rectangle, as far as it lies in the picture."""
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + width, picture.get_width()), min(y + height, picture.get_height())
    if left < right and top < bottom:
        picture.new_subpixbuf(left, top, right - left, bottom - top).fill(colour)
