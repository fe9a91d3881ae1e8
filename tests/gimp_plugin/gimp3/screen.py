"""The windows, the pixels, the keyboard and the pointer of an X server, over one connection to it.

A program for each of them, such as xdotool, would take longer to start than to answer: a check asks often.
"""

# Debian's python3-xlib has no types, and its classes get their attributes at run time.

import contextlib

from Xlib import XK, X, display
from Xlib.error import BadDrawable, BadWindow
from Xlib.ext import randr, xtest
from Xlib.protocol.event import ClientMessage

HELD = {"ctrl": "Control_L", "alt": "Alt_L", "shift": "Shift_L"}
"""Keys that are held while another is pressed, by their names in `ctrl+z`."""

GONE = (BadWindow, BadDrawable)
"""What a window is that was there a moment ago."""


class Screen:
    """A connection to the display of that name."""

    def __init__(self, name):
        self._display = display.Display(name)
        self._root = self._display.screen().root

    def close(self):
        self._display.close()

    def _window(self, number):
        return self._display.create_resource_object("window", number)

    def _property(self, window, name):
        found = window.get_full_property(self._display.intern_atom(name), X.AnyPropertyType)
        return None if found is None else found.value

    def managed(self):
        """Tell whether there is a window manager."""
        return self._property(self._root, "_NET_SUPPORTING_WM_CHECK") is not None

    def resize(self, width, height):
        """Give the screen another size, which is not larger than its first one."""
        found = self._root.xrandr_get_screen_resources()
        (output,), (crtc,) = found.outputs, found.crtcs
        known = [mode.id for mode in found.modes if (mode.width, mode.height) == (width, height)]
        mode = known[0] if known else self._mode(output, width, height)
        at = found.config_timestamp
        self._display.xrandr_set_crtc_config(crtc, at, 0, 0, 0, randr.Rotate_0, [])  # else it would not fit
        self._root.xrandr_set_screen_size(width, height, width // 4, height // 4)
        self._display.xrandr_set_crtc_config(crtc, at, 0, 0, mode, randr.Rotate_0, [output])

    def _mode(self, output, width, height):
        """Return the number of a mode that has not been there yet."""
        name = f"{width}x{height}"
        about = {
            "width": width,
            "h_total": width,
            "height": height,
            "v_total": height,
            "name_length": len(name),
        }
        others = [
            "id",
            "dot_clock",
            "h_sync_start",
            "h_sync_end",
            "h_skew",
            "v_sync_start",
            "v_sync_end",
            "flags",
        ]
        number = self._root.xrandr_create_mode({**dict.fromkeys(others, 0), **about}, name).mode
        self._display.xrandr_add_output_mode(output, number)
        return number

    def room(self):
        """Return width and height of the screen, as far as the window manager knows."""
        return tuple((self._property(self._root, "_NET_WORKAREA") or [0] * 4)[2:4])

    def windows(self):
        """Return the titles of the windows by their numbers."""
        found = {}
        for number in self._property(self._root, "_NET_CLIENT_LIST") or ():
            try:
                title = self._property(self._window(number), "_NET_WM_NAME")
            except GONE:
                continue
            found[number] = (title or b"").decode("utf-8", "replace")
        return found

    def popups(self):
        """Return the numbers of the menus and tooltips that are to be seen."""
        found = []
        for window in self._root.query_tree().children:
            with contextlib.suppress(*GONE):
                about, size = window.get_attributes(), window.get_geometry()
                seen = about.map_state == X.IsViewable and min(size.width, size.height) > 1
                if about.override_redirect and seen:  # the window manager leaves them alone
                    found.append(window.id)
        return found

    def place(self, number):
        """Return x, y, width and height of a window, without its frame."""
        window = self._window(number)
        size, corner = window.get_geometry(), self._root.translate_coords(window, 0, 0)
        return corner.x, corner.y, size.width, size.height

    def least(self, number):
        """Return the width and height below which a window does not want to shrink."""
        hints = self._window(number).get_wm_normal_hints()
        return hints.min_width, hints.min_height

    def move(self, number, **place):
        """Ask for another place or size: some of x, y, width and height."""
        self._window(number).configure(**place)
        self._display.sync()

    def active(self):
        """Return the number of the window that has the keyboard, 0 if none has."""
        return (self._property(self._root, "_NET_ACTIVE_WINDOW") or [0])[0]

    def activate(self, number):
        """Ask for the keyboard to be a window's."""
        pager = 2  # as which the window manager does what it is asked
        said = ClientMessage(
            window=self._window(number),
            client_type=self._display.intern_atom("_NET_ACTIVE_WINDOW"),
            data=(32, [pager, X.CurrentTime, 0, 0, 0]),
        )
        self._root.send_event(said, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        self._display.sync()

    def pixels(self, x, y, width, height):
        """Return the bytes of a part of the screen: red, green and blue of each pixel."""
        raw = self._root.get_image(x, y, width, height, X.ZPixmap, 0xFFFFFFFF).data
        found = bytearray(3 * width * height)
        for colour in range(3):
            found[colour::3] = raw[2 - colour :: 4]
        return bytes(found)

    def key(self, keys):
        """Press a key, perhaps with others held: `z`, `ctrl+shift+z`."""
        *held, last = keys.split("+")
        code, shifted = self._code(last)
        codes = [self._code(HELD[name])[0] for name in [*held, *(["shift"] if shifted else [])]] + [code]
        for kind, those in ((X.KeyPress, codes), (X.KeyRelease, reversed(codes))):
            for each in those:
                xtest.fake_input(self._display, kind, each)
        self._display.sync()

    def _code(self, name):
        """Return a key's code, and whether it takes Shift as well."""
        symbol = XK.string_to_keysym(name)
        if symbol == X.NoSymbol:
            raise ValueError(f"there is no key {name}")
        code, level = min(self._display.keysym_to_keycodes(symbol), key=lambda found: found[1])
        return code, level == 1

    def point(self, x, y):
        """Move the pointer."""
        xtest.fake_input(self._display, X.MotionNotify, x=x, y=y)
        self._display.sync()

    def button(self, *, down):
        """Press the mouse's first button, or let it go."""
        xtest.fake_input(self._display, X.ButtonPress if down else X.ButtonRelease, 1)
        self._display.sync()
