"""Tiles: every pixel once, and the whole picture's gradient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import engine
from engine.ascent import tiles
from engine.ascent.grid import grid
from engine.errors import ImageError, UsageError
from engine.settings.tiling import Tiling, parse_bytes, parse_tile
from tests.engine.conftest import gradient_of

ROOT = Path(__file__).parents[3]
TINY = ROOT / "tests/data/tiny.onnx"
LAYERS = {"mixed2": 0.2, "mixed3": 0.5, "mixed4": 2.0, "mixed5": 1.5}


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


@settings(deadline=None)
@given(
    st.integers(60, 3000),
    st.integers(60, 3000),
    st.sampled_from([128, 256, 512]),
    st.sampled_from([0, 32, 48, 96]),
    st.integers(0, 7),
    st.integers(0, 7),
)
def test_cores_cover_every_pixel_once_within_their_windows(
    height: int, width: int, size: int, halo: int, down: int, across: int
) -> None:
    seen = np.zeros((height, width), np.uint8)
    for tile in grid((height, width), size, halo, (down * 16, across * 16)):
        seen[tile.core] += 1
        for core, window, length in zip(tile.core, tile.window, (height, width), strict=True):
            assert 0 <= window.start <= max(core.start - halo, 0)
            assert min(core.stop + halo, length) <= window.stop <= length
            assert window.start % 16 == 0
            assert 0 < core.stop - core.start <= size + tiles.THINNEST
        for core, window, inside, length in zip(
            tile.core, tile.window, tile.inside, (height, width), strict=True
        ):
            assert range(length)[window][inside] == range(length)[core]
    assert (seen == 1).all()


@pytest.fixture(scope="module")
def tiny() -> engine.DreamModel:
    return engine.load_model(TINY, device="cpu", threads=2)


def test_small_pictures_are_computed_whole(tiny: engine.DreamModel) -> None:
    image = np.random.default_rng(0).uniform(-1, 1, (70, 80, 3)).astype(np.float32)
    layers = {"mixed0": 1.0}
    loss, slope = tiles.TiledGradient(tiny, tiny.channel_weights(layers), Tiling())(image)
    expected_loss, expected = gradient_of(tiny, layers)(image)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    np.testing.assert_allclose(slope, expected, rtol=1e-3, atol=1e-6 * np.abs(expected).max())


@pytest.mark.slow
def test_tiles_agree_with_the_whole_picture(tiny: engine.DreamModel) -> None:
    """The tiny model sees a few pixels only, so that a halo makes tiles exact up to their scale."""
    image = np.random.default_rng(0).uniform(-1, 1, (500, 430, 3)).astype(np.float32)
    layers = {"mixed0": 1.0, "mixed1": 0.5}
    loss, slope = tiles.TiledGradient(tiny, tiny.channel_weights(layers), Tiling(), 128)(image)
    whole_loss, whole = gradient_of(tiny, layers)(image)
    assert cosine(slope, whole) > 0.9999
    assert loss == pytest.approx(whole_loss, rel=0.05)
    assert np.abs(slope).mean() == pytest.approx(np.abs(whole).mean(), rel=0.05)


@pytest.mark.slow
def test_the_seed_decides(tiny: engine.DreamModel) -> None:
    image = np.random.default_rng(0).uniform(-1, 1, (260, 200, 3)).astype(np.float32)

    def slopes(seed: int) -> list[np.ndarray]:
        made = tiles.TiledGradient(tiny, tiny.channel_weights({"mixed1": 1.0}), Tiling(halo=0), 128, seed)
        return [made(image)[1] for _ in range(2)]

    first, again, other = slopes(1), slopes(1), slopes(2)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first[0], first[1])


def test_an_interrupt_does_not_wait_for_all_tiles(
    tiny: engine.DreamModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def interrupted(*_: object) -> None:
        calls.append(1)
        raise KeyboardInterrupt

    made = tiles.TiledGradient(tiny, tiny.channel_weights({"mixed1": 1.0}), Tiling(), 128)
    monkeypatch.setattr("engine.network.split.SplitModel._forward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made(np.zeros((2000, 2000, 3), np.float32))
    assert len(calls) < 100


def test_the_budget_decides(tiny: engine.DreamModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.machine.available_memory", lambda: None)
    assert tiles.tile_size(tiny, Tiling(), (1000, 1000)) is None
    assert tiles.tile_size(tiny, Tiling(), (4000, 6000)) == 832
    assert tiles.tile_size(tiny, Tiling(max_memory=20_000_000_000), (4000, 6000)) is None
    assert tiles.tile_size(tiny, Tiling(max_memory=400_000_000), (1000, 1000)) == pytest.approx(300, abs=80)
    assert tiles.tile_size(tiny, Tiling(size="off"), (4000, 6000)) is None
    assert tiles.tile_size(tiny, Tiling(size=256), (100, 100)) == 256


def test_little_free_memory_means_smaller_tiles(
    tiny: engine.DreamModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = (1000, 1000)
    monkeypatch.setattr("engine.machine.available_memory", lambda: 500_000_000)
    size = tiles.tile_size(tiny, Tiling(), shape)
    assert size is not None
    assert tiles.TiledGradient(tiny, tiny.channel_weights({"mixed0": 1.0}), Tiling(), size).cuts(shape)


def test_what_does_not_fit_is_refused_with_a_way_out(
    tiny: engine.DreamModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.machine.available_memory", lambda: 2_000_000_000)
    shape, layers = (3000, 4000), {"mixed0": 1.0}
    size = tiles.settled(tiny, Tiling(), shape)
    assert tiles.TiledGradient(tiny, tiny.channel_weights(layers), Tiling(), size).cuts(shape)
    with pytest.raises(ImageError, match="needs about 7") as caught:
        tiles.settled(tiny, Tiling(size="off"), shape)
    assert "--tile" in caught.value.hint
    with pytest.raises(ImageError, match="needs about") as caught:
        tiles.settled(tiny, Tiling(), (30000, 20000))
    assert "smaller" in caught.value.hint


@pytest.mark.parametrize(("text", "expected"), [("auto", "auto"), ("off", "off"), ("256", 256)])
def test_tile_option(text: str, expected: str | int) -> None:
    assert parse_tile(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2GB", 2_000_000_000), ("800 MB", 800_000_000), ("1.5GiB", 1_610_612_736), ("1g", 1_000_000_000)],
)
def test_memory_option(text: str, expected: int) -> None:
    assert parse_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "GB", "2", "-1GB", "2 PB", "1e9", "nan MB"])
def test_amounts_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--max-memory"):
        parse_bytes(text)


@pytest.mark.parametrize("given", [{"size": 64}, {"size": 9000}, {"halo": -1}, {"max_memory": 1_000_000}])
def test_settings_out_of_range(given: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="out of range"):
        Tiling(**given)


@pytest.mark.parametrize("text", ["x", "", "-1", "1.5"])
def test_tiles_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--tile"):
        parse_tile(text)


@pytest.mark.slow
def test_tiles_are_true_on_a_photograph_and_leave_no_seam() -> None:
    """The error beside the borders of the cores is no larger than elsewhere, once borders have moved."""
    with Image.open(ROOT / "examples/mountains.jpg") as file:
        picture = file.convert("RGB").resize((768, 768), Image.Resampling.LANCZOS)
    photograph = np.asarray(picture, np.float32) / np.float32(127.5) - np.float32(1)
    model = engine.load_model(device="cpu", threads=1)
    whole_loss, whole = gradient_of(model, LAYERS)(photograph)
    made = tiles.TiledGradient(model, model.channel_weights(LAYERS), Tiling(), 384)
    results = [made(photograph) for _ in range(8)]
    assert min(cosine(slope, whole) for _, slope in results) >= 0.95
    mean = np.mean([slope for _, slope in results], axis=0)
    assert cosine(mean, whole) >= 0.99
    for loss, _ in results:
        assert loss == pytest.approx(whole_loss, rel=0.02)
    wide = tiles.TiledGradient(model, model.channel_weights(LAYERS), Tiling(halo=96), 384)
    assert cosine(wide(photograph)[1], whole) >= 0.995
    error = np.abs(mean - whole).mean(axis=2)
    error, size = (x[100:-100, 100:-100] for x in (error, np.abs(whole).mean(axis=2)))
    # 7 to 11 times for a grid that stays where it is.
    for axis in (0, 1):
        strips = [x.mean(axis=axis)[:560].reshape(-1, 16).mean(axis=1) for x in (error, size)]
        relative = strips[0] / strips[1]
        assert relative.max() < 3 * np.median(relative)
