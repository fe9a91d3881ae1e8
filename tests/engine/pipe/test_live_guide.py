"""`deepdream pipe --live` looks at a guide once, not for each of many small dreams."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.ascent import order
from engine.cli import main as cli
from engine.cli import parser
from engine.cli.commands.pipe import _Desk
from engine.errors import ImageError
from tests.engine.conftest import TINY, noise


@pytest.fixture
def desk() -> _Desk:
    words = ["pipe", "--live", "--device", "cpu", "--model", str(TINY)]
    return _Desk(parser.parse(cli.COMMANDS, words), lambda _facts: None)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Count how often a guide is looked at."""
    found: list[object] = []
    real = order.energies_of

    def energies_of(*arguments: object, **keywords: object) -> object:
        found.append(keywords)
        return real(*arguments, **keywords)

    monkeypatch.setattr(order, "energies_of", energies_of)
    return found


def test_same_guide_is_looked_at_once(desk: _Desk, looks: list[object], tmp_path: Path) -> None:
    guide, other = tmp_path / "guide.png", tmp_path / "other.png"
    noise(80, 90).save(guide)
    noise(90, 80).save(other)
    words = ("--preset", "keras", "--layers", "mixed0=1", "--guide", str(guide))
    _, first, _ = desk.prepare(words)
    _, second, _ = desk.prepare((*words, "--step", "0.02"))
    assert len(looks) == 1
    assert second.config.step_size == 0.02
    assert np.array_equal(first.guide, second.guide)
    assert first.guide_from == second.guide_from
    _, without, _ = desk.prepare(words[:4])
    assert without.guide is None
    for changed in (
        (*words, "--guide", str(other)),
        words,
        (*words[:2], "--layers", "mixed0=1,mixed1=1", *words[4:]),
        (*words, "--guide-places"),
    ):
        count = len(looks)
        desk.prepare(changed)
        assert len(looks) == count + 1, changed


def test_changed_file_is_looked_at_again(desk: _Desk, looks: list[object], tmp_path: Path) -> None:
    guide = tmp_path / "guide.png"
    words = ("--preset", "keras", "--layers", "mixed0=1", "--guide", str(guide))
    with pytest.raises(ImageError):
        desk.prepare(words)
    for number in range(2):
        noise(80, 90 + number).save(guide)
        os.utime(guide, ns=(number, number))
        desk.prepare(words)
    assert len(looks) == 2
