"""Channels as text and as strengths, and the table of those with a picture."""

from __future__ import annotations

import importlib.util
import sys

import pytest
from PIL import Image

from engine.settings.selectors import parse_layers
from gimp_plugin.deepdream_common import channels, parameters, words
from tests.gimp_plugin.conftest import PLUGIN

WITH_CHANNELS = [x.values["channels"] for x in parameters.PRESETS if x.values.get("channels")]


@pytest.mark.parametrize("text", [*WITH_CHANNELS, "", "mixed4:12+40=0.5,mixed3:87=-2.25,mixed5:1=1000"])
def test_text_comes_back_as_it_was(text):
    found, others = channels.strengths(text)
    assert not others
    assert channels.text_of(found) == text


@pytest.mark.parametrize(
    ("text", "strengths", "others"),
    [
        (" mixed4:12 , mixed4:40+7 = 0.5", {12: 1, 40: 0.5, 7: 0.5}, []),
        ("mixed4:12+12=2,mixed4:12=1", {12: 5}, []),
        ("mixed4,mixed4:3=1,mixed0=2", {3: 1}, ["mixed4", "mixed0=2"]),
        ("mixed4:768=1,mixed9:1,mixed4:3", {3: 1}, ["mixed4:768=1", "mixed9:1"]),
        ("mixed4:3=nan,mixed4:,dogs = x,, ", {}, ["mixed4:3=nan", "mixed4:", "dogs = x"]),
    ],
)
def test_what_is_no_channel_is_kept_as_it_is(text, strengths, others):
    found, rest = channels.strengths(text)
    assert found == {("mixed4", number): strength for number, strength in strengths.items()}
    assert rest == others
    again = channels.text_of(found, rest)
    assert channels.strengths(again) == (found, rest)


def test_channels_of_one_strength_share_a_part():
    found, others = channels.strengths("mixed4:439=50,mixed1=2")
    found["mixed4", 57] = 50.0
    found["mixed5", 152] = 12.5
    text = channels.text_of(found, others)
    assert text == "mixed4:439+57=50,mixed5:152=12.5,mixed1=2"
    assert not channels.problem(text)
    assert parse_layers(text)["mixed4:439+57"] == 50


def test_problem_of_values_is_a_sentence():
    none = {layer.name: 0.0 for layer in parameters.LAYERS}
    assert words.problem({}) == ""
    assert words.problem({**none, "channels": ""}) == words.NO_LAYERS
    assert "has no channel 768" in words.problem({"channels": "mixed4:768=1"})

    many = [(f"block{number}", 8) for number in range(60)]
    said = channels.problem("none=1", many)
    assert "block23, ..." in said
    assert "block24" not in said


# The table of the plug-in


@pytest.fixture
def table(monkeypatch):
    monkeypatch.syspath_prepend(str(PLUGIN))
    monkeypatch.syspath_prepend(str(PLUGIN / "gimp3" / "deepdream"))
    yield pytest.importorskip("channel_table")
    for name in [x for x in sys.modules if x == "channel_table" or x.startswith("deepdream_common")]:
        del sys.modules[name]


def test_table_is_what_the_page_lists(table):
    spec = importlib.util.spec_from_file_location("make_atlas", PLUGIN.parent / "docs" / "make_atlas.py")
    make_atlas = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_atlas)
    text = (PLUGIN / "gimp3" / "deepdream" / "channel_table.py").read_text(encoding="utf-8")
    assert text == make_atlas.gimp_table(), make_atlas.__doc__


def test_every_channel_of_the_table_is_one_and_has_a_picture(table):
    rows = [row for _, group in table.GROUPS for row in group]
    text = ",".join(f"{layer}:{channel}" for layer, channel, _ in rows)
    found, others = channels.strengths(text)
    assert len(found) == len(rows)
    assert not others
    file = PLUGIN / "gimp3" / "deepdream" / "pictures" / "channels.jpg"
    assert file.stat().st_size < 300_000
    with Image.open(file) as picture:
        across, down = (side // table.TILE for side in picture.size)
        assert picture.size == (table.COLUMNS * table.TILE, down * table.TILE)
        assert across * (down - 1) < len(rows) <= across * down
