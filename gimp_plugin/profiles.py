"""Find the profile folders of all GIMP installations."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OLDEST: Final = (2, 10)
"""Oldest GIMP that the plug-in supports."""

UNSTABLE: Final = (2, 99)
"""The previews of 3.0, whose interface changed from release to release."""


@dataclass(frozen=True, order=True)
class Profile:
    """The folder in which one version of GIMP keeps a user's settings and plug-ins."""

    version: tuple[int, int]
    """Major and minor number; a patch release uses the same folder."""

    folder: Path
    """What GIMP calls the personal folder."""

    package: str = ""
    """`flatpak` or `snap` if GIMP runs in one of these sandboxes."""

    @property
    def name(self) -> str:
        """Name of that GIMP for the user."""
        suffix = f" ({self.package.capitalize()})" if self.package else ""
        return f"GIMP {self.version[0]}.{self.version[1]}{suffix}"

    @property
    def plugins(self) -> Path:
        """Folder with the user's plug-ins."""
        return self.folder / "plug-ins"

    @property
    def host(self) -> str:
        """Which host runs there: gimp2, gimp3, or an empty text if none does."""
        if self.version < OLDEST or self.version == UNSTABLE:
            return ""
        return "gimp2" if self.version[0] == 2 else "gimp3"


def find(environ: Mapping[str, str], home: Path, platform: str = sys.platform) -> list[Profile]:
    """Return the profiles of all GIMP installations that have been started once, oldest version first."""
    found: dict[Path, Profile] = {}
    for variable, version in (("GIMP2_DIRECTORY", (2, 10)), ("GIMP3_DIRECTORY", (3, 0))):
        if environ.get(variable):
            folder = home / environ[variable]  # GIMP also resolves relative paths from there
            found[folder] = Profile(read_version(folder.name) or version, folder)
    for parent, package in _parents(environ, home, platform):
        for folder in _subfolders(parent):
            if version_of := read_version(folder.name):
                found.setdefault(folder, Profile(version_of, folder, package))
    for folder in _subfolders(home):  # until 2.8
        version_of = read_version(folder.name.removeprefix(".gimp-"))
        if version_of and folder.name.startswith(".gimp-"):
            found.setdefault(folder, Profile(version_of, folder))
    return sorted(found.values())


def given(folder: Path, version: str | None = None) -> Profile | None:
    """Return the profile in that folder, or None if neither its name nor `version` gives its version.

    version: such as 2.10 or 3.
    """
    numbers = read_version(version + ".0" if version and version.isdecimal() else version or folder.name)
    parts = folder.parts
    package = "flatpak" if ".var" in parts and "org.gimp.GIMP" in parts else ""
    package = "snap" if "snap" in parts and "gimp" in parts else package
    return Profile(numbers, folder, package) if numbers else None


def read_version(text: str) -> tuple[int, int] | None:
    """Return the major and minor number of a text such as 3.0, or None."""
    match = re.fullmatch(r"([0-9]{1,3})\.([0-9]{1,3})(\.[0-9]+)?", text)
    return (int(match[1]), int(match[2])) if match else None


def _parents(environ: Mapping[str, str], home: Path, platform: str) -> Iterator[tuple[Path, str]]:
    """Yield the folders that hold one folder per version, with the package they belong to."""
    if platform == "win32":
        yield Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / "GIMP", ""
    elif platform == "darwin":
        yield home / "Library" / "Application Support" / "GIMP", ""
    else:
        yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "GIMP", ""
        yield home / ".var" / "app" / "org.gimp.GIMP" / "config" / "GIMP", "flatpak"
        yield home / "snap" / "gimp" / "current" / ".config" / "GIMP", "snap"


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError:  # missing, or not readable
        return []
