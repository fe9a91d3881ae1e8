# -*- coding: utf-8 -*-
"""The engine's presets as a table, for Python 2.7 reads no TOML.

Not to be edited: `python -m tests.gimp_plugin.make_presets` writes it anew from engine/presets/*.toml, and a
test holds the two together.
"""

from __future__ import unicode_literals

from collections import namedtuple

Preset = namedtuple("Preset", "name title description values")
"""name: for `--preset`; title, description: for people; values: by argument name, those that are not the
default of `parameters`."""

PRESETS = (
    Preset("keras", "Tutorial (Keras)", "The Keras DeepDream tutorial, number for number.", {}),
    Preset(
        "classic",
        "Classic (Google, 2015)",
        "The numbers of google/deepdream, on the nearest layer of this network: eyes and animals everywhere.",
        {
            "step-size": 0.0118,
            "octaves": 4,
            "iterations": 10,
            "mixed2": 0.0,
            "mixed3": 0.0,
            "mixed4": 1.0,
            "mixed5": 0.0,
            "max-loss": 0,
            "jitter": 32,
            "clip": True,
        },
    ),
)
