"""Colours: what a frame's dream is answered with."""

from __future__ import annotations

import numpy as np
import pytest

from engine.ascent.order import order_for
from engine.pictures.pixels import from_model, to_model
from engine.pipe import serve as pipe
from engine.pipe import wire
from engine.settings.config import DreamConfig
from tests.engine.pipe.frames import FRAMES, RGB, SETTINGS, dreamed, frame


@pytest.mark.parametrize("picture", FRAMES, ids=lambda x: f"{x.dtype}-{x.shape[2]}")
def test_the_answer_has_type_shape_and_alpha_of_the_frame(picture: np.ndarray, tiny) -> None:
    before = picture.copy()
    answer = dreamed(picture, tiny)
    assert (answer.dtype, answer.shape) == (picture.dtype, picture.shape)
    assert picture.tobytes() == before.tobytes()
    count = 1 if picture.shape[2] <= 2 else 3
    assert answer[..., count:].tobytes() == picture[..., count:].tobytes()
    change = np.abs(answer[..., :count].astype(float) - picture[..., :count])
    assert change.mean() > (1 if picture.dtype == np.uint8 else 1 / 255)


@pytest.mark.parametrize("kind", wire.KINDS)
def test_transparent_pixels_are_dreamed_on_as_their_colour(kind: str, tiny) -> None:
    picture = frame(kind, 4)
    picture[:15, :, 3] = 0
    np.testing.assert_array_equal(dreamed(picture, tiny)[..., :3], dreamed(picture[..., :3], tiny))


def test_8_bit_frames_become_what_files_become(tiny) -> None:
    import engine

    file = engine.dream(RGB, preset="keras", model=tiny, layers="mixed0,mixed1", iterations=2)
    np.testing.assert_array_equal(dreamed(RGB, tiny), file.pixels)


def test_grey_is_the_luma_of_the_dreamed_colours(tiny) -> None:
    grey = frame("<f4", 1)
    colours = dreamed(np.repeat(grey, 3, axis=2), tiny)
    expected = colours @ np.array([0.2126, 0.7152, 0.0722])
    np.testing.assert_allclose(dreamed(grey, tiny)[..., 0], expected, atol=1e-6)


def test_float_is_not_rounded_to_8_bit(tiny) -> None:
    picture = frame("<f4", 3)
    answer = dreamed(picture, tiny) * 255
    assert np.abs(answer - np.rint(answer)).mean() == pytest.approx(0.25, abs=0.02)
    weak = dreamed(
        picture, tiny, DreamConfig(layers={"mixed0": 1}, iterations=1, octaves=1, step_size=0.00001)
    )
    assert 0 < np.abs(weak - picture).mean() < 0.00002


@pytest.mark.parametrize("channels", [1, 3])
def test_a_dream_that_changes_nothing_gives_float_back_bit_for_bit(channels: int, tiny) -> None:
    picture = frame("<f4", channels) * 3 - 1
    nothing = DreamConfig(layers={"mixed0": 1}, octaves=1, max_loss=0)
    assert dreamed(picture, tiny, nothing).tobytes() == picture.tobytes()


def test_highlights_and_shadows_outside_0_to_1_stay(tiny) -> None:
    picture = frame("<f4", 4)
    picture[3, 4, :3], picture[5, 6, :3] = 7.5, -2.0
    picture[..., 3] = picture[..., 3] * 4 - 2
    answer = dreamed(picture, tiny)
    clipped = picture.copy()
    clipped[..., :3] = clipped[..., :3].clip(0, 1)
    change = dreamed(clipped, tiny) - clipped
    np.testing.assert_allclose(answer, picture + change, atol=1e-6)
    assert answer[3, 4].max() > 7
    assert answer[5, 6, :3].min() < -1.5
    inside = dreamed(clipped, tiny)[..., :3]
    assert inside.min() >= 0
    assert inside.max() <= 1


def test_the_picture_so_far_has_full_size(tiny) -> None:
    first = next(pipe.steps(RGB, tiny, order_for(tiny, SETTINGS)))
    assert first.shape < RGB.shape[:2]
    answer = pipe.finish(RGB, first, tiny)
    assert answer.shape == RGB.shape
    assert np.abs(answer.astype(int) - from_model(to_model(RGB))).mean() < 10
