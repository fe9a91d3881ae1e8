# -*- coding: utf-8 -*-
"""The engine's input for a drawable, and the meaning of its output."""

from __future__ import unicode_literals

import gimp
import pixels
from deepdream_common import mask, recipe, words
from gimpfu import pdb

KIND = str("|u1")
"""Of all frames."""


class Task(object):
    """One dream: the options, and the frame to send, as `channels` and `sent`."""

    def __init__(self, image, drawable, rectangle, values):
        """Read the frame: a rectangle of the drawable; values: by argument name, all of them."""
        self.channels = self._channels = drawable.bpp
        self.sent = self._pixels = pixels.read(drawable, rectangle)
        self._fitted = bool(values["fit-selection"]) and not pdb.gimp_selection_is_empty(image)
        self._values = values
        if self._fitted:
            self._values = words.masked(values, *pixels.selected(drawable)[2:])
            shares = pixels.shares(image, drawable, rectangle)
            self.channels, self.sent = mask.put_on(KIND, self.channels, self.sent, shares)
        self.options = words.engine_options(self._values, brief=True)
        if self._fitted:
            self.options += words.MASK

    def answer(self, dreamed):
        """Return the engine's pixels in the drawable's format."""
        return mask.take_off(KIND, self._channels, self._pixels, dreamed) if self._fitted else dreamed

    def recipe(self, engine):
        """Return the recipe of what the engine made."""
        version = ".".join(str(number) for number in gimp.version)
        held = "alpha" if self._fitted else None
        return recipe.text(words.settings(self._values), engine.about, version, not engine.stopped, held)
