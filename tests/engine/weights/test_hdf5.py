"""Weights in HDF5, as Keras 2 and 3 lay them out, and files that are no good or mean harm."""

from __future__ import annotations

import sys
import zipfile
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from engine.errors import UsageError
from engine.weights import hdf5
from engine.weights.reading import open_weights
from tests.engine.weights.files import refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DRAW = np.random.default_rng(1)
NETWORK = {
    "conv2d": {"kernel": DRAW.normal(size=(3, 3, 3, 4)).astype(np.float32)},
    "batch_normalization": {
        name: DRAW.normal(size=4).astype(np.float32) for name in ("beta", "moving_mean", "moving_variance")
    },
    "conv2d_1": {"kernel": DRAW.normal(size=(1, 1, 4, 2)).astype(np.float32), "bias": np.ones(2, np.float32)},
}


def keras_2(file: Path, *, whole: bool = False, ending: str = ":0") -> Path:
    """The layout that Keras' `save_weights` had up to version 2, and `save` of a model to .h5 still has."""
    with h5py.File(file, "w") as root:
        group = root.create_group("model_weights") if whole else root
        names = ["input_1", *NETWORK]
        group.attrs["layer_names"] = [x.encode() for x in names]
        for layer in names:
            inner = group.create_group(layer)
            variables = NETWORK.get(layer, {})
            inner.attrs["weight_names"] = [f"{layer}/{x}{ending}".encode() for x in variables]
            for variable, values in variables.items():
                inner[f"{layer}/{variable}{ending}"] = values
    return file


def keras_3(file: Path, *, names: bool = True, prefix: str = "layers") -> Path:
    """The layout of `.weights.h5`: numbered variables, with true names in newer versions only."""
    with h5py.File(file, "w") as root:
        for layer, variables in NETWORK.items():
            group = root.create_group(f"{prefix}/{layer}/vars")
            if names:
                group.attrs["name"] = f"my_{layer}"
            for number, values in enumerate(variables.values()):
                group[str(number)] = values
        root.create_group("layers/input_layer/vars").attrs["name"] = "input_layer"
        root.create_group("optimizer/vars")["0"] = np.ones(3)
        root.create_group("vars")
    return file


def keras_1(file: Path) -> Path:
    """How the first networks were published: names without a group, in other words."""
    words = {"kernel": "W", "bias": "b", "beta": "beta", "moving_mean": "running_mean"}
    with h5py.File(file, "w") as root:
        root.attrs["layer_names"] = [x.encode() for x in NETWORK]
        for layer, variables in NETWORK.items():
            group = root.create_group(layer)
            named = {f"{layer}_{words.get(x, 'running_std')}_1:0": y for x, y in variables.items()}
            group.attrs["weight_names"] = [x.encode() for x in named]
            for name, values in named.items():
                group[name] = values
    return file


def archive(file: Path, method: int = zipfile.ZIP_STORED) -> Path:
    inner = keras_3(file.with_suffix(".h5"))
    with zipfile.ZipFile(file, "w", method) as made:
        made.writestr("config.json", '{"class_name": "Lambda", "config": {"function": "os.system"}}')
        made.write(inner, "model.weights.h5")
    return file


@pytest.mark.parametrize(
    "make",
    [
        keras_2,
        lambda file: keras_2(file, whole=True),
        lambda file: keras_2(file, ending=""),
        keras_1,
        lambda file: keras_3(file, names=False),
        lambda file: keras_3(file, names=False, prefix="_layer_checkpoint_dependencies"),
    ],
    ids=["keras 2", "a whole model", "keras 3 as keras 2", "keras 1", "keras 3", "tf.keras 2.13"],
)
def test_every_layout_gives_all_values(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    with open_weights(make(tmp_path / "some.h5")) as weights:
        assert set(weights.layers) == set(NETWORK)
        for layer, variables in NETWORK.items():
            for variable, values in variables.items():
                found = weights.tensor(layer, variable)
                assert found is not None
                np.testing.assert_array_equal(found, values)
            assert weights.tensor(layer, "gamma") is None
        assert weights.source.startswith("some.h5 sha256:")


def test_true_names_are_preferred_to_numbers(tmp_path: Path) -> None:
    with open_weights(keras_3(tmp_path / "a.weights.h5")) as weights:
        assert not weights.numbered
        assert set(weights.layers) == {f"my_{x}" for x in NETWORK}
    with open_weights(keras_3(tmp_path / "b.weights.h5", names=False)) as weights:
        assert weights.numbered


def test_layers_are_counted_as_numbers(tmp_path: Path) -> None:
    """HDF5 lists names by the alphabet, in which 10 comes before 2."""
    with h5py.File(tmp_path / "a.h5", "w") as root:
        for name in ("conv2d_10", "conv2d_2", "conv2d"):
            root[f"layers/{name}/vars/0"] = np.zeros((1, 1, 1, 1))
    with open_weights(tmp_path / "a.h5") as weights:
        assert weights.layers == ("conv2d", "conv2d_2", "conv2d_10")


def test_long_lists_of_names_are_split(tmp_path: Path) -> None:
    with h5py.File(keras_2(tmp_path / "a.h5"), "a") as root:
        names = list(root.attrs["layer_names"])
        del root.attrs["layer_names"]
        root.attrs["layer_names0"], root.attrs["layer_names1"] = names[:2], names[2:]
    with open_weights(tmp_path / "a.h5") as weights:
        assert weights.layers == tuple(NETWORK)


def test_a_network_inside_a_network_has_its_own_layers(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as root:
        root.attrs["layer_names"] = [b"inception_v3"]
        group = root.create_group("inception_v3")
        names = ["inception_v3/conv2d/kernel:0", "inception_v3/conv2d_1/kernel:0"]
        group.attrs["weight_names"] = names
        for name in names:
            group[name] = np.zeros((1, 1, 1, 1))
    with open_weights(tmp_path / "a.h5") as weights:
        assert weights.layers == ("conv2d", "conv2d_1")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_of_keras_gives_its_arrays_and_runs_nothing(tmp_path: Path, method: int) -> None:
    with open_weights(archive(tmp_path / "a.keras", method)) as weights:
        np.testing.assert_array_equal(weights.tensor("my_conv2d", "kernel"), NETWORK["conv2d"]["kernel"])


def test_what_a_file_begins_with_decides(tmp_path: Path) -> None:
    with open_weights(keras_2(tmp_path / "a.txt")) as weights:
        assert weights.layers


@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.9, 0.999])
def test_a_file_that_breaks_off_is_refused(tmp_path: Path, share: float) -> None:
    for file in (keras_2(tmp_path / "a.h5"), archive(tmp_path / "a.keras")):
        content = file.read_bytes()
        file.write_bytes(content[: int(share * len(content))])
        assert "\n" not in refusal(file)


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a" * 100, b"\x89HDF\r\n\x1a\n" + bytes(5000), b"PK\x03\x04" * 99]
)
def test_what_is_no_weights_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.h5").write_bytes(content)
    refusal(tmp_path / "a.h5")


def test_no_link_leads_out_of_the_file(tmp_path: Path) -> None:
    keras_2(tmp_path / "secret.h5")
    for number, link in enumerate([h5py.ExternalLink("secret.h5", "/conv2d"), h5py.SoftLink("/conv2d_1")]):
        with h5py.File(keras_2(tmp_path / f"{number}.h5"), "a") as root:
            del root["conv2d"]
            root["conv2d"] = link
        assert "conv2d is a link" in refusal(tmp_path / f"{number}.h5")
    with h5py.File(tmp_path / "three.weights.h5", "w") as root:
        root["layers"] = h5py.ExternalLink("secret.h5", "/")
    assert "layers is a link" in refusal(tmp_path / "three.weights.h5")


def test_no_array_takes_its_values_from_another_file(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(16))
    with h5py.File(tmp_path / "a.h5", "w") as root:
        root.create_dataset("layers/dense/vars/0", (4,), "f4", external=[(str(tmp_path / "raw"), 0, 16)])
    assert "another file" in refusal(tmp_path / "a.h5")
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(tmp_path / "a.h5", "layers/dense/vars/0", (4,))
    with h5py.File(tmp_path / "b.h5", "w") as root:
        root.create_virtual_dataset("layers/dense/vars/0", layout)
    assert "another file" in refusal(tmp_path / "b.h5")


def test_no_array_is_larger_than_its_file_can_hold(tmp_path: Path) -> None:
    """Zeros pack well: some kB of a file would fill all memory."""
    with h5py.File(tmp_path / "a.h5", "w") as root:
        root.create_dataset("layers/dense/vars/0", (1 << 36,), "f4", chunks=(1 << 20,), compression="gzip")
    assert "claims" in refusal(tmp_path / "a.h5")


def test_a_zip_file_is_not_unpacked_beyond_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.weights.archives.LARGEST", 1 << 20)
    with zipfile.ZipFile(tmp_path / "a.keras", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("model.weights.h5", bytes(1 << 21))
    assert "claims" in refusal(tmp_path / "a.keras")


def test_groups_in_a_circle_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as root:
        group = root.create_group("layers/a")
        group["again"] = root["layers"]
    assert "too deep" in refusal(tmp_path / "a.h5")


def test_many_groups_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "MOST", 20)
    with h5py.File(tmp_path / "a.h5", "w") as root:
        for number in range(30):
            root.create_group(f"layers/{number}")
    assert "too many" in refusal(tmp_path / "a.h5")


@pytest.mark.parametrize("values", [np.array([b"text"] * 4), np.arange(4), np.array([1j] * 4)])
def test_only_floating_point_is_taken(tmp_path: Path, values: np.ndarray) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as root:
        root["layers/dense/vars/0"] = values
    assert "floating point" in refusal(tmp_path / "a.h5")


def test_half_and_double_precision_keep_their_values(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as root:
        for name, kind in (("a", "<f2"), ("b", ">f4"), ("c", "<f8")):
            root[f"layers/{name}/vars/0"] = np.array([0.5, -2.0], kind)
    with open_weights(tmp_path / "a.h5") as weights:
        for name in weights.layers:
            found = weights.tensor(name, "kernel")
            assert found is not None
            assert found.dtype in (np.float32, np.float64)
            assert found.tolist() == [0.5, -2.0]


def test_names_that_would_do_harm_in_a_terminal_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as root:
        root.attrs["layer_names"] = [b"\x1b[2J"]
    assert "\x1b" not in refusal(tmp_path / "a.h5")


def test_a_listed_tensor_that_is_not_there_is_named(tmp_path: Path) -> None:
    with h5py.File(keras_2(tmp_path / "a.h5"), "a") as root:
        del root["conv2d_1/conv2d_1/bias:0"]
    assert "conv2d_1/bias:0" in refusal(tmp_path / "a.h5")


def test_without_h5py_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = keras_2(tmp_path / "a.h5")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UsageError, match=r"\[weights\]") as refused, open_weights(file):
        pass
    assert "deepdream-onnx[weights]" in refused.value.hint


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    refusal(tmp_path)
    assert "there is no weights file" in refusal(tmp_path / "없음.h5")
