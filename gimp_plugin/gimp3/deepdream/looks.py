"""The menu of presets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from deepdream_common import parameters  # noqa: E402 - versions first
from deepdream_common.texts import _  # noqa: E402 - versions first
from gi.repository import GimpUi, Gtk, Pango  # noqa: E402 - versions first

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepdream_common.live import Live
    from gi.repository import Gimp

LINES = 3
"""Lines for a preset's description."""


class Looks(Gtk.Box):
    """The menu of presets: choosing one sets all controls, and a button sets them again.

    Unlike other menus, it is not bound to its argument: when GIMP restores last or saved settings, the preset
    must not overwrite the other values.
    """

    def __init__(
        self, config: Gimp.ProcedureConfig, _live: Live | None, _small: Callable[[], Any] | None
    ) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._config = config
        parameter = parameters.PRESET
        self._menu = Gtk.ComboBoxText(tooltip_text=_(parameter.blurb))
        for nick, title in parameter.choices:
            self._menu.append(nick, _(title))
        label = Gtk.Label(label=_(parameter.label), use_underline=True, mnemonic_widget=self._menu)
        self._again = Gtk.Button.new_from_icon_name(GimpUi.ICON_RESET, Gtk.IconSize.BUTTON)
        self._again.set_tooltip_text(_("Reset all values to those of the preset"))
        row = Gtk.Box(spacing=6)
        row.pack_start(label, False, False, 0)
        row.pack_start(self._menu, True, True, 0)
        row.pack_start(self._again, False, False, 0)
        self._words = Gtk.Label(xalign=0.0, yalign=0.0, wrap=True, lines=LINES)
        self._words.set_ellipsize(Pango.EllipsizeMode.END)
        self._words.get_style_context().add_class("dim-label")
        self.pack_start(row, False, False, 0)
        self.pack_start(self._words, False, False, 0)
        self._handler = self._menu.connect("changed", self._choose)
        self._again.connect("clicked", self._choose)
        config.connect("notify", self._show)
        self._show()

    def handle(self, _event: dict[str, Any]) -> bool:
        """Return whether an event of the engine is about this."""
        return False

    def close(self) -> None:
        """Do nothing more."""

    def _choose(self, _widget: Gtk.Widget) -> None:
        name = self._menu.get_active_id()
        values = parameters.preset_values(name)
        for parameter in parameters.IN_PRESET:
            value = values[parameter.name]
            self._config.set_property(parameter.name, float(value) if parameter.kind == "float" else value)
        self._config.set_property("preset", name)

    def _show(self, *_ignored: object) -> None:
        name = self._config.get_property("preset")
        with self._menu.handler_block(self._handler):
            self._menu.set_active_id(name)
        self._words.set_text(_(next(x.description for x in parameters.PRESETS if x.name == name)))
        values = parameters.preset_values(name)
        self._again.set_sensitive(any(self._config.get_property(x) != values[x] for x in values))
