"""Runs in the plug-in's process, beside its windows: writes down what they show, again and again.

TEXTS in the profile: JSON, a list of pairs, a text and whether it is cut.
"""

import json
import os
from pathlib import Path

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GimpUi, GLib, Gtk  # noqa: E402 - versions first

TEXTS = Path(os.environ["GIMP3_DIRECTORY"], "texts.json")

BUTTONS = 50
"""Pixels of a slider, at least, that hold no text."""


def width_of(widget, text):
    return widget.create_pango_layout(text).get_pixel_size()[0]


def is_cut(widget, text):
    """Return whether a label or a slider has no room for its text."""
    room = widget.get_allocated_width()
    if isinstance(widget, GimpUi.SpinScale):
        return width_of(widget, text) + width_of(widget, widget.get_text()) > room - BUTTONS
    layout = widget.get_layout()
    return layout.is_ellipsized() or layout.get_pixel_size()[0] > room


def look(widget, found):
    """Add the texts of a widget and of those in it, as far as they are to be seen."""
    if not widget.get_mapped():
        return
    if isinstance(widget, Gtk.Label):
        found.append((widget.get_text(), is_cut(widget, widget.get_text())))
    if isinstance(widget, GimpUi.SpinScale):
        found.append((widget.get_label(), is_cut(widget, widget.get_label())))
    found.append((widget.get_tooltip_text() or "", False))
    if isinstance(widget, Gtk.Container):
        widget.forall(look, found)


def tell():
    """Write it down, in one step."""
    found = []
    for window in Gtk.Window.list_toplevels():
        look(window, found)
    part = TEXTS.with_suffix(".part")
    part.write_text(json.dumps(found), encoding="utf-8")
    part.replace(TEXTS)
    return True


GLib.timeout_add(200, tell)
