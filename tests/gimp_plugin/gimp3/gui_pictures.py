"""Photograph the dialog and a result in GIMP for the README; make_pictures.py starts it in a GIMP root.

CHECK_ONLY: `dialog` for the dialog alone.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gimpgui import Gui
from gui_hands import at_rest, open_dialog

sys.path.insert(0, os.environ["CHECK_PLUGIN"])
from deepdream_common import parameters

PRESET = "gaze"


def main() -> None:
    profile = Path(os.environ["GIMP3_DIRECTORY"])
    number = [preset.name for preset in parameters.PRESETS].index(PRESET)
    with Gui(os.environ["CHECK_PICTURE"], profile, os.environ["CHECK_SHOTS"]) as gui:
        dialog = open_dialog(gui)
        gui.key("alt+p " + "Right " * number + "space", dialog)
        at_rest(gui)
        gui.shot("dialog")
        place = gui.place(dialog)
        if os.environ["CHECK_ONLY"] != "dialog":
            gui.key("alt+o", dialog)
            gui.until("the dream", lambda: gui.ask("result = len(Gimp.get_images()[0].get_layers())") == 2)
            gui.gone(dialog)
            gui.shot("result")
    found = {"name": json.dumps(place), "problem": ""}
    Path(os.environ["CHECK_REPORT"]).write_text(json.dumps(found) + "\n", encoding="utf-8")


main()
