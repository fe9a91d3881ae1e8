"""Checks of the dialog's live preview with the real engine."""

from gui_hands import (
    complaints,
    engine,
    engines,
    killed,
    layers,
    leave,
    moves,
    nothing_left,
    open_dialog,
    values,
)


def check_real_engine_ends_with_the_dialog(gui):
    """While it starts, and in the midst of a dream; asked to, and when the plug-in can't ask it any more."""
    engine("real")
    before = layers(gui)
    for way in ("Escape", "alt+F4", "killed"):
        dialog = open_dialog(gui)
        gui.until("the engine", engines)
        if way != "Escape":
            moves(gui, dialog, 1)
        if way == "killed":
            killed(gui)
        else:
            gui.key(way, dialog)
        gui.gone(dialog)
        nothing_left(gui)
    assert layers(gui) == before


def check_view_changes_while_steps_come(gui):
    """A step that was under way comes in the form of a copy that is no longer seen."""
    engine("slow")
    said = complaints(gui)
    dialog = open_dialog(gui)
    moves(gui, dialog, 1)
    for _ in range(5):
        gui.key("alt+1", dialog)
        moves(gui, dialog, 2)
    leave(gui, dialog)
    assert complaints(gui) == said


DONE = """
pane = named("Preview")[0]
pane.handle({"event": "done", "dream": pane._number})
result = (pane._timer > 0, pane._finer)
"""
"""Has the preview hear that its dream is done; gives whether it waits for the settings to rest, and the
number of the finer dream that it asks for."""


def check_done_while_channels_are_typed(gui):
    """Half a word is no wish: the preview asks for nothing with it, and goes on when the word is whole."""
    engine("slow")
    dialog = open_dialog(gui)
    moves(gui, dialog, 1)
    asked = number(gui)
    # So that no processor is too slow to type.
    gui.inside("import preview\npreview.REST_MILLISECONDS = 10**8")
    gui.key("alt+d alt+w Tab ctrl+a m i x", dialog)
    gui.until("what was typed", lambda: values(gui)["channels"] == "mix")
    assert gui.inside(DONE) == (True, None)
    gui.inside("preview.REST_MILLISECONDS = 1")
    gui.key("ctrl+a m i x e d 3 colon 1", dialog)
    gui.until("the next dream", lambda: (number(gui) or 0) > asked)
    leave(gui, dialog)


def number(gui):
    """Return the number of what the preview has asked for, None if there is nothing."""
    return gui.inside("result = named('Preview')[0]._number")
