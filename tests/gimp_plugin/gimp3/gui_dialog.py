"""Checks on a screen: the dialog and its preview."""

# ruff: noqa: B905, S607

import os
import re
import subprocess
from pathlib import Path

from gui_hands import (
    TITLE,
    changed,
    engine,
    engines,
    layers,
    leave,
    line,
    nothing_left,
    open_dialog,
    previewed,
    shared_dialog,
    values,
)


def check_menu_entry(gui):
    engine("invert")
    gui.key("alt+r")
    gui.until("the menu", gui.screen.popups)
    gui.shot("menu")
    gui.key("Up Return")  # it is the last entry
    gui.window(TITLE)
    menu = gui.ask("result = Gimp.get_pdb().lookup_procedure('plug-in-deep-dream').get_menu_label()")
    assert menu.replace("_", "") == "Deep Dream…", menu


def check_dialog_opens(gui):
    dialog = shared_dialog(gui)
    gui.shot("dialog")
    _, _, width, height = place = gui.place(dialog)
    assert (width, height) == (1100, 760), "not as large as the screen and the eye allow"
    gui.key("alt+d", dialog)
    gui.inside()
    gui.shot("dialog-details")
    assert gui.place(dialog) == place, "the window jumps from page to page"
    gui.key("alt+k", dialog)


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
    dialog = shared_dialog(gui)
    gui.key("alt+d alt+m", dialog)
    gui.until("the copy", lambda: "Copied" in shown(gui))
    pasted = clipboard(gui)
    gui.shot("dialog-copied")
    assert pasted == "deepdream dream " + Path(os.environ["CHECK_PICTURE"]).name, pasted
    gui.key("alt+k", dialog)


def before_and_after(gui, dialog):
    """Return the bytes of parts of the preview that lie left and right of where its line is at first."""
    x, y, width, height = gui.place(dialog)
    top, tall = y + height // 4, height // 4
    left, right = x + width // 16, x + width // 4
    return gui.pixels(left, top, width // 32, tall), gui.pixels(right, top, width // 8, tall)


def dragged(gui, dialog, there, y):
    """Tell whether the preview's line is there; drag it if not: it may move yet when it is taken hold of."""
    at = line(gui, dialog)
    if at is None:  # dragged to the very edge
        gui.key("Right", dialog)
    elif at != there:
        gui.press(at, y)
        gui.release(there, y)
    return at == there


def right_to(gui, dialog, left):
    """Tell whether the preview has on its left what it shall have; else move the line to the right."""
    if before_and_after(gui, dialog)[0] == left:
        return True
    gui.key("Right", dialog)
    return False


def check_before_and_after(gui):
    dialog = shared_dialog(gui)
    previewed(gui, dialog)
    both = before_and_after(gui, dialog)
    gui.key("alt+g", dialog)
    gui.until("the picture before", lambda: line(gui, dialog) is None)
    gui.shot("preview-original")
    before = before_and_after(gui, dialog)
    assert before[0] == both[0]
    assert before[1] == bytes(255 - byte for byte in both[1])
    gui.key("alt+g", dialog)
    gui.until("both", lambda: before_and_after(gui, dialog) == both)
    x, y, width, height = gui.place(dialog)
    middle = (x + width // 4, y + height // 2)
    gui.press(*middle)
    gui.until("the picture before", lambda: before_and_after(gui, dialog) == before)
    gui.release()
    gui.until("both", lambda: before_and_after(gui, dialog) == both)
    at = line(gui, dialog)
    gui.key("Right Right", dialog)  # the press has given it the keyboard
    gui.until("another line", lambda: line(gui, dialog) > at + 10)
    gui.until("the line on the left", lambda: dragged(gui, dialog, x + 130, middle[1]))
    gui.shot("preview-line")
    gui.key("Left " * 30, dialog)
    gui.until("the dream alone", lambda: before_and_after(gui, dialog)[0] != before[0])
    gui.until("both", lambda: right_to(gui, dialog, before[0]))


def check_full_size(gui):
    dialog = shared_dialog(gui)
    previewed(gui, dialog)
    whole = before_and_after(gui, dialog)
    gui.key("alt+1", dialog)
    gui.until("a part", lambda: before_and_after(gui, dialog) != whole)
    previewed(gui, dialog)
    gui.shot("preview-full-size")
    part = before_and_after(gui, dialog)
    x, y, width, height = gui.place(dialog)
    gui.press(x + width // 4, y + height // 2)
    gui.release(x + width // 4 - 100, y + height // 2 - 60)
    gui.until("another part", lambda: before_and_after(gui, dialog)[0] != part[0])
    previewed(gui, dialog)
    gui.shot("preview-dragged")
    gui.key("alt+1", dialog)
    gui.until("the whole", lambda: before_and_after(gui, dialog)[0] == whole[0])


def shown(gui, dialog=None, keys=""):
    """Return the texts in the dialog, after having pressed keys."""
    if keys:
        gui.key(keys, dialog)
    return [text for text, _cut in gui.inside("result = shown()")]


def check_wrong_channels_are_refused_while_typing(gui):
    before = layers(gui)
    dialog = shared_dialog(gui)
    fine = set(shown(gui, dialog, "alt+d"))
    told = set(shown(gui, dialog, "alt+w Tab ctrl+a m i x e d 9 colon 1")) - fine
    assert any("mixed9" in text for text in told), told
    gui.shot("dialog-channels")
    gui.key("alt+o", dialog)
    gui.inside()
    assert dialog in gui.windows()
    assert layers(gui) == before
    leave(gui, dialog)


def dreamed_with(gui, keys, shot="", kept=None):
    """Open the dialog, press keys, and dream; return the engine's options, and the dialog's values.

    kept: values that the dialog must have at first, those that were set last.
    """
    dialog = open_dialog(gui)
    assert kept in (None, values(gui)), (kept, values(gui))
    changed(gui, dialog, keys)
    if shot:
        gui.shot(shot)
    wanted = values(gui)
    return dreamed(gui, dialog), wanted


def dreamed(gui, dialog):
    """Press OK; return the options that the engine got."""
    count = len(layers(gui))
    gui.key("alt+o", dialog)
    gui.until("a result", lambda: len(layers(gui)) == count + 1)
    nothing_left(gui)
    return last_words()


def last_words():
    """Return the options that the engine got last, by their names."""
    log = Path(os.environ["GIMP3_DIRECTORY"], "deepdream.log").read_text(encoding="utf-8")
    words = re.findall(r"pixels as \d × \S+: (.*)", log)[-1].split()
    return {word: after for word, after in zip(words, [*words[1:], ""]) if word.startswith("--")}


def check_preset_fills_the_controls(gui):
    before = layers(gui)
    engine("invert")
    creatures, first = dreamed_with(gui, "alt+p Right space")
    chosen = "mixed3=0.02,mixed4:367+439+472=1"
    wanted = {"--preset": "creatures", "--step": "0.026", "--jitter": "32", "--layers": chosen}
    assert wanted.items() <= creatures.items(), creatures
    assert "--clip" in creatures, creatures
    other, last = dreamed_with(gui, "alt+d alt+i ctrl+a 3 3 Tab", "dialog-changed")
    assert other == {**creatures, "--iterations": "33"}, other
    again, _ = dreamed_with(gui, "alt+p space", "dialog-again", kept=last)
    assert again == creatures, "the preset was not taken again"
    usual, _ = dreamed_with(gui, "alt+p Left space", kept=first)
    assert usual["--preset"] == "dream", usual
    assert float(usual["--natural-colours"]) > 0, usual
    assert int(usual["--min-size"]) > 0, usual
    assert "--clip" in usual, usual
    for _ in range(4):
        gui.key("ctrl+z")
    gui.until("the undo", lambda: layers(gui) == before)


def check_preview_follows_the_settings(gui):
    engine("real")
    dialog = open_dialog(gui)
    seen = set()

    def moved():
        seen.add(before_and_after(gui, dialog)[1])
        return len(seen) > 2

    gui.until("steps of the dream", moved)
    gui.shot("preview")
    (first,) = engines()
    seen.clear()
    gui.key("alt+t Up Up Up Up Up", dialog)
    gui.until("steps of another dream", moved)
    assert engines() == [first], "another engine was started"
    leave(gui, dialog)
    assert len(layers(gui)) == 1


def check_selection_is_previewed(gui):
    engine("invert")
    gui.ask("Gimp.get_images()[0].select_ellipse(Gimp.ChannelOps.REPLACE, 300, 150, 250, 200)")
    dialog = open_dialog(gui)
    previewed(gui, dialog)
    gui.shot("dialog-selection")
    leave(gui, dialog)
    gui.ask("Gimp.Selection.none(Gimp.get_images()[0])")


def check_engines_error_is_told_and_the_dialog_lives(gui):
    engine("refuse")
    dialog = open_dialog(gui)
    gui.until("the error", lambda: any("There is no CUDA device." in text for text in shown(gui)))
    gui.shot("preview-error")
    leave(gui, dialog)
