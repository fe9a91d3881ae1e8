"""Checks on a screen: the looks as pictures."""

import json
import os
from pathlib import Path

from gui_dialog import dreamed
from gui_hands import changed, engine, layers, leave, open_dialog, shared_dialog, values

OWN = {
    "name": "night",
    "title": "Night market",
    "description": "Lamps and little windows.",
    "settings": {"layers": {"mixed4:26+102": 1.0, "mixed3": 0.05}, "iterations": 10, "min_size": 180},
}

LAYERS = "mixed3=0.05,mixed4:26+102=1"


def favourites():
    file = Path(os.environ["GIMP3_DIRECTORY"], "deepdream-favourites.json")
    return json.loads(file.read_text(encoding="utf-8"))["favourites"] if file.exists() else []


def tried(gui, *words):
    """Wait until a look has been tried on the picture, which the engine is asked for with these words."""
    file = Path(os.environ["FAKE_ENGINE_WORDS"] + ".live")

    def asked():
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return any(set(words) <= set(json.loads(line)[1:]) for line in lines)

    gui.until("a look on the picture", asked)


def afresh():
    """Forget what the engine was asked for."""
    Path(os.environ["FAKE_ENGINE_WORDS"] + ".live").unlink(missing_ok=True)


def undo_all(gui):
    while len(layers(gui)) > 1:
        count = len(layers(gui))
        gui.key("ctrl+z")
        gui.until("the undo", lambda count=count: len(layers(gui)) < count)


def check_looks_are_tried_on_the_picture(gui):
    afresh()
    engine("invert")
    open_dialog(gui)
    for name in ("creatures", "bubbles", "keras"):  # keras is the last
        tried(gui, name)
    gui.shot("looks")


def check_favourite_looks_stay(gui):
    dialog = shared_dialog(gui)
    gui.key("alt+p Right Right f", dialog)
    gui.until("a favourite", lambda: favourites() == ["gaze"])
    gui.shot("looks-favourite")
    leave(gui, dialog)
    engine("invert")
    dialog = open_dialog(gui)
    changed(gui, dialog, "alt+p space Up space")
    gui.shot("looks-favourite-chosen")
    gui.key("f", dialog)
    gui.until("none", lambda: not favourites())
    chosen = dreamed(gui, dialog)
    assert chosen["--preset"] == "gaze", chosen
    undo_all(gui)


def check_surprising_looks_can_be_taken_back(gui):
    engine("invert")
    dialog = open_dialog(gui)
    changed(gui, dialog, "alt+u")
    gui.shot("looks-surprise")
    surprised = values(gui)
    for keys in ("alt+u", "alt+u", "alt+b", "alt+b"):
        changed(gui, dialog, keys)
    assert values(gui) == surprised
    assert int(dreamed(gui, dialog)["--seed"]) == surprised["seed"] > 0
    undo_all(gui)


def check_own_presets_are_looks(gui):
    engine("invert", [OWN, {"name": "odd", "title": "Other", "settings": {"swirl": 1}}])
    wanted = {"--preset": "keras", "--iterations": "10", "--min-size": "180", "--layers": LAYERS}
    afresh()
    dialog = open_dialog(gui)
    tried(gui, LAYERS)
    changed(gui, dialog, "alt+p End Down space")
    gui.shot("looks-own")
    kept, chosen = values(gui), dreamed(gui, dialog)
    assert wanted.items() <= chosen.items(), chosen
    dialog = open_dialog(gui)
    tried(gui, LAYERS)
    gui.shot("looks-own-again")
    assert values(gui) == kept
    changed(gui, dialog, "alt+p Up Home space")
    assert dreamed(gui, dialog)["--preset"] == "dream"
    undo_all(gui)
