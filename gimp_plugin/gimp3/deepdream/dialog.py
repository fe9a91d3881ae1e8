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
    sketch,
    window_size,
    words,
)
from deepdream_common.texts import _  # noqa: E402 - versions first
from gi.repository import Gdk, Gimp, GimpUi, GLib, Gtk  # noqa: E402 - versions first
from guide_file import Guides  # noqa: E402 - versions first
from models import Models  # noqa: E402 - versions first
from order import Task  # noqa: E402 - versions first
from pixels import Rectangle  # noqa: E402 - versions first
from preview import Preview  # noqa: E402 - versions first
from thumbnail import Thumbnail  # noqa: E402 - versions first

if TYPE_CHECKING:
    from engines import Engines
    from gi.repository import GObject
    from subject import Subject

NAME = "deepdream"

FRAME = (16, 56)
"""What the window's own frame, and perhaps a panel that says nothing, take of the screen."""

POLL_MILLISECONDS = 40

REST_SECONDS = 2.0
"""How long the preview's picture must have been looked at before the result is begun."""

LARGEST, MOST = 12_000_000, 100_000_000
"""Pixels of a layer, at most, whose result is begun ahead, as reading more would hold the dialog up; and
those of all steps together, so that nothing of an hour is begun unasked."""


def ask(
    procedure: Gimp.Procedure,
    config: Gimp.ProcedureConfig,
    subject: Subject,
    count: int,
    dreamers: Engines,
) -> bool:
    """Show the dialog and let it fill `config`; return whether the user wants the dream.

    subject: what it shows; count: how many layers are selected, of which this is the first; dreamers: their
    live engine dreams for the preview, if there is one.  Raises RegionError if there is nothing to dream on.
    """
    part = within.bounds(subject, within.SELECTION)
    where = Rectangle(*region.around(part, subject.width, subject.height))
    GimpUi.init(NAME)
    window = Window(procedure, config, subject, count, where, dreamers)
    try:
        return window.run()
    finally:
        window.close()


class Window:
    """The dialog, and what the engine does for it as long as it is open."""

    def __init__(
        self,
        procedure: Gimp.Procedure,
        config: Gimp.ProcedureConfig,
        subject: Subject,
        count: int,
        where: Rectangle,
        dreamers: Engines,
    ) -> None:
        self._config, self._live, self._ahead = config, dreamers.live, dreamers.ahead
        self._seen: dict[str, Any] | None = None
        self._subject, self._alone, self._models = subject, count == 1, Models(config)
        self._guides = Guides(Gimp.directory())
        self._dialog = GimpUi.ProcedureDialog.new(procedure, config, _("Deep Dream"))
        help_button.replace(self._dialog)
        gimps_words.translate(self._dialog)

        def small(part: Rectangle, longest: int) -> Thumbnail:
            return Thumbnail(subject, part, longest)

        selected = not Gimp.Selection.is_empty(subject.image)
        self._preview = Preview(where, small, self.values, self._live, selected=selected)
        if dreamers.problem:
            self._preview.fail(dreamers.problem)
        context = pages.Context(config, subject, count, self.values, self._models)
        self._looks = looks.Looks(
            config, self._models, self._live, lambda: small(samples.part(where), samples.LONGEST)
        )
        self._fill(pages.of(pages.look(context, self._looks), pages.details(context)))
        self._handler = config.connect("notify", self._chosen)
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
        found[words.COUNTS] = self._models.counts
        with contextlib.suppress(parameters.SettingError):  # one that has just gone
            found[words.GUIDE] = self._guides.path(self._config.get_property)
        return found

    def run(self) -> bool:
        """Return whether the user wants the dream."""
        return bool(self._dialog.run())

    def close(self) -> None:
        """Take the window away, and have the engine do no more for it."""
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
        self._guides.close()
        self._dialog.destroy()

    def _chosen(self, _config: Gimp.ProcedureConfig, argument: GObject.ParamSpec) -> None:
        if argument.name == parameters.MODEL.name:
            self._models.fit()
        self._changed()

    def _changed(self) -> None:
        values = self.values()
        before, self._seen = self._seen, values
        if values == before:
            return
        # What the engine tells of a model is nobody's choice.
        self._preview.urgent |= (
            before is not None and {**values, words.COUNTS: before[words.COUNTS]} != before
        )
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, not words.problem(values))
        self._preview.changed()
        if self._ahead is not None and self._ahead.asked != _dreamed(values):
            self._ahead.forget()

    def _poll(self) -> bool:
        if self._live is None:
            return GLib.SOURCE_CONTINUE
        for event in iter(self._live.poll, None):
            self._models.hear(event)
            if not self._ahead.handle(event) and not self._looks.handle(event):
                self._preview.handle(event)
        if self._ahead.asked is None and self._preview.rested(REST_SECONDS):
            self._go_ahead()
        return GLib.SOURCE_CONTINUE

    def _go_ahead(self) -> None:
        """Have the result begun; what is many or large is not even read before it is wanted."""
        values = self.values()
        subject = self._subject
        size = (subject.width, subject.height)
        few = self._alone and not subject.layer.is_group_layer() and size[0] * size[1] <= LARGEST
        few = few and sketch.work(values, size) <= MOST
        try:
            if not few or values.get(words.GUIDE):
                raise parameters.SettingError
            self._ahead.ask(_dreamed(values), Task(subject, values, script=False), soon=self._preview.urgent)
        except (parameters.SettingError, region.RegionError):  # OK says what is wrong
            self._ahead.skip(_dreamed(values))


def _dreamed(values: dict[str, Any]) -> dict[str, Any]:
    """Return those of the values that decide what is dreamed, not what becomes of it."""
    return {
        name: x
        for name, x in values.items()
        if name not in (parameters.RESULT.name, parameters.RESULT_MODE.name)
    }


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
