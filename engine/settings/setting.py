"""One setting: what it may be, and what people are told of it wherever they choose it."""

from __future__ import annotations

import math
import reprlib
from dataclasses import dataclass
from numbers import Real
from typing import Final

from engine.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Dialog:
    """How the GIMP plug-in shows a setting; `python -m tests.gimp_plugin.make_tables` takes it there."""

    label: str
    """What stands beside the control, with its mnemonic behind `_` as long as there are letters."""

    tooltip: str = ""
    """What it does, at more length; empty where the setting's `help` says all of it."""

    at_once: int = 0
    """Place among what the dialog shows at once, from 1 on; 0 for what waits behind an expander."""

    slider: tuple[float, float] | None = None
    """Ends of the slider: the useful part of the range, all of which can be typed in; None for all of it."""

    gamma: float = 1.0
    """How the slider is bent: above 1, small values get more of its length."""

    step: float | None = None
    """What one click changes; None for 1 of a whole number and 0.1 of a real one."""

    digits: int = 2
    """Digits behind the point that a real number is shown with."""


@dataclass(frozen=True)
class Setting:
    """What a command line or a dialog has to know about one setting."""

    option: str
    """Name on the command line."""

    kind: type[int] | type[float] | type[bool]
    """Whole number, real number or switch."""

    low: float
    """Smallest allowed value."""

    high: float
    """Largest allowed value."""

    help: str
    """One line for people."""

    optional: bool = False
    """Whether None, `none` on the command line, is a value too."""

    dialog: Dialog | None = None
    """How a dialog shows it; None for what only the command line has."""

    @property
    def span(self) -> str:
        """What is allowed, for people."""
        if self.kind is bool:
            return "true or false"
        low, high = (f"{x:.0f}" if self.kind is int else f"{x:g}" for x in (self.low, self.high))
        return f"{low} to {high}" + (", or none" if self.optional else "")

    def check(self, value: object, called: str = "") -> float | None:
        """Return `value` in the setting's own type; raise UsageError, naming the range, for any other.

        NumPy's numbers and booleans are as good as Python's.  A boolean is no number: Python takes True for
        1, people do not.  `called` is what messages call the setting, instead of by its option.
        """
        name = called or self.option
        if value is None and self.optional:
            return None
        if self.kind is bool:
            if isinstance(value, bool) or type(value).__name__ in {"bool", "bool_"}:  # NumPy 2's, NumPy 1's
                return bool(value)
            raise UsageError(f"{name} cannot be {brief(value)}", hint=f"{name} takes {self.span}")
        problem = f"cannot be {brief(value)}"
        truth = isinstance(value, bool)
        if isinstance(value, Real) and not truth:
            if self.low <= _size(value) <= self.high:
                number = self.kind(float(value))
                if number == value:
                    return number
            problem = f"{brief(value)} is out of range"
        noun = "a whole number" if self.kind is int else "a number"
        raise UsageError(f"{name} {problem}", hint=f"{name} takes {noun} from {self.span}")


def brief(value: object) -> str:
    """Return a value for a message: one line, cut in the middle where it is long."""
    try:
        text = _SHORT.repr(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of thousands of digits"
    return " ".join(text.split())


_SHORT: Final = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60


def _size(number: Real) -> float:
    try:
        return float(number)
    except OverflowError:  # a whole number larger than any float
        return math.inf
