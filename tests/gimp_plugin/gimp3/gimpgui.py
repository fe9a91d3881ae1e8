"""Real GIMP on a virtual screen, with hands and eyes; runs inside a GIMP root.

with Gui(image="/x/in.png", profile="/x/profile", shots="/x/shots") as gui:
    gui.key(OPEN)                                # see gimpprofile.py
    dialog = gui.window("^Deep Dream$")
    gui.shot("dialog")
    gui.key("alt+o", dialog)
    gui.ask("result = len(Gimp.get_images()[0].get_layers())")    # answered by a Python inside that GIMP
    gui.inside("result = at_rest()")                              # answered by the plug-in; see spy.py
"""

# ruff: noqa: E402

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import asking
import gi
from gimpprofile import prepare
from screen import Screen

gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf, GLib

HERE = Path(__file__).resolve().parent
PATIENCE = 300
"""Seconds that anything may take, which only a hang does: less than the 600 that the slow engine works."""

LOOK_AGAIN = 0.1
"""Seconds until what is waited for is looked for again."""

DRIVER = f"""
import sys
from gi.repository import Gimp, Gio, GLib, Gegl, GObject
sys.path.append({str(HERE)!r})
import asking, os, pathlib
Gegl.init(None)
listener = asking.listen(pathlib.Path(os.environ["GIMP_DRIVE"], "gimp"))
while True:
    asking.answer(listener.accept()[0], globals())
"""

LARGEST = (2048, 1200)
"""What a screen can be resized to."""

MESSAGE = "GIMP Message"
"""Title of the window in which GIMP shows what went wrong."""


class Gui:
    """One GIMP with one image on one screen; a context manager.

    keep: whether screenshots are kept; else only those of failures are taken.
    """

    def __init__(self, image, profile, shots, size=(1280, 860), told=None, settings="", keep=True):
        """Prepare it; size: of the screen; told: variables for GIMP; settings: lines for its gimprc."""
        self.image, self.profile, self.shots, self.size = image, Path(profile), Path(shots), size
        self.keep = keep
        self.env = dict(os.environ, GIMP3_DIRECTORY=str(profile), NO_AT_BRIDGE="1", GTK_A11Y="none")
        self.env.update(told or {})
        self.started, self.main, self.screen = [], None, None
        self.drive = Path(tempfile.mkdtemp(prefix="gimp-drive-"))
        self.shots.mkdir(parents=True, exist_ok=True)
        prepare(self.profile, settings)

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        read, write = os.pipe()
        screen = ["-screen", "0", "{}x{}x24".format(*LARGEST), "-nolisten", "tcp"]
        # It finds a free number.
        self._spawn("xvfb", "Xvfb", "-displayfd", str(write), *screen, pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as file:
            self.env["DISPLAY"] = ":" + file.readline().strip()
        self.screen = Screen(self.env["DISPLAY"])
        self.screen.resize(*self.size)
        self._spawn("openbox", "openbox")
        # Without a window manager that is up already, GIMP's windows never get the keyboard.
        self.until("a window manager", self.screen.managed)
        self.env["GIMP_DRIVE"] = str(self.drive)
        quick = ["--no-splash", "--no-fonts", "--no-data"]
        batch = ["--batch-interpreter=python-fu-eval", "-b", DRIVER]
        self.gimp = self._spawn("gimp", "gimp", *quick, *batch, self.image)
        self.main = self.window(rf"\[?{re.escape(Path(self.image).stem)}\]?.*GIMP")
        self.until("the driver", (self.drive / "gimp").exists)
        self.park()
        self._fill()

    def _fill(self):
        """Let GIMP's window fill the screen."""
        self.screen.move(self.main, x=0, y=0)
        self.resize(self.main, self.size[0] - 2, self.size[1] - 24)  # the frame has a title

    def resize_screen(self, size):
        """Give the screen another size."""
        self.size = size
        self.screen.resize(*size)
        self.until("the window manager", lambda: self.screen.room() == size)
        self._fill()

    def __exit__(self, *_):
        if self.screen is not None:
            self.screen.close()
        for process in reversed(self.started):
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _spawn(self, name, *command, **options):
        with (self.shots / (name + ".log")).open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, **options
            )
        self.started.append(process)
        return process

    def until(self, what, test):
        """Wait for `test` to be true and return what it gave."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            value = test()
            if value:
                return value
            time.sleep(LOOK_AGAIN)
        self.photograph("timeout")
        raise TimeoutError(f"{what} did not come; there are {self.windows()}")

    def windows(self):
        """Return the titles of the windows by their number."""
        return self.screen.windows()

    def window(self, pattern):
        """Wait for a window with such a title; raises RuntimeError where GIMP has a message instead."""

        def found():
            titles = self.windows()
            number = next((w for w, title in titles.items() if re.search(pattern, title)), None)
            if number is None and MESSAGE in titles.values():
                self.photograph("message")
                raise RuntimeError(f"no window {pattern}, but a message: {titles}")
            return number

        return self.until("window " + pattern, found)

    def gone(self, window):
        """Wait until that window is gone."""
        self.until(f"the end of window {window}", lambda: window not in self.windows())

    def pixels(self, x, y, width, height):
        """Return the bytes of a part of the screen."""
        return self.screen.pixels(x, y, width, height)

    def seen(self, window):
        """Return the bytes of a window, as far as it is on the screen."""
        x, y, width, height = self.place(window)
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + width, self.size[0]), min(y + height, self.size[1])
        return self.pixels(left, top, right - left, bottom - top)

    def place(self, window):
        """Return x, y, width and height of a window."""
        return self.screen.place(window)

    def resize(self, window, *size):
        """Give a window another width and height."""
        width, height = size
        self.screen.move(window, width=width, height=height)
        self.until("another size", lambda: self.place(window)[2:] == size)

    def key(self, keys, window=None):
        """Press keys, such as `ctrl+z`, in a window."""
        window = window or self.main
        self.until(
            f"the keyboard in window {window}",
            lambda: self.screen.active() == window or self.screen.activate(window),
        )
        for each in keys.split():
            self.screen.key(each)

    def park(self):
        """Put the pointer where it brings no tooltip up."""
        self.screen.point(1, 1)

    def click(self, x, y):
        """Click somewhere on the screen."""
        self.press(x, y)
        self.release()

    def press(self, x, y):
        """Press the mouse button somewhere, and keep it pressed."""
        self.screen.point(x, y)
        self.screen.button(down=True)

    def release(self, *place):
        """Let the mouse button go, there or at another place."""
        if place:
            self.screen.point(*place)
        self.screen.button(down=False)
        self.park()

    def shot(self, name):
        """Photograph the screen when it rests, where screenshots are kept."""
        if self.keep:
            self.rest()
            self.photograph(name)

    def rest(self, longest=3):
        """Wait until nothing moves on the screen; for what never rests, so many seconds."""
        views, end = [None], time.monotonic() + longest
        while time.monotonic() < end:
            views.append(self.pixels(0, 0, *self.size))
            if views[-1] == views[-2]:
                return
            time.sleep(0.2)

    def photograph(self, name):
        """Photograph the screen as it is."""
        if self.screen is not None:
            width, height = self.size
            raw = GLib.Bytes.new(self.pixels(0, 0, width, height))
            picture = GdkPixbuf.Pixbuf.new_from_bytes(
                raw, GdkPixbuf.Colorspace.RGB, False, 8, width, height, 3 * width
            )
            picture.savev(str(self.shots / f"{name}.png"), "png", ["compression"], ["1"])

    def ask(self, code):
        """Run Python beside GIMP and return its `result`."""
        return asking.ask(self.drive / "gimp", code, PATIENCE)

    def inside(self, code=""):
        """Run Python in the plug-in, when it has done and drawn what it was told; return its `result`."""
        return asking.ask(self.drive / "plug-in", code, PATIENCE)
