"""Each control as a property, on gradients of a line of NumPy."""

from __future__ import annotations

import math
import pkgutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import engine
from engine.ascent import ascent, controls
from engine.ascent.controls import blur, colours, jitter, margin, natural, scales, variation
from engine.ascent.masks import Mask
from engine.ascent.octaves import resize
from engine.ascent.order import Order
from engine.ascent.work import Work
from engine.errors import ImageError, UsageError
from engine.pictures.pixels import to_model
from engine.settings.config import DreamConfig
from tests.engine.conftest import QUICK, climbed, gradient_of, noise

LAYERS = {"mixed0": 1.0, "mixed1": 0.5}
SKY = Path(__file__).parents[3] / "export" / "photographs" / "sky.jpg"
CONFIG = DreamConfig(layers=LAYERS, iterations=3, octaves=2)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def dreamed(picture: np.ndarray, tiny, config: DreamConfig = CONFIG, **how) -> np.ndarray:
    *_, last = engine.steps(picture, config, model=tiny, **how)
    return last.full_size()


def pixels(height: int = 48, width: int = 64) -> np.ndarray:
    return np.array(noise(height, width))


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


def test_what_controls_hold_adds_up_and_pulls_share_the_picture() -> None:
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
    assert controls.bytes_per_pixel(everything, masked=True) == 12 + 28 + 12 + 9


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


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 4), (9, 30), (40, 41)])
@pytest.mark.parametrize("width", [1, 3, 8, 48])
def test_a_margin_is_brought_back_by_the_adjoint(shape: tuple[int, int], width: int) -> None:
    """Whatever the loss: the sum over the larger picture's derivative is that over the smaller one's."""
    image, seen = random(*shape, 3), []

    def gradient(padded: np.ndarray) -> tuple[float, np.ndarray]:
        seen.extend([padded, random(*padded.shape, seed=2)])
        return 0.0, seen[1].copy()

    _, slope = margin.reflected(gradient, width)(image)
    assert slope.shape == image.shape
    assert seen[0].shape[:2] == tuple(x + 2 * min(width, x - 1) for x in shape)
    assert np.vdot(slope, image) == pytest.approx(np.vdot(seen[1], seen[0]), rel=1e-4, abs=1e-4)


def test_a_margins_gradient_is_the_numerical_derivative(tiny) -> None:
    image, weights = random(30, 26, 3).astype(np.float64), tiny.channel_weights(LAYERS)

    def loss(x: np.ndarray) -> float:
        padded = np.pad(x, [(8, 8), (8, 8), (0, 0)], mode="reflect").astype(np.float32)
        return float(tiny(padded, weights)[0])

    _, slope = margin.reflected(gradient_of(tiny, LAYERS), 8)(image.astype(np.float32))
    uphill = 1e-2 * slope / np.abs(slope).max()
    found = (loss(image + uphill) - loss(image - uphill)) / 2
    assert found == pytest.approx(float(np.vdot(slope, uphill)), rel=0.02)


@pytest.mark.parametrize("tiling", [engine.Tiling(), engine.Tiling(size=128, halo=16)])
def test_with_a_margin_the_edge_dreams_as_the_middle_does(tiny, tiling: engine.Tiling) -> None:
    grey = np.full((200, 220, 3), 128, np.uint8) + pixels(200, 220) // 16
    config = replace(CONFIG, octaves=1, jitter=4)
    shares = []
    for width in (0, 16):
        change = np.abs(dreamed(grey, tiny, replace(config, margin=width), tiling=tiling) - to_model(grey))
        middle = change[50:-50, 50:-50].mean()
        edges = [change[:3], change[-3:], change[:, :3], change[:, -3:]]
        shares.append(min(float(x.mean() / middle) for x in edges))
    assert shares[0] < 0.6
    assert shares[1] > 0.8


def test_natural_colours_by_degrees() -> None:
    np.testing.assert_allclose(natural.mixing(0), np.eye(3), atol=1e-6)
    np.testing.assert_allclose(natural.mixing(0.5) @ natural.mixing(0.5), natural.mixing(1), atol=1e-6)
    covariance = np.array(natural.COVARIANCE)
    np.testing.assert_allclose(
        natural.mixing(1), covariance / np.linalg.eigvalsh(covariance).max(), atol=1e-6
    )
    _, slope = natural.natural(lambda x: (0.0, random(*x.shape)), 1.0)(random(90, 80, 3))
    red, green, blue = (slope[..., x].ravel() for x in range(3))
    assert np.corrcoef(red, green)[0, 1] > 0.9
    assert np.corrcoef(red, blue)[0, 1] > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("name", ["card", "noise", "sky"])
def test_the_default_dreams_at_the_edge_as_in_the_middle(name: str) -> None:
    """With its margin; without, the outer twentieth changes by a third of what the middle does, or less."""
    with Image.open(SKY) as file:
        pictures = {
            "card": np.full((200, 300, 3), 128, np.uint8),
            "noise": np.random.default_rng(1).integers(96, 160, (200, 300, 3)).astype(np.uint8),
            "sky": np.asarray(file.convert("RGB")),
        }
    picture = pictures[name]
    shares = []
    for chosen in ({"margin": 0}, {}):
        change = np.abs(engine.dream(picture, **chosen).pixels.astype(float) - picture).mean(axis=2)
        height, width = change.shape
        inner = change[height // 20 : -(height // 20), width // 20 : -(width // 20)]
        outer = (change.sum() - inner.sum()) / (change.size - inner.size)
        middle = change[height // 4 : -(height // 4), width // 4 : -(width // 4)].mean()
        shares.append(outer / middle)
    assert shares[0] < 0.5
    assert shares[1] >= 0.8


@pytest.mark.parametrize("deviation", [0.01, 0.3, 0.8, 2.0, 8.0])
@pytest.mark.parametrize("shape", [(41, 30), (5, 60), (1, 1)])
def test_blur_is_a_gaussian(shape: tuple[int, int], deviation: float) -> None:
    slope = random(*shape, 3)
    reach = min(math.ceil(3 * deviation), *shape)
    _, soft = blur.blurred(lambda _: (1.0, slope.copy()), deviation)(slope)
    assert soft.dtype == np.float32
    np.testing.assert_allclose(soft.mean(axis=(0, 1)), slope.mean(axis=(0, 1)), atol=1e-5)
    if reach == math.ceil(3 * deviation):  # where the picture is smaller than the blur, SciPy reflects again
        double, how = slope.astype(np.float64), {"mode": "reflect", "axes": (0, 1)}
        expected = scipy.ndimage.gaussian_filter(double, deviation, radius=reach, **how)
        np.testing.assert_allclose(soft, expected, atol=1e-5)


def test_blur_ends_a_lattice_of_dots_and_leaves_forms() -> None:
    rows, columns = np.mgrid[:64, :64]
    for period, low, high in ((4, 0.0, 0.5), (16, 0.9, 1.0)):
        wave = np.cos(2 * np.pi * rows / period) * np.ones_like(columns)
        slope = np.repeat(wave[..., np.newaxis], 3, axis=2).astype(np.float32)
        _, soft = blur.blurred(lambda _, slope=slope: (0.0, slope.copy()), 0.8)(slope)
        assert low <= float(np.vdot(soft, slope) / np.vdot(slope, slope)) <= high


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
