"""Check the plug-in in GIMP on a virtual screen: one GIMP, every function named `check_…`, in their order.

Runs in the Python of a GIMP root; see headless_checks.py for the variables.  CHECK_PICTURE is the picture to
work on, CHECK_SHOTS the folder for screenshots.
"""

# ruff: noqa: B905, BLE001, E402, S607

import json
import os
import re
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import gi

gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gimpgui import Gui

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


def engine(mode):
    command = [os.environ["CHECK_PYTHON"], os.environ["CHECK_FAKE"], mode]
    if mode == "real":
        command = json.loads(os.environ["CHECK_ENGINE"])
    (PLUGIN / "engine.json").write_text(json.dumps({"command": command}), encoding="utf-8")


def layers(gui):
    """Return name and checksum of each layer, top to bottom."""
    return gui.ask(HELPERS + "result = layers()")


def processes(pattern):
    """Return the process ids of what matches in this namespace."""
    found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in found.splitlines() if re.search(pattern, line)]


def engines():
    return processes(r" pipe --progress")


def plugins():
    return processes(r"deepdream\.py")


def nothing_left(gui):
    gui.until("the end of engine and plug-in", lambda: not engines() and not plugins(), 10)


def open_dialog(gui):
    gui.search("Deep Dream")
    dialog = gui.window(TITLE)
    time.sleep(0.5)
    return dialog


def leave(gui, dialog):
    """Cancel the dialog, and wait until the plug-in has ended."""
    said = set(words(gui))
    gui.key("alt+c", dialog)
    gui.gone(dialog)
    nothing_left(gui)
    # libgimp says goodbye to GIMP when all is done, and may find that GIMP has closed the wire already.
    forgive_last_words(gui, said)


LAST_WORDS = set()
"""Lines of the log that a plug-in said while it ended, each with its process and time."""


def words(gui):
    """Return the lines that GIMP and the plug-ins have said so far."""
    return (gui.shots / "gimp.log").read_text(encoding="utf-8", errors="replace").splitlines()


def forgive_last_words(gui, said):
    """Expect nothing bad of a wire that GIMP has closed under a plug-in since those lines."""
    new = set(words(gui)) - said
    LAST_WORDS.update(line for line in new if line.endswith("gimp_flush(): error: Broken pipe"))


def begin(gui, mode):
    """Run with the dialog's values; return the progress window."""
    engine(mode)
    dialog = open_dialog(gui)
    gui.key("alt+o", dialog)
    gui.gone(dialog)
    return gui.window(TITLE)


def colours(path, x, y, width, height):
    """Return the bytes of a part of a screenshot."""
    part = GdkPixbuf.Pixbuf.new_from_file(path).new_subpixbuf(x, y, width, height)
    return part.copy().get_pixels()


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


# The checks


def check_menu_entry(gui):
    gui.key("alt+r")
    time.sleep(0.8)
    gui.shot("menu")
    gui.key("Escape")
    gui.key("Escape")
    menu = gui.ask("result = Gimp.get_pdb().lookup_procedure('plug-in-deep-dream').get_menu_label()")
    assert menu.replace("_", "") == "Deep Dream…", menu


def check_dialog_opens(gui):
    dialog = open_dialog(gui)
    gui.shot("dialog")
    _, _, width, height = gui.place(dialog)
    assert width < 900, (width, height)
    assert height < 760, (width, height)
    leave(gui, dialog)
    assert len(layers(gui)) == 1


def check_more_opens_beside(gui):
    dialog = open_dialog(gui)
    _, _, width, height = gui.place(dialog)
    gui.key("alt+m", dialog)
    gui.until("more controls", lambda: gui.place(dialog)[2] > width + 150, 5)
    time.sleep(0.3)
    gui.shot("dialog-more")
    _, _, wide, high = gui.place(dialog)
    assert wide < 1000, wide
    assert high <= height + 20, (high, height)
    gui.key("alt+m", dialog)
    gui.until("fewer controls", lambda: gui.place(dialog)[2] == width, 5)
    leave(gui, dialog)


def check_preset_fills_the_controls(gui):
    before = layers(gui)
    engine("invert")
    usual = dreamed_with(gui, "")
    classic = dreamed_with(gui, "alt+p Down")
    assert usual["--preset"] == "dream", usual
    assert float(usual["--natural-colours"]) > 0, usual
    assert int(usual["--min-size"]) > 0, usual
    assert "--clip" in usual, usual
    wanted = {"--preset": "classic", "--octaves": "4", "--jitter": "32", "--layers": "mixed4=1"}
    assert wanted.items() <= classic.items(), classic
    assert "--clip" in classic, classic
    changed = dreamed_with(gui, "alt+i ctrl+a 3 3 Tab", "dialog-changed")
    assert changed == {**classic, "--iterations": "33"}, changed
    assert dreamed_with(gui, "") == changed, "the dialog did not keep what was set last"
    assert dreamed_with(gui, "alt+p Tab space", "dialog-again") == classic, "the preset was not taken again"
    assert dreamed_with(gui, "alt+p Up") == usual
    for _ in range(6):
        gui.key("ctrl+z")
    gui.until("the undo", lambda: layers(gui) == before, 5)


def dreamed_with(gui, keys, shot=""):
    """Press keys in the dialog and dream; return the options that the engine got."""
    count = len(layers(gui))
    dialog = open_dialog(gui)
    if keys:
        gui.key(keys, dialog)
        time.sleep(0.3)
    if shot:
        gui.shot(shot)
    gui.key("alt+o", dialog)
    gui.until("a result", lambda: len(layers(gui)) == count + 1)
    nothing_left(gui)
    calls = Path(os.environ["FAKE_ENGINE_WORDS"]).read_text(encoding="utf-8")
    words = json.loads(calls.splitlines()[-1])[6:]
    return {word: after for word, after in zip(words, [*words[1:], ""]) if word.startswith("--")}


PASTE = """
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk
print(Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD).wait_for_text())
"""


def check_command_line_can_be_copied(gui):
    dialog = open_dialog(gui)
    gui.key("alt+m", dialog)
    gui.key("alt+v Tab space", dialog)
    time.sleep(0.3)
    gui.shot("dialog-copied")
    told = {"env": gui.env, "capture_output": True, "text": True}
    pasted = subprocess.run(["python3", "-c", PASTE], check=True, **told).stdout.strip()
    assert pasted == "deepdream dream " + Path(os.environ["CHECK_PICTURE"]).name, pasted
    leave(gui, dialog)


def check_selection_is_previewed(gui):
    engine("real")
    gui.ask("Gimp.get_images()[0].select_ellipse(Gimp.ChannelOps.REPLACE, 300, 150, 250, 200)")
    dialog = open_dialog(gui)
    gui.key("alt+m", dialog)
    gui.key("alt+e", dialog)
    gui.until("the engine", engines, 10)
    gui.until("the end of the preview", lambda: not engines())
    time.sleep(0.3)
    gui.shot("dialog-selection")
    _, y, _, height = gui.place(dialog)
    assert y >= 0, "the dialog is higher than the screen"
    assert y + height <= gui.size[1], "the dialog is higher than the screen"
    leave(gui, dialog)
    gui.ask("Gimp.Selection.none(Gimp.get_images()[0])")


def check_preview(gui):
    engine("real")
    dialog = open_dialog(gui)
    x, y, _, height = gui.place(dialog)
    after = (x + 20, y + height // 3, 200, height // 3)
    before = colours(gui.shot("before-preview"), *after)
    begun = time.monotonic()
    gui.key("alt+e", dialog)
    gui.until("the engine", engines, 10)
    moving = set()

    def ended():
        moving.add(colours(gui.shot("preview-running"), x + 20, y + height // 2, 220, height // 2 - 20))
        return not engines()

    gui.until("the end of the preview", ended)
    seconds = time.monotonic() - begun
    time.sleep(0.3)
    assert colours(gui.shot("preview"), *after) != before, "the preview shows no picture"
    assert len(moving) > 2, "no progress was seen"
    print(f"preview: {seconds:.1f} s")
    leave(gui, dialog)
    assert len(layers(gui)) == 1


def check_preview_can_be_stopped_and_left(gui):
    engine("slow")
    dialog = open_dialog(gui)
    gui.key("alt+e", dialog)
    gui.until("the engine", engines, 10)
    time.sleep(0.5)
    x, y, width, height = gui.place(dialog)
    before = colours(gui.shot("preview-slow"), x, y, width, height)
    gui.key("alt+e", dialog)  # the button says Stop and keeps its key
    gui.until("the end of the preview", lambda: not engines(), 10)
    time.sleep(0.3)
    assert colours(gui.shot("preview-stopped"), x, y, width, height) != before
    gui.key("alt+e", dialog)
    gui.until("the engine", engines, 10)
    leave(gui, dialog)


def check_run_and_undo(gui):
    before = layers(gui)
    progress = begin(gui, "moderate")
    gui.until("a result", lambda: len(layers(gui)) == 2)
    gui.gone(progress)
    names, sums = zip(*layers(gui))
    assert names == (before[0][0] + " dream", before[0][0]), names
    assert sums[1] == before[0][1]
    assert sums[0] != sums[1]
    gui.key("ctrl+z")
    gui.until("the undo", lambda: layers(gui) == before, 5)
    gui.key("ctrl+y")
    gui.until("the redo", lambda: len(layers(gui)) == 2, 5)
    assert [each for _, each in layers(gui)] == list(sums)
    gui.key("ctrl+z")
    gui.until("the second undo", lambda: layers(gui) == before, 5)
    nothing_left(gui)


def check_progress_moves_and_cancel_changes_nothing(gui):
    before = layers(gui)
    gui.ask("Gimp.get_images()[0].clean_all()")
    progress = begin(gui, "slow")
    seen = set()

    def moved():
        seen.add(colours(gui.shot("progress"), *gui.place(progress)))
        return len(seen) > 3

    gui.until("progress", moved, 15)
    gui.key("alt+c", progress)
    gui.gone(progress, 5)
    nothing_left(gui)
    assert layers(gui) == before
    assert not gui.ask("result = Gimp.get_images()[0].is_dirty()")


def check_closing_the_progress_window_cancels(gui):
    before = layers(gui)
    progress = begin(gui, "slow")
    gui.until("the engine", engines, 10)
    gui.close(progress)
    gui.gone(progress, 5)
    nothing_left(gui)
    assert layers(gui) == before


def check_gimp_is_usable_while_it_dreams(gui):
    progress = begin(gui, "slow")
    gui.until("the engine", engines, 10)
    begun = time.monotonic()
    gui.ask("Gimp.get_images()[0].get_layers()[0].set_visible(False)")
    gui.ask("Gimp.get_images()[0].get_layers()[0].set_visible(True)")
    assert time.monotonic() - begun < 15  # the engine works for 20
    gui.key("alt+c", progress)
    gui.gone(progress, 5)
    nothing_left(gui)


def check_stop_and_keep(gui):
    before = layers(gui)
    progress = begin(gui, "slow")
    gui.until("the engine", engines, 10)
    time.sleep(2.5)
    gui.key("alt+s", progress)
    gui.gone(progress, 8)
    gui.until("a result", lambda: len(layers(gui)) == 2, 5)
    nothing_left(gui)
    gui.key("ctrl+z")
    gui.until("the undo", lambda: layers(gui) == before, 5)


def check_changed_selection_is_noticed(gui):
    before = layers(gui)
    progress = begin(gui, "moderate")
    gui.until("the engine", engines, 10)
    gui.ask("Gimp.get_images()[0].select_rectangle(Gimp.ChannelOps.REPLACE, 100, 100, 200, 200)")
    gui.gone(progress)
    message = gui.window("GIMP Message")
    time.sleep(0.3)
    gui.shot("message-changed")
    gui.key("Escape", message)
    gui.ask("Gimp.Selection.none(Gimp.get_images()[0])")
    assert layers(gui) == before


def check_error_is_a_message(gui):
    before = layers(gui)
    (PLUGIN / "engine.json").unlink()
    gui.search("Deep Dream")
    message = gui.window("GIMP Message")
    time.sleep(0.3)
    gui.shot("message")
    gui.key("Escape", message)
    gui.gone(message)
    assert layers(gui) == before
    nothing_left(gui)


def check_cancel_in_the_status_bar(gui):
    before = layers(gui)
    engine("slow")
    gui.ask("Gimp.get_images()[0].clean_all()")
    gui.key("ctrl+f")  # repeat with the last values: GIMP's own progress bar
    gui.until("the engine", engines, 10)
    time.sleep(1.0)
    gui.shot("status-bar")
    said = set(words(gui))
    gui.click(1000, gui.size[1] - 13)
    nothing_left(gui)
    # Cancel closes the wire 10 ms before it kills: a plug-in that reports just then hears of a broken pipe.
    forgive_last_words(gui, said)
    assert layers(gui) == before
    assert not gui.ask("result = Gimp.get_images()[0].is_dirty()")


def check_killed_plug_in_leaves_nothing(gui):
    before = layers(gui)
    engine("slow")
    gui.ask("Gimp.get_images()[0].clean_all()")
    gui.key("ctrl+f")
    gui.until("the engine", engines, 10)
    (plugin,) = plugins()
    assert os.getpgid(engines()[0]) == plugin, "the engine is not in the plug-in's process group"
    os.kill(plugin, signal.SIGKILL)  # not the group: the engine must notice by itself as well
    nothing_left(gui)
    assert layers(gui) == before
    assert not gui.ask("result = Gimp.get_images()[0].is_dirty()")


def check_undo_is_exact_in_every_precision(gui):
    engine("invert")
    for precision in ("U16_LINEAR", "U32_NON_LINEAR", "FLOAT_LINEAR", "DOUBLE_LINEAR", "U8_NON_LINEAR"):
        gui.ask(
            "image = Gimp.get_images()[0]\n"
            "image.get_layers()[0].add_alpha()\n"
            f"wanted = Gimp.Precision.{precision}\n"
            "if image.get_precision() != wanted: image.convert_precision(wanted)\n"
            "image.select_ellipse(Gimp.ChannelOps.REPLACE, 100, 80, 300, 200)\n"
            "Gimp.Selection.feather(image, 20.0)"
        )
        before = layers(gui)
        answer = gui.ask(HELPERS + "result = call(Gimp.RunMode.NONINTERACTIVE, result='in-place')")
        assert answer == "success", answer
        after = layers(gui)
        assert after != before
        gui.key("ctrl+z")
        gui.until("the undo", lambda wanted=before: layers(gui) == wanted, 5)
        gui.key("ctrl+y")
        gui.until("the redo", lambda wanted=after: layers(gui) == wanted, 5)
        gui.key("ctrl+z")
    gui.ask("Gimp.Selection.none(Gimp.get_images()[0])")


def check_no_warnings(gui):
    time.sleep(0.3)
    bad = [
        line
        for line in words(gui)
        if re.search(r"deepdream|mnemonic|Traceback|Gtk-|LibGimpUI|LibGimpWidgets", line)
        and line not in LAST_WORDS
    ]
    assert not bad, "\n".join(bad)


def main():
    engine("real")
    gui = Gui(os.environ["CHECK_PICTURE"], os.environ["GIMP3_DIRECTORY"], os.environ["CHECK_SHOTS"])
    with Path(os.environ["CHECK_REPORT"]).open("w", encoding="utf-8") as report, gui:
        for name, function in list(globals().items()):
            if not name.startswith("check_") or os.environ.get("CHECK_ONLY", "") not in name:
                continue
            begun, problem = time.monotonic(), ""
            try:
                function(gui)
            except Exception:
                problem = traceback.format_exc()
                gui.shot("failed-" + name)
                tidy(gui)
            line = {"name": name, "problem": problem, "seconds": round(time.monotonic() - begun, 2)}
            report.write(json.dumps(line) + "\n")
            report.flush()


main()
