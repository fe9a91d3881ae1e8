"""Models of weights: filled, checked, and only then written, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import atomic
from engine.errors import ModelError, UsageError, WeightsError
from engine.settings import models
from engine.weights.checking import check
from engine.weights.fetching import FetchError, fetch
from engine.weights.filling import fill
from engine.weights.reading import open_weights
from engine.weights.templates import read_template

if TYPE_CHECKING:
    from pathlib import Path

    from engine.weights.fetching import Told
    from engine.weights.templates import Template


def made(network: str, weights: Path, until: str | None = None, *, half: bool = False) -> bytes:
    """Return the content of a model file, checked, of a network's template and a weights file.

    `until` is the deepest layer, None for the network's last; `half` stores kernels as float16.  Raises
    WeightsError, which names the tensor, for weights that do not belong to the network or are no good;
    UsageError for an unknown network or layer, or a missing extra.
    """
    return _filled(read_template(network), weights, until, half=half)


def keep(content: bytes, target: Path) -> None:
    """Write a model file, whole or not at all.  Raises ModelError where that cannot be done."""
    with atomic.explaining(target, ModelError), atomic.replacing(target) as part:
        part.write_bytes(content)


def get(network: str, target: Path, told: Told, *, until: str | None = None, half: bool = False) -> None:
    """Fetch a network's published weights, make a model of them and keep it at `target`.

    The weights are removed once the model is there.  Raises FetchError where they cannot be had, and what
    `made` and `keep` raise.
    """
    template = read_template(network)
    if not template.published.address:
        raise UsageError(
            f"nobody is known to publish weights for {network}",
            hint=f"deepdream model make --network {network} --weights FILE makes it of yours",
        )
    if not template.published.hash:
        address = template.published.address
        file = address.rpartition("/")[2]
        raise UsageError(
            f"nobody states a hash of the weights for {network}, so they are not fetched",
            hint=f"get {address} by other means, then: "
            f"deepdream model make --network {network} --weights {file}",
        )
    if until is not None and until not in {x.name for x in template.layers if not x.block}:
        names = ", ".join(x.name for x in template.layers if not x.block)
        raise UsageError(f"{network} has no layer {until}", hint=f"there are: {names}")
    weights = _fetched(template, told)
    keep(_filled(template, weights, until, half=half), target)
    weights.unlink(missing_ok=True)


def _fetched(template: Template, told: Told) -> Path:
    published = template.published
    try:
        return fetch(published.address, published.hash, models.folder() / "weights", told)
    except FetchError as error:
        file = published.address.rpartition("/")[2]
        raise FetchError(
            str(error),
            hint=f"the same command goes on where it stopped; or get {published.address} by other means, "
            f"then: deepdream model make --network {template.network} --weights {file}",
        ) from error


def _filled(template: Template, weights: Path, until: str | None, *, half: bool) -> bytes:
    with open_weights(weights) as opened:
        content = fill(template.content, opened, until, half=half)
    try:
        check(content, weights.name)
    except WeightsError as error:
        raise WeightsError(f"the weights file {weights}: {error}", hint=error.hint) from error
    return content
