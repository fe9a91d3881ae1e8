"""A model is looked at before it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from engine.errors import WeightsError
from engine.weights.checking import check
from tests.engine.conftest import TINY

if TYPE_CHECKING:
    from collections.abc import Callable


def altered(change: Callable[[onnx.ModelProto], None]) -> bytes:
    model = onnx.load(TINY)
    change(model)
    return model.SerializeToString()


def each_kernel(factor: float) -> Callable[[onnx.ModelProto], None]:
    """Multiply all kernels."""

    def change(model: onnx.ModelProto) -> None:
        for tensor in model.graph.initializer:
            values = numpy_helper.to_array(tensor)
            if values.ndim == 4:
                with np.errstate(invalid="ignore"):  # infinitely many zeros
                    changed = values * np.float32(factor)
                tensor.CopyFrom(numpy_helper.from_array(changed, tensor.name))

    return change


def gradient_through(operation: str, *more: float) -> Callable[[onnx.ModelProto], None]:
    """Have the gradient go through one more operation."""

    def change(model: onnx.ModelProto) -> None:
        for node in model.graph.node:
            node.output[:] = ["before" if x == "gradient" else x for x in node.output]
        for number in more:
            model.graph.initializer.append(numpy_helper.from_array(np.float32(number), "more"))
        inputs = ["before", *(["more"] if more else [])]
        model.graph.node.append(onnx.helper.make_node(operation, inputs, ["gradient"]))

    return change


def test_a_right_model_passes() -> None:
    check(TINY.read_bytes(), "tiny")


@pytest.mark.parametrize("factor", [np.nan, np.inf, 1e30])
def test_weights_that_give_no_numbers_are_refused(factor: float) -> None:
    with pytest.raises(WeightsError, match="no number"):
        check(altered(each_kernel(factor)), "tiny")


def test_weights_that_see_nothing_are_refused() -> None:
    with pytest.raises(WeightsError, match="with these weights"):
        check(altered(each_kernel(0)), "tiny")


@pytest.mark.parametrize(
    "change",
    [gradient_through("Neg"), gradient_through("Mul", 1.2), gradient_through("Abs")],
    ids=["turned round", "too long", "of the wrong signs"],
)
def test_a_wrong_gradient_is_refused(change: Callable[[onnx.ModelProto], None]) -> None:
    with pytest.raises(WeightsError, match="the gradient of"):
        check(altered(change), "tiny")
