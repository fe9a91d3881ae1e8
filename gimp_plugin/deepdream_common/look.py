# -*- coding: utf-8 -*-
"""The looks that one can choose from: the presets that the plug-in knows, and the user's own."""

from __future__ import unicode_literals

import random
from collections import namedtuple

from . import channels, engine_words, parameters
from .texts import _

Look = namedtuple("Look", "key title description preset own values missing needs")
"""One look.

key: names it among all looks, also for favourites; title, description: for people; preset: the argument's
value for it; own: whether it is the user's; values: by argument name, all that a preset sets; missing: what
of it GIMP can't do, or what is not here, sentences; needs: the model that its layers are those of, nothing
for the built-in one.
"""

BASE = "keras"
"""Name of the preset with the values that a preset's file leaves out; a look of the user's own is this one
with other values."""

OWN = "own/"
"""Before the keys of the user's own presets, which may have the names of others."""

ARGUMENT = "own-look"
"""Name of the argument with the key of the user's own look that is chosen; GIMP keeps it with the others, and
scripts don't have it."""

SEED = "seed"
LARGEST_SEED = 9999
"""A surprise's seeds are 1 to this: enough, and short enough to be written down."""

STEPS = 50
"""Number of steps that one can go back."""


def built_in():
    """Return the looks that the plug-in knows, in their order."""
    return [
        Look(x.name, _(x.title), _(x.description), x.name, False, parameters.preset_values(x.name), (), "")
        for x in parameters.PRESETS
    ]


def own(presets):
    """Return the user's own looks; presets: those of the engine's start event."""
    return [_own(preset) for preset in presets]


def _own(preset):
    name = preset["name"]
    needs = preset.get("needs") or ""
    values, missing = from_settings(preset.get("settings") or {}, None if needs else channels.COUNTS)
    said = [engine_words.translated(preset[part]) for part in ("message", "hint") if preset.get(part)]
    # The package's looks for other networks come this way, too; a user's own words stay as they are.
    title, description = [
        text and _(text) for text in (preset.get("title") or name, preset.get("description") or "")
    ]
    return Look(OWN + name, title, description, BASE, True, values, missing + tuple(said), needs)


def from_settings(settings, counts=channels.COUNTS):
    """Return values by argument name for settings by the engine's names, and what of them GIMP can't do.

    What they leave out is as in the tutorial.  counts: see `channels.problem`.
    """
    values, missing = parameters.preset_values(BASE), []
    left = dict(settings)
    layers = left.pop("layers", None)
    for parameter in parameters.SETTINGS:
        name = parameter.name.replace("-", "_")
        if name in left:
            values[parameter.name] = _within(parameter, left.pop(name), missing)
    if layers is not None:
        sliders = [parameter.name for parameter in parameters.LAYERS]
        values.update((name, float(layers.get(name, 0.0))) for name in sliders)
        values[parameters.CHANNELS.name] = _text(layers, sliders)
        problem = channels.problem(_text(layers, ()), counts)
        missing += [problem] if problem else []
    missing += [
        _("GIMP has no control for “%(name)s”.") % {"name": name} for name in sorted(left) if left[name]
    ]
    return values, tuple(missing)


def _within(parameter, value, missing):
    """Return a setting's value as the argument has it, and tell if that is another one."""
    if value is None:
        return parameter.default if parameter.least is None else 0
    if parameter.kind != "bool" and value > parameter.high:
        missing.append(
            _("%(name)s can't be more than %(limit)s.") % {"name": parameter.name, "limit": parameter.high}
        )
        return parameter.high
    return value


def _text(layers, left_out):
    """Return layers as the text that `channels` has."""
    chosen = sorted(name for name in layers if name not in left_out)
    return ",".join("%s=%.10g" % (name, layers[name]) for name in chosen)


def changed(look, values):
    """Return whether values by argument name are other than the look's; a seed is no change of the look."""
    return any(values[name] != value for name, value in look.values.items() if name != SEED)


def ordered(looks, favourites):
    """Return the looks with the favourites, which are keys, first; both in the order they were in."""
    return [x for x in looks if x.key in favourites] + [x for x in looks if x.key not in favourites]


def surprise(looks, current, chance=random):
    """Return a look other than the one with the key `current`, and a seed; or None if there is none.

    Only looks that a seed makes a difference to: those that jitter.
    """
    others = [x for x in looks if x.key != current and x.values["jitter"]]
    return (chance.choice(others), chance.randint(1, LARGEST_SEED)) if others else None


class History(object):
    """What was set before, to go back to."""

    def __init__(self):
        self._states = []

    def __len__(self):
        return len(self._states)

    def keep(self, state):
        """Keep a state, before another one takes its place; the oldest are dropped."""
        if not self._states or self._states[-1] != state:
            self._states = self._states[-STEPS + 1 :] + [state]

    def back(self):
        """Return the last state that was kept, and keep it no longer."""
        return self._states.pop()
