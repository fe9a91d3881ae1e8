# -*- coding: utf-8 -*-
"""What layers and channels become when another model is chosen, which may have others."""

from __future__ import unicode_literals

from . import channels, parameters

LAST = 2
"""So many of its last layers a model dreams with that has none of the chosen ones, as in the engine."""

SLIDERS = tuple(parameter.name for parameter in parameters.LAYERS)


def fitted(values, counts):
    """Return those of the values, by argument name, that have to change for a model, with what they become.

    counts: its layers with their numbers of channels.
    """
    names = [name for name, _count in counts]
    changed = dict((name, 0.0) for name in SLIDERS if values[name] and name not in names)
    text = values[parameters.CHANNELS.name] or ""
    items = [item.strip() for item in text.split(",") if item.strip()]
    kept = [item for item in items if item.partition("=")[0].partition(":")[0].strip() in names]
    if len(kept) != len(items):
        changed[parameters.CHANNELS.name] = ",".join(kept)
    if kept or any(values[name] for name in SLIDERS if name not in changed):
        return changed
    return dict(changed, **_usual(values["preset"], names))


def _usual(preset, names):
    """Return the values of layers and channels to begin with."""
    usual = parameters.preset_values(preset)
    found = dict((name, usual[name]) for name in SLIDERS)
    needed = [name for name in SLIDERS if found[name]]
    needed += [layer for layer, _channel in channels.strengths(usual[parameters.CHANNELS.name])[0]]
    if set(needed) <= set(names):
        return dict(found, **{str(parameters.CHANNELS.name): usual[parameters.CHANNELS.name]})
    text = ",".join("%s=1" % name for name in names[-LAST:] if name not in SLIDERS)
    found = dict((name, 1.0 if name in names[-LAST:] else 0.0) for name in SLIDERS)
    return dict(found, **{str(parameters.CHANNELS.name): text})
