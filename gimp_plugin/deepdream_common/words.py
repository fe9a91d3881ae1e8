# -*- coding: utf-8 -*-
"""The user's settings in the engine's terms: options of `deepdream pipe`, a recipe, or a command line."""

from __future__ import unicode_literals

import os
import subprocess

from . import channels
from .parameters import (
    CHANNELS,
    DEFAULTS,
    IN_PRESET,
    LAYERS,
    MODEL,
    SETTINGS,
    SettingError,
    preset_values,
)
from .texts import N_, _

try:
    from shlex import quote  # novermin
except ImportError:  # Python 2
    from pipes import quote  # novermin

NO_LAYERS = N_("Every layer is at 0, so there is nothing to dream of. Raise at least one of them.")

GUIDE, ORIGIN = "guide-path", "guide-origin"
"""Values beside the arguments, missing without a guide: the file to be steered towards, and what the recipe
says of it."""

MASK = ["--mask", "alpha"]
"""Options for a frame whose alpha is the mask, see `mask`."""

COUNTS = "model-layers"
"""Value beside the arguments: the model's layers with their numbers of channels, where these are known."""

FEATHER_SHARE = 4
"""A mask's soft edge takes up at most 1/FEATHER_SHARE of its shorter side, so that enough is left."""


def settled(given):
    """Return all values by argument name, for a call that need not give all of them.

    Values that are missing, None or at their default come from the preset, so that a script can give just a
    preset: GIMP does not tell a value that was left out from the default, and GIMP 3.2 gives None for a text
    whose default is empty.
    A number of octaves replaces the preset's smallest size, and layers and channels for another model replace
    the preset's.
    """
    values = dict(DEFAULTS, **dict((name, value) for name, value in given.items() if value is not None))
    of_preset = preset_values(values["preset"])
    chosen = [p.name for p in IN_PRESET if values[p.name] != p.default]
    if "octaves" in chosen and "min-size" not in chosen:
        of_preset["min-size"] = 0
    if values[MODEL.name] and CHANNELS.name in chosen:  # the preset's layers may be none of that model's
        of_preset.update((layer.name, 0.0) for layer in LAYERS)
    values.update((name, value) for name, value in of_preset.items() if name not in chosen)
    return values


def engine_options(values, brief=False):
    """Return the options of `deepdream pipe` for values by argument name; missing values are defaults.

    brief: leave out options that the preset implies.

    Raises SettingError if all layers are 0, or the channels are not as the engine reads them.
    """
    values = dict(DEFAULTS, **values)
    usual = preset_values(values["preset"]) if brief else {}
    options = ["--preset", values["preset"], "--device", values["device"]]
    model = (values[MODEL.name] or "").strip()
    if model:
        options += ["--model", model]
    for parameter in SETTINGS:
        value = values[parameter.name]
        idle = brief and parameter.name == "octaves" and values["min-size"]  # it would undo the smallest size
        if value != usual.get(parameter.name) and not idle:
            options += _option(parameter, value)
    layers = _layers(values)
    if not layers:
        raise SettingError(_(NO_LAYERS))
    wrong = channels.problem(layers, values.get(COUNTS, None if model else channels.COUNTS))
    if wrong:
        raise SettingError("%s: %s" % (_(CHANNELS.label), wrong))
    if not brief or layers != _layers(usual):
        options += ["--layers", layers]
    if values.get(GUIDE):
        options += ["--guide", values[GUIDE]]
    return [str(option) for option in options]


def problem(values):
    """Return why these values can't be dreamed with, a sentence, or nothing."""
    try:
        engine_options(values)
    except SettingError as error:
        return error.args[0]  # str() would encode it in Python 2
    return ""


def settings(values):
    """Return the settings under the engine's names, as in its recipes."""
    found = {"layers": _coefficients(_layers(values))}
    for parameter in SETTINGS:
        value = values[parameter.name]
        found[parameter.name.replace("-", "_")] = _engines(parameter, value)
    return found


def masked(values, width, height, scale=1.0):
    """Return the values for a frame whose alpha is the mask, see `mask`.

    width, height: of the selection; scale: how many times larger than the layer the frame is.
    """
    feather = min(values["feather"], min(width, height) // FEATHER_SHARE)
    return dict(values, feather=int(round(feather * scale)))


def command_line(values, picture):
    """Return the command that does the same to a picture file as these values to a layer.

    Raises SettingError if all layers are 0, or the channels are not as the engine reads them.
    """
    words = engine_options(values, brief=True)
    plain = engine_options(DEFAULTS, brief=True)
    for at in (2, 0):
        if words[at : at + 2] == plain[at : at + 2]:
            del words[at : at + 2]
    words = ["deepdream", "dream", picture] + words
    if os.name == "nt":
        return subprocess.list2cmdline(words)
    return " ".join(quote(word) for word in words)


def _option(parameter, value):
    if parameter.kind == "bool":
        return [parameter.option if value else parameter.option.replace("--", "--no-")]
    number = _engines(parameter, value)
    return [parameter.option, "none" if number is None else _text(parameter, number)]


def _engines(parameter, value):
    """Return a value as the engine has it: None for 0 where that means none."""
    if parameter.least is None:
        return value
    return None if value == 0 else max(value, parameter.least)


def _layers(values):
    """Return the text for `--layers`; empty if there are none."""
    chosen = [
        "%s=%s" % (layer.name, _text(layer, values[layer.name])) for layer in LAYERS if values[layer.name]
    ]
    more = (values["channels"] or "").strip().strip(",")
    return ",".join(chosen + [more] if more else chosen)


def _coefficients(text):
    """Return the layers of such a text with their coefficients, 1 where there is none."""
    pairs = [item.partition("=") for item in text.split(",")]
    return dict((name.strip(), float(number) if equals else 1.0) for name, equals, number in pairs)


def _text(parameter, value):
    return "%d" % round(value) if parameter.kind == "int" else "%.10g" % value
