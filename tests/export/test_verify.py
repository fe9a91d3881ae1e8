"""The verification accepts what is right and refuses what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from export import cli, verify
from export.architecture import inception_v3
from export.cases import Case, make_cases
from export.convert import convert
from export.errors import ConversionError, VerificationError
from export.weights import Weights, random_weights

from .tiny import TINY, truth

rng = np.random.default_rng(12)
WEIGHTS = random_weights("4", TINY)
CASES = [
    Case(
        f"picture {i}",
        rng.uniform(-1, 1, (1, 45, 50, 3)).astype(np.float32),
        "all",
        np.ones(sum(TINY.channels().values()), np.float32),
    )
    for i in range(3)
]


def in_float32(image: Any, weights: Any, /) -> Any:
    return truth(WEIGHTS, image, weights, "float32")


def in_float64(image: Any, weights: Any, /) -> Any:
    return truth(WEIGHTS, image, weights)


def judge(compute: verify.Compute) -> None:
    verify.judge(list(verify.measure(CASES, compute, in_float32, in_float64)))


def spoil(model: onnx.ModelProto, op: str) -> bytes:
    """Make one of the gradient's ops compute something wrong."""
    nodes = [node for node in model.graph.node if node.op_type == op]
    assert nodes
    for node in nodes:
        for attribute in node.attribute:
            if attribute.name == "alpha":
                attribute.f = 0.3
            if attribute.name == "reduction":
                attribute.s = b"none"
    return model.SerializeToString()


def test_a_right_model_passes() -> None:
    judge(verify.ort_compute(convert(TINY, WEIGHTS).SerializeToString()))


@pytest.mark.parametrize("op", ["HardSigmoid", "ScatterElements"])
def test_a_wrong_gradient_is_refused(op: str) -> None:
    with pytest.raises(VerificationError, match="gradient"):
        judge(verify.ort_compute(spoil(convert(TINY, WEIGHTS), op)))


@pytest.mark.parametrize(
    "change",
    [
        lambda loss, gradient, energies: (loss * 1.0001, gradient, energies),
        lambda loss, gradient, energies: (loss, gradient, energies[:, ::-1]),
        lambda loss, gradient, energies: (loss, gradient * 1.001, energies),
        lambda loss, gradient, energies: (loss, gradient * np.nan, energies),
        lambda loss, gradient, energies: (loss * np.nan, gradient, energies),
        lambda loss, gradient, energies: (loss, gradient[:, :-1], energies),
    ],
    ids=["loss", "energies", "scale", "nan gradient", "nan loss", "shape"],
)
def test_wrong_numbers_are_refused(change: Any) -> None:
    with pytest.raises(VerificationError):
        judge(lambda image, weights, /: change(*in_float32(image, weights)))


def test_what_does_not_open_is_refused() -> None:
    with pytest.raises(ConversionError, match="ONNX Runtime refuses"):
        verify.ort_compute(b"not a model")


def test_cases_cover_photographs_noise_and_flat_areas() -> None:
    cases = make_cases(inception_v3().until("mixed5"))
    names = {case.picture for case in cases}
    assert len(names) >= 8
    assert {"cat", "sky", "noise", "grey card"} <= names
    assert any(case.image.shape[0] > 1 for case in cases)
    assert any(side % 2 for case in cases for side in case.image.shape[1:3])
    smallest = inception_v3().min_size(2)
    deep = make_cases(inception_v3())
    assert all(min(case.image.shape[1:3]) >= smallest for case in deep)


def test_a_failed_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    def refuse(*_: object) -> None:
        raise VerificationError("the model does not compute what TensorFlow does")

    monkeypatch.setattr(cli, "_verify", refuse)
    output = tmp_path / "model.onnx"
    code = cli.main(["--weights", "random:1", "--until", "mixed0", "--output", str(output)])
    assert code == VerificationError.exit_code
    assert list(tmp_path.iterdir()) == []
    assert "does not compute what TensorFlow does" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--weights", "nowhere.npz", "--output", "{tmp}/m.onnx"], 3, "no weights file"),
        (["--weights", "random:1", "--output", "{tmp}"], 1, "is a folder"),
        (["--weights", "random:1", "--output", "{tmp}/no/m.onnx"], 1, "no folder"),
    ],
)
def test_user_errors(tmp_path: Path, capfd: Any, arguments: list[str], code: int, message: str) -> None:
    filled = [part.format(tmp=tmp_path) for part in arguments]
    assert cli.main(filled) == code
    assert message in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_layer_is_a_usage_error(capfd: Any) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["--weights", "random:1", "--until", "mixed11", "--output", "m.onnx"])
    assert "mixed11" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--template", "--weights", "random:1"], "--template takes --network and --output only"),
        (["--template", "--until", "mixed2"], "--template takes --network and --output only"),
        (["--template", "--network", "vgg"], "invalid choice"),
        (["--output", "m.onnx"], "required: --weights"),
        (["--weights", "random:1"], "--output"),
    ],
)
def test_options_that_do_not_go_together(arguments: list[str], message: str, capfd: Any) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    assert message in capfd.readouterr().err


@pytest.mark.parametrize("right", [True, False])
def test_a_template_is_verified_with_several_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: bool
) -> None:
    seen = []

    def verify(_model: bytes, _architecture: object, weights: Weights) -> None:
        seen.append(weights.source)
        if not right and len(seen) == 2:
            raise VerificationError("the model does not compute what TensorFlow does")

    monkeypatch.setitem(cli.NETWORKS, "inception_v3", lambda: TINY)
    monkeypatch.setattr(cli, "_verify", verify)
    output = tmp_path / "tiny.onnx.gz"
    code = cli.main(["--template", "--output", str(output)])
    assert code == (0 if right else VerificationError.exit_code)
    assert len(set(seen)) == (3 if right else 2)
    assert [x.name for x in tmp_path.iterdir()] == (["tiny.onnx.gz"] if right else [])
