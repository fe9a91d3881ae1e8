"""What the extra `[video]` brings, loaded when it is needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from engine.errors import UsageError


def pyav() -> Any:
    """Return PyAV; raise UsageError, with a hint how to install it, if it is missing."""
    return _load("av", "PyAV")


def opencv() -> Any:
    """Return OpenCV, as `pyav` returns PyAV."""
    return _load("cv2", "OpenCV")


def _load(module: str, name: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise UsageError(
            f"this needs {name}, which cannot be loaded: {error}",
            hint='pip install "deepdream-onnx[video]"; zoom and --animate make .gif and .webp without it',
        ) from error
