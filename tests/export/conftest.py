"""Every test in this folder needs the [export] extra."""

from __future__ import annotations

import importlib.util
import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

MISSING = [name for name in ("tensorflow", "tf2onnx", "onnx") if importlib.util.find_spec(name) is None]

collect_ignore_glob = ["test_*.py"] if MISSING else []


def pytest_report_header() -> str | None:
    return f"tests/export left out: without {', '.join(MISSING)} (the [export] extra)" if MISSING else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/export/" in item.path.as_posix():
            item.add_marker(pytest.mark.export)
            item.add_marker(pytest.mark.slow)
    # Whole exports take longest: those that work side by side begin with them, and end at the same time.
    items.sort(key=lambda item: not item.path.name.startswith("test_whole_"))
