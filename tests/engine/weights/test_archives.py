"""This project's .npz of 8 bits."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine.weights.reading import open_weights
from tests.engine.weights.files import refusal

ROOT = Path(__file__).parents[3]
OURS = ROOT / "export" / "weights" / "inception_v3_imagenet_mixed5_uint8.npz"


def test_our_own_weights_are_read_as_the_export_reads_them() -> None:
    from export.weights import npz_weights

    # A few of the fifty, for they take a while.
    with open_weights(OURS) as weights:
        assert weights.layers[:2] == ("batch_normalization_1", "conv2d_1")
        assert len(weights.layers) == 100
        for number, conv in enumerate(npz_weights(OURS).convolutions[:12], 1):
            np.testing.assert_array_equal(weights.tensor(f"conv2d_{number}", "kernel"), conv.values)
            norm = f"batch_normalization_{number}"
            for variable, values in (
                ("beta", conv.beta),
                ("moving_mean", conv.mean),
                ("moving_variance", conv.variance),
            ):
                np.testing.assert_array_equal(weights.tensor(norm, variable), values)
            assert weights.tensor(norm, "gamma") is None


class Harm:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("harm-was-done"),)


def test_a_pickle_is_never_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "a.npz", **{"conv2d_1/kernel": np.array([Harm()], object)})
    refusal(tmp_path / "a.npz")
    assert not (tmp_path / "harm-was-done").exists()


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"conv2d_1/beta": np.zeros(3)},
        {"conv2d_1/kernel": np.zeros((1, 1, 1, 1), np.uint8)},
        {"conv2d_1/kernel": np.zeros((1, 1, 1, 1), np.int64), "conv2d_1/kernel.scale": np.float64(1)},
    ],
)
def test_what_is_no_file_of_weights_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    refusal(tmp_path / "a.npz")


def test_an_array_that_claims_more_than_there_is_is_refused(tmp_path: Path) -> None:
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999,), }"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as made:
        made.writestr("conv2d_1/kernel.npy", header.ljust(127) + b"\n")
    refusal(tmp_path / "a.npz")


def test_a_file_that_breaks_off_is_refused(tmp_path: Path) -> None:
    content = OURS.read_bytes()
    for share in (0.01, 0.5, 0.99):
        (tmp_path / "a.npz").write_bytes(content[: int(len(content) * share)])
        refusal(tmp_path / "a.npz")
