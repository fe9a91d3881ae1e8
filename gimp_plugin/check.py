"""Find out why the plug-in does not appear in GIMP, or does not work."""

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
    InstallError,
    ask_engine,
    engine_version,
    files,
)
from gimp_plugin.profiles import PLUGIN, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gimp_plugin.profiles import Profile

AGAIN: Final = "deepdream-gimp install"
PERMISSION: Final = "flatpak override --user --talk-name=org.freedesktop.Flatpak org.gimp.GIMP"

PYTHON_FU: Final = ("lib*/gimp/2.0/python/gimpfu.py", "lib*/*/gimp/2.0/python/gimpfu.py")
"""Where GIMP 2.10 keeps Python-Fu, below /usr or /usr/local."""


ROOTS: Final = (Path("/usr"), Path("/usr/local"))
"""Where GIMP itself may be installed."""


@dataclass(frozen=True)
class Finding:
    """Something that prevents the plug-in from working, or may do so."""

    text: str
    """One sentence."""

    remedy: str
    """What to do, one sentence or a command."""

    certain: bool = True
    """Whether the plug-in can't work because of it; otherwise it is only worth knowing."""


def check(profile: Profile, home: Path, roots: tuple[Path, ...] = ROOTS, again: str = AGAIN) -> list[Finding]:
    """Return everything that prevents the plug-in from working in that GIMP, and what is worth knowing.

    roots: where GIMP itself may be installed; again: the command that installs the plug-in in that GIMP.
    """
    if not profile.host:
        return [Finding(f"the plug-in does not support {profile.name}", "install GIMP 3 (or 2.10)")]
    folder = profile.plugins / PLUGIN
    findings = list(_misplaced(profile, again))
    if (folder / f"{PLUGIN}.py").is_file():
        findings += _files(profile, folder, again)
        findings += _engine(folder, again)
    else:
        findings.append(Finding(f"the plug-in is not in {profile.plugins}", again))
    findings += _search_path(profile)
    findings += _surroundings(profile, home, roots)
    return findings


def _misplaced(profile: Profile, again: str) -> Iterator[Finding]:
    """Look for files copied to the wrong place by hand."""
    for wrong in (profile.plugins / f"{PLUGIN}.py", profile.plugins / PLUGIN / PLUGIN / f"{PLUGIN}.py"):
        if wrong.is_file():
            yield Finding(
                f"{wrong} is in the wrong place, where GIMP does not look", f"delete it, then run: {again}"
            )


def _files(profile: Profile, folder: Path, again: str) -> Iterator[Finding]:
    """Compare the installed files with those of this version."""
    main = folder / f"{PLUGIN}.py"
    if os.name == "posix" and not os.access(main, os.X_OK):
        yield Finding(f"{main} is not executable, so GIMP ignores it", f"chmod +x '{main}', or {again}")
    if any(not _same(folder / name, source) for name, source in files(profile.host).items()):
        other = "gimp3" if profile.host == "gimp2" else "gimp2"
        if _same(main, files(other).get(main.name)):
            yield Finding(f"the installed plug-in is not the one for {profile.name}", again)
        else:
            yield Finding("the installed plug-in is another version, or was modified", again)


def _same(path: Path, source: Path | None) -> bool:
    try:
        return source is not None and path.read_bytes() == source.read_bytes()
    except OSError:
        return False


def _engine(folder: Path, again: str) -> Iterator[Finding]:
    """Start the engine as the plug-in does."""
    try:
        known = json.loads((folder / ENGINE_FILE).read_text(encoding="utf-8"))
        command, version = [str(word) for word in known["command"]], str(known.get("version"))
        python = command[len(FLATPAK_SPAWN) if tuple(command[:3]) == FLATPAK_SPAWN else 0]
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        yield Finding("the plug-in does not know where to find the engine", again)
        return
    if not Path(python).is_file():
        yield Finding(
            f"the engine is missing: there is no {python}", f"install deepdream-onnx again, then run: {again}"
        )
        return
    try:
        running = engine_version(command)
        ask_engine(command, "info", "--json")  # opens the model, so a missing runtime is noticed
    except InstallError as error:
        yield Finding(str(error), error.hint)
        return
    if running != version:
        yield Finding(f"the plug-in is version {version}, but the engine is version {running}", again)


def _search_path(profile: Profile) -> Iterator[Finding]:
    """Check whether GIMP is set to look for plug-ins elsewhere."""
    text = read_text(profile.folder / "gimprc")
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
    """Check for problems with the packaging of that GIMP."""
    if profile.package == "flatpak":
        overrides = home / ".local/share/flatpak/overrides/org.gimp.GIMP"
        if "org.freedesktop.Flatpak=talk" not in read_text(overrides):
            yield Finding("Flatpak prevents this GIMP from starting the engine", PERMISSION)
        yield Finding(
            "the plug-in has not been tested with GIMP from Flatpak",
            "please report if it works",
            certain=False,
        )
    elif profile.package == "snap":
        yield Finding(
            "Snap may prevent this GIMP from starting the engine; this has not been tested",
            "if the engine does not start, install GIMP from your distribution",
            certain=False,
        )
    elif profile.host == "gimp2" and sys.platform.startswith("linux") and not _has_python_fu(roots):
        yield Finding(
            "GIMP 2.10 seems to lack Python-Fu; many distributions have omitted it since 2020",
            "use GIMP 3, or a GIMP 2.10 with Python-Fu",
            certain=False,
        )
