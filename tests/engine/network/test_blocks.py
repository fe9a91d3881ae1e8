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
from engine.network.model import load_model, model_of
from engine.weights.cutting import cut, describe
from engine.weights.filling import fill
from engine.weights.templates import read_template
from export.verify import relative_error
from tests.engine.conftest import TINY
from tests.engine.weights.test_templates import Drawn

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
    ("layer", "said"),
    [("inception_3a/7x7", "no layer 'inception_3a/7x7'"), ("inception_3a/3x3", "cannot be cut at")],
)
def test_a_model_is_cut_behind_blocks_only(layer: str, said: str) -> None:
    template = read_template("bvlc_googlenet")
    with pytest.raises(UsageError, match=said) as caught:
        cut(template.content, layer, template.instructions.min_sizes)
    assert "inception_3a/output" in caught.value.hint
    assert "3x3" not in caught.value.hint


@pytest.fixture(scope="module")
def googlenet() -> Iterator[DreamModel]:
    """The real network with its pooled block 4a, of random weights."""
    template = read_template("bvlc_googlenet")
    content = fill(template.content, Drawn(template.instructions), "inception_4a/output")
    with model_of(content, "googlenet", device="cpu", threads=1, precision="full") as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize(
    "layers",
    [
        ["inception_3b/5x5_reduce"],
        ["inception_3a/3x3"],
        ["inception_4a/pool_proj"],
        ["inception_4a/1x1", "inception_3b/output"],
    ],
)
def test_alone_they_give_the_gradient_of_the_whole(googlenet: DreamModel, layers: list[str]) -> None:
    """What other layers need is left out, but not from within their own block."""
    image = np.random.default_rng(5).uniform(-1, 1, (70, 83, 3)).astype(np.float32)
    weights = googlenet.channel_weights(dict.fromkeys(layers, 1.0))
    everything, split = (slice(0, 70), slice(0, 83)), np.zeros_like(image)
    part = googlenet.split_for(layers)
    assert part is not None
    loss, _ = part.add_gradient(split, image, weights, everything, everything)
    whole_loss, whole = googlenet(image, weights)
    assert loss == pytest.approx(whole_loss, rel=1e-5)
    assert relative_error(split, whole) < 1e-5


@pytest.mark.slow
def test_a_guide_may_be_followed_in_one(googlenet: DreamModel) -> None:
    layer = "inception_3b/5x5_reduce"
    energies = googlenet.energies(np.zeros((70, 83, 3), np.float32), layers=[layer])
    assert energies[googlenet.channels_of([layer])].any()
    assert [*googlenet.activations(np.zeros((70, 83, 3), np.float32), [layer])] == [layer]
    settings = {"layers": {layer: 1.0}, "octaves": 1, "iterations": 1}
    picture = np.random.default_rng(6).integers(0, 255, (90, 97, 3), np.uint8)
    free = engine.dream(picture, model=googlenet, **settings)
    guide = picture[::-1].copy()
    guided = engine.dream(picture, model=googlenet, guide=guide, guide_places=True, **settings)
    assert (guided.pixels != free.pixels).any()
