from __future__ import annotations

import inspect
import math
import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.settings.config import DreamConfig, Settings, fit_layers, settings
from engine.settings.presets import DEFAULT, PRESETS, configure
from engine.settings.selectors import format_layers, parse_layers, suggest


def test_the_defaults_are_the_tutorials() -> None:
    assert DreamConfig() == PRESETS["keras"]
    assert dict(DreamConfig().layers) == {"mixed2": 0.2, "mixed3": 0.5, "mixed4": 2.0, "mixed5": 1.5}
    values = {name: getattr(DreamConfig(), name) for name in settings()}
    tutorial = {
        "octaves": 3,
        "octave_scale": 1.4,
        "iterations": 20,
        "step_size": 0.01,
        "max_loss": 10.0,
    }
    assert values.items() >= tutorial.items()
    beyond = {name: value for name, value in values.items() if name not in tutorial}
    off = {"min_size": None, "max_size": None, "blend": 1.0, "feather": 16}
    assert beyond == {name: off.get(name, 0) for name in beyond}


def test_keyword_arguments_are_the_settings() -> None:
    expected = {x: y.kind.__name__ + (" | None" if y.optional else "") for x, y in settings().items()}
    fields_of = {x.name: x.type for x in fields(DreamConfig) if x.name != "layers"}
    keywords = {x: y.__forward_arg__ for x, y in Settings.__annotations__.items() if x != "layers"}
    assert fields_of == expected
    assert keywords == expected
    assert list(keywords) == list(expected)


def test_options_are_called_like_the_settings_except_for_one() -> None:
    other = {name for name, x in settings().items() if x.option != "--" + name.replace("_", "-")}
    assert other == {"step_size"}


def test_the_page_of_settings_has_every_option_with_its_default_or_range() -> None:
    page = (Path(__file__).parents[3] / "docs" / "settings.md").read_text(encoding="utf-8")
    tables = re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE)
    tutorials, beyond = (
        dict(re.findall(r"^\| `(--[a-z-]+)` \| *(.*?) *\|", x, re.MULTILINE)) for x in tables
    )
    options = {x.option: (name, x) for name, x in settings().items()}
    assert sorted([*tutorials, *beyond]) == sorted(["--layers", "--guide", "--mask", *options])
    assert tutorials.pop("--layers") == f"`{format_layers(DreamConfig().layers)}`"
    for option, default in tutorials.items():
        assert default == f"{getattr(DreamConfig(), options[option][0]):g}", option
    for option in beyond.keys() & options.keys():
        setting = options[option][1]
        span = "" if setting.kind is bool else setting.span.removesuffix(", or none")
        assert beyond[option] == span, option


def test_each_docstring_names_the_range_that_is_checked() -> None:
    source = inspect.getsource(DreamConfig)
    for name, setting in settings().items():
        text = re.search(rf'    {name}: .*?"""(.*?)"""', source, re.DOTALL)
        assert text
        assert setting.span.removesuffix(", or none") in " ".join(text[1].split())


def test_a_switch_takes_no_number() -> None:
    assert DreamConfig(clip=True).clip is True
    for value in (0, 1, "true", None, 0.5):
        with pytest.raises(UsageError, match="--clip"):
            DreamConfig(clip=value)


@pytest.mark.parametrize("name", [name for name, setting in settings().items() if setting.kind is not bool])
def test_values_outside_the_range_are_refused_by_the_options_name(name: str) -> None:
    setting = settings()[name]
    for value in (setting.low, setting.high, np.float32(2) if name == "octave_scale" else setting.high):
        getattr(DreamConfig(**{name: value}), name)
    for value in (setting.low - 1, setting.high + 1, math.nan, math.inf, 10**400, "1", True, [1]):
        with pytest.raises(UsageError, match=setting.option) as caught:
            DreamConfig(**{name: value})
        assert setting.span in caught.value.hint


def test_whole_numbers_stay_whole_and_none_only_where_it_means_something() -> None:
    assert DreamConfig(octaves=np.int64(4)).octaves == 4
    assert DreamConfig(max_loss=None).max_loss is None
    for bad in ({"octaves": 2.5}, {"octaves": None}, {"step_size": None}):
        with pytest.raises(UsageError):
            DreamConfig(**bad)


def test_a_config_is_a_value() -> None:
    layers = {"mixed4": 1.0}
    config = DreamConfig(layers=layers)
    layers["mixed4"] = 2.0
    assert config.layers["mixed4"] == 1.0
    assert hash(config) == hash(DreamConfig(layers={"mixed4": 1.0}))
    with pytest.raises(TypeError):
        config.layers["mixed4"] = 3.0  # type: ignore[index]


def test_parse_layers() -> None:
    assert parse_layers("mixed2=0.2, mixed3 ,mixed4=-2e1") == {"mixed2": 0.2, "mixed3": 1.0, "mixed4": -20.0}


@pytest.mark.parametrize("text", ["", "a=", "=1", "a=x", "a,,b", "a=1,a=2", "a=nan", "a=1=2"])
def test_parse_layers_refuses(text: str) -> None:
    with pytest.raises(UsageError, match="--layers"):
        parse_layers(text)


@given(st.dictionaries(st.text("abz059_", min_size=1, max_size=9), st.integers(-1000, 1000), min_size=1))
def test_layers_survive_writing_and_reading(layers) -> None:
    assert parse_layers(format_layers(layers)) == layers


@pytest.mark.parametrize("layers", [{}, {"mixed4": 1001}, {"mixed4": math.inf}])
def test_layers_out_of_range(layers) -> None:
    with pytest.raises(UsageError, match="--layers"):
        DreamConfig(layers=layers)


def test_of_many_layers_the_hint_names_those_most_alike() -> None:
    names = [f"inception_{x}{y}/{z}" for x in (3, 4, 5) for y in "abc" for z in ("1x1", "3x3", "5x5_reduce")]
    hint = suggest("inception_4c/5x5_redoce", names)
    assert hint.startswith("did you mean inception_4c/5x5_reduce? there are: inception_4c/5x5_reduce, ")
    assert hint.endswith(", …")
    assert len(hint) < 300


def test_a_misspelt_layer_gets_a_suggestion_and_the_list() -> None:
    with pytest.raises(UsageError) as caught:
        fit_layers(DreamConfig(layers={"mixd4": 1}), ["mixed3", "mixed4"], chosen="layers")
    assert caught.value.hint == "did you mean mixed4? there are: mixed3, mixed4"


def test_a_preset_makes_do_with_the_layers_that_there_are() -> None:
    config, warnings = fit_layers(DreamConfig(), ["mixed2", "mixed3"], chosen="preset")
    assert dict(config.layers) == {"mixed2": 0.2, "mixed3": 0.5}
    assert "mixed4, mixed5" in warnings[0]
    with pytest.raises(UsageError) as caught:
        fit_layers(DreamConfig(), ["mixed0"], chosen="preset")
    assert "mixed0" in caught.value.hint


def test_a_model_of_other_layers_dreams_with_its_last_ones_where_nothing_was_chosen() -> None:
    config, warnings = fit_layers(PRESETS[DEFAULT], ["conv1", "conv2", "conv3"], chosen="nothing")
    assert dict(config.layers) == {"conv2": 1.0, "conv3": 1.0}
    assert replace(config, layers=PRESETS[DEFAULT].layers) == PRESETS[DEFAULT]
    assert warnings[0].endswith(": dreaming with conv2=1,conv3=1")
    assert dict(fit_layers(DreamConfig(), ["conv1"], chosen="nothing")[0].layers) == {"conv1": 1.0}
    config, _ = fit_layers(DreamConfig(), ["mixed2", "other"], chosen="nothing")
    assert dict(config.layers) == {"mixed2": 0.2}


def test_a_models_own_layers_stand_in_for_those_of_a_preset() -> None:
    """Not for layers that somebody named, and not where the preset has one that the model has, too."""
    names, default = ["conv1", "conv2", "conv3"], {"conv1": 0.5}
    for chosen in ("nothing", "preset"):
        config, warnings = fit_layers(PRESETS[DEFAULT], names, chosen=chosen, default=default)
        assert dict(config.layers) == default
        assert warnings == ("the model has no mixed3, mixed4: dreaming with conv1=0.5",)
    with pytest.raises(UsageError, match="no layer called 'mixed3'"):
        fit_layers(DreamConfig(layers={"mixed3": 1}), names, chosen="layers", default=default)
    config, _ = fit_layers(DreamConfig(), ["mixed2", *names], chosen="preset", default=default)
    assert dict(config.layers) == {"mixed2": 0.2}


def test_an_unknown_preset_gets_a_suggestion() -> None:
    with pytest.raises(UsageError) as caught:
        configure("kears", {})
    assert "did you mean keras?" in caught.value.hint
