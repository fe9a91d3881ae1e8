"""Models with a name: the embedded one, and those that `deepdream model` keeps in the user's data folder.

A name is what `--model` and `load_model` take in place of a file: `inception_v3`.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeGuard

from engine import atomic, paths
from engine.errors import ImageError, ModelError, UsageError
from engine.settings.origin import origin_of
from engine.settings.selectors import suggest
from engine.settings.setting import brief

if TYPE_CHECKING:
    from engine.settings.origin import Origin

EMBEDDED: Final = "inception_v3_mixed5"
"""Name of the model that comes with the program."""

SUFFIX: Final = ".onnx"

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def is_name(text: object) -> TypeGuard[str]:
    """Tell whether a text can be a model's name; a `Path` is never one."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def folder() -> Path:
    """Return the folder of the models that are kept, which need not exist.

    Raises ModelError for a user who has no home.
    """
    try:
        home = Path.home()
    except RuntimeError as error:
        raise ModelError("there is no home folder to keep models in", hint="set HOME") from error
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "deepdream" / "models"


def kept() -> dict[str, Path]:
    """Return the files of the models that are kept, by name."""
    with contextlib.suppress(OSError, ModelError):  # no such folder, no permission, no home
        found = [x for x in folder().iterdir() if x.suffix == SUFFIX and _NAME.fullmatch(x.stem)]
        return {x.stem: x for x in sorted(found) if paths.is_file(x)}
    return {}


def obtainable() -> list[str]:
    """Return the names of the networks that the program has templates of."""
    place = resources.files("engine").joinpath("templates")
    if not place.is_dir():
        return []
    return sorted({x.name.split(".")[0] for x in place.iterdir() if SUFFIX in x.name})


def find(name: str) -> Path | None:
    """Return the file of the model of that name; None for the embedded one.

    A name goes before a file of the same name in the folder at hand: `./inception_v3` is that file.  Raises
    ModelError where there is no such model, nor such a file.
    """
    own = kept()
    if name in own:
        return own[name]
    if name == EMBEDDED:
        return None
    if paths.exists(name):
        return Path(name)
    raise ModelError(f"there is no model {name}", hint=way_to(name))


def way_to(name: str) -> str:
    """Return a hint for who wants a model that is not here."""
    if name in obtainable():
        return f"deepdream model get {name} gets it"
    return (
        suggest(name, dict.fromkeys([EMBEDDED, *kept(), *obtainable()])) or "deepdream model list shows all"
    )


def with_content(wanted: Origin) -> str:
    """Return the name of the kept model that a recipe was made with; empty where there is none.

    The name it had comes first, but only the content decides.
    """
    if wanted.name == f"{EMBEDDED}{SUFFIX}":
        return ""
    for name, file in sorted(kept().items(), key=lambda x: x[1].name != wanted.name):
        with contextlib.suppress(ImageError):  # a file that cannot be read is not the one
            if origin_of(file).sha256 == wanted.sha256:
                return name
    return ""


def check_name(name: str) -> None:
    """Raise UsageError for a name that no model of the user's can have."""
    if not _NAME.fullmatch(name):
        hint = "use lower-case letters, digits, - and _"
        raise UsageError(f"{brief(name)} cannot name a model", hint=hint)
    if name == EMBEDDED:
        raise UsageError(f"the model {name} is built in", hint="choose another name")


def place_for(name: str) -> Path:
    """Return where a model of that name is kept, in a folder that is made where it is missing.

    Raises UsageError for a name that cannot be one, and ModelError where no file can be made there.
    """
    check_name(name)
    target = folder() / f"{name}{SUFFIX}"
    with atomic.explaining(target, ModelError):
        target.parent.mkdir(parents=True, exist_ok=True)
    return target


def remove(name: str) -> Path:
    """Remove a model that is kept and return the file that it was.

    Raises UsageError where there is none of that name, and ModelError where it cannot be removed.
    """
    check_name(name)
    own = kept()
    if name not in own:
        raise UsageError(f"no model {name} is kept here", hint=suggest(name, own))
    try:
        own[name].unlink()
    except OSError as error:
        raise ModelError(f"{own[name]} cannot be removed: {error.strerror}", hint="") from error
    return own[name]
