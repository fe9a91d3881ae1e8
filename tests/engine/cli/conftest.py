"""A network whose template makes the tests' small model, with a server that has its weights."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

import engine
from engine.errors import UsageError, WeightsError
from engine.settings import models
from engine.weights import making, templates
from engine.weights.instructions import Instructions, Published
from tests.engine.conftest import TINY
from tests.engine.weights.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.weights.protocol import Weights
    from tests.engine.weights.server import Served


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that is nobody's, with a Korean name; returns the folder of models in it."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "APPDATA", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "집"))
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    inner = ("Library", "Application Support") if sys.platform == "darwin" else ()
    return tmp_path.joinpath("집", *inner, "deepdream", "models")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "weights.h5", "w") as root:
        root["layers/conv2d/vars/0"] = np.ones((1, 1, 1, 1), np.float32)
    return tmp_path / "weights.h5"


@pytest.fixture
def served(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The network `small`, whose weights are published."""
    content = weights.read_bytes()
    layers = engine.load_model(TINY, device="cpu").metadata.layers
    with serving(content) as found:
        digest = f"md5:{hashlib.md5(content).hexdigest()}"  # noqa: S324 - what Keras publishes
        published = Published(found.address, digest, "Apache-2.0")
        template = templates.Template("small", b"", layers, Instructions((), {}, (), (), published))

        def read(network: str) -> templates.Template:
            if network != "small":
                raise UsageError(f"there is no network {network!r}")
            return template

        def fill(_: bytes, weights: Weights, until: str | None = None, *, half: bool = False) -> bytes:
            if weights.tensor("conv2d", "kernel") is None:
                raise WeightsError("the tensor conv2d/kernel is missing")
            return TINY.read_bytes()

        monkeypatch.setattr(templates, "networks", lambda: ("small",))
        monkeypatch.setattr(models, "obtainable", lambda: ["small"])
        for module in (templates, making):
            monkeypatch.setattr(module, "read_template", read)
        monkeypatch.setattr(making, "fill", fill)
        monkeypatch.setattr(making, "check", lambda *_: None)  # which takes a while; see test_checking.py
        yield found
