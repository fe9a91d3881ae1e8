"""Checks on a screen: the help page."""

import os
from pathlib import Path

from gui_hands import shared_dialog

BROWSER = """[Desktop Entry]
Type=Application
Name=Browser
Exec=/bin/sh -c 'echo "$0" >>{}' %u
MimeType=text/html;
"""


def check_help_button_and_f1_open_the_page(gui):
    data = Path(os.environ["XDG_DATA_HOME"])
    programs, opened = data / "applications", data / "opened"
    programs.mkdir(parents=True, exist_ok=True)
    (programs / "browser.desktop").write_text(BROWSER.format(opened), encoding="utf-8")
    (programs / "mimeapps.list").write_text("[Default Applications]\ntext/html=browser.desktop\n")
    dialog = shared_dialog(gui)
    for number, key in enumerate(("alt+h", "F1"), 1):
        gui.key(key, dialog)
        page = gui.until("the help page", lambda number=number: nth(opened, number)).removeprefix("file://")
        assert page.endswith("/deepdream_common/help/en/index.html"), page
        assert Path(page).is_file(), page


def nth(file, number):
    """Return a line of a file, counted from 1, if it is there."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return lines[number - 1] if len(lines) >= number else ""
