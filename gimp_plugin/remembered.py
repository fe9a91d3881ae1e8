"""Remember the profile folders that a user has named, where no search would find them again."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from gimp_plugin.profiles import read_text, settings_home

if TYPE_CHECKING:
    from collections.abc import Mapping


def folders() -> dict[Path, str]:
    """Return the folders, each with the version of GIMP that was named with it, or an empty text."""
    try:
        known = json.loads(read_text(_file()))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {Path(name): version for name, version in known.items() if isinstance(version, str)}


def add(folder: Path, version: str | None) -> None:
    """Remember a folder; without a version, keep the one that is known. Raises OSError."""
    known = folders()
    _write(known | {folder: version or known.get(folder, "")})


def forget(folder: Path) -> None:
    """Forget a folder. Raises OSError."""
    known = folders()
    if known.pop(folder, None) is not None:
        _write(known)


def _file() -> Path:
    return settings_home(os.environ, Path.home()) / "deepdream" / "gimp.json"


def _write(known: Mapping[Path, str]) -> None:
    """Replace the file in one step; where there is nothing to remember, leave none."""
    file = _file()
    if not known:
        file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # the user's presets are there too
            file.parent.rmdir()
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}-{os.getpid()}")
    try:
        text = json.dumps({str(folder): version for folder, version in known.items()}, indent=2)
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
