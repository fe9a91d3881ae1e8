"""Checks on screens of several sizes: the dialog fits, and OK and Cancel lie on the screen."""

import os
from contextlib import contextmanager

from gimpgui import LARGEST, Gui
from gui_hands import (
    complaints,
    engine,
    forget_size,
    layers,
    leave,
    nothing_left,
    open_dialog,
    previewed,
    sheet_of,
)
from gui_layers import close_new
from gui_looks import undo_all

NEW = """
width, height = {size}
image = Gimp.Image.new(width, height, Gimp.ImageBaseType.RGB)
kind, mode = Gimp.ImageType.RGB_IMAGE, Gimp.LayerMode.NORMAL
layer = Gimp.Layer.new(image, "waves", width, height, kind, 100, mode)
image.insert_layer(layer, None, 0)
spiral = Gimp.GradientType.SPIRAL_CLOCKWISE
layer.edit_gradient_fill(spiral, 0, False, 1, 0, False, width / 2, height / 2, width, 0)
Gimp.Display.new(image)
"""


@contextmanager
def sized(gui, *size):
    """Have a screen of another size for a while."""
    usual = gui.size
    engine("invert")
    forget_size(gui)
    gui.resize_screen(size)
    try:
        yield
    finally:
        gui.resize_screen(usual)
        forget_size(gui)


def fits(gui, name):
    """Open the dialog, and look at both of its pages: it lies wholly on the screen; return it."""
    dialog = open_dialog(gui)
    previewed(gui, dialog)
    gui.shot(name)
    inside(gui, dialog)
    gui.key("alt+d", dialog)
    gui.inside()
    gui.shot(name + "-details")
    inside(gui, dialog)
    return dialog


def inside(gui, dialog):
    """Assert that all of the window lies on the screen, and that nothing in it is cut."""
    x, y, width, height = gui.place(dialog)
    assert x >= 0, (x, y, width, height)
    assert y >= 0, (x, y, width, height)
    assert x + width <= gui.size[0], (x, y, width, height)
    assert y + height <= gui.size[1], (x, y, width, height)
    least = gui.screen.least(dialog)
    assert least[0] <= width, (least, width)
    assert least[1] <= height, (least, height)


def check_small_screen(gui):
    with sized(gui, 1024, 600):
        dialog = fits(gui, "1024x600")
        sheet = sheet_of(gui, dialog)
        gui.shot("1024x600-channels")
        inside(gui, sheet)
        gui.key("Escape", sheet)
        gui.gone(sheet)
        x, y, width, height = gui.place(dialog)
        gui.click(x + width - 68, y + height - 42)  # OK
        gui.until("a result", lambda: len(layers(gui)) == 2)
        nothing_left(gui)
    undo_all(gui)


def check_laptop_screen_and_shapes_of_pictures(gui):
    with sized(gui, 1366, 768):
        leave(gui, fits(gui, "1366x768-landscape"))
        for name, size in (("portrait", (900, 1600)), ("square", (1000, 1000))):
            forget_size(gui)
            gui.ask(NEW.format(size=size))
            gui.window("Untitled.*{}.{}".format(*size))  # in the same window
            leave(gui, fits(gui, "1366x768-" + name))
            close_new(gui)


def check_large_screen(gui):
    with sized(gui, 1920, 1080):
        leave(gui, fits(gui, "1920x1080"))


STAR = """
text = named("Tile")[0]._star.get_child()
result = text.get_style_context().get_color(text.get_state_flags()).to_string()
"""


def check_fine_screen_and_light_colours(gui):
    engine("invert")
    forget_size(gui)
    profile, shots = os.environ["GIMP3_DIRECTORY"], gui.shots / "fine"
    told, settings = {"GDK_SCALE": "2"}, "(theme-color-scheme light)\n"
    with Gui(gui.image, profile, shots, LARGEST, told, settings, keep=gui.keep) as fine:
        dialog = fits(fine, "2048x1200@2")
        x, y, width, height = fine.place(dialog)
        rows = [fine.pixels(x + width // 16, y + height // 4 + row, width // 16, 1) for row in (0, 40, 80)]
        for first in (0, 1):  # wherever pairs of pixels begin, most of them are not one pixel, enlarged
            pairs = [
                (row[3 * at :][:3], row[3 * at :][3:6])
                for row in rows
                for at in range(first, width // 16 - 1, 2)
            ]
            assert sum(a != b for a, b in pairs) > len(pairs) // 2
        fine.key("alt+k", dialog)
        assert fine.inside(STAR) == "rgb(255,255,255)", "dark on the dark badge"
        leave(fine, dialog)
    assert not complaints(fine), "\n".join(complaints(fine))


def check_window_keeps_its_size(gui):
    """From one time to the next; on a smaller screen, it is as large as there is room."""
    engine("invert")
    usual, kept = gui.size, gui.profile / "deepdream-window.json"
    try:
        dialog = open_dialog(gui)
        gui.resize(dialog, 1180, 640)
        leave(gui, dialog)
        gui.until("the size", kept.exists)
        dialog = open_dialog(gui)
        gui.shot("dialog-resized")
        assert gui.place(dialog)[2:] == (1180, 640), gui.place(dialog)
        leave(gui, dialog)
        gui.resize_screen((1024, 600))
        leave(gui, fits(gui, "1024x600-resized"))
    finally:
        gui.resize_screen(usual)
        forget_size(gui)
