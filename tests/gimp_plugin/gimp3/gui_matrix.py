"""Photograph the dialog on screens of all kinds; make_pictures.py starts it in a GIMP root.

CHECK_ONLY: a part of the names of the screens, such as `ko-light` or `1024x600`.
"""

import json
import os
import sys
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gimpgui import Gui
from gui_hands import at_rest, engine, leave, open_dialog

SCREENS = {
    "1024x600": ((1024, 600), {}),
    "1366x768": ((1366, 768), {}),
    "1920x1080": ((1920, 1080), {}),
    "2048x1200@2": ((2048, 1200), {"GDK_SCALE": "2"}),
}
LANGUAGES = {"en": {}, "ko": {"LANGUAGE": "ko", "LC_ALL": "ko_KR.UTF-8"}}
SCHEMES = ("dark", "light")
"""GIMP's names for its colours."""


def photograph(gui):
    """Photograph both pages, and the end of the second, once the preview and the looks are there."""
    dialog = open_dialog(gui)
    at_rest(gui)
    gui.shot("look")
    for name, keys in (("details", "alt+d"), ("details-end", "alt+v")):
        gui.key(keys, dialog)
        gui.inside()
        gui.shot(name)
    leave(gui, dialog)


def main():
    engine("real")
    report = Path(os.environ["CHECK_REPORT"])
    for (size, (screen, scale)), (language, spoken), scheme in product(
        SCREENS.items(), LANGUAGES.items(), SCHEMES
    ):
        name = f"{language}-{scheme}-{size}"
        if os.environ.get("CHECK_ONLY", "") not in name:
            continue
        shots = Path(os.environ["CHECK_SHOTS"], name)
        colours = f"(theme-color-scheme {scheme})\n"
        told = {**scale, **spoken}
        with Gui(
            os.environ["CHECK_PICTURE"], os.environ["GIMP3_DIRECTORY"], shots, screen, told, colours
        ) as gui:
            photograph(gui)
        with report.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"name": name, "problem": ""}) + "\n")


main()
