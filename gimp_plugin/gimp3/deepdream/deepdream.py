#!/usr/bin/env python3
"""Filters > Deep Dream… for GIMP 3: registration, and one run from layer to layer.

The engine computes the dream in a process and a Python of its own (see deepdream_common.process).  GIMP's
Python needs only `gi`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).absolute().parent
sys.path.insert(0, str(HERE))

from deepdream_common import log_file  # noqa: E402 - first, so that failures from here on are logged

try:
    import gi

    gi.require_version("Gimp", "3.0")
    gi.require_version("Gegl", "0.4")
    import guide_file
    import order
    import pixels
    import result
    from deepdream_common import engine_file, help_page, look, parameters, process, progress, region, texts
    from deepdream_common.texts import _
    from gi.repository import Gegl, Gimp, Gio, GLib, GObject

    texts.use(GLib.get_language_names())  # which knows Windows' and macOS' own settings too
except Exception:
    # GIMP does not show this; the menu entry is just missing.  The profile is two folders up.
    log_file.write(str(HERE.parent.parent), traceback.format_exc().splitlines())
    raise

if TYPE_CHECKING:
    from collections.abc import Callable

AUTHORS = "DeepDream ONNX contributors"


def log(*lines: str) -> None:
    """Write lines to the log file in the profile folder."""
    log_file.write(Gimp.directory(), lines)


class Refused(Exception):  # noqa: N818 - not an error in the program
    """The layer can't be dreamed on; the message is for the user."""


def dream(run_mode: Gimp.RunMode, image: Gimp.Image, drawables: list[Gimp.Drawable], ask: Callable) -> bool:
    """Dream on the one layer of `drawables`; return False if the user cancelled.

    ask: returns the values by argument name, or None, for (layer, rectangle, engine's command).

    The image is changed only when the engine's picture is ready, so a run that fails, is cancelled or is
    killed leaves the image and its undo history as they were.
    """
    layer = the_layer(drawables)
    command = engine_file.read(str(HERE))
    Gegl.init(None)
    where = rectangle(layer)
    values = ask(layer, where, command)
    if values is None:
        return False
    in_place = values["result"] == "in-place"
    if in_place and (layer.get_lock_content() or _locked_by_group(layer)):
        raise Refused(_("The layer's pixels are locked.\nUnlock them, or choose a new layer as the result."))
    task = order.Task(image, layer, where, values, script=run_mode == Gimp.RunMode.NONINTERACTIVE)
    before = state(image, layer)
    log(task.summary)
    engine = process.Engine(command, task.options, *task.sent)
    try:
        if run_mode == Gimp.RunMode.INTERACTIVE:
            import waiting  # noqa: PLC0415 - GTK only if there is a screen

            wanted = waiting.follow(engine, layer.get_name())
        else:
            wanted = follow(engine)
        dreamed = engine.result() if wanted else None
    finally:
        engine.close()
        if engine.log:
            log("the engine said:", *engine.log)
    if dreamed is None:
        return False
    if state(image, layer) != before:
        raise Refused(
            _(
                "The layer or the selection has changed in the meantime, so the dream no longer fits.\n"
                "The image was left unchanged. Run Deep Dream again."
            )
        )
    result.put(image, layer, where, task.answer(dreamed), task.recipe(engine), in_place=in_place)
    return True


def the_layer(drawables: list[Gimp.Drawable]) -> Gimp.Layer:
    """Return the layer to dream on; raise Refused if there is none."""
    if len(drawables) != 1:
        raise Refused(_("Select one layer."))
    (drawable,) = drawables
    if drawable.is_layer_mask():
        raise Refused(_("Deep Dream works on layers, not on their masks.\nSelect the layer itself."))
    if not drawable.is_layer():
        raise Refused(_("Deep Dream works on layers, not on channels.\nSelect a layer."))
    if drawable.is_indexed():  # GIMP itself keeps only the menu from calling with such an image
        raise Refused(
            _("Deep Dream does not work on indexed images.\nConvert it first (Image > Mode > RGB).")
        )
    if drawable.is_group_layer():
        raise Refused(
            _(
                "Deep Dream does not work on layer groups.\n"
                "Select one layer of the group, or merge the group first."
            )
        )
    if drawable.is_floating_sel():
        raise Refused(_("Anchor the floating selection first (Layer > Anchor Floating Selection)."))
    return drawable


def _locked_by_group(layer: Gimp.Layer) -> bool:
    parent = layer.get_parent()
    while parent is not None:
        if parent.get_lock_content():
            return True
        parent = parent.get_parent()
    return False


def rectangle(layer: Gimp.Layer) -> pixels.Rectangle:
    """Return the part to dream on: the selection with a margin, or the whole layer."""
    hit, x, y, width, height = layer.mask_intersect()
    selected = (x, y, width, height) if hit else (0, 0, 0, 0)
    return pixels.Rectangle(*region.around(selected, layer.get_width(), layer.get_height()))


def state(image: Gimp.Image, layer: Gimp.Layer) -> tuple[Any, ...]:
    """Return what must stay the same while the engine works, so that the result fits.

    GIMP can be used in the meantime.
    """
    if not layer.is_valid():
        return ()
    return (
        pixels.layout(layer),
        layer.get_width(),
        layer.get_height(),
        tuple(layer.get_offsets())[1:],
        pixels.selection_digest(image),
    )


def follow(engine: process.Engine) -> bool:
    """Wait for the engine, with GIMP's own progress bar; return True.

    Its Cancel button kills this process, and the engine with it.
    """
    Gimp.progress_init(_("Deep Dream"))
    pace, text = progress.Pace(), ""
    while not engine.finished:
        event = engine.poll(0.05)
        if event is not None and event.get("event") == "step":
            text = pace.text(event)
            Gimp.progress_set_text(text)
            Gimp.progress_update(pace.fraction(event))
        elif event is not None:
            engine.log.append(str(event))
        elif text:
            Gimp.progress_set_text(text)  # ends this process if GIMP has ended
        else:
            Gimp.progress_pulse()
    Gimp.progress_end()
    return True


def run(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: list[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    _data: object,
) -> Gimp.ValueArray:
    """Answer a call of the procedure."""
    lead_process_group()
    guides = guide_file.Guides(Gimp.directory())

    def ask(layer: Gimp.Layer, where: pixels.Rectangle, command: list[str]) -> dict[str, Any] | None:
        if run_mode != Gimp.RunMode.NONINTERACTIVE:
            order.renew(config)
        if run_mode == Gimp.RunMode.INTERACTIVE:
            import dialog  # noqa: PLC0415 - GTK only if there is a screen

            if not dialog.ask(procedure, config, image, layer, where, command):
                return None
        return {**order.values_of(config), **guides.values(config.get_property)}

    status, message = Gimp.PDBStatusType.EXECUTION_ERROR, ""
    try:
        done = dream(run_mode, image, drawables, ask)
        status = Gimp.PDBStatusType.SUCCESS if done else Gimp.PDBStatusType.CANCEL
    except (Refused, region.RegionError, parameters.SettingError, process.EngineError) as error:
        message = str(error)
        log(*message.splitlines())
    except MemoryError:
        message = _("There is not enough memory for a layer of this size.\nSelect a smaller part of it.")
        log(*traceback.format_exc().splitlines())
    except Exception as error:  # noqa: BLE001 - GIMP shows nothing for an exception that leaves this function
        reason = {"reason": str(error) or type(error).__name__}
        message = _("Deep Dream went wrong: %(reason)s.") % reason
        message += "\n" + _("See the log file in GIMP's profile folder (deepdream.log).")
        log(*traceback.format_exc().splitlines())
    finally:
        guides.close()
    problem = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), message, 0) if message else None
    return procedure.new_return_values(status, problem)


def lead_process_group() -> None:
    """Become the leader of a process group: GIMP's Cancel kills the whole group, and so the engine too."""
    if hasattr(os, "setpgid"):
        with contextlib.suppress(OSError):  # if this process already leads one
            os.setpgid(0, 0)


class DeepDream(Gimp.PlugIn):
    """Tells GIMP which procedures there are."""

    def do_set_i18n(self, _name: str) -> tuple[bool, str, str]:
        """Say where the translations are."""
        return True, texts.DOMAIN, str(Path(texts.FOLDER).relative_to(HERE))

    def do_query_procedures(self) -> list[str]:
        """Say where the help page is, for F1, and return the names of the procedures."""
        self.set_help_domain(texts.DOMAIN, Gio.File.new_for_path(help_page.FOLDER))
        return [parameters.PROCEDURE]

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        """Return the procedure with its arguments."""
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        procedure.set_image_types(parameters.IMAGE_TYPES)
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_menu_label(_(parameters.MENU_LABEL))
        procedure.add_menu_path(parameters.MENU_PATH)
        procedure.set_documentation(_(parameters.BLURB), _(parameters.HELP), name)
        procedure.set_attribution(AUTHORS, AUTHORS, "2026")
        for parameter in parameters.PARAMETERS + parameters.GUIDES:
            add_argument(procedure, parameter)
        procedure.add_string_aux_argument(look.ARGUMENT, look.ARGUMENT, "", "", GObject.ParamFlags.READWRITE)
        return procedure


def add_argument(procedure: Gimp.Procedure, parameter: parameters.Parameter) -> None:
    """Declare one argument of the procedure."""
    flags = GObject.ParamFlags.READWRITE
    name, label, blurb = head = (parameter.name, _(parameter.label), _(parameter.blurb))
    if parameter.kind == "choice":
        # As a text: where a choice is misspelt, GIMP would go on with the default, and we would not know.
        text = f"{blurb}: {', '.join(nick for nick, _title in parameter.choices)}"
        procedure.add_string_argument(name, label, text, parameter.default, flags)
    elif parameter.kind == "bool":
        procedure.add_boolean_argument(*head, parameter.default, flags)
    elif parameter.kind == "text":
        procedure.add_string_argument(*head, parameter.default, flags)
    elif parameter.kind == "drawable":
        procedure.add_drawable_argument(*head, True, flags)
    elif parameter.kind == "image":
        procedure.add_image_argument(*head, True, flags)
    elif parameter.kind == "int":
        procedure.add_int_argument(*head, parameter.low, parameter.high, parameter.default, flags)
    else:
        procedure.add_double_argument(*head, parameter.low, parameter.high, parameter.default, flags)


def leave(code: int) -> None:
    """End this process at once: GIMP has its answer, and if it quits now, it reports whoever is still there.

    Taking Python and its libraries apart would take longer than a script needs to end GIMP.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # Windows may have none
            stream.flush()
    os._exit(code)


leave(Gimp.main(DeepDream.__gtype__, sys.argv))
