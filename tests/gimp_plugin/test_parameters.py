"""The plug-in's table of what a user can set, against the engine's settings, presets and options."""

from __future__ import annotations

import math
import shlex
from dataclasses import replace

import pytest

from engine.cli import main as cli
from engine.cli import parser
from engine.cli.commands.common import configured
from engine.errors import UsageError
from engine.network.model import load_model
from engine.settings.config import COEFFICIENT_LIMIT, DreamConfig, settings
from engine.settings.origin import Origin
from engine.settings.presets import DEFAULT, PRESETS, Preset
from engine.settings.recipe import SCHEMA, Recipe
from engine.settings.selectors import parse_layers
from gimp_plugin.deepdream_common import (
    channels,
    parameters,
    recipe,
    settings_table,
    values,
    words,
)
from tests.gimp_plugin import make_tables

FIELDS = {name.replace("_", "-"): (name, setting) for name, setting in settings().items() if setting.dialog}


def read(arguments):
    """Return the DreamConfig that the engine makes of a command and options."""
    return configured(parser.parse(cli.COMMANDS, arguments))


def parse(settings_of_dialog, **keywords):
    """Return the DreamConfig that the engine makes of the plug-in's options."""
    return read(["pipe", *words.engine_options(settings_of_dialog, **keywords)])


# The table of parameters against the engine's settings


@pytest.mark.parametrize("parameter", parameters.SETTINGS, ids=lambda x: x.name)
def test_range_and_default_are_the_engines(parameter):
    name, setting = FIELDS[parameter.name]
    assert parameter.default == (getattr(PRESETS[DEFAULT], name) or 0)
    assert parameter.kind == setting.kind.__name__
    if parameter.kind != "bool":
        low = 0 if setting.optional else setting.low
        assert (parameter.low, parameter.high) == (low, min(setting.high, 2**31 - 1))
        assert parameter.low <= parameter.default <= parameter.high
        assert parameter.step > 0
    assert parameter.option == setting.option
    assert parameter.least == (setting.low if setting.optional else None)


def test_table_of_settings_is_the_engines():
    assert repr(settings_table.LOOK) == repr(make_tables.look()), make_tables.__doc__
    assert repr(settings_table.MORE) == repr(make_tables.more()), make_tables.__doc__


@pytest.mark.parametrize("parameter", parameters.SETTINGS + parameters.LAYERS, ids=lambda x: x.name)
def test_slider_is_within_the_range(parameter):
    if parameter.kind != "bool":
        low, high, gamma = parameter.slider
        assert parameter.low <= low < high <= parameter.high
        assert gamma > 0


def test_what_a_dialog_shows_at_once_has_a_place_of_its_own():
    places = [x.dialog.at_once for x in settings().values() if x.dialog and x.dialog.at_once]
    assert sorted(places) == list(range(1, len(places) + 1))


def test_every_setting_of_the_engine_is_there():
    assert {x.name for x in parameters.SETTINGS} == set(FIELDS)


def test_layers_are_those_of_the_engine():
    sliders = {x.name for x in parameters.LAYERS}
    tutorials = {x.name: x.default for x in parameters.TUTORIAL if x.name in sliders and x.default}
    assert tutorials == dict(DreamConfig().layers)
    assert all((x.low, x.high) == (-COEFFICIENT_LIMIT, COEFFICIENT_LIMIT) for x in parameters.LAYERS)


def test_names_are_unique():
    assert len({x.name for x in parameters.PARAMETERS}) == len(parameters.PARAMETERS)


# Presets


def test_table_of_presets_is_the_engines():
    found = [tuple(preset) for preset in parameters.PRESETS]
    assert found == [make_tables.entry(name) for name in PRESETS], make_tables.__doc__


@pytest.mark.parametrize("brief", [False, True])
@pytest.mark.parametrize("name", PRESETS)
def test_preset_is_the_engines(name, brief):
    values = {"preset": name, **parameters.preset_values(name)}
    assert parse(values, brief=brief) == PRESETS[name]
    assert parse(words.settled({"preset": name}), brief=brief) == PRESETS[name]
    if brief:
        assert words.engine_options(values, brief=True) == ["--preset", name, "--device", "auto"]


@pytest.fixture
def preset_with_channels(monkeypatch):
    """A preset called keras that has channels, a smallest size and a switch that is off."""
    values = {"channels": "mixed4:12+40=0.5", "mixed4": 0.0, "min-size": 200, "clip": False}
    table = [x._replace(values=values) if x.name == "keras" else x for x in parameters.PRESETS]
    monkeypatch.setattr(parameters, "PRESETS", tuple(table))
    return values


def test_call_leaves_to_the_preset_what_it_does_not_name(preset_with_channels):
    values = words.settled({"preset": "keras", "mixed0": 1.0, "octaves": 5, "blend": 0.5})
    assert {name: values[name] for name in preset_with_channels} == {**preset_with_channels, "min-size": 0}
    config = parse(values)
    assert config.layers == {"mixed0": 1, "mixed2": 0.2, "mixed3": 0.5, "mixed5": 1.5, "mixed4:12+40": 0.5}
    assert (config.octaves, config.min_size, config.clip, config.blend) == (5, None, False, 0.5)


def test_number_of_octaves_takes_the_place_of_a_smallest_size_only_where_it_is_meant(preset_with_channels):
    values = words.settled({"preset": "keras"})
    assert "--octaves" not in words.engine_options({**values, "octaves": 7}, brief=True)
    assert parse({**values, "octaves": 7}).min_size == 200
    assert words.engine_options({**values, "min-size": 0}, brief=True)[-2:] == ["--min-size", "none"]


def test_entry_of_a_preset_with_channels(monkeypatch):
    config = DreamConfig(layers={"mixed3": 1, "mixed4:12+40": 0.5, "mixed9": 2}, min_size=200)
    monkeypatch.setattr(make_tables.presets, "load", lambda name: Preset(name, "T", "D", config, "built in"))
    name, title, description, values = make_tables.entry("look")
    assert (name, title, description) == ("look", "T", "D")
    assert values["channels"] == "mixed4:12+40=0.5,mixed9=2"
    assert (values["min-size"], values["mixed3"], values["mixed5"]) == (200, 1, 0)
    assert "iterations" not in values


# Options


@pytest.mark.parametrize("brief", [False, True])
def test_defaults_give_the_engines_defaults(brief):
    assert parse({}, brief=brief) == read(["pipe"]) == PRESETS[DEFAULT]
    assert parse(words.settled({}), brief=brief) == PRESETS[DEFAULT]


def test_a_number_of_octaves_replaces_the_smallest_size_of_the_default():
    config = parse(words.settled({"octaves": 6}))
    assert config == replace(PRESETS[DEFAULT], octaves=6, min_size=None)


def test_the_default_of_the_tables_follows_any_preset(monkeypatch):
    """Also one of single channels, whatever the first preset becomes."""
    usual = parameters.PRESETS[0]._replace(values={"channels": "mixed3:87=1", "mixed4": 0.0, "clip": True})
    monkeypatch.setattr(parameters, "DEFAULT", usual)
    found = {x.name: x.default for x in parameters._usual(parameters.TUTORIAL)}
    assert (found["channels"], found["mixed4"], found["mixed3"], found["clip"]) == (
        "mixed3:87=1",
        0,
        0.5,
        True,
    )


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("parameter", parameters.SETTINGS + parameters.LAYERS, ids=lambda x: x.name)
def test_ends_of_a_range_are_accepted(parameter, end):
    value = {"low": False, "high": True}[end] if parameter.kind == "bool" else getattr(parameter, end)
    config = parse({parameter.name: value})
    if parameter in parameters.LAYERS:
        assert config.layers[parameter.name] == value
    elif parameter.least is not None and value == 0:
        assert getattr(config, FIELDS[parameter.name][0]) is None
    else:
        assert getattr(config, FIELDS[parameter.name][0]) == value


def test_floats_of_a_spinner_are_whole_numbers_for_the_engine():
    assert parse({"octaves": 5.0, "iterations": 7.0}).octaves == 5


def test_smallest_size_is_one_that_the_engine_takes():
    assert parse({"min-size": 5}).min_size == 32


def test_no_layer_at_all_is_refused_with_a_way_out():
    none = {layer.name: 0.0 for layer in parameters.LAYERS}
    with pytest.raises(parameters.SettingError, match="Raise at least one"):
        words.engine_options({**none, "channels": " , "})
    assert parse({**none, "channels": " mixed3:87, mixed4=-1,"}).layers == {"mixed3:87": 1, "mixed4": -1}


def test_device_and_preset_are_passed_on():
    given = words.engine_options({"device": "cpu"})
    assert given[given.index("--device") + 1] == "cpu"
    assert given[given.index("--preset") + 1] == DEFAULT


CHANGED = {"iterations": 7, "clip": True, "max-loss": 0.0, "mixed0": 1.5, "channels": "mixed4:12+40=0.5"}


@pytest.mark.parametrize(
    "values", [{}, CHANGED, {"preset": "classic", "device": "cpu", "keep-colours": True}]
)
def test_command_line_does_the_same_to_a_file(values):
    values = words.settled(values)
    command = shlex.split(words.command_line(values, "my photo's.jpg"))
    assert command[:3] == ["deepdream", "dream", "my photo's.jpg"]
    assert read(command[1:]) == parse(values)
    assert parser.parse(cli.COMMANDS, command[1:]).device == values["device"]


def test_command_line_says_only_what_is_not_usual():
    assert words.command_line(parameters.DEFAULTS, "a.jpg") == "deepdream dream a.jpg"
    values = words.settled({"preset": "classic", "iterations": 7})
    assert words.command_line(values, "a.jpg") == "deepdream dream a.jpg --preset classic --iterations 7"


def test_guide_is_an_option_of_every_run():
    values = {**words.settled({"preset": "classic"}), words.GUIDE: "my rose.png"}
    assert words.engine_options(values)[-2:] == ["--guide", "my rose.png"]
    command = words.command_line(values, "a.jpg")
    assert command == "deepdream dream a.jpg --preset classic --guide 'my rose.png'"
    assert "--guide" not in words.engine_options({**values, words.GUIDE: ""})


@pytest.mark.parametrize("values", [{}, CHANGED, {"min-size": 5, "keep-colours": True, "seed": 3}])
def test_recipe_is_one_that_the_engine_repeats(values):
    values = words.settled(values)
    guide = {"name": "장미.png", "sha256": "0" * 64}
    about = {"version": "1", "device": "cpu", "threads": 2, "precision": "full", "event": "start"}
    text = recipe.text(words.settings(values), about, "3.0.4", finished=False, mask="alpha", guide=guide)
    assert recipe.SCHEMA == SCHEMA
    assert text.isascii()
    assert Recipe.from_json(text) == Recipe(
        config=parse(values),
        mask="alpha",
        guide=Origin(**guide),
        finished=False,
        device="cpu",
        threads=2,
        versions={"deepdream": "1", "gimp": "3.0.4"},
    )
    assert not Recipe.from_json(text).unknown


CHANNELS = [
    "mixed4:12+40=0.5", " mixed0:255 , mixed1 = -2 ", "mixed5:0=1000", "mixed4:767,mixed4:766",
    "mixed3:5+5=1e-3", "mixed4:768=1", "mixed1:288", "mixed6:1=1", "mixed", "mixed4:", "mixed4:1,",
    "mixed4:a=1", "mixed4:1=", "=1", "mixed4:1=x", "mixed4:1=nan", "mixed4:1=inf", "mixed4:1=1001",
    "mixed4:1=1,mixed4:1=2", "mixed4:1++2", "mixed4 1", "mixed4:1=1=2", "mixed4:1;mixed4:2", "Mixed4:1",
    ",", ":", "mixed4:-1", "mixed2:0000287",
]  # fmt: skip


@pytest.mark.slow
def test_channels_are_refused_where_the_engine_refuses_them():
    with load_model() as model:
        assert tuple((x.name, x.channels) for x in model.metadata.layers) == channels.COUNTS
        for text in CHANNELS:
            try:
                model.channel_weights(DreamConfig(layers=parse_layers(text)).layers)
            except UsageError:
                assert channels.problem(text), text
            else:
                assert channels.problem(text) == "", text


def test_wrong_channels_are_a_setting_error():
    values = {"channels": "mixed4:768=1"}
    with pytest.raises(parameters.SettingError, match="has no channel 768"):
        words.engine_options(values)
    with pytest.raises(parameters.SettingError, match="given twice"):
        words.engine_options({"mixed4": 1.0, "channels": "mixed4=2"})


# Values that scripts give


@pytest.mark.parametrize("name", PRESETS)
def test_none_is_an_argument_that_was_left_out(name):
    """GIMP 3.2 gives None for some of them, GIMP 3.0 the default."""
    nothing = dict.fromkeys(parameters.DEFAULTS)
    assert words.settled({**nothing, "preset": name}) == words.settled({"preset": name})
    assert words.settled({**nothing, "preset": name, "channels": ""})["channels"] == ""
    assert words.settled(nothing) == words.settled({})


def test_values_are_checked_and_typed():
    given = [parameter.default for parameter in parameters.PARAMETERS]
    assert values.check_all(parameters.PARAMETERS, given) == parameters.DEFAULTS
    octaves = parameters.OCTAVES
    assert values.check(octaves, 3.0) == 3
    assert isinstance(values.check(octaves, 3.0), int)
    assert values.check(parameters.RESULT, b"in-place") == "in-place"
    assert values.check(parameters.RESULT, None) == "new-layer"
    assert values.check(parameters.RESULT, 1) == "in-place"
    assert values.check(parameters.FIT, 0) is False
    assert values.check(parameters.CHANNELS, None) == parameters.CHANNELS.default
    assert values.check(parameters.CHANNELS, b"") == ""
    assert values.check(parameters.CHANNELS, b"mixed3:87") == "mixed3:87"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("octaves", 0, "a whole number from 1 to 20"),
        ("octaves", 2.5, "a whole number"),
        ("step-size", 2, "a number from 0.00001 to 1"),
        ("step-size", math.nan, "a number"),
        ("mixed4", math.inf, "from -1000 to 1000"),
        ("iterations", "many", "a whole number"),
        ("device", "tpu", "auto, cpu, cuda"),
        ("clip", "yes", "on \\(1\\) or off"),
        ("clip", 2, "on \\(1\\) or off"),
    ],
)
def test_bad_values_are_named_with_their_range(name, value, said):
    parameter = next(x for x in parameters.PARAMETERS if x.name == name)
    with pytest.raises(parameters.SettingError, match=said) as caught:
        values.check(parameter, value)
    assert name in str(caught.value)
