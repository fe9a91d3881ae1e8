"""The libraries of the extra `[video]`, loaded when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from engine.errors import UsageError


def pyav() -> Any:
    """Return PyAV; raise UsageError, which says how to install it, if it cannot be loaded."""
    return _load("av", "PyAV")


def opencv() -> Any:
    """Return OpenCV; raise UsageError, which says how to install it, if it cannot be loaded."""
    return _load("cv2", "OpenCV")


def _load(module: str, name: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise UsageError(
            f"this needs {name}, which cannot be loaded: {error}",
            hint='pip install "deepdream-onnx[video]"; '
            "without it, zoom and --animate can still make .gif and .webp files",
        ) from error
