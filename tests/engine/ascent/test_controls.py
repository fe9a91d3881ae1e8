"""Each control as a property, on gradients of a line of NumPy."""

from __future__ import annotations

import pkgutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import engine
from engine.ascent import ascent, controls
from engine.ascent.controls import colours, jitter, scales, variation
from engine.ascent.masks import Mask
from engine.ascent.octaves import resize
from engine.ascent.order import Order
from engine.ascent.work import Work
from engine.errors import ImageError, UsageError
from engine.pictures.pixels import to_model
from engine.settings.config import DreamConfig
from tests.engine.ascent.conftest import CONFIG, LAYERS, dreamed, pixels, random
from tests.engine.conftest import QUICK, climbed, gradient_of, noise

# The list of them


@pytest.mark.parametrize("control", controls.CONTROLS)
def test_a_control_is_off_unless_it_is_asked_for(control) -> None:
    assert not control.wanted(DreamConfig())


def test_every_module_with_a_control_is_in_the_list() -> None:
    listed = [x for x in vars(controls).values() if getattr(x, "CONTROL", None) in controls.CONTROLS]
    names = {x.name for x in pkgutil.iter_modules(controls.__path__)} - {"control", "mask", "pull"}
    assert {x.__name__.rpartition(".")[2] for x in listed} == names
    assert len(listed) == len(controls.CONTROLS)


def test_the_controls_that_are_asked_for_act_in_their_order_and_a_mask_last() -> None:
    config = replace(CONFIG, jitter=3, keep_colours=True, smooth=0.5, seed=1)
    image, mask = random(40, 50, 3), np.abs(random(40, 50, 1, seed=1))

    def gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        return 1.0, np.array(x)

    by_hand = scales.evened(colours.colourless(jitter.jittered(gradient, 3, 1)), 0.5)(image)[1] * mask
    np.testing.assert_array_equal(controls.decorated(gradient, config, mask)(image)[1], by_hand)
    assert controls.decorated(gradient, CONFIG) is gradient


def test_what_controls_hold_at_the_same_time_adds_up_and_pulls_share_the_picture() -> None:
    close, calm = {"stay_close": 1.0}, {"total_variation": 1.0}
    held = {"jitter": 12, "smooth": 28, "keep_colours": 0, "clip": 0}
    for name, each in held.items():
        assert (
            controls.bytes_per_pixel(replace(CONFIG, **{name: type(getattr(CONFIG, name))(1)}), masked=False)
            == each
        )
    for pulls in (close, calm, close | calm):
        assert controls.bytes_per_pixel(replace(CONFIG, **pulls), masked=False) == 12
    everything = replace(CONFIG, jitter=1, smooth=1, **close, **calm)
    assert controls.bytes_per_pixel(everything, masked=True) == 28 + 12 + 9  # the moved picture goes first
    around = replace(CONFIG, jitter=1, margin=64)
    assert controls.bytes_per_pixel(around, masked=False) == 12 + 12


# Jitter


def test_jitter_is_undone() -> None:
    image = random(20, 30, 3)
    seen = []

    def gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        seen.append(x)
        return 1.0, x * 2

    moved = jitter.jittered(gradient, 7, 0)
    for _ in range(5):
        loss, slope = moved(image)
        assert loss == 1.0
        np.testing.assert_array_equal(slope, image * 2)
    places = {np.flatnonzero((x == image[0, 0]).all(axis=2).ravel())[0] for x in seen}
    assert len(places) > 2
    for x in seen:
        row, column = divmod(np.flatnonzero((x == image[0, 0]).all(axis=2).ravel())[0], 30)
        assert row in {*range(8), *range(13, 20)}
        assert column in {*range(8), *range(23, 30)}


def test_jitter_follows_the_seed(tiny) -> None:
    config = replace(CONFIG, jitter=8)
    first, again, other = (dreamed(pixels(), tiny, replace(config, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


# Scales


@pytest.mark.parametrize("shape", [(3, 3), (4, 70), (61, 80), (128, 128)])
def test_scales_at_strength_nothing_are_as_they_were(shape: tuple[int, int]) -> None:
    slope = random(*shape, 3)
    levels = [scales._pyramid(slope[..., x]) for x in range(3)]
    again = np.dstack([scales._collapsed(x, [1.0] * len(x)) for x in levels])
    np.testing.assert_allclose(again, slope, atol=1e-5)


def test_scales_at_strength_one_are_equally_strong() -> None:
    fine, coarse = random(128, 128, 3), resize(random(12, 12, 3), (128, 128)) / 10
    _, even = scales.evened(lambda x: (0.0, x.copy()), 1.0)(fine + coarse)

    def share_of_fine(x: np.ndarray) -> float:
        smooth = resize(resize(x, (16, 16)), (128, 128))
        return float(np.std(x - smooth) / np.std(smooth))

    assert share_of_fine(even) < share_of_fine(fine + coarse) / 1.8
    sizes = [np.std(x) for x in scales._pyramid(even[..., 0])[:-1]]
    assert max(sizes) < 2.5 * min(sizes)


def test_an_empty_gradient_stays_empty() -> None:
    _, even = scales.evened(lambda x: (0.0, np.zeros_like(x)), 1.0)(random(40, 40, 3))
    assert not even.any()


# Colours


def test_kept_colours_differ_by_lightness_only(tiny) -> None:
    picture = pixels()
    change = dreamed(picture, tiny, replace(CONFIG, keep_colours=True)) - (picture / 127.5 - 1)
    assert np.abs(change).max() > 0.01
    assert np.ptp(change, axis=2).max() < 1e-5


# Clip, total variation, the way back, blend


def test_clipping_keeps_to_the_range() -> None:
    config = DreamConfig(iterations=5, octaves=1, step_size=0.5, max_loss=None, clip=True)
    image, *_ = ascent.climb(random(9, 9, 3), lambda x: (0.0, np.ones_like(x)), config, limits=(-1.0, 1.0))
    assert image.max() == 1.0


@pytest.mark.slow
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_total_variation_descends(height: int, width: int, seed: int) -> None:
    image = random(height, width, 3, seed=seed).astype(np.float64)

    def total(x: np.ndarray) -> float:
        down, across = np.diff(x, axis=0), np.diff(x, axis=1)
        return float(sum(np.sqrt(d * d + variation.FLAT**2).sum() for d in (down, across)))

    descent = variation.smoothing(image, slice(0, height))
    for place in np.ndindex(image.shape):
        ahead, back = image.copy(), image.copy()
        ahead[place] += 1e-6
        back[place] -= 1e-6
        slope = (total(ahead) - total(back)) / 2e-6
        assert -slope == pytest.approx(descent[place], abs=1e-3)


def test_total_variation_by_rows_is_that_of_the_whole() -> None:
    image = random(11, 7, 3)
    whole = variation.smoothing(image, slice(0, 11))
    parts = [
        variation.smoothing(image, rows) for rows in (slice(0, 1), slice(1, 6), slice(6, 10), slice(10, 11))
    ]
    np.testing.assert_array_equal(np.vstack(parts), whole)


def test_total_variation_calms(tiny) -> None:
    def roughness(x: np.ndarray) -> float:
        return float(np.abs(np.diff(x, axis=1)).mean())

    config = replace(CONFIG, iterations=10)
    assert roughness(dreamed(pixels(), tiny, replace(config, total_variation=2.0))) < roughness(
        dreamed(pixels(), tiny, config)
    )


def test_staying_close_bounds_the_distance(tiny) -> None:
    config = replace(CONFIG, iterations=60, octaves=1, step_size=0.05, max_loss=None)
    start = pixels() / 127.5 - 1
    free = np.abs(dreamed(pixels(), tiny, config) - start).mean()
    close = np.abs(dreamed(pixels(), tiny, replace(config, stay_close=4.0)) - start).mean()
    assert close < 0.3 < free


def test_blend_is_a_share_of_the_change(tiny) -> None:
    start = to_model(pixels())
    whole = dreamed(pixels(), tiny) - start
    half = dreamed(pixels(), tiny, replace(CONFIG, blend=0.5)) - start
    np.testing.assert_allclose(half, whole / 2, atol=1e-6)
    np.testing.assert_array_equal(dreamed(pixels(), tiny, replace(CONFIG, blend=0.0)), start)


def test_what_is_off_changes_no_bit(tiny) -> None:
    picture = random(40, 50, 3)
    plain = list(climbed(picture, gradient_of(tiny, LAYERS), CONFIG))
    weights = tiny.channel_weights(LAYERS)
    ours = list(Work.settle(picture, Order(weights, CONFIG), tiny).steps())
    assert [x.loss for x in ours] == pytest.approx([x.loss for x in plain], rel=1e-5)
    assert ours[-1].share == 1.0


# Sizes


@pytest.mark.parametrize("largest", [40, 47, 48, 100])
def test_above_the_largest_size_only_the_pictures_detail_is_added(tiny, largest: int) -> None:
    image = pixels(48, 64)
    config = replace(CONFIG, max_size=None)
    bounded = [*engine.steps(image, replace(config, max_size=128), model=tiny)]
    assert bounded[-1].shape == (48, 64)  # not bounded at all
    object.__setattr__(config, "max_size", largest)  # smaller than users may ask for
    *_, last = steps = list(engine.steps(image, config, model=tiny))
    if largest >= 48:
        np.testing.assert_array_equal(last.full_size(), bounded[-1].full_size())
        return
    assert last.shape == (largest, round(64 * largest / 48))
    assert steps[0].shape == tuple(int(x / 1.4) for x in last.shape)
    assert last.full_size().shape == (48, 64, 3)
    source, small = to_model(image), resize(to_model(image), steps[0].shape)
    detail = source - resize(small, (48, 64))
    np.testing.assert_allclose(last.full_size(), resize(last.image, (48, 64)) + detail, atol=1e-5)


@given(st.integers(64, 6000), st.integers(64, 6000), st.integers(64, 400), st.floats(1.0, 3.0))
@settings(deadline=None)
def test_the_first_octave_has_the_smallest_size(height: int, width: int, smallest: int, scale: float) -> None:
    from engine.ascent.octaves import ladder, reaching

    octaves, chosen = reaching((height, width), smallest, scale)
    shapes = ladder((height, width), octaves, chosen).shapes
    assert shapes[-1] == (height, width)
    assert 1 <= octaves <= 20
    if octaves > 1:
        assert abs(min(shapes[0]) - smallest) <= 1
    else:
        assert min(height, width) <= smallest * max(scale, 1.01) ** 0.51


# Mask


@pytest.mark.parametrize("feather", [0, 4])
def test_outside_a_mask_nothing_changes_inside_it_does(tiny, feather: int) -> None:
    picture = pixels(60, 80)
    mask = np.zeros((60, 80), np.uint8)
    mask[10:50, 20:60] = 255
    config = replace(CONFIG, feather=feather, jitter=5, smooth=0.5, total_variation=0.3)
    dream = engine.dream(picture, model=tiny, mask=mask, **as_keywords(config))
    changed = (dream.pixels != picture).any(axis=2)
    assert not changed[mask == 0].any()
    assert changed[20:40, 30:50].mean() > 0.5


def test_a_mask_fades_in_from_its_edge(tiny) -> None:
    mask = np.zeros((80, 80), np.uint8)
    mask[:, 40:] = 255
    rows = Mask(mask).rows((80, 80), None, 16)
    assert rows is not None
    line = rows[slice(40, 41)][0, :, 0]
    assert not line[:40].any()
    assert (np.diff(line[40:70]) >= 0).all()
    assert line[41] < 0.2
    assert line[60] > 0.95


def test_the_step_inside_a_small_mask_is_as_large_as_without(tiny) -> None:
    picture = np.full((96, 96, 3), 128, np.uint8) + pixels(96, 96) // 8
    config = replace(CONFIG, octaves=1, feather=0)
    mask = np.zeros((96, 96), np.uint8)
    mask[32:64, 32:64] = 255
    inside = (slice(34, 62), slice(34, 62))
    start = picture / 127.5 - 1
    free = np.abs(dreamed(picture, tiny, config) - start)[inside].mean()
    held = np.abs(dreamed(picture, tiny, config, mask=mask) - start)[inside].mean()
    assert held == pytest.approx(free, rel=0.35)


def test_a_mask_may_be_smaller_and_soft_but_not_of_other_proportions(tiny) -> None:
    small = np.full((24, 32), 255, np.uint8)
    assert np.abs(dreamed(pixels(), tiny, mask=small) - dreamed(pixels(), tiny)).max() < 1e-5
    with pytest.raises(ImageError, match="proportions") as caught:
        engine.steps(pixels(), CONFIG, model=tiny, mask=small.T.copy())
    assert "make the mask from the picture" in caught.value.hint


def test_the_pictures_own_opacity_is_a_mask(tiny) -> None:
    picture = np.array(noise(40, 60, "RGBA"))
    picture[..., 3] = 0
    picture[10:30, 20:50, 3] = 255
    dream = engine.dream(picture, model=tiny, mask="alpha", **as_keywords(replace(CONFIG, feather=0)))
    changed = (dream.pixels != picture[..., :3]).any(axis=2)
    assert not changed[picture[..., 3] == 0].any()
    assert changed[12:28, 24:46].mean() > 0.5
    opaque = dreamed(pixels(), tiny, mask="alpha")
    np.testing.assert_array_equal(opaque, dreamed(pixels(), tiny))


def test_a_black_mask_changes_nothing(tiny) -> None:
    dream = engine.dream(
        pixels(),
        model=tiny,
        mask=np.zeros((48, 64), np.uint8),
        **as_keywords(replace(CONFIG, stay_close=1.0)),
    )
    np.testing.assert_array_equal(dream.pixels, pixels())


# Guide


def test_a_guide_steers_toward_what_it_excites_more(tiny) -> None:
    from engine.ascent.guide import steered

    random = np.random.default_rng(0)
    here, there = random.uniform(0.5, 1.5, (2, tiny.metadata.channels)).astype(np.float32)
    weights = steered(tiny, tiny.channel_weights(LAYERS), there, here)
    for name, places in tiny.places().items():
        assert weights[places].mean() == pytest.approx(LAYERS[name], rel=1e-4)
        more = there[places] / there[places].mean() > 1.5 * here[places] / here[places].mean()
        less = there[places] / there[places].mean() < here[places] / here[places].mean() / 1.5
        assert more.any()
        assert less.any()
        assert weights[places][more].min() > weights[places][less].max()


def test_a_guided_dream_is_another_and_always_the_same(tiny) -> None:
    guide = np.array(stripes(70, 50))
    guided, again = (dreamed(pixels(), tiny, guide=guide) for _ in range(2))
    np.testing.assert_array_equal(guided, again)
    assert np.abs(guided - dreamed(pixels(), tiny)).max() > 1e-3


def test_a_guide_that_is_too_small_is_refused(run, photo, tmp_path) -> None:
    Image.new("RGB", (3, 3)).save(tmp_path / "small.png")
    code, _, err = run("dream", photo, "--guide", tmp_path / "small.png", *QUICK)
    assert code == 3
    assert "too small" in err


def stripes(height: int, width: int) -> Image.Image:
    return Image.fromarray(np.tile(np.array([20, 230], np.uint8), (height, width // 2))).convert("RGB")


@pytest.mark.parametrize("shape", [(3000, 200), (60, 4000), (1024, 768), (40, 40)])
def test_guides_of_any_proportions(shape: tuple[int, int]) -> None:
    from engine.ascent.guide import PIXELS, scaled_shape

    height, width = scaled_shape(shape, 59)
    assert abs(height / width / (shape[0] / shape[1]) - 1) < 0.1
    assert height * width <= PIXELS * 1.02 or min(height, width) <= 60


# Channels


def test_channels_of_a_layer(tiny) -> None:
    names = {layer.name: layer.channels for layer in tiny.metadata.layers}
    first = names["mixed0"]
    weights = tiny.channel_weights({"mixed0:1+3": 2.0, "mixed1": 0.5, "mixed1:0": 1.0})
    expected = np.r_[0, 2, 0, 2, np.full(names["mixed1"], 0.5)]
    expected[first] += 1
    np.testing.assert_array_equal(weights, expected.astype(np.float32))
    assert tiny.weighed_layers(weights) == ("mixed0", "mixed1")
    assert tiny.weighed_layers(tiny.channel_weights({"mixed0:2": -1.0})) == ("mixed0",)


@pytest.mark.parametrize(("selector", "said"), [("mixed0:9", "no channel 9"), ("mixd0:1", "no layer called")])
def test_channels_that_are_not_there(tiny, selector: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        tiny.channel_weights({selector: 1.0})


def test_one_channel_is_what_grows(tiny) -> None:
    place = int(tiny.energies(to_model(pixels()))[:4].argmax())
    config = replace(CONFIG, layers={f"mixed0:{place}": 1.0}, octaves=1)
    energies = [tiny.energies(x.image)[place] for x in engine.steps(pixels(), config, model=tiny)]
    assert energies[-1] > energies[0] > 0


def as_keywords(config: DreamConfig) -> dict:
    from engine.settings.config import settings as table

    return {"layers": dict(config.layers), **{name: getattr(config, name) for name in table()}}
