"""Checks on a screen in Korean: nothing that the plug-in shows is left in English, and no text is cut."""

import contextlib
import os
import re
from pathlib import Path

from gimpgui import LARGEST, Gui
from gui_hands import PLUGIN, begin, complaints, engine, forget_size, leave, let_go, nothing_left, open_dialog
from gui_sizes import inside

PROFILE = Path(os.environ["GIMP3_DIRECTORY"]).with_name("profile-korean")
"""Of its own: where the language changes, GIMP asks its plug-ins again."""

NAMES = re.compile(r"Deep Dream|mountains|RGB|CPU|NVIDIA|CUDA|WebGPU|GPU|GIMP|mixed\d|[ A-Z]?\d[\d:+=.,]*")
"""What is the same in each language."""


@contextlib.contextmanager
def screen(gui, size, scale="1"):
    """Yield a GIMP that speaks Korean, as its preferences say, on a screen of its own."""
    engine("invert")
    places = PROFILE / "plug-ins"
    if not places.exists():
        places.mkdir(parents=True)
        for each in PLUGIN.parent.iterdir():
            (places / each.name).symlink_to(each)
    korean, shots = {"LANG": "ko_KR.UTF-8", "GDK_SCALE": scale}, gui.shots / f"korean@{scale}"
    with Gui(gui.image, PROFILE, shots, size, korean, '(language "ko")\n', keep=gui.keep) as other:
        yield other
    assert not complaints(other), "\n".join(complaints(other))


def spoken(gui):
    """Assert that all that the plug-in shows is Korean and has room."""
    shown = gui.inside("result = shown()")
    assert len(shown) > 3, shown
    foreign = {text for text, _ in shown if re.search("[A-Za-z]{2}", NAMES.sub("", text))}
    assert not {text for text in foreign if not re.search("[가-힣]", text)}, foreign
    assert not [text for text, cut in shown if cut], shown


def pages_spoken(korean, name):
    """Open the dialog, and look at both of its pages; return its window.  name: of the pictures."""
    dialog = open_dialog(korean)
    for page, keys in (("look", ""), ("details", "alt+d")):
        korean.key(keys, dialog)
        korean.inside()
        korean.shot(f"{name}-{page}")
        inside(korean, dialog)
        spoken(korean)
    return dialog


def check_korean_on_a_fine_screen(gui):
    with screen(gui, LARGEST, "2") as korean:
        leave(korean, pages_spoken(korean, "2048x1200"))


def check_korean(gui):
    with screen(gui, (1024, 600)) as korean:
        blurb = korean.ask("result = Gimp.get_pdb().lookup_procedure('plug-in-deep-dream').get_blurb()")
        assert re.search("[가-힣]", blurb), blurb
        dialog = pages_spoken(korean, "1024x600")
        korean.key("alt+p", dialog)
        sheet = korean.window("^채널$")
        spoken(korean)
        korean.shot("channels")
        korean.key("Escape", sheet)
        korean.gone(sheet)
        leave(korean, dialog)
        for size in ((1366, 768), (1920, 1080)):
            forget_size(korean)
            korean.resize_screen(size)
            leave(korean, pages_spoken(korean, "{}x{}".format(*size)))
        progress = begin(korean, "held")
        korean.shot("progress")
        spoken(korean)
        let_go()
        korean.gone(progress)
        nothing_left(korean)
