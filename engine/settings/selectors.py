"""Layers and channels as people write them: `mixed4=2,mixed3:87=1,mixed5:12+40=0.5`.

A selector is a layer's name, alone or with the numbers of some of its channels, counted from 0.
"""

from __future__ import annotations

import difflib
import math
import re
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EXAMPLE: Final = "for example --layers mixed3=0.5,mixed4=2, or channels: --layers mixed3:87=1,mixed5:12+40"

_SELECTOR: Final = re.compile(r"([^:=,+\s]+)(?::(\d{1,6}(?:\+\d{1,6})*))?")

MANY: Final = 24
"""Words that a hint lists, at most."""

FEW: Final = 8
"""How many of more words than that it lists."""


def parse_selector(text: str) -> tuple[str, tuple[int, ...]]:
    """Return a selector's layer and channels, which are empty if it means the whole layer.

    Raises UsageError if the text does not have that form.
    """
    form = _SELECTOR.fullmatch(text.strip())
    if form is None:
        raise UsageError(f"--layers: {text.strip()!r} is not NAME or NAME:CHANNEL+CHANNEL", hint=EXAMPLE)
    return form[1], tuple(int(x) for x in form[2].split("+")) if form[2] else ()


def layer_of(selector: str) -> str:
    """Return the layer of a selector."""
    return selector.partition(":")[0]


def named_channels(selector: str, count: int) -> tuple[int, ...]:
    """Return a selector's channels, empty for the whole layer, which has `count` of them.

    Raises UsageError for a channel that the layer does not have.
    """
    name, channels = parse_selector(selector)
    beyond = [x for x in channels if x >= count]
    if beyond:
        raise UsageError(f"{name} has no channel {beyond[0]}", hint=f"its channels are 0 to {count - 1}")
    return channels


def parse_layers(text: str) -> dict[str, float]:
    """Read layer coefficients written as `mixed3=0.5,mixed4,mixed5:12+40=2`; no number means 1.

    Raises UsageError if the text does not have that form.
    """
    layers: dict[str, float] = {}
    for item in text.split(","):
        name, equals, number = (part.strip() for part in item.partition("="))
        try:
            coefficient = float(number) if equals else 1.0
        except ValueError:
            coefficient = math.nan
        if not _SELECTOR.fullmatch(name) or name in layers or math.isnan(coefficient):
            what = f"{name} is given twice" if name in layers else f"{item.strip()!r} is not NAME=NUMBER"
            raise UsageError(f"--layers {text}: {what}", hint=EXAMPLE)
        layers[name] = coefficient
    return layers


def format_layers(layers: Mapping[str, float]) -> str:
    """Return layer coefficients as the text that `parse_layers` reads."""
    return ",".join(f"{name}={format_number(value)}" for name, value in layers.items())


def format_number(value: float) -> str:
    """Return the shortest text of a number that is exact."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a hint for a misspelt word: the most similar known one, if any, and all of them.

    Of more than `MANY` it names those that are most like it.
    """
    names = list(known)
    near = nearest(word, names)
    if len(names) > MANY:
        names = [*difflib.get_close_matches(word, names, FEW, cutoff=0), "…"]
    return (f"did you mean {near}? " if near else "") + f"there are: {', '.join(names)}"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that a wrong one nearly is, is the first part of, or is at all like; else ""."""
    names = list(known)
    nearly, alike = (difflib.get_close_matches(word, names, 1, cutoff) for cutoff in (0.9, 0.6))
    begun = [x for x in names if x.startswith((f"{word}_", f"{word}-"))]
    return next(iter(nearly or begun or alike), "")
