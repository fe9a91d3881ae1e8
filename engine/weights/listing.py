"""Which models there are: the embedded one, those that are kept, and those that can be had."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final, Literal

from engine.errors import ModelError
from engine.network import model as networks
from engine.network.contract import Metadata
from engine.network.graph import Graph
from engine.network.opening import read_model
from engine.settings import models
from engine.weights import templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.network.contract import Layer

GOOD_FOR: Final = {
    "densenet121": "fine, even texture",
    "inception_resnet_v2": "the largest of InceptionV3's kind",
    "mobilenet_v2": "the smallest file, and quick",
    "resnet50": "other forms than an Inception net's",
    "resnet50v2": "other forms than an Inception net's",
    "vgg16": "large, painterly strokes; slow",
    "vgg19": "large, painterly strokes; slower",
    "xception": "another net with InceptionV3's training",
    "inception_v3": "deeper layers than the embedded model's, mixed6 to mixed10, in full precision",
    "bvlc_googlenet": "the dreams of 2015: the network of google/deepdream",
}
"""What a network is taken for."""

EMBEDDED_IS_FOR: Final = "all looks, which are made for it"

LICENCE: Final = "MIT; ImageNet weights of Keras, Apache-2.0"
"""Of the embedded model: export/weights/README.md."""


@dataclass(frozen=True)
class Listed:
    """A model in the list."""

    name: str
    """What `--model` and `deepdream model get` call it."""

    state: Literal["embedded", "made", "obtainable"]

    network: str

    size: int
    """Bytes of the model file; of one that is not here, about."""

    layers: tuple[str, ...]

    licence: str
    """Of the weights; empty where only who made the model knows."""

    good_for: str

    file: str
    """Path of the model file; empty where there is none."""

    weights: str
    """Where the weights come from; for one that is not here, their address."""

    fetched: int = 0
    """Bytes of the weights file that one which is not here is made of, about."""


def listed() -> tuple[list[Listed], list[str]]:
    """Return all models, and one sentence for each kept file that is none."""
    found, wrong = [_embedded()], []
    for name, file in models.kept().items():
        try:
            found.append(_kept(name))
        except (ModelError, ValueError) as error:
            wrong.append(f"{file} is no model: {error}")
    here = {x.name for x in found}
    return [*found, *(x for x in _obtainable() if x.name not in here)], wrong


def _embedded() -> Listed:
    file = resources.files("engine").joinpath("models", networks.EMBEDDED)
    content = file.read_bytes()
    about = Metadata.from_props(Graph(content).props)
    return Listed(
        models.EMBEDDED, "embedded", about.network, len(content), _names(about.layers), LICENCE,
        EMBEDDED_IS_FOR, "", about.weights,
    )  # fmt: skip


def _kept(name: str) -> Listed:
    file = models.kept()[name]
    content = read_model(file)
    about = Metadata.from_props(Graph(content).props)
    return Listed(
        name, "made", about.network, len(content), _names(about.layers), _licence(about),
        GOOD_FOR.get(about.network, ""), str(file), about.weights,
    )  # fmt: skip


def _obtainable() -> Iterator[Listed]:
    for name in templates.networks():
        template = templates.read_template(name)
        published = template.published
        yield Listed(
            name, "obtainable", name, template.model_size, _names(template.layers), published.licence,
            GOOD_FOR.get(name, ""), "", published.address, template.published_size,
        )  # fmt: skip


def _licence(about: Metadata) -> str:
    """Return the licence of the weights that a model was made of, where they are the published ones."""
    if about.network not in templates.networks():
        return ""
    published = templates.read_template(about.network).published
    file = published.address.rpartition("/")[2]
    return published.licence if file and about.weights.startswith(f"{file} sha256:") else ""


def _names(layers: Sequence[Layer]) -> tuple[str, ...]:
    return tuple(x.name for x in layers)
