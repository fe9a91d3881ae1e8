"""`deepdream pipe` in this process: what it takes, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine import machine
from engine.cli import main as cli
from engine.errors import Cancelled
from engine.pipe import mailbox, wire
from tests.engine.conftest import QUICK, TINY
from tests.engine.pipe.frames import FRAMES, RGB, dreamed, events_of, frame, frames_of
from tests.engine.pipe.test_wire import HOSTILE, as_frame

ROOT = Path(__file__).parents[3]


@pytest.fixture
def serve(
    tmp_path: Path, monkeypatch, capfdbinary
) -> Callable[..., tuple[int, list[np.ndarray], list[dict]]]:
    """Run the command with some bytes as standard input; return exit code, frames and events."""

    def serve(content: bytes, *words: str) -> tuple[int, list[np.ndarray], list[dict]]:
        path = tmp_path / "stdin"
        path.write_bytes(content)
        with path.open() as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            code = cli.main(["pipe", "--progress", "json", *QUICK, "--preset", "keras", *words])
        out, err = capfdbinary.readouterr()
        return code, frames_of(out), events_of(err)

    return serve


@pytest.mark.slow
def test_every_kind_of_frame_in_a_row(serve, tiny) -> None:
    code, answers, events = serve(b"".join(map(as_frame, FRAMES)))
    assert code == 0
    assert [x["event"] for x in events] == ["start", *[*["step"] * 6, "done"] * len(FRAMES)]
    assert {"protocol": 1, "device": "cpu", "model": str(TINY)}.items() <= events[0].items()
    for number, (picture, answer) in enumerate(zip(FRAMES, answers, strict=True), 1):
        mine = [x for x in events if x.get("image") == str(number)]
        assert mine[-1].items() >= {"event": "done", "output": "-"}.items()
        assert mine[-2]["fraction"] == 1
        assert mine[-2]["shape"] == list(picture.shape[:2])
        expected = dreamed(picture, tiny).astype(float)
        tolerance = 1 if picture.dtype == np.uint8 else 1e-3  # other threads, other sums
        assert np.abs(answer - expected).max() <= tolerance


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_frame_is_answered_by_exit_code_6_alone(serve, name: str) -> None:
    code, answers, events = serve(HOSTILE[name])
    assert (code, answers) == (6, [])
    assert [x["event"] for x in events] == ["start", "error"]
    assert events[-1]["exit_code"] == 6


def test_a_bad_frame_does_not_take_the_one_before_along(serve) -> None:
    code, answers, events = serve(as_frame(RGB) + HOSTILE["objects"] + as_frame(RGB))
    assert (code, len(answers)) == (6, 1)
    assert [x["event"] for x in events][-2:] == ["done", "error"]


def test_no_frame_at_all(serve) -> None:
    for words in ([], ["--abort-on-eof"]):
        code, answers, events = serve(b"", *words)
        assert (code, answers) == (6, [])
        assert "no frame" in events[-1]["message"]


def test_a_picture_too_small_for_the_model(serve) -> None:
    code, answers, events = serve(as_frame(frame("<f4", 1, 10, 40)))
    assert (code, answers) == (3, [])
    assert "at least 11" in events[-1]["message"]


def test_a_picture_too_large_for_memory_is_refused_before_room_is_made(serve, monkeypatch) -> None:
    monkeypatch.setattr(machine, "available_memory", lambda: 10**9)
    monkeypatch.setattr(wire, "read_pixels", lambda *_: pytest.fail("read"))
    code, answers, events = serve(bytes(wire.Header("<f4", (10000, 10000, 4))))
    assert (code, answers) == (3, [])
    assert "GB" in events[-1]["message"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["photo.png"], 2),
        (["--octaves", "99"], 2),
        (["--layers", "mixd0"], 2),
        (["--abort-on-eo"], 2),
        (["--model", "none.onnx"], 4),
        (["--device", "cuda"], 5),
    ],
)
def test_errors_before_the_first_frame(serve, words: list[str], code: int) -> None:
    got, answers, events = serve(as_frame(RGB), *words)
    assert (got, answers) == (code, [])
    assert events[-1]["exit_code"] == code


def test_a_terminal_is_no_program(serve, monkeypatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    code, _, events = serve(as_frame(RGB))
    assert code == 2
    assert "terminal" in events[-1]["message"]


def test_help_tells_the_contract_and_loads_nothing_heavy() -> None:
    script = (
        "import sys; from engine.cli.main import main; code = main(['pipe', '--help']);"
        "heavy = {'numpy', 'scipy', 'PIL', 'onnxruntime', 'wcwidth', 'psutil'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for word in ("npy", "--abort-on-eof", "SIGTERM", "exit code 6", "400 million", "--layers"):
        assert word in done.stdout


@pytest.mark.slow
def test_pillow_is_not_loaded_for_a_frame() -> None:
    script = (
        "import sys; from engine.cli.main import main; code = main(sys.argv[1:]);"
        "sys.exit('loaded PIL' if 'PIL' in sys.modules else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "pipe", *QUICK, "--preset", "keras"],
        cwd=ROOT,
        input=as_frame(RGB),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_reader_that_takes_nothing_does_not_hold_us_once_we_shall_stop(monkeypatch) -> None:
    monkeypatch.setattr(mailbox, "PATIENCE", 0.2)
    reading, writing = os.pipe()
    before = set(threading.enumerate())
    try:
        with pytest.raises(Cancelled, match="nobody"):
            mailbox.Outbox(writing).send(np.zeros((500, 500, 4), np.uint8), lambda: True)
    finally:
        os.close(reading)
        for thread in set(threading.enumerate()) - before:  # the writing thread sees it
            thread.join(60)
        os.close(writing)
