"""The installer, in homes of its own."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from gimp_plugin import __main__ as command_line
from gimp_plugin import check as checking
from gimp_plugin import install as installing
from gimp_plugin.install import FLATPAK_SPAWN, InstallError, files, install, remove
from gimp_plugin.profiles import Profile
from tests.gimp_plugin.conftest import REPOSITORY
from tests.gimp_plugin.homes import make, posix, python_of

# Installing


@pytest.mark.parametrize("version", [(2, 10), (3, 0)])
def test_install_and_remove_leave_nothing(tmp_path, version):
    profile = Profile(version, tmp_path)
    folder = install(profile, ["python", "-m", "engine"], "1.0")
    main = folder / "deepdream.py"
    assert folder == tmp_path / "plug-ins" / "deepdream"
    assert os.name != "posix" or main.stat().st_mode & stat.S_IXUSR
    assert main.read_bytes().startswith(b"#!/usr/bin/env python" + (b"2" if version[0] == 2 else b"3"))
    assert (folder / "deepdream_common" / "process.py").is_file()
    assert json.loads((folder / "engine.json").read_text("utf-8")) == {
        "command": ["python", "-m", "engine"],
        "version": "1.0",
    }
    assert not list(folder.rglob("*.pyc"))
    assert os.listdir(tmp_path / "plug-ins") == ["deepdream"]  # noqa: PTH208
    (tmp_path / "deepdream.log").write_text("x", encoding="utf-8")
    last = "GimpProcedureConfigRun-plug-in-deep-dream.last"
    make(tmp_path, "plug-in-settings").joinpath(last).write_bytes(b"x")
    (tmp_path / "deepdream-guide-a1b2.png").write_bytes(b"x")
    assert remove(profile)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["plug-in-settings", "plug-ins"]
    assert not remove(profile)


def test_reinstalling_replaces_an_older_version(tmp_path):
    profile = Profile((3, 0), tmp_path)
    folder = install(profile, ["old"], "1.0")
    (folder / "module_of_the_old_version.py").write_text("", encoding="utf-8")
    other = make(tmp_path, "plug-ins/other")
    install(profile, ["new"], "2.0")
    assert not (folder / "module_of_the_old_version.py").exists()
    assert "new" in (folder / "engine.json").read_text("utf-8")
    assert sorted(path.name for path in (tmp_path / "plug-ins").iterdir()) == ["deepdream", other.name]


def test_failure_leaves_the_older_version(tmp_path, monkeypatch):
    profile = Profile((3, 0), tmp_path)
    folder = install(profile, ["old"], "1.0")

    def fail(*_):
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(shutil, "copyfile", fail)
    with pytest.raises(InstallError, match="No space left"):
        install(profile, ["new"], "2.0")
    assert "old" in (folder / "engine.json").read_text("utf-8")
    assert [path.name for path in (tmp_path / "plug-ins").iterdir()] == ["deepdream"]


def test_failing_swap_puts_the_old_one_back(tmp_path, monkeypatch):
    profile = Profile((3, 0), tmp_path)
    folder = install(profile, ["old"], "1.0")
    rename = Path.rename

    def fail(self, target):
        if self.name == "new":
            raise PermissionError(13, "Permission denied", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(InstallError, match="Permission denied"):
        install(profile, ["new"], "2.0")
    assert "old" in (folder / "engine.json").read_text("utf-8")


def test_foreign_plugin_of_the_same_name_is_left_alone(tmp_path):
    profile = Profile((3, 0), tmp_path)
    mine = make(tmp_path, "plug-ins/deepdream") / "deepdream.py"
    mine.write_text("somebody else's", encoding="utf-8")
    for act in (lambda: install(profile, ["x"], "1"), lambda: remove(profile)):
        with pytest.raises(InstallError, match="is not this Deep Dream plug-in"):
            act()
    assert mine.read_text("utf-8") == "somebody else's"


@posix
@pytest.mark.parametrize("act", ["install", "remove"])
def test_links_are_not_followed(tmp_path, act):
    profile = Profile((3, 0), make(tmp_path, "3.0"))
    elsewhere = make(tmp_path, "elsewhere")
    (elsewhere / "precious").write_text("", encoding="utf-8")
    make(profile.folder, "plug-ins")
    (profile.plugins / "deepdream").symlink_to(elsewhere)
    if act == "install":
        install(profile, ["x"], "1")
        assert not (profile.plugins / "deepdream").is_symlink()
        (profile.plugins / "deepdream" / "link").symlink_to(elsewhere)
    remove(profile)
    assert not os.path.lexists(profile.plugins / "deepdream")
    assert (elsewhere / "precious").exists()


def test_flatpak_starts_the_engine_on_the_host(tmp_path):
    folder = install(Profile((3, 0), tmp_path, "flatpak"), ["/usr/bin/python3", "-m", "engine"], "1")
    command = json.loads((folder / "engine.json").read_text("utf-8"))["command"]
    assert command == [*FLATPAK_SPAWN, "/usr/bin/python3", "-m", "engine"]


def test_too_old_or_missing_profile(tmp_path):
    with pytest.raises(InstallError, match=r"does not support GIMP 2\.8"):
        install(Profile((2, 8), tmp_path), ["x"], "1")
    with pytest.raises(InstallError, match="there is no folder"):
        install(Profile((3, 0), tmp_path / "3.0"), ["x"], "1")


@pytest.mark.parametrize("host", ["gimp2", "gimp3"])
def test_what_is_installed_names_no_cache(host):
    names = files(host)
    assert {"deepdream.py", "deepdream_common/__init__.py", "deepdream_common/parameters.py"} <= set(names)
    assert not any("__pycache__" in name for name in names)


# The engine


def test_engine_of_a_clone_is_found(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    command, version = installing.find_engine()
    assert command[0] == sys.executable
    assert version == (REPOSITORY / "engine/_version.py").read_text("utf-8").split('"')[-2]


def test_no_engine_at_all(monkeypatch, tmp_path):
    monkeypatch.setattr(installing, "SOURCES", tmp_path / "gimp_plugin")
    monkeypatch.setattr(
        installing,
        "engine_version",
        lambda command: installing.ask_engine([sys.executable, "-c", "raise SystemExit('no engine')"]),
    )
    with pytest.raises(InstallError, match="no engine") as caught:
        installing.find_engine()
    assert "pip install" in caught.value.hint


# The command line


def test_install_check_remove(home, engine, capsys, monkeypatch):
    monkeypatch.setattr(checking, "ROOTS", ())
    make(home, ".config/GIMP/3.0")
    make(home, ".config/GIMP/2.10")
    make(home, ".gimp-2.8")
    assert command_line.main(["check"]) == 1
    assert "remedy: deepdream-gimp install" in capsys.readouterr().out
    assert command_line.main(["install"]) == 0
    said = capsys.readouterr().out
    assert "GIMP 3.0: installed in" in said
    assert "GIMP 2.8: skipped" in said
    assert "Restart GIMP" in said
    assert "Filters > Deep Dream…" in said
    assert command_line.main(["install", "--check"]) == 0
    assert command_line.main(["check"]) == 0
    assert "all is well" in capsys.readouterr().out
    engine.write_text("raise SystemExit(3)", encoding="utf-8")
    assert command_line.main(["check"]) == 1
    assert "exit code 3" in capsys.readouterr().out
    assert command_line.main(["remove"]) == 0
    assert "GIMP 3.0: removed" in capsys.readouterr().out
    assert not list(home.rglob("deepdream*"))


def test_one_gimp_only(home, engine):
    make(home, ".config/GIMP/3.0")
    make(home, ".config/GIMP/2.10")
    assert command_line.main(["install", "--gimp", "3"]) == 0
    assert [path.parts[-3] for path in home.rglob("plug-ins/deepdream")] == ["3.0"]


def test_given_folder(tmp_path, home, engine, capsys):
    folder = make(tmp_path, "portable")
    assert command_line.main(["install", "--profile", str(folder)]) == 0
    assert "taken for GIMP 3. Otherwise, add --gimp 2.10" in capsys.readouterr().out
    assert python_of(folder) == "python3"
    assert command_line.main(["install", "--profile", str(folder), "--gimp", "2.10"]) == 0
    assert python_of(folder) == "python2"
    assert command_line.main(["install", "--profile", str(tmp_path / "3.0")]) == 1
    assert "there is no folder" in capsys.readouterr().err


def test_flatpak_is_told(home, engine, capsys):
    make(home, ".var/app/org.gimp.GIMP/config/GIMP/3.0")
    assert command_line.main(["install"]) == 0
    said = capsys.readouterr().out
    assert checking.PERMISSION in said
    assert "untested" in said


@pytest.mark.parametrize(("there", "words"), [(None, "no GIMP found"), ("/usr/bin/gimp", "start GIMP once")])
def test_no_gimp(home, engine, capsys, monkeypatch, there, words):
    monkeypatch.setattr(shutil, "which", lambda name: there)
    for command in ("install", "check", "remove"):
        assert command_line.main([command]) == 1
        assert words in capsys.readouterr().err


def test_only_too_old(home, engine, capsys):
    make(home, ".gimp-2.8")
    assert command_line.main(["install"]) == 1
    assert "install GIMP 3" in capsys.readouterr().err
    assert command_line.main(["check"]) == 1


def test_one_profile_that_fails_does_not_hinder_the_others(home, engine, capsys):
    make(home, ".config/GIMP/3.0")
    make(home, ".config/GIMP/3.2/plug-ins/deepdream/somebody")
    assert command_line.main(["install"]) == 1
    done = capsys.readouterr()
    assert "GIMP 3.2: error" in done.err
    assert "GIMP 3.0: installed" in done.out
