"""Runs in the plug-in's process, beside its windows: answers what is asked of them, see asking.py.

It answers when the plug-in has done all that keyboard and pointer have told it before, and has drawn it.
`spied` in gimpprofile.py puts it there.
"""

import os
import time
from pathlib import Path

import asking
import gi

gi.require_version("Gdk", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from deepdream_common.live import Live  # noqa: E402 - versions first
from gi.repository import Gdk, GimpUi, GLib, Gtk  # noqa: E402 - versions first

FRAMES = 3
"""After so many frames, what was to be drawn when the first one began is on the screen."""

BUTTONS = 50
"""Pixels of a slider, at least, that hold no text."""


TOLD = [(time.monotonic(), "imported")]
"""When the engine told what of the preview, and of itself: seconds, and the name of the event."""


def listening(poll):
    """Return a poll of the engine that notes what comes."""

    def polled(live):
        number = live._foreground
        event = poll(live)
        if event is not None and event.get("dream") in (None, number):
            TOLD.append((time.monotonic(), event["event"]))
        return event

    return polled


Live.poll = listening(Live.poll)


def asked(listener):
    """Take a question in, unless there is something else to do; answer it when all windows are drawn."""
    Gdk.Display.get_default().sync()
    if Gdk.events_pending():
        return GLib.SOURCE_CONTINUE
    talk, _ = listener.accept()
    drawn = {window: 0 for window in Gtk.Window.list_toplevels() if window.get_mapped()}

    def frame(window, _clock):
        drawn[window] += 1
        if drawn[window] < FRAMES:
            return GLib.SOURCE_CONTINUE
        del drawn[window]
        if not drawn:
            reply(talk)
        return GLib.SOURCE_REMOVE

    for window in list(drawn):
        window.add_tick_callback(frame)
    if not drawn:
        reply(talk)
    return GLib.SOURCE_CONTINUE


def reply(talk):
    """Answer a question."""
    Gdk.Display.get_default().sync()
    asking.answer(talk, globals())


def inside(widget):
    """Yield a widget and all that are to be seen in it."""
    if not widget.get_mapped():
        return
    yield widget
    if isinstance(widget, Gtk.Container):
        children = []
        widget.forall(children.append)
        for child in children:
            yield from inside(child)


def seen():
    """Return all widgets that are to be seen."""
    return [each for window in Gtk.Window.list_toplevels() for each in inside(window)]


def named(kind):
    """Return what is to be seen of a class of that name."""
    return [each for each in seen() if type(each).__name__ == kind]


def at_rest():
    """Tell whether the preview has nothing to do any more, neither for itself nor for the looks."""
    (preview,) = named("Preview")
    live = preview._live
    work = [preview._timer]
    if live is not None:
        work += [live._foreground, live._at_work, live._waiting]
    return not any(work)


def shown():
    """Return the texts that are to be seen, and the tooltips, with whether each is cut."""
    found = []
    for widget in seen():
        if isinstance(widget, Gtk.Label):
            found.append((widget.get_text(), is_cut(widget, widget.get_text())))
        if isinstance(widget, GimpUi.SpinScale):
            found.append((widget.get_label(), is_cut(widget, widget.get_label())))
        found.append((widget.get_tooltip_text() or "", False))
    return found


def is_cut(widget, text):
    """Return whether a label or a slider has no room for its text."""
    room = widget.get_allocated_width()
    if isinstance(widget, GimpUi.SpinScale):
        return width_of(widget, text) + width_of(widget, widget.get_text()) > room - BUTTONS
    layout = widget.get_layout()
    return layout.is_ellipsized() or layout.get_pixel_size()[0] > room


def width_of(widget, text):
    return widget.create_pango_layout(text).get_pixel_size()[0]


LISTENER = asking.listen(Path(os.environ["GIMP_DRIVE"], "plug-in"))
GLib.io_add_watch(
    GLib.IOChannel.unix_new(LISTENER.fileno()),
    GLib.PRIORITY_LOW,
    GLib.IOCondition.IN,
    lambda *_ignored: asked(LISTENER),
)
