"""Checks on a screen: the result is begun while its preview is looked at, and is what OK asks for."""

import json
import os
import re
import signal
from pathlib import Path

from gimpgui import MESSAGE
from gui_dialog import dreamed
from gui_hands import (
    begin,
    changed,
    engine,
    engines,
    layers,
    moves,
    nothing_left,
    open_dialog,
    previewed,
)
from gui_looks import afresh, undo_all


def requests():
    """Return what the engine was asked for in full size, or in the form of the last result: its options."""
    log = Path(os.environ["GIMP3_DIRECTORY"], "deepdream.log").read_text(encoding="utf-8")
    width, height, channels, kind, _words = re.findall(r"(\d+) × (\d+) pixels as (\d) × (\S+): (.*)", log)[-1]
    lines = Path(os.environ["FAKE_ENGINE_WORDS"] + ".live").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    wanted = [kind, int(height), int(width), int(channels)]
    return [words for (*form, _opaque), *words in found if form == wanted]


def begun(gui):
    """Wait until the result has been dreamed, while the dialog is still open."""
    gui.until("the result ahead", lambda: gui.inside(AHEAD))


AHEAD = """
import gc, ahead
found = [x for x in gc.get_objects() if isinstance(x, ahead.Ahead)]
result = bool(found and found[0]._last and found[0]._last["event"] == "done")
"""


def check_result_is_begun_while_the_preview_is_looked_at(gui):
    engine("invert")
    afresh()
    dialog = open_dialog(gui)
    previewed(gui, dialog)
    begun(gui)
    first = dreamed(gui, dialog)
    assert len(requests()) == 1, "it was dreamed twice"
    plain = layers(gui)
    undo_all(gui)
    dialog = open_dialog(gui)
    previewed(gui, dialog)
    begun(gui)
    changed(gui, dialog, "alt+d alt+i ctrl+a 3 3 Tab")
    afresh()
    second = dreamed(gui, dialog)
    assert second == {**first, "--iterations": "33"}, second
    assert len(requests()) == 1, "what was begun is not what was asked for"
    assert layers(gui) == plain  # what the fake engine makes of any options
    undo_all(gui)


def check_killed_engine_of_a_result_is_told(gui):
    before = layers(gui)
    progress = begin(gui, "slow")
    moves(gui, progress)
    (at_work,) = engines()
    os.kill(at_work, signal.SIGKILL)
    gui.gone(progress)
    message = gui.window(MESSAGE)
    gui.shot("message-killed")
    gui.key("Escape", message)
    gui.gone(message)
    nothing_left(gui)
    assert layers(gui) == before
