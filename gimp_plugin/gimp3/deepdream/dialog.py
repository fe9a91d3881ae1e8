"""The settings dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from deepdream_common import log_file, parameters  # noqa: E402 - versions first
from gi.repository import Gimp, GimpUi, Gtk  # noqa: E402
from preview import Preview  # noqa: E402
from thumbnail import Thumbnail  # noqa: E402

if TYPE_CHECKING:
    from pixels import Rectangle

NAME = "deepdream"
SLIDERS = {
    "step-size": (0.001, 0.1, 2.0),
    "octaves": (1, 8, 1.0),
    "octave-scale": (1.1, 2.0, 1.0),
    "iterations": (1, 100, 1.5),
    "max-loss": (0.0, 50.0, 1.0),
    "layer": (0.0, 5.0, 1.0),
}
"""Ends and gamma of the sliders: the useful part of a range; all of it can be typed in."""


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
    dialog = GimpUi.ProcedureDialog.new(procedure, config, "Deep Dream")
    dialog.get_widget_for_response(Gtk.ResponseType.HELP).hide()  # GIMP's manual has no page on us

    def options() -> list[str]:
        return parameters.engine_options(values(config), explicit=True)

    preview = Preview(
        Thumbnail(image, layer, where),
        command,
        options,
        lambda *lines: log_file.write(Gimp.directory(), lines),
    )
    config.connect("notify", lambda *_: preview.settings_changed())
    columns = Gtk.Box(spacing=18, border_width=12)
    columns.pack_start(preview, False, False, 0)
    columns.pack_start(_controls(dialog), True, True, 0)
    dialog.get_content_area().pack_start(columns, True, True, 0)
    columns.show_all()
    try:
        return bool(dialog.run())
    finally:
        dialog.hide()  # first, for the engine may take a moment to end
        while Gtk.events_pending():
            Gtk.main_iteration()
        preview.close()
        dialog.destroy()


def values(config: Gimp.ProcedureConfig) -> dict[str, Any]:
    """Return the values of all arguments by name."""
    return {p.name: config.get_property(p.name) for p in parameters.PARAMETERS}


def _controls(dialog: GimpUi.ProcedureDialog) -> Gtk.Box:
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12)
    box.pack_start(_menu(dialog, "preset"), False, False, 0)
    for title, table in (
        ("Look", parameters.LOOK),
        ("Layers, from fine lines to whole objects", parameters.LAYERS),
    ):
        frame = GimpUi.Frame.new(title)
        rows = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=3)
        for parameter in table:
            rows.pack_start(_slider(dialog, parameter), False, False, 0)
        frame.add(rows)
        box.pack_start(frame, False, False, 0)
    for name in ("device", "result"):
        box.pack_start(_menu(dialog, name), False, False, 0)
    return box


def _menu(dialog: GimpUi.ProcedureDialog, name: str) -> Gtk.Widget:
    # By itself GIMP 3.2 would make radio buttons of it, which take much room.
    return dialog.get_widget(name, Gtk.ComboBox.__gtype__)


def _slider(dialog: GimpUi.ProcedureDialog, parameter: parameters.Parameter) -> Gtk.Widget:
    slider = dialog.get_spin_scale(parameter.name, 1.0)
    low, high, gamma = SLIDERS.get(parameter.name) or SLIDERS["layer"]
    slider.set_scale_limits(low, high)
    slider.set_gamma(gamma)
    slider.set_digits(parameter.digits)
    slider.set_increments(parameter.step, parameter.step * 10)
    slider.set_tooltip_text(parameter.blurb)
    return slider
