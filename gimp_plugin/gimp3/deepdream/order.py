"""The engine's input for a subject, and the meaning of its output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gi

gi.require_version("Gimp", "3.0")
import pixels  # noqa: E402 - versions first
import within  # noqa: E402 - versions first
from deepdream_common import parameters, recipe, region, words  # noqa: E402 - versions first
from deepdream_common.values import check  # noqa: E402 - versions first
from gi.repository import Gimp  # noqa: E402 - versions first

if TYPE_CHECKING:
    from ahead import Dream
    from deepdream_common import process
    from subject import Subject


NUMBERS = ("int", "float")


def values_of(config: Gimp.ProcedureConfig, *, script: bool) -> dict[str, Any]:
    """Return the values of a call by argument name.

    Raises SettingError for a choice that does not exist and, for a script, a number out of its range: the
    dialog has its sliders for that.
    """
    checked = ("choice", *NUMBERS) if script else ("choice",)
    found = {p.name: config.get_property(p.name) for p in parameters.PARAMETERS}
    return {**found, **{p.name: check(p, found[p.name]) for p in parameters.PARAMETERS if p.kind in checked}}


def renew(config: Gimp.ProcedureConfig) -> None:
    """Set choices that no longer exist to their defaults.

    GIMP may have stored those of an earlier version, and beside them all that their preset meant.
    """
    if not config.get_property(parameters.FIT.name):  # what the dialog says otherwise now
        config.set_property(parameters.FIT.name, True)
        config.set_property(parameters.MASK.name, within.NONE)
    for parameter in parameters.CHOICES:
        if config.get_property(parameter.name) not in dict(parameter.choices):
            config.set_property(parameter.name, parameter.default)


class Task:
    """One dream: the frame and the options to send."""

    def __init__(self, subject: Subject, values: dict[str, Any], *, script: bool) -> None:
        """Read the frame.

        values: by argument name, and the guide's; script: whether values may be left to the preset, see
        `words.settled`.  Raises SettingError, and RegionError if there is nothing to dream on.
        """
        fitted = within.fitted_to(subject, values)
        part = within.bounds(subject, fitted)
        self.where = pixels.Rectangle(*region.around(part, subject.width, subject.height))
        self._frame = self.sent = pixels.read(subject.buffer, subject.how, self.where)
        self._values = words.settled(values) if script else values
        shares = within.shares(subject, fitted, self.where)
        self._fitted = shares is not None
        if shares is not None:
            self.sent = pixels.masked(self._frame, shares)
            self._values = words.masked(self._values, part.width, part.height)
        self.options = words.engine_options(self._values, brief=script)
        if self._fitted:
            self.options += words.MASK

    @property
    def summary(self) -> str:
        """A line for the log."""
        frame = self.sent
        size = f"{frame.width} × {frame.height} pixels as {frame.channels} × {frame.kind}"
        return f"{size}: {' '.join(self.options)}"

    def answer(self, dreamed: bytes) -> bytes:
        """Return the engine's pixels in the subject's format."""
        return pixels.unmasked(self._frame, dreamed) if self._fitted else dreamed

    def recipe(self, engine: process.Engine | Dream) -> str:
        """Return the recipe of what the engine made."""
        mask = "alpha" if self._fitted else None
        settings = words.settings(self._values)
        guide = self._values.get(words.ORIGIN)
        return recipe.text(settings, engine.about, Gimp.version(), not engine.stopped, mask, guide)
