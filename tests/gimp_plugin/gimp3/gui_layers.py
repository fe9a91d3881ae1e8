"""Checks on a screen: several layers, their effects, and indexed images."""

from gimpprofile import OPEN
from gui_hands import (
    HELPERS,
    TITLE,
    engine,
    layers,
    moves,
    nothing_left,
    open_dialog,
)

SECOND = """
image = Gimp.get_images()[0]
first = image.get_layers()[0]
second = first.copy()
second.set_name("Second")
second.add_alpha()
image.insert_layer(second, None, 0)
effect = Gimp.DrawableFilter.new(second, "gegl:gaussian-blur", "Blur")
second.append_filter(effect)
image.set_selected_layers([first, second])
image.clean_all()
"""

EFFECTS = "result = [len(l.get_filters()) for l in Gimp.get_images()[0].get_layers()]"


def remove_second(gui):
    gui.ask("image = Gimp.get_images()[0]\nimage.remove_layer(image.get_layers()[0])")
    gui.ask("image = Gimp.get_images()[0]\nimage.set_selected_layers(image.get_layers())")


def check_several_layers_are_one_undo_step(gui):
    engine("invert")
    gui.ask(SECOND)
    before, effects = layers(gui), gui.ask(EFFECTS)
    assert effects == [1, 0], effects
    for result, count in (("in-place", 2), ("new-layer", 4)):
        gui.ask("Gimp.get_images()[0].set_selected_layers(Gimp.get_images()[0].get_layers())")
        answer = gui.ask(HELPERS + f"result = call(Gimp.RunMode.NONINTERACTIVE, result='{result}')")
        assert answer == "success", answer
        after = layers(gui)
        assert len(after) == count, after
        assert after != before
        if result == "in-place":
            assert gui.ask(EFFECTS) == [0, 0], "the effects would be applied twice"
        gui.key("ctrl+z")
        gui.until("the undo", lambda: layers(gui) == before)
        assert gui.ask(EFFECTS) == effects
        gui.key("ctrl+y")
        gui.until("the redo", lambda wanted=after: layers(gui) == wanted)
        gui.key("ctrl+z")
        gui.until("the second undo", lambda: layers(gui) == before)
    remove_second(gui)


def check_several_layers_are_cancelled_or_stopped_at_once(gui):
    gui.ask(SECOND)
    before = layers(gui)
    engine("slow")
    dialog = open_dialog(gui)
    gui.shot("dialog-several")
    progress = confirm(gui, dialog)
    moves(gui, progress)
    gui.shot("progress-several")
    gui.key("alt+c", progress)
    gui.gone(progress)
    nothing_left(gui)
    assert layers(gui) == before
    assert not gui.ask("result = Gimp.get_images()[0].is_dirty()")
    progress = confirm(gui, open_dialog(gui))
    moves(gui, progress)
    gui.key("alt+s", progress)
    gui.gone(progress)
    nothing_left(gui)
    assert len(layers(gui)) == 3, "not just the one that it was at"
    gui.key("ctrl+z")
    gui.until("the undo", lambda: layers(gui) == before)
    remove_second(gui)


def confirm(gui, dialog):
    """Press OK; return the window with the progress."""
    gui.key("alt+o", dialog)
    gui.gone(dialog)
    return gui.window(TITLE)


def check_indexed_image_is_dreamed_on_as_a_new_one(gui):
    engine("invert")
    gui.ask(
        "Gimp.get_images()[0].convert_indexed(Gimp.ConvertDitherType.NONE, "
        "Gimp.ConvertPaletteType.GENERATE, 16, False, False, '')"
    )
    before = layers(gui)
    gui.key(OPEN)
    question = gui.window(TITLE)
    gui.inside()
    gui.shot("indexed")
    gui.key("Escape", question)
    gui.gone(question)
    nothing_left(gui)
    gui.key(OPEN)
    question = gui.window(TITLE)
    gui.key("alt+n", question)
    gui.gone(question)
    dialog = gui.window(TITLE)
    gui.inside()
    gui.shot("dialog-indexed")
    gui.key("alt+o", dialog)
    gui.until("a new image", lambda: gui.ask("result = len(Gimp.get_images())") == 2)
    nothing_left(gui)
    gui.shot("new-image")
    kinds = gui.ask("result = sorted(i.get_base_type().value_nick for i in Gimp.get_images())")
    assert kinds == ["indexed", "rgb"], kinds
    close_new(gui)
    assert layers(gui) == before
    gui.ask("Gimp.get_images()[0].convert_rgb()")


def close_new(gui):
    """Close the view of the new image, the latest one, and so the image."""
    gui.ask(
        "views = [number for number in range(1, 100) if Gimp.Display.id_is_valid(number)]\n"
        "Gimp.Display.get_by_id(views[-1]).delete()"
    )
    gui.until("the end of the new image", lambda: gui.ask("result = len(Gimp.get_images())") == 1)
