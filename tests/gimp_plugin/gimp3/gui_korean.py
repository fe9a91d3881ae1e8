"""Checks on a screen in Korean: nothing that the plug-in shows is left in English, and no text is cut."""

import contextlib
import json
import os
import re
import shutil
from pathlib import Path

from gimpgui import Gui
from gui_hands import PLUGIN, begin, complaints, engine, leave, let_go, nothing_left, open_dialog
from gui_sizes import inside

PROFILE = Path(os.environ["GIMP3_DIRECTORY"]).with_name("profile-korean")
"""Of its own: where the language changes, GIMP asks each of its 130 plug-ins again, so here are three."""

OF_GIMP = Path("/usr/lib/x86_64-linux-gnu/gimp/3.0/plug-ins")
TEXTS = PROFILE / "texts.json"
"""See spy.py."""

NAMES = re.compile(r"Deep Dream|mountains|RGB|CPU|NVIDIA|CUDA|GPU|GIMP|mixed\d|[ A-Z]?\d[\d:+=.,]*")
"""What is the same in each language."""


@contextlib.contextmanager
def spied():
    """Have the plug-in write down what it shows."""
    dialog = PLUGIN / "dialog.py"
    text = dialog.read_text(encoding="utf-8")
    shutil.copy(Path(__file__).with_name("spy.py"), PLUGIN)
    dialog.write_text(text + "\nimport spy\n", encoding="utf-8")
    try:
        yield
    finally:
        dialog.write_text(text, encoding="utf-8")
        (PLUGIN / "spy.py").unlink()


@contextlib.contextmanager
def screen(gui, size, scale="1"):
    """Yield a GIMP that speaks Korean, as its preferences say, on a screen of its own."""
    engine("invert")
    places = PROFILE / "plug-ins"
    if not places.exists():
        places.mkdir(parents=True)
        for place in (PLUGIN, OF_GIMP / "python-eval", OF_GIMP / "file-jpeg"):
            (places / place.name).symlink_to(place)
    settings = f'(plug-in-path "{places}")\n(language "ko")\n'
    korean = {"LANG": "ko_KR.UTF-8", "GDK_SCALE": scale}
    shots = gui.shots / "korean" / "{}x{}".format(*size)
    other = Gui(gui.image, PROFILE, shots, size=size, told=korean, settings=settings)
    with other:
        yield other
    assert not complaints(other), "\n".join(complaints(other))


def texts(gui, window):
    """Return what the plug-in shows now, with whether it is cut."""
    gui.still(window, longest=5)
    TEXTS.unlink(missing_ok=True)
    gui.until("the texts", TEXTS.exists)
    return json.loads(TEXTS.read_text(encoding="utf-8"))


def spoken(gui, window):
    """Assert that all that the window shows is Korean and has room."""
    shown = texts(gui, window)
    assert len(shown) > 3, shown
    foreign = {text for text, _ in shown if re.search("[A-Za-z]{2}", NAMES.sub("", text))}
    assert not {text for text in foreign if not re.search("[가-힣]", text)}, foreign
    assert not [text for text, cut in shown if cut], shown


def pages_spoken(korean):
    """Open the dialog, and look at both of its pages; return its window."""
    dialog = open_dialog(korean)
    for page, keys in (("look", ""), ("details", "alt+d")):
        if keys:
            korean.key(keys, dialog)
            korean.still(dialog)
        korean.shot(page)
        inside(korean, dialog)
        spoken(korean, dialog)
    return dialog


def check_korean_on_other_screens(gui):
    for size, scale in (((1366, 768), "1"), ((1920, 1080), "1"), ((2048, 1200), "2")):
        with spied(), screen(gui, size, scale) as korean:
            leave(korean, pages_spoken(korean))


def check_korean(gui):
    with spied(), screen(gui, (1024, 600)) as korean:
        blurb = korean.ask("result = Gimp.get_pdb().lookup_procedure('plug-in-deep-dream').get_blurb()")
        assert re.search("[가-힣]", blurb), blurb
        dialog = pages_spoken(korean)
        korean.key("alt+p", dialog)
        sheet = korean.window("^채널$")
        spoken(korean, sheet)
        korean.shot("channels")
        korean.key("Escape", sheet)
        korean.gone(sheet)
        leave(korean, dialog)
        progress = begin(korean, "held")
        korean.shot("progress")
        spoken(korean, progress)
        let_go()
        korean.gone(progress)
        nothing_left(korean)
