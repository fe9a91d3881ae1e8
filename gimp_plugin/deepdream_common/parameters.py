# -*- coding: utf-8 -*-
"""The one table of what a user can set; both dialogs, both procedures and the engine's options come from it.

Ranges and defaults are those of `engine.config.DreamConfig`; a test holds the two together.
"""

from __future__ import unicode_literals

from collections import namedtuple

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

PRESETS = ("keras",)

Parameter = namedtuple("Parameter", "name kind default low high step digits label blurb choices")
"""One thing to set.

name: of the argument in the PDB; kind: `int`, `float` or `choice`; default, low, high: numbers, or the nick
of a choice; step, digits: of the control; label: in the dialog, the mnemonic behind `_`; blurb: the tooltip;
choices: pairs of nick and label.
"""


def _choice(name, default, label, blurb, *choices):
    return Parameter(name, "choice", default, None, None, None, None, label, blurb, choices)


def _number(name, kind, default, low, high, step, digits, label, blurb):
    return Parameter(name, kind, default, low, high, step, digits, label, blurb, ())


def _layer(name, default, label, blurb):
    text = "%s: layer %s of the network. 0 leaves it out." % (blurb, name)
    return _number(name, "float", default, -1000.0, 1000.0, 0.1, 2, label, text)


PRESET = _choice(
    "preset",
    "keras",
    "_Preset",
    "Settings to start from",
    ("keras", "Tutorial (Keras)"),
)

LOOK = (
    _number(
        "step-size", "float", 0.01, 0.00001, 1.0, 0.001, 4, "Stren_gth",
        "Size of a step: larger is stronger and coarser",
    ),
    _number(
        "octaves", "int", 3, 1, 20, 1, 0, "Oc_taves",
        "How many sizes of the picture are dreamed on, small to large: more give larger forms",
    ),
    _number(
        "octave-scale", "float", 1.4, 1.0, 10.0, 0.1, 2, "Octa_ve scale",
        "How much larger each octave is than the one before",
    ),
    _number(
        "iterations", "int", 20, 1, 10000, 1, 0, "_Iterations",
        "Steps in each octave",
    ),
    _number(
        "max-loss", "float", 10.0, 0.0, 1000000.0, 1.0, 1, "_Max loss",
        "An octave ends early when the loss is above this; 0 means it never does",
    ),
)  # fmt: skip

LAYERS = (
    _layer("mixed0", 0.0, "_Fine lines", "Strokes and edges"),
    _layer("mixed1", 0.0, "C_urls", "Curls, braids and hatching"),
    _layer("mixed2", 0.2, "Or_nament", "Scales, meshes and small eyes"),
    _layer("mixed3", 0.5, "E_yes", "Eyes, shells and feathers"),
    _layer("mixed4", 2.0, "_Beings", "Parts of animals and of things"),
    _layer("mixed5", 1.5, "_Whole objects", "Whole animals and things; wants company"),
)

DEVICE = _choice(
    "device",
    "auto",
    "_Device",
    "What computes",
    ("auto", "Automatic"),
    ("cpu", "Processor (CPU)"),
    ("cuda", "NVIDIA GPU (CUDA)"),
)

RESULT = _choice(
    "result",
    "new-layer",
    "Result _as",
    "Where the dream goes",
    ("new-layer", "New layer above"),
    ("in-place", "In place of the layer"),
)

PARAMETERS = (PRESET,) + LOOK + LAYERS + (DEVICE, RESULT)
"""All of them, in the order of the procedure's arguments."""

DEFAULTS = dict((parameter.name, parameter.default) for parameter in PARAMETERS)

NO_LAYERS = "Every layer is at 0, so there is nothing to dream of. Raise at least one of them."


class SettingError(ValueError):
    """The settings make no sense together; the message is for the user."""


def engine_options(values, explicit=False):
    """Return the options of `python -m engine pipe` for the values of a dialog or a call.

    values: by argument name; what is missing has its default.
    explicit: pass everything on, as a dialog that has shown it all does.  Otherwise what equals the table's
        default is left to the preset, so that a script can name a preset and nothing else.

    Raises SettingError where all layers are 0.
    """
    values = dict(DEFAULTS, **values)
    options = ["--preset", values["preset"], "--device", values["device"]]
    spelled = {"step-size": "--step"}
    for parameter in LOOK:
        value = values[parameter.name]
        if explicit or value != parameter.default:
            text = "none" if parameter.name == "max-loss" and value == 0 else _text(parameter, value)
            options += [spelled.get(parameter.name, "--" + parameter.name), text]
    if explicit or any(values[layer.name] != layer.default for layer in LAYERS):
        chosen = [
            "%s=%s" % (layer.name, _text(layer, values[layer.name])) for layer in LAYERS if values[layer.name]
        ]
        if not chosen:
            raise SettingError(NO_LAYERS)
        options += ["--layers", ",".join(chosen)]
    return [str(option) for option in options]


def _text(parameter, value):
    return "%d" % round(value) if parameter.kind == "int" else "%.10g" % value
