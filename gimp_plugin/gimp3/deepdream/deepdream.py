#!/usr/bin/env python3
"""Filters > Deep Dream… for GIMP 3: registration, and the answer to a call.

The engine computes the dream in a process and a Python of its own (see deepdream_common.process).  GIMP's
Python needs only `gi`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).absolute().parent
sys.path.insert(0, str(HERE))

from deepdream_common import log_file  # noqa: E402 - first, so that failures from here on are logged

try:
    import gi

    gi.require_version("Gimp", "3.0")
    import dreaming
    import engines
    import guide_file
    import guide_memory
    import order
    from deepdream_common import engine_file, help_page, look, parameters, process, region, texts, words
    from deepdream_common.texts import _
    from deepdream_common.values import plain
    from dreaming import log
    from gi.repository import Gimp, Gio, GLib, GObject

    texts.use(GLib.get_language_names())  # which knows Windows' and macOS' own settings too
except Exception:
    # GIMP does not show this; the menu entry is just missing.  The profile is two folders up.
    log_file.write(str(HERE.parent.parent), traceback.format_exc().splitlines())
    raise

if TYPE_CHECKING:
    from subject import Subject

AUTHORS = "DeepDream ONNX contributors"
IMAGE_TYPES = f"{parameters.IMAGE_TYPES}, INDEXED*"


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
    message, made, dreamers = "", None, None
    try:
        dreamers = engines.Engines(engine_file.read(str(HERE)))
        ask = partial(settings, procedure, run_mode, config, dreamers, guides)
        made = dreaming.dream(run_mode, image, drawables, dreamers, ask)
        if made is not None and run_mode != Gimp.RunMode.NONINTERACTIVE:
            show(made, new=made is not image)
    except (dreaming.Refused, region.RegionError, parameters.SettingError, process.EngineError) as error:
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
        if dreamers is not None:
            dreamers.close()
    if message:
        problem = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), message, 0)
        return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, problem)
    if made is None:
        return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
    answer = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    answer.remove(1)
    answer.insert(1, GObject.Value(Gimp.Image, made))
    return answer


def settings(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    config: Gimp.ProcedureConfig,
    dreamers: engines.Engines,
    guides: guide_file.Guides,
    subject: Subject,
    count: int,
) -> dict[str, Any] | None:
    """Return the values by argument name, None if the user cancels.

    subject: the first to dream on, of so many.
    """
    script = run_mode == Gimp.RunMode.NONINTERACTIVE
    if not script:
        order.renew(config)
        if not guide_memory.bring_back(config) and run_mode == Gimp.RunMode.WITH_LAST_VALS:
            raise parameters.SettingError(_(guide_memory.GONE))
    if run_mode == Gimp.RunMode.INTERACTIVE:
        if not confirmed(procedure, config, subject, count, dreamers):
            return None
        guide_memory.keep(config)
    values = {**order.values_of(config, script=script), **guides.values(config.get_property)}
    if script and values[parameters.GUIDE_PLACES.name] and not values.get(words.GUIDE):
        named = {"name": parameters.GUIDE_PLACES.name, "names": ", ".join(x.name for x in parameters.GUIDES)}
        raise parameters.SettingError(_("%(name)s needs a guide. Give one of: %(names)s.") % named)
    if subject.layer.is_indexed() and not script:
        values[parameters.RESULT.name] = "new-image"  # a script must say so itself
    return values


def confirmed(
    procedure: Gimp.Procedure,
    config: Gimp.ProcedureConfig,
    subject: Subject,
    count: int,
    dreamers: engines.Engines,
) -> bool:
    """Let the user fill `config`; return whether they want the dream."""
    dreamers.warm_up()  # first, as it starts while GTK does
    import dialog  # noqa: PLC0415 - GTK only if there is a screen

    if subject.layer.is_indexed() and not dialog.accept_rgb(subject.image):
        return False
    return dialog.ask(procedure, config, subject, count, dreamers)


def show(image: Gimp.Image, *, new: bool) -> None:
    """Let the screen show the image with the dreams."""
    if new:
        with contextlib.suppress(TypeError):  # GIMP without a screen
            Gimp.Display.new(image)
    Gimp.displays_flush()


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
        procedure.set_image_types(IMAGE_TYPES)
        procedure.set_sensitivity_mask(
            Gimp.ProcedureSensitivityMask.DRAWABLE | Gimp.ProcedureSensitivityMask.DRAWABLES
        )
        procedure.set_menu_label(_(parameters.MENU_LABEL))
        procedure.add_menu_path(parameters.MENU_PATH)
        procedure.set_documentation(_(parameters.BLURB), _(parameters.HELP), name)
        procedure.set_attribution(AUTHORS, AUTHORS, "2026")
        for parameter in parameters.PARAMETERS + parameters.GUIDES:
            add_argument(procedure, parameter)
        procedure.add_string_aux_argument(look.ARGUMENT, look.ARGUMENT, "", "", GObject.ParamFlags.READWRITE)
        procedure.add_image_return_value(
            "dreamed-image",
            _("Dreamed image"),
            _("The image with the dream: a new one, or that of the layer"),
            False,
            GObject.ParamFlags.READWRITE,
        )
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
        procedure.add_drawable_argument(*head, True, GObject.ParamFlags(flags | guide_memory.DONT_STORE))
    elif parameter.kind == "image":
        procedure.add_image_argument(*head, True, GObject.ParamFlags(flags | guide_memory.DONT_STORE))
    else:
        # Of all sizes: a number out of its range GIMP would bring into it, and we would not know.
        text = f"{blurb} ({plain(parameter.low)} – {plain(parameter.high)})"
        add, most = {
            "int": (procedure.add_int_argument, GLib.MAXINT32),
            "float": (procedure.add_double_argument, GLib.MAXFLOAT),
        }[parameter.kind]
        add(name, label, text, -most, most, parameter.default, flags)


def leave(code: int) -> None:
    """End this process at once: GIMP has its answer, and if it quits now, it reports whoever is still there.

    Taking Python and its libraries apart would take longer than a script needs to end GIMP.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # Windows may have none
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(Gimp.main(DeepDream.__gtype__, sys.argv))
