"""The rows of the dialog that choose a model, and set the layers that have no argument of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from deepdream_common import channels, parameters  # noqa: E402 - versions first
from deepdream_common.texts import N_, _  # noqa: E402 - versions first
from gi.repository import GimpUi, Gtk, Pango  # noqa: E402 - versions first
from models import MODEL  # noqa: E402 - versions first

if TYPE_CHECKING:
    from gi.repository import Gimp
    from models import Models

ASK = "\n"
"""Stands for the entry that asks for a file: no model has such a name."""

BUILT_IN, FILE = N_("Built in"), N_("A file…")
SUFFIX = "*.onnx"
MOST = 16
"""Layers that get a slider, at most; all can be typed in."""


class ModelRow(Gtk.Box):
    """A menu of the models."""

    def __init__(self, config: Gimp.ProcedureConfig, models: Models) -> None:
        super().__init__(spacing=6, tooltip_text=_(parameters.MODEL.blurb))
        self._config, self._models = config, models
        self._menu = Gtk.ComboBoxText()
        (cell,) = self._menu.get_cells()
        cell.set_property("ellipsize", Pango.EllipsizeMode.MIDDLE)
        cell.set_property("width-chars", 16)
        label = Gtk.Label(label=_(parameters.MODEL.label), mnemonic_widget=self._menu, xalign=0.0)
        self.pack_start(label, False, False, 0)
        self.pack_start(self._menu, True, True, 0)
        self._handler = self._menu.connect("changed", self._choose)
        self._entries: list[str] = []
        config.connect(f"notify::{MODEL}", self._follow)
        self._follow()

    def _follow(self, *_ignored: object) -> None:
        """List what there is, and show what is chosen."""
        chosen = self._models.chosen
        entries = list(dict.fromkeys(["", *self._models.names, chosen, ASK]))
        with self._menu.handler_block(self._handler):
            if entries != self._entries:
                self._entries = entries
                self._menu.remove_all()
                for entry in entries:
                    self._menu.append(entry, _title(entry))
            self._menu.set_active_id(chosen)

    def _choose(self, menu: Gtk.ComboBoxText) -> None:
        wanted = menu.get_active_id()
        if wanted == ASK:
            wanted = self._file()
        if wanted is None or wanted == self._models.chosen:
            self._follow()
        else:
            self._config.set_property(MODEL, wanted)

    def _file(self) -> str | None:
        """Return the file that the user chooses, None if they choose none."""
        dialog = Gtk.FileChooserDialog(
            title=_("Model file"), transient_for=self.get_toplevel(), action=Gtk.FileChooserAction.OPEN
        )
        dialog.add_buttons(_("_Cancel"), Gtk.ResponseType.CANCEL, _("_Open"), Gtk.ResponseType.ACCEPT)
        files = Gtk.FileFilter()
        files.set_name(SUFFIX)
        files.add_pattern(SUFFIX)
        dialog.add_filter(files)
        dialog.set_default_response(Gtk.ResponseType.ACCEPT)
        try:
            return dialog.get_filename() if dialog.run() == Gtk.ResponseType.ACCEPT else None
        finally:
            dialog.destroy()


class MoreLayers(Gtk.Box):
    """Sliders for the chosen model's layers that have no argument: they write into the text of channels."""

    def __init__(self, config: Gimp.ProcedureConfig, models: Models) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=3, no_show_all=True)
        self._config, self._models = config, models
        self._places: dict[str, Gtk.Adjustment] = {}
        for name in (MODEL, parameters.CHANNELS.name):
            config.connect(f"notify::{name}", self._follow)
        self._follow()

    def _parts(self) -> tuple[dict[tuple[str, int], float], dict[str, float], list[str]]:
        """Return what the text has: strengths of channels, those of whole layers, and the rest."""
        text = self._config.get_property(parameters.CHANNELS.name) or ""
        found, others = channels.strengths(text, self._models.counts or channels.COUNTS)
        whole, rest = channels.whole_layers(others)
        return found, whole, rest

    def _follow(self, *_ignored: object) -> None:
        own = {parameter.name for parameter in parameters.LAYERS} | self._models.inside
        wanted = [name for name, _count in self._models.counts or () if name not in own][-MOST:]
        if wanted != list(self._places):
            for row in self.get_children():
                row.destroy()
            self._places = {name: self._row(name) for name in wanted}
            self.set_visible(bool(wanted))
        _found, whole, _rest = self._parts()
        for name, place in self._places.items():
            if place.get_value() != whole.get(name, 0.0):
                place.set_value(whole.get(name, 0.0))

    def _row(self, name: str) -> Gtk.Adjustment:
        like = parameters.LAYERS[-1]
        place = Gtk.Adjustment(lower=like.low, upper=like.high, step_increment=0.1, page_increment=1)
        slider = GimpUi.SpinScale.new(place, name.replace("_", "__"), like.digits)  # no mnemonic
        slider.set_scale_limits(*like.slider[:2])
        slider.set_tooltip_text(
            _("Layer %(layer)s of the network grows out of the picture. 0 leaves it out") % {"layer": name}
        )
        place.connect("value-changed", lambda it: self._set(name, round(it.get_value(), like.digits)))
        slider.show()
        self.pack_start(slider, False, False, 0)
        return place

    def _set(self, name: str, strength: float) -> None:
        found, whole, rest = self._parts()
        if whole.get(name, 0.0) == strength:
            return
        whole[name] = strength
        layers = [f"{layer}={x:.10g}" for layer, x in whole.items() if x]
        self._config.set_property(parameters.CHANNELS.name, channels.text_of(found, [*layers, *rest]))


def _title(entry: str) -> str:
    """Return what the menu shows for a model."""
    if entry in ("", ASK):
        return _(FILE if entry else BUILT_IN)
    return Path(entry).name
