"""Checks on a screen: the sheet that channels are chosen from, and the menu of guides."""

from pathlib import Path

from gui_dialog import last_words
from gui_hands import HELPERS, complaints, engine, nothing_left, open_dialog, sheet_of


def details(gui):
    """Open the dialog at its second page."""
    dialog = open_dialog(gui)
    before = gui.seen(dialog)
    gui.key("alt+d", dialog)
    gui.still(dialog, before)
    return dialog


def count(gui):
    """Return how many layers there are."""
    return gui.ask("result = len(Gimp.get_images()[0].get_layers())")


def dream(gui, dialog):
    """Dream, and return the options that the engine got."""
    before = count(gui)
    gui.key("alt+o", dialog)
    gui.until("a result", lambda: count(gui) == before + 1)
    nothing_left(gui)
    gui.key("ctrl+z")
    gui.until("the undo", lambda: count(gui) == before)
    return last_words()


def check_channels_are_chosen_from_pictures(gui):
    engine("invert")
    dialog = details(gui)
    sheet = sheet_of(gui, dialog)
    gui.shot("channels")
    before = gui.seen(sheet)
    gui.key("r o s e s", sheet)
    gui.still(sheet, before)
    gui.key("Tab space", sheet)
    gui.still(sheet)
    gui.shot("channels-chosen")
    before = gui.seen(sheet)
    gui.key("alt+s ctrl+a 3 0 0", sheet)
    gui.still(sheet, before)
    gui.key("Tab space", sheet)
    gui.still(sheet)
    gui.shot("channels-number")
    gui.key("Escape", sheet)
    gui.gone(sheet)
    gui.still(dialog)
    gui.shot("dialog-channels-chosen")
    assert dream(gui, dialog)["--layers"].endswith(",mixed4:367+439+191=50,mixed3:300=50"), last_words()


def check_guide_is_chosen_from_what_is_open(gui):
    engine("invert")
    dialog = details(gui)
    gui.key("alt+a Down", dialog)
    gui.still(dialog)
    gui.shot("dialog-guide")
    found = dream(gui, dialog)
    assert Path(found["--guide"]).name.startswith("deepdream-guide-"), found
    assert not Path(found["--guide"]).exists()
    gui.ask(HELPERS + "result = call(Gimp.RunMode.WITH_LAST_VALS)")
    assert "--guide" in last_words(), "the last guide was forgotten"
    dialog = details(gui)
    gui.key("alt+a Up", dialog)
    gui.still(dialog)
    assert "--guide" not in dream(gui, dialog)
    gui.key("ctrl+z")
    gui.until("the undo", lambda: count(gui) == 1)
    assert not complaints(gui), complaints(gui)
