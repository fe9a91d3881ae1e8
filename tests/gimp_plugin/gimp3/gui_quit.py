"""The last check on a screen, as GIMP is gone then: it quits while the dialog is open."""

from gui_hands import complaints, engine, engines, moves, nothing_left, open_dialog


def check_nothing_is_left_when_gimp_quits(gui):
    engine("slow")
    before = complaints(gui)
    dialog = open_dialog(gui)
    moves(gui, dialog, 1)
    assert engines()
    gui.key("ctrl+q")
    gui.until("the end of GIMP", lambda: gui.gimp.poll() is not None)
    nothing_left(gui)
    assert gui.gimp.returncode == 0
    assert complaints(gui) == before
