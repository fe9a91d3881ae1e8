"""The row of the dialog that chooses single channels: as text, or from a sheet of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
import channel_table  # noqa: E402 - versions first
import controls  # noqa: E402 - versions first
from channel_window import Sheet  # noqa: E402 - versions first
from deepdream_common import parameters, words  # noqa: E402 - versions first
from deepdream_common.texts import N_, _  # noqa: E402 - versions first
from gi.repository import GimpUi, Gtk  # noqa: E402 - versions first

if TYPE_CHECKING:
    from gi.repository import Gimp
    from models import Models

BUTTON = N_("From _pictures…")
NO_PICTURES = N_("There are pictures for the built-in network only.")


class ChannelRow(Gtk.Box):
    """A text field, a button that opens the sheet, and below them what is wrong with the values."""

    def __init__(self, config: Gimp.ProcedureConfig, models: Models) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=3)
        self._config, self._models = config, models
        parameter = parameters.CHANNELS
        self._field = GimpUi.prop_entry_new(config, parameter.name, -1)
        self._field.set_tooltip_text(_(parameter.blurb))
        button = Gtk.Button(label=_(BUTTON), use_underline=True)
        button.set_tooltip_text(_("Choose channels by what they draw"))
        button.connect("clicked", self._open)
        controls.idle(config, button, [parameters.MODEL.name], self._why_no_pictures)
        label = Gtk.Label(label=_(parameter.label), use_underline=True, mnemonic_widget=self._field)
        row = Gtk.Box(spacing=6)
        row.pack_start(label, False, False, 0)
        row.pack_start(self._field, True, True, 0)
        row.pack_start(button, False, False, 0)
        self._problem = Gtk.Label(xalign=0.0, wrap=True, max_width_chars=34, no_show_all=True)
        self.pack_start(row, False, False, 0)
        self.pack_start(self._problem, False, False, 0)
        config.connect("notify", self._follow)
        self._follow()

    def _why_no_pictures(self) -> str:
        """Return why there are no pictures of the model's channels, or nothing if there are."""
        layers = {layer for _title, rows in channel_table.GROUPS for layer, _channel, _name in rows}
        return "" if all(map(self._models.has, layers)) else NO_PICTURES

    def _follow(self, *_args: object) -> None:
        values = {x.name: self._config.get_property(x.name) for x in parameters.PARAMETERS}
        values[words.COUNTS] = self._models.counts
        text = words.problem(values)
        self._problem.set_text(text)
        self._problem.set_visible(bool(text))
        icon = "dialog-warning" if text else None
        self._field.set_icon_from_icon_name(Gtk.EntryIconPosition.SECONDARY, icon)

    def _open(self, _button: Gtk.Button) -> None:
        sheet = Sheet(self._config, self.get_toplevel(), self._models.counts)
        sheet.run()
        sheet.destroy()
