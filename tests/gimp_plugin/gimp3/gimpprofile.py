"""The profile of the checks on a screen: a GIMP that starts quickly, a key for the dialog, which answers."""

# ruff: noqa: S607

import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent

OPEN = "F9"
"""The key that opens the dialog."""

SETTINGS = """
(config-version "%s")
(show-welcome-dialog no)
(check-updates no)
(confirm-on-close no)
(save-session-info no)
(save-accels no)
(plug-in-path "${gimp_dir}/plug-ins")
"""

SHORTCUTS = f"""
(file-version 1)
(action "plug-in-deep-dream" "{OPEN}")
"""

SESSION = """
(session-info "toplevel" (factory-entry "gimp-single-image-window") (position 0 0) (size 800 600)
    (open-on-exit))
(hide-docks yes)
(single-window-mode yes)
(last-tip-shown 0)
"""
"""No docks: their icons take half of GIMP's start."""


def prepare(profile, settings):
    """Write a profile's settings, and have its plug-in answer; settings: further lines of its gimprc."""
    (profile / "plug-ins" / "script-fu").unlink(missing_ok=True)  # which works for a second at each start
    spied(profile / "plug-ins" / "deepdream" / "dialog.py")
    said = subprocess.run(["gimp-console", "--version"], capture_output=True, text=True, check=True).stdout
    # Without its own version in it, GIMP takes the file for an old one and greets the user.
    version = re.search(r"[\d.]+", said).group()
    (profile / "gimprc").write_text(SETTINGS % version + settings, encoding="utf-8")
    (profile / "sessionrc").write_text(SESSION, encoding="utf-8")
    (profile / "shortcutsrc").write_text(SHORTCUTS, encoding="utf-8")


def spied(dialog):
    """Have the plug-in answer what it is asked; dialog: its module with the dialog."""
    text = dialog.read_text(encoding="utf-8")
    spy = f"\nimport sys\n\nsys.path.append({str(HERE)!r})\nimport spy\n"
    if not text.endswith(spy):
        dialog.write_text(text + spy, encoding="utf-8")
