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
    from ahead import Dream
    from deepdream_common import process

KEEP = 1
"""Response of the button that stops and keeps the picture so far."""

POLL_MILLISECONDS = 50


class Waiting:
    """The window, for several dreams one after the other.

    GIMP's own progress bar is not used, as its Cancel would kill this process.
    """

    def __init__(self, count: int) -> None:
        """Prepare it for so many dreams."""
        self.engine: process.Engine | Dream | None = None
        self.progress = progress.Several(count)
        self.cancelled = False
        self.stopping = False
        self.loop = GLib.MainLoop()
        self.dialog = Gtk.Dialog(title=_("Deep Dream"), resizable=False, border_width=6)
        self.dialog.set_role("deep-dream-progress")
        GimpUi.window_set_transient(self.dialog)
        self.keep = self.dialog.add_button(_("_Stop and keep"), KEEP)
        self.keep.set_tooltip_text(_("Stop the dream here and keep the picture so far"))
        self.dialog.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
        self.dialog.connect("response", self._respond)
        self._fill()

    def _fill(self) -> None:
        box = self.dialog.get_content_area()
        box.set_spacing(9)
        box.set_border_width(12)
        self.heading = Gtk.Label(xalign=0.0, ellipsize=Pango.EllipsizeMode.MIDDLE, max_width_chars=44)
        self.bar = Gtk.ProgressBar()
        self.bar.set_size_request(400, -1)
        self.text = Gtk.Label(xalign=0.0)
        for widget in (self.heading, self.bar, self.text):
            box.pack_start(widget, False, False, 0)

    def follow(self, engine: process.Engine | Dream, name: str) -> bool:
        """Wait until the engine is finished; return False if the user cancelled.

        name: of the layer.
        """
        self.engine = engine
        self.progress.begin()
        text = GLib.markup_escape_text(_("Dreaming on “%(layer)s”") % {"layer": name})
        self.heading.set_markup(f"<b>{text}</b>")
        self.text.set_text(_("Starting the engine…"))
        self.keep.set_sensitive(False)
        self.dialog.show_all()
        timer = GLib.timeout_add(POLL_MILLISECONDS, self._tick)
        try:
            self.loop.run()
        finally:
            GLib.source_remove(timer)
        if self.cancelled:
            self.dialog.hide()  # before waiting for the engine
            _settle()
        return not self.cancelled

    def close(self) -> None:
        """Take the window away."""
        self.dialog.destroy()
        _settle()

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
            self.bar.set_fraction(self.progress.fraction(event))
            self.keep.set_sensitive(not self.stopping)
            if not self.stopping:
                self.text.set_text(self.progress.text(event))
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


def _settle() -> None:
    """Let the screen show what has been done."""
    while Gtk.events_pending():
        Gtk.main_iteration()
