"""What a caller gave as arguments: looked at before anything starts, and refused by the argument's name."""

from __future__ import annotations

import errno
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine import paths
from engine.errors import DreamError, UsageError
from engine.settings.config import refuse_unknown, settings
from engine.settings.output import Output
from engine.settings.selectors import parse_layers
from engine.settings.setting import brief
from engine.settings.tiling import Tiling
from engine.stop import Stop

if TYPE_CHECKING:
    from engine.settings.config import Settings

LAYERS: Final = 'layers takes a mapping such as {"mixed3": 0.5}, or text such as "mixed3=0.5,mixed4:87"'


def _is_switch(value: object) -> bool:
    return isinstance(value, bool | np.bool_)


def _is_count(value: object) -> bool:
    return value is None or (isinstance(value, Integral) and not isinstance(value, bool))


ARGUMENTS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "device": (lambda x: isinstance(x, str), 'text: "auto", "cpu", "cuda", "cuda:0" or "webgpu"'),
    "threads": (_is_count, "a whole number, or None for as many as this process may use"),
    "tiling": (lambda x: x is None or isinstance(x, Tiling), "an engine.Tiling, such as Tiling(size=512)"),
    "dither": (_is_switch, "True or False"),
    "overwrite": (_is_switch, "True or False"),
    "keep_frames": (_is_switch, "True or False"),
    "sound": (_is_switch, "True or False"),
    "output": (lambda x: isinstance(x, Output), "an engine.Output, such as Output(quality=90)"),
    "stop": (lambda x: x is None or isinstance(x, Stop), "an engine.Stop, which another thread may set"),
    "progress": (lambda x: x is None or callable(x), "a function that is called with each step"),
}
"""By an argument's name: whether a value is of its kind, and what it takes, for people."""


def check(**arguments: object) -> None:
    """Raise UsageError for an argument of ARGUMENTS of the wrong kind."""
    for name, value in arguments.items():
        fits, takes = ARGUMENTS[name]
        if not fits(value):
            raise wrong(name, value, takes)


def wrong(name: str, value: object, takes: str) -> UsageError:
    """Return the error for a value that an argument cannot have."""
    return UsageError(f"{name} cannot be {brief(value)}", hint=f"{name} takes {takes}")


def given_settings(settings_: Settings, function: Callable[..., object]) -> dict[str, Any]:
    """Return settings as a caller gave them to a function by field name, layers that are text as a mapping.

    Raises UsageError for a name that is no setting, with the most similar one or argument of the function,
    and for a value out of range.
    """
    given: dict[str, Any] = dict(settings_)
    refuse_unknown(given, also=_keywords(function))
    known = settings()
    for name in given.keys() & known.keys():
        known[name].check(given[name], name)
    layers = given.get("layers", {})
    if isinstance(layers, str):
        given["layers"] = parse_layers(layers)
    elif not isinstance(layers, Mapping):
        raise UsageError(f"layers cannot be {brief(layers)}", hint=LAYERS)
    return given


def path_of(
    given: object,
    name: str,
    refusal: type[DreamError] = UsageError,
    takes: str = "a path: text, or any PathLike",
) -> Path:
    """Return a path that was given as text or as any os.PathLike.

    Raises UsageError where it is neither, and a `refusal` where no file can be called so.  `takes` is what
    the argument takes, for people.
    """
    if not isinstance(given, str | os.PathLike):
        raise wrong(name, given, takes)
    path, problem = os.fsdecode(given), ""
    if not path:
        raise refusal(f"{name} is an empty path", hint=f"{name} takes {takes}")
    try:
        paths.check_name(path)
        os.lstat(path)
    except OSError as error:
        problem = str(error.strerror) if error.errno in {errno.EINVAL, errno.ENAMETOOLONG} else ""
    if problem:
        raise refusal(f"{name} is no path: {brief(path)}: {problem}", hint=f"{name} takes {takes}")
    return Path(path)


def _keywords(function: Callable[..., object]) -> Iterable[str]:
    """Return the names of a function's keyword arguments."""
    parameters = inspect.signature(function).parameters.values()
    return [x.name for x in parameters if x.kind is x.KEYWORD_ONLY]
