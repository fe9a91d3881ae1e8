# -*- coding: utf-8 -*-
"""Layers and channels written as text: what is wrong with it, and the strength of each channel in it."""

from __future__ import unicode_literals

import math
import re
from collections import OrderedDict  # novermin - 3.0 is not meant

from .texts import _

COUNTS = (
    ("mixed0", 256),
    ("mixed1", 288),
    ("mixed2", 288),
    ("mixed3", 768),
    ("mixed4", 768),
    ("mixed5", 768),
)
"""The layers of the engine's own network, each with its number of channels."""

LIMIT = 1000.0
"""The largest coefficient, of either sign."""

MANY = 24
"""Layers that a message lists, at most; those inside blocks of others are the last."""

_SELECTOR = re.compile(r"([^:=,+\s]+)(?::([0-9]{1,6}(?:\+[0-9]{1,6})*))?\Z")


def problem(text, counts=COUNTS):
    """Return what the engine would refuse in a text for `--layers` first, a sentence, or nothing.

    counts: the model's layers with their numbers of channels, None where these are not known.
    """
    seen = set()
    for item in text.split(","):
        name, equals, number = (part.strip() for part in item.partition("="))
        found = _problem(item.strip(), name, number if equals else "1", counts)
        if found:
            return found
        if name in seen:
            return _("%(layer)s is given twice.") % {"layer": name}
        seen.add(name)
    return ""


def strengths(text, counts=COUNTS):
    """Return the strengths by (layer, channel), in their order, and a list of the text's other parts.

    counts: see `problem`.  Channels that are named twice add up, as in the engine.  The other parts, as they
    are written, are whole layers and whatever the engine would refuse.
    """
    found, others = OrderedDict(), []
    for item in text.split(","):
        name, equals, number = (part.strip() for part in item.partition("="))
        number = number if equals else "1"
        layer, _colon, numbers = name.partition(":")
        if not numbers or _problem(item, name, number, counts):
            others.append(item.strip())
            continue
        for channel in numbers.split("+"):
            key = (layer, int(channel))
            found[key] = found.get(key, 0.0) + float(number)
    return found, [item for item in others if item]


def whole_layers(others):
    """Return the strengths of whole layers among such other parts by layer, and what is left of the parts."""
    found, left = OrderedDict(), []
    for item in others:
        name, equals, number = (part.strip() for part in item.partition("="))
        if ":" in name or name in found or _problem(item, name, number if equals else "1", None):
            left.append(item)
        else:
            found[name] = float(number) if equals else 1.0
    return found, left


def text_of(found, others=()):
    """Return the text for such strengths and other parts: what is equally strong in a layer shares a part."""
    groups = OrderedDict()
    for (layer, channel), strength in found.items():
        groups.setdefault((layer, strength), []).append("%d" % channel)
    items = ["%s:%s=%.10g" % (layer, "+".join(group), x) for (layer, x), group in groups.items()]
    return ",".join(items + list(others))


def _problem(item, name, number, counts):
    form = _SELECTOR.match(name)
    coefficient = _number(number)
    if form is None or coefficient is None:
        return _("“%(text)s” is not like mixed4:12+40=0.5.") % {"text": item}
    if not -LIMIT <= coefficient <= LIMIT:
        wrong = {"name": name, "value": number, "low": "%d" % -LIMIT, "high": "%d" % LIMIT}
        return _("%(name)s can't be %(value)s. It must be from %(low)s to %(high)s.") % wrong
    layer, chosen = form.groups()
    if counts is None:
        return ""
    count = dict(counts).get(layer)
    if count is None:
        names = [known for known, _count in counts]
        names = names if len(names) <= MANY else names[:MANY] + ["..."]
        wrong = {"layer": layer, "layers": ", ".join(names)}
        return _("There is no layer %(layer)s. There are: %(layers)s.") % wrong
    beyond = [channel for channel in (chosen or "0").split("+") if int(channel) >= count]
    if not beyond:
        return ""
    wrong = {"layer": layer, "channel": beyond[0], "last": count - 1}
    return _("%(layer)s has no channel %(channel)s. Its channels are 0 to %(last)d.") % wrong


def _number(text):
    """Return the number, None where the text is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number
