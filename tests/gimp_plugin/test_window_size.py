"""The dialog's size is kept from one time to the next, and never larger than the screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gimp_plugin.deepdream_common.window_size import NAME, USUAL, WindowSize, keep, recall, within


@pytest.fixture
def said() -> list[str]:
    return []


def test_a_size_is_kept(tmp_path: Path, said: list[str]) -> None:
    folder = tmp_path / "프로필"
    folder.mkdir()
    assert recall(str(folder), said.append) == USUAL == (1100, 760, 0.5)
    keep(str(folder), WindowSize(1500, 900, 0.61803), said.append)
    assert recall(str(folder), said.append) == (1500, 900, 0.618)
    assert [x.name for x in folder.iterdir()] == [NAME]
    assert not said


def test_a_size_that_is_kept_already_is_not_written(tmp_path: Path, said: list[str]) -> None:
    keep(str(tmp_path), USUAL, said.append)
    assert not list(tmp_path.iterdir()), "the usual size needs no file"


def test_a_smaller_screen_has_a_smaller_window() -> None:
    assert within(WindowSize(1500, 900, 0.6), 1008, 544) == (1008, 544, 0.6)
    assert within(WindowSize(1000, 500, 0.4), 1900, 1000) == (1000, 500, 0.4)


@pytest.mark.parametrize(
    "entries",
    [{}, {"width": 900}, {"width": "wide", "height": 2, "split": 1}, {"width": -3, "height": 9, "split": 0.5},
     {"width": 900, "height": 700, "split": 0.99}, {"width": 1e999, "height": 700, "split": 0.5},
     {"width": 900, "height": 700, "split": float("nan")}, {"width": [1], "height": 700, "split": 0.5}],
)  # fmt: skip
def test_a_size_that_makes_no_sense_is_the_usual_one(
    tmp_path: Path, said: list[str], entries: dict[str, object]
) -> None:
    (tmp_path / NAME).write_text(json.dumps(entries), encoding="utf-8")
    assert recall(str(tmp_path), said.append) == USUAL


@pytest.mark.parametrize("text", [b"", b"[]", b"\xff", b"{" * 9999, b"[" * 99999])
def test_a_broken_file_is_told_and_replaced(tmp_path: Path, said: list[str], text: bytes) -> None:
    (tmp_path / NAME).write_bytes(text)
    assert recall(str(tmp_path), said.append) == USUAL
    assert len(said) == 1
    keep(str(tmp_path), WindowSize(800, 600, 0.5), said.append)
    assert recall(str(tmp_path), said.append) == (800, 600, 0.5)


def test_a_size_that_can_t_be_kept_is_told(tmp_path: Path, said: list[str]) -> None:
    keep(str(tmp_path / "missing"), WindowSize(800, 600, 0.5), said.append)
    assert len(said) == 1
