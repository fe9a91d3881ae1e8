"""A row of looks under a title, which goes on in the next line where the window is narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk  # noqa: E402 - versions first

if TYPE_CHECKING:
    from tile import Tile

MOST = 12
"""Tiles in a line, at most."""


class Shelf(Gtk.Box):
    """Tiles in their order; it shows itself while there are any.  grid: what holds them."""

    def __init__(self, title: str) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=3, no_show_all=True)
        self._heading = Gtk.Label(label=title, xalign=0.0)
        self.grid = _Grid(
            homogeneous=True,
            selection_mode=Gtk.SelectionMode.NONE,
            max_children_per_line=MOST,
            column_spacing=2,
            row_spacing=2,
            valign=Gtk.Align.START,
            visible=True,
        )
        self.grid.set_sort_func(lambda one, other: one.place - other.place)
        self.grid.connect("child-activated", lambda _, tile: tile.emit("selected"))
        self.grid.connect("key-press-event", self._key)
        self.grid.get_accessible().set_name(title)
        self.pack_start(self._heading, False, False, 0)
        self.pack_start(self.grid, False, False, 0)

    @property
    def tiles(self) -> list[Tile]:
        """The tiles that are here."""
        return self.grid.get_children()

    def put(self, tile: Tile) -> None:
        """Take a tile in."""
        self.grid.add(tile)
        self.show()

    def take(self, tile: Tile) -> None:
        """Give a tile away."""
        self.grid.remove(tile)
        self.set_visible(bool(self.tiles))

    def _key(self, _grid: Gtk.FlowBox, event: Gdk.EventKey) -> bool:
        """Go to the first or last tile; GTK's own way does nothing while no tile is selected."""
        ends = {Gdk.KEY_Home: 0, Gdk.KEY_End: -1}
        if event.keyval not in ends:
            return False
        self.tiles[ends[event.keyval]].grab_focus()
        return True

    def title(self, *, wanted: bool) -> None:
        """Show the title or not."""
        self._heading.set_visible(wanted)


class _Grid(Gtk.FlowBox):
    """Tab goes into and out of it, as arrows go from tile to tile; GTK's own would stop at each."""

    def do_focus(self, direction: Gtk.DirectionType) -> bool:
        """Return whether something in here has the keyboard's focus now."""
        if direction not in (Gtk.DirectionType.TAB_FORWARD, Gtk.DirectionType.TAB_BACKWARD):
            return Gtk.FlowBox.do_focus(self, direction)
        if self.get_focus_child() is not None or not self.get_children():
            return False
        chosen = [tile for tile in self.get_children() if tile.chosen]
        (chosen or self.get_children())[0].grab_focus()
        return True
