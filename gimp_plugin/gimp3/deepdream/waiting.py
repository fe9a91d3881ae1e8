"""The window that shows the progress of the dream, with “Stop and keep” and “Cancel”."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from deepdream_common import progress  # noqa: E402 - versions first
from deepdream_common.texts import _  # noqa: E402 - versions first
from gi.repository import GimpUi, GLib, Gtk, Pango  # noqa: E402 - versions first

if TYPE_CHECKING:
    from deepdream_common import process

KEEP = 1
"""Response of the button that stops and keeps the picture so far."""

POLL_MILLISECONDS = 50


def follow(engine: process.Engine, name: str) -> bool:
    """Show the window until the engine is finished; return False if the user cancelled.

    name: of the layer.  GIMP's own progress bar is not used, as its Cancel would kill this process.
    """
    return Waiting(engine, name).run()


class Waiting:
    """The window and its main loop."""

    def __init__(self, engine: process.Engine, name: str) -> None:
        self.engine = engine
        self.pace = progress.Pace()
        self.cancelled = False
        self.stopping = False
        self.loop = GLib.MainLoop()
        self.dialog = Gtk.Dialog(title=_("Deep Dream"), resizable=False, border_width=6)
        self.dialog.set_role("deep-dream-progress")
        GimpUi.window_set_transient(self.dialog)
        self.keep = self.dialog.add_button(_("_Stop and keep"), KEEP)
        self.keep.set_tooltip_text(_("Stop the dream here and keep the picture so far"))
        self.keep.set_sensitive(False)
        self.dialog.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
        self.dialog.connect("response", self._respond)
        self._fill(name)

    def _fill(self, name: str) -> None:
        box = self.dialog.get_content_area()
        box.set_spacing(9)
        box.set_border_width(12)
        heading = Gtk.Label(xalign=0.0, ellipsize=Pango.EllipsizeMode.MIDDLE, max_width_chars=44)
        text = GLib.markup_escape_text(_("Dreaming on “%(layer)s”") % {"layer": name})
        heading.set_markup(f"<b>{text}</b>")
        self.bar = Gtk.ProgressBar()
        self.bar.set_size_request(400, -1)
        self.text = Gtk.Label(label=_("Starting the engine…"), xalign=0.0)
        for widget in (heading, self.bar, self.text):
            box.pack_start(widget, False, False, 0)

    def run(self) -> bool:
        """Wait until the engine is finished or the user cancels."""
        self.dialog.show_all()
        timer = GLib.timeout_add(POLL_MILLISECONDS, self._tick)
        try:
            self.loop.run()
        finally:
            GLib.source_remove(timer)
            self.dialog.destroy()
            while Gtk.events_pending():  # let the window close before waiting for the engine
                Gtk.main_iteration()
        return not self.cancelled

    def _tick(self) -> bool:
        event = self.engine.poll()
        while event is not None:
            self._show(event)
            event = self.engine.poll()
        if self.engine.finished:
            self.loop.quit()
        return GLib.SOURCE_CONTINUE

    def _show(self, event: dict[str, Any]) -> None:
        if event.get("event") == "step":
            self.bar.set_fraction(self.pace.fraction(event))
            self.keep.set_sensitive(not self.stopping)
            if not self.stopping:
                self.text.set_text(self.pace.text(event))
        elif event.get("event") == "start":
            self.text.set_text(_("Opening the model…"))
        else:
            self.engine.log.append(str(event))

    def _respond(self, _dialog: Gtk.Dialog, response: int) -> None:
        if response == KEEP:
            self.stopping = True
            self.keep.set_sensitive(False)
            self.text.set_text(_("Stopping…"))
            self.engine.stop()
        else:  # Cancel, Escape and closing the window
            self.cancelled = True
            self.loop.quit()
