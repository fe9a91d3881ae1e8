"""What travels between GIMP and the engine: frames, masks, regions of a layer."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.pipe import wire
from gimp_plugin.deepdream_common import (
    frames,
    mask,
    region,
    words,
)

# Frames

SHAPES = st.tuples(st.integers(1, 300), st.integers(1, 300), st.integers(1, 4))


@given(SHAPES, st.sampled_from(["|u1", "<f4"]))
def test_header_is_numpys(shape, kind):
    picture = np.zeros(shape, kind)
    stream = io.BytesIO()
    np.lib.format.write_array(stream, picture, version=(1, 0))
    ours = frames.header(kind, *shape)
    assert np.load(io.BytesIO(ours + picture.tobytes())).shape == shape
    assert len(ours) % 64 == 0
    assert frames.read_header(io.BytesIO(stream.getvalue()).read) == (kind, *shape)
    assert frames.size(kind, *shape) == picture.nbytes


@given(SHAPES, st.sampled_from(["|u1", "<f4"]))
def test_frames_are_the_engines(shape, kind):
    picture = np.arange(math.prod(shape)).astype(kind).reshape(shape)
    stream = io.BytesIO(frames.header(kind, *shape) + picture.tobytes())
    header = wire.read_header(stream.read)
    np.testing.assert_array_equal(wire.read_pixels(stream.read, header), picture)
    answer = io.BytesIO()
    wire.write(answer.write, picture)
    answer.seek(0)
    assert frames.read_header(answer.read) == (kind, *shape)
    assert frames.read_exactly(answer.read, frames.size(kind, *shape)) == picture.tobytes()


@pytest.mark.parametrize(
    "raw",
    [
        b"PNG",
        b"\x93NUMPY\x02\x00" + b"\0" * 60,
        frames.header("|u1", 2, 2, 3)[:40],
        frames.header("|u1", 2, 2, 3).replace(b"False", b"True "),
        frames.header("|u1", 2, 2, 3).replace(b"|u1", b"|O8"),
        b"",
    ],
)
def test_what_is_no_frame_is_refused(raw):
    if not raw:
        assert frames.read_header(io.BytesIO(raw).read) is None
        return
    with pytest.raises(frames.FrameError):
        frames.read_header(io.BytesIO(raw).read)


def test_unknown_kind_is_refused():
    with pytest.raises(frames.FrameError):
        frames.header("<f8", 1, 1, 1)


# Masks


@given(st.sampled_from(["|u1", "<f4"]), st.integers(1, 4), st.data())
def test_mask_travels_as_alpha_and_comes_off_again(kind, channels, data):
    shape = (data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5)), channels)
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    picture = (random.random(shape) * 255).astype(kind)
    shares = random.choice([0, 1, 128, 255], shape[:2]).astype(np.uint8)
    count, raw = mask.put_on(kind, channels, picture.tobytes(), shares.tobytes())
    colours = 1 if channels <= 2 else 3
    assert count == colours + 1
    sent = np.frombuffer(raw, kind).reshape(*shape[:2], count)
    np.testing.assert_array_equal(sent[..., :colours], picture[..., :colours])
    np.testing.assert_array_equal(sent[..., -1], (shares > 0) * (255 if kind == "|u1" else 1.0))
    dreamed = (sent + 1).astype(kind)
    expected = picture.copy()
    expected[..., :colours] = dreamed[..., :colours]
    assert mask.take_off(kind, channels, picture.tobytes(), dreamed.tobytes()) == expected.tobytes()


@pytest.mark.parametrize(
    ("feather", "scale", "wanted"), [(16, 1.0, 16), (16, 0.5, 8), (100, 1.0, 20), (0, 1, 0)]
)
def test_feather_leaves_most_of_a_small_selection(feather, scale, wanted):
    assert words.masked({"feather": feather}, 300, 80, scale)["feather"] == wanted


# Regions

SIDES = st.integers(region.SMALLEST, 500)


@given(SIDES, SIDES, st.data())
def test_region_holds_the_selection_and_a_margin(width, height, data):
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    w, h = data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y))
    left, top, across, down = region.around((x, y, w, h), width, height)
    assert 0 <= left <= max(x - region.MARGIN, 0)
    assert 0 <= top <= max(y - region.MARGIN, 0)
    assert min(x + w + region.MARGIN, width) <= left + across <= width
    assert min(y + h + region.MARGIN, height) <= top + down <= height
    assert min(across, down) >= region.SMALLEST


@given(SIDES, st.data())
def test_region_without_margin_grows_to_the_smallest_side(width, data):
    x = data.draw(st.integers(0, width - 1))
    w = data.draw(st.integers(1, width - x))
    left, _, across, _ = region.around((x, 0, w, width), width, width, margin=0)
    assert left <= x <= x + w <= left + across <= width
    assert left >= 0
    assert region.SMALLEST <= across <= max(w, region.SMALLEST) + 1


def test_whole_layer():
    assert region.around((0, 0, 640, 480), 640, 480) == (0, 0, 640, 480)


def test_what_lies_outside_of_the_layer_is_left_out():
    assert region.around((-50, -50, 60, 60), 640, 480) == (0, 0, 106, 106)


@pytest.mark.parametrize(
    ("selection", "width", "height", "said"),
    [
        ((0, 0, 58, 200), 58, 200, "too small.*\n.*at least 59"),
        ((0, 0, 0, 0), 100, 100, "Nothing of the layer is selected"),
        ((100, 0, 50, 50), 100, 100, "Nothing of the layer is selected"),
    ],
)
def test_region_errors_have_a_way_out(selection, width, height, said):
    with pytest.raises(region.RegionError, match=said) as caught:
        region.around(selection, width, height)
    assert caught.value.hint


def test_smallest_side_is_the_embedded_models():
    from engine.network.model import load_model

    assert load_model(None, device="cpu", threads=1).metadata.min_size == region.SMALLEST


@given(st.integers(1, 4), st.data())
def test_overlay_is_numpys(channels, data):
    def rectangle():
        return tuple(data.draw(st.integers(0, 12)) for _ in range(2)) + tuple(
            data.draw(st.integers(1, 12)) for _ in range(2)
        )

    (x, y, w, h), (left, top, across, down) = below, above = rectangle(), rectangle()
    canvas = np.full((30, 30, channels), 7, np.uint8)
    base, over = canvas[y : y + h, x : x + w].copy(), np.full((down, across, channels), 9, np.uint8)
    merged = region.overlay(base.tobytes(), below, over.tobytes(), above, channels)
    canvas[top : top + down, left : left + across] = 9
    assert merged == canvas[y : y + h, x : x + w].tobytes()
