"""Recipes: everything that is needed to make a picture again, as JSON that is kept in the picture's file.

Files come from anybody, so a recipe is read strictly: every value is checked as an option is, every text can
be shown on a terminal, and files are known by bare name and sha256.  Reading one opens nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from engine.errors import UsageError
from engine.settings import devices
from engine.settings.config import DreamConfig, settings
from engine.settings.origin import Origin, check_digest
from engine.settings.output import STANDARD, Output
from engine.settings.pickling import Pickled
from engine.settings.setting import brief
from engine.settings.tiling import Tiling
from engine.settings.untrusted import from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA: Final = 1
"""Version of the text; it grows when older programs would misread newer texts."""

CHOICES: Final = tuple(x.name for x in fields(Output) if x.name not in {"seed", "recipe", "with_recipe"})
"""Fields of Output that are kept; its seed is the dream's."""

APART: Final = frozenset(
    ["schema", "output", "picture", "finished", "device", "threads", "versions", "system"],
)
"""Parts of a recipe's text that do not make another dream: the picture itself, how the result was written,
and where it was computed, which shows in the last bits only."""

_PRECISION: Final = re.compile("full|half")


@dataclass(frozen=True, kw_only=True)
class Recipe(Pickled):
    """Everything that determined a picture.

    The same recipe on the same picture gives the same file, byte for byte, if versions, system and device are
    the same too.
    """

    config: DreamConfig
    """The settings."""

    guide: Origin | None = None
    """The picture that the dream was steered toward."""

    mask: Origin | Literal["alpha"] | None = None
    """The picture that showed where to dream; `alpha` for wherever the picture itself was opaque."""

    output: Output = STANDARD
    """How the result was written."""

    picture: str = ""
    """sha256 of the file that was dreamed on, or of the pixels if there was no file; empty if unknown."""

    finished: bool = True
    """Whether the dream ran to its end."""

    tiling: Tiling = field(default_factory=Tiling)
    """How the picture was cut into tiles; if it was, `size` is the size that was really used."""

    device: str = ""
    """What computed: `cpu`, `cuda:N` or `webgpu: NAME`."""

    threads: int | None = None
    """Threads that computed, which affect the last bits; None if they do not."""

    precision: str = "full"
    """Precision of the computation: `full` or `half`."""

    model: Origin | None = None
    """The model file."""

    versions: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Versions of this program and of the libraries that compute, by name."""

    system: str = ""
    """Operating system and kind of processor."""

    unknown: tuple[str, ...] = field(default=(), compare=False)
    """Names in the text that this program does not know, from a newer one; they are ignored."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "versions", MappingProxyType(dict(self.versions)))
        choices = {name: getattr(self.output, name) for name in CHOICES}
        object.__setattr__(self, "output", Output(**choices, seed=self.config.seed))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings as keyword arguments of `engine.dream`."""
        return {"layers": dict(self.config.layers)} | {x: getattr(self.config, x) for x in settings()}

    def identity(self) -> dict[str, Any]:
        """Return a flat JSON table of everything that shows in a picture, which all frames of a film share.

        This is the recipe without `APART`, so that new parts of a recipe are compared too.  Files are named
        by their content, and tiling by the tiles that were actually used.
        """
        table = {name: value for name, value in self._table().items() if name not in APART}
        tiling, cut = table.pop("tiling"), isinstance(self.tiling.size, int)
        table["tile"] = tiling["tile"] if cut else "whole"
        table["halo"] = self.tiling.halo_of(tiling["tile"]) if cut else None
        for name, value in table.items():
            table[name] = value["sha256"] if isinstance(value, dict) and "sha256" in value else value
        return {**table.pop("settings"), **table}

    def to_json(self) -> str:
        """Return the recipe's text, one line of ASCII."""
        return json.dumps(self._table())

    def _table(self) -> dict[str, Any]:
        tiling = {"tile": self.tiling.size, "halo": self.tiling.halo, "max_memory": self.tiling.max_memory}
        return {
            "schema": SCHEMA,
            "settings": self.settings,
            "guide": _plain(self.guide),
            "mask": _plain(self.mask),
            "output": {name: getattr(self.output, name) for name in CHOICES},
            "picture": self.picture,
            "finished": self.finished,
            "tiling": tiling,
            "device": self.device,
            "threads": self.threads,
            "precision": self.precision,
            "model": _plain(self.model),
            "versions": dict(self.versions),
            "system": self.system,
        }

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read a recipe's text; only the settings are required.

        Raises UsageError for text that is not a recipe, values out of range, and the schema of a newer
        program.
        """
        table = _Table(_parsed(text), "the recipe")
        schema = table.number("schema", SCHEMA)
        if schema is None or schema > SCHEMA:
            hint = f"this version reads schema {SCHEMA}: a newer deepdream is needed"
            raise UsageError(f"it follows schema {brief(schema)}", hint=hint)
        given, output, tiling = (table.table(x) for x in ("settings", "output", "tiling"))
        if not given.left:
            raise UsageError("it has no settings")
        versions = table.table("versions")
        return cls(
            config=_config(given),
            guide=table.origin("guide"),
            mask=_mask(table),
            output=_output(output),
            picture=_digest(table),
            finished=table.take("finished") is not False,
            tiling=_tiling(tiling),
            device=table.word("device", devices.USED),
            threads=table.number("threads", None),
            precision=table.word("precision", _PRECISION) or "full",
            model=table.origin("model"),
            versions={name: versions.text(name) for name in tuple(versions.left)},
            system=table.text("system"),
            unknown=tuple(x for part in (table, given, output, tiling) for x in part.left),
        )


class _Table:
    """A table of the text; values are taken out as they are understood, and `left` has the others."""

    def __init__(self, values: object, name: str) -> None:
        if not isinstance(values, dict):
            raise UsageError(f"{name} is not a table")
        self.left: dict[str, Any] = dict(values)

    def take(self, name: str, *, default: Any = None) -> Any:
        """Return a single value, not a table or a list."""
        value = self.left.pop(name, default)
        if isinstance(value, dict | list):
            raise UsageError(f"{name} cannot be a table or a list")
        return value

    def text(self, name: str) -> str:
        """Return a text, empty if there is none."""
        value = self.take(name)
        if value is not None and not isinstance(value, str):
            raise UsageError(f"{name} {brief(value)} is not text")
        return value or ""

    def word(self, name: str, form: re.Pattern[str]) -> str:
        """Return a text that matches `form`, empty if there is none."""
        text = self.text(name)
        if text and not form.fullmatch(text):
            raise UsageError(f"{brief(text)} is not a valid {name}")
        return text

    def number(self, name: str, default: int | None) -> int | None:
        """Return a whole number of 1 or more."""
        value = self.take(name, default=default)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise UsageError(f"{name} {brief(value)} is not a whole number of 1 or more")
        return value

    def table(self, name: str) -> _Table:
        """Return a table within this one, empty if there is none."""
        return _Table(self.left.pop(name, {}), name)

    def origin(self, name: str) -> Origin | None:
        """Return where something came from."""
        if self.left.get(name) is None:
            self.left.pop(name, None)
            return None
        entry = self.table(name)
        return Origin(entry.text("name"), entry.text("sha256"))


def _mask(table: _Table) -> Origin | Literal["alpha"] | None:
    if table.left.get("mask") == "alpha":
        table.take("mask")
        return "alpha"
    return table.origin("mask")


def _digest(table: _Table) -> str:
    digest = table.text("picture")
    return check_digest(digest) if digest else ""


def _config(table: _Table) -> DreamConfig:
    given: dict[str, Any] = {name: table.take(name) for name in settings() if name in table.left}
    if "layers" in table.left:
        given["layers"] = table.table("layers").left
    return DreamConfig(**given)


def _output(table: _Table) -> Output:
    given: dict[str, Any] = {name: table.take(name) for name in CHOICES if name in table.left}
    for name, value in given.items():
        if type(value) is not type(getattr(STANDARD, name)):
            raise UsageError(f"{name} cannot be {brief(value)}")
    return Output(**given)


def _tiling(table: _Table) -> Tiling:
    names = {"tile": "size", "halo": "halo", "max_memory": "max_memory"}
    given: dict[str, Any] = {own: table.take(name) for name, own in names.items() if name in table.left}
    for value in given.values():
        if isinstance(value, bool | float):
            raise UsageError(f"tiling cannot be {brief(value)}")
    return Tiling(**given)


def _plain(origin: Origin | Literal["alpha"] | None) -> Any:
    return {"name": origin.name, "sha256": origin.sha256} if isinstance(origin, Origin) else origin


def _parsed(text: str) -> Any:
    """Read JSON; raise UsageError where it is none, or holds what no recipe does."""
    try:
        value = from_json(text)
    except ValueError as error:
        raise UsageError(f"it is {error}") from None
    _check_texts(value)
    return value


def _check_texts(value: Any) -> None:
    """Refuse texts that would do more than appear when they are shown."""
    if isinstance(value, str) and not value.isprintable():
        raise UsageError("it holds control characters")
    if isinstance(value, dict):
        for name, part in value.items():
            _check_texts(name)
            _check_texts(part)
    if isinstance(value, list):
        for part in value:
            _check_texts(part)
