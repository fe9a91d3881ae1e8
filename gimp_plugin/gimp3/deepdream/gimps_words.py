"""What GIMP's own translations leave in English in a dialog of its making, in the user's language."""

from __future__ import annotations

import gi

gi.require_version("Gtk", "3.0")
from deepdream_common.texts import N_, _  # noqa: E402 - versions first
from gi.repository import Gtk  # noqa: E402 - versions first

TEXTS = (
    N_("_OK"),
    N_("_Cancel"),
    N_("_Load Saved Settings"),
    N_("_Save Settings"),
    N_('Load settings saved with "Save Settings" button'),
    N_("Store current settings for later reuse"),
)


def translate(widget: Gtk.Widget) -> None:
    """Translate the buttons in a widget, with their tooltips, as far as they are in English."""
    if isinstance(widget, Gtk.Button) and widget.get_label() in TEXTS:
        widget.set_label(_(widget.get_label()))
    if widget.get_tooltip_text() in TEXTS:
        widget.set_tooltip_text(_(widget.get_tooltip_text()))
    if isinstance(widget, Gtk.Container):
        widget.forall(translate)
