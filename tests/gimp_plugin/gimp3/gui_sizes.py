"""Checks on screens of several sizes: the dialog fits, and OK and Cancel lie on the screen."""

import os
import re
from contextlib import contextmanager
from pathlib import Path

from gimpgui import Gui
from gui_hands import complaints, engine, layers, leave, nothing_left, open_dialog, previewed, sheet_of

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
def screen(gui, name, size, settings="", **told):
    """Yield a GIMP on a screen of another size."""
    engine("invert")
    profile = os.environ["GIMP3_DIRECTORY"]
    with Gui(gui.image, profile, gui.shots / name, size=size, told=told, settings=settings) as other:
        yield other
    assert not complaints(other), "\n".join(complaints(other))


def fits(gui, name):
    """Open the dialog, and look at both of its pages: it lies wholly on the screen."""
    dialog = open_dialog(gui)
    previewed(gui, dialog)
    gui.shot(name)
    inside(gui, dialog)
    gui.key("alt+d", dialog)
    gui.still(dialog)
    gui.shot(name + "-details")
    inside(gui, dialog)
    leave(gui, dialog)


def inside(gui, dialog):
    """Assert that all of the window lies on the screen, and that nothing in it is cut."""
    x, y, width, height = gui.place(dialog)
    assert x >= 0, (x, y, width, height)
    assert y >= 0, (x, y, width, height)
    assert x + width <= gui.size[0], (x, y, width, height)
    assert y + height <= gui.size[1], (x, y, width, height)
    least = re.search(r"minimum size: (\d+) by (\d+)", gui.property(dialog, "WM_NORMAL_HINTS"))
    assert int(least[1]) <= width, (least[0], width)
    assert int(least[2]) <= height, (least[0], height)


def check_small_screen(gui):
    with screen(gui, "1024x600", (1024, 600)) as small:
        fits(small, "dialog")
        dialog = open_dialog(small)
        small.key("alt+d", dialog)
        sheet = sheet_of(small, dialog)
        small.shot("channels")
        inside(small, sheet)
        small.key("Escape", sheet)
        small.gone(sheet)
        x, y, width, height = small.place(dialog)
        small.click(x + width - 68, y + height - 42)  # OK
        small.until("a result", lambda: len(layers(small)) == 2)
        nothing_left(small)


def check_laptop_screen_and_shapes_of_pictures(gui):
    with screen(gui, "1366x768", (1366, 768)) as laptop:
        fits(laptop, "landscape")
        for name, size in (("portrait", (900, 1600)), ("square", (1000, 1000))):
            laptop.ask(NEW.format(size=size))
            laptop.window("Untitled.*{}.{}".format(*size))  # in the same window
            fits(laptop, name)


def check_fine_screen(gui):
    with screen(gui, "2048x1200@2", (2048, 1200), GDK_SCALE="2") as fine:
        fits(fine, "dialog")
        dialog = open_dialog(fine)
        previewed(fine, dialog)
        x, y, width, height = fine.place(dialog)
        rows = [fine.pixels(x + width // 16, y + height // 4 + row, width // 16, 1) for row in (0, 40, 80)]
        for first in (0, 1):  # wherever pairs of pixels begin, most of them are not one pixel, enlarged
            pairs = [
                (row[3 * at :][:3], row[3 * at :][3:6])
                for row in rows
                for at in range(first, width // 16 - 1, 2)
            ]
            assert sum(a != b for a, b in pairs) > len(pairs) // 2
        leave(fine, dialog)


def check_large_screen(gui):
    with screen(gui, "1920x1080-light", (1920, 1080), "(theme-color-scheme light)\n") as large:
        fits(large, "dialog")


def check_window_keeps_its_size(gui):
    """From one time to the next; on a smaller screen, it is as large as there is room."""
    engine("invert")
    kept = Path(os.environ["GIMP3_DIRECTORY"], "deepdream-window.json")
    try:
        dialog = open_dialog(gui)
        gui.resize(dialog, 1180, 640)
        leave(gui, dialog)
        gui.until("the size", kept.exists)
        dialog = open_dialog(gui)
        gui.shot("dialog-resized")
        assert gui.place(dialog)[2:] == (1180, 640), gui.place(dialog)
        leave(gui, dialog)
        with screen(gui, "1024x600-resized", (1024, 600)) as small:
            fits(small, "dialog")
    finally:
        kept.unlink(missing_ok=True)
