"""What the checks on a screen stand on: the engine, the dialog, what GIMP holds and says."""

import json
import os
import re
import signal
from pathlib import Path

from gimpgui import MESSAGE
from gimpprofile import OPEN
from running import processes

PLUGIN = Path(os.environ["CHECK_PLUGIN"])
TITLE = "^Deep Dream$"
HELPERS = """
import hashlib, os
def layers():
    # Of a copy: GIMP kills a plug-in that reads from a layer that an undo is just taking away.
    copy = Gimp.get_images()[0].duplicate()
    try:
        return [(l.get_name(), hashlib.sha256(raw(l)).hexdigest()) for l in copy.get_layers()]
    finally:
        copy.delete()
def raw(l):
    import gi
    gi.require_version("Babl", "0.1")
    from gi.repository import Babl
    whole = Gegl.Rectangle.new(0, 0, l.get_width(), l.get_height())
    return l.get_buffer().get(whole, 1.0, Babl.get_name(l.get_format()), Gegl.AbyssPolicy.NONE)
def call(run_mode, **values):
    image = Gimp.get_images()[0]
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-deep-dream")
    config = procedure.create_config()
    config.set_property("run-mode", run_mode)
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_selected_layers())
    for name, value in values.items():
        config.set_property(name, value)
    return procedure.run(config).index(0).value_nick
"""


def engine(mode, presets=()):
    """Have the plug-in start the real engine, or the fake one in a mode; presets: those of the user."""
    told = "FAKE_ENGINE_PRESETS=" + json.dumps(presets)
    command = ["/usr/bin/env", told, os.environ["CHECK_PYTHON"], os.environ["CHECK_FAKE"], mode]
    if mode == "real":
        command = json.loads(os.environ["CHECK_ENGINE"])
    Path(os.environ["FAKE_ENGINE_GO"]).unlink(missing_ok=True)
    (PLUGIN / "engine.json").write_text(json.dumps({"command": command}), encoding="utf-8")


def layers(gui):
    """Return name and checksum of each layer, top to bottom."""
    return gui.ask(HELPERS + "result = layers()")


def engines():
    return list(processes(r" pipe --"))


def plugins():
    return list(processes(r"deepdream\.py"))


def nothing_left(gui):
    gui.until("the end of engine and plug-in", lambda: not engines() and not plugins())


def open_dialog(gui):
    """Open the dialog, and wait until it is drawn; its preview may not rest yet, or never."""
    leave_shared(gui)
    gui.key(OPEN)
    dialog = gui.window(TITLE)
    gui.inside()
    return dialog


def leave_shared(gui):
    """Cancel the dialog that checks have shared, if there is one."""
    for window, title in gui.windows().items():
        if re.search(TITLE, title):
            leave(gui, window)


def forget_size(gui):
    """Have the next dialog come up as large as there is room, as the first one does."""
    (gui.profile / "deepdream-window.json").unlink(missing_ok=True)


def killed(gui):
    """Kill the plug-in alone, with no chance to end anything; GIMP says so in a message, which is closed."""
    (plugin,) = plugins()
    os.kill(plugin, signal.SIGKILL)
    message = gui.window(MESSAGE)
    gui.key("Escape", message)
    gui.gone(message)


def shared_dialog(gui):
    """Return the dialog that is open, or a new one with the usual engine, to be left as it is found."""
    for window, title in gui.windows().items():
        if re.search(TITLE, title):
            return window
    engine("invert")
    return open_dialog(gui)


LINE = re.compile(rb"\x20{3}((\xf4{6})+|((\x5a\xa0\xf0){2})+)\x20{3}")
"""Pixels across the line between before and after, without and with the keyboard's focus."""


def line(gui, dialog):
    """Return where on the screen the preview's line is, its x; None while there is no dream to be seen."""
    x, y, width, height = gui.place(dialog)
    found = LINE.search(gui.pixels(x, y + height // 4, width // 2, 1))
    return x + found.start() // 3 + 2 if found else None


def previewed(gui, dialog):
    """Wait until the preview shows its dream."""
    at_rest(gui)
    gui.until("the dream in the preview", lambda: line(gui, dialog))


def at_rest(gui):
    """Wait until the engine has nothing to do any more: for the preview, and for the looks."""
    gui.until("rest of the preview", lambda: gui.inside("result = at_rest()"))


def values(gui):
    """Return the values of the dialog's controls."""
    return gui.inside("result = named('Preview')[0]._values()")


def changed(gui, dialog, keys):
    """Press keys that change a value, and wait until it is; GTK's buttons take a moment."""
    before = values(gui)
    gui.key(keys, dialog)
    gui.until(f"what {keys} does", lambda: values(gui) != before)


def sheet_of(gui, dialog):
    """Open the sheet of channels, from the dialog's second page."""
    gui.key("alt+p", dialog)
    sheet = gui.window("^Channels$")
    gui.inside()
    return sheet


def leave(gui, dialog):
    """Cancel the dialog, and wait until the plug-in has ended."""
    gui.key("alt+c", dialog)
    gui.gone(dialog)
    nothing_left(gui)


CLOSED = "gimp_flush(): error: Broken pipe"
"""What a plug-in says that still talks when GIMP has closed its wire: after Cancel, at any later moment."""


def words(gui):
    """Return the lines that GIMP and the plug-ins have said so far."""
    return (gui.shots / "gimp.log").read_text(encoding="utf-8", errors="replace").splitlines()


def complaints(gui):
    """Return what GIMP and the plug-ins have said of ours that they should not have to say."""
    return [
        line
        for line in words(gui)
        if re.search(r"deepdream|mnemonic|Traceback|Gtk-|LibGimpUI|LibGimpWidgets", line)
        and not line.endswith(CLOSED)
    ]


def begin(gui, mode):
    """Run with the dialog's values; return the progress window."""
    engine(mode)
    dialog = open_dialog(gui)
    gui.key("alt+o", dialog)
    gui.gone(dialog)
    return gui.window(TITLE)


def let_go():
    """Let the engine that is held finish."""
    Path(os.environ["FAKE_ENGINE_GO"]).touch()


def moves(gui, window, count=3):
    """Wait until a window has been seen in more than so many ways."""
    views = set()

    def moved():
        views.add(gui.seen(window))
        return len(views) > count

    gui.until("progress", moved)


def tidy(gui):
    """Put things right after a failed check, so that it does not fail the others too."""
    if plugins():
        killed(gui)
    nothing_left(gui)
    for window, title in gui.windows().items():
        if title == MESSAGE:
            gui.key("Escape", window)
            gui.gone(window)
    gui.key("Escape")
    gui.ask(
        "image = Gimp.get_images()[0]\n"
        "for layer in image.get_layers()[:-1]: image.remove_layer(layer)\n"
        "Gimp.Selection.none(image)"
    )
