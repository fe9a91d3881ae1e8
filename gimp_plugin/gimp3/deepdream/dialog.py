"""The settings dialog: a live preview beside the pages of settings."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
import gimps_words  # noqa: E402 - versions first
import help_button  # noqa: E402 - versions first
import looks  # noqa: E402 - versions first
import pages  # noqa: E402 - versions first
import samples  # noqa: E402 - versions first
import within  # noqa: E402 - versions first
from deepdream_common import (  # noqa: E402 - versions first
    log_file,
    parameters,
    region,
    window_size,
    words,
)
from deepdream_common.texts import _  # noqa: E402 - versions first
from gi.repository import Gdk, Gimp, GimpUi, GLib, Gtk  # noqa: E402 - versions first
from guide_file import Guides  # noqa: E402 - versions first
from pixels import Rectangle  # noqa: E402 - versions first
from preview import Preview  # noqa: E402 - versions first
from thumbnail import Thumbnail  # noqa: E402 - versions first

if TYPE_CHECKING:
    from deepdream_common.live import Live
    from subject import Subject

NAME = "deepdream"

FRAME = (16, 56)
"""What the window's own frame, and perhaps a panel that says nothing, take of the screen."""

POLL_MILLISECONDS = 40


def ask(
    procedure: Gimp.Procedure,
    config: Gimp.ProcedureConfig,
    subject: Subject,
    count: int,
    engine: Live | None,
    problem: str,
) -> bool:
    """Show the dialog and let it fill `config`; return whether the user wants the dream.

    subject: what it shows; count: how many layers are selected, of which this is the first; engine: dreams
    for the preview, None where `problem` says why it can't be started.  Raises RegionError if there is
    nothing to dream on.
    """
    part = within.bounds(subject, within.SELECTION)
    where = Rectangle(*region.around(part, subject.width, subject.height))
    GimpUi.init(NAME)
    window = Window(procedure, config, subject, count, where, engine, problem)
    try:
        return window.run()
    finally:
        window.close()


class Window:
    """The dialog, and the engine that dreams for its preview as long as it is open."""

    def __init__(
        self,
        procedure: Gimp.Procedure,
        config: Gimp.ProcedureConfig,
        subject: Subject,
        count: int,
        where: Rectangle,
        engine: Live | None,
        problem: str,
    ) -> None:
        self._config, self._live = config, engine
        self._guides = Guides(Gimp.directory())
        self._dialog = GimpUi.ProcedureDialog.new(procedure, config, _("Deep Dream"))
        help_button.replace(self._dialog)
        gimps_words.translate(self._dialog)

        def small(part: Rectangle, longest: int) -> Thumbnail:
            return Thumbnail(subject, part, longest)

        selected = not Gimp.Selection.is_empty(subject.image)
        self._preview = Preview(where, small, self.values, self._live, selected=selected)
        if problem:
            self._preview.fail(problem)
        context = pages.Context(config, subject, count, self.values)
        self._looks = looks.Looks(config, self._live, lambda: small(samples.part(where), samples.LONGEST))
        self._fill(pages.of(pages.look(context, self._looks), pages.details(context)))
        self._handler = config.connect("notify", self._changed)
        self._changed()
        self._timer = GLib.timeout_add(POLL_MILLISECONDS, self._poll)

    def _fill(self, book: Gtk.Notebook) -> None:
        self._halves = Gtk.Paned(orientation=Gtk.Orientation.HORIZONTAL, border_width=12, wide_handle=True)
        size = window_size.within(window_size.recall(Gimp.directory(), _log), *_room())
        self._halves.pack1(self._preview, True, False)
        self._halves.pack2(book, True, False)
        self._halves.set_position(round(size.width * size.split))
        self._preview.set_margin_end(6)
        book.set_margin_start(6)
        self._dialog.get_content_area().pack_start(self._halves, True, True, 0)
        self._dialog.set_default_size(size.width, size.height)
        self._halves.show_all()

    def values(self) -> dict[str, Any]:
        """Return the values of all arguments by name, and the guide's file."""
        found = {p.name: self._config.get_property(p.name) for p in parameters.PARAMETERS}
        with contextlib.suppress(parameters.SettingError):  # one that has just gone
            found[words.GUIDE] = self._guides.path(self._config.get_property)
        return found

    def run(self) -> bool:
        """Return whether the user wants the dream."""
        return bool(self._dialog.run())

    def close(self) -> None:
        """Take the window away and end the engine."""
        width, height = self._dialog.get_size()
        size = window_size.WindowSize(width, height, self._halves.get_position() / width)
        self._dialog.hide()  # first, as the engine may take a moment to end
        window_size.keep(Gimp.directory(), size, _log)
        GLib.source_remove(self._timer)
        self._config.disconnect(self._handler)
        while Gtk.events_pending():
            Gtk.main_iteration()
        self._preview.close()
        self._looks.close()
        if self._live is not None:
            self._live.close()
            if self._live.log:
                _log("the engine said of the preview:", *self._live.log)
        self._guides.close()
        self._dialog.destroy()

    def _changed(self, *_ignored: object) -> None:
        problem = words.problem(self.values())
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, not problem)
        self._preview.changed()

    def _poll(self) -> bool:
        event = self._live.poll() if self._live is not None else None
        while event is not None:
            if not self._looks.handle(event):
                self._preview.handle(event)
            event = self._live.poll()
        return GLib.SOURCE_CONTINUE


def accept_rgb(image: Gimp.Image) -> bool:
    """Ask whether the dream on an indexed image may be a new image."""
    GimpUi.init(NAME)
    question = Gtk.MessageDialog(
        message_type=Gtk.MessageType.QUESTION,
        text=_("Dream on a copy in RGB?"),
        secondary_text=_(
            "“%(image)s” is indexed: a dream does not fit into its few colours. "
            "It becomes a new image in RGB, and this one stays as it is."
        )
        % {"image": image.get_name()},
        title=_("Deep Dream"),
    )
    question.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
    question.add_button(_("_New image"), Gtk.ResponseType.OK)
    question.set_default_response(Gtk.ResponseType.OK)
    GimpUi.window_set_transient(question)
    try:
        return bool(question.run() == Gtk.ResponseType.OK)
    finally:
        question.destroy()


def _room() -> tuple[int, int]:
    """Return the width and height that there is for the window, on whichever screen it comes up."""
    display = Gdk.Display.get_default()
    areas = [display.get_monitor(number).get_workarea() for number in range(display.get_n_monitors())]
    return min(area.width for area in areas) - FRAME[0], min(area.height for area in areas) - FRAME[1]


def _log(*lines: str) -> None:
    log_file.write(Gimp.directory(), lines)
