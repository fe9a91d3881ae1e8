"""One look in the grid: its picture, its title, a mark where it is the chosen one, a star."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("GdkPixbuf", "2.0")
gi.require_version("Gtk", "3.0")
import pixbufs  # noqa: E402 - versions first
from deepdream_common.texts import _  # noqa: E402 - versions first
from gi.repository import Gdk, GdkPixbuf, GObject, Gtk, Pango  # noqa: E402 - versions first

if TYPE_CHECKING:
    from deepdream_common.look import Look

WIDTH, HEIGHT = 88, 66
"""Of the picture, in GTK's pixels; see also `samples.SHAPE`."""

WAITING = 0.35
"""How opaque a picture is that the look has not been tried on yet."""

CHOSEN, CHANGED = "deepdream-chosen", "deepdream-changed"

STYLE = b"""
.deepdream-look { padding: 2px; border: 2px solid transparent; border-radius: 4px; }
.deepdream-look:focus { outline: 1px dashed; outline-offset: -4px; }
.deepdream-chosen { border-color: @theme_selected_bg_color; }
.deepdream-chosen .deepdream-title { font-weight: bold; }
.deepdream-changed { border-style: dashed; }
.deepdream-title { font-size: smaller; }
.deepdream-badge { background: rgba(0, 0, 0, 0.7); color: white; font-size: smaller; padding: 0 4px; }
.deepdream-star { background: rgba(0, 0, 0, 0.55); border: none; border-radius: 4px;
    box-shadow: none; text-shadow: none; min-width: 0; min-height: 0; padding: 0 3px; opacity: 0.7; }
.deepdream-star label { color: white; }
.deepdream-star:hover, .deepdream-favourite { opacity: 1; }
"""


def style(screen: Gdk.Screen) -> None:
    """Have a screen show tiles as they are meant."""
    provider = Gtk.CssProvider()
    provider.load_from_data(STYLE)
    Gtk.StyleContext.add_provider_for_screen(screen, provider, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION)


class Tile(Gtk.FlowBoxChild):
    """A look to choose.

    place: in the order of looks; chosen, favourite: whether it is.  Signals: `selected` to become the chosen
    look, and `starred` to become a favourite or to be none.
    """

    __gsignals__ = {  # noqa: RUF012 - PyGObject takes nothing else
        "selected": (GObject.SignalFlags.RUN_FIRST, None, ()),
        "starred": (GObject.SignalFlags.RUN_FIRST, None, ()),
    }

    def __init__(self, look: Look, place: int) -> None:
        super().__init__()
        self.look, self.place = look, place
        self.favourite = self.chosen = False
        self._picture: GdkPixbuf.Pixbuf | None = None
        self._image = Gtk.Image(halign=Gtk.Align.CENTER)
        self._image.set_size_request(WIDTH, HEIGHT)
        self._star = Gtk.Button(label="☆", can_focus=False, halign=Gtk.Align.END, valign=Gtk.Align.START)
        self._badge = Gtk.Label(
            label=_("changed"), halign=Gtk.Align.CENTER, valign=Gtk.Align.END, no_show_all=True
        )
        self._title = Gtk.Label(label=look.title, ellipsize=Pango.EllipsizeMode.END, max_width_chars=10)
        for widget, name in (
            (self, "look"),
            (self._star, "star"),
            (self._badge, "badge"),
            (self._title, "title"),
        ):
            widget.get_style_context().add_class(f"deepdream-{name}")
        self._fill()
        self._star.connect("clicked", lambda *_ignored: self.emit("starred"))
        self.connect("notify::scale-factor", lambda *_ignored: self._draw())
        self.connect("key-press-event", self._key)
        self.star(on=False)
        self.mark(chosen=False, changed=False)

    def _fill(self) -> None:
        over = Gtk.Overlay(halign=Gtk.Align.CENTER)
        over.add(self._image)
        over.add_overlay(self._star)
        over.add_overlay(self._badge)
        over.set_overlay_pass_through(self._badge, True)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=1)
        box.pack_start(over, False, False, 0)
        box.pack_start(self._title, False, False, 0)
        self.add(box)

    def show_picture(self, picture: GdkPixbuf.Pixbuf, *, waiting: bool = False) -> None:
        """Show what the look makes of a picture; or, waiting for that, the picture itself."""
        self._picture = picture
        self._image.set_opacity(WAITING if waiting else 1.0)
        self._draw()

    def mark(self, *, chosen: bool, changed: bool) -> None:
        """Show whether this is the chosen look, and whether its settings have been changed since."""
        self.chosen, changed = chosen, chosen and changed
        context = self.get_style_context()
        for name, wanted in ((CHOSEN, chosen), (CHANGED, changed)):
            (context.add_class if wanted else context.remove_class)(name)
        self._badge.set_visible(changed)
        again = _("Its settings have been changed. Choose it again to reset them.") if changed else ""
        lines = [self.look.title, self.look.description, *self.look.missing, again]
        self.set_tooltip_text("\n".join(filter(None, lines)))
        states = (
            _("chosen") if chosen else "",
            _("changed") if changed else "",
            _("favourite") if self.favourite else "",
        )
        accessible = self.get_accessible()
        accessible.set_name(", ".join(filter(None, [self.look.title, *states])))
        accessible.set_description("\n".join(filter(None, lines[1:])))

    def star(self, *, on: bool) -> None:
        """Show whether the look is a favourite."""
        self.favourite = on
        self._star.set_label("★" if on else "☆")
        context = self._star.get_style_context()
        (context.add_class if on else context.remove_class)("deepdream-favourite")
        text = _("No longer a favourite (F)") if on else _("Make it a favourite (F)")
        self._star.set_tooltip_text(text)
        self._star.get_accessible().set_name(text)

    def _key(self, _widget: Gtk.Widget, event: Gdk.EventKey) -> bool:
        if event.keyval in (Gdk.KEY_Return, Gdk.KEY_KP_Enter, Gdk.KEY_space):
            self.emit("selected")
        elif event.keyval in (Gdk.KEY_f, Gdk.KEY_F) and not event.state & Gdk.ModifierType.MOD1_MASK:
            self.emit("starred")
        else:
            return False
        return True

    def _draw(self) -> None:
        """Show the picture in the screen's own pixels: an icon's are not enlarged, those of a pixbuf are."""
        if self._picture is not None:
            scale = self.get_scale_factor()
            self._image.set_from_gicon(
                pixbufs.cover(self._picture, WIDTH * scale, HEIGHT * scale), Gtk.IconSize.DIALOG
            )
