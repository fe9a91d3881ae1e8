"""Checks on a screen: GIMP ends while the dialog is open, and takes plug-in and engine with it.

Each way has a GIMP of its own, and the real engine, which is at work by then.
"""

import os
import signal
from contextlib import contextmanager
from pathlib import Path

from gimpgui import Gui
from gui_hands import engine, engines, leave_shared, moves, nothing_left, open_dialog, plugins

QUESTION = "Quit GIMP"
"""Title of the window in which GIMP asks about what has not been saved."""

CHANGE = "Gimp.get_images()[0].get_layers()[0].set_opacity(50)"


@contextmanager
def dreaming(gui, name):
    """Have another GIMP, in whose dialog the engine is at work; in the end, nothing of it may be left."""
    leave_shared(gui)
    engine("real")
    profile = Path(os.environ["GIMP3_DIRECTORY"])
    with Gui(gui.image, profile, gui.shots / name, keep=gui.keep) as other:
        dialog = open_dialog(other)
        moves(other, dialog, 1)
        assert engines(), "the engine has not been started"
        yield other, dialog
        nothing_left(other)


def check_gimp_is_quit_with_the_dialog_open(gui):
    with dreaming(gui, "quit") as (other, dialog):
        other.ask(CHANGE)
        other.key("ctrl+q")
        question = other.window(QUESTION)
        other.shot("question")
        other.key("Escape", question)
        other.gone(question)
        assert dialog in other.windows(), "the dialog went though GIMP stays"
        other.inside()
        assert engines(), "the engine ended though GIMP stays"
        other.key("ctrl+q")
        other.key("ctrl+d", other.window(QUESTION))  # as the question says


def check_gimp_is_told_to_end_with_the_dialog_open(gui):
    with dreaming(gui, "told") as (other, _dialog):
        other.gimp.send_signal(signal.SIGTERM)


def check_gimp_is_killed_with_the_dialog_open(gui):
    with dreaming(gui, "killed") as (other, _dialog):
        assert plugins()
        other.gimp.kill()
