"""Before and after on a small copy, made by a button; the dialog stays usable meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("GdkPixbuf", "2.0")
from deepdream_common import parameters, process, progress  # noqa: E402 - versions first
from deepdream_common.texts import N_, _  # noqa: E402 - versions first
from gi.repository import GdkPixbuf, GLib, Gtk, Pango  # noqa: E402 - versions first

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixels import Frame
    from thumbnail import Thumbnail

POLL_MILLISECONDS = 50
CHECKS = (8, 0xFF999999, 0xFF666666)
"""Size and colours of the checkerboard behind transparent pixels."""

REMARKABLE = 1.2
"""From how many times the preview's size on to mention that the picture is larger."""

BUTTON, STOP_BUTTON = N_("Pr_eview"), N_("Stop pr_eview")
INVITATION = N_("Press Preview to dream\non this small copy")


class Preview(Gtk.Box):
    """The part of the dialog that shows what the settings do."""

    def __init__(
        self,
        thumbnail: Thumbnail,
        command: list[str],
        order: Callable[[], tuple[list[str], Frame]],
        log: Callable[..., None],
    ) -> None:
        """Prepare it.

        thumbnail: the small copy; command: starts the engine; order: returns options and frame for the
        present settings, or raises SettingError; log: takes lines for the log file.
        """
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self.thumbnail = thumbnail
        self.command = command
        self.order = order
        self.log = log
        self.engine: process.Engine | None = None
        self.timer = 0
        self.asked: list[str] = []
        self.shown: list[str] | None = None
        self.stopping = False
        self._fill()

    def _fill(self) -> None:
        before = Gtk.Image.new_from_pixbuf(self._pixbuf(self.thumbnail.frame.pixels))
        self.after = Gtk.Image.new_from_pixbuf(before.get_pixbuf())
        self.after.set_opacity(0.2)
        self.invitation = Gtk.Label(label=_(INVITATION), justify=Gtk.Justification.CENTER)
        space = Gtk.Overlay()
        space.set_size_request(*self.thumbnail.shown)
        space.add(self.after)
        space.add_overlay(self.invitation)
        for label, picture in ((_("Before"), before), (_("After"), space)):
            heading = Gtk.Label(label=label, xalign=0.0)
            border = Gtk.Frame(halign=Gtk.Align.CENTER)
            border.add(picture)
            self.pack_start(heading, False, False, 0)
            self.pack_start(border, False, False, 0)
        self.bar = Gtk.ProgressBar(opacity=0.0)
        self.words = Gtk.Label(xalign=0.0, wrap=True, lines=4, ellipsize=Pango.EllipsizeMode.END)
        self.words.set_width_chars(30)
        self.words.set_max_width_chars(30)
        self.words.get_style_context().add_class("dim-label")
        self.words.set_text(self._size())
        self.button = Gtk.Button(label=_(BUTTON), use_underline=True)
        self.button.set_tooltip_text(_("Dream with these settings on a small copy"))
        self.button.connect("clicked", self._click)
        self.pack_start(self.button, False, False, 6)
        self.pack_start(self.bar, False, False, 0)
        self.pack_start(self.words, False, False, 0)

    def _size(self) -> str:
        """Describe the small copy."""
        frame, reduction = self.thumbnail.frame, self.thumbnail.reduction
        told = {"width": frame.width, "height": frame.height, "times": reduction}
        text = _("A copy of %(width)d × %(height)d pixels.") % told
        if reduction > REMARKABLE:
            text += " " + _("The picture itself, %(times).1f times as large, gets finer forms.") % told
        return text

    def settings_changed(self) -> None:
        """Tell the user if the picture shown does not match the present settings."""
        if self.engine is not None or self.shown is None:
            return
        try:
            same = self.order()[0] == self.shown
        except parameters.SettingError as error:
            self.words.set_text(str(error))
        else:
            self.words.set_text(self._size() if same else _("The settings have changed since then."))

    def close(self) -> None:
        """End the engine if it is still running."""
        if self.engine is not None:
            self._end()

    def _click(self, _button: Gtk.Button) -> None:
        if self.engine is not None:
            self.stopping = True
            self.button.set_sensitive(False)
            self.engine.stop()
            return
        try:
            options, frame = self.order()
            self.engine = process.Engine(self.command, options, *frame)
        except (parameters.SettingError, process.EngineError) as error:
            self.words.set_text(str(error))
            return
        self.asked, self.stopping, self.pace = options, False, progress.Pace()
        self.bar.set_opacity(1.0)
        self.button.set_label(_(STOP_BUTTON))
        self.words.set_text(_("Starting the engine…"))
        self.timer = GLib.timeout_add(POLL_MILLISECONDS, self._tick)

    def _tick(self) -> bool:
        engine = self.engine
        event = engine.poll()
        while event is not None:
            self._show(event)
            event = engine.poll()
        if not engine.finished:
            return GLib.SOURCE_CONTINUE
        self.timer = 0
        try:
            dreamed = engine.result()
        except process.EngineError as error:
            self._end()
            self.words.set_text(_("Stopped before the first step.") if self.stopping else str(error))
            self.log("the preview failed:", *str(error).splitlines())
            return GLib.SOURCE_REMOVE
        self._end()
        self.invitation.hide()
        self.after.set_opacity(1.0)
        self.after.set_from_pixbuf(self._pixbuf(self.thumbnail.within_selection(dreamed)))
        self.shown = self.asked
        self.settings_changed()
        return GLib.SOURCE_REMOVE

    def _show(self, event: dict[str, Any]) -> None:
        if event.get("event") == "step":
            self.bar.set_fraction(self.pace.fraction(event))
            self.words.set_text(self.pace.text(event))

    def _end(self) -> None:
        if self.timer:
            GLib.source_remove(self.timer)
            self.timer = 0
        engine, self.engine = self.engine, None
        engine.close()
        if engine.log:
            self.log("the engine said of the preview:", *engine.log)
        self.bar.set_fraction(0.0)
        self.bar.set_opacity(0.0)
        self.button.set_label(_(BUTTON))
        self.button.set_sensitive(True)

    def _pixbuf(self, pixels: bytes) -> GdkPixbuf.Pixbuf:
        frame = self.thumbnail.frame
        whole = GdkPixbuf.Pixbuf.new_from_bytes(
            GLib.Bytes.new(self.thumbnail.rgba(pixels)),
            GdkPixbuf.Colorspace.RGB,
            True,
            8,
            frame.width,
            frame.height,
            frame.width * 4,
        )
        return whole.composite_color_simple(
            *self.thumbnail.shown, GdkPixbuf.InterpType.BILINEAR, 255, *CHECKS
        )
