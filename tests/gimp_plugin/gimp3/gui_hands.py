"""What the checks on a screen stand on: the engine, the dialog, what GIMP holds and says."""

# ruff: noqa: S607

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

PLUGIN = Path(os.environ["CHECK_PLUGIN"])
TITLE = "^Deep Dream$"
HELPERS = """
import hashlib, os
def layers():
    image = Gimp.get_images()[0]
    return [(l.get_name(), hashlib.sha256(raw(l)).hexdigest()) for l in image.get_layers()]
def raw(l):
    import gi
    gi.require_version("Babl", "0.1")
    from gi.repository import Babl
    whole = Gegl.Rectangle.new(0, 0, l.get_width(), l.get_height())
    buffer, form = l.get_buffer(), Babl.get_name(l.get_format())
    # No buffer where the layer is just being undone.
    return b"" if buffer is None else buffer.get(whole, 1.0, form, Gegl.AbyssPolicy.NONE)
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


def processes(pattern):
    """Return the process ids of what matches in this namespace."""
    found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in found.splitlines() if re.search(pattern, line)]


def engines():
    return processes(r" pipe --")


def computed():
    """Return how long the engines have computed, as ps writes it."""
    found = subprocess.run(["ps", "-eo", "cputimes,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in found.splitlines() if " pipe --" in line]


def at_rest():
    """Tell whether the engines have nothing to do: they compute nothing for two seconds."""
    before = computed()
    time.sleep(2)
    return bool(before) and before == computed()


def plugins():
    return processes(r"deepdream\.py")


def nothing_left(gui):
    gui.until("the end of engine and plug-in", lambda: not engines() and not plugins())


def open_dialog(gui):
    gui.search("Deep Dream")
    dialog = gui.window(TITLE)
    gui.still(dialog, longest=10)  # its preview may never rest
    return dialog


LINE = re.compile(rb"\x20{3}((\xf4{6})+|((\x5a\xa0\xf0){2})+)\x20{3}")
"""Pixels across the line between before and after, without and with the keyboard's focus."""


def line(gui, dialog):
    """Return where on the screen the preview's line is, its x; None while there is no dream to be seen."""
    x, y, width, height = gui.place(dialog)
    found = LINE.search(gui.pixels(x, y + height // 4, width // 2, 1))
    return x + found.start() // 3 + 2 if found else None


def previewed(gui, dialog):
    """Wait until the preview shows its dream."""
    gui.until("the dream in the preview", lambda: line(gui, dialog))
    gui.still(dialog)


def sheet_of(gui, dialog):
    """Open the sheet of channels, from the dialog's second page."""
    gui.key("alt+p", dialog)
    sheet = gui.window("^Channels$")
    gui.still(sheet)
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
    for plugin in plugins():
        os.kill(plugin, signal.SIGKILL)
    nothing_left(gui)
    gui.key("Escape")
    gui.ask(
        "image = Gimp.get_images()[0]\n"
        "for layer in image.get_layers()[:-1]: image.remove_layer(layer)\n"
        "Gimp.Selection.none(image)"
    )
