"""A guide place by place: what steers, in parts, whole and in tiles; and who cannot have it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import engine
from engine.ascent import guide, tiles
from engine.ascent.order import Guide, order_for
from engine.ascent.work import Work
from engine.errors import UsageError
from engine.network.model import DreamModel, load_model
from engine.network.split import SplitModel
from engine.settings.config import DreamConfig
from engine.settings.tiling import Tiling
from tests.engine.conftest import TINY

if TYPE_CHECKING:
    from pathlib import Path

LAYERS = {"mixed0": 1.0, "mixed1": 0.5}
CONFIG = DreamConfig(layers=LAYERS, octaves=1, iterations=2, guide_places=True)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (height, width, 3)).astype(np.float32)


def without_stem(tmp_path: Path, schema: str = "2") -> DreamModel:
    """Open the same model so that it is computed whole, as on a GPU."""
    onnx = pytest.importorskip("onnx")
    content = onnx.load(TINY)
    entries = {x.key: x.value for x in content.metadata_props} | {"deepdream.schema": schema}
    del entries["deepdream.stem"]
    onnx.helper.set_model_props(content, entries)
    path = tmp_path / "whole.onnx"
    onnx.save(content, path)
    return load_model(path, device="cpu", threads=1)


def targets(model: DreamModel, rows: int = 9) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    return {
        x.name: random.uniform(0, 2, (rows, x.channels)).astype(np.float32) for x in model.metadata.layers
    }


def nothing(model: DreamModel) -> np.ndarray:
    return np.zeros(model.metadata.channels, np.float32)


@pytest.mark.parametrize("shape", [(40, 53), (120, 31)])
def test_the_places_of_a_picture_are_its_energies(tiny: DreamModel, shape: tuple[int, int]) -> None:
    image = picture(*shape)
    energies = tiny.energies(image)
    for layer in tiny.metadata.layers:
        found = tiny.activations(image, [layer.name])[layer.name]
        # The stem's 3x3 max pool of stride 2, without padding.
        positions = np.prod([(x - 3) // 2 + 1 for x in shape])
        expected = np.square(found).sum(0) / (positions * layer.channels)
        np.testing.assert_allclose(expected, energies[tiny.places()[layer.name]], rtol=1e-4)


def test_the_gradient_is_the_derivative_of_the_loss(tiny: DreamModel) -> None:
    image, aims = picture(40, 53), targets(tiny)
    gradient = tiles.gradient(tiny, nothing(tiny), Tiling(), None, 0, aims)
    direction = np.random.default_rng(1).normal(size=image.shape).astype(np.float32)
    _, slope = gradient(image)
    up, down = (gradient(image + x * direction)[0] for x in (1e-3, -1e-3))
    assert (up - down) / 2e-3 == pytest.approx(float((slope * direction).sum()), rel=5e-2, abs=1e-3)


def test_in_parts_and_whole_it_is_the_same(tiny: DreamModel, tmp_path: Path) -> None:
    image, aims = picture(60, 75), targets(tiny)
    whole = without_stem(tmp_path)
    (loss, slope), (other_loss, other) = (
        tiles.gradient(model, nothing(model), Tiling(), None, 0, aims)(image) for model in (tiny, whole)
    )
    assert loss == pytest.approx(other_loss, rel=1e-5)
    np.testing.assert_allclose(slope, other, atol=1e-5 * np.abs(slope).max())
    for name, found in tiny.activations(image, LAYERS).items():
        np.testing.assert_allclose(found, whole.activations(image, LAYERS)[name], atol=1e-5)


@pytest.mark.parametrize("whole", [False, True])
def test_in_tiles_it_is_nearly_the_same(tiny: DreamModel, tmp_path: Path, whole: bool) -> None:
    model = without_stem(tmp_path) if whole else tiny
    image, aims = picture(400, 300), targets(tiny)
    loss, slope = tiles.gradient(model, nothing(model), Tiling(), None, 0, aims)(image)
    cut = tiles.gradient(model, nothing(model), Tiling(halo=32), 128, 0, aims)
    assert cut.cuts(image.shape[:2])
    near_loss, near = cut(image)
    assert near_loss == pytest.approx(loss, rel=0.1)
    assert (near * slope).sum() / np.linalg.norm(near) / np.linalg.norm(slope) > 0.99


def test_one_layer_is_steered_by_its_own_targets_alone(tiny: DreamModel) -> None:
    image, aims = picture(40, 53), targets(tiny)
    one = {"mixed0": aims["mixed0"]}
    loss, _ = tiles.gradient(tiny, nothing(tiny), Tiling(), None, 0, one)(image)
    places = tiny.activations(image, ["mixed0"])["mixed0"]
    lengths = np.linalg.norm(one["mixed0"], axis=1, keepdims=True)
    best = one["mixed0"][(places @ (one["mixed0"] / lengths).T).argmax(1)]
    positions = np.prod([(x - 3) // 2 + 1 for x in image.shape[:2]])
    assert loss == pytest.approx(float((best * places).sum()) / (positions * 4), rel=1e-4)


def test_each_place_is_aimed_at_a_place_of_the_guide_in_the_steered_channels(tiny: DreamModel) -> None:
    rows = guide.places_of(tiny, picture(90, 90, 4), LAYERS)
    assert all(len(x) <= guide.MOST_PLACES for x in rows.values())
    weights = np.arange(tiny.metadata.channels, dtype=np.float32)
    aims = guide.aimed(tiny, weights, rows)
    assert list(aims) == list(LAYERS)
    for name, channels in tiny.places().items():
        np.testing.assert_array_equal(aims[name], rows[name] * weights[channels])


def test_many_places_are_thinned_out_evenly(tiny: DreamModel) -> None:
    image = picture(200, 200)
    rows, all_rows = guide.places_of(tiny, image, LAYERS), tiny.activations(image, LAYERS)
    for name, found in rows.items():
        step = -(-len(all_rows[name]) // guide.MOST_PLACES)
        assert step > 1
        np.testing.assert_array_equal(found, all_rows[name][::step])


def dreamed(model: DreamModel, **changes: object) -> np.ndarray:
    config = replace(CONFIG, **changes)
    order = order_for(model, config, guide=Guide(picture(70, 50, 7)))
    *_, last = Work.settle(picture(64, 80), order, model).steps()
    return last.full_size()


def test_a_dream_place_by_place_is_another_and_always_the_same(tiny: DreamModel, tmp_path: Path) -> None:
    first, again = dreamed(tiny), dreamed(tiny)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - dreamed(tiny, guide_places=False)).max() > 1e-3
    np.testing.assert_allclose(dreamed(without_stem(tmp_path)), first, atol=1e-2)


def test_all_pictures_take_the_same_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model(TINY, device="cpu", threads=1)
    opened: list[bool] = []
    made = SplitModel.__init__

    def counted(self: SplitModel, *arguments: Any, guided: bool) -> None:
        opened.append(guided)
        made(self, *arguments, guided=guided)

    monkeypatch.setattr(SplitModel, "__init__", counted)
    for _ in range(2):
        dreamed(model)
    assert opened == [True]


def test_without_a_guide_it_changes_nothing(tiny: DreamModel) -> None:
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    dreams = [
        engine.dream(image, preset="keras", layers=LAYERS, iterations=1, model=tiny, guide_places=x).pixels
        for x in (False, True)
    ]
    np.testing.assert_array_equal(*dreams)


def test_a_model_of_the_first_format_says_that_it_has_no_targets(tmp_path: Path) -> None:
    model = without_stem(tmp_path, schema="1")
    with pytest.raises(UsageError, match="cannot follow a guide place by place") as caught:
        order_for(model, CONFIG, guide=Guide(picture(70, 50)))
    assert "--guide-places" in caught.value.hint
    order_for(model, replace(CONFIG, guide_places=False), guide=Guide(picture(70, 50)))
    model.close()
    with pytest.raises(UsageError, match="closed"):
        model.evaluate(picture(40, 40), nothing(model), {})
