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
from gimp_plugin import profiles
from gimp_plugin.check import check
from gimp_plugin.install import FLATPAK_SPAWN, PLUGIN, InstallError, files, install, remove
from gimp_plugin.profiles import Profile
from tests.gimp_plugin.conftest import REPOSITORY

posix = pytest.mark.skipif(os.name != "posix", reason="links and modes as on Unix")
WORKING = """\
import sys
print("deepdream 1.2.3" if "--version" in sys.argv else "{}")
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder, where the command line looks too."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setattr(Path, "home", lambda: folder)
    for name in ("GIMP2_DIRECTORY", "GIMP3_DIRECTORY", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    return folder


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """An engine that answers, as a script that a test may break."""
    script = tmp_path / "engine.py"
    script.write_text(WORKING, encoding="utf-8")
    command = [sys.executable, str(script)]
    monkeypatch.setattr(command_line, "find_engine", lambda: (command, installing.engine_version(command)))
    return script


def make(folder, *parts):
    path = folder.joinpath(*parts)
    path.mkdir(parents=True)
    return path


def texts(findings, *, certain=True):
    return [finding.text for finding in findings if finding.certain or not certain]


# Finding profiles


def test_linux_flatpak_and_snap(home):
    make(home, ".config/GIMP/2.10")
    make(home, ".config/GIMP/3.0")
    make(home, ".config/GIMP/not-a-version")
    make(home, ".var/app/org.gimp.GIMP/config/GIMP/3.2")
    make(home, "snap/gimp/current/.config/GIMP/3.0")
    make(home, ".gimp-2.8")
    found = profiles.find({}, home, "linux")
    assert [(profile.name, profile.host) for profile in found] == [
        ("GIMP 2.8", ""),
        ("GIMP 2.10", "gimp2"),
        ("GIMP 3.0", "gimp3"),
        ("GIMP 3.0 (Snap)", "gimp3"),
        ("GIMP 3.2 (Flatpak)", "gimp3"),
    ]


def test_config_home(home, tmp_path):
    make(tmp_path, "config/GIMP/3.0")
    make(home, ".config/GIMP/2.10")
    found = profiles.find({"XDG_CONFIG_HOME": str(tmp_path / "config")}, home, "linux")
    assert [profile.folder for profile in found] == [tmp_path / "config/GIMP/3.0"]


def test_mac(home):
    folder = make(home, "Library/Application Support/GIMP/3.0")
    assert [profile.folder for profile in profiles.find({}, home, "darwin")] == [folder]


@pytest.mark.parametrize("environ", [{}, {"APPDATA": "roaming"}])
def test_windows(home, environ):
    parent = home / environ["APPDATA"] if environ else home / "AppData" / "Roaming"
    environ = {name: str(home / value) for name, value in environ.items()}
    folder = make(parent, "GIMP", "3.2")
    assert profiles.find(environ, home, "win32") == [Profile((3, 2), folder)]


def test_folders_of_the_environment(home, tmp_path):
    mine, old = make(tmp_path, "mine"), make(home, "old-gimp")
    environ = {"GIMP3_DIRECTORY": str(mine), "GIMP2_DIRECTORY": "old-gimp"}
    assert profiles.find(environ, home, "linux") == [Profile((2, 10), old), Profile((3, 0), mine)]


def test_preview_versions_are_no_gimp_3():
    assert Profile((2, 99), Path()).host == ""


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [("3.0", None, (3, 0)), ("x", "3", (3, 0)), ("x", "2.10", (2, 10)), ("x", None, None)],
)
def test_given_profile(name, version, expected):
    profile = profiles.given(Path("/home/me") / name, version)
    assert (profile.version if profile else None) == expected


def test_given_profile_of_flatpak():
    folder = Path("/home/me/.var/app/org.gimp.GIMP/config/GIMP/3.0")
    profile = profiles.given(folder)
    assert profile is not None
    assert profile.package == "flatpak"


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
    make(tmp_path, "plug-in-settings").joinpath("plug-in-deep-dream.last").write_text("x", encoding="utf-8")
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


# Checking


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
    monkeypatch.setattr(installing, "START_SECONDS", 0.2)
    engine.write_text("import time; time.sleep(60)", encoding="utf-8")
    assert "does not start" in texts(check(installed, home))[0]


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
    assert command_line.main(["install", "--profile", str(folder)]) == 1
    assert "add --gimp" in capsys.readouterr().err
    assert command_line.main(["install", "--profile", str(folder), "--gimp", "2.10"]) == 0
    assert (folder / "plug-ins/deepdream/deepdream.py").is_file()
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
