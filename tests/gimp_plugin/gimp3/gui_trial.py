"""A check on a screen: the first dream of someone who has never seen the plug-in takes a few clicks, no key.

How long it took is for trial.py to tell, on an idle machine.
"""

import json
import time

from gui_hands import engine, layers, leave_shared, line, nothing_left
from gui_looks import undo_all

CLICKS = 5
"""So many may be needed, at most."""

CENTRE = """
def centre(widget):
    window, area = widget.get_toplevel(), widget.get_allocation()
    x, y = widget.translate_coordinates(window, area.width // 2, area.height // 2)
    _, left, top = window.get_window().get_origin()
    return left + x, top + y
"""
TILE = CENTRE + "result = centre(next(x for x in named('Tile') if x.look.key == 'creatures'))"
OK = (
    CENTRE
    + "result = centre(named('Preview')[0].get_toplevel().get_widget_for_response(Gtk.ResponseType.OK))"
)


class Trial:
    """Somebody who only clicks; notes when what came."""

    def __init__(self, gui):
        self._gui = gui
        self.clicks = 0
        self.seconds = {}
        self._begun = self._clicked = time.monotonic()

    def click(self, x, y):
        self.clicks += 1
        self._clicked = time.monotonic()
        self._gui.click(x, y)

    def choose(self, x, y):
        """Click an entry of a menu; GTK hears none in the half second after the click that opened it."""
        self.clicks += 1

        def chosen():
            if self._gui.screen.popups():
                self._clicked = time.monotonic()
                self._gui.click(x, y)
            return not self._gui.screen.popups()

        self._gui.until("the end of the menu", chosen)

    def note(self, what, moment=None):
        """Note that something has come, since the last click."""
        self.seconds[what] = round((moment or time.monotonic()) - self._clicked, 2)

    def note_preview(self, look):
        """Wait for the preview; note its first picture and its last one, and the engine's start before it."""
        self._gui.until("the preview", lambda: self._told("done"))
        self._gui.until("the line in it", lambda: line(self._gui, self._gui.window("^Deep Dream$")))
        if self._told("start"):
            self.note("start of the engine", self._told("start"))
        self.note(f"first preview of {look}", self._told("step") or self._told("done"))
        self.note(f"final preview of {look}", self._told("done"))

    def _told(self, kind):
        """Return when the engine first told such a thing since the last click, None if it has not."""
        moments = [moment for moment, name in self._gui.inside("result = TOLD") if name == kind]
        return next((moment for moment in moments if moment > self._clicked), None)

    def note_whole(self):
        self.seconds["the whole trial"] = round(time.monotonic() - self._begun, 2)


def menu(gui):
    """Return where the menu of filters is, and its entry of ours: the last one."""
    gui.key("alt+r")
    (popup,) = gui.until("the menu", gui.screen.popups)
    x, y, width, height = gui.place(popup)
    gui.key("Escape Escape")
    gui.until("its end", lambda: not gui.screen.popups())
    return (x + 20, y - 10), (x + width // 2, y + height - 18)


def check_first_dream_takes_a_few_clicks_and_no_key(gui):
    leave_shared(gui)
    engine("real")
    before, (filters, entry) = layers(gui), menu(gui)
    trial = Trial(gui)
    trial.click(*filters)
    gui.until("the menu", gui.screen.popups)
    trial.choose(*entry)
    dialog = gui.window("^Deep Dream$")
    trial.note("the dialog")
    trial.note_preview("the default look")
    gui.shot("trial-first")
    trial.click(*gui.inside(TILE))
    trial.note_preview("another look")
    gui.shot("trial-second")
    trial.click(*gui.inside(OK))
    gui.gone(dialog)
    gui.until("a result", lambda: len(layers(gui)) == len(before) + 1)
    trial.note("the result")
    trial.note_whole()
    gui.shot("trial-result")
    (gui.shots / "trial.json").write_text(json.dumps({"clicks": trial.clicks, **trial.seconds}))
    nothing_left(gui)
    undo_all(gui)
    assert trial.clicks <= CLICKS
