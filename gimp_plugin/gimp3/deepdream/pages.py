"""The dialog's two pages: the look in a painter's words, and all details."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import controls
import gi
import within

gi.require_version("Gdk", "3.0")
gi.require_version("Gimp", "3.0")
gi.require_version("Gtk", "3.0")
from channel_sheet import ChannelRow  # noqa: E402 - versions first
from deepdream_common import parameters, words  # noqa: E402 - versions first
from deepdream_common.texts import N_, _  # noqa: E402 - versions first
from gi.repository import Gdk, Gimp, Gtk  # noqa: E402 - versions first
from guide import GuideRow  # noqa: E402 - versions first
from model_row import ModelRow, MoreLayers  # noqa: E402 - versions first
from subject import remark  # noqa: E402 - versions first

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepdream_common.parameter import Parameter
    from models import Models
    from subject import Subject

LOOK, DETAILS = N_("Loo_k"), N_("_Details")
COPY, COPIED, NOTHING = N_("Copy co_mmand line"), N_("Copied"), N_("Not with these values")
GUIDE_TOO = N_("Copied; save the guide as guide.png")
UNNAMED, UNNAMED_GUIDE = "picture.png", "guide.png"

NO_SELECTION = N_("Nothing is selected.")
WHOLE_SELECTION = N_("The dream does not end at the selection's edge.")
SIZE_DECIDES = N_("The smallest size decides how many octaves there are. While it is 0, you can choose.")
ONE_OCTAVE = N_("There is only one octave.")
ONLY_NEW_IMAGE = N_("The image is indexed, so the dream becomes a new one.")
NO_NEW_LAYER = N_("There is no new layer.")
LIGHTNESS_ONLY = N_("Only lightness is dreamed on, so colours stay as they are.")
NO_COLOURS = N_("The layer has no colours.")
NO_SUCH_LAYER = N_("The network that is chosen has no such layer.")

STRENGTH, AMOUNT = (next(x for x in parameters.SETTINGS if x.name == name) for name in ("step-size", "blend"))
"""Settings of the engine that are on the first page, in a painter's words."""

STRENGTH_LABEL, AMOUNT_LABEL = N_("S_trength"), N_("A_mount (%)")


def of(look: Gtk.Widget, details: Gtk.Widget) -> Gtk.Notebook:
    """Return the pages, each of which scrolls where the window is too low for it."""
    book = Gtk.Notebook()
    for title, page in ((LOOK, look), (DETAILS, details)):
        page.set_border_width(12)
        book.append_page(_scrolled(page), Gtk.Label(label=_(title), use_underline=True))
    return book


def _scrolled(child: Gtk.Widget) -> Gtk.ScrolledWindow:
    window = Gtk.ScrolledWindow(hscrollbar_policy=Gtk.PolicyType.NEVER, overlay_scrolling=False)
    window.add(child)
    return window


class Context:
    """What the pages are about: the arguments, and the layer that they are for."""

    def __init__(
        self,
        config: Gimp.ProcedureConfig,
        subject: Subject,
        count: int,
        values: Callable[[], dict[str, Any]],
        models: Models,
    ) -> None:
        """Keep it; count: how many layers are selected, of which the subject is the first."""
        self.config, self.subject, self.count, self.values = config, subject, count, values
        self.models = models
        self.image = subject.image
        self.selected = not Gimp.Selection.is_empty(self.image)
        self.indexed = subject.layer.is_indexed()
        self.masked = subject.layer.get_mask() is not None

    def get(self, name: str) -> Any:
        """Return the value of an argument."""
        return self.config.get_property(name)

    def control(self, parameter: Parameter) -> Gtk.Widget:
        """Return the control for an argument, greyed while it has no effect."""
        widget = controls.control(self.config, parameter)
        names, reason = self._reasons().get(parameter.name, ((), None))
        if reason is not None:
            controls.idle(self.config, widget, names, reason)
        return widget

    def _reasons(self) -> dict[str, tuple[tuple[str, ...], Callable[[], str]]]:
        """Return, by argument, what its effect depends on, and what says why it has none."""
        get = self.get
        colours = NO_COLOURS if self.subject.grey else ""
        layers = {x.name: ((parameters.MODEL.name,), self._why_no_layer(x.name)) for x in parameters.LAYERS}
        return {
            **layers,
            "octaves": (("min-size",), lambda: SIZE_DECIDES if get("min-size") else ""),
            "octave-scale": (
                ("min-size", "octaves"),
                lambda: ONE_OCTAVE if not get("min-size") and get("octaves") == 1 else "",
            ),
            "natural-colours": (
                ("keep-colours",),
                lambda: colours or (LIGHTNESS_ONLY if get("keep-colours") else ""),
            ),
            "keep-colours": ((), lambda: colours),
            "mask": ((), lambda: "" if self.selected or self.masked else NO_SELECTION),
            "feather": (("mask",), self._why_no_edge),
            "result-mode": (("result",), lambda: NO_NEW_LAYER if self.result() == "in-place" else ""),
        }

    def _why_no_layer(self, name: str) -> Callable[[], str]:
        """Return what says why a layer can't be dreamed of, or nothing if it can."""
        return lambda: "" if self.models.has(name) else NO_SUCH_LAYER

    def result(self) -> str:
        """Return where the dream will be put."""
        return "new-image" if self.indexed else str(self.get(parameters.RESULT.name))

    def _why_no_edge(self) -> str:
        """Return why the dream does not end at any edge, or nothing if it does."""
        wanted = self.get("mask")
        if wanted == within.LAYER_MASK and self.masked:
            return ""
        if not self.selected:
            return NO_SELECTION
        return WHOLE_SELECTION if wanted == within.NONE else ""

    def remark(self) -> str:
        """Return what there is to say about the layers."""
        said = [remark(self.subject, {parameters.RESULT.name: self.result()})]
        if self.indexed:
            said.append(_(ONLY_NEW_IMAGE))
        if self.count > 1:
            said.append(_("%(count)d layers are selected; the first one is shown.") % {"count": self.count})
        return " ".join(filter(None, said))


def look(context: Context, looks: Gtk.Widget) -> Gtk.Widget:
    """Return the first page; looks: what one chooses a look from."""
    config = context.config
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=9)
    box.pack_start(looks, True, True, 0)  # they scroll by themselves, so that what is below stays in sight
    strength = controls.slider(config, STRENGTH, 1000, _(STRENGTH_LABEL))
    amount = controls.slider(config, AMOUNT, 100, _(AMOUNT_LABEL))
    box.pack_start(controls.column([strength, controls.FormSize(config).widget, amount], 3), False, False, 0)
    place = [] if context.indexed else [context.control(parameters.RESULT)]
    box.pack_start(controls.column([*place, _remark(context)], 6), False, False, 0)
    return box


def _remark(context: Context) -> Gtk.Widget:
    """Return a line on what becomes of the layers, which is there only if there is something to say."""
    line = Gtk.Label(xalign=0.0, wrap=True, max_width_chars=34, no_show_all=True)

    def follow(*_ignored: object) -> None:
        text = context.remark()
        line.set_text(text)
        line.set_visible(bool(text))

    context.config.connect("notify::result", follow)
    follow()
    return line


def details(context: Context) -> Gtk.Widget:
    """Return the second page."""
    config = context.config
    layers = [context.control(x) for x in parameters.LAYERS]
    elsewhere = (STRENGTH, AMOUNT, parameters.GUIDE_PLACES, parameters.FEATHER)
    fine = [context.control(x) for x in parameters.SETTINGS if x not in elsewhere]
    device = controls.Menu(config, parameters.DEVICE)
    rows = [
        controls.section(
            _("Layers, from fine lines to whole objects"),
            [*layers, MoreLayers(config, context.models), ChannelRow(config, context.models)],
        ),
        controls.section(_("Guide"), [GuideRow(config, context.image)]),
        controls.section(_("Layers of the image"), _of_image(context)),
        controls.section(_("Fine tuning"), fine),
        controls.section(_("Computer"), [ModelRow(config, context.models), device, _copy_button(context)]),
    ]
    return controls.column(rows, 12)


def _of_image(context: Context) -> list[Gtk.Widget]:
    """Return the controls for what is dreamed on and what becomes of it."""
    mask, *others = [context.control(x) for x in (parameters.MASK, parameters.RESULT_MODE, parameters.GROUPS)]
    controls.align(mask, *others)
    return [mask, context.control(parameters.FEATHER), *others]


def _copy_button(context: Context) -> Gtk.Button:
    button = Gtk.Button(label=_(COPY), use_underline=True)
    button.set_tooltip_text(_("Copy the command that does the same to a whole picture file"))
    button.connect("clicked", _copy, context)
    context.config.connect("notify", lambda *_ignored: button.set_label(_(COPY)))
    return button


def _copy(button: Gtk.Button, context: Context) -> None:
    """Copy the command line to the clipboard.

    It is still there after this process has ended if the desktop preserves the clipboard.
    """
    file, values, copied = context.image.get_imported_file(), context.values(), COPIED
    if values.get(words.GUIDE):
        guide = Path(context.get("guide-file")).name
        values[words.GUIDE], copied = (guide, COPIED) if guide else (UNNAMED_GUIDE, GUIDE_TOO)
    try:
        text = words.command_line(values, file.get_basename() if file else UNNAMED)
    except parameters.SettingError:
        button.set_label(_(NOTHING))
        return
    clipboard = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
    clipboard.set_text(text, -1)
    clipboard.set_can_store(None)
    clipboard.store()
    button.set_label(_(copied))
