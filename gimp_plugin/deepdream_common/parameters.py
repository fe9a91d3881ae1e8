# -*- coding: utf-8 -*-
"""The one table of what a user can set; both dialogs, both procedures and the engine's options use it.

Ranges and defaults are those of `engine.config.DreamConfig`, with 0 for None; a test compares the
two.
"""

from __future__ import unicode_literals

from collections import namedtuple

from .presets import PRESETS

PROCEDURE = "plug-in-deep-dream"
MENU_LABEL = "_Deep Dream…"
MENU_PATH = "<Image>/Filters"
IMAGE_TYPES = "RGB*, GRAY*"
BLURB = "Let a neural network dream on the layer"
HELP = (
    "Strengthens whatever the layers of an image network see in the picture, by gradient ascent over "
    "several sizes, so that it grows eyes, scales and arches. The work is done by the DeepDream engine in a "
    "process of its own."
)

LARGEST_INT = 2147483647
"""GIMP's largest whole number."""

Parameter = namedtuple("Parameter", "name kind default low high step digits label blurb choices")
"""One thing to set.

name: of the argument for scripts; kind: `int`, `float`, `bool`, `choice` or `text`; default, low, high:
numbers, a truth, a text, or the nick of a choice; step, digits: of the control; label: in the dialog, the
mnemonic behind `_`; blurb: the tooltip; choices: pairs of nick and label.
"""


def _choice(name, default, label, blurb, choices):
    return Parameter(name, "choice", default, None, None, None, None, label, blurb, choices)


def _number(name, kind, default, low, high, step, digits, label, blurb):
    return Parameter(name, kind, default, low, high, step, digits, label, blurb, ())


def _switch(name, default, label, blurb):
    return Parameter(name, "bool", default, None, None, None, None, label, blurb, ())


def _layer(name, default, label, blurb):
    text = "%s: layer %s of the network. 0 leaves it out." % (blurb, name)
    return _number(name, "float", default, -1000.0, 1000.0, 0.1, 2, label, text)


PRESET = _choice(
    "preset",
    "keras",
    "_Preset",
    "Settings to start from",
    tuple((preset.name, preset.title) for preset in PRESETS),
)

OCTAVES = _number(
    "octaves", "int", 3, 1, 20, 1, 0, "Oc_taves",
    "How many sizes of the picture to dream on, from small to large: more give larger forms",
)  # fmt: skip

LOOK = (
    _number(
        "step-size", "float", 0.01, 0.00001, 1.0, 0.001, 4, "Stren_gth",
        "Size of a step: larger is stronger and coarser",
    ),
    OCTAVES,
    _number(
        "min-size", "int", 0, 0, 8192, 10, 0, "Smallest si_ze",
        "Shorter side of the first octave in pixels, instead of a number of octaves, so that small and "
        "large pictures get the same forms. 32 or more; 0 uses the number of octaves",
    ),
    _number(
        "iterations", "int", 20, 1, 10000, 1, 0, "_Iterations",
        "Steps in each octave",
    ),
)  # fmt: skip
"""What a dialog shows from the start, with the layers."""

LAYERS = (
    _layer("mixed0", 0.0, "_Fine lines", "Strokes and edges"),
    _layer("mixed1", 0.0, "C_urls", "Curls, braids and hatching"),
    _layer("mixed2", 0.2, "Or_nament", "Scales, meshes and small eyes"),
    _layer("mixed3", 0.5, "E_yes", "Eyes, shells and feathers"),
    _layer("mixed4", 2.0, "_Beings", "Parts of animals and of things"),
    _layer("mixed5", 1.5, "_Whole objects", "Whole animals and things; best combined with other layers"),
)

FEATHER = _number(
    "feather", "int", 16, 0, 1024, 1, 0, "Feather",
    "Pixels inside the selection's edge over which the dream fades in",
)  # fmt: skip

MORE = (
    _number(
        "octave-scale", "float", 1.4, 1.0, 10.0, 0.1, 2, "Octave scale",
        "How much larger each octave is than the previous one",
    ),
    _number(
        "max-loss", "float", 10.0, 0.0, 1000000.0, 1.0, 1, "Max loss",
        "An octave ends early when the loss is above this; 0 means it never does",
    ),
    _number(
        "jitter", "int", 0, 0, 512, 1, 0, "Jitter",
        "Pixels by which each step randomly shifts the picture, and back: hides the network's grid",
    ),
    _number(
        "smooth", "float", 0.0, 0.0, 2.0, 0.1, 2, "Smoothness",
        "How much to strengthen coarse forms relative to fine ones: larger, calmer. 1 makes them equal",
    ),
    _number(
        "total-variation", "float", 0.0, 0.0, 10.0, 0.1, 2, "Less noise",
        "Strength of the pull against noise, relative to the dream",
    ),
    _number(
        "stay-close", "float", 0.0, 0.0, 100.0, 0.1, 2, "Stay close",
        "Strength of the pull back to the picture, relative to the dream",
    ),
    _number(
        "blend", "float", 1.0, 0.0, 1.0, 0.1, 2, "Blend",
        "How much of the dream the result has; the rest is the original picture",
    ),
    FEATHER,
    _number(
        "seed", "int", 0, 0, LARGEST_INT, 1, 0, "Seed",
        "Start of all random numbers: a different seed gives a different dream",
    ),
    _switch(
        "clip", False, "Keep in range",
        "Limit colours to the range from black to white in each step, so that nothing burns out",
    ),
    _switch(
        "keep-colours", False, "Keep colours",
        "Dream on lightness only, keeping the picture's hues",
    ),
)  # fmt: skip
"""What a dialog hides at first."""

CHANNELS = Parameter(
    "channels", "text", "", None, None, None, None, "Channels",
    "Single channels of layers, in addition to the layers above, such as mixed4:12+40=0.5,mixed3:87=1", (),
)  # fmt: skip

DEVICE = _choice(
    "device",
    "auto",
    "De_vice",
    "Which processor to compute on",
    (("auto", "Automatic"), ("cpu", "Processor (CPU)"), ("cuda", "NVIDIA GPU (CUDA)")),
)

FIT = _switch(
    "fit-selection",
    True,
    "_Dream up to the selection's edge",
    "Forms grow only inside the selection and fit its surroundings. Otherwise the surroundings are dreamed "
    "on too, and the selection is cut out of the result",
)

RESULT = _choice(
    "result",
    "new-layer",
    "Result _as",
    "Where to put the dream",
    (("new-layer", "New layer above"), ("in-place", "In place of the layer")),
)

SETTINGS = LOOK + MORE
"""The settings of the engine, each of which is an option."""

IN_PRESET = LOOK + LAYERS + MORE + (CHANNELS,)
"""The parameters that a preset sets."""

PARAMETERS = (PRESET,) + IN_PRESET + (DEVICE, FIT, RESULT)
"""All parameters, in the order of the procedure's arguments."""

DEFAULTS = dict((parameter.name, parameter.default) for parameter in PARAMETERS)


class SettingError(ValueError):
    """A setting is invalid, alone or with the others; the message is for the user."""


def preset_values(name):
    """Return the values of a preset by argument name."""
    (found,) = [preset for preset in PRESETS if preset.name == name]
    return dict(((p.name, p.default) for p in IN_PRESET), **found.values)
