"""Targets: each position is steered toward the vector that it resembles most, as TensorFlow has it."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf

from export.convert import convert
from export.errors import ConversionError
from export.targets import add_targets
from export.verify import relative_error
from export.weights import random_weights

from .plain import activations
from .tiny import TINY

WEIGHTS = random_weights("2", TINY)
CHANNELS = TINY.channels()
BORDER = 2


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return convert(TINY, WEIGHTS)


@pytest.fixture(scope="module")
def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def image(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(5).uniform(-1, 1, (count, height, width, 3)).astype(np.float32)


def compute(
    session: onnxruntime.InferenceSession, image: np.ndarray, targets: dict[str, np.ndarray], weight: float
) -> tuple[np.ndarray, np.ndarray]:
    feeds = {f"{name}/targets": x.astype(np.float32) for name, x in targets.items()}
    weights = np.full(sum(CHANNELS.values()), weight, np.float32)
    loss, gradient = session.run(["loss", "gradient"], {"image": image, "channel_weights": weights, **feeds})
    return loss, gradient


def truth(image: np.ndarray, targets: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Compute loss and gradient in float64, with TensorFlow's derivative of a largest cosine's product."""
    parameters = [
        (tf.constant(conv.values * conv.factor), tf.constant(conv.bias)) for conv in WEIGHTS.convolutions
    ]
    x = tf.constant(image.astype(np.float64))
    loss = tf.zeros(len(image), tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        for name, layer in activations(TINY, x, parameters).items():
            if name not in targets:
                continue
            inside = layer[:, BORDER:-BORDER, BORDER:-BORDER, :]
            lengths = np.linalg.norm(targets[name], axis=1)
            cosines = tf.einsum("nhwc,mc->nhwm", inside, targets[name] / np.maximum(lengths, 1e-12)[:, None])
            best = tf.gather(tf.constant(targets[name]), tf.argmax(cosines, 3))
            loss += tf.reduce_sum(best * inside, [1, 2, 3]) / np.prod(layer.shape[1:])
    return loss.numpy(), tape.gradient(loss, x).numpy()


def some(rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: random.uniform(0, 3, (rows, count)) for name, count in CHANNELS.items()}


@pytest.mark.parametrize("size", [(1, 75, 91), (2, 88, 60)])
@pytest.mark.parametrize("rows", [1, 2, 40])
def test_the_gradient_is_tensorflows(session, size: tuple[int, int, int], rows: int) -> None:
    picture, targets = image(*size), some(rows)
    (loss, gradient), (true_loss, true) = compute(session, picture, targets, 0), truth(picture, targets)
    assert relative_error(loss, true_loss) < 1e-5
    assert relative_error(gradient, true) < 1e-2  # near-ties; without the targets it is 1


def test_one_target_of_ones_is_the_mean_of_the_activations(session) -> None:
    picture = image(1, 75, 91)
    ones = {"mixed1": np.ones((1, CHANNELS["mixed1"]))}
    (loss, gradient), (true_loss, true) = compute(session, picture, ones, 0), truth(picture, ones)
    assert relative_error(loss, true_loss) < 1e-5
    assert relative_error(gradient, true) < 1e-2


def test_targets_add_to_the_sum_of_squares(session) -> None:
    picture, targets = image(1, 75, 91), some(7)
    both, squares, alone = (
        compute(session, picture, x, weight) for x, weight in ((targets, 1), ({}, 1), (targets, 0))
    )
    for together, first, second in zip(both, squares, alone, strict=True):
        assert relative_error(together, first + second) < 1e-5


def test_a_target_of_zeros_steers_nowhere(session) -> None:
    picture = image(1, 75, 91)
    zeros = {name: np.zeros((3, count)) for name, count in CHANNELS.items()}
    loss, gradient = compute(session, picture, zeros, 0)
    assert (loss == 0).all()
    assert (gradient == 0).all()
    for left_out, given in zip(
        compute(session, picture, {}, 1), compute(session, picture, zeros, 1), strict=True
    ):
        np.testing.assert_array_equal(left_out, given)


def test_energies_that_are_a_copy_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of one layer has them twice, and tf2onnx makes either of the two a copy of the other."""

    def copied_before(model: onnx.ModelProto, channels: dict[str, int]) -> None:
        energies = next(node for node in model.graph.node if "mixed0/energies" in node.output)
        energies.output[0] = "original"
        model.graph.node.append(onnx.helper.make_node("Identity", ["original"], ["mixed0/energies"]))
        add_targets(model, channels)

    monkeypatch.setattr("export.convert.add_targets", copied_before)
    convert(TINY, WEIGHTS)


def test_a_graph_of_another_form_is_refused(model: onnx.ModelProto) -> None:
    other = onnx.ModelProto()
    other.CopyFrom(model)
    for node in other.graph.node:
        if node.op_type == "AveragePool":
            node.op_type = "MaxPool"
    with pytest.raises(ConversionError, match="the loss of mixed0 is not where it was expected"):
        add_targets(other, CHANNELS)
