"""Photograph the dialog and a result in GIMP for the README; make_pictures.py starts it in a GIMP root."""

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gimpgui import Gui

SETTINGS = """(mixed2 0)
(mixed3 1)
(mixed4 1)
(mixed5 0)
"""


def main() -> None:
    profile = Path(os.environ["GIMP3_DIRECTORY"])
    last = profile / "plug-in-settings" / "GimpProcedureConfigRun-plug-in-deep-dream.last"
    last.parent.mkdir()
    last.write_text(SETTINGS, encoding="utf-8")
    with Gui(os.environ["CHECK_PICTURE"], profile, os.environ["CHECK_SHOTS"]) as gui:
        gui.search("Deep Dream")
        dialog = gui.window("^Deep Dream$")
        time.sleep(1)
        gui.key("alt+e", dialog)
        time.sleep(8)  # a preview takes two seconds on two idle cores
        gui.shot("dialog")
        place = gui.place(dialog)
        gui.key("alt+o", dialog)
        gui.until(
            "the dream",
            lambda: gui.ask("result = len(Gimp.get_images()[0].get_layers())") == 2,
            timeout=300,
        )
        time.sleep(1)
        gui.shot("result")
    found = {"name": json.dumps(place), "problem": ""}
    Path(os.environ["CHECK_REPORT"]).write_text(json.dumps(found) + "\n", encoding="utf-8")


main()
