"""Find the profile folders of all GIMP installations, and whose they are."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PLUGIN: Final = "deepdream"
"""Name of the plug-in's folder and of its main file."""

OLDEST: Final = (2, 10)
"""Oldest GIMP that the plug-in supports."""

USUAL: Final = (3, 0)
"""What a folder belongs to that says nothing else."""

UNSTABLE: Final = (2, 99)
"""The previews of 3.0, whose interface changed from release to release."""

# A folder such as 3.0, .gimp-2.8 or "My GIMP 3.2 (portable)", but no date and no other program's version.
_NAMED: Final = re.compile(r"(?:^|gimp[-_ ]*)([2-9])\.([0-9]{1,2})(?![0-9])", re.IGNORECASE)
_WRITTEN: Final = re.compile(r'^\s*\(config-version\s+"([0-9]{1,3})\.([0-9]{1,3})', re.MULTILINE)
_PROTOCOL: Final = re.compile(r"^\s*\(protocol-version\s+([0-9]{1,9})\)", re.MULTILINE)


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


def find(
    environ: Mapping[str, str],
    home: Path,
    platform: str = sys.platform,
    known: Mapping[Path, str] | None = None,
) -> list[Profile]:
    """Return the profiles of all GIMP installations that have been started once, oldest version first.

    known: other folders that a user has named, with the version that they named or an empty text; those
    that do not exist are left out.
    """
    there = {folder: version for folder, version in (known or {}).items() if is_folder(folder)}
    candidates = [given(folder, version) for folder, version in there.items() if version]
    candidates += _usual(environ, home, platform)
    candidates += [given(folder) for folder in there]
    found: dict[Path, Profile] = {}
    for profile in candidates:
        found.setdefault(real(profile.folder), profile)
    return sorted(found.values())


def given(folder: Path, version: str | None = None) -> Profile:
    """Return the profile in that folder: of GIMP `version` (such as 2.10 or 3), else of what `guess` says."""
    numbers = read_numbers(version or "")
    if len(numbers) == 1:
        numbers = {2: OLDEST, 3: USUAL}.get(numbers[0], (numbers[0], 0))
    major, minor = numbers or guess(folder) or USUAL
    parts = folder.parts
    package = "flatpak" if ".var" in parts and "org.gimp.GIMP" in parts else ""
    package = "snap" if "snap" in parts and "gimp" in parts else package
    return Profile((major, minor), folder, package)


def guess(folder: Path) -> tuple[int, int] | None:
    """Return the version of the GIMP that has its profile in a folder, or None if nothing there tells it.

    In this order: the folder's name, or the name of what it is a link to; the GIMP that wrote its `gimprc`;
    the GIMP that listed its plug-ins; the kind of Deep Dream that is installed there.
    """
    for name in (folder.name, real(folder).name):
        if named := _NAMED.search(name):
            return int(named[1]), int(named[2])
    if written := _WRITTEN.search(read_text(folder / "gimprc")):
        return int(written[1]), int(written[2])
    if protocol := _PROTOCOL.search(read_text(folder / "pluginrc")):
        return OLDEST if int(protocol[1]) < 0x100 else USUAL  # 0x17 in GIMP 2, 0x115 in 3.0, 0x117 in 3.2
    starts = read_text(folder / "plug-ins" / PLUGIN / f"{PLUGIN}.py").partition("\n")[0]
    return {"python2": OLDEST, "python3": USUAL}.get(starts.rpartition(" ")[2].strip())


def around(folder: Path) -> Path:
    """Return the profile that a folder is, or to which it belongs as `plug-ins` or `plug-ins/deepdream`."""
    for place in (folder, folder.parent):
        if place.name.lower() == "plug-ins":
            return place.parent
    return folder


def inside(folder: Path) -> list[Path]:
    """Return the profiles in a folder that holds one for each version, by their names."""
    return [entry for entry in _subfolders(folder) if read_version(entry.name)]


def read_numbers(text: str) -> tuple[int, ...]:
    """Return a version's major and minor number: (3, 2) of 3.2.6, (3,) of 3, () of what is no version."""
    match = re.fullmatch(r"([0-9]{1,3})(?:\.([0-9]{1,3})(?:\.[0-9]+)?)?", text)
    return tuple(int(part) for part in match.groups() if part) if match else ()


def read_version(text: str) -> tuple[int, int] | None:
    """Return the major and minor number of a text such as 3.0, or None."""
    numbers = read_numbers(text)
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def read_text(file: Path) -> str:
    """Return the text of a file, or an empty one if it can't be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    except OSError:
        return ""


def is_folder(path: Path) -> bool:
    """Return whether there is a folder that can be asked about."""
    try:
        return path.is_dir()
    except OSError:  # until Python 3.13: no permission, or a name that is too long
        return False


def real(folder: Path) -> Path:
    """Return what a folder is a link to."""
    try:
        return folder.resolve()
    except (OSError, RuntimeError):  # a circle of links is a RuntimeError until Python 3.12
        return folder


def settings_home(environ: Mapping[str, str], home: Path, platform: str = sys.platform) -> Path:
    """Return the folder in which programs keep a user's settings, each in a folder of its own."""
    if platform == "win32":
        return Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
    if platform == "darwin":
        return home / "Library" / "Application Support"
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config")


def _usual(environ: Mapping[str, str], home: Path, platform: str) -> Iterator[Profile]:
    """Yield the profiles where GIMP has them, or is told to have them."""
    for variable, version in (("GIMP2_DIRECTORY", OLDEST), ("GIMP3_DIRECTORY", USUAL)):
        if environ.get(variable):
            folder = home / environ[variable]  # GIMP also resolves relative paths from there
            guessed = guess(folder)
            # The variable's GIMP will run there, whatever ran there before.
            yield Profile(guessed if guessed and guessed[0] == version[0] else version, folder)
    for parent, package in _parents(environ, home, platform):
        for folder in _subfolders(parent):
            if version_of := read_version(folder.name):
                yield Profile(version_of, folder, package)
    for folder in _subfolders(home):  # until 2.8
        version_of = read_version(folder.name.removeprefix(".gimp-"))
        if version_of and folder.name.startswith(".gimp-"):
            yield Profile(version_of, folder)


def _parents(environ: Mapping[str, str], home: Path, platform: str) -> Iterator[tuple[Path, str]]:
    """Yield the folders that hold one folder per version, with the package they belong to."""
    yield settings_home(environ, home, platform) / "GIMP", ""
    if platform not in ("win32", "darwin"):
        yield home / ".var" / "app" / "org.gimp.GIMP" / "config" / "GIMP", "flatpak"
        yield home / "snap" / "gimp" / "current" / ".config" / "GIMP", "snap"


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError:  # missing, or not readable
        return []
