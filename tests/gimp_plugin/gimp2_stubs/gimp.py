# -*- coding: utf-8 -*-
"""A stand-in for the C module `gimp` of GIMP 2.10's Python-Fu, as far as a pixel filter needs it.

It is as strict as the real one about types: texts are UTF-8 in `str`, pixels `str` of exactly the right length,
procedures of the PDB take as many arguments as GIMP's.
"""

import sys
import types

error = type("error", (RuntimeError,), {})
version = (2, 10, 34)
directory = "/nonexistent"
locale_directory = data_directory = plug_in_directory = "/nonexistent"

calls = []
"""What the plug-in called, a test looks at it."""
procedures = {}
menus = {}
dialog_values = {}
"""What the user sets in the dialog, by parameter name."""
press = None
"""Which button the user presses in a window of the plug-in's own: a response, or None."""
run = None
"""What GIMP calls to run the plug-in, once main was called."""
_things = {}


def check_text(text):
    """Refuse what Python-Fu's C functions refuse: unicode that is not ASCII."""
    if isinstance(text, str):
        if sys.version_info[0] == 2:
            text.decode("utf-8")
    else:
        text.encode("ascii")


class _Pdb(object):
    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in _PROCEDURES:
            raise error("procedure %s not found" % name)
        count, function = _PROCEDURES[name]

        def call(*arguments, **keywords):
            if set(keywords) - {"run_mode"}:
                raise TypeError("only 'run_mode' keyword argument accepted")
            if len(arguments) != count:
                raise TypeError("%s needs %d arguments, not %d" % (name, count, len(arguments)))
            calls.append((name,) + arguments)
            return function(*arguments)

        return call

    def __getitem__(self, name):
        if name.replace("-", "_") not in _PROCEDURES:
            raise KeyError(name)
        return getattr(self, name.replace("-", "_"))


pdb = _Pdb()


class Item(object):
    """A thing in an image."""


class Image(object):
    """An image, its undo steps counted."""

    def __init__(self, width, height, base_type=0, precision=150):
        self.width, self.height, self.base_type, self.precision = width, height, base_type, precision
        self.ID, self.filename, self.name, self.layers = len(_things) + 1, None, "stub", []
        self.drawable = None  # whose selection is the image's
        _things[self.ID] = self
        self.undo_depth = self.undo_groups = self.lonely_undo_steps = 0

    def undo_group_start(self):
        self.undo_depth += 1

    def undo_group_end(self):
        if self.undo_depth < 1:
            raise error("undo group ended that was not started")
        self.undo_depth -= 1
        self.undo_groups += 1

    def undo_step(self):
        if not self.undo_depth:
            self.lonely_undo_steps += 1

    def insert_layer(self, layer, parent=None, position=-1):
        if layer in self.layers:
            raise error("the layer is in the image already")
        self.layers.insert(max(position, 0), layer)
        layer.image = layer.attached = self
        layer.parent = parent
        self.undo_step()


class Drawable(Item):
    """Pixels; `selection` is None or (x, y, width, height), `strength` what a feathered selection applies."""

    def __init__(self, image, name, width, height, type=0, opacity=100.0, mode=0):
        check_text(name)
        self.image, self.name, self.width, self.height, self.type = image, name, width, height, type
        self.ID = len(_things) + 1
        _things[self.ID] = self
        self.bpp = {0: 3, 1: 4, 2: 1, 3: 2, 4: 1, 5: 2}[type]
        self.has_alpha, self.is_rgb = type in (1, 3, 5), type in (0, 1)
        self.is_gray = self.is_grey = type in (2, 3)
        self.is_indexed = type in (4, 5)
        self.offsets, self.parent, self.attached, self.valid, self.locked = (0, 0), None, image, True, False
        self.pixels = bytearray(width * height * self.bpp)
        self.shadow = None
        self.selection, self.strength = None, 1.0
        self.updates, self.flushes = [], 0
        self.parasites = {}

    @property
    def bounds(self):
        """(something is selected, x, y, width, height), in the drawable's own coordinates."""
        x, y, width, height = self.selection or (0, 0, self.width, self.height)
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + width, self.width), min(y + height, self.height)
        if left >= right or top >= bottom:
            return (0, 0, 0, 0, 0)
        return (1, left, top, right - left, bottom - top)

    @property
    def mask_bounds(self):
        _, x, y, width, height = self.bounds
        return x, y, x + width, y + height

    def get_pixel_rgn(self, x, y, width, height, dirty=1, shadow=0):
        return PixelRgn(self, x, y, width, height, dirty, shadow)

    def flush(self):
        self.flushes += 1

    def merge_shadow(self, undo=False):
        if self.shadow is None:
            raise error("could not merge the shadow buffer on drawable (ID %d)" % self.ID)
        if self.locked:
            raise error("the pixels are locked")
        if not self.flushes:
            raise error("nothing was flushed")
        if not undo:
            raise AssertionError("no undo step")
        if not isinstance(self, Channel) and self not in self.image.layers:
            raise error("the drawable is not in the image")
        hit, x, y, width, height = self.bounds
        for row in range(y, y + height) if hit else ():
            for at in range((row * self.width + x) * self.bpp, (row * self.width + x + width) * self.bpp):
                old, new = self.pixels[at], self.shadow[at]
                self.pixels[at] = old + int(round((new - old) * self.strength))
        self.shadow = None
        self.image.undo_step()

    def update(self, x, y, width, height):
        self.updates.append((x, y, width, height))

    def attach_new_parasite(self, name, flags, data):
        if not all(isinstance(text, str) for text in (name, data)) or not isinstance(flags, int):
            raise TypeError("a parasite is a name, a number and a text")
        self.parasites[name] = (flags, data)
        if self.attached and flags & 2:
            self.image.undo_step()
        elif self.attached:
            raise AssertionError("what is no undo step ends the image's whole undo history")


class Layer(Drawable):
    """A layer."""

    def copy(self, add_alpha=False):
        layer = type(self)(self.image, self.name + " copy", self.width, self.height, self.type)
        layer.pixels[:] = self.pixels
        layer.attached, layer.locked = None, self.locked
        layer.offsets, layer.selection, layer.strength = self.offsets, self.selection, self.strength
        return layer


class GroupLayer(Layer):
    """A layer group."""


class Channel(Drawable):
    """A channel or layer mask."""


class PixelRgn(object):
    """A part of a drawable, subscripted in the drawable's coordinates."""

    def __init__(self, drawable, x, y, width, height, dirty, shadow):
        x, y = max(x, 0), max(y, 0)
        width = drawable.width - x if width < 0 else min(width, drawable.width - x)
        height = drawable.height - y if height < 0 else min(height, drawable.height - y)
        self.drawable, self.x, self.y, self.w, self.h = drawable, x, y, width, height
        self.bpp, self.dirty, self.shadow = drawable.bpp, bool(dirty), bool(shadow)
        if shadow and drawable.shadow is None:
            drawable.shadow = bytearray(len(drawable.pixels))  # GIMP's is empty at first too

    def __len__(self):
        raise error("Can't get size of pixel region")

    def _span(self, key, start, size, axis):
        if isinstance(key, int):
            if not start <= key < start + size:
                raise IndexError("%s subscript out of range" % axis)
            return key, key + 1
        if not isinstance(key, slice):
            raise TypeError("invalid %s subscript" % axis)
        end = start + size
        first = 0 if key.start is None else key.start
        last = end if key.stop is None else key.stop
        first, last = (first + end if first < 0 else first), (last + end if last < 0 else last)
        if last > end or first >= last or key.step not in (None, 1):
            raise IndexError("invalid %s slice" % axis)
        first = first or start  # as in GIMP, a slice from 0 begins at the region's edge
        if first < start or last < start:
            raise IndexError("%s subscript out of range" % axis)
        return first, last

    def _spans(self, key):
        if not isinstance(key, tuple) or len(key) != 2:
            raise TypeError("subscript must be a 2-tuple")
        return self._span(key[0], self.x, self.w, "x") + self._span(key[1], self.y, self.h, "y")

    def _buffer(self):
        return self.drawable.shadow if self.shadow else self.drawable.pixels

    def __getitem__(self, key):
        left, right, top, bottom = self._spans(key)
        source, width, bpp = self._buffer(), self.drawable.width, self.bpp
        return b"".join(
            bytes(source[(y * width + left) * bpp : (y * width + right) * bpp]) for y in range(top, bottom)
        )

    def __setitem__(self, key, value):
        if not isinstance(value, bytes):  # `str` in Python 2: no bytearray, array or unicode
            raise TypeError("must assign string to subscript")
        if not self.dirty:
            raise AssertionError("what is written to a region that is not dirty is lost")
        left, right, top, bottom = self._spans(key)
        target, width, row = self._buffer(), self.drawable.width, (right - left) * self.bpp
        if len(value) != row * (bottom - top):
            raise TypeError("string is wrong length")
        for i, y in enumerate(range(top, bottom)):
            at = (y * width + left) * self.bpp
            target[at : at + row] = bytearray(value[i * row : (i + 1) * row])


def _set_name(item, name):
    check_text(name)
    item.name = name


def _set_text(text):
    check_text(text)


def _selection(image):
    """Return the selection as GIMP has it: a channel of the image's size."""
    channel = Channel(image, "Selection Mask", image.width, image.height, 2)
    hit, x, y, width, height = image.drawable.bounds
    left, top = x + image.drawable.offsets[0], y + image.drawable.offsets[1]
    for row in range(max(top, 0), min(top + height, image.height)) if hit else ():
        for at in range(max(left, 0), min(left + width, image.width)):
            channel.pixels[row * image.width + at] = int(round(255 * image.drawable.strength))
    return channel


def _set_lock(item, locked):
    item.locked = bool(locked)


_PROCEDURES = {
    "gimp_drawable_mask_intersect": (1, lambda drawable: drawable.bounds),
    "gimp_image_get_selection": (1, _selection),
    "gimp_selection_is_empty": (1, lambda image: int(image.drawable.selection is None)),
    "gimp_image_get_item_position": (2, lambda image, item: image.layers.index(item)),
    "gimp_image_insert_layer": (
        4,
        lambda image, layer, parent, position: image.insert_layer(layer, parent, position),
    ),
    "gimp_image_undo_group_end": (1, lambda image: image.undo_group_end()),
    "gimp_image_undo_group_start": (1, lambda image: image.undo_group_start()),
    "gimp_item_get_lock_content": (1, lambda item: int(item.locked)),
    "gimp_item_get_parent": (1, lambda item: item.parent),
    "gimp_item_is_group": (1, lambda item: int(isinstance(item, GroupLayer))),
    "gimp_item_is_layer": (1, lambda item: int(isinstance(item, Layer))),
    "gimp_item_is_valid": (1, lambda item: int(item.valid)),
    "gimp_item_set_lock_content": (2, _set_lock),
    "gimp_item_set_name": (2, _set_name),
    "gimp_progress_pulse": (0, lambda: None),
    "gimp_progress_set_text": (1, _set_text),
}


def progress_init(text=None):
    check_text(text)
    calls.append(("progress_init", text))


def progress_update(value):
    calls.append(("progress_update", float(value)))


def message(text):
    check_text(text)
    calls.append(("message", text))


def displays_flush():
    calls.append(("displays_flush",))


def delete(thing):
    calls.append(("delete", thing))


def menu_register(name, path):
    if name not in procedures:
        raise error("there is no procedure %s" % name)
    menus.setdefault(name, []).append(path)


def install_procedure(name, blurb, help, author, copyright, date, label, imagetypes, type, params, results):
    for text in (name, blurb, help, author, copyright, date, label, imagetypes):
        check_text(text)
    for number, parameter, text in list(params) + list(results):
        if not isinstance(number, int):
            raise TypeError("no type of a parameter: %r" % (number,))
        check_text(parameter)
        check_text(text)
    procedures[name] = {
        "blurb": blurb,
        "label": label,
        "imagetypes": imagetypes,
        "params": list(params),
        "results": list(results),
    }


def main(init, quit, query, run):
    """Query as the real one does for `-query`, and keep the run function for the test."""
    query()
    globals()["run"] = run


def show_dialog():
    """Do what gimpfu's dialog does as a side effect: bring in GTK, whose windows a test clicks in."""
    gtk = types.ModuleType("gtk")
    gtk.STOCK_CANCEL, gtk.RESPONSE_CANCEL, gtk.RESPONSE_DELETE_EVENT = "gtk-cancel", -6, -4
    gtk.windows = []

    class Dialog(object):
        def __init__(self, title=None, parent=None, flags=0, buttons=()):
            self.responses, self.handler, self.vbox = list(buttons[1::2]), None, self
            gtk.windows.append(self)
            calls.append(("window", title))

        def pack_start(self, *_):
            pass

        def connect(self, signal, handler):
            if signal != "response":
                raise TypeError("unknown signal name")
            self.handler = handler

        def show_all(self):
            pass

        def destroy(self):
            gtk.windows.remove(self)

    class Label(object):
        def __init__(self, text):
            pass

    def main_iteration(block=True):
        for window in list(gtk.windows):
            if press is not None:
                window.handler(window, press)

    def events_pending():
        gtk.pending += 1
        return gtk.pending % 2

    gtk.pending = 0
    gtk.Dialog, gtk.Label, gtk.main_iteration, gtk.events_pending = (
        Dialog,
        Label,
        main_iteration,
        events_pending,
    )
    sys.modules["gtk"] = gtk
