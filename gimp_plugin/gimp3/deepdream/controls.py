"""The dialog's controls, each bound to an argument of the procedure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from deepdream_common import parameters  # noqa: E402 - versions first
from deepdream_common.texts import _  # noqa: E402 - versions first
from gi.repository import GimpUi, GObject, Gtk, Pango  # noqa: E402 - versions first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gi.repository import Gimp

LINES = 3
"""Lines for a preset's description."""


def section(title: str, rows: Sequence[Gtk.Widget]) -> Gtk.Widget:
    """Return rows of controls under a title."""
    frame = GimpUi.Frame.new(title)
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=3)
    for row in rows:
        box.pack_start(row, False, False, 0)
    frame.add(box)
    return frame


def sliders(config: Gimp.ProcedureConfig, table: Sequence[parameters.Parameter]) -> list[Gtk.Widget]:
    """Return a slider for each number and a check button for each switch."""
    return [_switch(config, x) if x.kind == "bool" else _slider(config, x) for x in table]


def menu(config: Gimp.ProcedureConfig, parameter: parameters.Parameter) -> tuple[Gtk.Widget, Gtk.Label]:
    """Return a menu for a choice beside its label, and the label."""
    combo = Gtk.ComboBoxText(tooltip_text=_(parameter.blurb))
    for nick, title in parameter.choices:
        combo.append(nick, _(title))
    config.bind_property(
        parameter.name,
        combo,
        "active-id",
        GObject.BindingFlags.BIDIRECTIONAL | GObject.BindingFlags.SYNC_CREATE,
    )
    label = Gtk.Label(label=_(parameter.label), use_underline=True, mnemonic_widget=combo)
    row = Gtk.Box(spacing=6)
    row.pack_start(label, False, False, 0)
    row.pack_start(combo, True, True, 0)
    return row, label


def align(*labels: Gtk.Label) -> None:
    """Make labels equally wide, so that the controls beside them line up."""
    group = Gtk.SizeGroup(mode=Gtk.SizeGroupMode.HORIZONTAL)
    for label in labels:
        label.set_xalign(0.0)
        group.add_widget(label)


def entry(config: Gimp.ProcedureConfig, parameter: parameters.Parameter) -> Gtk.Widget:
    """Return a text field beside its label."""
    field = GimpUi.prop_entry_new(config, parameter.name, -1)
    field.set_tooltip_text(_(parameter.blurb))
    row = Gtk.Box(spacing=6)
    row.pack_start(Gtk.Label(label=_(parameter.label)), False, False, 0)
    row.pack_start(field, True, True, 0)
    return row


class PresetMenu(Gtk.Box):
    """The menu of presets: choosing one sets all controls, and a button sets them again.

    Unlike other menus, it is not bound to its argument: when GIMP restores last or saved settings, the preset
    must not overwrite the other values.
    """

    def __init__(self, config: Gimp.ProcedureConfig) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._config = config
        parameter = parameters.PRESET
        self._menu = Gtk.ComboBoxText(tooltip_text=_(parameter.blurb))
        for nick, title in parameter.choices:
            self._menu.append(nick, _(title))
        self.label = Gtk.Label(label=_(parameter.label), use_underline=True, mnemonic_widget=self._menu)
        self._again = Gtk.Button.new_from_icon_name(GimpUi.ICON_RESET, Gtk.IconSize.BUTTON)
        self._again.set_tooltip_text(_("Reset all values to those of the preset"))
        row = Gtk.Box(spacing=6)
        row.pack_start(self.label, False, False, 0)
        row.pack_start(self._menu, True, True, 0)
        row.pack_start(self._again, False, False, 0)
        self._words = Gtk.Label(xalign=0.0, yalign=0.0, wrap=True, lines=LINES)
        self._words.set_ellipsize(Pango.EllipsizeMode.END)
        self._words.set_max_width_chars(34)
        line = self._words.create_pango_layout("X").get_pixel_size()[1]
        self._words.set_size_request(-1, LINES * line)  # so that nothing below it moves when the text changes
        self._words.get_style_context().add_class("dim-label")
        self.pack_start(row, False, False, 0)
        self.pack_start(self._words, False, False, 0)
        self._handler = self._menu.connect("changed", self._choose)
        self._again.connect("clicked", self._choose)
        config.connect("notify", self._show)
        self._show()

    def _choose(self, _widget: Gtk.Widget) -> None:
        name = self._menu.get_active_id()
        values = parameters.preset_values(name)
        for parameter in parameters.IN_PRESET:
            self._config.set_property(parameter.name, _typed(parameter, values[parameter.name]))
        self._config.set_property("preset", name)

    def _show(self, *_ignored: object) -> None:
        name = self._config.get_property("preset")
        with self._menu.handler_block(self._handler):
            self._menu.set_active_id(name)
        self._words.set_text(_(next(x.description for x in parameters.PRESETS if x.name == name)))
        values = parameters.preset_values(name)
        self._again.set_sensitive(any(self._config.get_property(x) != values[x] for x in values))


def _typed(parameter: parameters.Parameter, value: Any) -> Any:
    return float(value) if parameter.kind == "float" else value


def _slider(config: Gimp.ProcedureConfig, parameter: parameters.Parameter) -> Gtk.Widget:
    slider = GimpUi.prop_spin_scale_new(
        config, parameter.name, parameter.step, parameter.step * 10, parameter.digits
    )
    low, high, gamma = parameter.slider
    slider.set_scale_limits(low, high)
    slider.set_gamma(gamma)
    slider.set_tooltip_text(_(parameter.blurb))
    return slider


def _switch(config: Gimp.ProcedureConfig, parameter: parameters.Parameter) -> Gtk.Widget:
    switch = GimpUi.prop_check_button_new(config, parameter.name, _(parameter.label))
    switch.set_tooltip_text(_(parameter.blurb))
    return switch
