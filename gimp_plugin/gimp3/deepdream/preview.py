"""The live preview: dreams on what is seen whenever a setting changes; the dialog stays usable meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("GdkPixbuf", "2.0")
from deepdream_common import parameters, progress  # noqa: E402 - versions first
from deepdream_common.texts import N_, _  # noqa: E402 - versions first
from gi.repository import GdkPixbuf, GLib, Gtk, Pango  # noqa: E402 - versions first
from sight import Sight  # noqa: E402 - versions first
from split_view import SplitView  # noqa: E402 - versions first

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepdream_common.live import Live
    from pixels import Rectangle
    from thumbnail import Thumbnail

REST_MILLISECONDS = 300
"""How long the settings must rest before they are tried."""

SMALLEST = (280, 220)
"""Width and height below which the picture does not shrink."""

THIN = b"trough, progress { min-height: 3px; }"

WHOLE_TIP = N_("Drag the line; hold the mouse button on the picture to see it as it was")
PART_TIP = N_("Drag the line, or the picture to see another part of it")

ORIGINAL, FULL_SIZE = N_("Ori_ginal"), N_("_1:1")


class Preview(Gtk.Box):
    """The part of the dialog that shows what the settings do."""

    def __init__(
        self,
        where: Rectangle,
        small: Callable[[Rectangle, int], Thumbnail],
        values: Callable[[], dict[str, Any]],
        live: Live | None,
        *,
        selected: bool,
    ) -> None:
        """Prepare it.

        where: what will be dreamed on; small: returns a copy of a part of that whose longer side has at most
        so many pixels; values: returns the present ones by argument name; live: the engine, None if it could
        not be started.
        """
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._sight = Sight(where, small, selected=selected)
        self._values, self._live = values, live
        self._after: GdkPixbuf.Pixbuf | None = None
        self._asked: tuple[Any, ...] = ()
        self._number: int | None = None
        self._finer: int | None = None
        """Number of the request for a picture that is nearer to the result."""

        self.urgent = False
        """Whether what this asks for goes before the looks that wait to be tried."""

        self._done = False
        """Whether the engine has dreamed what it was asked for."""

        self._since = 0.0
        """When that, or the settings, changed last."""

        self._timer = 0
        self._closed = False
        self._failed = False
        self._pace = progress.Pace()
        self._fill()

    def _fill(self) -> None:
        self.view = SplitView()
        self.view.set_size_request(*SMALLEST)
        self.view.set_tooltip_text(_(WHOLE_TIP))
        self.view.get_accessible().set_name(_("Preview"))
        self.bar = Gtk.ProgressBar()
        style = Gtk.CssProvider()
        style.load_from_data(THIN)
        self.bar.get_style_context().add_provider(style, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION)
        self.status = Gtk.Label(label=_("Starting the engine…"), xalign=0.0, yalign=0.0, wrap=True, lines=2)
        self.status.set_ellipsize(Pango.EllipsizeMode.END)
        line = self.status.create_pango_layout("X").get_pixel_size()[1]
        self.status.set_size_request(-1, 2 * line)  # so that nothing moves when the sentence changes
        self.original = Gtk.ToggleButton(label=_(ORIGINAL), use_underline=True)
        self.original.set_tooltip_text(_("Hold to see the picture as it was"))
        self.full_size = Gtk.ToggleButton(label=_(FULL_SIZE), use_underline=True)
        self.full_size.set_tooltip_text(
            _("See a part in full size, which can be dragged, or the whole picture")
        )
        row = Gtk.Box(spacing=6)
        row.pack_start(self.status, True, True, 0)
        for button in (self.original, self.full_size):
            button.set_valign(Gtk.Align.CENTER)
            row.pack_start(button, False, False, 0)
        self.pack_start(self.view, True, True, 0)
        self.pack_start(self.bar, False, False, 0)
        self.pack_start(row, False, False, 0)
        self.view.connect("resized", self._resized)
        self.view.connect("panned", self._panned)
        self.view.connect("compared", lambda view: self.original.set_active(view.comparing))
        self.original.connect("toggled", lambda button: self.view.compare(on=button.get_active()))
        self.original.connect("button-press-event", lambda button, _event: button.set_active(True) or True)
        self.original.connect("button-release-event", lambda button, _event: button.set_active(False) or True)
        self.full_size.connect("toggled", self._switched)

    def changed(self) -> None:
        """Dream anew when the settings have rested for a moment."""
        self._failed, self._since = False, time.monotonic()
        if self._timer:
            GLib.source_remove(self._timer)
        self._timer = 0 if self._closed else GLib.timeout_add(REST_MILLISECONDS, self._rested)

    def close(self) -> None:
        """Do nothing more by itself."""
        self._closed = True
        self.changed()
        self._forget()

    def rested(self, seconds: float) -> bool:
        """Return whether the picture has been ready for so long, with nothing changed since."""
        return self._done and not self._timer and time.monotonic() - self._since >= seconds

    def fail(self, message: str) -> None:
        """Say what went wrong, until a setting changes."""
        self._asked, self._number, self._failed, self._done = (), None, True, False
        self._say(message)

    def handle(self, event: dict[str, Any]) -> None:
        """Show an event of the engine, if it is about this preview or about the engine itself."""
        kind = event.get("event")
        if event.get("dream") not in (None, self._number):
            if event.get("dream") == self._finer and kind == "done":
                self._show(event["pixels"])
            return
        if kind == "error" and self._timer:
            self._asked, self._number = (), None
            return  # it may be about settings that have just changed
        if kind in ("error", "ended"):
            self.fail("\n".join(filter(None, (event.get("message"), event.get("hint")))))
        elif kind == "step":
            self._say(self._pace.text(event), self._pace.fraction(event))
        elif kind == "done":
            self._say(self._sight.about())
            self._done, self._since = True, time.monotonic()
            self._refine()
        if event.get("pixels") is not None:
            self._show(event["pixels"])

    def _show(self, pixels: bytes) -> None:
        self._after = self._sight.dreamed(pixels)
        self.view.show_pictures(self._sight.before, self._after)

    def _resized(self, _view: SplitView) -> None:
        first = self._sight.before is None
        if first or self._failed:
            self._look()
        if first:
            self._ask()  # at once: nothing has to rest yet
        if not self._failed:  # else another engine would start, and nobody could read why the last one ended
            self.changed()

    def _panned(self, view: SplitView, across: int, down: int) -> None:
        self._sight.move(view.room, across, down)
        self._look()
        self.changed()

    def _switched(self, button: Gtk.ToggleButton) -> None:
        self.view.pans = button.get_active()
        self.view.set_tooltip_text(_(PART_TIP if self.view.pans else WHOLE_TIP))
        self._look()
        self.changed()

    def _rested(self) -> bool:
        self._timer = 0
        self._look()
        self._ask()
        return GLib.SOURCE_REMOVE

    def _look(self) -> None:
        """Take what is to be seen of the picture, in the size that is to be seen."""
        if min(self.view.room) < 1:
            return  # the window is not there yet
        before = self._sight.before
        another = self._sight.take(self.view.room, self.view.unit, full_size=self.view.pans)
        if self._sight.before is before:
            return
        self._forget()
        if another:
            self._after = None
        elif self._after is not None:  # until there is a sharper one
            size = self._sight.before.get_width(), self._sight.before.get_height()
            self._after = self._after.scale_simple(*size, GdkPixbuf.InterpType.BILINEAR)
        self.view.show_pictures(self._sight.before, self._after)

    def _ask(self) -> None:
        """Have the engine dream, unless it is at just that or has done it."""
        if self._live is None or self._sight.before is None:
            return
        try:
            options, frame = self._sight.request(self._values())
        except parameters.SettingError as error:
            self._live.stop()
            self.fail(str(error))
            return
        if (options, self._sight.place) != self._asked:
            self._forget()
            self._asked, self._pace = (options, self._sight.place), progress.Pace()
            self._number = self._live.ask(options, frame, part=self._sight.part)

    def _refine(self) -> None:
        """Have the engine dream once more, nearer to the result, when it has nothing else to do."""
        if self._timer:
            return  # the settings have just changed, perhaps to what makes no sense yet
        request = self._sight.finer(self._values())
        if request is not None:
            self._finer = self._live.ask(*request, background=True, soon=self.urgent)

    def _forget(self) -> None:
        """Have nothing to do any more with what was asked for: it does not fit what is seen now."""
        if self._live is not None:
            self._live.stop()
            self._live.forget(self._finer)
        self._asked, self._number, self._finer, self._done = (), None, None, False

    def _say(self, text: str, fraction: float = 0.0) -> None:
        self.status.set_text(text)
        self.status.set_tooltip_text(text)
        self.bar.set_fraction(fraction)
