"""The GIMP 2.10 plug-in under a real Python 2.7, on stubs that refuse what GIMP would refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from gimp_plugin.deepdream_common import parameters, region
from gimp_plugin.install import find_engine
from tests.gimp_plugin.conftest import HERE
from tests.gimp_plugin.plugin27 import (
    CHANNELS,
    FAKE_ENGINE,
    GRAY,
    GRAYA,
    INDEXED,
    RGB,
    RGBA,
    Plugin,
    inverted,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Python 2.7 is made on Debian only")

IN_PLACE = {"result": "in-place"}


def test_registration(plugin):
    report = plugin.run()
    ((name, procedure),) = report.procedures.items()
    assert name == parameters.PROCEDURE
    assert report.menus == {name: ["<Image>/Filters"]}
    assert procedure["label"] == parameters.MENU_LABEL
    assert procedure["imagetypes"] == "RGB*, GRAY*"
    names = [entry[1] for entry in procedure["params"]]
    hidden = parameters.MORE + parameters.OF_GIMP_3
    shown = [x.name for x in parameters.PARAMETERS if x not in hidden]
    assert names == ["run-mode", "image", "drawable", *shown]
    labels = {entry[1]: entry[2] for entry in procedure["params"]}
    assert "left unchanged" in labels["preset"]


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("name='dröm'", "illegal characters"),
        ("params=[(1.0, 'a', 'A', 1)]", "integers"),
        ("params=[(0, 'a b', 'A', 1)]", "illegal characters"),
        ("params=[(0, 'a', 'A')]", "4 elements"),
        ("params=[(1001, 'a', 'A', 1)]", "fifth"),
        ("params=[(0, 'a', 'A', 1, 2)]", "fifth"),
        ("params=[(1001, 'a', 'A', 9, (0, 5, 1))]", "range"),
        ("params=[(1008, 'a', 'A', 'x', (('Y', 'y'),))]", "none of its values"),
        ("types='RGB', menu='<Image>/Filters'", "first two"),
        ("types='CMYK'", "image type"),
        ("menu='Filters'", "no menu"),
        ("params=[(0, 'a', 'A', 1)] * 2, function=lambda a: 0", "2 arguments"),
        ("blurb=u'\\xe9'", "ascii"),
    ],
)
def test_stubs_refuse_a_wrong_registration(python27, definition, words):
    code = f"""# -*- coding: utf-8 -*-
import sys; sys.path.insert(0, {str(HERE / "gimp2_stubs")!r}); import gimpfu
def do(name='plug-in-x', blurb='', types='', params=[], function=lambda *a: 0, menu=None):
    gimpfu.register(name, blurb, '', '', '', '', 'X', types, params, [], function, menu=menu)
    gimpfu.main()
do()
gimpfu._registered.clear()
do({definition})
"""
    done = subprocess.run([python27, "-"], input=code, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode
    assert words in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("kind", [RGB, RGBA, GRAY, GRAYA])
def test_in_place_with_alpha_and_grey(plugin, kind):
    report = plugin.run(kind, values=IN_PLACE)
    assert report.error is None
    np.testing.assert_array_equal(report.after, inverted(report.before))
    assert len(report.layers) == 1
    assert report.undo[0] == 1


@pytest.mark.parametrize("mode", ["RUN_INTERACTIVE", "RUN_NONINTERACTIVE", "RUN_WITH_LAST_VALS"])
def test_new_layer_above(plugin, mode):
    report = plugin.run(mode=mode)
    assert report.error is None
    assert report.messages == []
    np.testing.assert_array_equal(report.after, report.before)
    assert [layer["name"] for layer in report.layers] == ["café dream", "café"]
    np.testing.assert_array_equal(report.dreamed(), inverted(report.before))
    assert report.undo[0] == 1


def test_progress(plugin):
    report = plugin.run()
    assert report.progress == sorted(report.progress) == [0.25, 0.5, 0.75, 1.0]
    assert report.texts[-1] == "Octave 1 of 1, iteration 4 of 4, 0:00 left"


@pytest.mark.parametrize("values", [IN_PLACE, {}])
def test_selection(plugin, values):
    report = plugin.run(width=400, height=300, selection=[150, 120, 40, 30], values=values)
    dreamed = report.dreamed()
    expected = report.before.copy()
    expected[120:150, 150:190] = inverted(expected[120:150, 150:190])
    np.testing.assert_array_equal(dreamed, expected)
    assert report.layers[0]["updates"] == [[150, 120, 40, 30]]
    words = plugin.facts["words"]
    assert words[0] == "pipe"


def test_feathering_is_left_to_gimp(plugin):
    report = plugin.run(selection=[10, 10, 60, 60], strength=0.5, values=IN_PLACE)
    inside = np.s_[10:70, 10:70]
    np.testing.assert_allclose(report.after[inside], 127.5, atol=1)  # half of a value and half of its inverse


def test_selection_that_reaches_beyond_the_layer(plugin):
    report = plugin.run(selection=[-30, -30, 60, 60], values=IN_PLACE)
    assert report.error is None
    np.testing.assert_array_equal(report.after[:30, :30], inverted(report.before[:30, :30]))
    np.testing.assert_array_equal(report.after[30:], report.before[30:])


def test_settings_reach_the_engine(plugin):
    values = {"octaves": 5.0, "iterations": 7.0, "mixed0": 1.5, "channels": "mixed3:87=0.5"}
    plugin.run(mode="RUN_INTERACTIVE", values=values)
    words = plugin.facts["words"]
    assert words[words.index("--octaves") + 1] == "5"
    assert words[words.index("--iterations") + 1] == "7"
    assert words[words.index("--layers") + 1].startswith("mixed0=1.5,")
    assert words[words.index("--layers") + 1].endswith(",mixed3:87=0.5")


CLASSIC = [preset.name for preset in parameters.PRESETS].index("classic")


def test_preset_counts_for_what_is_left_as_it_is(plugin):
    plugin.run(mode="RUN_INTERACTIVE", values={"preset": CLASSIC, "iterations": 3.0})
    words = plugin.facts["words"][5:]
    assert words == ["--preset", "classic", "--device", "auto", "--iterations", "3"]


SELECTED = {"width": 200, "height": 150, "canvas": [180, 160], "offsets": [-20, 10]}


@pytest.mark.parametrize("kind", [RGB, RGBA, GRAY, GRAYA])
def test_dream_grows_up_to_the_selections_edge(plugin, kind):
    report = plugin.run(kind, **SELECTED, selection=[100, 40, 60, 50], strength=0.5, values=IN_PLACE)
    assert report.error is None
    frame = np.load(plugin.frame)
    assert frame.shape == (150, 196, {3: 4, 1: 2}.get(CHANNELS[kind], CHANNELS[kind]))
    left = 100 - region.MARGIN
    alpha = np.zeros(frame.shape[:2], np.uint8)
    alpha[40:90, 100 - left : 160 - left] = 255
    np.testing.assert_array_equal(frame[..., -1], alpha)
    colours = 3 if kind in (RGB, RGBA) else 1
    np.testing.assert_array_equal(frame[..., :colours], report.before[:, left:, :colours])
    words = plugin.facts["words"]
    assert words[-2:] == ["--mask", "alpha"]
    assert words[words.index("--feather") + 1] == "12"  # a quarter of the selection's shorter side
    if colours < CHANNELS[kind]:
        np.testing.assert_array_equal(report.after[..., -1], report.before[..., -1])


def test_selection_is_cut_out_where_that_is_wanted(plugin):
    plugin.run(**SELECTED, selection=[100, 40, 60, 50], values={**IN_PLACE, "fit-selection": 0})
    assert "--mask" not in plugin.facts["words"]
    assert np.load(plugin.frame).shape[2] == 3


@pytest.mark.parametrize("values", [{}, IN_PLACE])
def test_layer_keeps_its_recipe(plugin, values):
    report = plugin.run(selection=[10, 10, 60, 60], values={**values, "mixed0": 1.0, "channels": "mixed3:87"})
    flags, text = report.layers[0]["parasites"]["deepdream-recipe"]
    assert flags == (3 if values else 1)  # kept in the file, and undone with the dream
    recipe = json.loads(text)
    assert recipe["settings"]["layers"]["mixed0"] == 1.0
    assert recipe["settings"]["layers"]["mixed3:87"] == 1.0
    assert recipe["settings"]["feather"] == 15
    assert recipe["mask"] == "alpha"
    assert recipe["finished"] is True
    assert recipe["versions"] == {"deepdream": "0", "gimp": "2.10.34"}
    assert recipe["device"] == "cpu"
    assert values == IN_PLACE or not report.parasites


def test_warnings_of_the_engine_are_shown(plugin):
    plugin.engine("warns")
    assert plugin.run().messages == ["left out an octave — too small"]


def test_deep_image_is_not_rounded_silently(plugin):
    report = plugin.run(precision=250)
    assert report.error is None
    assert "rounded to 8 bits" in report.messages[0]


@pytest.mark.parametrize("mode", ["RUN_INTERACTIVE", "RUN_NONINTERACTIVE"])
@pytest.mark.parametrize(
    ("engine", "scenario", "words"),
    [
        ("good", {"width": 58}, "at least 59 pixels"),
        ("good", {"selection": [500, 500, 10, 10]}, "Nothing of the layer is selected"),
        ("good", {"drawable": "group"}, "layer group"),
        ("good", {"locked": True, "values": IN_PLACE}, "locked"),
        ("good", {"values": {f"mixed{i}": 0.0 for i in range(6)} | {"channels": ""}}, "Raise at least one"),
        ("good", {"values": {"step-size": 5.0}}, "from 0.00001 to 1"),
        ("good", {"values": {"fit-selection": 7}}, "on (1) or off (0)"),
        ("good", {"values": {"preset": 99}}, "Choose one of: dream, "),
        ("good", {"meanwhile": "remove"}, "removed while"),
        ("good", {"meanwhile": [500, 500, 5, 5]}, "selected any more"),
        ("refuses", {}, "there is no CUDA device\n--device cpu"),
        ("good", {"kind": INDEXED}, "indexed images"),
        ("crash-at-start", {}, "failed (status 1)"),
        ("crash-at-start", {}, "no module named engine\nInstall the engine again"),
        ("crash-in-the-middle", {}, "failed (signal 9)"),
        ("crash-in-the-middle", {}, "perhaps because the memory ran out"),
        ("dies-mid-frame", {}, "middle of a picture"),
        ("garbage-on-stdout", {}, "not a picture"),
        ("wrong-size", {}, "another size"),
        ("other-protocol", {}, "different versions"),
    ],
)
def test_failure_is_a_sentence_and_touches_nothing(plugin, engine, scenario, words, mode):
    plugin.engine(engine)
    report = plugin.run(mode=mode, **scenario)
    assert report.untouched()
    assert len(report.messages) == 1
    assert words in report.messages[0]
    assert (report.error is None) == (mode == "RUN_INTERACTIVE")
    assert "Traceback" not in report.messages[0]


def test_engine_missing(plugin):
    plugin.command(["/nonexistent/python", "-m", "engine"])
    report = plugin.run()
    assert report.untouched()
    assert "there is no /nonexistent/python" in report.messages[0]
    assert "deepdream-gimp install" in report.messages[0]


def test_engine_file_missing(plugin):
    (plugin.folder / "engine.json").unlink()
    assert "does not know where" in plugin.run().messages[0]


def test_engine_that_can_not_be_executed(plugin, tmp_path):
    (tmp_path / "python").write_text("", encoding="utf-8")
    plugin.command([str(tmp_path / "python")])
    assert "can't be started" in plugin.run().messages[0]


def test_words_of_the_engine_are_in_the_log(plugin):
    plugin.engine("crash-at-start")
    plugin.run()
    assert "ImportError: no module named engine" in plugin.log
    assert "status 1" in plugin.log


def test_bug_of_ours_is_a_sentence_too(plugin):
    broken = plugin.folder / "deepdream_common" / "region.py"
    broken.write_text("class RegionError(Exception): pass\ndef around(*a): return 1 // 0\n", encoding="utf-8")
    report = plugin.run()
    assert report.untouched()
    assert "went wrong" in report.messages[0]
    assert "ZeroDivisionError" in plugin.log


def test_cancel_touches_nothing(plugin):
    plugin.engine("slow")
    report = plugin.run(mode="RUN_INTERACTIVE", press=-6)
    assert report.untouched()
    assert report.messages == []
    assert report.error is None
    assert len(report.windows) == 1


def test_closing_the_window_cancels(plugin):
    plugin.engine("slow")
    assert plugin.run(mode="RUN_INTERACTIVE", press=-4).untouched()


def test_stop_and_keep(plugin):
    plugin.engine("slow")
    report = plugin.run(mode="RUN_INTERACTIVE", press=1)
    assert report.error is None
    # Pressed before there was a picture: nothing; else the picture so far.
    if len(report.layers) > 1:
        np.testing.assert_array_equal(report.dreamed(), inverted(report.before))


def test_scripts_get_no_window(plugin):
    assert plugin.run(press=1).windows == []


def test_selection_changed_meanwhile(plugin):
    report = plugin.run(
        width=400, height=300, selection=[0, 0, 40, 40], meanwhile=[20, 20, 380, 280], values=IN_PLACE
    )
    across = 40 + region.MARGIN
    expected = report.before.copy()
    expected[20:across, 20:across] = inverted(expected[20:across, 20:across])
    np.testing.assert_array_equal(report.after, expected)


def test_channel_is_dreamed_in_place(plugin):
    report = plugin.run(GRAY, drawable="channel")
    assert report.layers == []
    np.testing.assert_array_equal(report.after, inverted(report.before))


def test_killed_plugin_leaves_no_engine(plugin):
    plugin.engine("slow")
    scenario = {"type": RGB, "width": 100, "height": 80, "directory": str(plugin.profile)}
    process = subprocess.Popen(
        [plugin.python27, HERE / "gimp2_driver.py", plugin.folder / "deepdream.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"FAKE_ENGINE_RECORD": str(plugin.record)},
    )
    process.stdin.write(json.dumps(scenario).encode())
    process.stdin.close()
    wait_until(lambda: plugin.record.exists() and plugin.record.read_text(encoding="utf-8").endswith("}"))
    process.kill()
    process.wait()
    wait_until(lambda: not alive(plugin.facts["pid"]))


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = f"/proc/{pid}/stat"
    if os.path.exists(status):  # noqa: PTH110 - a zombie that nobody reaps in a container is gone all the same
        with open(status, encoding="utf-8") as file:  # noqa: PTH123
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    return True


def wait_until(condition, seconds=60.0):
    import time

    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [RGB, RGBA, GRAY])
def test_real_engine(plugin, kind):
    command, _ = find_engine()
    plugin.command(command)
    values = {"octaves": 1, "iterations": 2, "device": "cpu", **IN_PLACE}
    report = plugin.run(kind, selection=[20, 20, 30, 30], values=values)
    assert report.error is None
    inside = np.zeros(report.shape[:2], bool)
    inside[20:50, 20:50] = True
    np.testing.assert_array_equal(report.after[~inside], report.before[~inside])
    assert not np.array_equal(report.after[inside], report.before[inside])
    if kind == RGBA:
        np.testing.assert_array_equal(report.after[..., 3], report.before[..., 3])


@pytest.fixture
def korean(tmp_path, python27):
    """The plug-in, and the Python of its engine, in folders whose names ASCII does not have."""
    found = Plugin(tmp_path, python27, "김프 é/2.10")
    found.python = tmp_path / "파이썬"
    found.python.symlink_to(sys.executable)
    return found


def test_folders_may_have_any_name(korean):
    korean.command([str(korean.python), str(FAKE_ENGINE), "good"])
    report = korean.run(values=IN_PLACE)
    assert (report.error, report.messages) == (None, [])
    np.testing.assert_array_equal(report.after, inverted(report.before))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["/없는/python", "-m", "engine"], "there is no /없는/python"),
        (None, "does not know where to find"),
    ],
)
def test_what_is_wrong_in_such_folders_is_told_and_logged(korean, command, said):
    korean.command(command)
    report = korean.run()
    assert said in report.error
    assert report.untouched()
    korean.command([str(korean.python), str(FAKE_ENGINE), "no such mode"])
    korean.run()
    assert "no mode no such mode" in korean.log
