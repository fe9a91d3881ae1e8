"""Where profiles are found, and whose they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from gimp_plugin import profiles
from gimp_plugin.install import install
from gimp_plugin.profiles import Profile
from tests.gimp_plugin.homes import make, posix

# As GIMP 3.2.6 and GIMP 3.0.4 wrote them.
GIMPRC = """\
# GIMP gimprc
#
# (config-version "2.10.1")

(prev-language "C.UTF-8")
(config-version "3.2.6")
(check-updates no)
"""
PLUGINRC = """\
# GIMP pluginrc

(protocol-version 277)
(file-version 15)
"""


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
    [
        ("3.0", None, (3, 0)),
        ("x", "3", (3, 0)),
        ("x", "2.10", (2, 10)),
        ("x", "2", (2, 10)),
        ("x", "3.2.6", (3, 2)),
        ("3.0", "3.2", (3, 2)),
        ("x", None, (3, 0)),
    ],
)
def test_given_profile(name, version, expected):
    assert profiles.given(Path("/home/me") / name, version).version == expected


def test_given_profile_of_flatpak():
    folder = Path("/home/me/.var/app/org.gimp.GIMP/config/GIMP/3.0")
    assert profiles.given(folder).package == "flatpak"


# Whose it is


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("3.0", (3, 0)),
        ("2.10.38", (2, 10)),
        ("2.99", (2, 99)),
        (".gimp-2.8", (2, 8)),
        ("gimp3.2", (3, 2)),
        ("My GIMP 3.2 (portable)", (3, 2)),
        ("3.0 before the holidays", (3, 0)),
        ("portable", None),
        ("GIMP", None),
        ("deepdream-0.2.0", None),
        ("2024.05.12", None),
        ("1.5 GB", None),
        ("python3.11", None),
    ],
)
def test_the_name_tells_the_version(tmp_path, name, expected):
    assert profiles.guess(make(tmp_path, name)) == expected


def test_the_files_tell_the_version(portable):
    """Each of them outweighs the next: the folder's name, gimprc, pluginrc, the plug-in."""
    install(Profile((2, 10), portable), ["x"], "1")
    assert profiles.guess(portable) == (2, 10)
    (portable / "pluginrc").write_text(PLUGINRC, encoding="utf-8")
    assert profiles.guess(portable) == (3, 0)
    (portable / "pluginrc").write_text(PLUGINRC.replace("277", "23"), encoding="utf-8")  # GIMP 2's
    assert profiles.guess(portable) == (2, 10)
    (portable / "gimprc").write_text(GIMPRC, encoding="utf-8")
    assert profiles.guess(portable) == (3, 2)
    assert profiles.guess(portable.rename(portable.with_name("GIMP 3.0"))) == (3, 0)


@pytest.mark.parametrize("version", [(2, 10), (3, 0)])
def test_what_is_installed_tells_the_version(portable, version):
    install(Profile(version, portable), ["x"], "1")
    assert profiles.guess(portable) == version


@pytest.mark.parametrize("name", ["gimprc", "pluginrc", "plug-ins/deepdream/deepdream.py"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\0(config-version", b'(config-version "")', b"#!"])
def test_odd_files_tell_nothing(portable, name, content):
    if content is None:
        make(portable, name)  # a folder
    else:
        (portable / name).parent.mkdir(parents=True, exist_ok=True)
        (portable / name).write_bytes(content)
    assert profiles.guess(portable) is None


@posix
def test_links_tell_the_version(tmp_path):
    target, circle = make(tmp_path, "2.10"), tmp_path / "circle"
    (tmp_path / "mine").symlink_to(target)
    circle.symlink_to(circle)
    assert profiles.guess(tmp_path / "mine") == (2, 10)
    assert profiles.guess(circle) is None


def test_the_variables_gimp_outweighs_what_ran_there(home, portable):
    (portable / "gimprc").write_text(GIMPRC, encoding="utf-8")
    for variable, version in (("GIMP3_DIRECTORY", (3, 2)), ("GIMP2_DIRECTORY", (2, 10))):
        assert profiles.find({variable: str(portable)}, home, "linux") == [Profile(version, portable)]
