"""A template filled with weights is the model that an export makes from these."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from engine.errors import ModelError, UsageError, WeightsError
from engine.network.contract import Metadata
from engine.network.graph import Graph
from engine.weights.filling import fill
from engine.weights.instructions import Filled, Instructions, Published
from engine.weights.names import match
from engine.weights.verbs import Variables
from export.verify import ort_compute, relative_error
from tests.tiny_model import TEMPLATE, TINY

from .files import Known, tiny

IMAGE = np.random.default_rng(1).uniform(-1, 1, (2, 41, 34, 3)).astype(np.float32)
CHANNELS = np.random.default_rng(2).uniform(0, 1, 10).astype(np.float32)
Outputs = tuple[np.ndarray, ...]


def filled(weights: Known, until: str | None = None, *, half: bool = False) -> bytes:
    return fill(TEMPLATE.read_bytes(), weights, until, half=half)


def outputs(model: bytes, channels: np.ndarray = CHANNELS) -> Outputs:
    return ort_compute(model)(IMAGE, channels)


@pytest.fixture(scope="module")
def exported() -> Outputs:
    return outputs(TINY.read_bytes())


def assert_same(found: Outputs, wanted: Outputs) -> None:
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


def test_it_computes_what_the_export_does(exported: Outputs) -> None:
    assert_same(outputs(filled(tiny())), exported)


def test_it_says_of_itself_what_the_export_does() -> None:
    ours, theirs = (Graph(x).props for x in (filled(tiny()), TINY.read_bytes()))
    assert ours.pop("deepdream.weights") == "weights.h5 sha256:00"
    for key in ("deepdream.weights", "deepdream.exporter"):
        del theirs[key]
    del ours["deepdream.exporter"]
    # Which tensors the stem keeps may have other names.
    assert ours.keys() == theirs.keys()
    assert {k: x for k, x in ours.items() if k != "deepdream.stem"} == {
        k: x for k, x in theirs.items() if k != "deepdream.stem"
    }


def test_it_is_valid_onnx() -> None:
    for model in (filled(tiny()), filled(tiny(), "mixed0"), filled(tiny(), half=True)):
        onnx.checker.check_model(onnx.load_from_string(model), full_check=True)


def test_the_same_weights_make_the_same_file() -> None:
    assert filled(tiny()) == filled(tiny())


@pytest.mark.parametrize("first", [1, 94])
def test_layers_that_are_counted_on(first: int, exported: Outputs) -> None:
    """Old versions of Keras begin at 1; a second network in one process goes on where the first ended."""
    assert_same(outputs(filled(tiny(first))), exported)


def test_numbers_are_numbers_whatever_the_files_order(exported: Outputs) -> None:
    """`conv2d_100` comes after `conv2d_99`; .h5 files list groups by their letters."""
    variables = tiny(97).variables
    assert_same(outputs(filled(Known(dict(sorted(variables.items()))))), exported)


def test_other_layers_are_not_looked_at(exported: Outputs) -> None:
    weights = tiny()
    weights.variables |= {"predictions/kernel": np.zeros((3, 3)), "my_conv2d/kernel": np.zeros(1)}
    assert_same(outputs(filled(weights)), exported)
    assert not any(x.startswith(("predictions", "my")) for x in weights.asked)


def test_a_kind_of_layers_with_names_and_others_that_are_counted() -> None:
    names = {"conv2d": ("stem", "conv2d", "conv2d_1")}
    instructions = Instructions((), names, ("conv2d",), (), Published())
    file = Known({f"{x}/kernel": np.zeros(1) for x in ("conv2d_94", "conv2d_95", "stem")})
    assert match(instructions, file) == {"stem": "stem", "conv2d": "conv2d_94", "conv2d_1": "conv2d_95"}


def test_ones_and_a_number() -> None:
    norm = ("norm", 0.5, True)
    weights = Known(
        {
            "norm/gamma": np.array([3.0, 2.0]),
            "norm/beta": np.array([1.0, 1.0]),
            "norm/moving_mean": np.array([2.0, 0.0]),
            "norm/moving_variance": np.array([3.5, 0.5]),
        }
    )
    variables = Variables(weights, {"norm": "norm"}, "net")
    scaled = Filled("kernel_1", (2,), (("ones",), ("scale", *norm), ("times", 0.5)))
    assert variables.make(scaled).tolist() == [0.75, 1.0]
    assert variables.make(Filled("bias_1", (2,), (("zeros",), ("norm", *norm)))).tolist() == [-2.0, 1.0]


def test_names_that_say_only_their_order() -> None:
    """The template has Keras' order; a file with more or fewer layers has another."""
    weights = tiny()
    weights.numbered = True
    filled(weights)
    del weights.variables["conv2d_3/kernel"]
    with pytest.raises(WeightsError, match=r"have \d+ layers of the kind conv2d, and the network has \d+"):
        filled(weights)


def test_cut_after_a_layer(exported: Outputs) -> None:
    """It computes what the whole does with zeros for the layers behind, and describes what is left."""
    model = filled(tiny(), "mixed0")
    loss, gradient, energies = outputs(model, CHANNELS[:4])
    whole = outputs(TINY.read_bytes(), np.concatenate([CHANNELS[:4], np.zeros(6, np.float32)]))
    assert_same((loss, gradient, energies), (whole[0], whole[1], exported[2][:, :4]))
    described = Metadata.from_props(Graph(model).props)
    assert [(x.name, x.channels) for x in described.layers] == [("mixed0", 4)]
    stored = {x.name for x in onnx.load_from_string(model).graph.initializer}
    assert {"kernel_5", "mixed0/targets"} <= stored
    assert not {"kernel_6", "kernel_7", "kernel_8", "mixed1/targets"} & stored
    assert Graph(model).inputs.keys() == {"image", "channel_weights"}


def test_a_cut_needs_no_weights_behind_it() -> None:
    weights = tiny()
    assert filled(weights, "mixed0")
    behind = [x for x in weights.variables if x.startswith(("conv2d_5", "batch_normalization_5"))]
    for name in behind:
        del weights.variables[name]
    assert filled(weights, "mixed0")
    with pytest.raises(WeightsError, match="lack"):
        filled(weights, "mixed1")


def test_half_precision(exported: Outputs) -> None:
    model = filled(tiny(), half=True)
    kernels = [x for x in onnx.load_from_string(model).graph.initializer if len(x.dims) == 4]
    assert {onnx.numpy_helper.to_array(x).dtype.name for x in kernels if "kernel_" in x.name} == {"float16"}
    found = outputs(model)
    assert 0 < relative_error(found[0], exported[0]) < 1e-3
    assert relative_error(found[2], exported[2]) < 1e-3
    assert Metadata.from_props(Graph(model).props).weights == "weights.h5 sha256:00, kernels as float16"


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("conv2d_4/kernel", None, "the weights lack conv2d_4/kernel, which tiny needs"),
        ("batch_normalization_2/beta", None, "the weights lack batch_normalization_2/beta"),
        ("conv2d/kernel", np.zeros((3, 3, 4, 3)), r"conv2d/kernel has the shape \(3, 3, 4, 3\), and tiny "),
        ("batch_normalization/moving_mean", np.zeros(5), r"/moving_mean has the shape \(5,\)"),
        ("batch_normalization/moving_variance", np.zeros(()), r"the shape \(\), and tiny needs \(4,\)"),
        ("conv2d/kernel", np.full((3, 3, 3, 4), np.nan), "conv2d/kernel holds values that are not finite"),
        ("batch_normalization/moving_variance", np.full(4, -1.0), "moving_variance holds negative values"),
        ("conv2d/kernel", np.full((3, 3, 3, 4), 1e300), "too large for float32"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit(variable: str, value: np.ndarray | None, message: str) -> None:
    weights = tiny()
    if value is None:
        del weights.variables[variable]
    else:
        weights.variables[variable] = value
    with pytest.raises(WeightsError, match=message):
        filled(weights)


def test_a_kernel_too_large_for_half_precision() -> None:
    weights = tiny()
    weights.variables["conv2d/kernel"] = np.full((3, 3, 3, 4), 1e5)
    assert filled(weights)
    with pytest.raises(WeightsError, match="too large for float16"):
        filled(weights, half=True)


def test_no_weights_at_all() -> None:
    with pytest.raises(WeightsError, match="lack conv2d/kernel"):
        filled(Known({}))


def test_a_layer_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="tiny has no layer 'mixed9'") as caught:
        filled(tiny(), "mixed9")
    assert caught.value.hint == "choose from mixed0, mixed1"


@pytest.mark.parametrize("content", [b"", b"no template", TINY.read_bytes()])
def test_what_is_no_template(content: bytes) -> None:
    with pytest.raises(ModelError, match="not a template"):
        fill(content, tiny())
