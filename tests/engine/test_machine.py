"""Free memory where there is no /proc: asked of psutil, and unknown without it."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from engine import machine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer without Linux's files."""
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    monkeypatch.setattr(machine.sys, "platform", "darwin")


@pytest.mark.usefixtures("elsewhere")
def test_psutil_tells_the_free_memory_off_linux(monkeypatch) -> None:
    fake = SimpleNamespace(
        virtual_memory=lambda: SimpleNamespace(available=3_000_000_000, total=8_000_000_000)
    )
    monkeypatch.setitem(sys.modules, "psutil", fake)
    assert machine.available_memory() == 3_000_000_000


@pytest.mark.usefixtures("elsewhere")
def test_without_psutil_the_free_memory_is_unknown(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert machine.available_memory() is None


def test_the_real_psutil(request: pytest.FixtureRequest) -> None:
    psutil = pytest.importorskip("psutil")  # looks at the platform when it is imported
    request.getfixturevalue("elsewhere")
    assert 0 < machine.available_memory() <= psutil.virtual_memory().total


def test_linux_does_without_psutil(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemAvailable: 1000 kB\n")
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setattr(machine, "import_module", lambda name: pytest.fail(f"imported {name}"))
    assert machine.available_memory() == 1_024_000


@pytest.mark.usefixtures("elsewhere")
def test_a_frame_too_large_for_memory_is_refused_off_linux_too(monkeypatch) -> None:
    from engine.ascent import memory
    from engine.errors import ImageError

    fake = SimpleNamespace(virtual_memory=lambda: SimpleNamespace(available=10**9))
    monkeypatch.setitem(sys.modules, "psutil", fake)
    with pytest.raises(ImageError, match=r"1\.0 GB"):
        memory.check_frame((10000, 10000), 16)
