"""Check the plug-in in GIMP on a virtual screen: one GIMP for all checks.

Runs in the Python of a GIMP root; running.py says what the environment holds, and besides CHECK_PICTURE, the
picture to work on, CHECK_SHOTS, the folder for screenshots, and CHECK_KEEP, whether they are wanted.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import running
from gimpgui import Gui
from gui_hands import engine, tidy

engine("invert")  # the real one tries all looks, and keeps the processors busy meanwhile
picture, profile, shots = (os.environ[name] for name in ("CHECK_PICTURE", "GIMP3_DIRECTORY", "CHECK_SHOTS"))
with Gui(picture, profile, shots, keep=bool(os.environ["CHECK_KEEP"])) as gui:

    def tried(name, check):
        """Run a check, and put things right where it fails."""
        try:
            check(gui)
        except Exception:
            gui.photograph("failed-" + name)
            tidy(gui)
            raise

    running.report(tried)
