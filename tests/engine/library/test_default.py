"""What a dream begins with where no preset is named, and what still means the tutorial's numbers."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import engine
from engine.cli import main as cli
from engine.cli import parser
from engine.cli.commands.common import configured
from engine.library.command import command_line
from engine.settings.presets import DEFAULT, FILMS, PRESETS, TUTORIAL
from engine.settings.recipe import Recipe
from tests.engine.conftest import TINY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

LIGHT = {"iterations": 1, "layers": {"mixed0": 1.0}}
SINCE = ("max_size", "margin", "natural_colours")
"""Settings that the first recipes did not have."""


def read(*words: str, preset: str = DEFAULT) -> engine.DreamConfig:
    return configured(parser.parse(cli.COMMANDS, list(words)), preset=preset)


def test_the_default_is_a_look_for_photographs() -> None:
    config = PRESETS[DEFAULT]
    assert config.margin >= 32
    assert config.natural_colours > 0
    assert config.clip
    assert config.max_loss is None
    assert config != PRESETS[TUTORIAL] == engine.DreamConfig()


def test_every_door_to_pictures_begins_with_it(photo: Path, tiny) -> None:
    assert read("dream", "x.jpg") == read("pipe") == read("presets", "save", "mine") == PRESETS[DEFAULT]
    dream = engine.dream(photo, model=tiny, **LIGHT)
    assert dream.config == replace(PRESETS[DEFAULT], **LIGHT)
    assert dream.recipe.config == dream.config
    assert read("zoom", "x.jpg", preset=FILMS) == PRESETS[FILMS]


def test_help_names_the_preset_that_a_command_begins_with(run: Run) -> None:
    for command, preset in (("dream", DEFAULT), ("pipe", DEFAULT), ("zoom", FILMS), ("video", FILMS)):
        code, out, _ = run(command, "--help")
        assert (code, f"or a .toml file ({preset})" in " ".join(out.split())) == (0, True), command


def test_what_is_given_replaces_single_settings_of_it() -> None:
    config = read("dream", "x.jpg", "--layers", "mixed3=1", "--max-size", "none")
    assert config == replace(PRESETS[DEFAULT], layers={"mixed3": 1.0}, max_size=None)
    config = read("dream", "x.jpg", "--octaves", "4")
    assert config == replace(PRESETS[DEFAULT], octaves=4, min_size=None)


def test_a_model_of_other_layers_dreams_with_its_last_ones_and_tells(run: Run, photo: Path, tiny) -> None:
    dream = engine.dream(photo, model=tiny, iterations=1)
    assert dict(dream.config.layers) == {"mixed0": 1.0, "mixed1": 1.0}
    assert dream.warnings[0].endswith("dreaming with mixed0=1,mixed1=1")
    code, _, err = run("dream", photo, "--model", TINY, "--iterations", 1)
    assert (code, err.count("dreaming with mixed0=1,mixed1=1")) == (0, 1)
    assert run("dream", photo, "--model", TINY, "--preset", DEFAULT, "--iterations", 1, "--overwrite")[0] == 0
    for preset in ("lace", "keras"):
        code, _, err = run("dream", photo, "--model", TINY, "--preset", preset, "--overwrite")
        assert (code, "none of the preset's layers" in err) == (2, True)


def test_steps_begin_as_a_dream_does(photo: Path, tiny) -> None:
    with pytest.warns(engine.DreamWarning, match="dreaming with mixed0=1,mixed1=1") as told:
        steps = list(engine.steps(photo, model=tiny))
    assert [x.filename for x in told] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        other = list(
            engine.steps(photo, replace(PRESETS[DEFAULT], layers={"mixed0": 1, "mixed1": 1}), model=tiny)
        )
    np.testing.assert_array_equal(steps[-1].full_size(), other[-1].full_size())


def test_an_old_recipe_repeats_the_old_picture(run: Run, photo: Path) -> None:
    """What it lacks is off, as it was then, and not what the default has become."""
    words = ["--model", TINY, "--threads", 1, "--layers", "mixed0,mixed1", "--iterations", 2]
    old, recipe, again = (photo.with_name(x) for x in ("old.png", "old.json", "again.png"))
    assert run("dream", photo, "--preset", TUTORIAL, *words, "-o", old)[0] == 0
    table = json.loads(engine.read_recipe(old).to_json())
    table["settings"] = {name: value for name, value in table["settings"].items() if name not in SINCE}
    table["versions"]["deepdream"] = "0.1.0"
    recipe.write_text(json.dumps(table))
    config = engine.read_recipe(recipe).config
    assert (config.max_size, config.margin, config.natural_colours) == (None, 0, 0)
    code, _, err = run("dream", photo, "--recipe", recipe, "--model", TINY, "--no-recipe", "-o", again)
    assert code == 0, err
    assert "deepdream 0.1.0 there" in err
    pixels = [engine.files.images.load(x).pixels for x in (old, again)]
    np.testing.assert_array_equal(*pixels)


@pytest.mark.parametrize("name", PRESETS)
def test_the_command_that_repeats_a_recipe_means_the_same_whatever_the_default_is(name: str) -> None:
    words = command_line(Recipe(config=PRESETS[name]))
    assert words[2:4] == ["--preset", TUTORIAL]
    assert read(*words) == PRESETS[name]
