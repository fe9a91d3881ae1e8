"""Checks of the dialog's live preview with the real engine."""

from gui_hands import complaints, engine, engines, killed, layers, leave, moves, nothing_left, open_dialog


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
