"""Put the plug-in into a GIMP profile, and take it out again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gimp_plugin.profiles import Profile

PLUGIN: Final = "deepdream"
"""Name of the plug-in's folder and of its main file."""

ENGINE_FILE: Final = "engine.json"
"""Where the plug-in reads how to start the engine; `deepdream_common.engine_file` reads it."""

LOG_FILE: Final = "deepdream.log"
LAST_SETTINGS: Final = "plug-in-settings/plug-in-deep-dream.*"
"""Where GIMP 3 keeps what was set last."""

SOURCES: Final = Path(__file__).resolve().parent
FLATPAK_SPAWN: Final = ("/usr/bin/flatpak-spawn", "--host", "--watch-bus")
"""Start a program outside of Flatpak's sandbox, and end it when GIMP ends."""

START_SECONDS: Final = 120.0


class InstallError(Exception):
    """Say in one sentence what is wrong, and in `hint` what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def find_engine() -> tuple[list[str], str]:
    """Return the words that start the engine of this Python, and its version; raise InstallError without one.

    An engine that is not installed, but lies beside this package as in a clone, does as well.
    """
    # -P: GIMP's working folder may be anywhere, and what lies there is not to be imported.
    command = [sys.executable, "-P", "-m", "engine"]
    try:
        return command, engine_version(command)
    except InstallError:
        if not (SOURCES.parent / "engine" / "__main__.py").is_file():
            raise
    start = f"import runpy, sys; sys.path.insert(0, {str(SOURCES.parent)!r}); "
    command = [sys.executable, "-P", "-c", start + "runpy.run_module('engine', None, '__main__', True)"]
    return command, engine_version(command)


def ask_engine(command: Sequence[str], *words: str) -> str:
    """Return what the engine prints; raise InstallError, with its own last words, where it does not work."""
    inside = list(command[len(FLATPAK_SPAWN) :] if tuple(command[:3]) == FLATPAK_SPAWN else command)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    pip = f'{sys.executable} -m pip install "deepdream-onnx[cpu]"'
    hint = f"install the engine: {pip}, then deepdream-gimp install"
    try:
        done = subprocess.run(  # noqa: S603 - the command is the one that the installer wrote
            [*inside, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=START_SECONDS,
            cwd=tempfile.gettempdir(),
            env=environment,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise InstallError(f"the engine does not start: {error}", hint) from None
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise InstallError(f"the engine does not work: {said[0].strip()}", hint)
    return done.stdout


def engine_version(command: Sequence[str]) -> str:
    """Return the engine's version; raise InstallError where it does not start."""
    return ask_engine(command, "--version").split()[-1]


def install(profile: Profile, command: Sequence[str], version: str) -> Path:
    """Copy the plug-in into the profile, over one that is there, and return its folder.

    command: starts the engine; version: the engine's.  The new one is made beside the old and takes its place
    at once.  Raises InstallError.
    """
    if not profile.host:
        raise InstallError(f"there is no plug-in for {profile.name}", "install GIMP 2.10 or 3")
    if not profile.folder.is_dir():
        raise InstallError(
            f"there is no folder {profile.folder}", "start that GIMP once, it makes its folder"
        )
    target = profile.plugins / PLUGIN
    _refuse_stranger(target)
    if profile.package == "flatpak":
        command = [*FLATPAK_SPAWN, *command]
    try:
        profile.plugins.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{PLUGIN}-", dir=profile.plugins) as scratch:
            new = Path(scratch, "new")
            _build(new, profile.host, {"command": list(command), "version": version})
            _swap(new, target, Path(scratch, "old"))
    except OSError as error:
        where = error.filename or profile.plugins
        raise InstallError(f"{where} can't be written: {error.strerror}", "see to its permissions") from None
    return target


def remove(profile: Profile) -> bool:
    """Remove the plug-in, its log and its settings from the profile; return whether there was one.

    Nothing else is touched, and no link followed.  Raises InstallError.
    """
    target = profile.plugins / PLUGIN
    if not os.path.lexists(target):
        return False
    _refuse_stranger(target)
    try:
        _delete(target)
        (profile.folder / LOG_FILE).unlink(missing_ok=True)
        for settings in profile.folder.glob(LAST_SETTINGS):
            settings.unlink()
    except OSError as error:
        message = f"{error.filename} can't be removed: {error.strerror}"
        raise InstallError(message, "is GIMP still running?") from None
    return True


def files(host: str) -> dict[str, Path]:
    """Return what the plug-in consists of: path in its folder -> file of ours."""
    main = SOURCES / host / PLUGIN
    common = SOURCES / "deepdream_common"
    found = {path.relative_to(main).as_posix(): path for path in _walk(main)}
    return found | {path.relative_to(SOURCES).as_posix(): path for path in _walk(common)}


def is_ours(folder: Path) -> bool:
    """Return whether a plug-in's folder is one that we made, whatever its version or state."""
    return folder.is_dir() and ((folder / "deepdream_common").is_dir() or (folder / ENGINE_FILE).is_file())


def _walk(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    )


def _refuse_stranger(target: Path) -> None:
    """Raise InstallError where something of that name is not our plug-in; a mere link is nobody's."""
    if os.path.lexists(target) and not target.is_symlink() and not is_ours(target):
        raise InstallError(
            f"{target} is no Deep Dream plug-in of ours", "look what it is, and move it out of the way"
        )


def _build(folder: Path, host: str, engine: dict[str, object]) -> None:
    for name, source in files(host).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)  # now, for GIMP asks a plug-in again only when its file is newer
        path.chmod(0o755 if name == f"{PLUGIN}.py" else 0o644)
    text = json.dumps(engine, indent=2) + "\n"
    (folder / ENGINE_FILE).write_text(text, encoding="utf-8")


def _swap(new: Path, target: Path, old: Path) -> None:
    """Put `new` in the place of `target`, which is put back where that fails."""
    there = os.path.lexists(target)
    if there:
        target.rename(old)
    try:
        new.rename(target)
    except OSError:
        if there:
            old.rename(target)
        raise
    if there:
        _delete(old)


def _delete(target: Path) -> None:
    if target.is_symlink() or not target.is_dir():
        target.unlink()
    else:
        shutil.rmtree(target)
