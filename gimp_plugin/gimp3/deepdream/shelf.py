"""The looks in rows under titles: favourites, the others, the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from deepdream_common.texts import _  # noqa: E402 - versions first
from gi.repository import Gdk, Gtk  # noqa: E402 - versions first

if TYPE_CHECKING:
    from tile import Tile

MOST = 12
"""Tiles in a line, at most."""

LEAST = 104
"""Height for a line of them, in GTK's pixels: what there is at least."""


class Shelves(Gtk.ScrolledWindow):
    """All shelves, one below the other, in as much room as there is."""

    def __init__(self) -> None:
        super().__init__(
            hscrollbar_policy=Gtk.PolicyType.NEVER, overlay_scrolling=False, min_content_height=LEAST
        )
        self.others = Shelf(_("All looks"))
        self._favourites, self._own = Shelf(_("Favourites")), Shelf(_("Your own"))
        self.all = (self._favourites, self.others, self._own)
        self._box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        for shelf in self.all:
            self._box.pack_start(shelf, False, False, 0)
        self.add(self._box)
        self._wanted: Tile | None = None
        self._box.connect_after("size-allocate", lambda *_ignored: self._placed())
        self.connect("map", lambda *_ignored: self._box.queue_resize())

    def _of(self, tile: Tile) -> Shelf:
        return self._favourites if tile.favourite else self._own if tile.look.own else self.others

    def put(self, tile: Tile) -> None:
        """Take a tile in where it belongs."""
        self._of(tile).put(tile)
        self.others.title(wanted=bool(self._favourites.tiles))

    def take(self, tile: Tile) -> None:
        """Give a tile away, before it becomes a favourite or is none any more."""
        self._of(tile).take(tile)

    def reveal(self, tile: Tile) -> None:
        """Scroll to a tile as soon as it has its place."""
        self._wanted = tile
        self._box.queue_resize()

    def _placed(self) -> None:
        if self._wanted is None or not self.get_mapped():
            return
        tile, self._wanted = self._wanted, None
        _left, top = tile.translate_coordinates(self._box, 0, 0)
        self.get_vadjustment().clamp_page(top, top + tile.get_allocated_height())


class Shelf(Gtk.Box):
    """Tiles in their order; it shows itself while there are any.  grid: what holds them."""

    def __init__(self, title: str) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=3, no_show_all=True)
        self._heading = Gtk.Label(label=title, xalign=0.0, visible=True)
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
        self.grid.connect("child-activated", lambda _grid, tile: tile.emit("selected"))
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
