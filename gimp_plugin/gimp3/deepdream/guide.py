"""The row of the dialog that chooses a guide picture: an open image, one of its layers, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import gi

gi.require_version("GdkPixbuf", "2.0")
gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from deepdream_common import parameters  # noqa: E402 - versions first
from deepdream_common.texts import N_, _  # noqa: E402 - versions first
from gi.repository import GdkPixbuf, Gimp, GimpUi, GLib, Gtk, Pango  # noqa: E402 - versions first

SIDE = 24
"""Side of a small picture in the menu, in pixels."""

LAYER, IMAGE, FILE = (parameter.name for parameter in parameters.GUIDES)
ASK = "ask"
"""Stands for the entry that asks for a file, where the others have the argument's name."""

LABEL = N_("_A guide picture")
BLURB = N_(
    "A picture that the dream is steered towards: what it shows more of than yours grows. Whole layers of "
    "the network follow it best; a few channels have little to choose from"
)


class Entry(NamedTuple):
    """A line of the menu."""

    argument: str
    """Name of the argument that it sets; empty for none."""

    value: Any
    label: str


class GuideRow(Gtk.Box):
    """A menu of what can be a guide, and a switch for how it is followed."""

    def __init__(self, config: Gimp.ProcedureConfig, image: Gimp.Image) -> None:
        """Bind it to the arguments; image: the one that is dreamed on, whose layers come last."""
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=3)
        self._config, self._image = config, image
        self._entries: list[Entry] = []
        self._rows = Gtk.ListStore(GdkPixbuf.Pixbuf, str)
        self._menu = Gtk.ComboBox(model=self._rows, tooltip_text=_(BLURB))
        self._places = _switch(config)
        self._fill()
        self._handler = self._menu.connect("changed", self._choose)
        handlers = [config.connect(f"notify::{x.name}", self._follow) for x in parameters.GUIDES]
        self.connect("destroy", lambda *_args: [config.disconnect(x) for x in handlers])
        self.connect("map", self._renew)
        self._renew()

    def _fill(self) -> None:
        picture, text = Gtk.CellRendererPixbuf(), Gtk.CellRendererText(ellipsize=Pango.EllipsizeMode.MIDDLE)
        text.set_property("width-chars", 16)
        self._menu.pack_start(picture, False)
        self._menu.add_attribute(picture, "pixbuf", 0)
        self._menu.pack_start(text, True)
        self._menu.add_attribute(text, "text", 1)
        label = Gtk.Label(label=_(LABEL), use_underline=True, mnemonic_widget=self._menu)
        row = Gtk.Box(spacing=6)
        row.pack_start(label, False, False, 0)
        row.pack_start(self._menu, True, True, 0)
        self.pack_start(row, False, False, 0)
        self.pack_start(self._places, False, False, 0)

    def _renew(self, *_args: object) -> None:
        """List what is open now, and drop a guide that is not."""
        self._entries = [Entry("", None, _("None")), *_open(self._image)]
        file = self._config.get_property(FILE)
        if file and Path(file).is_file():
            self._entries.append(Entry(FILE, file, Path(file).name))
        self._entries.append(Entry(ASK, None, _("A file…")))
        if self._given() and not self._chosen():
            self._set("", None)
        with self._menu.handler_block(self._handler):
            self._rows.clear()
            for entry in self._entries:
                self._rows.append((None, entry.label))
        GLib.idle_add(self._draw, list(self._entries), 0)
        self._follow()

    def _draw(self, entries: list[Entry], number: int) -> bool:
        """Draw one small picture at a time, so that the dialog does not wait for them."""
        if entries != self._entries or self.in_destruction():
            return GLib.SOURCE_REMOVE
        pixbuf = _picture(entries[number])
        if pixbuf is not None:
            self._rows[number][0] = pixbuf
        if number + 1 < len(entries):
            GLib.idle_add(self._draw, entries, number + 1)
        return GLib.SOURCE_REMOVE

    def _given(self) -> list[tuple[str, Any]]:
        """Return the arguments that hold a guide, with their values: one at most."""
        found = [(x.name, self._config.get_property(x.name)) for x in parameters.GUIDES]
        return [(name, value) for name, value in found if value]

    def _chosen(self) -> int:
        """Return which entry the arguments mean; the first one if none does."""
        for name, value in self._given():
            for number, entry in enumerate(self._entries):
                if entry.argument == name and _same(entry.value, value):
                    return number
        return 0

    def _follow(self, *_args: object) -> None:
        number = self._chosen()
        with self._menu.handler_block(self._handler):
            self._menu.set_active(number)
        self._places.set_sensitive(number > 0)
        blurb = _(parameters.GUIDE_PLACES.blurb)
        self._places.set_tooltip_text(blurb if number else _("There is no guide picture.") + "\n\n" + blurb)

    def _choose(self, menu: Gtk.ComboBox) -> None:
        entry = self._entries[menu.get_active()]
        if entry.argument == ASK:
            self._ask()
            return
        self._set(entry.argument, entry.value)

    def _set(self, argument: str, value: Any) -> None:
        """Set one of the arguments; first take the others away, since there is never more than one guide."""
        for parameter in parameters.GUIDES:
            if parameter.name != argument:
                self._config.set_property(parameter.name, parameter.default)
        if argument:
            self._config.set_property(argument, value)

    def _ask(self) -> None:
        """Ask for a file; without an answer, the guide stays as it is."""
        dialog = Gtk.FileChooserDialog(
            title=_("Guide picture"), transient_for=self.get_toplevel(), action=Gtk.FileChooserAction.OPEN
        )
        dialog.add_buttons(_("_Cancel"), Gtk.ResponseType.CANCEL, _("_Open"), Gtk.ResponseType.ACCEPT)
        dialog.set_default_response(Gtk.ResponseType.ACCEPT)
        pictures = Gtk.FileFilter()
        pictures.set_name(_("Pictures"))
        pictures.add_mime_type("image/*")
        dialog.add_filter(pictures)
        path = dialog.get_filename() if dialog.run() == Gtk.ResponseType.ACCEPT else None
        dialog.destroy()
        if path:
            self._set(FILE, path)
            self._renew()
        else:
            self._follow()


def _switch(config: Gimp.ProcedureConfig) -> Gtk.Widget:
    parameter = parameters.GUIDE_PLACES
    return GimpUi.prop_check_button_new(config, parameter.name, _(parameter.label))


def _open(last: Gimp.Image) -> list[Entry]:
    """Return the open images as they are seen, each followed by its layers if it has several."""
    entries = []
    for image in sorted(Gimp.get_images(), key=lambda x: x.get_id() == last.get_id()):
        entries.append(Entry(IMAGE, image, image.get_name()))
        layers = _flat(image.get_layers())
        if len(layers) > 1:
            entries += [Entry(LAYER, x, f"    {x.get_name()}") for x in layers]
    return entries


def _flat(layers: list[Gimp.Layer]) -> list[Gimp.Layer]:
    """Return layers, each group followed by what is in it."""
    found = []
    for layer in layers:
        found.append(layer)
        if layer.is_group_layer():
            found += _flat(layer.get_children())
    return found


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return one.get_id() == other.get_id()


def _picture(entry: Entry) -> GdkPixbuf.Pixbuf | None:
    """Return a small picture for the menu, None where there is none."""
    if entry.argument == FILE:
        try:
            return GdkPixbuf.Pixbuf.new_from_file_at_size(entry.value, SIDE, SIDE)
        except GLib.Error:  # the engine reads more kinds of files
            return None
    if entry.argument in (LAYER, IMAGE) and entry.value.is_valid():
        return entry.value.get_thumbnail(SIDE, SIDE, Gimp.PixbufTransparency.SMALL_CHECKS)
    return None
