"""Looks as pictures: choosing one sets all controls to what it means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("GdkPixbuf", "2.0")
gi.require_version("Gimp", "3.0")
gi.require_version("Gtk", "3.0")
import pixbufs  # noqa: E402 - versions first
import tile  # noqa: E402 - versions first
from deepdream_common import favourites, log_file, look, parameters  # noqa: E402 - versions first
from deepdream_common.texts import N_, _  # noqa: E402 - versions first
from gi.repository import Gdk, GdkPixbuf, Gimp, GLib, Gtk, Pango  # noqa: E402 - versions first
from samples import Samples  # noqa: E402 - versions first
from shelf import Shelves  # noqa: E402 - versions first

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepdream_common.live import Live
    from models import Models
    from thumbnail import Thumbnail

HEADING, SURPRISE, BACK = N_("_Pick a look"), N_("S_urprise me"), N_("_Back")

PICTURES = Path(__file__).absolute().parent / "looks"
"""What the looks make of a photograph, NAME.jpg; see the README there."""

SET = [
    *(parameter.name for parameter in (*parameters.IN_PRESET, parameters.PRESET, parameters.MODEL)),
    look.ARGUMENT,
]
"""The arguments that a look sets."""


class Looks(Gtk.Box):
    """The grid of looks, with favourites first and the user's own last.

    It is not bound to arguments: when GIMP restores last or saved settings, their look must not overwrite the
    other values.
    """

    def __init__(
        self,
        config: Gimp.ProcedureConfig,
        models: Models,
        live: Live | None,
        small: Callable[[], Thumbnail] | None,
    ) -> None:
        """Prepare it; live, small: try the looks on a copy of the user's picture, see `Samples`."""
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._config, self._models = config, models
        self._samples = Samples(live, small) if live and small else None
        self._favourites = favourites.Favourites(
            Gimp.directory(), lambda *lines: log_file.write(Gimp.directory(), lines)
        )
        self._history = look.History()
        self._tiles: dict[str, tile.Tile] = {}
        self._shelves = Shelves()
        self._seen: tile.Tile | None = None
        self._back = Gtk.Button(label=_(BACK), use_underline=True)
        self._words = Gtk.Label(xalign=0.0, yalign=0.0, wrap=True, lines=2, ellipsize=Pango.EllipsizeMode.END)
        line = self._words.create_pango_layout("X").get_pixel_size()[1]
        self._words.set_size_request(-1, 2 * line)  # so that nothing moves when the sentence changes
        self._words.get_style_context().add_class("dim-label")
        tile.style(Gdk.Screen.get_default())
        self.pack_start(self._head(), False, False, 0)
        self.pack_start(self._words, False, False, 0)
        self.pack_start(self._shelves, True, True, 0)
        self._add(look.built_in())
        self._handler = config.connect("notify", lambda *_ignored: self._mark())

    def _head(self) -> Gtk.Widget:
        heading = Gtk.Label(label=_(HEADING), use_underline=True, xalign=0.0)
        heading.set_mnemonic_widget(self._shelves.others.grid)
        for shelf in self._shelves.all:
            shelf.grid.connect("mnemonic-activate", lambda *_ignored: self._focus())
        surprise = Gtk.Button(label=_(SURPRISE), use_underline=True)
        surprise.set_tooltip_text(_("A look and a seed by chance: press it until you like what you see"))
        surprise.connect("clicked", lambda *_ignored: self._surprise())
        self._back.set_tooltip_text(_("Back to the settings before the last look that was chosen"))
        self._back.connect("clicked", lambda *_ignored: self._go_back())
        row = Gtk.Box(spacing=6)
        row.pack_start(heading, True, True, 0)
        row.pack_start(surprise, False, False, 0)
        row.pack_start(self._back, False, False, 0)
        return row

    def handle(self, event: dict[str, Any]) -> bool:
        """Return whether an event of the engine is about this; take the user's own presets from its start."""
        if event.get("event") == "start":
            known = [x for x in look.own(event.get("presets") or ()) if x.key not in self._tiles]
            self._add(known)
            self._try()
            return False
        if self._samples is None:
            return False
        own, key, pixels = self._samples.handle(event)
        if pixels:
            self._tiles[key].show_picture(pixbufs.on_checks(self._samples.copy, pixels))
        return own

    def close(self) -> None:
        """Forget what has not been tried yet, and no longer follow the arguments."""
        self._config.disconnect(self._handler)
        if self._samples is not None:
            self._samples.close()

    def _add(self, looks: list[look.Look]) -> None:
        for each in looks:
            entry = tile.Tile(each, len(self._tiles))
            entry.connect("selected", lambda entry: self._choose(entry.look))
            entry.connect("starred", self._star)
            entry.star(on=each.key in self._favourites)
            picture = _stock(each)
            if picture is not None:
                entry.show_picture(picture)
            self._tiles[each.key] = entry
            self._shelves.put(entry)
            entry.show_all()
        self._mark()

    def _try(self) -> None:
        """Have the looks tried on the user's picture, favourites first."""
        if self._samples is None:
            return
        looks = look.ordered([entry.look for entry in self._tiles.values()], self._favourites)
        device = self._config.get_property(parameters.DEVICE.name)
        self._samples.ask(looks, device)
        for entry in self._tiles.values():
            if entry.look.own and not self._samples.has(entry.look.key):
                copy = self._samples.copy
                entry.show_picture(pixbufs.on_checks(copy, copy.frame.pixels), waiting=True)

    def _star(self, entry: tile.Tile) -> None:
        self._shelves.take(entry)
        entry.star(on=not entry.favourite)
        self._shelves.put(entry)
        entry.grab_focus()
        self._favourites.change(entry.look.key, entry.favourite)
        self._mark()

    def _choose(self, chosen: look.Look, **other: Any) -> None:
        """Set all arguments to a look's values, or to others by name.

        A model that has the look's layers stays chosen, else that comes for which the look was made.
        """
        own = chosen.key if chosen.own else ""
        model = self._models.chosen
        if chosen.needs or not self._models.fits({**chosen.values, "preset": chosen.preset}):
            model = chosen.needs
        set_too = {"preset": chosen.preset, look.ARGUMENT: own, parameters.MODEL.name: model}
        self._set({**chosen.values, **other, **set_too})

    def _surprise(self) -> None:
        found = look.surprise([entry.look for entry in self._tiles.values()], self._current())
        if found:
            chosen, seed = found
            self._choose(chosen, seed=seed)

    def _set(self, values: dict[str, Any]) -> None:
        before = self._state()
        self._put(values)
        if self._state() != before:
            self._history.keep(before)
        self._mark()

    def _go_back(self) -> None:
        self._put(self._history.back())
        self._mark()

    def _put(self, values: dict[str, Any]) -> None:
        with self._config.freeze_notify():
            for name, value in values.items():
                kind = type(self._config.get_property(name))
                self._config.set_property(name, float(value) if kind is float else value)

    def _state(self) -> dict[str, Any]:
        # GIMP 3.2 gives None for an empty text.
        found = {name: self._config.get_property(name) for name in SET}
        return {name: "" if value is None else value for name, value in found.items()}

    def _current(self) -> str:
        """Return the key of the chosen look."""
        state = self._state()
        own = state[look.ARGUMENT] if state["preset"] == look.BASE else ""
        return own if own in self._tiles else state["preset"]

    def _focus(self) -> bool:
        """Give the keyboard to the chosen look."""
        if self._current() in self._tiles:
            self._tiles[self._current()].grab_focus()
        return True

    def _mark(self) -> None:
        state, current = self._state(), self._current()
        for key, entry in self._tiles.items():
            entry.mark(chosen=key == current, changed=look.changed(entry.look, state))
        chosen = self._tiles.get(current)
        if chosen is not None:
            self._words.set_text(f"{chosen.look.title}: {chosen.look.description}")
            self._words.set_tooltip_text(chosen.get_tooltip_text())
        self._back.set_sensitive(len(self._history) > 0)
        if chosen not in (None, self._seen):
            self._seen = chosen
            self._shelves.reveal(chosen)


def _stock(each: look.Look) -> GdkPixbuf.Pixbuf | None:
    """Return what a look makes of a photograph, if it has been installed with the plug-in."""
    if each.own:
        return None
    try:
        return GdkPixbuf.Pixbuf.new_from_file(str(PICTURES / f"{each.key}.jpg"))
    except GLib.Error:
        return None
