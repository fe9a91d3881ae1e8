from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from engine.octaves import ladder, lost_detail, resize
from engine.pixels import from_model, to_model

SIDES = st.integers(1, 60)
SHAPES = st.tuples(SIDES, SIDES)


def picture(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(sum(shape)).uniform(-1, 1, (*shape, 3)).astype(np.float32)


@given(SHAPES, st.integers(1, 20), st.floats(1, 10), st.integers(1, 30))
def test_ladder_ends_at_the_picture_and_loses_no_octave_silently(shape, octaves, scale, min_size) -> None:
    rungs = ladder(shape, octaves, scale, min_size)
    every = rungs.dropped + rungs.shapes
    assert len(every) == octaves
    assert every[-1] == shape
    assert list(every) == sorted(every)
    assert all(min(x) >= min_size for x in rungs.shapes)
    assert all(min(x) < min_size for x in rungs.dropped)


def test_ladder_has_the_shapes_of_the_tutorial() -> None:
    assert ladder((299, 397), 3, 1.4).shapes == ((152, 202), (213, 283), (299, 397))


@settings(max_examples=40)
@given(SHAPES, SHAPES)
def test_resize_is_scipys_zoom_bit_for_bit_but_for_its_lost_line(old, new) -> None:
    keras = ndimage.zoom(picture(old), (new[0] / old[0], new[1] / old[1], 1), order=1)
    resized = resize(picture(old), new)
    assert resized.dtype == np.float32
    np.testing.assert_array_equal(resized[:-1, :-1], keras[:-1, :-1])
    lost = keras == 0  # the line that SciPy's rounding leaves empty at some sizes
    np.testing.assert_array_equal(resized[~lost], keras[~lost])


def test_resize_leaves_no_grey_line_at_the_border() -> None:
    white = np.ones((102, 48, 3), np.float32)
    assert ndimage.zoom(white, (143 / 102, 1, 1), order=1)[-1].max() == 0
    np.testing.assert_allclose(resize(white, (143, 47)), 1, rtol=1e-6)


@settings(max_examples=40)
@given(SHAPES, SHAPES)
def test_resize_keeps_corners_flat_areas_and_the_range(old, new) -> None:
    source, resized = picture(old), resize(picture(old), new)
    assert resized.min() >= source.min()
    assert resized.max() <= source.max()
    np.testing.assert_array_equal(resized[0, 0], source[0, 0])
    flat = np.full((*old, 3), 0.25, np.float32)
    np.testing.assert_allclose(resize(flat, new), 0.25, rtol=1e-6)


@settings(max_examples=40)
@given(SHAPES, SHAPES)
def test_lost_detail_gives_back_what_shrinking_took(large, small) -> None:
    original = picture(large)
    smaller = resize(original, small)
    np.testing.assert_allclose(
        resize(smaller, large) + lost_detail(original, smaller, large), original, atol=1e-5
    )


@given(st.floats(-10, 10), st.floats(0.01, 100))
def test_pixels_survive_the_way_to_any_range_and_back(low, span) -> None:
    values = np.arange(256, dtype=np.uint8)
    value_range = (low, low + span)
    np.testing.assert_array_equal(from_model(to_model(values, value_range), value_range), values)


def test_pixels_are_rounded_and_clipped() -> None:
    image = np.array([-3, -1, -1 + 1.4 / 127.5, -1 + 1.6 / 127.5, 1, 3], np.float32)
    np.testing.assert_array_equal(from_model(image), [0, 0, 1, 2, 255, 255])
