"""What CONTRIBUTING.md says of adding a control, done in a copy of the program: all places follow."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests.engine.conftest import QUICK, noise
from tests.gimp_plugin.conftest import REPOSITORY

MODULE = '''"""Less red: a control that takes red out of the gradient."""

from typing import Final

from engine.ascent.controls.control import Control


def paled(gradient, share):
    def pale(image):
        loss, slope = gradient(image)
        slope[..., 0] *= 1 - share
        return loss, slope

    return pale


CONTROL: Final = Control(
    wanted=lambda config: config.less_red > 0,
    wrap=lambda gradient, config, _: paled(gradient, config.less_red),
    bytes_per_pixel=5,
)
'''

FIELD = '''    less_red: float = _setting(
        0.0, "--less-red", 0.0, 1.0, "how much less of red is dreamed", Dialog(label="Less red")
    )
    """Share that is taken from what red is changed by; 0 to 1."""

'''

EDITS = {
    "engine/settings/config.py": [
        ("    def __post_init__", FIELD + "    def __post_init__"),
        ("\n    seed: int\n", "\n    seed: int\n    less_red: float\n"),
    ],
    "engine/ascent/controls/__init__.py": [
        (" import blur, ", " import red, blur, "),
        ("    clip.CONTROL,\n", "    clip.CONTROL,\n    red.CONTROL,\n"),
    ],
}

LOOK_ROUND = """
import json
from engine.ascent import controls
from engine.cli import main, options, parser
from engine.cli.commands.common import configured
from engine.settings import presets
from engine.settings.config import DreamConfig
from engine.settings.recipe import Recipe
from gimp_plugin.deepdream_common import parameters, words

config = DreamConfig(less_red=0.5)
(parameter,) = [x for x in parameters.MORE if x.name == "less-red"]
values = words.settled({"less-red": 0.5})
dialogs = configured(parser.parse(main.COMMANDS, ["pipe", *words.engine_options(values)]))
print(json.dumps({
    "off by default": not controls.any_in(DreamConfig()),
    "wanted": controls.any_in(config),
    "bytes": controls.bytes_per_pixel(config, masked=False),
    "recipe": Recipe.from_json(Recipe(config=config).to_json()).config.less_red,
    "recipe of the plug-in": words.settings(values)["less_red"],
    "preset": presets.to_toml(config, "Pale"),
    "gimp": parameter._asdict(),
    "command line of the plug-in": words.command_line(values, "a.jpg"),
    "option of the plug-in": dialogs.less_red,
}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Return a copy of the program that has one control more."""
    root = tmp_path_factory.mktemp("program")
    ignore = shutil.ignore_patterns("__pycache__", "inception*.onnx", "gimp3")
    for folder in ("engine", "gimp_plugin", "tests/gimp_plugin"):
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=ignore)
    for file in ("pyproject.toml", "tests/__init__.py"):
        shutil.copy(REPOSITORY / file, root / file)
    (root / "engine/ascent/controls/red.py").write_text(MODULE)
    for name, edits in EDITS.items():
        text = (root / name).read_text(encoding="utf-8")
        for old, new in edits:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (root / name).write_text(text, encoding="utf-8")
    python(root, "-m", "tests.gimp_plugin.make_tables")
    return root


def python(root, *words, given: bytes = b""):
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, cwd=root, input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_settings_recipe_preset_and_dialog_have_it(copy):
    found = json.loads(python(copy, "-c", LOOK_ROUND))
    assert found["off by default"]
    assert found["wanted"]
    assert found["bytes"] == 5
    assert found["recipe"] == found["recipe of the plug-in"] == found["option of the plug-in"] == 0.5
    assert "\nless_red = 0.5\n" in found["preset"]
    assert found["command line of the plug-in"] == "deepdream dream a.jpg --less-red 0.5"
    shown = {"kind": "float", "default": 0.0, "low": 0.0, "high": 1.0, "step": 0.1, "label": "Less red"}
    assert found["gimp"].items() >= shown.items()
    assert found["gimp"]["blurb"] == "How much less of red is dreamed"
    assert found["gimp"]["slider"] == [0.0, 1.0, 1.0]


def test_command_line_and_preset_file_dream_with_it(copy, tmp_path):
    helped = " ".join(python(copy, "-m", "engine", "dream", "--help").decode().split())
    assert "--less-red X how much less of red is dreamed; 0 to 1 (0)" in helped
    noise(40, 50).save(tmp_path / "photo.png")
    (tmp_path / "pale.toml").write_text("less_red = 1\noctaves = 1\n[layers]\nmixed0 = 1\n")
    words = ["-m", "engine", "dream", tmp_path / "photo.png", *QUICK[:2], "--iterations", 2]
    python(copy, *words, "--preset", tmp_path / "pale.toml", "-o", tmp_path / "preset.png")
    plain = ["--preset", "keras", "--layers", "mixed0", "--octaves", 1]
    python(copy, *words, *plain, "--less-red", 1, "-o", tmp_path / "option.png")
    by_preset, by_option = (pixels(tmp_path / f"{x}.png") for x in ("preset", "option"))
    before = pixels(tmp_path / "photo.png")
    np.testing.assert_array_equal(by_preset, by_option)
    np.testing.assert_array_equal(by_option[..., 0], before[..., 0])
    assert (by_option[..., 1:] != before[..., 1:]).any()


def test_pipe_and_keyword_dream_with_it(copy, tmp_path):
    frame = np.array(noise(40, 50))
    np.save(tmp_path / "frame.npy", frame)
    words = ["-m", "engine", "pipe", *QUICK, "--preset", "keras", "--octaves", 1, "--less-red", 1]
    (tmp_path / "dream.npy").write_bytes(python(copy, *words, given=(tmp_path / "frame.npy").read_bytes()))
    piped = np.load(tmp_path / "dream.npy")
    script = (
        "import sys, engine, numpy; from engine.network.model import load_model\n"
        "dream = engine.dream(numpy.load(sys.argv[1]), model=load_model(sys.argv[2], device='cpu'),\n"
        "    preset='keras', layers='mixed0,mixed1', iterations=2, octaves=1, less_red=1)\n"
        "numpy.save(sys.argv[3], dream.pixels)"
    )
    python(copy, "-c", script, tmp_path / "frame.npy", QUICK[1], tmp_path / "keyword.npy")
    np.testing.assert_array_equal(piped, np.load(tmp_path / "keyword.npy"))
    np.testing.assert_array_equal(piped[..., 0], frame[..., 0])
    assert (piped[..., 1:] != frame[..., 1:]).any()


def pixels(path):
    from PIL import Image

    with Image.open(path) as image:
        return np.array(image)
