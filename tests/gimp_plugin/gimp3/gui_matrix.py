"""Photograph the dialog on screens of all kinds; make_pictures.py starts it in a GIMP root.

CHECK_ONLY: a part of the names of the screens, such as `ko-light` or `1024x600`; CHECK_MODE: of the fake
engine, such as `same`, which takes a tenth of the real one's time.
"""

import json
import os
import sys
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gimpgui import LARGEST, Gui
from gui_hands import at_rest, engine, forget_size, leave, line, open_dialog

SCREENS = {"1": ((1024, 600), (1366, 768), (1920, 1080)), "2": (LARGEST,)}
"""Sizes by how many pixels of the screen are one of the window's; one GIMP shows those of one kind."""

LANGUAGES = {"en": {}, "ko": {"LANGUAGE": "ko", "LC_ALL": "ko_KR.UTF-8"}}
SCHEMES = ("dark", "light")
"""GIMP's names for its colours."""

DREAMED = "live = named('Preview')[0]._live\nresult = not (named('Preview')[0]._timer or live._foreground)"
"""Tells whether the preview has its picture; the looks may still be tried."""


def photograph(gui, name, *, looks):
    """Photograph both pages, and the end of the second, once the preview is there; looks: and the looks."""
    forget_size(gui)
    dialog = open_dialog(gui)
    if looks:
        at_rest(gui)
    gui.until("the preview", lambda: gui.inside(DREAMED) and line(gui, dialog))
    gui.shot(f"{name}-look")
    for page, keys in (("details", "alt+d"), ("details-end", "alt+v Tab")):
        gui.key(keys, dialog)
        gui.inside()
        gui.shot(f"{name}-{page}")
    leave(gui, dialog)


def main():
    engine(os.environ.get("CHECK_MODE") or "real")
    picture, profile, shots = (
        os.environ[name] for name in ("CHECK_PICTURE", "GIMP3_DIRECTORY", "CHECK_SHOTS")
    )
    report = Path(os.environ["CHECK_REPORT"])
    for (language, spoken), scheme, (scale, sizes) in product(LANGUAGES.items(), SCHEMES, SCREENS.items()):
        names = {f"{language}-{scheme}-{width}x{height}@{scale}": (width, height) for width, height in sizes}
        wanted = {name: size for name, size in names.items() if os.environ.get("CHECK_ONLY", "") in name}
        if not wanted:
            continue
        told = {"GDK_SCALE": scale, **spoken}
        colours = f"(theme-color-scheme {scheme})\n"
        with Gui(picture, profile, shots, next(iter(wanted.values())), told, colours) as gui:
            for name, size in wanted.items():
                gui.resize_screen(size)
                photograph(gui, name, looks=name == next(iter(wanted)))
                with report.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"name": name, "problem": ""}) + "\n")


main()
