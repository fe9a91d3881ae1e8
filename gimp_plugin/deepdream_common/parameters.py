# -*- coding: utf-8 -*-
"""The one table of what a user can set; both dialogs, both procedures and the engine's options use it.

What is a setting of the engine comes from `settings_table`, which is generated; the rest stands here.
"""

from __future__ import unicode_literals

from . import settings_table
from .parameter import Parameter
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

LAYER_SLIDER = (0.0, 5.0, 1.0)


def _choice(name, default, label, blurb, choices):
    return _plain(name, "choice", default, label, blurb, choices)


def _plain(name, kind, default, label, blurb, choices=()):
    return Parameter(
        name, kind, default, low=None, high=None, step=None, digits=None, slider=None, label=label,
        blurb=blurb, choices=choices, option=None, least=None,
    )  # fmt: skip


def _layer(name, default, label, forms, hint="0 leaves them out"):
    text = "%s grow out of the picture: layer %s of the network. %s" % (forms, name, hint)
    return Parameter(
        name, "float", default, low=-1000.0, high=1000.0, step=0.1, digits=2, slider=LAYER_SLIDER,
        label=label, blurb=text, choices=(), option=None, least=None,
    )  # fmt: skip


DEFAULT = PRESETS[0]
"""The preset that a dialog begins with, and a call that names none."""

PRESET = _choice(
    "preset",
    DEFAULT.name,
    "_Preset",
    "The look to start from: it sets all that decides how the dream looks",
    tuple((preset.name, preset.title) for preset in PRESETS),
)


def _usual(table):
    """Return parameters with the values of the default preset for their defaults."""
    return tuple(x._replace(default=DEFAULT.values.get(x.name, x.default)) for x in table)


_LAYERS = (
    _layer("mixed0", 0.0, "_Fine lines", "Strokes and edges"),
    _layer("mixed1", 0.0, "C_urls", "Curls, braids and hatching"),
    _layer("mixed2", 0.2, "Or_nament", "Scales, meshes and small eyes"),
    _layer("mixed3", 0.5, "E_yes", "Eyes, shells and feathers"),
    _layer("mixed4", 2.0, "_Beings", "Parts of animals and of things"),
    _layer("mixed5", 1.5, "_Whole objects", "Whole animals and things", "Best combined with other layers"),
)

_CHANNELS = _plain(
    "channels", "text", "", "Channels",
    "Single motifs grow besides the layers' forms, such as one kind of eye: channels of layers with their "
    "strengths, such as mixed4:12+40=0.5,mixed3:87=1",
)  # fmt: skip

GUIDES = (
    _plain(
        "guide", "drawable", None, "Guide picture",
        "A layer, of any image, that the dream is steered towards: what it shows more of grows",
    ),
    _plain(
        "guide-image", "image", None, "Guide image",
        "An image, as it is seen, that the dream is steered towards instead",
    ),
    _plain(
        "guide-file", "text", "", "Guide file",
        "The path of a picture file that the dream is steered towards instead",
    ),
)  # fmt: skip
"""Where a guide can come from, at most one of them.  GIMP 2.10's host has no guide."""

DEVICE = _choice(
    "device",
    "auto",
    "De_vice",
    "Which processor computes the dream: a GPU is much faster, and the look is the same",
    (
        ("auto", "Automatic"),
        ("cpu", "Processor (CPU)"),
        ("cuda", "NVIDIA GPU (CUDA)"),
        ("webgpu", "GPU of any maker (WebGPU)"),
    ),
)

MODEL = _plain(
    "model",
    "text",
    "",
    "Network",
    "Which network dreams: the built-in one, for which the looks are made, or another by its name or its "
    "file. “deepdream model list” shows those that there are",
)

FIT = _plain(
    "fit-selection",
    "bool",
    True,
    "Dream up to the selection's edge",
    "For scripts of earlier versions: off dreams on everything, as “none” for the mask does",
)

MASK = _choice(
    "mask",
    "selection",
    "Dr_eam within",
    "Where the forms grow, so that they fit their surroundings: in the selection, or where the layer's mask "
    "is not black. Or dream on everything, and cut the selection out of the result",
    (
        ("selection", "The selection"),
        ("layer-mask", "The layer's mask"),
        ("none", "Everything, cut out afterwards"),
    ),
)

GROUPS = _choice(
    "groups",
    "whole",
    "Layer groups",
    "What to dream on where a layer group is selected",
    (("whole", "As one picture, as seen"), ("each", "Each of the layers in them")),
)

RESULT = _choice(
    "result",
    "new-layer",
    "Result _as",
    "Where to put the dream. In place of a layer group, it is one layer",
    (
        ("new-layer", "New layer above"),
        ("in-place", "In place of the layer"),
        ("new-image", "New image"),
    ),
)

RESULT_MODE = _choice(
    "result-mode",
    "normal",
    "Mode and opacity",
    "Mode and opacity of a new layer",
    (("normal", "Normal, 100 %"), ("layer", "Those of the layer")),
)

OF_GIMP_3 = (MASK, GROUPS, RESULT_MODE)
"""What GIMP 2.10's host can't do."""

TUTORIAL = settings_table.LOOK + _LAYERS + settings_table.MORE + (_CHANNELS,)
"""The parameters that a preset sets, with the values that it may leave out: those of the Keras tutorial."""

LOOK, LAYERS, MORE = _usual(settings_table.LOOK), _usual(_LAYERS), _usual(settings_table.MORE)
(CHANNELS,) = _usual((_CHANNELS,))

SETTINGS = LOOK + MORE
"""The settings of the engine, each of which is an option."""

(OCTAVES,) = [parameter for parameter in SETTINGS if parameter.name == "octaves"]
(GUIDE_PLACES,) = [parameter for parameter in SETTINGS if parameter.name == "guide-places"]
(FEATHER,) = [parameter for parameter in SETTINGS if parameter.name == "feather"]

IN_PRESET = LOOK + LAYERS + MORE + (CHANNELS,)
"""The same, with the values of the default preset for their defaults."""

PARAMETERS = (PRESET,) + IN_PRESET + (DEVICE, FIT, RESULT, MASK, GROUPS, RESULT_MODE, MODEL)
"""All parameters, in the order of the procedure's arguments."""

CHOICES = tuple(parameter for parameter in PARAMETERS if parameter.kind == "choice")

DEFAULTS = dict((parameter.name, parameter.default) for parameter in PARAMETERS)


class SettingError(ValueError):
    """A setting is invalid, alone or with the others; the message is for the user."""


def preset_values(name):
    """Return the values of a preset by argument name."""
    (found,) = [preset for preset in PRESETS if preset.name == name]
    return dict(((p.name, p.default) for p in TUTORIAL), **found.values)
