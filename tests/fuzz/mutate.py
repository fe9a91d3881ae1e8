"""Damage to bytes and texts, of whatever format they are."""

from __future__ import annotations

import struct
from random import Random
from typing import Any

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
NUMBERS = (*EXTREMES, -1, 2, 3, 7, -(2**63), 2**63 - 1)
TEXTS = (
    "",
    "\x00",
    "\x1b[2J",
    "\n",
    "é",
    "\u202e",
    "\ud7ff",
    "𝕏",
    "a" * 5000,
    "-1",
    "1e999",
    "NaN",
    "[" * 200,
)


def damaged(random: Random, content: bytes) -> tuple[bytes, str]:
    """Return content with one to four damages, and what they are."""
    said = []
    for _ in range(random.choice((1, 1, 2, 4))):
        kind = random.choice(KINDS)
        place = random.randrange(len(content) + 1)
        content = kind(random, content, place)
        said.append(f"{kind.__name__.strip('_')} at {place}")
    return content, ", ".join(said)


def _bit(random: Random, content: bytes, place: int) -> bytes:
    place = min(place, len(content) - 1)
    return content[:place] + bytes([content[place] ^ (1 << random.randrange(8))]) + content[place + 1 :]


def _noise(random: Random, content: bytes, place: int) -> bytes:
    return content[:place] + random.randbytes(random.choice((1, 2, 4, 16, 200))) + content[place:]


def _overwritten(random: Random, content: bytes, place: int) -> bytes:
    new = random.randbytes(random.choice((1, 2, 4, 16)))
    return content[:place] + new + content[place + len(new) :]


def _number(random: Random, content: bytes, place: int) -> bytes:
    form = random.choice(("<H", ">H", "<I", ">I"))
    new = struct.pack(form, random.choice(EXTREMES) & (0xFFFF if form[1] == "H" else 0xFFFFFFFF))
    return content[:place] + new + content[place + len(new) :]


def _cut(_: Random, content: bytes, place: int) -> bytes:
    return content[:place] or content[:1]


def _dropped(random: Random, content: bytes, place: int) -> bytes:
    return content[:place] + content[place + random.choice((1, 4, 64)) :] or content


def _doubled(random: Random, content: bytes, place: int) -> bytes:
    return content[:place] + content[max(place - random.choice((1, 8, 100)), 0) :]


def _emptied(random: Random, content: bytes, place: int) -> bytes:
    count = min(random.choice((4, 40, 400)), len(content) - place)
    return content[:place] + bytes(count) + content[place + count :]


KINDS = (_bit, _bit, _noise, _overwritten, _number, _number, _cut, _dropped, _doubled, _emptied)


def damaged_text(random: Random, text: str) -> tuple[str, str]:
    """Return a text with a part replaced or another text put in, and what that is."""
    place = random.randrange(len(text) + 1)
    length = random.choice((0, 0, 1, 3, 10))
    new = random.choice((*TEXTS, *(chr(random.randrange(32, 127)) for _ in TEXTS)))
    return text[:place] + new + text[place + length :], f"{new[:20]!r} for {length} characters at {place}"


def other(value: Any, random: Random) -> Any:
    """Return a value of JSON with something in it replaced."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        name = random.choice(list(value))
        return value | {name: other(value[name], random)}
    if isinstance(value, list) and value and random.random() < 0.8:
        place = random.randrange(len(value))
        return [*value[:place], other(value[place], random), *value[place + 1 :]]
    return random.choice((*NUMBERS, *TEXTS, None, True, 0.5, [], {}, 1e300))
