"""The engine's input for a layer, and the meaning of its output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gi

gi.require_version("Gimp", "3.0")
import pixels  # noqa: E402 - versions first
from deepdream_common import parameters, recipe, words  # noqa: E402 - versions first
from deepdream_common.values import check  # noqa: E402 - versions first
from gi.repository import Gimp  # noqa: E402 - versions first

if TYPE_CHECKING:
    from deepdream_common import process


def values_of(config: Gimp.ProcedureConfig) -> dict[str, Any]:
    """Return the values of a call by argument name; raises SettingError for a choice that does not exist."""
    found = {p.name: config.get_property(p.name) for p in parameters.PARAMETERS}
    return {**found, **{p.name: check(p, found[p.name]) for p in parameters.CHOICES}}


def renew(config: Gimp.ProcedureConfig) -> None:
    """Set choices that no longer exist to their defaults.

    GIMP may have stored those of an earlier version, and beside them all that their preset meant.
    """
    for parameter in parameters.CHOICES:
        if config.get_property(parameter.name) not in dict(parameter.choices):
            config.set_property(parameter.name, parameter.default)


class Task:
    """One dream: the frame and the options to send."""

    def __init__(
        self,
        image: Gimp.Image,
        layer: Gimp.Layer,
        where: pixels.Rectangle,
        values: dict[str, Any],
        *,
        script: bool,
    ) -> None:
        """Read the frame.

        where: part of the layer; values: by argument name, and the guide's; script: whether values may be
        left to the preset, see `words.settled`.  Raises SettingError.
        """
        self._frame = self.sent = pixels.read(layer, where)
        self._values = words.settled(values) if script else values
        self._fitted = fits(image, values)
        if self._fitted:
            self.sent = pixels.masked(self._frame, image, layer, where)
            self._values = words.masked(self._values, *layer.mask_intersect()[3:])
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
        """Return the engine's pixels in the layer's format."""
        return pixels.unmasked(self._frame, dreamed) if self._fitted else dreamed

    def recipe(self, engine: process.Engine) -> str:
        """Return the recipe of what the engine made."""
        mask = "alpha" if self._fitted else None
        settings = words.settings(self._values)
        guide = self._values.get(words.ORIGIN)
        return recipe.text(settings, engine.about, Gimp.version(), not engine.stopped, mask, guide)


def fits(image: Gimp.Image, values: dict[str, Any]) -> bool:
    """Return whether to fit the dream to the selection: there is one, and the user wants it."""
    return bool(values[parameters.FIT.name]) and not Gimp.Selection.is_empty(image)
