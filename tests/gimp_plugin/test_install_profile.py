"""Profiles that the user names: what is understood and remembered of them, what is said of bad ones."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gimp_plugin import __main__ as command_line
from gimp_plugin import remembered
from gimp_plugin.profiles import Profile
from tests.gimp_plugin.homes import make, posix, python_of


def run(*words):
    return command_line.main([str(word) for word in words])


@pytest.fixture
def engine(monkeypatch):
    """An engine that is never started."""
    monkeypatch.setattr(command_line, "find_engine", lambda: (["engine"], "1.2.3"))


@pytest.fixture
def checked(monkeypatch):
    """All that the check is asked, with an answer that all is well."""
    asked = []
    monkeypatch.setattr(command_line, "check", lambda profile, *_, **__: asked.append(profile) or [])
    return asked


# Folders in the profile


@pytest.mark.parametrize("below", ["", "plug-ins", "plug-ins/deepdream", "plug-ins/..", "Plug-Ins"])
def test_the_folder_of_plugins_is_understood(portable, home, engine, below):
    assert run("install", "--profile", portable / below) == 0
    assert python_of(portable) == "python3"


@posix
def test_a_linked_folder_of_plugins_is_understood(portable, tmp_path, home, engine):
    (portable / "plug-ins").symlink_to(make(tmp_path, "elsewhere"))
    assert run("install", "--profile", portable / "plug-ins") == 0
    assert python_of(portable) == "python3"
    assert run("remove", "--profile", portable / "plug-ins") == 0
    assert not list((tmp_path / "elsewhere").iterdir())


# What is no profile


@pytest.mark.parametrize("command", ["install", "check", "remove"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "--profile names no folder"),
        ("~nobody-has-this-name/3.0", "there is no home folder for ~nobody"),
        ("missing", "there is no folder"),
        ("missing/plug-ins", "there is no folder"),
        ("x" * 300, "there is no folder"),
        ("file", "there is no folder"),
    ],
)
def test_a_missing_folder_says_so(tmp_path, home, engine, capsys, monkeypatch, command, name, words):
    make(home, ".config/GIMP/3.0")  # which must stay as it is
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert run(command, "--profile", name) == 1
    done = capsys.readouterr()
    assert words in done.err
    assert "hint: " in done.err
    assert not done.out
    assert not list(home.rglob("plug-ins"))


def test_the_folder_above_the_profiles_is_none(home, engine, capsys):
    parent = make(home, ".config/GIMP/3.2").parent
    make(parent, "2.10")
    assert run("install", "--profile", parent, "--gimp", "3") == 1
    told = capsys.readouterr().err
    assert "holds a folder for each GIMP: 2.10, 3.2" in told
    assert f"--profile {parent / '3.2'}" in told
    assert not list(home.rglob("plug-ins"))


# --gimp


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ("3", ["3.0", "3.2"]),
        ("3.2", ["3.2"]),
        ("3.0.4", ["3.0"]),
        ("2", ["2.10"]),
        ("2.10", ["2.10"]),
    ],
)
def test_one_version_only(home, engine, asked, chosen):
    for name in ("2.8", "2.10", "3.0", "3.2"):
        make(home, ".config/GIMP", name)
    assert run("install", "--gimp", asked) == 0
    assert sorted(path.parts[-3] for path in home.rglob("plug-ins/deepdream")) == chosen


def test_a_version_that_is_not_there(home, engine, capsys):
    make(home, ".config/GIMP/3.0")
    assert run("install", "--gimp", "3.2") == 1
    assert "no GIMP 3.2 found, only GIMP 3.0" in capsys.readouterr().err


@pytest.mark.parametrize("version", ["", "three", "3.", "3.0-RC1", "-1", "3.0.0.0"])
def test_what_is_no_version(home, engine, capsys, version):
    with pytest.raises(SystemExit) as caught:
        run("install", f"--gimp={version}")
    assert caught.value.code == 2
    assert "is no version of GIMP, such as 3, 3.2 or 2.10" in capsys.readouterr().err


# What is remembered


def test_a_named_folder_is_remembered(portable, home, engine, checked, capsys):
    assert run("install", "--profile", portable, "--gimp", "3.2") == 0
    assert run("check") == 0
    assert run("check", "--profile", portable) == 0
    assert checked == [Profile((3, 2), portable)] * 2
    assert run("install") == 0  # what `check` advises
    assert run("install", "--profile", portable) == 0
    assert remembered.folders() == {portable: "3.2"}
    assert run("install", "--profile", portable, "--gimp", "2.10") == 0
    assert run("check") == 0
    assert checked[-1] == Profile((2, 10), portable)
    assert run("remove") == 0
    assert "GIMP 2.10: removed" in capsys.readouterr().out
    assert not list((home / ".config").iterdir())


def test_a_remembered_folder_beside_the_usual_ones(portable, home, engine, checked):
    usual = make(home, ".config/GIMP/3.0")
    assert run("install", "--profile", portable) == 0
    assert run("check") == 0
    assert [profile.folder for profile in checked] == sorted([usual, portable])
    portable.rename(portable.with_name("gone"))
    checked.clear()
    assert run("check") == 0
    assert [profile.folder for profile in checked] == [usual]


def test_usual_folders_need_not_be_remembered(home, engine, checked):
    usual = make(home, ".config/GIMP/3.0")
    assert run("install", "--profile", usual, "--gimp", "2.10") == 0
    assert remembered.folders() == {usual: "2.10"}
    assert run("check") == 0
    assert checked == [Profile((2, 10), usual)]
    assert run("install", "--profile", usual, "--gimp", "3") == 0
    assert remembered.folders() == {}


def test_the_users_presets_stay(portable, home, engine):
    mine = make(home, ".config/deepdream/presets") / "mine.toml"
    mine.touch()
    assert run("install", "--profile", portable) == 0
    assert run("remove", "--profile", portable) == 0
    assert list((home / ".config/deepdream").rglob("*")) == [mine.parent, mine]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"/x": 3}', "[" * 90_000, "\xff"])
def test_a_damaged_memory_is_no_memory(portable, home, engine, text):
    (make(home, ".config/deepdream") / "gimp.json").write_text(text, encoding="latin-1")
    assert remembered.folders() == {}
    assert run("install", "--profile", portable) == 0
    assert remembered.folders() == {portable: ""}


def test_without_a_memory_it_installs_all_the_same(portable, home, engine, capsys):
    (home / ".config").touch()  # no folder can be made there
    assert run("install", "--profile", portable) == 0
    assert "can't be remembered" in capsys.readouterr().out
    assert run("remove", "--profile", portable) == 0


@posix
def test_names_of_any_bytes_are_remembered(tmp_path, home, engine):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff \xed\x95\x9c\n"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes only Unicode")
    assert run("install", "--profile", folder) == 0
    assert remembered.folders() == {folder: ""}
    assert json.loads((home / ".config/deepdream/gimp.json").read_text("ascii"))


def test_the_remedy_installs_where_check_looked(tmp_path, home, engine, capsys):
    folder = make(tmp_path, "my portable")
    assert run("check", "--profile", folder, "--gimp", "2.10") == 1
    quote = '"' if os.name == "nt" else "'"
    remedy = f"remedy: deepdream-gimp install --profile {quote}{folder}{quote} --gimp 2.10\n"
    assert remedy in capsys.readouterr().out


# Old profiles


@pytest.mark.parametrize("old", ["2.8", "2.99"])
def test_old_profiles_are_one_calm_line(home, engine, checked, capsys, old):
    make(home, ".config/GIMP", old)
    make(home, ".config/GIMP/3.0")
    for command in ("install", "check", "remove"):
        assert run(command) == 0
        done = capsys.readouterr()
        (line,) = [line for line in done.out.splitlines() if f"GIMP {old}" in line]
        assert "problem" not in line
        assert not done.err
    assert {profile.version for profile in checked} == {(3, 0)}


def test_only_the_gimps_that_count_make_the_exit_code(home, engine, capsys):
    make(home, ".config/GIMP/2.99")
    make(home, ".config/GIMP/3.0")
    assert run("check") == 1  # not installed in 3.0
    make(home, ".config/GIMP/3.0/plug-ins/deepdream/of-somebody")
    assert run("install") == 1
    assert run("check", "--gimp", "2.99") == 1  # which counts nowhere
    assert "the plug-in does not support GIMP 2.99" in capsys.readouterr().err
