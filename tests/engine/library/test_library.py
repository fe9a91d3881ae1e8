"""The call that a notebook makes."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine
from engine.errors import ImageError, UsageError
from engine.files import images
from engine.library.sources import read
from tests.engine.conftest import TINY, noise

LIGHT = {"layers": "mixed0,mixed1", "iterations": 2, "octaves": 2}


def test_every_public_name_is_there_and_documented() -> None:
    for name in engine.__all__:
        assert getattr(engine, name) is not None
    assert set(engine.__all__) <= set(dir(engine))
    with pytest.raises(AttributeError, match="nonsense"):
        engine.nonsense  # noqa: B018


def test_importing_costs_nothing() -> None:
    script = "import engine, sys; sys.exit(len({'numpy', 'PIL', 'scipy', 'onnxruntime'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_every_kind_of_picture_gives_the_same_dream(photo: Path, tiny) -> None:
    image = Image.open(photo)
    image.load()
    values = np.asarray(image)
    dreams = [engine.dream(x, model=tiny, **LIGHT).pixels for x in (photo, str(photo), image, values)]
    for other in dreams[1:]:
        np.testing.assert_array_equal(other, dreams[0])


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_an_array_of_more_than_8_bits_gives_one_too(photo: Path, tiny, dtype) -> None:
    values = np.asarray(Image.open(photo))
    white = 65535 if dtype == np.uint16 else 1
    dream = engine.dream((values / 255 * white).astype(dtype), model=tiny, **LIGHT).pixels
    assert dream.dtype == (np.uint16 if dtype == np.uint16 else np.float32)
    expected = engine.dream(photo, model=tiny, **LIGHT).pixels
    np.testing.assert_allclose(dream / white * 255, expected, atol=0.51)
    assert np.abs(dream / white * 255 - expected).max() > 0.3  # it is not just 8 bits, stretched


@pytest.mark.parametrize("shape", [(30, 40), (30, 40, 1), (30, 40, 2), (30, 40, 4)])
def test_arrays_by_channel_count(tiny, shape) -> None:
    values = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    dream = engine.dream(values, model=tiny, **LIGHT)
    assert dream.pixels.shape == (30, 40, 3)
    assert dream.image.mode == ("RGBA" if shape[-1] in {2, 4} else "RGB")
    if shape[-1] in {2, 4}:
        np.testing.assert_array_equal(np.asarray(dream.image)[..., 3], values[..., -1])


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 5), np.uint8),
        np.zeros(7, np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.full((20, 20, 3), 256, np.int32),
        np.full((20, 20, 3), 1.5),
        np.full((20, 20, 3), np.nan),
    ],
)
def test_arrays_that_are_no_pictures(tiny, array) -> None:
    with pytest.raises(ImageError):
        engine.dream(array, model=tiny, **LIGHT)


def test_a_deeper_dream_than_its_picture(photo: Path, tiny) -> None:
    plain, deep = (engine.dream(photo, model=tiny, depth=x, **LIGHT).pixels for x in ("source", "16"))
    np.testing.assert_array_equal(np.rint(deep / 257), plain)
    assert len(np.unique(deep)) > 256
    dithered = engine.dream(photo, model=tiny, dither=True, **LIGHT).pixels
    assert 0 < np.abs(dithered.astype(int) - plain).max() <= 2
    with pytest.raises(UsageError, match="no depth"):
        engine.dream(photo, model=tiny, depth="12", **LIGHT)


def test_a_dream_tells_how_it_came_to_be(photo: Path, tiny) -> None:
    seen: list[engine.Step] = []
    dream = engine.dream(photo, model=tiny, preset="keras", progress=seen.append, **(LIGHT | {"octaves": 4}))
    assert dream.device == "cpu"
    assert [len(x) for x in dream.losses] == [2, 2, 2]
    assert [x.loss for x in seen] == [x for octave in dream.losses for x in octave]
    assert dream.config.octaves == 4
    assert "too small" in dream.warnings[0]
    assert str(seen[0]).startswith("octave 1/3 15x20 iteration 1/2 loss ")


def test_a_dream_can_be_saved_and_shown(photo: Path, tmp_path: Path, tiny) -> None:
    dream = engine.dream(photo, model=tiny, **LIGHT)
    assert dream.save(tmp_path / "dream") == tmp_path / "dream.png"
    with pytest.raises(UsageError):
        dream.save(tmp_path / "dream.png")
    dream.save(tmp_path / "dream.png", overwrite=True)
    np.testing.assert_array_equal(images.load(tmp_path / "dream.png").pixels, dream.pixels)
    assert dream._repr_png_().startswith(b"\x89PNG")


def test_what_a_file_cannot_hold_is_a_warning_of_the_caller(tmp_path: Path, tiny) -> None:
    clear = np.dstack([np.asarray(noise(30, 40)), np.zeros((30, 40), np.uint8)])
    dream = engine.dream(clear, model=tiny, **LIGHT)
    with pytest.warns(engine.DreamWarning, match="JPEG has no alpha: the transparency is lost") as told:
        assert dream.save(tmp_path / "dream.jpg").exists()
    assert [x.filename for x in told] == [__file__]


def test_steps_can_be_watched_and_kept(photo: Path, tiny) -> None:
    config = engine.DreamConfig(layers={"mixed0": 1.0}, iterations=2)
    steps = list(engine.steps(photo, config, model=tiny))
    assert len(steps) == 6
    assert steps[0].full_size().shape == (30, 40, 3)
    with pytest.raises(UsageError):  # at the call, not at the first step
        engine.steps(photo, engine.DreamConfig(), model=tiny)


def test_a_picture_may_be_changed_while_a_dream_of_it_runs(tiny) -> None:
    picture = engine.Picture(np.array(noise(30, 40)), np.full((30, 40), 9, np.uint8))
    assert not np.shares_memory(read(picture)[0].alpha, picture.alpha)
    config = engine.DreamConfig(layers={"mixed0": 1.0}, iterations=1)
    expected = [x.full_size() for x in engine.steps(picture, config, model=tiny)]
    steps = engine.steps(picture, config, model=tiny)
    picture.pixels[:] = 0
    for step, full in zip(steps, expected, strict=True):
        np.testing.assert_array_equal(step.full_size(), full)


@pytest.mark.slow
def test_memory_from_file_to_file(tmp_path: Path, tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ascent's share (see test_ascent), the picture in 8 bit, and room for bands."""

    def flat(image: np.ndarray) -> tuple[float, np.ndarray]:
        return 0.0, np.full(image.shape, 0.1, np.float32)

    monkeypatch.setattr("engine.ascent.tiles.gradient", lambda *_: flat)
    Image.effect_noise((2100, 1400), 60).convert("RGB").save(tmp_path / "in.png", compress_level=1)
    tracemalloc.start()
    try:
        source = images.load(tmp_path / "in.png")
        config = engine.DreamConfig(layers={"mixed0": 1.0}, iterations=2)
        last = deque(engine.steps(source, config, model=tiny), 1).pop()
        images.save(engine.finish(source, last, tiny), tmp_path / "out.png")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak / (2100 * 1400) < 2 * 12 + 12 / 1.4**2 + 3 + 1


def test_a_model_may_be_given_by_its_path(photo: Path) -> None:
    dream = engine.dream(photo, model=TINY, device="cpu", threads=1, layers={"mixed0": 2.0}, iterations=1)
    assert dream.config.layers == {"mixed0": 2.0}


def test_what_a_picture_loses_is_told(tiny) -> None:
    dream = engine.dream(noise(30, 40, "CMYK"), model=tiny, **LIGHT)
    assert "approximate" in dream.warnings[0]


@pytest.mark.slow
def test_the_embedded_model_dreams_on_a_photograph() -> None:
    photograph = Path(__file__).parents[3] / "examples" / "temple.jpg"
    image = Image.open(photograph).convert("RGB").resize((160, 120))
    dream = engine.dream(image, preset="keras", device="cpu", iterations=3, max_loss=None)
    assert all(octave == tuple(sorted(octave)) for octave in dream.losses)
    assert 2 < np.abs(dream.pixels.astype(int) - np.asarray(image)).mean() < 40


def test_float_pictures_of_no_numbers_make_no_warning(tiny) -> None:
    pixels = np.full((20, 24, 3), np.nan, np.float32)
    pixels[:, :8], pixels[:, 8:16] = 0.5, np.inf
    for depth in ("8", "float"):
        dream = engine.dream(engine.Picture(pixels), model=tiny, layers="mixed0", iterations=1, depth=depth)
        assert dream.pixels.shape == pixels.shape
