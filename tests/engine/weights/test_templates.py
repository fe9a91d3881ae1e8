"""The templates that come with the program."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

import engine
from engine import load_model
from engine.errors import UsageError
from engine.network.contract import Metadata
from engine.network.graph import Graph
from engine.pictures.pixels import to_model
from engine.weights.checking import check
from engine.weights.filling import fill
from engine.weights.instructions import NORM, READ, SCALE, Instructions
from engine.weights.templates import networks, read_template
from export.googlenet import bvlc_googlenet
from export.verify import ort_compute, relative_error
from export.weights import npz_weights
from tests.tiny_model import TEMPLATE

from .files import Known, tiny

ROOT = Path(__file__).parents[3]
NPZ = ROOT / "export/weights/inception_v3_imagenet_mixed5_uint8.npz"
EMBEDDED = ROOT / "engine/models/inception_v3_mixed5.onnx"


@pytest.mark.parametrize("network", networks())
def test_each_is_small_and_says_what_it_is(network: str) -> None:
    file = resources.files("engine").joinpath("templates", f"{network}.onnx.gz")
    assert len(file.read_bytes()) < 500_000
    template = read_template(network)
    assert template.network == network
    assert template.published.address.startswith(("https://", "http://dl.caffe.berkeleyvision.org/"))
    stated = template.published.hash
    assert stated.startswith(("md5:", "sha1:", "sha256:")) or (network, stated) == ("mobilenet_v2", "")
    assert template.published.licence
    names = [x.name for x in template.instructions.tensors]
    assert len(set(names)) == len(names)
    assert len(template.instructions.min_sizes) == len(template.layers)
    assert set(Graph(template.content).inputs) == {"image", "channel_weights"}


class Drawn:
    """Weights of any network: what a template asks for, drawn by chance."""

    source = "drawn"
    numbered = False

    def __init__(self, instructions: Instructions) -> None:
        self._random = np.random.default_rng(7)
        self._shapes = {}
        for x in instructions.tensors:
            for verb, *rest in x.steps:
                if verb == READ:
                    self._shapes[tuple(rest)] = x.shape
                elif verb in {SCALE, NORM}:
                    for name in ("gamma", "beta", "moving_mean", "moving_variance"):
                        self._shapes[rest[0], name] = x.shape[-1:]
        self.layers = tuple(dict.fromkeys(layer for layer, _ in self._shapes))

    def tensor(self, layer: str, variable: str, /) -> np.ndarray:
        shape = self._shapes[layer, variable]
        if variable in {"gamma", "moving_variance"}:
            return self._random.uniform(0.8, 1.2, shape)
        fan = np.prod(shape[:2] if variable == "depthwise_kernel" else shape[:3]) if len(shape) == 4 else 200
        return self._random.normal(0, np.sqrt(2 / fan), shape)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["mobilenet_v2"])
def test_a_dream_of_another_network(tmp_path: Path, network: str) -> None:
    """It passes the check, dreams of its own layers, and split it computes what it does as a whole."""
    template = read_template(network)
    content = fill(template.content, Drawn(template.instructions))
    check(content, network)
    path = tmp_path / "망.onnx"
    path.write_bytes(content)
    picture = np.random.default_rng(3).integers(0, 255, (97, 110, 3), np.uint8)
    with load_model(path, device="cpu") as model:
        layers = model.metadata.default_layers
        dreamt = engine.dream(picture, model=model, octaves=1, iterations=2)
        image, weights = to_model(picture, (-1.0, 1.0)), model.channel_weights(layers)
        whole, split, everything = (
            model(image, weights)[1],
            np.zeros_like(image),
            (slice(0, 97), slice(0, 110)),
        )
        part = model.split_for(layers)
        assert part is not None
        part.add_gradient(split, image, weights, everything, everything)
    assert f"dreaming with {next(iter(layers))}=1" in dreamt.warnings[0]
    assert (dreamt.pixels != picture).any()
    assert relative_error(split, whole) < 1e-5


def test_inception_v3_goes_to_its_last_layer() -> None:
    template = read_template("inception_v3")
    assert [x.name for x in template.layers] == [f"mixed{i}" for i in range(11)]
    assert template.published_size == pytest.approx(87.9e6, rel=0.01)
    assert "deepdream.filling" not in Graph(fill(TEMPLATE.read_bytes(), tiny())).props


def test_a_network_that_is_not_there() -> None:
    for name in ("inception", "../models/ascent_step", "", "inception_v3.onnx.gz"):
        with pytest.raises(UsageError, match="there is no network") as caught:
            read_template(name)
        assert "inception_v3" in caught.value.hint


@pytest.mark.parametrize(("until", "half"), [(None, False), ("mixed0", False), (None, True)])
def test_a_filled_template_dreams(tmp_path, until: str | None, half: bool) -> None:
    path = tmp_path / "꿈.onnx"
    path.write_bytes(fill(TEMPLATE.read_bytes(), tiny(), until, half=half))
    picture = np.random.default_rng(3).integers(0, 255, (40, 51, 3), np.uint8)
    with load_model(path, device="cpu") as model:
        settings = {"preset": "keras", "layers": {"mixed0": 1.0}, "octaves": 1, "iterations": 2}
        dreamt = engine.dream(picture, model=model, **settings)
    assert (dreamt.pixels != picture).any()


@pytest.mark.slow
def test_the_embedded_weights_make_the_embedded_model() -> None:
    """But for the 8 bits that it stores: cut after the same layer, it computes the same."""
    variables = {}
    for number, conv in enumerate(npz_weights(NPZ).convolutions, 1):  # its layers count from 1 on
        variables[f"conv2d_{number}/kernel"] = conv.values
        norm = {"beta": conv.beta, "moving_mean": conv.mean, "moving_variance": conv.variance}
        variables |= {f"batch_normalization_{number}/{name}": value for name, value in norm.items()}
    made = fill(read_template("inception_v3").content, Known(variables), "mixed5")
    image = np.random.default_rng(5).uniform(-1, 1, (1, 140, 131, 3)).astype(np.float32)
    channels = np.ones(3136, np.float32)
    ours, theirs = (ort_compute(x)(image, channels) for x in (made, EMBEDDED.read_bytes()))
    assert relative_error(ours[0], theirs[0]) < 1e-5
    assert relative_error(ours[2], theirs[2]) < 1e-5
    assert relative_error(ours[1], theirs[1]) < 3e-2  # one near-tie decided another way
    described = [Metadata.from_props(Graph(x).props) for x in (made, EMBEDDED.read_bytes())]
    assert described[0].layers == described[1].layers
    assert described[0].min_size == described[1].min_size


def test_that_of_2015_says_what_is_its_own() -> None:
    """What the exporter's table says is in the committed file."""
    network, described = (
        bvlc_googlenet(),
        Metadata.from_props(Graph(read_template("bvlc_googlenet").content).props),
    )
    assert [x.name for x in described.layers] == list(network.layers)
    assert described.default_layers == network.default == {"inception_4c/output": 1.0}
    assert described.gradient_bytes == network.gradient_bytes > 1000
    assert (described.border, described.min_size) == (0, network.min_size(0))
    stem, field = described.stem, network.stem_field()
    assert stem is not None
    assert (stem.stride, stem.field, stem.before, stem.after) == (
        field.stride, field.size, field.before, field.after,
    )  # fmt: skip
