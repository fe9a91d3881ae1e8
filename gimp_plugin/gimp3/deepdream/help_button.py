"""The dialog's Help button and F1, which open the page that is installed with the plug-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from deepdream_common import help_page  # noqa: E402 - versions first
from deepdream_common.texts import _  # noqa: E402 - versions first
from gi.repository import Gdk, GLib, Gtk  # noqa: E402 - versions first

if TYPE_CHECKING:
    from gi.repository import GimpUi


def replace(dialog: GimpUi.ProcedureDialog) -> None:
    """Put our help in the place of GIMP's, which would look for the page in GIMP's manual.

    There is no button if the user has switched Help buttons off.
    """
    dialog.connect("key-press-event", _pressed)
    theirs = dialog.get_widget_for_response(Gtk.ResponseType.HELP)
    if theirs is None:
        return
    theirs.hide()
    ours = Gtk.Button(label=_("_Help"), use_underline=True, visible=True)
    ours.set_tooltip_text(_("Open the help page in the web browser; it needs no network"))
    ours.connect("clicked", lambda *_ignored: _show(dialog))
    box = theirs.get_parent()
    box.add(ours)
    box.set_child_secondary(ours, True)


def _pressed(dialog: Gtk.Window, event: Gdk.EventKey) -> bool:
    if event.keyval != Gdk.KEY_F1:
        return False
    _show(dialog)
    return True


def _show(dialog: Gtk.Window) -> None:
    path = help_page.path()
    try:
        Gtk.show_uri_on_window(dialog, GLib.filename_to_uri(path), Gtk.get_current_event_time())
    except GLib.Error as error:
        told = Gtk.MessageDialog(
            transient_for=dialog,
            modal=True,
            message_type=Gtk.MessageType.INFO,
            buttons=Gtk.ButtonsType.CLOSE,
            text=_("No program shows web pages here. The help page is this file:"),
            secondary_text=f"{path}\n\n{error.message}",
        )
        told.run()
        told.destroy()
