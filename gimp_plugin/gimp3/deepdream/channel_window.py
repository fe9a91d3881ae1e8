"""The sheet of pictures that channels are chosen from; it writes the text that users may also type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
import channel_table  # noqa: E402 - versions first
from channel_tiles import Chosen, Tile, pictures  # noqa: E402 - versions first
from deepdream_common import channels, parameters  # noqa: E402 - versions first
from deepdream_common.texts import _  # noqa: E402 - versions first
from gi.repository import Gdk, Gtk  # noqa: E402 - versions first

if TYPE_CHECKING:
    from collections.abc import Iterable

    from channel_tiles import Key
    from gi.repository import Gimp

USUAL = 50.0
"""Strength of the first channel that is chosen: as in the look “Dream”, it shows beside whole layers."""

SIZE, FRAME = (960, 620), (24, 64)
"""Width and height of the window on a screen that has room for it, and what its frame may take."""

_NUMBER = re.compile(r"(?:([^\s:]*[a-z][^\s:]*) ?[: ] ?)?([0-9]{1,4})\Z")


class Sheet(Gtk.Dialog):
    """Named channels by groups, each with a picture; the chosen ones beside them, each with its strength."""

    def __init__(
        self, config: Gimp.ProcedureConfig, parent: Gtk.Window, counts: Iterable[tuple[str, int]] | None
    ) -> None:
        """Prepare it; counts: the model's layers with their numbers of channels, where these are known."""
        super().__init__(title=_("Channels"), transient_for=parent, modal=True, destroy_with_parent=True)
        self.set_role("deep-dream-channels")
        self.add_button(_("_Close"), Gtk.ResponseType.CLOSE)
        self.set_default_size(*_room(parent))
        self._config, self._counts = config, counts or channels.COUNTS
        self._pictures = pictures()
        self._tiles: dict[Key, Tile] = {}
        self._search = Gtk.SearchEntry()
        self._nothing = Gtk.Label(label=_("There is no such picture."), no_show_all=True, margin=24)
        self._others = _flow(self._toggle)
        self._unpictured = _under(_("Without a picture"), self._others)
        self._groups = [self._group(title, rows) for title, rows in channel_table.GROUPS]
        self._chosen = Chosen(self._set, self._tiles)
        self._fill()
        self._search.connect("search-changed", self._find)
        self._search.connect("stop-search", self._stop_search)
        self._handler = config.connect(f"notify::{parameters.CHANNELS.name}", self._follow)
        self.connect("destroy", lambda *_args: config.disconnect(self._handler))
        self._follow()

    def _fill(self) -> None:
        label = Gtk.Label(label=_("_Search"), use_underline=True, mnemonic_widget=self._search)
        self._search.set_tooltip_text(
            _("A word of a name, or the number of a channel, such as 300 or mixed4:300")
        )
        top = Gtk.Box(spacing=6)
        top.pack_start(label, False, False, 0)
        top.pack_start(self._search, True, True, 0)
        sheet = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        for part in (*(group for group, _tiles in self._groups), self._unpictured, self._nothing):
            sheet.pack_start(part, False, False, 0)
        window = Gtk.ScrolledWindow(hscrollbar_policy=Gtk.PolicyType.NEVER)
        window.add(sheet)
        left = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        left.pack_start(top, False, False, 0)
        left.pack_start(window, True, True, 0)
        both = Gtk.Box(spacing=12, border_width=12)
        both.pack_start(left, True, True, 0)
        both.pack_start(self._chosen, False, False, 0)
        self.get_content_area().pack_start(both, True, True, 0)
        both.show_all()
        self._unpictured.hide()
        self._search.grab_focus()

    def _group(self, title: str, rows: tuple[tuple[str, int, str], ...]) -> tuple[Gtk.Widget, list[Tile]]:
        """Return a group's tiles, and what shows them under its title."""
        flow, tiles = _flow(self._toggle), []
        for layer, channel, name in rows:
            tile = Tile((layer, channel), _(name), self._pictures[layer, channel])
            flow.add(tile)
            tiles.append(tile)
            self._tiles[tile.key] = tile
        return _under(_(title), flow), tiles

    # What is chosen

    def _text(self) -> str:
        return self._config.get_property(parameters.CHANNELS.name) or ""

    def _toggle(self, _flow: Gtk.FlowBox, tile: Tile) -> None:
        found, _others = channels.strengths(self._text(), self._counts)
        usual = next(reversed(found.values()), USUAL)
        self._set(tile.key, None if tile.key in found else usual)

    def _set(self, key: Key, strength: float | None) -> None:
        """Give a channel another strength; None takes it away."""
        found, others = channels.strengths(self._text(), self._counts)
        if strength is None:
            found.pop(key, None)
        else:
            found[key] = strength
        self._config.set_property(parameters.CHANNELS.name, channels.text_of(found, others))

    def _follow(self, *_args: object) -> None:
        found, _others = channels.strengths(self._text(), self._counts)
        for tile in (*self._tiles.values(), *self._others.get_children()):
            tile.choose(tile.key in found)
        self._chosen.show_strengths(found)

    # Search

    def _find(self, _entry: Gtk.SearchEntry) -> None:
        text = self._search.get_text().strip().lower()
        found = 0
        for group, tiles in self._groups:
            fitting = [tile for tile in tiles if text in tile.words]
            for tile in tiles:
                tile.set_visible(tile in fitting)
            group.set_visible(bool(fitting))
            found += len(fitting)
        for tile in self._others.get_children():
            tile.destroy()
        for key in self._unnamed(text):
            self._others.add(Tile(key))
            found += 1
        self._others.show_all()
        self._unpictured.set_visible(bool(self._others.get_children()))
        self._nothing.set_visible(not found)
        self._follow()

    def _unnamed(self, text: str) -> list[Key]:
        """Return the channels without a picture that a text means by their number."""
        form = _NUMBER.match(text)
        if form is None:
            return []
        layer, number = form[1], int(form[2])
        wanted = [(name, number) for name, count in self._counts if number < count]
        return [key for key in wanted if layer in (None, key[0]) and key not in self._tiles]

    def _stop_search(self, entry: Gtk.SearchEntry) -> None:
        """Let Escape empty the search first, and then close the window."""
        if entry.get_text():
            entry.set_text("")
        else:
            self.response(Gtk.ResponseType.CLOSE)


def _flow(toggle: object) -> Gtk.FlowBox:
    flow = Gtk.FlowBox(homogeneous=True, max_children_per_line=20, selection_mode=Gtk.SelectionMode.NONE)
    flow.connect("child-activated", toggle)
    return flow


def _under(title: str, flow: Gtk.FlowBox) -> Gtk.Widget:
    """Return tiles under a title."""
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=3)
    heading = Gtk.Label(label=title, xalign=0.0)
    heading.get_style_context().add_class("heading")
    box.pack_start(heading, False, False, 0)
    box.pack_start(flow, False, False, 0)
    return box


def _room(parent: Gtk.Window) -> tuple[int, int]:
    """Return width and height that fit the screen."""
    area = Gdk.Display.get_default().get_monitor_at_window(parent.get_window()).get_workarea()
    sides = zip((area.width, area.height), SIZE, FRAME)  # noqa: B905 - Python 3.9
    width, height = (min(side - frame, usual) for side, usual, frame in sides)
    return width, height
