"""A wrong argument is named, with what it takes; nothing of the program's inside is shown."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import engine
from engine.errors import ImageError, UsageError
from engine.settings.config import settings
from engine.settings.given import given_settings
from engine.settings.setting import brief
from tests.engine.conftest import noise

PIXELS = np.asarray(noise(30, 40))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"iteratons": 3}, "iterations"),
        ({"step": 0.1}, "step_size"),
        ({"octave": 3}, "octaves"),
        ({"layer": "mixed3"}, "layers"),
        ({"keep_colors": True}, "keep_colours"),
        ({"presett": "coral"}, "preset"),
        ({"thread": 2}, "threads"),
    ],
)
def test_an_unknown_setting_gets_the_nearest_argument(given, meant: str, tmp_path: Path) -> None:
    name = next(iter(given))
    for call in (
        lambda: engine.dream(PIXELS, **given),
        lambda: engine.zoom(PIXELS, tmp_path / "x.gif", **given),
        lambda: engine.video(tmp_path / "x.mp4", tmp_path / "y.mp4", **given),
    ):
        with pytest.raises(UsageError, match=f"there is no setting called '{name}'; did you mean {meant}?"):
            call()


def test_an_unknown_setting_of_a_gallery_and_one_like_nothing() -> None:
    with pytest.raises(UsageError, match="did you mean iterations"):
        engine.gallery(PIXELS, iteratons=3)
    with pytest.raises(UsageError, match=r"no setting called 'zzz'$") as caught:
        engine.dream(PIXELS, zzz=3)
    assert "octave_scale" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("octaves", "many", "octaves takes a whole number from 1 to 20"),
        ("octaves", 2.5, "octaves takes a whole number from 1 to 20"),
        ("octaves", True, "octaves takes a whole number"),
        ("octaves", np.array([1, 2]), "octaves takes a whole number"),
        pytest.param("octaves", 10**5000, "octaves takes a whole number", id="long"),
        ("step_size", 7, "step_size takes a number from 1e-05 to 1"),
        ("max_loss", "none", "or none"),
        ("clip", 1, "clip takes true or false"),
        ("layers", 5, "layers takes a mapping"),
        ("layers", ["mixed3"], "layers takes a mapping"),
        ("layers", None, "layers takes a mapping"),
        ("preset", 5, "preset takes"),
        ("preset", engine.DreamConfig(), "preset takes"),
        ("device", 0, "device takes text"),
        ("threads", "2", "threads takes a whole number"),
        ("threads", 1.5, "threads takes a whole number"),
        ("tiling", 512, "engine.Tiling"),
        ("depth", 8, "'8'"),
        ("dither", "no", "dither takes True or False"),
        ("progress", True, "progress takes a function"),
        ("guide", 5, "guide takes a path"),
        ("mask", [1], "mask takes a path"),
        ("model", 5, "model takes a path"),
    ],
)
def test_a_wrong_value_is_named_with_what_its_argument_takes(
    tiny, name: str, value: object, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        engine.dream(PIXELS, **({"model": tiny, "layers": "mixed0"} | {name: value}))
    assert name in str(caught.value)
    assert hint in caught.value.hint
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seconds", "long"),
        ("fps", None),
        ("zoom_rate", 0.5),
        ("rotate", np.nan),
        ("size", "640x480"),
        ("size", None),
        ("size", 640.5),
        ("size", (640,)),
        ("size", (640, 480, 3)),
        ("size", (640, "480")),
        ("size", {640}),
        ("target", 5),
        ("target", ""),
        ("overwrite", "no"),
        ("keep_frames", None),
        ("progress", "bar"),
        ("guide", 5),
        ("tiling", "auto"),
    ],
)
def test_a_wrong_value_of_a_zoom(tiny, tmp_path: Path, name: str, value: object) -> None:
    given = {"target": tmp_path / "x.gif", "model": tiny, "layers": "mixed0"} | {name: value}
    with pytest.raises(UsageError) as caught:
        engine.zoom(PIXELS, given.pop("target"), **given)
    assert name.replace("_", "-") in str(caught.value).replace("_", "-")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "value"),
    [("carry", "much"), ("carry", 1), ("frame_iterations", 0), ("size", "640x480"), ("source", b"film")],
)
def test_a_wrong_value_of_a_video(tiny, tmp_path: Path, name: str, value: object) -> None:
    given = {"source": tmp_path / "in.mp4", "model": tiny, "layers": "mixed0"} | {name: value}
    with pytest.raises(UsageError) as caught:
        engine.video(given.pop("source"), tmp_path / "out.mp4", **given)
    assert name.replace("_", "-") in str(caught.value).replace("_", "-")


def test_numbers_of_numpy_are_as_good_as_pythons(tiny, tmp_path: Path) -> None:
    plain = {"octaves": 2, "step_size": 0.5, "clip": True, "iterations": 1, "layers": {"mixed0": 1.0}}
    numpys = {
        "octaves": np.uint8(2),
        "step_size": np.float32(0.5),
        "clip": np.True_,
        "iterations": np.float64(1),
        "layers": {"mixed0": np.float16(1)},
    }
    tiling = engine.Tiling(size=np.int64(256), halo=np.int32(32), max_memory=np.int64(10**9))
    assert type(tiling.size) is int
    dreams = [
        engine.dream(PIXELS, model=tiny, **plain),
        engine.dream(PIXELS, model=tiny, dither=np.False_, threads=np.int64(1), tiling=tiling, **numpys),
    ]
    assert dreams[0].config == dreams[1].config
    np.testing.assert_array_equal(dreams[0].pixels, dreams[1].pixels)
    assert engine.Recipe.from_json(dreams[1].recipe.to_json()) == dreams[1].recipe
    film = engine.zoom(
        PIXELS,
        tmp_path / "x.gif",
        seconds=np.float32(0.125),
        fps=np.int64(16),
        size=np.int32(32),
        model=tiny,
        layers="mixed0",
    )
    assert film.frames == 2


def test_other_functions_name_their_arguments(tiny) -> None:
    for call, said in (
        (lambda: engine.read_recipe(5), "path cannot be 5"),
        (lambda: engine.gallery(PIXELS, preset=5, model=tiny), "preset cannot be 5"),
        (lambda: engine.gallery(5, model=tiny), "picture cannot be 5"),
        (lambda: engine.rank_channels([1], model=tiny), "picture cannot be"),
        (lambda: engine.rank_channels(PIXELS, layers="mixed0", model=tiny), "layers cannot be 'mixed0'"),
        (lambda: engine.load_model(5), "path cannot be 5"),
        (lambda: engine.load_model(device=0), "device cannot be 0"),
        (lambda: engine.load_model(threads="2"), "threads cannot be '2'"),
        (lambda: engine.load_model(threads=True), "threads cannot be True"),
    ):
        with pytest.raises(UsageError, match=said) as caught:
            call()
        assert caught.value.hint


def test_a_path_that_no_recipe_can_have() -> None:
    with pytest.raises(ImageError, match="path is no path"):
        engine.read_recipe("x\0.png")


def test_steps_and_finish_name_their_arguments(tiny) -> None:
    for given in ({"config": {"octaves": 2}}, {"config": "coral"}, {"threads": "2"}, {"tiling": 5}):
        with pytest.raises(UsageError, match=next(iter(given))):
            engine.steps(PIXELS, model=tiny, **given)
    picture = engine.Picture(PIXELS)
    step = next(engine.steps(picture, engine.DreamConfig(layers={"mixed0": 1.0}), model=tiny))
    with pytest.raises(UsageError, match="no depth '12'"):
        engine.finish(picture, step, tiny, depth="12")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
    lambda x: st.lists(x) | st.dictionaries(st.text() | st.integers(), x) | st.tuples(x, x),
    max_leaves=5,
)


@pytest.mark.slow
@hypothesis.given(st.dictionaries(st.sampled_from([*settings(), "layers"]) | st.text(), VALUES, max_size=4))
def test_any_settings_are_taken_or_refused_in_one_line(given: dict[str, object]) -> None:
    said = ""
    try:
        engine.DreamConfig(**given_settings(given, engine.dream))
    except UsageError as error:
        said = str(error)
    hypothesis.note(said)
    assert "\n" not in said
    assert len(said) < 500


def test_a_value_in_a_message_is_short_and_one_line() -> None:
    for value in (10**5000, "x\n" * 10**6, ["y" * 100] * 100, np.zeros((50, 50)), {"a": {"b": [1] * 1000}}):
        assert len(brief(value)) < 400
        assert brief(value).isprintable()
