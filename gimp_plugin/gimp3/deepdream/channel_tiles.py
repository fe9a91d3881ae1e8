"""The parts of the sheet of channels: a picture to click on, and the list of those that are chosen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("GdkPixbuf", "2.0")
gi.require_version("Gtk", "3.0")
import channel_table  # noqa: E402 - versions first
from deepdream_common.texts import _  # noqa: E402 - versions first
from gi.repository import Gdk, GdkPixbuf, Gtk, Pango  # noqa: E402 - versions first

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Key = tuple[str, int]
    """Layer and number of a channel."""

FILE = Path(__file__).parent / "pictures" / "channels.jpg"
SMALL = 40
"""Side of a picture in the list of the chosen ones, in pixels."""

STRONGEST = 200.0
"""Where the sliders end, unless a strength beyond that was typed."""

STYLE = b"""
.dream-tile { padding: 3px; border-radius: 4px; }
.dream-tile.chosen { background-color: #2a76c6; color: #ffffff; }
"""


def pictures() -> dict[Key, GdkPixbuf.Pixbuf]:
    """Return the pictures by channel."""
    sheet, side = GdkPixbuf.Pixbuf.new_from_file(str(FILE)), channel_table.TILE
    keys = [(layer, channel) for _title, rows in channel_table.GROUPS for layer, channel, _name in rows]
    places = [divmod(number, channel_table.COLUMNS) for number in range(len(keys))]
    parts = [sheet.new_subpixbuf(across * side, down * side, side, side) for down, across in places]
    return dict(zip(keys, parts))  # noqa: B905 - Python 3.9


class Tile(Gtk.FlowBoxChild):
    """A channel to click on: with its picture and its name, or with its number alone.

    key: its layer and number; words: what a search finds it by.
    """

    def __init__(self, key: Key, name: str = "", picture: GdkPixbuf.Pixbuf | None = None) -> None:
        super().__init__(halign=Gtk.Align.CENTER, valign=Gtk.Align.START)
        self.key, self.picture = key, picture
        code = f"{key[0]}:{key[1]}"
        self.name = name or code
        self.words = f"{name} {code}".lower()
        label = Gtk.Label(label=self.name, wrap=True, lines=2, ellipsize=Pango.EllipsizeMode.END)
        label.set_justify(Gtk.Justification.CENTER)
        label.set_max_width_chars(12)
        label.set_size_request(channel_table.TILE, -1)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=2)
        if picture is not None:
            box.pack_start(Gtk.Image.new_from_pixbuf(picture), False, False, 0)
        box.pack_start(label, False, False, 0)
        self._style = box.get_style_context()
        self._style.add_class("dream-tile")
        self.set_tooltip_text(f"{name} ({code})" if name else code)
        self.add(box)
        _use_style()

    def choose(self, chosen: bool) -> None:
        """Show whether it is chosen."""
        (self._style.add_class if chosen else self._style.remove_class)("chosen")


class Chosen(Gtk.Box):
    """The list of the chosen channels, each with a slider for its strength and a button that removes it."""

    def __init__(self, put: Callable[[Key, float | None], None], tiles: Mapping[Key, Tile]) -> None:
        """Show nothing yet; put: takes a channel and its new strength, None to remove it."""
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._put, self._tiles = put, tiles
        self._sliders: dict[Key, Gtk.Scale] = {}
        self._rows = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=9)
        window = Gtk.ScrolledWindow(hscrollbar_policy=Gtk.PolicyType.NEVER)
        window.add(self._rows)
        heading = Gtk.Label(label=_("Chosen, with strength"), xalign=0.0)
        self._invitation = Gtk.Label(
            label=_("Click on what should grow in your picture. Several are mixed."),
            xalign=0.0, wrap=True, max_width_chars=24, no_show_all=True,
        )  # fmt: skip
        self._invitation.get_style_context().add_class("dim-label")
        self.set_size_request(230, -1)
        self.pack_start(heading, False, False, 0)
        self.pack_start(self._invitation, False, False, 0)
        self.pack_start(window, True, True, 0)

    def show_strengths(self, found: Mapping[Key, float]) -> None:
        """Show these channels; rows that stay are kept, since one of their sliders may be held."""
        if found.keys() != self._sliders.keys():
            for row in self._rows.get_children():
                row.destroy()
            self._sliders = {key: self._row(key, strength) for key, strength in found.items()}
            self._rows.show_all()
        for key, strength in found.items():
            if self._sliders[key].get_value() != strength:
                self._sliders[key].set_value(strength)
        self._invitation.set_visible(not found)

    def _row(self, key: Key, strength: float) -> Gtk.Scale:
        """Add a row and return its slider."""
        tile = self._tiles.get(key)
        name = tile.name if tile else f"{key[0]}:{key[1]}"
        low, high = min(strength, 0.0), max(strength, STRONGEST)
        slider = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, low, high, 1.0)
        slider.set_value_pos(Gtk.PositionType.RIGHT)
        slider.set_digits(2 if strength != round(strength) else 0)
        slider.set_value(strength)
        slider.set_tooltip_text(_("How much this channel counts beside the layers and the other channels"))
        slider.connect("value-changed", lambda it: self._put(key, it.get_value()))
        remove = Gtk.Button.new_from_icon_name("window-close-symbolic", Gtk.IconSize.MENU)
        remove.set_relief(Gtk.ReliefStyle.NONE)
        remove.set_tooltip_text(_("Remove this channel"))
        remove.connect("clicked", lambda _button: self._put(key, None))
        row, column, head = (
            Gtk.Box(spacing=6),
            Gtk.Box(orientation=Gtk.Orientation.VERTICAL),
            Gtk.Box(spacing=3),
        )
        head.pack_start(Gtk.Label(label=name, xalign=0.0, ellipsize=Pango.EllipsizeMode.END), True, True, 0)
        head.pack_start(remove, False, False, 0)
        column.pack_start(head, False, False, 0)
        column.pack_start(slider, False, False, 0)
        if tile:
            small = tile.picture.scale_simple(SMALL, SMALL, GdkPixbuf.InterpType.BILINEAR)
            row.pack_start(Gtk.Image.new_from_pixbuf(small), False, False, 0)
        row.pack_start(column, True, True, 0)
        self._rows.pack_start(row, False, False, 0)
        return slider


def _use_style() -> None:
    """Tell GTK how a tile looks, once."""
    if not _provider:
        _provider.append(Gtk.CssProvider())
        _provider[0].load_from_data(STYLE)
        priority = Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION
        Gtk.StyleContext.add_provider_for_screen(Gdk.Screen.get_default(), _provider[0], priority)


_provider: list[Gtk.CssProvider] = []
