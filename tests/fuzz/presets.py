"""Damaged presets, and what TOML makes slow or deep."""

from __future__ import annotations

from random import Random

from tests.fuzz.case import Case, dream, photo
from tests.fuzz.mutate import damaged, damaged_text

PRESET = """\
title = "Flight"
description = "Eyes and scales in calm, large forms."
octaves = 3
octave_scale = 1.4
step_size = 0.01
max_loss = "none"
clip = true
smooth = 0.6
blend = 0.83
jitter = 12

[layers]
mixed0 = 0.3
mixed1 = 1.0
"""
VALUES = (
    "1e400", "-0.0", "nan", "inf", "0x7f", "1_000", "99999999999999999999", '"none"', '"\\u001b[2J"', "true",
    "[]", "{}", "[[1]]", "1979-05-27", '"""\n"""', "1." + "0" * 400,
)  # fmt: skip


def make(random: Random) -> Case:
    """Return a dream with a damaged preset, or a look at one."""
    kind = random.choice((_text, _text, _bytes, _value, _repeated))
    content, what = kind(random)
    files = {"photo.png": photo(), "p.toml": content}
    if random.random() < 0.5:
        return Case(what, ("presets", "show", "p.toml"), frozenset({2}), files)
    words = dream("photo.png", "--preset", "p.toml")
    return Case(what, words, frozenset({2}), files, result="out.png")


def _text(random: Random) -> tuple[bytes, str]:
    text, what = damaged_text(random, PRESET)
    return text.encode("utf-8", "surrogatepass"), what


def _bytes(random: Random) -> tuple[bytes, str]:
    return damaged(random, PRESET.encode())


def _value(random: Random) -> tuple[bytes, str]:
    """Give a setting another value."""
    lines = PRESET.splitlines()
    place = random.choice([number for number, line in enumerate(lines) if " = " in line])
    lines[place] = lines[place].split(" = ")[0] + " = " + random.choice(VALUES)
    return "\n".join(lines).encode(), lines[place][:60]


def _repeated(random: Random) -> tuple[bytes, str]:
    """Fill a file with one thing, which a parser may take time by the square for."""
    unit = random.choice(
        ("[a]\n", "[[a]]\n", "a.", "[", "{a=", '"', "a={}\n", "[a.b]\n", "#", "\\", "'''", "[[", "\t")
    )
    count = random.choice((10, 1000, 10_000, 60_000))
    unique = "".join(f"k{x} = 1\n" for x in range(count // 10)) if random.random() < 0.1 else unit * count
    return (unique[:65_000] + random.choice(("", "\n", "=1", "]"))).encode(), f"{unit!r} {count} times"
