from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from engine.ascent.ascent import ascend, climb
from engine.cli import main as cli
from engine.network import ort
from engine.network.model import load_model
from tests.engine.network.fake_runtime import FakeRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.ascent.ascent import Gradient
    from engine.ascent.step import Step
    from engine.network.model import DreamModel
    from engine.settings.config import DreamConfig

TINY = Path(__file__).parents[1] / "data" / "tiny.onnx"
EMBEDDED = Path(__file__).parents[2] / "engine/models/inception_v3_mixed5.onnx"
QUICK = ["--model", str(TINY), "--layers", "mixed0,mixed1", "--iterations", "2"]


@pytest.fixture(scope="session")
def tiny() -> DreamModel:
    return load_model(TINY, device="cpu", threads=1)


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeRuntime]:
    """Put a runtime that pretends to have a GPU in ONNX Runtime's place."""

    def install(**how: object) -> FakeRuntime:
        fake = FakeRuntime(**how)
        monkeypatch.setattr(ort, "load", lambda: fake)
        return fake

    return install


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of 40x30 pixels with something to see in it."""
    path = tmp_path / "photo.png"
    noise(30, 40).save(path)
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB of its own; skips the test where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
    if not (mount and unmount) or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run([unmount, "--lazy", folder], check=True)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process; return exit code, stdout and stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        code = cli.main([str(x) for x in words])
        return code, *capfd.readouterr()

    return run


def gradient_of(model: DreamModel, layers: dict[str, float]) -> Gradient:
    """The gradient of a whole picture, computed by the model file as it is."""
    weights = model.channel_weights(layers)

    def gradient(image: np.ndarray) -> tuple[float, np.ndarray]:
        loss, slope = model(image, weights)
        return float(loss), slope

    return gradient


def climbed(
    picture: np.ndarray, gradient: Gradient, config: DreamConfig, *, min_size: int = 1
) -> Iterator[Step]:
    """The steps of an ascent by a gradient, and nothing around it."""
    return ascend(picture, lambda image: climb(image[:], gradient, config), config, min_size=min_size)


def noise(height: int, width: int, mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 4), np.uint8)
    return Image.fromarray(values).convert(mode)


def as_file(image: Image.Image, form: str, **options: object) -> io.BytesIO:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    buffer.seek(0)
    return buffer


def copies(photo: Path, *names: str) -> list[Path]:
    return [Path(shutil.copy(photo, photo.with_name(name))) for name in names]
