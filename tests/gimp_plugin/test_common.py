"""What both hosts share, against the engine that it speaks to."""

from __future__ import annotations

import ast
import importlib.util
import io
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import cli, options, wire
from engine.config import COEFFICIENT_LIMIT, DreamConfig, settings
from engine.presets import PRESETS, configure
from gimp_plugin.deepdream_common import engine_file, frames, log_file, parameters, process, region, values
from gimp_plugin.deepdream_common.progress import Pace
from tests.gimp_plugin.conftest import PLUGIN, REPOSITORY

FIELDS = {setting.option.removeprefix("--"): (name, setting) for name, setting in settings().items()}
SPELLED = {"step-size": "step"}


def parse(settings_of_dialog, **keywords):
    """Return the DreamConfig that the engine makes of the plug-in's options."""
    words = parameters.engine_options(settings_of_dialog, **keywords)
    arguments = options.parse(cli.COMMANDS, ["pipe", *words])
    return configure(arguments.preset, options.given_settings(arguments))


# The table of parameters against the engine's settings


@pytest.mark.parametrize("parameter", parameters.LOOK, ids=lambda x: x.name)
def test_range_and_default_are_the_engines(parameter):
    name, setting = FIELDS[SPELLED.get(parameter.name, parameter.name)]
    assert (parameter.low, parameter.high) == (setting.low, setting.high)
    assert parameter.default == getattr(DreamConfig(), name)
    assert parameter.kind == setting.kind.__name__
    assert parameter.low <= parameter.default <= parameter.high
    assert parameter.step > 0


def test_every_setting_of_the_engine_is_there():
    assert {SPELLED.get(x.name, x.name) for x in parameters.LOOK} == set(FIELDS)


def test_layers_are_those_of_the_engine():
    assert {x.name: x.default for x in parameters.LAYERS if x.default} == dict(DreamConfig().layers)
    assert all((x.low, x.high) == (-COEFFICIENT_LIMIT, COEFFICIENT_LIMIT) for x in parameters.LAYERS)


def test_presets_are_those_of_the_engine():
    assert set(parameters.PRESETS) == {nick for nick, _ in parameters.PRESET.choices} == set(PRESETS)


def test_mnemonics_and_names_are_unique():
    assert len({x.name for x in parameters.PARAMETERS}) == len(parameters.PARAMETERS)
    assert all(x.label.count("_") == 1 for x in parameters.PARAMETERS)


@pytest.mark.parametrize("explicit", [False, True])
def test_defaults_give_the_engines_defaults(explicit):
    assert parse({}, explicit=explicit) == DreamConfig()


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("parameter", parameters.LOOK + parameters.LAYERS, ids=lambda x: x.name)
def test_ends_of_a_range_are_accepted(parameter, end):
    value = getattr(parameter, end)
    config = parse({parameter.name: value})
    if parameter in parameters.LAYERS:
        assert config.layers[parameter.name] == value
    elif parameter.name == "max-loss" and value == 0:
        assert config.max_loss is None
    else:
        assert getattr(config, FIELDS[SPELLED.get(parameter.name, parameter.name)][0]) == value


def test_floats_of_a_spinner_are_whole_numbers_for_the_engine():
    assert parse({"octaves": 5.0, "iterations": 7.0}).octaves == 5


def test_no_layer_at_all_is_refused_with_a_way_out():
    with pytest.raises(parameters.SettingError, match="Raise at least one"):
        parameters.engine_options({layer.name: 0.0 for layer in parameters.LAYERS})


def test_device_and_preset_are_passed_on():
    words = parameters.engine_options({"device": "cpu"})
    assert words[words.index("--device") + 1] == "cpu"
    assert words[words.index("--preset") + 1] == "keras"


# Values that scripts give


def test_values_are_checked_and_typed():
    given = [parameter.default for parameter in parameters.PARAMETERS]
    assert values.check_all(given) == parameters.DEFAULTS
    octaves = parameters.LOOK[1]
    assert values.check(octaves, 3.0) == 3
    assert isinstance(values.check(octaves, 3.0), int)
    assert values.check(parameters.RESULT, b"in-place") == "in-place"
    assert values.check(parameters.RESULT, None) == "new-layer"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("octaves", 0, "a whole number from 1 to 20"),
        ("octaves", 2.5, "a whole number"),
        ("step-size", 2, "a number from 0.00001 to 1"),
        ("step-size", math.nan, "a number"),
        ("mixed4", math.inf, "from -1000 to 1000"),
        ("iterations", "many", "a whole number"),
        ("device", "tpu", "auto, cpu, cuda"),
    ],
)
def test_bad_values_are_named_with_their_range(name, value, words):
    parameter = next(x for x in parameters.PARAMETERS if x.name == name)
    with pytest.raises(parameters.SettingError, match=words) as caught:
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
    ("selection", "width", "height", "words"),
    [
        ((0, 0, 58, 200), 58, 200, "too small.*\n.*at least 59"),
        ((0, 0, 0, 0), 100, 100, "Nothing of the layer is selected"),
        ((100, 0, 50, 50), 100, 100, "Nothing of the layer is selected"),
    ],
)
def test_region_errors_have_a_way_out(selection, width, height, words):
    with pytest.raises(region.RegionError, match=words) as caught:
        region.around(selection, width, height)
    assert caught.value.hint


def test_smallest_side_is_the_embedded_models():
    from engine.model import load_model

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
    "text", [None, "", "{}", "[]", '{"command": []}', '{"command": [1]}', '{"command": "x"}']
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
    words = parameters.engine_options({"octaves": 1, "iterations": 2, "device": "cpu"})
    engine = process.Engine([sys.executable, "-m", "engine"], words, kind, *picture.shape, picture.tobytes())
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


@pytest.fixture
def long_dream(monkeypatch):
    """The real engine on a dream of many iterations, closed at the end."""
    monkeypatch.chdir(REPOSITORY)
    picture = np.random.default_rng(1).integers(0, 256, (80, 90, 3), np.uint8)
    words = parameters.engine_options({"octaves": 1, "iterations": 10000, "max-loss": 0, "device": "cpu"})
    engine = process.Engine([sys.executable, "-m", "engine"], words, "|u1", 80, 90, 3, picture.tobytes())
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
