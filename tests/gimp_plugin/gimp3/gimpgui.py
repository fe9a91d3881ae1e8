"""Real GIMP on a virtual screen, with hands and eyes; runs inside a GIMP root.

with Gui(image="/x/in.png", profile="/x/profile", shots="/x/shots") as gui:
    gui.search("Deep Dream")                     # through GIMP's action search
    dialog = gui.window("^Deep Dream$")
    gui.shot("dialog")
    gui.key("alt+o", dialog)
    gui.ask("result = len(Gimp.get_images()[0].get_layers())")    # answered by a Python inside that GIMP
"""

# ruff: noqa: E402, S607

import ast
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import gi

gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf

PATIENCE = 300
"""Seconds that anything may take, which only a hang does: less than the 600 that the slow engine works."""

DRIVER = r"""
import glob, os, time, traceback
from gi.repository import Gimp, Gio, GLib, Gegl, GObject
def drive(folder):
    Gegl.init(None)
    open(folder + "/ready", "w").close()
    scope = dict(globals())
    while True:
        for name in sorted(glob.glob(folder + "/*.in")):
            scope.pop("result", None)
            try:
                with open(name) as file:
                    exec(file.read(), scope)
                answer = "ok " + repr(scope.get("result"))
            except Exception:
                answer = "error " + traceback.format_exc()
            with open(name[:-3] + ".part", "w") as file:
                file.write(answer)
            os.remove(name)
            os.rename(name[:-3] + ".part", name[:-3] + ".out")
        time.sleep(0.02)
drive(os.environ["GIMP_DRIVE"])
"""

SETTINGS = """
(config-version "%s")
(show-welcome-dialog no)
(check-updates no)
(confirm-on-close no)
(save-session-info no)
(save-accels no)
"""


class Gui:
    """One GIMP with one image on one screen; a context manager."""

    def __init__(self, image, profile, shots, size=(1280, 860), told=None, settings=""):
        """Prepare it; size: of the screen; told: variables for GIMP; settings: lines for its gimprc."""
        self.image, self.profile, self.shots, self.size = image, profile, Path(shots), size
        self.env = dict(os.environ, GIMP3_DIRECTORY=str(profile), NO_AT_BRIDGE="1", GTK_A11Y="none")
        self.env.update(told or {})
        self.started, self.questions, self.main = [], 0, None
        self.drive = Path(tempfile.mkdtemp(prefix="gimp-drive-"))
        self.shots.mkdir(parents=True, exist_ok=True)
        Path(profile).mkdir(parents=True, exist_ok=True)
        said = subprocess.run(["gimp", "--version"], capture_output=True, text=True, check=True).stdout
        # Without its own version in it, GIMP takes the file for an old one and greets the user.
        version = re.search(r"[\d.]+", said).group()
        (Path(profile) / "gimprc").write_text(SETTINGS % version + settings, encoding="utf-8")

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        read, write = os.pipe()
        screen = ["-screen", "0", "{}x{}x24".format(*self.size), "-nolisten", "tcp"]
        self._spawn(
            "xvfb", "Xvfb", "-displayfd", str(write), *screen, pass_fds=[write]
        )  # it finds a free number
        os.close(write)
        with os.fdopen(read) as file:
            self.env["DISPLAY"] = ":" + file.readline().strip()
        self._spawn("openbox", "openbox")
        # Without a window manager that is up already, GIMP's windows never get the keyboard.
        self.until(
            "a window manager",
            lambda: "window id" in self._said("xprop", "-root", "_NET_SUPPORTING_WM_CHECK"),
        )
        self.env["GIMP_DRIVE"] = str(self.drive)
        self.gimp = self._spawn(
            "gimp",
            "gimp",
            "--no-splash",
            "--no-fonts",
            "--batch-interpreter=python-fu-eval",
            "-b",
            DRIVER,
            self.image,
        )
        self.main = self.window(rf"\[?{re.escape(Path(self.image).stem)}\]?.*GIMP")
        self.until("the driver", (self.drive / "ready").exists)
        width, height = str(self.size[0] - 2), str(self.size[1] - 24)  # the frame has a title
        self._said(
            "xdotool", "windowmove", self.main, "0", "0", "windowsize", "--sync", self.main, width, height
        )
        self.park()
        self.still(self.main)

    def __exit__(self, *_):
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

    def _said(self, *command):
        return subprocess.run(
            command, env=self.env, capture_output=True, text=True, check=False
        ).stdout.strip()

    def until(self, what, test):
        """Wait for `test` to be true and return what it gave."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            value = test()
            if value:
                return value
            time.sleep(0.05)
        if "DISPLAY" in self.env:
            self.shot("timeout")
        raise TimeoutError(f"{what} did not come; there are {self.windows()}")

    def windows(self):
        """Return the titles of the visible windows by their number."""
        found = self._said("xdotool", "search", "--onlyvisible", "--name", ".").split()
        return {window: self._said("xdotool", "getwindowname", window) for window in found}

    def window(self, pattern):
        """Wait for a window with such a title."""

        def found():
            return next((w for w, title in self.windows().items() if re.search(pattern, title)), None)

        return self.until("window " + pattern, found)

    def gone(self, window):
        """Wait until that window is gone."""
        self.until(f"the end of window {window}", lambda: window not in self.windows())

    def pixels(self, x, y, width, height):
        """Return the bytes of a part of the screen."""
        screen = self.shot("screen", "pnm")  # hardly compressed: it is looked at several times a second
        whole = GdkPixbuf.Pixbuf.new_from_file(screen)
        raw, stride = whole.get_pixels(), whole.get_rowstride()
        return b"".join(raw[at * stride + 3 * x :][: 3 * width] for at in range(y, y + height))

    def seen(self, window):
        """Return the bytes of a window, as far as it is on the screen."""
        x, y, width, height = self.place(window)
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + width, self.size[0]), min(y + height, self.size[1])
        return self.pixels(left, top, right - left, bottom - top)

    def still(self, window, before=b"", longest=PATIENCE):
        """Wait until a window is drawn and, for half a second, stays as it is; not as it was `before`.

        What never rests, such as a selection's marching ants behind a translucent window, gets `longest`.
        """
        views, began = [], time.monotonic()

        def same():
            time.sleep(0.25)
            views.append(self.seen(window))
            drawn = len(set(views[-1])) > 8 and views[-1] != before
            rests = len(views) > 2 and views[-1] == views[-2] == views[-3]
            return drawn and (rests or time.monotonic() - began > longest)

        self.until(f"rest in window {window}", same)

    def key(self, keys, window=None):
        """Press keys, such as `ctrl+z`, in a window."""
        self._said("xdotool", "windowactivate", "--sync", window or self.main)
        self._said("xdotool", "key", *keys.split())

    def close(self, window):
        """Close a window as its frame's button does."""
        self.key("alt+F4", window)

    def park(self):
        """Put the pointer where it brings no tooltip up."""
        self._said("xdotool", "mousemove", "1", "1")

    def click(self, x, y):
        """Click somewhere on the screen."""
        self._said("xdotool", "mousemove", str(x), str(y), "click", "1")
        self.park()

    def press(self, x, y):
        """Press the mouse button somewhere, and keep it pressed."""
        self._said("xdotool", "mousemove", str(x), str(y), "mousedown", "1")

    def release(self, *place):
        """Let the mouse button go, there or at another place."""
        if place:
            self._said("xdotool", "mousemove", *map(str, place))
        self._said("xdotool", "mouseup", "1")
        self.park()

    def search(self, text):
        """Start an action through GIMP's search."""
        self.key("slash")
        found = self.window("^(Search Actions|검색 동작)")
        self._said("xdotool", "windowactivate", "--sync", found)
        self.still(found, longest=5)
        empty = self.seen(found)
        self._said("xdotool", "type", "--delay", "10", text)
        self.still(found, empty, longest=5)
        self._said("xdotool", "key", "Return")

    def place(self, window):
        """Return x, y, width and height of a window."""
        # xdotool counts the window's frame twice.
        words = self._said("xwininfo", "-id", window)
        names = ("Absolute upper-left X", "Absolute upper-left Y", "Width", "Height")
        return tuple(int(re.search(name + r": +(-?\d+)", words).group(1)) for name in names)

    def resize(self, window, width, height):
        """Make a window larger or smaller."""
        self._said("xdotool", "windowsize", "--sync", window, str(width), str(height))
        self.still(window, longest=5)

    def property(self, window, name):
        """Return what X knows of a window under a name."""
        return self._said("xprop", "-id", window, name)

    def shot(self, name, kind="png"):
        """Photograph the screen."""
        path = str(self.shots / f"{name}.{kind}")
        self._said("scrot", "-o", path)
        return path

    def ask(self, code):
        """Run Python inside GIMP and return its `result`."""
        answer = self._write(code).with_suffix(".out")
        self.until("an answer from GIMP", lambda: answer.exists() or self.gimp.poll() is not None)
        kind, text = answer.read_text(encoding="utf-8").split(" ", 1)
        if kind != "ok":
            raise RuntimeError(text)
        return ast.literal_eval(text)

    def _write(self, code):
        self.questions += 1
        path = self.drive / (f"{self.questions:05d}.in")
        path.with_suffix(".new").write_text(code, encoding="utf-8")
        path.with_suffix(".new").rename(path)
        return path
