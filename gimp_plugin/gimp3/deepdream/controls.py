"""Controls, each bound to an argument of the procedure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
import forms  # noqa: E402 - versions first
from deepdream_common.texts import N_, _  # noqa: E402 - versions first
from gi.repository import GimpUi, GObject, Gtk  # noqa: E402 - versions first

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deepdream_common.parameter import Parameter
    from gi.repository import Gimp

FORMS = N_("Size of the _forms")
FORMS_BLURB = N_(
    "How large the forms become in the picture, from many small ones to a few that fill it. This sets the "
    "smallest size among the details or, while that is 0, the number of octaves"
)


def section(title: str, rows: Sequence[Gtk.Widget]) -> Gtk.Widget:
    """Return rows of controls under a title."""
    frame = GimpUi.Frame.new(title)
    frame.add(column(rows, 3))
    return frame


def column(rows: Sequence[Gtk.Widget], spacing: int) -> Gtk.Box:
    """Return rows one below the other."""
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=spacing)
    for row in rows:
        box.pack_start(row, False, False, 0)
    return box


def control(config: Gimp.ProcedureConfig, parameter: Parameter) -> Gtk.Widget:
    """Return a check button for a switch, a menu for a choice, and a slider for a number."""
    make = {"bool": _switch, "choice": Menu}.get(parameter.kind, slider)
    return make(config, parameter)


def slider(
    config: Gimp.ProcedureConfig, parameter: Parameter, factor: float = 1.0, label: str = ""
) -> Gtk.Widget:
    """Return a slider for a number; factor: of what is shown; label: another one than the argument's."""
    step, digits = parameter.step * factor, max(parameter.digits - round(math.log10(factor)), 0)
    scale = GimpUi.prop_spin_scale_new(
        config, parameter.name, parameter.step, parameter.step * 10, parameter.digits
    )
    scale.set_range(parameter.low, parameter.high)  # the argument takes any number, and refuses it then
    if factor != 1.0:
        GimpUi.prop_widget_set_factor(scale, factor, step, step * 10, digits)
    if label:
        scale.set_label(label)
    low, high, gamma = parameter.slider
    scale.set_scale_limits(low * factor, high * factor)
    scale.set_gamma(gamma)
    scale.set_tooltip_text(_(parameter.blurb))
    return scale


def _switch(config: Gimp.ProcedureConfig, parameter: Parameter) -> Gtk.Widget:
    switch = GimpUi.prop_check_button_new(config, parameter.name, _(parameter.label))
    switch.set_tooltip_text(_(parameter.blurb))
    return switch


class Menu(Gtk.Box):
    """A label and a menu for a choice, whose entries have the nicks for ids."""

    def __init__(self, config: Gimp.ProcedureConfig, parameter: Parameter) -> None:
        super().__init__(spacing=6, tooltip_text=_(parameter.blurb))
        menu = Gtk.ComboBoxText()
        for nick, title in parameter.choices:
            menu.append(nick, _(title))
        self.label = Gtk.Label(label=_(parameter.label), use_underline=True, mnemonic_widget=menu, xalign=0.0)
        self.pack_start(self.label, False, False, 0)
        self.pack_start(menu, True, True, 0)
        flags = GObject.BindingFlags.BIDIRECTIONAL | GObject.BindingFlags.SYNC_CREATE
        config.bind_property(parameter.name, menu, "active-id", flags)


def align(*rows: Menu) -> None:
    """Make labels equally wide, so that the menus beside them line up."""
    group = Gtk.SizeGroup(mode=Gtk.SizeGroupMode.HORIZONTAL)
    for row in rows:
        group.add_widget(row.label)


def idle(
    config: Gimp.ProcedureConfig, widget: Gtk.Widget, names: Sequence[str], reason: Callable[[], str]
) -> None:
    """Grey a control while it has no effect, and say why in its tooltip.

    names: of the arguments that it depends on; reason: returns why it has none, or nothing.
    """
    usual = widget.get_tooltip_text()

    def follow(*_ignored: object) -> None:
        why = reason()
        widget.set_sensitive(not why)
        widget.set_tooltip_text(f"{_(why)}\n\n{usual}" if why else usual)

    for name in names:
        config.connect(f"notify::{name}", follow)
    follow()


class FormSize:
    """The control, from 0 to 100; `widget` is what to show."""

    def __init__(self, config: Gimp.ProcedureConfig) -> None:
        self._config = config
        self._place = Gtk.Adjustment(lower=0, upper=100, step_increment=1, page_increment=10)
        self.widget = GimpUi.SpinScale.new(self._place, _(FORMS), 0)
        self.widget.set_tooltip_text(_(FORMS_BLURB))
        self._handler = self._place.connect("value-changed", self._moved)
        for name in ("min-size", "octaves"):
            config.connect(f"notify::{name}", self._follow)
        self._follow()

    def _moved(self, place: Gtk.Adjustment) -> None:
        for name, value in forms.from_share(
            place.get_value() / 100, self._config.get_property("min-size")
        ).items():
            self._config.set_property(name, value)

    def _follow(self, *_ignored: object) -> None:
        min_size, octaves = (self._config.get_property(name) for name in ("min-size", "octaves"))
        found = forms.from_share(self._place.get_value() / 100, min_size)
        if found in ({"min-size": min_size}, {"octaves": octaves}):
            return  # the control is there already, more exactly than they tell
        with self._place.handler_block(self._handler):
            self._place.set_value(100 * forms.to_share(min_size, octaves))
