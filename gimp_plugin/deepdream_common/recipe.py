# -*- coding: utf-8 -*-
"""How a layer was dreamed, as a text that GIMP keeps with it, in the form of the engine's own recipes."""

from __future__ import unicode_literals

import json

NAME = "deepdream-recipe"
"""Of the layer's parasite."""

SCHEMA = 1


def text(settings, about, gimp, finished, mask):
    """Return the recipe, JSON in ASCII.

    settings: from `words.settings`; about: the engine's start event; gimp: GIMP's version; finished: False
    where the user took the picture so far; mask: `alpha` where the dream was held to the selection, or None.
    """
    recipe = {
        "schema": SCHEMA,
        "settings": settings,
        "mask": mask,
        "finished": finished,
        "versions": {"deepdream": about.get("version", ""), "gimp": gimp},
    }
    for name in ("device", "precision", "threads"):
        if name in about:
            recipe[name] = about[name]
    return json.dumps(recipe, sort_keys=True)
