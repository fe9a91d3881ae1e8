"""Layers inside blocks of others: dreamed of by name, and left out where all layers are shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import engine
from engine.errors import UsageError
from engine.galleries.gallery import make_plan
from engine.network.contract import Metadata
from engine.network.graph import Graph, parse
from engine.network.model import load_model
from engine.weights.cutting import cut, describe
from engine.weights.templates import read_template
from tests.engine.conftest import TINY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.network.model import DreamModel


def in_blocks(folder: Path) -> Path:
    """Write the tests' model with its first layer inside the second one's block; return the file."""
    model = parse(TINY.read_bytes())
    described = Metadata.from_props(Graph(TINY.read_bytes()).props)
    first, second = described.layers
    describe(model, replace(described, layers=(replace(first, block=second.name), second)))
    file = folder / "blocks.onnx"
    file.write_bytes(model.SerializeToString())
    return file


@pytest.fixture
def model(tmp_path: Path) -> Iterator[DreamModel]:
    with load_model(in_blocks(tmp_path), device="cpu") as opened:
        yield opened


def test_they_are_layers_and_not_main_ones(model: DreamModel) -> None:
    assert model.layer_names == ("mixed0", "mixed1")
    assert model.main_layers == ("mixed1",)


def test_they_are_dreamed_of_as_any(model: DreamModel, photo: Path, tiny: DreamModel) -> None:
    settings = {"preset": "keras", "layers": {"mixed0": 1.0}, "octaves": 1, "iterations": 1}
    ours, plain = (engine.dream(photo, model=x, **settings).pixels for x in (model, tiny))
    np.testing.assert_array_equal(ours, plain)


def test_what_shows_all_layers_leaves_them_out(model: DreamModel, photo: Path) -> None:
    assert make_plan(photo, model).selectors == ("mixed1",)
    assert [*engine.rank_channels(photo, model=model)] == ["mixed1"]


def test_asked_for_by_name_their_channels_are_ranked(model: DreamModel, photo: Path) -> None:
    assert [*engine.rank_channels(photo, layers=["mixed0"], model=model)] == ["mixed0"]
    assert make_plan(photo, model, channels="mixed0", count=1).selectors[0].startswith("mixed0:")


@pytest.mark.parametrize(
    ("until", "main"),
    [("inception_3a/output", ["output"]), ("inception_3a/3x3", ["1x1", "3x3_reduce", "3x3"])],
)
def test_cut_inside_a_block_they_stand_for_themselves(until: str, main: list[str]) -> None:
    """What is left of a block is all that there is to show."""
    template = read_template("bvlc_googlenet")
    made = cut(template.content, until, template.instructions.min_sizes)
    described = Metadata.from_props(Graph(made).props)
    assert described.layers[-1].name == until
    assert [x.removeprefix("inception_3a/") for x in described.main_layers] == main


def test_there_is_none_of_that_name() -> None:
    template = read_template("bvlc_googlenet")
    with pytest.raises(UsageError, match="no layer 'inception_3a/7x7'"):
        cut(template.content, "inception_3a/7x7", template.instructions.min_sizes)
