"""The settings of a dream: one frozen table that options, presets and dialogs are made from."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass, field, fields, replace
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COEFFICIENT_LIMIT: Final = 1000.0
"""Largest size of a layer coefficient, either sign: beyond it float32 losses lose their meaning."""

KERAS_LAYERS: Final[Mapping[str, float]] = MappingProxyType(
    {"mixed2": 0.2, "mixed3": 0.5, "mixed4": 2.0, "mixed5": 1.5}
)


@dataclass(frozen=True)
class Setting:
    """What a command line or a dialog has to know about one number in `DreamConfig`."""

    option: str
    """Name on the command line."""

    kind: type[int] | type[float]
    """Whole or real number."""

    low: float
    """Smallest allowed value."""

    high: float
    """Largest allowed value."""

    help: str
    """One line for people."""

    optional: bool = False
    """Whether None, `none` on the command line, is a value too."""

    def check(self, value: object) -> float | None:
        """Return `value` in the setting's own type; raise UsageError, naming the range, for any other."""
        if value is None and self.optional:
            return None
        truth = isinstance(value, bool)  # a number for Python, none for people
        if not truth and isinstance(value, Real) and self.low <= float(value) <= self.high:  # NumPy's too
            number = self.kind(float(value))
            if number == value:
                return number
        noun = "a whole number" if self.kind is int else "a number"
        also = ", or none" if self.optional else ""
        raise UsageError(
            f"{self.option} {value} is out of range",
            hint=f"{self.option} takes {noun} from {self.low:g} to {self.high:g}{also}",
        )


def _setting(default: Any, option: str, low: float, high: float, text: str, *, optional: bool = False) -> Any:
    kind = int if isinstance(default, int) else float
    return field(default=default, metadata={"setting": Setting(option, kind, low, high, text, optional)})


def _checked_layers(layers: Mapping[str, float]) -> dict[str, float]:
    if not layers:
        raise UsageError("--layers names no layer", hint="for example --layers mixed3=0.5,mixed4=2")
    number = Setting("--layers", float, -COEFFICIENT_LIMIT, COEFFICIENT_LIMIT, "")
    checked: dict[str, float] = {}
    for name, coefficient in layers.items():
        try:
            checked[str(name)] = float(number.check(coefficient) or 0)
        except UsageError as error:
            raise UsageError(f"--layers {name}={coefficient} is out of range", hint=error.hint) from None
    return checked


@dataclass(frozen=True, kw_only=True)
class DreamConfig:
    """All that decides what a dream looks like, save the picture and the model.

    The defaults are those of Keras' DeepDream example (keras.io/examples/generative/deep_dream).  Raises
    UsageError for a value outside its range.
    """

    layers: Mapping[str, float] = field(default_factory=lambda: KERAS_LAYERS, hash=False)
    """Layer coefficients: what each layer's mean activation² counts in the loss; each -1000 to 1000."""

    octaves: int = _setting(3, "--octaves", 1, 20, "sizes that the picture is worked on in, smallest first")
    """Number of sizes in the ladder, the full one included; 1 to 20."""

    octave_scale: float = _setting(
        1.4, "--octave-scale", 1.0, 10.0, "size of an octave relative to the one before"
    )
    """Ratio between the sides of one octave and those of the octave before it; 1 to 10."""

    iterations: int = _setting(20, "--iterations", 1, 10000, "ascent steps in each octave")
    """Ascent steps in each octave; 1 to 10000."""

    step_size: float = _setting(
        0.01, "--step", 0.00001, 1.0, "mean change of a pixel in one step, where black to white is 2"
    )
    """Mean change of a pixel in one step, in the model's range, where 0.01 is 1.3 of 255; 1e-05 to 1."""

    max_loss: float | None = _setting(
        10.0, "--max-loss", 0.0, 1e6, "loss above which an octave ends early, or none", optional=True
    )
    """Loss above which an octave ends before its next step, None for never; 0 to 1e+06."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", MappingProxyType(_checked_layers(self.layers)))
        for name, setting in settings().items():
            object.__setattr__(self, name, setting.check(getattr(self, name)))


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How large pictures are cut into tiles; see engine/tiles.py.

    Raises UsageError for a value outside its range.
    """

    SMALLEST: ClassVar[int] = 128
    """Smallest side of a tile, in pixels."""

    MEDIUM: ClassVar[int] = 768
    """Side from which on tiles make do with a narrow halo."""

    CUDA_SIZE: ClassVar[int] = 512
    """Side of the tiles on a GPU, where none is asked for."""

    size: int | Literal["auto", "off"] = "auto"
    """Side of the part that a tile answers for, in pixels, 128 to 8192; `off` for pictures of any size whole;
    `auto` for as much as `max_memory` holds."""

    halo: int | None = None
    """Pixels computed around it, 0 to 512: more is truer and slower.  None for 32, or 48 around small tiles,
    of which more lies near a border."""

    seed: int = 0
    """Of the grid's random place at each step; 0 or more."""

    max_memory: int = 4_500_000_000
    """Bytes that the program may take, roughly, before pictures are cut into tiles; 300 MB or more."""

    def __post_init__(self) -> None:
        if self.size not in {"auto", "off"}:
            Setting("--tile", int, self.SMALLEST, 8192, "").check(self.size)
        if self.halo is not None:
            Setting("--halo", int, 0, 512, "").check(self.halo)
        for name, low, high in (("seed", 0, 2**63), ("max_memory", 300_000_000, 2**50)):
            option = "--" + name.replace("_", "-")
            Setting(option, int, low, high, "").check(getattr(self, name))

    def halo_of(self, size: int) -> int:
        """Return the halo of tiles of that size."""
        if self.halo is not None:
            return self.halo
        return 32 if size >= self.MEDIUM else 48


def parse_tile(text: str) -> int | Literal["auto", "off"]:
    """Read what `--tile` says; raise UsageError where it is neither a word that it knows nor a number."""
    if text == "auto":
        return "auto"
    if text == "off":
        return "off"
    if not text.isdecimal():
        raise UsageError(
            f"--tile {text} is no size", hint="--tile takes auto, off, or a side from 128 to 8192"
        )
    return int(text)


def parse_bytes(text: str) -> int:
    """Read an amount of memory such as `2GB`, `800 MB` or `1.5 GiB`; raise UsageError for anything else."""
    form = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(k|m|g|t)(i?)b?", text.strip().lower())
    if form is None:
        raise UsageError(f"--max-memory {text} is no amount", hint="for example --max-memory 2GB")
    return int(float(form[1]) * (1024 if form[3] else 1000) ** ("kmgt".index(form[2]) + 1))


def settings() -> dict[str, Setting]:
    """Return, by field name, what is known about every number in `DreamConfig`."""
    return {x.name: x.metadata["setting"] for x in fields(DreamConfig) if "setting" in x.metadata}


PRESETS: Final[Mapping[str, DreamConfig]] = MappingProxyType({"keras": DreamConfig()})
"""Settings worth a name."""


def configure(preset: str, given: Mapping[str, Any]) -> DreamConfig:
    """Return the preset of that name with some settings replaced, by field name.

    Raises UsageError for a value out of range and, with the nearest names, for an unknown preset.
    """
    try:
        return replace(PRESETS[preset], **given)
    except KeyError:
        raise UsageError(f"there is no preset called {preset!r}", hint=suggest(preset, PRESETS)) from None


def parse_layers(text: str) -> dict[str, float]:
    """Read layer coefficients written as `mixed3=0.5,mixed4`; a name alone means 1.

    Raises UsageError where the text does not have that form.
    """
    layers: dict[str, float] = {}
    for item in text.split(","):
        name, equals, number = (part.strip() for part in item.partition("="))
        try:
            coefficient = float(number) if equals else 1.0
        except ValueError:
            coefficient = math.nan
        if not name or name in layers or math.isnan(coefficient):
            what = f"{name} stands there twice" if name in layers else f"{item.strip()!r} is not NAME=NUMBER"
            raise UsageError(f"--layers {text}: {what}", hint="for example --layers mixed3=0.5,mixed4=2")
        layers[name] = coefficient
    return layers


def fit_layers(
    config: DreamConfig, available: Iterable[str], *, chosen: bool
) -> tuple[DreamConfig, tuple[str, ...]]:
    """Match the configured layers with those that a model offers.

    Layers that the user has chosen must all be there.  Of a preset's layers, those that a model cut earlier
    lacks are left out.  Returns the configuration to use and what the user should be told.  Raises
    UsageError, with suggestions, for an unknown layer and where nothing is left.
    """
    names = list(available)
    missing = [name for name in config.layers if name not in names]
    if not missing:
        return config, ()
    if chosen:
        raise UsageError(f"the model has no layer called {missing[0]!r}", hint=suggest(missing[0], names))
    kept = {name: value for name, value in config.layers.items() if name in names}
    if not kept:
        raise UsageError(
            "the model has none of the preset's layers", hint=f"choose with --layers from: {', '.join(names)}"
        )
    warning = f"the model has no {', '.join(missing)}: dreaming with {format_layers(kept)}"
    return replace(config, layers=kept), (warning,)


def format_layers(layers: Mapping[str, float]) -> str:
    """Write layer coefficients as `parse_layers` reads them."""
    return ",".join(f"{name}={value:g}" for name, value in layers.items())


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a hint for a misspelt word: the nearest known one if any is near, and all that there are."""
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1)
    return (f"did you mean {near[0]}? " if near else "") + f"there are: {', '.join(names)}"
