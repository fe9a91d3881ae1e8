"""What was measured decides what `auto` takes, and a file that is not as it was written decides nothing."""

from __future__ import annotations

import json
import os
from importlib import metadata

import pytest

from engine import machine
from engine.network import measured
from engine.network.opening import open_session
from tests.engine.network.test_webgpu import CARD, CONTENT
from tests.engine.network.test_webgpu import offered as offered  # noqa: PLC0414 - a fixture

DEVICE = f"webgpu: {CARD.name}"
RUNTIME = "9.9"
"""What the pretended runtime says that it is."""


@pytest.fixture(autouse=True)
def kept(monkeypatch, tmp_path):
    """Keep measurements in a folder of the test's own; return the file."""
    monkeypatch.setattr(machine, "caches", lambda: tmp_path / "caches")
    return measured.file()


def opened(device: str, threads: int = 1) -> str:
    return open_session(CONTENT, device, threads).device


def test_auto_takes_the_cpu_where_it_was_measured_faster(offered) -> None:
    offered(CARD)
    assert opened("auto") == DEVICE
    measured.keep(DEVICE, RUNTIME, 1, gpu_seconds=0.9, cpu_seconds=0.4)
    session = open_session(CONTENT, "auto", 1)
    assert (session.device, session.fallback) == ("cpu", "")  # which is no failure that a dream tells of
    assert opened("webgpu") == DEVICE
    assert measured.slower(DEVICE, RUNTIME, 1) == f"measured faster, 400 ms a step, than {DEVICE}, 900 ms"
    measured.keep(DEVICE, RUNTIME, 1, gpu_seconds=0.3, cpu_seconds=0.4)
    assert opened("auto") == DEVICE


def test_it_opens_nothing_on_a_gpu_that_it_does_not_take(offered) -> None:
    fake = offered(CARD)
    measured.keep(DEVICE, RUNTIME, 1, gpu_seconds=0.9, cpu_seconds=0.4)
    open_session(CONTENT, "auto", 1).open()
    assert fake.asked == ["CPUExecutionProvider"]


def test_cuda_is_taken_all_the_same(offered) -> None:
    offered(CARD, cuda=True)
    measured.keep(DEVICE, RUNTIME, 1, gpu_seconds=0.9, cpu_seconds=0.4)
    assert opened("auto") == "cuda:0"


@pytest.mark.parametrize(
    "other",
    [{"device": "webgpu: another card"}, {"runtime": "9.8"}, {"threads": 2}],
    ids=lambda x: next(iter(x)),
)
def test_it_counts_for_what_was_measured_alone(offered, other) -> None:
    offered(CARD)
    measured.keep(
        **{"device": DEVICE, "runtime": RUNTIME, "threads": 1, **other}, gpu_seconds=9.0, cpu_seconds=0.1
    )
    assert opened("auto") == DEVICE


def test_a_new_plug_in_is_to_be_measured_anew(offered, monkeypatch) -> None:
    offered(CARD)
    monkeypatch.setattr(metadata, "version", lambda _: "0.4.0")
    measured.keep(DEVICE, RUNTIME, 1, gpu_seconds=0.9, cpu_seconds=0.4)
    assert opened("auto") == "cpu"
    monkeypatch.setattr(metadata, "version", lambda _: "0.5.0")
    assert opened("auto") == DEVICE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[" * 10_000,
        b'{"device": ',
        b"{}",
        {"cpu_seconds": "0.1"},
        {"cpu_seconds": -1.0},
        {"cpu_seconds": 0.0},
        {"threads": True},
        {"more": 1},
        {"device": "x" * 100_000},
    ],
    ids=range(12),
)
def test_a_file_that_holds_anything_else_says_nothing(offered, kept, content) -> None:
    offered(CARD)
    measured.keep(DEVICE, RUNTIME, 1, gpu_seconds=9.0, cpu_seconds=0.1)
    assert opened("auto") == "cpu"
    if isinstance(content, dict):
        content = json.dumps(json.loads(kept.read_text()) | content).encode()
    kept.write_bytes(content)
    assert opened("auto") == DEVICE


@pytest.mark.parametrize("kind", ["folder", "fifo", "loop"])
def test_what_is_no_file_is_not_waited_for(offered, kept, kind) -> None:
    offered(CARD)
    kept.parent.mkdir(parents=True)
    {"folder": kept.mkdir, "fifo": lambda: os.mkfifo(kept), "loop": lambda: kept.symlink_to(kept)}[kind]()
    assert opened("auto") == DEVICE


def test_without_a_home_nothing_is_known_and_keeping_says_why(offered, monkeypatch) -> None:
    def homeless() -> None:
        raise RuntimeError("Could not determine home directory.")

    offered(CARD)
    monkeypatch.setattr(machine, "caches", homeless)
    assert opened("auto") == DEVICE
    with pytest.raises(OSError, match="no home"):
        measured.keep(DEVICE, RUNTIME, 1, 1.0, 1.0)
