"""Checks of the dialog's live preview with the real engine."""

import os
import signal

from gui_hands import engine, engines, layers, moves, nothing_left, open_dialog, plugins


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
            os.kill(plugins()[0], signal.SIGKILL)
        else:
            gui.key(way, dialog)
        gui.gone(dialog)
        nothing_left(gui)
    assert layers(gui) == before
