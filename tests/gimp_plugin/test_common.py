"""What both hosts share, against the engine that it speaks to."""

from __future__ import annotations

import ast
import importlib.util
import io
import math
import os
import shlex
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli import main as cli
from engine.cli import parser
from engine.cli.commands.common import configured
from engine.pipe import wire
from engine.settings.config import COEFFICIENT_LIMIT, DreamConfig, settings
from engine.settings.presets import PRESETS, Preset
from engine.settings.recipe import SCHEMA, Recipe
from gimp_plugin.deepdream_common import (
    engine_file,
    frames,
    log_file,
    mask,
    parameters,
    process,
    recipe,
    region,
    values,
    words,
)
from gimp_plugin.deepdream_common.progress import Pace
from tests.gimp_plugin import make_tables
from tests.gimp_plugin.conftest import PLUGIN, REPOSITORY

FIELDS = {name.replace("_", "-"): (name, setting) for name, setting in settings().items()}


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
    assert parameter.default == (getattr(DreamConfig(), name) or 0)
    assert parameter.kind == setting.kind.__name__
    if parameter.kind != "bool":
        low = 0 if setting.optional else setting.low
        assert (parameter.low, parameter.high) == (low, min(setting.high, 2**31 - 1))
        assert parameter.low <= parameter.default <= parameter.high
        assert parameter.step > 0
    assert parameter.option == setting.option
    assert parameter.least == (setting.low if setting.optional else None)


def test_table_of_settings_is_the_engines():
    assert repr(parameters.LOOK) == repr(make_tables.look()), make_tables.__doc__
    assert repr(parameters.MORE) == repr(make_tables.more()), make_tables.__doc__


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
    assert {x.name: x.default for x in parameters.LAYERS if x.default} == dict(DreamConfig().layers)
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
    """A preset called keras that has channels, a smallest size and a switch."""
    values = {"channels": "mixed4:12+40=0.5", "mixed4": 0.0, "min-size": 200, "clip": True}
    table = [x._replace(values=values) if x.name == "keras" else x for x in parameters.PRESETS]
    monkeypatch.setattr(parameters, "PRESETS", tuple(table))
    return values


def test_call_leaves_to_the_preset_what_it_does_not_name(preset_with_channels):
    values = words.settled({"mixed0": 1.0, "octaves": 5, "blend": 0.5})
    assert {name: values[name] for name in preset_with_channels} == {**preset_with_channels, "min-size": 0}
    config = parse(values)
    assert config.layers == {"mixed0": 1, "mixed2": 0.2, "mixed3": 0.5, "mixed5": 1.5, "mixed4:12+40": 0.5}
    assert (config.octaves, config.min_size, config.clip, config.blend) == (5, None, True, 0.5)


def test_number_of_octaves_takes_the_place_of_a_smallest_size_only_where_it_is_meant(preset_with_channels):
    values = words.settled({})
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
    assert parse({}, brief=brief) == DreamConfig()


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
    assert given[given.index("--preset") + 1] == "keras"


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


@pytest.mark.parametrize("values", [{}, CHANGED, {"min-size": 5, "keep-colours": True, "seed": 3}])
def test_recipe_is_one_that_the_engine_repeats(values):
    values = words.settled(values)
    about = {"version": "1", "device": "cpu", "threads": 2, "precision": "full", "event": "start"}
    text = recipe.text(words.settings(values), about, "3.0.4", finished=False, mask="alpha")
    assert recipe.SCHEMA == SCHEMA
    assert text.isascii()
    assert Recipe.from_json(text) == Recipe(
        config=parse(values),
        mask="alpha",
        finished=False,
        device="cpu",
        threads=2,
        versions={"deepdream": "1", "gimp": "3.0.4"},
    )
    assert not Recipe.from_json(text).unknown


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


# Values that scripts give


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


# Progress, log, engine file


def test_pace_tells_octave_iteration_and_time_left():
    now = iter([100.0, 110.0, 120.0, 5000.0])
    pace = Pace(lambda: next(now))
    event = {"octave": 1, "octaves": 3, "iteration": 1, "iterations": 20, "fraction": 0.2}
    assert pace.text(event) == "Octave 1 of 3, iteration 1 of 20"
    assert (
        pace.text({**event, "iteration": 2, "fraction": 0.3}) == "Octave 1 of 3, iteration 2 of 20, 1:10 left"
    )
    assert pace.text({**event, "fraction": 1.0}).endswith("0:00 left")
    assert pace.text({**event, "fraction": 0.5}).endswith("2:16:07 left")
    assert Pace.fraction({"fraction": 7}) == 1.0
    assert Pace.fraction({}) == 0.0


def test_log_keeps_the_newest(tmp_path):
    for i in range(3):
        log_file.write(str(tmp_path), [f"{i} “{'x' * 90000}”"])
    text = (tmp_path / log_file.NAME).read_text(encoding="utf-8")
    assert len(text) <= log_file.LIMIT
    assert "  2 “xxx" in text
    assert "  0 “" not in text


def test_log_that_can_not_be_written_is_no_failure(tmp_path):
    log_file.write(str(tmp_path / "missing"), ["x"])


@pytest.mark.parametrize(
    "text", [None, "", "{}", "[]", '{"command": []}', '{"command": [1]}', '{"command": "x"}', "[" * 90_000]
)
def test_bad_engine_file_has_a_way_out(tmp_path, text):
    if text is not None:
        (tmp_path / engine_file.NAME).write_text(text, encoding="utf-8")
    with pytest.raises(process.EngineError, match="deepdream-gimp install"):
        engine_file.read(str(tmp_path))


def test_engine_that_is_gone_is_named(tmp_path):
    (tmp_path / engine_file.NAME).write_text(
        '{"command": ["/gone/python", "-m", "engine"]}', encoding="utf-8"
    )
    with pytest.raises(process.EngineError, match="there is no /gone/python"):
        engine_file.read(str(tmp_path))


# Python 2.7


def sources():
    return sorted(
        str(path) for name in ("deepdream_common", "gimp2") for path in (PLUGIN / name).rglob("*.py")
    )


def test_vermin_finds_python_2_syntax_only():
    if importlib.util.find_spec("vermin") is None:
        pytest.skip("vermin is not installed: pip install vermin")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import vermin; vermin.main()",
            "-t=2.7-",
            "-t=3.0-",
            "--violations",
            "--no-tips",
            *sources(),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert sources()


@pytest.mark.skipif(os.name != "posix", reason="Python 2.7 is made on Debian only")
def test_python_2_compiles_it(python27):
    code = "import sys\nfor f in sys.argv[1:]: compile(open(f).read(), f, 'exec')"
    subprocess.run([python27, "-c", code, *sources()], check=True)


def test_common_modules_import_the_standard_library_only():
    for path in (PLUGIN / "deepdream_common").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [x.name for x in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            assert all(x.split(".")[0] in sys.stdlib_module_names | {"Queue"} for x in names), (path, names)


# All the way


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "channels"), [("|u1", 1), ("|u1", 2), ("|u1", 3), ("|u1", 4), ("<f4", 4)])
def test_real_engine_dreams(kind, channels, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    noise = np.random.default_rng(1).random((80, 90, channels)).astype(np.float32)
    picture = noise if kind == "<f4" else (noise * 255).astype(np.uint8)
    given = words.engine_options({"octaves": 1, "iterations": 2, "device": "cpu"})
    engine = process.Engine([sys.executable, "-m", "engine"], given, kind, *picture.shape, picture.tobytes())
    events = []
    try:
        while not engine.finished:
            events.append(engine.poll(0.1))
        dreamed = np.frombuffer(engine.result(), kind).reshape(picture.shape)
    finally:
        engine.close()
    kinds = [event["event"] for event in events if event]
    assert kinds[0] == "start"
    assert kinds.count("step") == 2
    colours = channels - 1 if channels in (2, 4) else channels
    assert not np.array_equal(dreamed[..., :colours], picture[..., :colours])
    np.testing.assert_array_equal(dreamed[..., colours:], picture[..., colours:])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["|u1", "<f4"])
def test_real_engine_keeps_to_the_selection(kind, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    noise = np.random.default_rng(1).random((80, 90, 3)).astype(np.float32)
    picture = noise if kind == "<f4" else (noise * 255).astype(np.uint8)
    shares = np.zeros((80, 90), np.uint8)
    shares[20:60, 20:60] = 200
    channels, raw = mask.put_on(kind, 3, picture.tobytes(), shares.tobytes())
    chosen = words.masked({**parameters.DEFAULTS, "octaves": 1, "iterations": 2, "device": "cpu"}, 40, 40)
    command = [sys.executable, "-m", "engine"]
    engine = process.Engine(command, words.engine_options(chosen) + words.MASK, kind, 80, 90, channels, raw)
    try:
        while not engine.finished:
            engine.poll(0.1)
        answer = mask.take_off(kind, 3, picture.tobytes(), engine.result())
    finally:
        engine.close()
    dreamed = np.frombuffer(answer, kind).reshape(picture.shape)
    np.testing.assert_array_equal(dreamed[shares == 0], picture[shares == 0])
    assert not np.array_equal(dreamed[30:50, 30:50], picture[30:50, 30:50])
    assert engine.about["event"] == "start"


@pytest.fixture
def long_dream(monkeypatch):
    """The real engine on a dream of many iterations, closed at the end."""
    monkeypatch.chdir(REPOSITORY)
    picture = np.random.default_rng(1).integers(0, 256, (80, 90, 3), np.uint8)
    given = words.engine_options({"octaves": 1, "iterations": 10000, "max-loss": 0, "device": "cpu"})
    engine = process.Engine([sys.executable, "-m", "engine"], given, "|u1", 80, 90, 3, picture.tobytes())
    yield engine
    engine.close()
    assert engine._process.returncode is not None


@pytest.mark.slow
def test_real_engine_stops_and_keeps(long_dream):
    steps = 0
    while not long_dream.finished:
        event = long_dream.poll(0.1)
        steps += event is not None and event["event"] == "step"
        if steps == 2:
            long_dream.stop()
    assert len(long_dream.result()) == 80 * 90 * 3


@pytest.mark.slow
@pytest.mark.parametrize("until", [None, "start", "step"])
def test_real_engine_ends_with_its_input(long_dream, until, monkeypatch):
    while until is not None and (long_dream.poll(0.1) or {}).get("event") != until:
        assert not long_dream.finished
    monkeypatch.setattr(process, "STOP_SECONDS", 20.0)
    long_dream.close()
    assert long_dream._process.returncode == 130, "it had to be killed"
