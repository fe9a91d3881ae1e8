"""Checks on a screen: the dialog and its preview."""

# ruff: noqa: B905, S607

import json
import os
import subprocess
import time
from pathlib import Path

from gui_hands import engine, engines, layers, leave, moves, nothing_left, open_dialog


def check_menu_entry(gui):
    closed = gui.seen(gui.main)
    gui.key("alt+r")
    gui.still(gui.main, closed)
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
    gui.until("more controls", lambda: gui.place(dialog)[2] > width + 150)
    gui.still(dialog)
    gui.shot("dialog-more")
    _, _, wide, high = gui.place(dialog)
    assert wide < 1000, wide
    assert high <= height + 20, (high, height)
    gui.key("alt+m", dialog)
    gui.until("fewer controls", lambda: gui.place(dialog)[2] == width)
    leave(gui, dialog)


def check_preset_fills_the_controls(gui):
    before = layers(gui)
    engine("invert")
    usual = dreamed_with(gui, "")
    creatures = dreamed_with(gui, "alt+p Down")
    assert usual["--preset"] == "dream", usual
    assert float(usual["--natural-colours"]) > 0, usual
    assert int(usual["--min-size"]) > 0, usual
    assert "--clip" in usual, usual
    chosen = "mixed3=0.02,mixed4:367+439+472=1"
    wanted = {"--preset": "creatures", "--step": "0.026", "--jitter": "32", "--layers": chosen}
    assert wanted.items() <= creatures.items(), creatures
    assert "--clip" in creatures, creatures
    changed = dreamed_with(gui, "alt+i ctrl+a 3 3 Tab", "dialog-changed")
    assert changed == {**creatures, "--iterations": "33"}, changed
    assert dreamed_with(gui, "") == changed, "the dialog did not keep what was set last"
    assert dreamed_with(gui, "alt+p Tab space", "dialog-again") == creatures, "the preset was not taken again"
    assert dreamed_with(gui, "alt+p Up") == usual
    for _ in range(6):
        gui.key("ctrl+z")
    gui.until("the undo", lambda: layers(gui) == before)


def dreamed_with(gui, keys, shot=""):
    """Press keys in the dialog and dream; return the options that the engine got."""
    count = len(layers(gui))
    dialog = open_dialog(gui)
    if keys:
        gui.key(keys, dialog)
        gui.still(dialog)
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
print(Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD).wait_for_text() or "")
"""


def clipboard(gui):
    """Return the text that was copied last."""
    told = {"env": gui.env, "capture_output": True, "text": True}
    return subprocess.run(["python3", "-c", PASTE], check=True, **told).stdout.strip()


def check_command_line_can_be_copied(gui):
    dialog = open_dialog(gui)
    gui.key("alt+m", dialog)
    gui.key("alt+v Tab space", dialog)
    pasted = gui.until("the clipboard", lambda: clipboard(gui))
    gui.shot("dialog-copied")
    assert pasted == "deepdream dream " + Path(os.environ["CHECK_PICTURE"]).name, pasted
    leave(gui, dialog)


def check_selection_is_previewed(gui):
    engine("real")
    gui.ask("Gimp.get_images()[0].select_ellipse(Gimp.ChannelOps.REPLACE, 300, 150, 250, 200)")
    dialog = open_dialog(gui)
    gui.key("alt+m", dialog)
    gui.key("alt+e", dialog)
    gui.until("the engine", engines)
    gui.until("the end of the preview", lambda: not engines())
    gui.still(dialog)
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
    before = gui.pixels(*after)
    gui.shot("before-preview")
    begun = time.monotonic()
    gui.key("alt+e", dialog)
    gui.until("the engine", engines)
    moving = set()

    def ended():
        moving.add(gui.pixels(x + 20, y + height // 2, 220, height // 2 - 20))
        return not engines()

    gui.until("the end of the preview", ended)
    seconds = time.monotonic() - begun
    gui.until("a picture in the preview", lambda: gui.pixels(*after) != before)
    gui.shot("preview")
    assert len(moving) > 2, "no progress was seen"
    print(f"preview: {seconds:.1f} s")
    leave(gui, dialog)
    assert len(layers(gui)) == 1


def check_preview_can_be_stopped_and_left(gui):
    engine("slow")
    dialog = open_dialog(gui)
    gui.key("alt+e", dialog)
    gui.until("the engine", engines)
    moves(gui, dialog)
    before = gui.seen(dialog)
    gui.shot("preview-slow")
    gui.key("alt+e", dialog)  # the button says Stop and keeps its key
    gui.until("the end of the preview", lambda: not engines())
    gui.still(dialog, before)
    gui.shot("preview-stopped")
    gui.key("alt+e", dialog)
    gui.until("the engine", engines)
    leave(gui, dialog)
