"""The looks that the dialog shows: the engine's presets, the user's own, favourites, what chance brings."""

from __future__ import annotations

import importlib
import json
import random
import sys
from collections import namedtuple
from dataclasses import replace
from types import SimpleNamespace

import pytest
from PIL import Image, ImageChops, ImageStat

from engine.cli import main as cli
from engine.cli import parser
from engine.cli.commands.common import configured
from engine.cli.commands.presets import _table
from engine.settings import presets
from engine.settings.config import DreamConfig
from gimp_plugin.deepdream_common import look, parameters, texts, words
from gimp_plugin.deepdream_common.favourites import NAME, Favourites
from tests.gimp_plugin import make_looks
from tests.gimp_plugin.conftest import PLUGIN


def told(name, config):
    """Return one of the user's presets as the engine's start event has it, after a way through JSON."""
    table = _table(presets.Preset(name, f"My {name}", "Mine.", config, "a file"))
    return json.loads(json.dumps({x: table[x] for x in ("name", "title", "description", "settings")}))


def dreamed(chosen):
    """Return the DreamConfig that the engine makes of a chosen look."""
    options = words.engine_options({**chosen.values, "preset": chosen.preset})
    return configured(parser.parse(cli.COMMANDS, ["pipe", *options]))


# What there is to choose


def test_built_in_looks_are_the_presets_in_their_order():
    looks = look.built_in()
    assert [x.key for x in looks] == list(presets.built_in())
    assert all(dreamed(x) == presets.PRESETS[x.key] for x in looks)
    assert not any(x.missing or x.own for x in looks)


def test_own_looks_are_based_on_the_tutorial():
    assert not next(x for x in parameters.PRESETS if x.name == look.BASE).values
    assert look.BASE == presets.TUTORIAL


@pytest.mark.parametrize(
    "config",
    [
        DreamConfig(),
        *presets.PRESETS.values(),
        DreamConfig(layers={"mixed3": 0.05, "mixed4:26+102": 1.0}, min_size=180, max_loss=None, clip=True),
    ],
)
def test_own_look_makes_what_the_command_line_makes(config):
    (mine,) = look.own([told("night", config)])
    assert dreamed(mine) == config
    assert (mine.key, mine.title, mine.description, mine.own) == ("own/night", "My night", "Mine.", True)
    assert mine.missing == ()


def test_own_look_that_names_few_settings_has_the_tutorial_s_others():
    (mine,) = look.own([{"name": "few", "title": "Few", "settings": {"iterations": 3}}])
    assert dreamed(mine) == replace(DreamConfig(), iterations=3)
    assert mine.description == ""


def test_own_look_tells_what_gimp_can_t_do():
    settings = {"layers": {"block3": 1.0}, "swirl": 2, "seed": 2**40}
    (mine,) = look.own([{"name": "odd", "title": "Odd", "description": "", "settings": settings}])
    assert len(mine.missing) == 3
    assert any("block3" in x for x in mine.missing)
    assert any("swirl" in x for x in mine.missing)
    assert mine.values["seed"] == 2**31 - 1


def test_looks_for_other_networks_are_translated_and_the_user_s_words_are_not():
    texts.use(["ko"])
    try:
        package = presets.load("googlenet")
        (theirs,) = look.own(
            [{"name": "googlenet", "title": package.title, "description": package.description}]
        )
        (mine,) = look.own([{"name": "x", "title": "My own", "description": ""}])
    finally:
        texts.use([])
    assert (theirs.title, mine.title, mine.description) == ("2015년의 DeepDream", "My own", "")
    assert theirs.description != package.description


def test_an_own_look_may_have_the_name_of_a_built_in_one():
    keys = [x.key for x in look.built_in() + look.own([told("coral", DreamConfig())])]
    assert len(set(keys)) == len(keys)


def test_favourites_come_first_each_in_their_order():
    looks = look.built_in()
    keys = [x.key for x in look.ordered(looks, {"keras", "coral"})]
    assert keys == ["coral", "keras", *(x.key for x in looks if x.key not in {"keras", "coral"})]


# What is chosen


def test_a_look_is_changed_by_any_value_but_the_seed():
    coral = next(x for x in look.built_in() if x.key == "coral")
    assert not look.changed(coral, coral.values)
    assert not look.changed(coral, {**coral.values, "seed": 7, "device": "cpu"})
    assert look.changed(coral, {**coral.values, "iterations": 1})
    assert look.changed(coral, {**coral.values, "channels": ""})


def test_surprises_are_other_looks_that_a_seed_makes_a_difference_to():
    looks, chance = look.built_in(), random.Random(1)  # noqa: S311
    found = [look.surprise(looks, "coral", chance) for _ in range(300)]
    assert {x.key for x, _ in found} == {x.key for x in looks if x.values["jitter"]} - {"coral"}
    assert not {"keras", "flight"} & {x.key for x, _ in found}  # no jitter
    assert len({seed for _, seed in found}) > 200
    assert look.surprise([x for x in looks if x.key == "keras"], "coral") is None


def test_history_goes_back_step_by_step():
    history = look.History()
    for number in range(look.STEPS + 10):
        history.keep(number)
        history.keep(number)  # twice the same is one step
    assert len(history) == look.STEPS
    assert [history.back() for _ in range(look.STEPS)] == list(range(look.STEPS + 9, 9, -1))


# Favourites


@pytest.fixture
def said():
    return []


def test_favourites_are_kept(tmp_path, said):
    favourites = Favourites(str(tmp_path), said.append)
    favourites.change("coral", True)
    favourites.change("own/night", True)
    favourites.change("coral", False)
    again = Favourites(str(tmp_path), said.append)
    assert "own/night" in again
    assert "coral" not in again
    assert [x.name for x in tmp_path.iterdir()] == [NAME]
    assert not said


def test_favourites_of_another_gimp_that_runs_stay(tmp_path, said):
    one, other = (Favourites(str(tmp_path), said.append) for _ in range(2))
    one.change("coral", True)
    other.change("gaze", True)
    again = Favourites(str(tmp_path), said.append)
    assert "coral" in again
    assert "gaze" in again


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"favourites": 3}', '{"favourites": [3]}', "\xff", "[" * 9999]
)
def test_a_broken_file_is_ignored_and_told(tmp_path, said, text):
    (tmp_path / NAME).write_bytes(text.encode("latin-1"))
    favourites = Favourites(str(tmp_path), said.append)
    assert "coral" not in favourites
    assert len(said) == 1
    favourites.change("coral", True)
    assert "coral" in Favourites(str(tmp_path), said.append)


def test_favourites_that_can_t_be_kept_last_as_long_as_the_dialog(tmp_path, said):
    favourites = Favourites(str(tmp_path / "missing"), said.append)
    favourites.change("coral", True)
    assert "coral" in favourites
    assert len(said) == 1


# Their pictures


def test_every_look_has_a_picture_and_all_are_small():
    files = sorted(make_looks.LOOKS.glob("*.jpg"))
    assert {x.stem for x in files} == set(presets.built_in())
    assert sum(x.stat().st_size for x in files) < 150_000
    assert "CC BY 4.0" in (make_looks.LOOKS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", presets.built_in())
def test_picture_is_the_gallery_s(name):
    with Image.open(make_looks.LOOKS / f"{name}.jpg") as picture:
        difference = ImageChops.difference(picture.convert("RGB"), make_looks.picture(name))
    assert max(ImageStat.Stat(difference).mean) < 8, make_looks.__doc__


# Trying them on the user's picture


class Live:
    """An engine that has been asked."""

    def __init__(self):
        self.alive, self.asked = True, []

    def ask(self, options, frame, background):
        assert background
        self.asked.append((options, frame))
        return len(self.asked)

    def forget(self, number):
        self.asked[number - 1] = None


@pytest.fixture
def samples(monkeypatch):
    monkeypatch.syspath_prepend(str(PLUGIN))
    monkeypatch.syspath_prepend(str(PLUGIN / "gimp3" / "deepdream"))
    return importlib.import_module("samples").Samples(Live(), lambda: SimpleNamespace(frame="a frame"))


def test_looks_are_tried_in_their_order_each_once(samples):
    samples.ask(look.built_in(), "cpu")
    samples.ask(look.built_in(), "cpu")
    asked = [options[options.index("--preset") + 1] for options, _ in samples._live.asked]
    assert asked == list(presets.built_in())
    margins = {int(options[options.index("--margin") + 1]) for options, _ in samples._live.asked}
    assert margins == {0, 40}  # enough for such a copy
    steps = [int(options[options.index("--iterations") + 1]) for options, _ in samples._live.asked]
    assert (steps[0], steps[-1]) == (
        24,
        20,
    )  # more than the preset's 14 in its one octave; the tutorial's own
    assert all(
        options[2:4] == ["--device", "cpu"] and frame == "a frame" for options, frame in samples._live.asked
    )


def test_looks_are_tried_on_what_is_seen_of_the_picture(samples):
    Where = namedtuple("Where", "x y width height")
    part = sys.modules["samples"].part
    assert part(Where(0, 0, 400, 300)) == (0, 0, 400, 300)
    assert part(Where(5, 7, 1000, 300)) == (305, 7, 400, 300)
    assert part(Where(5, 7, 400, 1001)) == (5, 357, 400, 300)
    assert part(Where(0, 0, 1, 1)) == (0, 0, 1, 1)


def test_events_of_others_are_left_to_them(samples):
    samples.ask(look.built_in()[:1], "auto")
    assert samples.handle({"event": "step", "dream": 7}) == (False, "", b"")
    assert samples.handle({"event": "ended", "message": "Gone."}) == (False, "", b"")
    assert samples.handle({"event": "step", "dream": 1}) == (True, "dream", b"")
    assert samples.handle({"event": "done", "dream": 1, "pixels": b"x"}) == (True, "dream", b"x")
    assert samples.handle({"event": "done", "dream": 1, "pixels": b"x"}) == (False, "", b"")
    assert samples.has("dream")


def test_a_look_that_fails_is_not_tried_again_but_all_are_by_another_engine(samples):
    samples.ask(look.built_in()[:2], "auto")
    assert samples.handle({"event": "error", "dream": 1, "message": "No."}) == (True, "dream", b"")
    samples._live.alive = False
    assert samples.handle({"event": "error", "dream": 2, "message": "Gone."}) == (True, "creatures", b"")
    samples._live.alive = True
    samples.ask(look.built_in()[:2], "auto")
    assert len(samples._live.asked) == 3
    samples.close()
    assert samples._live.asked[2] is None


def test_a_look_for_another_model_is_not_tried(samples):
    odd = look.own([{"name": "odd", "title": "Odd", "settings": {"layers": {"block3": 1.0}}}])
    samples.ask(odd, "auto")
    assert samples._live.asked == []
    assert samples.has("own/odd")
