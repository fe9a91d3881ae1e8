"""Checks on a screen: a dream that runs, is stopped, undone, or goes wrong."""

# ruff: noqa: B905

import os

from gimpgui import MESSAGE
from gimpprofile import OPEN
from gui_hands import (
    HELPERS,
    PLUGIN,
    begin,
    complaints,
    engine,
    engines,
    killed,
    layers,
    let_go,
    moves,
    nothing_left,
    plugins,
)


def check_run_and_undo(gui):
    before = layers(gui)
    progress = begin(gui, "held")
    let_go()
    gui.until("a result", lambda: len(layers(gui)) == 2)
    gui.gone(progress)
    names, sums = zip(*layers(gui))
    assert names == (before[0][0] + " dream", before[0][0]), names
    assert sums[1] == before[0][1]
    assert sums[0] != sums[1]
    gui.key("ctrl+z")
    gui.until("the undo", lambda: layers(gui) == before)
    gui.key("ctrl+y")
    gui.until("the redo", lambda: len(layers(gui)) == 2)
    assert [each for _, each in layers(gui)] == list(sums)
    gui.key("ctrl+z")
    gui.until("the second undo", lambda: layers(gui) == before)
    nothing_left(gui)


def check_progress_moves_gimp_is_usable_and_cancel_changes_nothing(gui):
    before = layers(gui)
    gui.ask("Gimp.get_images()[0].clean_all()")
    progress = begin(gui, "slow")
    moves(gui, progress)
    assert layers(gui) == before
    assert engines(), "GIMP answered only when the dream had ended"
    gui.key("alt+c", progress)
    gui.gone(progress)
    nothing_left(gui)
    assert layers(gui) == before
    assert not gui.ask("result = Gimp.get_images()[0].is_dirty()")


def check_closing_the_progress_window_cancels(gui):
    before = layers(gui)
    progress = begin(gui, "slow")
    gui.until("the engine", engines)
    gui.key("alt+F4", progress)
    gui.gone(progress)
    nothing_left(gui)
    assert layers(gui) == before


def check_stop_and_keep(gui):
    before = layers(gui)
    progress = begin(gui, "slow")
    moves(gui, progress)
    gui.key("alt+s", progress)
    gui.gone(progress)
    gui.until("a result", lambda: len(layers(gui)) == 2)
    nothing_left(gui)
    gui.key("ctrl+z")
    gui.until("the undo", lambda: layers(gui) == before)


def check_changed_selection_is_noticed(gui):
    before = layers(gui)
    progress = begin(gui, "held")
    gui.until("the engine", engines)
    gui.ask("Gimp.get_images()[0].select_rectangle(Gimp.ChannelOps.REPLACE, 100, 100, 200, 200)")
    let_go()
    gui.gone(progress)
    message = gui.window(MESSAGE)
    gui.shot("message-changed")
    gui.key("Escape", message)
    gui.ask("Gimp.Selection.none(Gimp.get_images()[0])")
    assert layers(gui) == before


def check_error_is_a_message(gui):
    before = layers(gui)
    (PLUGIN / "engine.json").unlink()
    gui.key(OPEN)
    message = gui.window(MESSAGE)
    gui.shot("message")
    gui.key("Escape", message)
    gui.gone(message)
    assert layers(gui) == before
    nothing_left(gui)


def check_cancel_in_the_status_bar(gui):
    before = layers(gui)
    engine("slow")
    gui.ask("Gimp.get_images()[0].clean_all()")
    width, height = gui.size
    bar = (0, height - 30, width, 16)
    without = gui.pixels(*bar)

    def cancel():
        """Return where the bar has changed farthest to the right, which is the end of the button's text."""
        pairs = enumerate(zip(without, gui.pixels(*bar)))
        return max((at // 3 % width for at, (before, now) in pairs if before != now), default=0)

    gui.key("ctrl+f")  # repeat with the last values: GIMP's own progress bar
    gui.until("the engine", engines)
    gui.until("Cancel in the status bar", lambda: cancel() > width * 3 // 4)
    gui.shot("status-bar")
    gui.click(cancel() - 10, height - 22)
    nothing_left(gui)
    # Cancel closes the wire 10 ms before it kills: a plug-in that reports just then hears of a broken pipe.
    assert layers(gui) == before
    assert not gui.ask("result = Gimp.get_images()[0].is_dirty()")


def check_killed_plug_in_leaves_nothing(gui):
    before = layers(gui)
    engine("slow")
    gui.ask("Gimp.get_images()[0].clean_all()")
    gui.key("ctrl+f")
    gui.until("the engine", engines)
    (plugin,) = plugins()
    assert os.getpgid(engines()[0]) == plugin, "the engine is not in the plug-in's process group"
    killed(gui)  # not the group: the engine must notice by itself as well
    nothing_left(gui)
    assert layers(gui) == before
    assert not gui.ask("result = Gimp.get_images()[0].is_dirty()")


def check_undo_is_exact_in_every_precision(gui):
    engine("invert")
    for precision in ("U16_LINEAR", "U32_NON_LINEAR", "FLOAT_LINEAR", "DOUBLE_LINEAR", "U8_NON_LINEAR"):
        gui.ask(
            "image = Gimp.get_images()[0]\n"
            "image.get_layers()[0].add_alpha()\n"
            f"wanted = Gimp.Precision.{precision}\n"
            "if image.get_precision() != wanted: image.convert_precision(wanted)\n"
            "image.select_ellipse(Gimp.ChannelOps.REPLACE, 100, 80, 300, 200)\n"
            "Gimp.Selection.feather(image, 20.0)"
        )
        before = layers(gui)
        answer = gui.ask(HELPERS + "result = call(Gimp.RunMode.NONINTERACTIVE, result='in-place')")
        assert answer == "success", answer
        after = layers(gui)
        assert after != before
        gui.key("ctrl+z")
        gui.until("the undo", lambda wanted=before: layers(gui) == wanted)
        gui.key("ctrl+y")
        gui.until("the redo", lambda wanted=after: layers(gui) == wanted)
        gui.key("ctrl+z")
    gui.ask("Gimp.Selection.none(Gimp.get_images()[0])")


def check_no_warnings(gui):
    assert not complaints(gui), "\n".join(complaints(gui))
