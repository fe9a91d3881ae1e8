"""A part of a dream is that part of the dream of the whole picture."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.ascent import controls, focus
from engine.ascent.ascent import ascend, climb
from engine.ascent.focus import Focus, Inlaid
from engine.ascent.octaves import resize, resize_rows
from engine.ascent.order import order_for
from engine.network.model import load_model
from engine.pipe.serve import finish, steps
from engine.settings.config import DreamConfig
from engine.settings.presets import PRESETS

EXAMPLES = Path(__file__).parents[3] / "examples"

SHAPE = (120, 160)
PART = (slice(30, 70), slice(10, 40))
"""Where the picture is dark, so that its gradient is small."""

CONFIG = DreamConfig(octaves=3, iterations=4, step_size=0.02, max_loss=None)


def rising(shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Return a smooth picture that is dark on the left and bright on the right, with waves."""
    down, across = np.mgrid[: shape[0], : shape[1]] / shape[1]
    grey = -0.6 + 0.9 * across + 0.1 * np.sin(9 * down) * np.cos(7 * across)
    return np.stack([grey, 0.8 * grey, grey + 0.1], axis=2).astype(np.float32)


def brightening(image: np.ndarray) -> tuple[float, np.ndarray]:
    """Return a gradient that knows nothing but each value itself, and is larger where that is brighter.

    As the model's, it is that of a mean over the image.
    """
    return 1.0, (image + np.float32(1.1)) / np.float32(image.shape[0] * image.shape[1])


def whole(picture, config=CONFIG, gradient=brightening, mask=None):
    seen = controls.decorated(gradient, config, mask)
    pull = controls.pull_of(config, picture, mask)
    area = 1.0 if mask is None else float(mask.mean())
    step = partial(climb, gradient=seen, config=config, pull=pull, area=area)
    return list(ascend(picture, lambda image: step(image[:]), config, share=1.0 if mask is None else mask))[
        -1
    ]


def focused(picture, config=CONFIG, gradient=brightening, mask=None, part=PART, **more):
    area = 1.0 if mask is None else float(mask.mean())
    climber = Focus(picture, part, gradient, config, mask=mask, area=area, **more)
    return list(ascend(picture, climber, config, share=1.0 if mask is None else mask))[-1]


@pytest.fixture
def narrow(monkeypatch):
    """Climb no octave whole, and hardly more than the part."""
    monkeypatch.setattr(focus, "WHOLE", 0)
    monkeypatch.setattr(focus, "AROUND", 10)
    monkeypatch.setattr(focus, "STRIDE", 1)


SETTINGS = [
    CONFIG,
    DreamConfig(octaves=4, iterations=3, step_size=0.03, max_loss=None, stay_close=0.5, blur=0.5),
    DreamConfig(octaves=1, iterations=4, step_size=0.02, max_loss=None),
    DreamConfig(octaves=3, iterations=4, step_size=0.02, max_loss=None, margin=8, max_size=128),
]


@pytest.mark.parametrize("config", SETTINGS)
def test_a_part_changes_as_much_as_in_the_dream_of_the_whole(narrow, config):
    picture = rising((150, 200))
    before = picture[PART]
    wanted = whole(picture, config).full_size()[PART] - before
    found = focused(picture, config).part(*PART) - before
    alone = whole(before, config).full_size() - before
    assert np.abs(found).mean() == pytest.approx(np.abs(wanted).mean(), rel=0.06)
    assert np.abs(alone).mean() > 1.3 * np.abs(wanted).mean(), "the test could not fail"
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.98


BORDER = 6


def bordered(image: np.ndarray) -> tuple[float, np.ndarray]:
    """Return a gradient like `brightening`, of a loss that leaves a border out, as the model's does."""
    loss, slope = brightening(image)
    seen = np.zeros_like(slope)
    seen[BORDER:-BORDER, BORDER:-BORDER] = slope[BORDER:-BORDER, BORDER:-BORDER]
    return loss, seen


@pytest.mark.parametrize("samples", [False, True])
def test_weak_edges_make_a_part_no_stronger(narrow, monkeypatch, samples):
    """Neither those of a window, which has a smaller margin than the picture, nor those of samples."""
    monkeypatch.setattr(focus, "MARGIN", BORDER)
    if samples:
        monkeypatch.setattr(focus, "LOOKED_AT", 0)
        monkeypatch.setattr(focus, "SAMPLE", 24)
    config = replace(CONFIG, margin=BORDER if samples else 2 * BORDER, jitter=0 if samples else BORDER)
    picture = rising((150, 200))
    part = (slice(40, 100), slice(20, 80))
    wanted = whole(picture, config, bordered).full_size()[part] - picture[part]
    found = focused(picture, config, bordered, part=part).part(*part) - picture[part]
    assert np.abs(found).mean() == pytest.approx(np.abs(wanted).mean(), rel=0.08)


@pytest.mark.parametrize("config", SETTINGS)
@pytest.mark.parametrize("part", [PART, (slice(0, 120), slice(0, 160)), (slice(119, 120), slice(0, 3))])
def test_where_all_octaves_are_small_it_is_exactly_that_dream(config, part):
    picture = rising()
    wanted = whole(picture, config).full_size()[part]
    np.testing.assert_allclose(focused(picture, config, part=part).part(*part), wanted, atol=1e-6)


def test_a_mask_bounds_it_as_it_bounds_the_whole(narrow):
    picture, mask = rising(), np.zeros((*SHAPE, 1), np.float32)
    mask[40:100, 20:150] = 1
    wanted = whole(picture, mask=mask).full_size()[PART]
    found = focused(picture, mask=mask).part(*PART)
    outside = mask[PART][..., 0] == 0
    np.testing.assert_array_equal(found[outside], picture[PART][outside])
    assert np.abs(found - picture[PART]).mean() == pytest.approx(
        np.abs(wanted - picture[PART]).mean(), rel=0.06
    )


def test_only_the_part_and_what_is_around_it_is_computed(narrow):
    sizes = []

    def counted(image):
        sizes.append(image.shape[:2])
        return brightening(image)

    focused(rising(), gradient=counted)
    large = [h * w for h, w in sizes if h * w > SHAPE[0] * SHAPE[1] / 5]
    assert len(large) <= CONFIG.octaves, "each octave is looked at once"
    assert len(sizes) == CONFIG.octaves * (CONFIG.iterations + 1)


def test_a_gradient_of_nothing_leaves_it_as_it_is(narrow):
    picture = rising()
    found = focused(picture, gradient=lambda image: (0.0, np.zeros_like(image)))
    np.testing.assert_allclose(found.part(*PART), picture[PART], atol=1e-6)


def test_an_octave_that_max_loss_ends_at_once_is_passed(narrow):
    config = DreamConfig(octaves=3, iterations=4, max_loss=0.5)
    picture = rising()
    np.testing.assert_allclose(focused(picture, config).part(*PART), picture[PART], atol=1e-6)


@given(
    full=st.tuples(st.integers(60, 900), st.integers(60, 900)), by=st.floats(1, 9), draw=st.data(),
    smallest=st.integers(1, 60),
)  # fmt: skip
def test_a_window_holds_the_part_and_lies_in_the_picture(full, by, draw, smallest):
    part = []
    for side in full:
        start = draw.draw(st.integers(0, side - 1))
        part.append(slice(start, draw.draw(st.integers(start + 1, side))))
    size = tuple(max(int(side / by), smallest) for side in full)
    climber = Focus(np.broadcast_to(0.0, (*full, 3)), tuple(part), brightening, CONFIG, smallest=smallest)
    window = climber._window(size)
    for inside, span, old, new in zip(part, window, full, size, strict=True):
        assert 0 <= span.start < span.stop <= new
        assert span.start * old <= inside.start * new + old
        assert span.stop * old >= min(inside.stop, old) * new - old
        assert span.stop - span.start >= min(smallest, new)
        assert span.start % focus.STRIDE == 0


@pytest.mark.parametrize(
    "rows", [slice(None), slice(0, 3), slice(2, 9), slice(7, 12), slice(4, 5), slice(9, 40)]
)
def test_rows_of_an_inlaid_picture(rows):
    around, values = np.zeros((12, 10, 3), np.float32), np.ones((4, 5, 3), np.float32)
    inlaid = Inlaid(around, (slice(4, 8), slice(2, 7)), values)
    full = around.copy()
    full[4:8, 2:7] = 1
    np.testing.assert_array_equal(inlaid[rows], full[rows])
    assert inlaid.shape == full.shape
    assert not around.any()


@pytest.mark.parametrize("shape", [(120, 160), (37, 51), (250, 333)])
def test_a_part_of_a_resized_picture_is_that_part_of_all_of_it(shape):
    picture = rising()
    rows, columns = slice(shape[0] // 3, shape[0] // 2), slice(shape[1] // 5, shape[1])
    part = resize_rows(picture, shape, rows, columns)
    np.testing.assert_array_equal(part, resize(picture, shape)[rows, columns])


@pytest.mark.parametrize(
    "share", [1.0, 0.4, np.linspace(0, 1, 120 * 160, dtype=np.float32).reshape(120, 160, 1)]
)
def test_a_part_of_a_step_is_that_part_of_its_picture(share):
    picture, seen = rising(), partial(climb, gradient=brightening, config=CONFIG)
    for step in ascend(picture, lambda image: seen(image[:]), CONFIG, share=share):
        np.testing.assert_allclose(step.part(*PART), step.full_size()[PART], atol=1e-6)


@pytest.mark.slow
def test_a_part_of_a_photographs_dream_is_at_its_place_in_the_dream(monkeypatch):
    """With the real network: as strong, and with the same forms; by itself, the part is another picture."""
    monkeypatch.setattr(focus, "WHOLE", 20_000)
    model = load_model()
    with Image.open(EXAMPLES / "mountains.jpg") as photograph:
        frame = np.asarray(photograph.convert("RGB").resize((330, 220), Image.Resampling.LANCZOS))
    part = (slice(10, 80), slice(200, 290))  # sky, calmer than the rest
    config = replace(PRESETS["dream"], min_size=110, max_size=None, iterations=4, margin=32)
    order = order_for(model, config)
    wanted = _change(frame, model, order)[part]
    found = _change(frame, model, order, part)
    alone = _change(np.ascontiguousarray(frame[part]), model, order)
    assert np.abs(found).mean() == pytest.approx(np.abs(wanted).mean(), rel=0.3)
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.6
    assert np.corrcoef(alone.ravel(), wanted.ravel())[0, 1] < 0.5


def _change(frame, model, order, part=None):
    *_, last = steps(frame, model, order, part=part)
    before = frame if part is None else frame[part]
    return finish(frame, last, model, part).astype(float) - before
