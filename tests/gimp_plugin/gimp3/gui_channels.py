"""Checks on a screen: the sheet that channels are chosen from, and the menu of guides."""

from pathlib import Path

from gui_dialog import last_words
from gui_hands import HELPERS, changed, complaints, engine, nothing_left, open_dialog, sheet_of


def details(gui):
    """Open the dialog at its second page."""
    dialog = open_dialog(gui)
    gui.key("alt+d", dialog)
    gui.inside()
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


def search(gui, sheet, keys, wanted):
    """Search with these keys, and wait until the names of the pictures that are left are as wanted."""
    gui.key(keys, sheet)
    gui.until("what was searched for", lambda: wanted(gui.inside("result = [x.name for x in named('Tile')]")))


def check_channels_are_chosen_from_pictures(gui):
    engine("invert")
    dialog = details(gui)
    sheet = sheet_of(gui, dialog)
    gui.shot("channels")
    search(gui, sheet, "r o s e s", lambda names: len(names) == 1)
    changed(gui, sheet, "Tab space")
    gui.shot("channels-chosen")
    search(gui, sheet, "alt+s ctrl+a 3 0 0", lambda names: all(name.endswith(":300") for name in names))
    changed(gui, sheet, "Tab space")
    gui.shot("channels-number")
    gui.key("Escape", sheet)
    gui.gone(sheet)
    gui.shot("dialog-channels-chosen")
    assert dream(gui, dialog)["--layers"].endswith(",mixed4:367+439+191=50,mixed3:300=50"), last_words()


def check_guide_is_chosen_from_what_is_open(gui):
    engine("invert")
    dialog = details(gui)
    gui.key("alt+a Down", dialog)
    gui.shot("dialog-guide")
    found = dream(gui, dialog)
    assert Path(found["--guide"]).name.startswith("deepdream-guide-"), found
    assert not Path(found["--guide"]).exists()
    gui.ask(HELPERS + "result = call(Gimp.RunMode.WITH_LAST_VALS)")
    assert "--guide" in last_words(), "the last guide was forgotten"
    dialog = details(gui)
    gui.key("alt+a Up", dialog)
    assert "--guide" not in dream(gui, dialog)
    gui.key("ctrl+z")
    gui.until("the undo", lambda: count(gui) == 1)
    assert not complaints(gui), complaints(gui)
