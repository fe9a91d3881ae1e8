"""The models that the engine has, and the layers of those that it has opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepdream_common import channels, model, parameters

if TYPE_CHECKING:
    from gi.repository import Gimp

    Counts = list[tuple[str, int]]
    """Layers of a model, each with its number of channels."""

MODEL = parameters.MODEL.name


class Models:
    """What is known of models.

    names: of those that the engine has, beside the built-in one.  Whoever follows the argument hears when
    more is known of its model.
    """

    def __init__(self, config: Gimp.ProcedureConfig) -> None:
        self._config = config
        self._known: dict[str, Counts] = {"": list(channels.COUNTS)}
        self._inside: dict[str, frozenset[str]] = {}
        self.names: list[str] = []
        self._fitted = (self.chosen, self.counts)

    @property
    def chosen(self) -> str:
        """The value of the argument: a name or a file, nothing for the built-in one."""
        return (self._config.get_property(MODEL) or "").strip()

    @property
    def counts(self) -> Counts | None:
        """The layers of the chosen model, None while they are not known."""
        return self._known.get(self.chosen)

    @property
    def inside(self) -> frozenset[str]:
        """Layers of the chosen model that lie inside blocks of others: too many for a slider each."""
        return self._inside.get(self.chosen, frozenset())

    def has(self, layer: str) -> bool:
        """Return whether the chosen model has a layer, as far as is known."""
        return self.counts is None or layer in dict(self.counts)

    def fits(self, values: dict[str, Any]) -> bool:
        """Return whether the chosen model has the layers and channels among these values."""
        return self.counts is not None and not model.fitted(values, self.counts)

    def hear(self, event: dict[str, Any]) -> None:
        """Take what the engine tells of models."""
        if event.get("event") == "start":
            self.names = [name for name in event.get("models", ())[1:] if isinstance(name, str)]
        elif event.get("event") != "model":
            return
        if event.get("layers"):
            asked, inside = event.get("asked") or "", frozenset(event.get("inside", ()))
            # The last ones are what is dreamed of where nothing else is chosen.
            ordered = sorted(event["layers"], key=lambda layer: layer[0] not in inside)
            self._known[asked] = [(name, count) for name, count in ordered]
            self._inside[asked] = inside
        self._config.notify(MODEL)

    def fit(self) -> None:
        """Have the arguments name layers that a model has, once it is chosen and these are known."""
        if self.counts is None or self._fitted == (self.chosen, self.counts):
            return
        self._fitted = (self.chosen, self.counts)
        names = (parameters.PRESET, *parameters.LAYERS, parameters.CHANNELS)
        values = {x.name: self._config.get_property(x.name) for x in names}
        with self._config.freeze_notify():
            for name, value in model.fitted(values, self.counts).items():
                self._config.set_property(name, value)
