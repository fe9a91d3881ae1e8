"""What `deepdream-gimp check` finds, in homes of its own."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from gimp_plugin import patience
from gimp_plugin.check import check
from gimp_plugin.install import PLUGIN, files, install, remove
from gimp_plugin.profiles import Profile
from tests.gimp_plugin.homes import WORKING, make, posix, texts


@pytest.fixture
def installed(tmp_path, home, engine):
    profile = Profile((3, 0), make(home, ".config/GIMP/3.0"))
    install(profile, [sys.executable, str(engine)], "1.2.3")
    return profile


def test_all_is_well(installed, home):
    assert check(installed, home) == []


def test_not_installed(installed, home):
    remove(installed)
    (finding,) = check(installed, home)
    assert "is not in" in finding.text
    assert finding.remedy == "deepdream-gimp install"


@posix
def test_not_executable(installed, home):
    (installed.plugins / "deepdream/deepdream.py").chmod(0o644)
    (finding,) = check(installed, home)
    assert "not executable" in finding.text
    assert finding.remedy.startswith("chmod +x")


def test_loose_file(installed, home):
    remove(installed)
    (installed.plugins / "deepdream.py").write_text("", encoding="utf-8")
    assert "wrong place" in texts(check(installed, home))[0]


def test_folder_one_too_deep(installed, home):
    folder = installed.plugins / PLUGIN
    shutil.move(folder, installed.folder / "moved")
    folder.mkdir()
    shutil.move(installed.folder / "moved", folder / PLUGIN)
    found = texts(check(installed, home))
    assert "wrong place" in found[0]
    assert "is not in" in found[1]


def test_other_version(installed, home):
    with (installed.plugins / "deepdream/deepdream_common/frames.py").open("a") as file:
        file.write("# older\n")
    assert texts(check(installed, home)) == ["the installed plug-in is another version, or was modified"]


def test_plugin_of_the_other_gimp(installed, home):
    shutil.copyfile(files("gimp2")["deepdream.py"], installed.plugins / "deepdream/deepdream.py")
    assert "not the one for GIMP 3.0" in texts(check(installed, home))[0]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"command": []}', '{"command": 1}', "[" * 90_000])
def test_engine_unknown(installed, home, text):
    (installed.plugins / "deepdream/engine.json").write_text(text, encoding="utf-8")
    assert texts(check(installed, home)) == ["the plug-in does not know where to find the engine"]


def test_engine_gone(installed, home):
    text = json.dumps({"command": ["/gone/python", "-m", "engine"], "version": "1"})
    (installed.plugins / "deepdream/engine.json").write_text(text, encoding="utf-8")
    assert "there is no /gone/python" in texts(check(installed, home))[0]


def test_engine_does_not_work(installed, home, engine):
    engine.write_text("raise SystemExit('no module named onnxruntime')", encoding="utf-8")
    (finding,) = check(installed, home)
    assert finding.text == "the engine does not work: no module named onnxruntime"
    assert "pip install" in finding.remedy


def test_engine_without_runtime(installed, home, engine):
    engine.write_text(WORKING + "if 'info' in sys.argv: sys.exit('no ONNX Runtime')", encoding="utf-8")
    assert "no ONNX Runtime" in texts(check(installed, home))[0]


def test_engine_hangs(installed, home, engine, monkeypatch):
    monkeypatch.setattr(patience, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(patience, "computed", lambda process: None)
    engine.write_text("import time; time.sleep(600)", encoding="utf-8")
    assert "it is starting, but does nothing" in texts(check(installed, home))[0]


def test_engine_that_says_nothing(installed, home, engine):
    engine.write_text("", encoding="utf-8")
    assert "does not say its version" in texts(check(installed, home))[0]


def test_engine_newer_than_the_plugin(installed, home, engine):
    engine.write_text(WORKING.replace("1.2.3", "2.0.0"), encoding="utf-8")
    assert texts(check(installed, home)) == ["the plug-in is version 1.2.3, but the engine is version 2.0.0"]


def test_too_old(home):
    (finding,) = check(Profile((2, 8), home), home)
    assert "does not support GIMP" in finding.text


@pytest.mark.parametrize(
    ("path", "good"),
    [("${gimp_dir}/plug-ins:${gimp_plug_in_dir}/plug-ins", True), ("/opt/plug-ins", False)],
)
@posix
def test_search_path(installed, home, path, good):
    (installed.folder / "gimprc").write_text(f'# x\n(plug-in-path "{path}")\n', encoding="utf-8")
    found = texts(check(installed, home))
    assert found == [] if good else "look for plug-ins elsewhere" in found[0]


def test_flatpak_permission(home, engine):
    profile = Profile((3, 0), make(home, ".var/app/org.gimp.GIMP/config/GIMP/3.0"), "flatpak")
    install(profile, [sys.executable, str(engine)], "1.2.3")
    finding, note = check(profile, home)
    assert "Flatpak prevents" in finding.text
    assert finding.remedy.startswith("flatpak override --user")
    assert not note.certain
    overrides = make(home, ".local/share/flatpak/overrides") / "org.gimp.GIMP"
    overrides.write_text("[Session Bus Policy]\norg.freedesktop.Flatpak=talk\n", encoding="utf-8")
    assert texts(check(profile, home)) == []


def test_python_fu_is_looked_for(home, engine, tmp_path):
    profile = Profile((2, 10), make(home, ".config/GIMP/2.10"))
    install(profile, [sys.executable, str(engine)], "1.2.3")
    roots = (make(tmp_path, "usr"),)
    (note,) = check(profile, home, roots)
    assert not note.certain
    assert "Python-Fu" in note.text
    make(tmp_path, "usr/lib/x86_64-linux-gnu/gimp/2.0/python").joinpath("gimpfu.py").touch()
    assert check(profile, home, roots) == []
