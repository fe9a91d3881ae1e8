"""The GIMP 2.10 plug-in as installed, in a Python 2.7 of its own, and what it did."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gimp_plugin.install import install
from gimp_plugin.profiles import Profile

HERE = Path(__file__).parent
FAKE_ENGINE = HERE / "fake_engine.py"

RGB, RGBA, GRAY, GRAYA, INDEXED = range(5)
CHANNELS = {RGB: 3, RGBA: 4, GRAY: 1, GRAYA: 2, INDEXED: 1}


class Plugin:
    """The plug-in as the installer puts it into a profile, with a fake engine."""

    def __init__(self, folder, python27, name="2.10"):
        self.profile = folder / name
        self.profile.mkdir(parents=True)
        self.python27 = python27
        self.folder = install(Profile((2, 10), self.profile), [sys.executable, "-m", "engine"], "0")
        self.record = folder / "record.json"
        self.frame = folder / "frame.npy"
        self.engine("good")

    def engine(self, mode):
        self.command([sys.executable, str(FAKE_ENGINE), mode])

    def command(self, words):
        (self.folder / "engine.json").write_text(json.dumps({"command": words}), encoding="utf-8")

    def run(self, kind=RGB, width=100, height=80, **scenario):
        scenario |= {"type": kind, "width": width, "height": height, "directory": str(self.profile)}
        done = subprocess.run(
            [self.python27, HERE / "gimp2_driver.py", self.folder / "deepdream.py"],
            input=json.dumps(scenario),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=os.environ
            | {
                "FAKE_ENGINE_RECORD": str(self.record),
                "FAKE_ENGINE_FRAME": str(self.frame),
                "LC_ALL": "C",
            },
        )
        assert done.returncode == 0, done.stderr
        report = Report(json.loads(done.stdout), (height, width, CHANNELS[kind]))
        assert report.undo[1] == 0, "an undo group stayed open"
        assert report.undo[2] == 0, "an undo step outside of the group"
        assert report.windows_left == 0
        assert report.threads == 1
        self.assert_engine_gone()
        return report

    @property
    def facts(self):
        return json.loads(self.record.read_text(encoding="utf-8"))

    def assert_engine_gone(self):
        if self.record.exists():
            with pytest.raises(ProcessLookupError):
                os.kill(self.facts["pid"], 0)

    @property
    def log(self):
        path = self.profile / "deepdream.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""


class Report:
    """What the driver tells."""

    def __init__(self, facts, shape):
        self.__dict__.update(facts)
        self.shape = shape
        self.before, self.after = self.picture(facts["original"]), self.picture(facts["pixels"])

    def picture(self, text):
        return np.frombuffer(base64.b64decode(text), np.uint8).reshape(self.shape)

    def dreamed(self, index=0):
        return self.picture(self.layers[index]["pixels"])

    def untouched(self):
        return len(self.layers) == 1 and self.undo == [0, 0, 0] and np.array_equal(self.before, self.after)


def inverted(picture):
    result = 255 - picture
    if picture.shape[2] in (2, 4):
        result[..., -1] = picture[..., -1]
    return result
