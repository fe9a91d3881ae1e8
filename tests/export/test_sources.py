"""Weights from every source, intact and broken."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest

from export import reference
from export.architecture import inception_v3
from export.errors import WeightsError
from export.sources import load

NETWORK = inception_v3()
NPZ = Path(__file__).parents[2] / "export/weights/inception_v3_imagenet_mixed5_uint8.npz"


def test_npz() -> None:
    weights = load(str(NPZ), NETWORK)
    assert weights.deepest(NETWORK) == "mixed5"
    assert "b440648f67e5" in weights.source
    fitted = weights.fit(NETWORK.until("mixed5"))
    assert all(conv.kernel.dtype == np.uint8 for conv in fitted.convolutions)
    with np.load(NPZ) as archive:
        name = "conv2d_7/kernel"
        wanted = archive[name] * float(archive[f"{name}.scale"]) + float(archive[f"{name}.min"])
    np.testing.assert_array_equal(fitted.convolutions[6].values, wanted)


def test_random_weights_repeat() -> None:
    first, again, other = (load(f"random:{seed}", NETWORK) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.convolutions[40].kernel, again.convolutions[40].kernel)
    assert not np.array_equal(first.convolutions[40].kernel, other.convolutions[40].kernel)
    assert first.deepest(NETWORK) == "mixed10"


@cache
def network(include_top: bool) -> keras.Model:
    keras.utils.set_random_seed(3)
    model = reference.build(include_top=include_top)
    for conv, norm in reference.convolutions(model):
        norm.set_weights(
            [np.random.default_rng(len(conv.name)).uniform(0.5, 1, w.shape) for w in norm.get_weights()]
        )
    return model


@pytest.mark.parametrize(
    ("name", "include_top"),
    [("w.weights.h5", False), ("whole.keras", False), ("whole.h5", False), ("w.weights.h5", True)],
)
def test_keras_files(tmp_path: Path, name: str, include_top: bool) -> None:
    model = network(include_top)
    path = tmp_path / name
    if name.startswith("whole"):
        model.save(path)
    else:
        model.save_weights(path)
    weights = load(str(path), NETWORK).fit(NETWORK)
    for (conv, norm), found in zip(reference.convolutions(model), weights.convolutions, strict=True):
        np.testing.assert_array_equal(found.kernel, conv.get_weights()[0])
        np.testing.assert_array_equal(found.variance, norm.get_weights()[2])


def test_weights_of_another_network(tmp_path: Path) -> None:
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs))
    path = tmp_path / "other.weights.h5"
    model.save_weights(path)
    with pytest.raises(WeightsError, match="does not hold weights"):
        load(str(path), NETWORK)


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Exception("URL fetch failure: [Errno -3] Temporary failure in name resolution")

    monkeypatch.setattr(keras.utils, "get_file", refuse)
    monkeypatch.setattr("keras.src.applications.inception_v3.file_utils.get_file", refuse)
    with pytest.raises(WeightsError, match="can't be downloaded") as caught:
        load("imagenet", NETWORK)
    assert ".npz" in caught.value.hint
    assert ".h5" in caught.value.hint


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere.npz", "no weights file"),
        ("random:", "not a valid seed"),
        ("random:x", "not a valid seed"),
        ("imagnet", "no weights file"),
    ],
)
def test_invalid_sources(source: str, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        load(source, NETWORK)


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".keras", ".txt"])
@pytest.mark.parametrize("content", [b"", b"not weights at all"])
def test_broken_files(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError):
        load(str(path), NETWORK)


def test_npz_with_pickles_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pickle.npz"
    np.savez(path, **{"conv2d_1/kernel": np.array([{}], dtype=object)})
    with pytest.raises(WeightsError, match="can't be read"):
        load(str(path), NETWORK)


def test_npz_that_lacks_a_tensor(tmp_path: Path) -> None:
    path = tmp_path / "lacking.npz"
    np.savez(path, **{"conv2d_1/kernel": np.zeros((3, 3, 3, 32), np.uint8)})
    with pytest.raises(WeightsError, match="lacks the tensor"):
        load(str(path), NETWORK)


def test_too_few_convolutions_names_the_deepest_layer() -> None:
    weights = load(str(NPZ), NETWORK)
    with pytest.raises(WeightsError) as caught:
        weights.fit(NETWORK.until("mixed6"))
    assert "mixed5" in caught.value.hint


def test_other_shapes_are_refused() -> None:
    weights = load("random:1", NETWORK)
    swapped = type(weights)(weights.convolutions[::-1], "swapped")
    with pytest.raises(WeightsError, match="convolution 1 "):
        swapped.fit(NETWORK.until("mixed0"))
