"""Find out why the plug-in would not show up in a GIMP, or not work."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gimp_plugin.install import (
    ENGINE_FILE,
    FLATPAK_SPAWN,
    PLUGIN,
    InstallError,
    ask_engine,
    engine_version,
    files,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gimp_plugin.profiles import Profile

AGAIN: Final = "deepdream-gimp install"
PERMISSION: Final = "flatpak override --user --talk-name=org.freedesktop.Flatpak org.gimp.GIMP"

PYTHON_FU: Final = ("lib*/gimp/2.0/python/gimpfu.py", "lib*/*/gimp/2.0/python/gimpfu.py")
"""Where GIMP 2.10 has Python-Fu, below /usr or /usr/local."""


ROOTS: Final = (Path("/usr"), Path("/usr/local"))
"""Where GIMP itself may be installed."""


@dataclass(frozen=True)
class Finding:
    """What is, or may be, in the way."""

    text: str
    """One sentence."""

    remedy: str
    """What to do, one sentence or a command."""

    certain: bool = True
    """Whether the plug-in can't work with it; otherwise it is something to know."""


def check(profile: Profile, home: Path, roots: tuple[Path, ...] = ROOTS) -> list[Finding]:
    """Return everything that keeps the plug-in from working in that GIMP, and what one should know.

    roots: where GIMP itself may be installed.
    """
    if not profile.host:
        return [Finding(f"{profile.name} is too old, there is no plug-in for it", "install GIMP 3 (or 2.10)")]
    folder = profile.plugins / PLUGIN
    findings = list(_misplaced(profile))
    if (folder / f"{PLUGIN}.py").is_file():
        findings += _files(profile, folder)
        findings += _engine(folder)
    else:
        findings.append(Finding(f"the plug-in is not in {profile.plugins}", AGAIN))
    findings += _search_path(profile)
    findings += _surroundings(profile, home, roots)
    return findings


def _misplaced(profile: Profile) -> Iterator[Finding]:
    """Look where the file lies after a copy by hand."""
    for wrong in (profile.plugins / f"{PLUGIN}.py", profile.plugins / PLUGIN / PLUGIN / f"{PLUGIN}.py"):
        if wrong.is_file():
            yield Finding(
                f"{wrong} is the wrong place, GIMP does not look there", f"delete it, then: {AGAIN}"
            )


def _files(profile: Profile, folder: Path) -> Iterator[Finding]:
    """Compare what is installed with what would be."""
    main = folder / f"{PLUGIN}.py"
    if os.name == "posix" and not os.access(main, os.X_OK):
        yield Finding(f"{main} is not executable, so GIMP passes it over", f"chmod +x '{main}', or: {AGAIN}")
    if any(not _same(folder / name, source) for name, source in files(profile.host).items()):
        other = "gimp3" if profile.host == "gimp2" else "gimp2"
        if _same(main, files(other).get(main.name)):
            yield Finding(f"what is installed is the plug-in for another GIMP than {profile.name}", AGAIN)
        else:
            yield Finding("what is installed is another version of the plug-in, or was changed", AGAIN)


def _same(path: Path, source: Path | None) -> bool:
    try:
        return source is not None and path.read_bytes() == source.read_bytes()
    except OSError:
        return False


def _engine(folder: Path) -> Iterator[Finding]:
    """Start the engine as the plug-in would."""
    try:
        known = json.loads((folder / ENGINE_FILE).read_text(encoding="utf-8"))
        command, version = [str(word) for word in known["command"]], str(known.get("version"))
        python = command[len(FLATPAK_SPAWN) if tuple(command[:3]) == FLATPAK_SPAWN else 0]
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        yield Finding("the plug-in does not know where the engine is", AGAIN)
        return
    if not Path(python).is_file():
        yield Finding(
            f"the engine is gone, there is no {python}", f"install deepdream-onnx again, then: {AGAIN}"
        )
        return
    try:
        running = engine_version(command)
        ask_engine(command, "info", "--json")  # opens the model, so that a missing runtime shows
    except InstallError as error:
        yield Finding(str(error), error.hint)
        return
    if running != version:
        yield Finding(f"the plug-in is of version {version}, the engine of {running}", AGAIN)


def _search_path(profile: Profile) -> Iterator[Finding]:
    """Look whether the user told GIMP to look for plug-ins elsewhere."""
    try:
        text = (profile.folder / "gimprc").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    entry = re.search(r'^\s*\(plug-in-path\s+"([^"]*)"', text, re.MULTILINE)
    if not entry:
        return
    places = [place.replace("${gimp_dir}", str(profile.folder)) for place in entry[1].split(os.pathsep)]
    if profile.plugins not in map(Path, places):
        yield Finding(
            f"GIMP is set to look for plug-ins elsewhere: {entry[1]}",
            f"add {profile.plugins} in Edit > Preferences > Folders > Plug-ins",
        )


def _has_python_fu(roots: tuple[Path, ...]) -> bool:
    return any(any(root.glob(pattern)) for root in roots for pattern in PYTHON_FU)


def _surroundings(profile: Profile, home: Path, roots: tuple[Path, ...]) -> Iterator[Finding]:
    """Look at how that GIMP is packaged."""
    if profile.package == "flatpak":
        overrides = home / ".local/share/flatpak/overrides/org.gimp.GIMP"
        try:
            allowed = "org.freedesktop.Flatpak=talk" in overrides.read_text(
                encoding="utf-8", errors="replace"
            )
        except OSError:
            allowed = False
        if not allowed:
            yield Finding("Flatpak keeps this GIMP from starting the engine", PERMISSION)
        yield Finding("with Flatpak's GIMP the plug-in is untried", "please tell how it went", certain=False)
    elif profile.package == "snap":
        yield Finding(
            "Snap may keep this GIMP from starting the engine; that is untried",
            "if it can't be started, install GIMP from your distribution",
            certain=False,
        )
    elif profile.host == "gimp2" and sys.platform.startswith("linux") and not _has_python_fu(roots):
        yield Finding(
            "there seems to be no Python-Fu for GIMP 2.10; distributions have left it out since 2020",
            "use GIMP 3, or a 2.10 with Python-Fu in it",
            certain=False,
        )
