"""Presets: settings with a name, in TOML files; the package has some in engine/presets, users have their own.

A file has `title` and `description` for people, settings by their names in `DreamConfig`, and a table
`layers`; settings that it leaves out are those of the Keras tutorial, whichever preset is the default.  Where
its layers are those of another model than the embedded one, `needs` names it.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine import atomic, paths
from engine.errors import UsageError
from engine.settings import models
from engine.settings.config import DreamConfig, changed, refuse_unknown, settings
from engine.settings.selectors import suggest
from engine.settings.setting import brief
from engine.settings.untrusted import LARGEST, from_toml

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from engine.settings.config import Chosen

DEFAULT: Final = "dream"
"""Name of the preset that is used where none is asked for."""

FILMS: Final = "flight"
"""Name of the preset that films begin with: with those for pictures, noise would grow from frame to frame."""

TUTORIAL: Final = "keras"
"""Name of the preset that is `DreamConfig()`; what is written as a difference from it means the same in all
versions, whatever the default becomes."""

ORDER: Final = (
    DEFAULT, "creatures", "gaze", "wool", "plumage", "bubbles", "coral", "arcade", "filigree", "glass",
    "lace", "whorl", "relief", "glaze", FILMS, "classic", TUTORIAL,
)  # fmt: skip
"""The package's presets, those that most people like first; what is there for comparison comes last."""

OF_OTHERS: Final = ("googlenet",)
"""The package's presets whose layers are those of another model: among the others once that is here."""

HEAD: Final = ("title", "description", "needs")
"""What a preset's file has besides settings."""

LONGEST: Final = 400
"""Characters of a title or description, at most: longer ones are cut off."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Preset:
    """Settings with a name."""

    name: str
    """What `--preset` calls it."""

    title: str
    """Its name in a dialog."""

    description: str
    """What it makes of a picture, one sentence; may be empty."""

    config: DreamConfig
    """The settings."""

    source: str
    """The file's path, or `built in`."""

    needs: str = ""
    """Name of the model that its layers are those of; empty for the embedded one."""

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by field name, as JSON holds them."""
        return {"layers": dict(self.config.layers)} | {x: getattr(self.config, x) for x in settings()}


class _BuiltIn(Mapping[str, DreamConfig]):
    """The settings of the package's presets by name, each read when it is asked for."""

    def __getitem__(self, name: str) -> DreamConfig:
        if name not in built_in():
            raise KeyError(name)
        return _read(built_in()[name], name, "built in").config

    def __iter__(self) -> Iterator[str]:
        return iter(built_in())

    def __len__(self) -> int:
        return len(built_in())


PRESETS: Final[Mapping[str, DreamConfig]] = _BuiltIn()
"""The package's presets: settings by name."""


def built_in() -> dict[str, Traversable]:
    """Return the package's preset files for the embedded model by name, in their order."""
    files = _package()
    return {name: files[name] for name in ORDER}


def names() -> list[str]:
    """Return the names of all presets that there is a model for, the package's first."""
    here = models.kept()
    others = [x for x in OF_OTHERS if load(x).needs in here]
    return list(dict.fromkeys([*built_in(), *others, *sorted(_users())]))


def own() -> tuple[list[Preset], list[str]]:
    """Return the user's own presets, and one sentence for each file that is not a valid one."""
    found, wrong = [], []
    for name, file in sorted(_users().items()):
        try:
            found.append(_read(file, name, str(file)))
        except UsageError as error:
            wrong.append(str(error))
    return found, wrong


def load(name: str | os.PathLike[str]) -> Preset:
    """Return a preset by its name, or by the path of a file that ends in `.toml`.

    A user's preset takes precedence over the package's of the same name.  Raises UsageError, with similar
    names, if there is none, and if the file is not a valid preset.
    """
    name = _named(name)
    if name.endswith(".toml"):
        return _read(Path(name), Path(name).stem, name)
    own = _users().get(name)
    if own is not None:
        return _read(own, name, str(own))
    if name in (package := _package()):
        return _read(package[name], name, "built in")
    raise UsageError(f"there is no preset called {brief(name)}", hint=suggest(name, names()))


def configure(preset: str | os.PathLike[str], given: Mapping[str, Any]) -> DreamConfig:
    """Return the settings of a preset, see `load`, with some replaced, by field name.

    Raises UsageError for a value out of range and, with similar names, for an unknown preset.
    """
    return changed(load(preset).config, given)


def chosen(given: Container[str], preset: object, *, recipe: bool = False) -> Chosen:
    """Return what a user has chosen about the layers, by the names of the settings given, and a preset.

    The presets that dreams begin with, named or not, say nothing about the layers of another model; others
    do, and so does a recipe.
    """
    if "layers" in given:
        return "layers"
    return "preset" if recipe or preset not in (None, DEFAULT, FILMS) else "nothing"


def model_for(preset: str | os.PathLike[str] | None) -> str | None:
    """Return the name of the model that a preset needs; None for the embedded one.

    Raises UsageError where that model is not here, with the command that gets it.
    """
    needs = "" if preset is None else load(preset).needs
    if needs and needs != models.EMBEDDED and needs not in models.kept():
        raise UsageError(f"the preset {_named(preset)} needs the model {needs}", hint=models.way_to(needs))
    return needs or None


def save(
    name: str, config: DreamConfig, description: str = "", *, needs: str = "", overwrite: bool = False
) -> Path:
    """Save settings as one of the user's presets and return the file's path.

    Raises UsageError for a name that is not valid or is taken, and if the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a preset", hint="use lower-case letters, digits, - and _")
    if name in _package():
        raise UsageError(f"the preset {name} is built in", hint="choose another name")
    target = folder() / f"{name}.toml"
    if paths.taken(target) and not overwrite:
        raise UsageError(f"there is already a preset called {name}", hint="--overwrite replaces it")
    with atomic.explaining(target, UsageError):
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic.replacing(target) as part:
            part.write_text(to_toml(config, name, description, needs), encoding="utf-8")
    return target


def to_toml(config: DreamConfig, title: str, description: str = "", needs: str = "") -> str:
    """Return settings as a preset file's text, without those that are the same as the tutorial's."""
    plain = DreamConfig()
    lines = [f"title = {_quoted(title)}", f"description = {_quoted(description)}"]
    lines += [f"needs = {_quoted(needs)}"] if needs else []
    for name in settings():
        value = getattr(config, name)
        if value != getattr(plain, name):
            lines.append(f"{name} = {_toml(value)}")
    lines += ["", "[layers]"]
    lines += [f"{_quoted(selector)} = {value!r}" for selector, value in config.layers.items()]
    return "\n".join(lines) + "\n"


def folder() -> Path:
    """Return the folder of the user's own presets, which need not exist."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    return base / "deepdream" / "presets"


def _named(preset: object) -> str:
    """Return what a caller calls a preset; raise UsageError where it is neither text nor a path."""
    if not isinstance(preset, str | os.PathLike):
        hint = "preset takes a preset's name, or the path of a .toml file"
        raise UsageError(f"preset cannot be {brief(preset)}", hint=hint)
    return os.fsdecode(preset)


def _package() -> dict[str, Traversable]:
    """Return the package's preset files by name."""
    files = resources.files("engine").joinpath("presets").iterdir()
    return {x.name.removesuffix(".toml"): x for x in files if x.name.endswith(".toml")}


def _users() -> dict[str, Path]:
    """Return the user's preset files by name."""
    with contextlib.suppress(OSError, RuntimeError):  # no such folder, no permission, no home
        return {x.stem: x for x in folder().iterdir() if x.suffix == ".toml" and _NAME.fullmatch(x.stem)}
    return {}


def _read(file: Traversable, name: str, source: str) -> Preset:
    try:
        with paths.open_file(file) if isinstance(file, Path) else file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: a path that is not valid anywhere
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"the preset {source[:LONGEST]!r} cannot be read: {reason}") from None
    try:
        table = from_toml(content)
    except ValueError as error:
        raise UsageError(f"the preset {source} is {_line(str(error))}") from None
    try:
        return _preset(table, name, source)
    except UsageError as error:
        raise UsageError(f"the preset {source}: {_line(str(error))}", hint=error.hint) from None


def _preset(table: Mapping[str, Any], name: str, source: str) -> Preset:
    given = {key: _value(value) for key, value in table.items() if key not in HEAD}
    refuse_unknown(given)
    if not isinstance(given.get("layers", {}), Mapping):
        raise UsageError("layers is not a table", hint="write [layers], then lines such as mixed3 = 1.0")
    title, description, needs = (_text(table, key) for key in HEAD)
    if needs and not models.is_name(needs):
        raise UsageError("needs is not the name of a model", hint="deepdream model list shows all names")
    return Preset(name, title or name, description, DreamConfig(**given), source, needs)


def _text(table: Mapping[str, Any], key: str) -> str:
    text = table.get(key, "")
    if not isinstance(text, str):
        raise UsageError(f"{key} is not text", hint=f'write {key} = "in quotes"')
    return _line(text)


def _line(text: str) -> str:
    """Make untrusted text one short line that is safe to show in a terminal."""
    plain = " ".join("".join(x if x.isprintable() else " " for x in text).split())
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"


def _value(value: Any) -> Any:
    """Read `none` as None, which TOML does not have."""
    return None if value == "none" else value


def _toml(value: bool | float | None) -> str:
    if value is None:
        return '"none"'
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _quoted(text: str) -> str:
    """Return a text as a TOML string of one line."""
    return '"' + _line(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
