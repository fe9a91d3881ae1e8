# -*- coding: utf-8 -*-
"""A stand-in for Python-Fu's gimpfu of GIMP 2.10, which refuses what the real one, or GIMP behind it, refuses.

Beyond the real one, which would fail late and obscurely, it checks the fifth element of a parameter and its
default, and that the function takes as many arguments as it will be given.
"""

import gettext  # noqa: F401 - plug-ins get it from here
import inspect
import math  # noqa: F401
import os
import sys

import gimp
import gimpcolor
from gimpenums import *  # noqa: F403
from gimpenums import (
    PDB_CHANNEL,
    PDB_COLOR,
    PDB_DISPLAY,
    PDB_DRAWABLE,
    PDB_FLOAT,
    PDB_IMAGE,
    PDB_INT8,
    PDB_INT16,
    PDB_INT32,
    PDB_ITEM,
    PDB_LAYER,
    PDB_STRING,
    PDB_VECTORS,
    PLUGIN,
    RUN_INTERACTIVE,
    RUN_NONINTERACTIVE,
)

pdb = gimp.pdb


class error(RuntimeError):  # noqa: N801, N818 - its name in GIMP
    """What register raises."""


class CancelError(RuntimeError):
    """What a plug-in raises to end quietly."""


PF_INT8, PF_INT16, PF_INT32, PF_INT = PDB_INT8, PDB_INT16, PDB_INT32, PDB_INT32
PF_FLOAT, PF_STRING, PF_VALUE, PF_COLOR, PF_COLOUR = PDB_FLOAT, PDB_STRING, PDB_STRING, PDB_COLOR, PDB_COLOR
PF_ITEM, PF_DISPLAY, PF_IMAGE, PF_LAYER = PDB_ITEM, PDB_DISPLAY, PDB_IMAGE, PDB_LAYER
PF_CHANNEL, PF_DRAWABLE, PF_VECTORS = PDB_CHANNEL, PDB_DRAWABLE, PDB_VECTORS
PF_TOGGLE = PF_BOOL = 1000
PF_SLIDER = 1001
PF_SPINNER = PF_ADJUSTMENT = 1002
PF_FONT, PF_FILE, PF_BRUSH, PF_PATTERN, PF_GRADIENT = 1003, 1004, 1005, 1006, 1007
PF_RADIO, PF_TEXT, PF_PALETTE, PF_FILENAME, PF_DIRNAME, PF_OPTION = 1008, 1009, 1010, 1011, 1012, 1013

_PDB_TYPES = dict((kind, kind) for kind in range(PDB_VECTORS + 1))
_PDB_TYPES.update(
    {PF_TOGGLE: PDB_INT32, PF_SLIDER: PDB_FLOAT, PF_SPINNER: PDB_INT32, PF_OPTION: PDB_INT32},
)
_PDB_TYPES.update((kind, PDB_STRING) for kind in list(range(1003, 1013)))
_PREFIXES = ("python-", "python_", "extension-", "extension_", "plug-in-", "plug_in_", "file-", "file_")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_NUMBERS = (int, float)

_registered = {}


def N_(text):  # noqa: N802
    """Mark a text for translation."""
    return text


def fail(text):
    """Show a message and end."""
    gimp.message(text)
    raise error(text)


def register(
    proc_name,
    blurb,
    help,  # noqa: A002 - GIMP's name
    author,
    copyright,  # noqa: A002
    date,
    label,
    imagetypes,
    params,
    results,
    function,
    menu=None,
    domain=None,
    on_query=None,
    on_run=None,
    run_mode_param=True,
):
    """Check a registration and keep it until main."""
    if not _lettered(proc_name):
        raise error("procedure name contains illegal characters")
    for entry in params:
        _check_parameter(entry)
    for entry in results:
        if len(entry) < 3 or type(entry[0]) is not int or not _lettered(entry[1]):
            raise error("bad result definition: %r" % (entry,))
    if not callable(function):
        raise error("the function is none")
    if domain is not None and not os.path.isdir(domain[1]):
        raise error("there are no translations in %s" % domain[1])
    if menu is None and label and "/" in label:
        raise error("the old form of a menu entry, a whole path as label")
    if menu is not None and not menu.startswith(("<Image>", "<Load>", "<Save>", "<Layers>", "<Toolbox>")):
        raise error("there is no menu %s" % menu)
    if menu is not None and menu.startswith("<Image>") and imagetypes:
        if [entry[0] for entry in params[:2]] != [PF_IMAGE, PF_DRAWABLE]:
            raise error("the first two parameters are image and drawable")
    for known in (imagetypes or "").replace(",", " ").split():
        if known not in (
            "RGB",
            "RGB*",
            "RGBA",
            "GRAY",
            "GRAY*",
            "GRAYA",
            "INDEXED",
            "INDEXED*",
            "INDEXEDA",
            "*",
        ):
            raise error("there is no image type %s" % known)
    _check_arity(function, len(params))
    name = proc_name if proc_name.startswith(_PREFIXES) else "python-fu-" + proc_name
    name = name.replace("_", "-")
    if name in _registered:
        raise error("%s is registered twice" % name)
    _registered[name] = (
        (blurb, help, author, copyright, date, label, imagetypes),
        list(params),
        list(results),
        function,
        menu,
        run_mode_param,
    )


def main():
    """Let GIMP query the plug-in and run it."""
    gimp.main(None, None, _query, _run)


def _query():
    for name, (texts, params, results, _, menu, run_mode_param) in _registered.items():
        known = [(PDB_INT32, "run-mode", "The run mode { RUN-INTERACTIVE (0), RUN-NONINTERACTIVE (1) }")]
        typed = known if run_mode_param else []
        typed = typed + [(_PDB_TYPES[entry[0]], entry[1], entry[2].replace("_", "")) for entry in params]
        gimp.install_procedure(*((name,) + texts + (PLUGIN, typed, results)))
        if menu:
            gimp.menu_register(name, menu)


def _run(name, values):
    """Call the function as gimpfu does; in interactive runs the dialog's values are `gimp.dialog_values`."""
    _, params, _, function, _, _ = _registered[name]
    if values[0] == RUN_NONINTERACTIVE:
        if len(values) - 1 != len(params):
            raise TypeError("wrong number of parameters: %d instead of %d" % (len(values) - 1, len(params)))
        return function(*values[1:])
    try:
        if values[0] == RUN_INTERACTIVE:
            result = function(*(tuple(values[1:3]) + tuple(_dialog(params[2:]))))
        else:
            result = function(*(tuple(values[1:3]) + tuple(entry[3] for entry in params[2:])))
    except CancelError:
        return None
    gimp.displays_flush()
    return result


def _dialog(params):
    """Return what the dialog's controls give: sliders and spinners floats, others the type of the default."""
    gimp.show_dialog()
    for entry in params:
        value = gimp.dialog_values.get(entry[1], entry[3])
        yield float(value) if entry[0] in (PF_SLIDER, PF_SPINNER, PF_FLOAT) else value


def _lettered(name):
    return bool(name) and all(letter in _LETTERS for letter in name)


def _check_parameter(entry):
    if not isinstance(entry, tuple):
        raise error("parameter definitions are tuples: %r" % (entry,))
    if len(entry) < 4:
        raise error("parameter definition must contain at least 4 elements: %r" % (entry,))
    kind, name, description, default = entry[:4]
    if type(kind) is not int or kind not in _PDB_TYPES:
        raise error("parameter types must be integers of gimpfu: %r" % (entry,))
    if not _lettered(name):
        raise error("parameter name contains illegal characters: %r" % (name,))
    gimp.check_text(description)
    check = _FIFTH.get(kind)
    if check is None:
        if len(entry) > 4:
            raise error("%s takes no fifth element" % name)
        if kind == PF_FLOAT and not isinstance(default, _NUMBERS):
            raise error("the default of %s is no number" % name)
        return
    if len(entry) != 5:
        raise error("%s needs a fifth element" % name)
    check(name, default, entry[4])


def _check_range(name, default, extra):
    if len(extra) != 3 or not all(isinstance(number, _NUMBERS) for number in extra):
        raise error("%s needs (low, high, step)" % name)
    low, high, step = extra
    if not low <= default <= high or step <= 0:
        raise error("the default of %s is out of its range, or its step is none" % name)


def _check_radio(name, default, extra):
    for label, _ in extra:
        gimp.check_text(label)
    if default not in [value for _, value in extra]:
        raise error("the default of %s is none of its values" % name)
    if not all(isinstance(value, str) for _, value in extra):
        raise error("%s is a string for the PDB" % name)


def _check_option(name, default, extra):
    for label in extra:
        gimp.check_text(label)
    if type(default) is not int or not 0 <= default < len(extra):
        raise error("the default of %s is an index" % name)


_FIFTH = {PF_SLIDER: _check_range, PF_SPINNER: _check_range, PF_RADIO: _check_radio, PF_OPTION: _check_option}


def _check_arity(function, count):
    spec = (inspect.getfullargspec if sys.version_info[0] > 2 else inspect.getargspec)(function)
    least = len(spec[0]) - len(spec[3] or ())
    if count < least or (spec[1] is None and count > len(spec[0])):
        raise error("the function does not take %d arguments" % count)


gimpcolor  # noqa: B018 - plug-ins get it from here
