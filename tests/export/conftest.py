"""Every test in this folder needs the [export] extra."""

from __future__ import annotations

import importlib.util
import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

MISSING = [name for name in ("tensorflow", "tf2onnx", "onnx") if importlib.util.find_spec(name) is None]

SHARING = {"test_ascent_step.py", "test_convert.py", "test_tiny_model.py"}
"""Modules whose tests share what takes long to make: where tests are shared out, they stay together."""

collect_ignore_glob = ["test_*.py"] if MISSING else []


def pytest_report_header() -> str | None:
    return f"tests/export left out: without {', '.join(MISSING)} (the [export] extra)" if MISSING else None


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist, which looks for the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/export/" in item.path.as_posix():
            item.add_marker(pytest.mark.export)
            item.add_marker(pytest.mark.slow)
            if item.path.name in SHARING:
                item.add_marker(pytest.mark.xdist_group(item.path.name))
