"""The settings dialog: a preview, the few controls that matter most, and more of them on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
import controls  # noqa: E402 - versions first
from deepdream_common import log_file, parameters, words  # noqa: E402 - versions first
from deepdream_common.texts import N_, _  # noqa: E402 - versions first
from gi.repository import Gdk, Gimp, GimpUi, Gtk  # noqa: E402 - versions first
from preview import Preview  # noqa: E402 - versions first
from thumbnail import Thumbnail  # noqa: E402 - versions first

if TYPE_CHECKING:
    from pixels import Rectangle

NAME = "deepdream"
MORE = N_("_More")
COPY, COPIED, NOTHING = N_("Copy command line"), N_("Copied"), N_("Not with these values")
UNNAMED = "picture.png"


def ask(
    procedure: Gimp.Procedure,
    config: Gimp.ProcedureConfig,
    image: Gimp.Image,
    layer: Gimp.Layer,
    where: Rectangle,
    command: list[str],
) -> bool:
    """Show the dialog and let it fill `config`; return whether the user wants the dream."""
    GimpUi.init(NAME)
    dialog = GimpUi.ProcedureDialog.new(procedure, config, _("Deep Dream"))
    dialog.get_widget_for_response(
        Gtk.ResponseType.HELP
    ).hide()  # GIMP's manual does not have a page about this
    thumbnail = Thumbnail(image, layer, where)
    preview = Preview(
        thumbnail,
        command,
        lambda: thumbnail.sent(values(config)),
        lambda *lines: log_file.write(Gimp.directory(), lines),
    )
    config.connect("notify", lambda *_ignored: preview.settings_changed())
    columns = Gtk.Box(spacing=18, border_width=12)
    selected = not Gimp.Selection.is_empty(image)
    more = _more(config, image, selected=selected)
    columns.pack_start(preview, False, False, 0)
    columns.pack_start(_controls(dialog, config, more, selected=selected), True, True, 0)
    columns.pack_start(more, True, True, 0)
    dialog.get_content_area().pack_start(columns, True, True, 0)
    columns.show_all()
    try:
        return bool(dialog.run())
    finally:
        dialog.hide()  # first, as the engine may take a moment to end
        while Gtk.events_pending():
            Gtk.main_iteration()
        preview.close()
        dialog.destroy()


def values(config: Gimp.ProcedureConfig) -> dict[str, Any]:
    """Return the values of all arguments by name."""
    return {p.name: config.get_property(p.name) for p in parameters.PARAMETERS}


def _controls(
    dialog: GimpUi.ProcedureDialog, config: Gimp.ProcedureConfig, more: Gtk.Widget, *, selected: bool
) -> Gtk.Box:
    """Return the column that is always visible."""
    look = controls.sliders(config, parameters.LOOK)
    octaves = look[parameters.LOOK.index(parameters.OCTAVES)]

    def follow(*_ignored: object) -> None:
        octaves.set_sensitive(config.get_property("min-size") == 0)

    config.connect("notify::min-size", follow)
    follow()
    box = _column()
    preset = controls.PresetMenu(config)
    box.pack_start(preset, False, False, 0)
    box.pack_start(controls.section(_("Look"), look), False, False, 0)
    layers = [*controls.sliders(config, parameters.LAYERS), controls.entry(config, parameters.CHANNELS)]
    box.pack_start(controls.section(_("Layers, from fine lines to whole objects"), layers), False, False, 0)
    if selected:
        box.pack_start(dialog.get_widget(parameters.FIT.name, Gtk.CheckButton.__gtype__), False, False, 0)
    result, label = controls.menu(config, parameters.RESULT)
    controls.align(preset.label, label)
    box.pack_start(result, False, False, 0)
    box.pack_start(_expander(dialog, more), False, False, 0)
    return box


def _expander(dialog: GimpUi.ProcedureDialog, more: Gtk.Widget) -> Gtk.Expander:
    """Return what shows and hides the other column: many screens would not have room for it below."""
    expander = Gtk.Expander(label=_(MORE), use_underline=True)

    def follow(*_ignored: object) -> None:
        more.set_visible(expander.get_expanded())
        if not expander.get_expanded():
            dialog.resize(1, 1)  # as small as possible

    expander.connect("notify::expanded", follow)
    return expander


def _more(config: Gimp.ProcedureConfig, image: Gimp.Image, *, selected: bool) -> Gtk.Box:
    """Return the column that is hidden at first."""
    table = [x for x in parameters.MORE if selected or x is not parameters.FEATHER]
    box = _column()
    box.pack_start(controls.section(_("Fine tuning"), controls.sliders(config, table)), False, False, 0)
    device, _label = controls.menu(config, parameters.DEVICE)
    box.pack_start(device, False, False, 0)
    button = Gtk.Button(label=_(COPY))
    button.set_tooltip_text(_("Copy the command that does the same to a whole picture file"))
    button.connect("clicked", _copy, config, image)
    config.connect("notify", lambda *_ignored: button.set_label(_(COPY)))
    box.pack_start(button, False, False, 0)
    for child in box.get_children():
        child.show_all()
    box.set_no_show_all(True)
    return box


def _column() -> Gtk.Box:
    return Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12)


def _copy(button: Gtk.Button, config: Gimp.ProcedureConfig, image: Gimp.Image) -> None:
    """Copy the command line to the clipboard.

    It is still there after this process has ended if the desktop preserves the clipboard.
    """
    file = image.get_imported_file()
    try:
        text = words.command_line(values(config), file.get_basename() if file else UNNAMED)
    except parameters.SettingError:
        button.set_label(_(NOTHING))
        return
    clipboard = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
    clipboard.set_text(text, -1)
    clipboard.set_can_store(None)
    clipboard.store()
    button.set_label(_(COPIED))
