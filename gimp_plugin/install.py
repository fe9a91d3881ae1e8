"""Install the plug-in in a GIMP profile, and remove it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gimp_plugin import patience
from gimp_plugin.profiles import PLUGIN, is_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gimp_plugin.profiles import Profile

ENGINE_FILE: Final = "engine.json"
"""Says how to start the engine; the plug-in's `deepdream_common.engine_file` reads it."""

LOG_FILE: Final = "deepdream.log"
LAST_SETTINGS: Final = "plug-in-settings/*plug-in-deep-dream.*"
"""Where GIMP 3 keeps the last settings."""

GUIDES: Final = "deepdream-guide-*.png"
"""What runs that were killed may have left in the profile."""

SOURCES: Final = Path(__file__).resolve().parent
FLATPAK_SPAWN: Final = ("/usr/bin/flatpak-spawn", "--host", "--watch-bus")
"""Starts a program outside Flatpak's sandbox, and ends it when GIMP ends."""


class InstallError(Exception):
    """The message says what is wrong, in one sentence; `hint` says what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def find_engine() -> tuple[list[str], str]:
    """Return the command for this Python's engine, and its version; raise InstallError if there is none.

    An engine that is not installed, but is beside this package as in a clone, will do as well.
    """
    # -P: GIMP's working folder may be anywhere, and nothing should be imported from there.
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
    """Return what the engine prints; raise InstallError, with its last line of output, if it fails.

    It may take as long as it is at work: a busy machine may need minutes to start it.
    """
    inside = list(command[len(FLATPAK_SPAWN) :] if tuple(command[:3]) == FLATPAK_SPAWN else command)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    hint = _hint()
    what = "is starting" if words == ("--version",) else "is opening its model"
    try:
        with subprocess.Popen(  # noqa: S603 - the installer wrote this command
            [*inside, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            cwd=tempfile.gettempdir(),
            env=environment,
        ) as process:
            answer, said = patience.finish(process, what)
    except subprocess.TimeoutExpired:
        raise InstallError(f"the engine does not start: it {what}, but does nothing", hint) from None
    except OSError as error:
        raise InstallError(f"the engine does not start: {error}", hint) from None
    if process.returncode:
        last = said.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
        raise InstallError(f"the engine does not work: {last[0].strip()}", hint)
    return answer


def engine_version(command: Sequence[str]) -> str:
    """Return the engine's version; raise InstallError if it does not start."""
    words = ask_engine(command, "--version").split()
    if not words:
        raise InstallError("the engine does not work: it does not say its version", _hint())
    return words[-1]


def _hint() -> str:
    pip = f'{sys.executable} -m pip install "deepdream-onnx[cpu]"'
    return f"install the engine with {pip}, then run deepdream-gimp install"


def install(profile: Profile, command: Sequence[str], version: str) -> Path:
    """Copy the plug-in to the profile, replacing an older one, and return its folder.

    command: starts the engine; version: of the engine.  The new plug-in is built beside the old one and
    replaces it in one step.  Raises InstallError.
    """
    if not profile.host:
        raise InstallError(f"the plug-in does not support {profile.name}", "install GIMP 2.10 or 3")
    if not is_folder(profile.folder):
        raise InstallError(f"there is no folder {profile.folder}", "start that GIMP once to create it")
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
        raise InstallError(f"{where} can't be written: {error.strerror}", "check its permissions") from None
    return target


def remove(profile: Profile) -> bool:
    """Remove the plug-in, its log and its settings from the profile; return whether it was installed.

    Nothing else is touched, and links are not followed.  Raises InstallError.
    """
    target = profile.plugins / PLUGIN
    if not os.path.lexists(target):
        return False
    _refuse_stranger(target)
    try:
        _delete(target)
        (profile.folder / LOG_FILE).unlink(missing_ok=True)
        for left in (*profile.folder.glob(LAST_SETTINGS), *profile.folder.glob(GUIDES)):
            left.unlink()
    except OSError as error:
        message = f"{error.filename} can't be removed: {error.strerror}"
        raise InstallError(message, "is GIMP still running?") from None
    return True


def files(host: str) -> dict[str, Path]:
    """Return the plug-in's files: path in its folder -> our source file."""
    main = SOURCES / host / PLUGIN
    common = SOURCES / "deepdream_common"
    found = {path.relative_to(main).as_posix(): path for path in _walk(main)}
    return found | {path.relative_to(SOURCES).as_posix(): path for path in _walk(common)}


def is_ours(folder: Path) -> bool:
    """Return whether a folder is an installed Deep Dream plug-in, whatever its version or state."""
    return folder.is_dir() and ((folder / "deepdream_common").is_dir() or (folder / ENGINE_FILE).is_file())


def _walk(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    )


def _refuse_stranger(target: Path) -> None:
    """Raise InstallError if `target` exists and is not our plug-in; a mere link may be replaced."""
    if os.path.lexists(target) and not target.is_symlink() and not is_ours(target):
        raise InstallError(
            f"{target} is not this Deep Dream plug-in", "check what it is, and move it out of the way"
        )


def _build(folder: Path, host: str, engine: dict[str, object]) -> None:
    for name, source in files(host).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)  # with a new time: GIMP queries a plug-in again only if it is newer
        path.chmod(0o755 if name == f"{PLUGIN}.py" else 0o644)
    text = json.dumps(engine, indent=2) + "\n"
    (folder / ENGINE_FILE).write_text(text, encoding="utf-8")


def _swap(new: Path, target: Path, old: Path) -> None:
    """Replace `target` with `new`; if that fails, restore `target`."""
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
