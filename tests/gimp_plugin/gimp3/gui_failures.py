"""Checks on a screen: what the dialog does when the engine fails under it."""

import json
import os
import signal
from pathlib import Path

from gui_dialog import shown
from gui_hands import PLUGIN, engine, engines, leave, moves, open_dialog


def said():
    """Return the plug-in's log."""
    log = Path(os.environ["GIMP3_DIRECTORY"], "deepdream.log")
    return log.read_text(encoding="utf-8") if log.exists() else ""


def check_removed_engine_is_told_and_the_dialog_lives(gui):
    command = [os.environ["CHECK_PYTHON"], "-m", "no_engine_any_more"]
    (PLUGIN / "engine.json").write_text(json.dumps({"command": command}), encoding="utf-8")
    dialog = open_dialog(gui)
    gui.shot("engine-removed")
    leave(gui, dialog)
    assert "No module named no_engine_any_more" in said()


def check_killed_engine_is_started_again(gui):
    engine("slow")
    dialog = open_dialog(gui)
    moves(gui, dialog)
    (first,) = engines()
    os.kill(first, signal.SIGKILL)
    gui.until("its end", lambda: first not in engines())
    gui.until("what has happened", lambda: any("signal 9" in text for text in shown(gui)))
    gui.shot("engine-killed")
    gui.key("alt+t Up", dialog)
    gui.until("another engine", lambda: engines() not in ([], [first]))
    leave(gui, dialog)
