# -*- coding: utf-8 -*-
"""How a layer was dreamed, as text that GIMP stores with the layer, in the format of the engine's recipes."""

from __future__ import unicode_literals

import json

NAME = "deepdream-recipe"
"""Name of the layer's parasite."""

SCHEMA = 1


def text(settings, about, gimp, finished, mask, guide=None):
    """Return the recipe, JSON in ASCII.

    settings: from `words.settings`; about: the engine's start event; gimp: GIMP's version; finished: False
    if the user stopped early and kept the picture; mask: `alpha` if the dream was fitted to the selection, or
    None; guide: name and sha256 of the picture that steered it, or None.
    """
    recipe = {
        "schema": SCHEMA,
        "settings": settings,
        "mask": mask,
        "guide": guide,
        "finished": finished,
        "versions": {"deepdream": about.get("version", ""), "gimp": gimp},
    }
    for name in ("device", "precision", "threads"):
        if name in about:
            recipe[name] = about[name]
    if "model_file" in about:
        recipe["model"] = about["model_file"]
    return json.dumps(recipe, sort_keys=True)
