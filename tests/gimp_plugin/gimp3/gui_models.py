"""Checks on a screen: another network is chosen, and the layers follow it."""

from gui_dialog import dreamed, shown
from gui_hands import engine, leave, open_dialog, previewed, values
from gui_looks import undo_all

NIGHT = {
    "name": "night",
    "title": "Night market",
    "settings": {"layers": {"mixed10": 1.0}},
    "needs": "deep",
}
AWAY = {
    **NIGHT,
    "name": "away",
    "needs": "gone",
    "message": "the preset away needs the model gone",
    "hint": "deepdream model get gone gets it",
}

SLIDERS = """
sliders = [x for x in seen() if isinstance(x, GimpUi.SpinScale)]
result = {x.get_label().replace("_", ""): x.get_sensitive() for x in sliders}
"""

MENU = """
menu = named("ModelRow")[0]._menu
result = [row[0] for row in menu.get_model()]
"""


def choose(gui, name):
    """Choose a model from the menu, as a click does, and wait until the preview has its dream."""
    gui.inside(f"named('ModelRow')[0]._menu.set_active_id({name!r})\nresult = None")
    gui.until("the model", lambda: values(gui)["model"] == name)


def check_layers_follow_the_network(gui):
    engine("invert")
    dialog = open_dialog(gui)
    previewed(gui, dialog)
    gui.key("alt+d", dialog)
    gui.inside()
    assert gui.inside(MENU) == ["Built in", "deep", "other", "A file…"], gui.inside(MENU)
    first = values(gui)
    choose(gui, "deep")
    gui.until("its layers", lambda: "mixed10" in gui.inside(SLIDERS))
    assert {**values(gui), "model": "", "model-layers": first["model-layers"]} == first
    choose(gui, "other")
    gui.until("its last layers", lambda: values(gui)["channels"] == "block4=1,block5=1")
    sliders = gui.inside(SLIDERS)
    assert not any(values(gui)[f"mixed{number}"] for number in range(6))
    assert (sliders["block5"], sliders["Eyes"]) == (True, False), sliders
    gui.shot("models-other")
    sent = dreamed(gui, dialog)
    assert (sent["--model"], sent["--layers"]) == ("other", "block4=1,block5=1"), sent
    dialog = open_dialog(gui)  # with the values of last time
    previewed(gui, dialog)
    assert values(gui)["model"] == "other"
    gui.key("alt+k alt+p space", dialog)
    gui.until("the built-in one, for which the look is made", lambda: not values(gui)["model"])
    gui.key("alt+d", dialog)
    gui.inside()
    assert gui.inside(SLIDERS)["Eyes"]
    sent = dreamed(gui, dialog)
    assert "--model" not in sent, sent
    assert sent["--layers"] == "mixed3=0.6,mixed4=1,mixed4:367+439=50", sent
    undo_all(gui)


def check_looks_bring_the_network_that_they_need(gui):
    engine("invert", [NIGHT, AWAY])
    dialog = open_dialog(gui)
    previewed(gui, dialog)
    gui.key("alt+p End Down space", dialog)
    gui.until("the look", lambda: values(gui)["preset"] == "keras")
    assert any("deepdream model get gone gets it" in text for text in shown(gui))
    found = values(gui)
    assert (found["model"], found["channels"]) == ("deep", "mixed10=1"), found
    gui.key("alt+b", dialog)
    gui.until("the built-in one", lambda: not values(gui)["model"])
    leave(gui, dialog)
