"""Damaged recipes: texts, and values of another kind or size in sound JSON."""

from __future__ import annotations

import json
from functools import cache
from random import Random
from typing import Any

from tests.fuzz.case import Case, dream, photo
from tests.fuzz.mutate import damaged_text, other

DIGEST = "0123456789abcdef" * 4


def make(random: Random) -> Case:
    """Return a dream that repeats a damaged recipe, or a look at one."""
    if random.random() < 0.4:
        text, what = damaged_text(random, recipe())
    else:
        table: Any = json.loads(recipe())
        for _ in range(random.choice((1, 1, 3))):
            table = other(table, random)
        text = json.dumps(table)
        what = "other values"
    content = text.encode("utf-8", "surrogatepass")
    files = {"photo.png": photo(), "r.json": content}
    if random.random() < 0.5:
        return Case(what, ("recipe", "r.json"), frozenset({2}), files)
    # 3: a guide or a mask that a recipe names is not there.
    words = dream("photo.png", "--recipe", "r.json")
    return Case(what, words, frozenset({2, 3}), files, result="out.png")


@cache
def recipe() -> str:
    """Return a recipe with everything in it."""
    from engine.settings.config import DreamConfig
    from engine.settings.origin import Origin
    from engine.settings.output import Output
    from engine.settings.recipe import Recipe
    from engine.settings.tiling import Tiling

    return Recipe(
        config=DreamConfig(layers={"mixed0:1": -0.1, "mixed1": 2.0}, max_loss=None, clip=True, seed=7),
        mask="alpha",
        output=Output(quality=80, depth="8", dither=True, strip_metadata=True),
        picture=DIGEST,
        tiling=Tiling(size=512, halo=64, max_memory=800_000_000),
        device="cpu",
        threads=2,
        model=Origin("mine.onnx", DIGEST),
        versions={"deepdream": "0.1.0", "onnxruntime": "1.30"},
        system="Linux x86_64",
    ).to_json()
