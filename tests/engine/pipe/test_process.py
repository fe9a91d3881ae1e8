"""`deepdream pipe` in a process of its own: pipes, signals and ends of input."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from engine.pipe import wire
from tests.engine.conftest import QUICK, TINY
from tests.engine.pipe.frames import FRAMES, RGB, events_of, frames_of
from tests.engine.pipe.test_wire import HOSTILE, as_frame

ROOT = Path(__file__).parents[3]

ENDLESS = ["--model", str(TINY), "--layers", "mixed0", "--iterations", "10000", "--max-loss", "none"]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")


@contextmanager
def started(*words: str, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", "pipe", "--progress", "json", *words],
        cwd=ROOT,
        **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def send(process: subprocess.Popen[bytes], content: bytes) -> None:
    process.stdin.write(content)
    process.stdin.flush()


def wait_for(process: subprocess.Popen[bytes], event: str) -> None:
    while (found := json.loads(process.stderr.readline()))["event"] != event:
        assert found["event"] != "error", found


def ended(process: subprocess.Popen[bytes]) -> tuple[int, list[np.ndarray], list[dict]]:
    """Read until the process ends; fail if it hangs, or works on for half an octave of ENDLESS.

    Counted in steps, for seconds would tell of the machine's load.
    """
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    try:
        out = process.stdout.read() if process.stdout else b""
        err = process.stderr.read()
        code = process.wait(120)
    finally:
        watchdog.cancel()
    assert err.count(b'"step"') < 5000
    return code, frames_of(out), events_of(err)


@pytest.mark.slow
def test_a_conversation_frame_by_frame() -> None:
    """Each answer comes before the next frame is sent; the end of input is normal in both ways."""
    for words in ([], ["--abort-on-eof"]):
        with started(*QUICK, *words) as process:
            for picture in (RGB, FRAMES[-1]):
                send(process, as_frame(picture))
                header = wire.read_header(process.stdout.read)
                answer = wire.read_pixels(process.stdout.read, header)
                assert answer.shape == picture.shape
            process.stdin.close()
            code, more, events = ended(process)
            assert (code, more) == (0, [])
            assert [x["image"] for x in events if x["event"] == "done"] == ["1", "2"]


@pytest.mark.slow
def test_frames_sent_ahead_are_not_lost_while_the_end_of_input_is_watched() -> None:
    with started(*QUICK, "--abort-on-eof") as process:
        send(process, as_frame(RGB) * 5)
        for _ in range(5):
            header = wire.read_header(process.stdout.read)
            assert wire.read_pixels(process.stdout.read, header).shape == RGB.shape
        process.stdin.close()
        assert ended(process)[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("keep", [False, True])
def test_the_end_of_input_stops_the_work(keep: bool) -> None:
    with started(*ENDLESS, "--abort-on-eof", *(["--keep-partial"] if keep else [])) as process:
        send(process, as_frame(FRAMES[-1]))
        wait_for(process, "step")
        process.stdin.close()
        code, answers, events = ended(process)
        assert code == 130
        assert [(x.dtype, x.shape) for x in answers] == (
            [(FRAMES[-1].dtype, FRAMES[-1].shape)] if keep else []
        )
        assert events[-1].items() >= {"event": "error", "exit_code": 130}.items()
        if keep:
            assert answers[0][..., 3].tobytes() == FRAMES[-1][..., 3].tobytes()
            assert np.abs(answers[0] - FRAMES[-1]).mean() > 0.001


@pytest.mark.slow
def test_the_end_of_input_is_seen_past_a_frame_sent_ahead_and_past_garbage() -> None:
    for ahead in (as_frame(RGB), b"garbage, and more of it"):
        with started(*ENDLESS, "--abort-on-eof") as process:
            send(process, as_frame(RGB) + ahead)
            wait_for(process, "step")
            process.stdin.close()
            assert ended(process)[:2] == (130, [])


@pytest.mark.slow
def test_without_abort_on_eof_the_end_of_input_stops_nothing() -> None:
    with started(*QUICK) as process:
        send(process, as_frame(RGB))
        process.stdin.close()
        code, answers, _ = ended(process)
        assert (code, len(answers)) == (0, 1)


@pytest.mark.slow
def test_the_end_of_input_in_the_middle_of_a_frame() -> None:
    for words, expected in (([], 6), (["--abort-on-eof"], 130)):
        with started(*QUICK, *words) as process:
            wait_for(process, "start")
            send(process, as_frame(RGB)[:1000])
            process.stdin.close()
            assert ended(process)[:2] == (expected, [])


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_within_a_step(which: signal.Signals, keep: bool) -> None:
    with started(
        *ENDLESS,
        *(["--keep-partial"] if keep else []),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        send(process, as_frame(RGB))
        wait_for(process, "step")
        process.send_signal(which)
        process.send_signal(which)  # the impatient get no less
        code, answers, events = ended(process)
        assert (code, [x.shape for x in answers]) == (130, [RGB.shape] if keep else [])
        assert events[-1]["exit_code"] == 130


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize("sent", [0, 5, 1000], ids=["before a frame", "in a header", "in the pixels"])
def test_sigterm_while_a_frame_is_arriving(sent: int) -> None:
    with started(*QUICK) as process:
        send(process, as_frame(RGB)[:sent])
        wait_for(process, "start")
        process.send_signal(signal.SIGTERM)
        assert ended(process)[:2] == (130, [])


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize("how", ["signal", "end of input"])
def test_stopping_while_the_model_is_still_opening(how: str) -> None:
    script = """
import sys, time
from engine import __main__ as program
from engine.cli import commands, main
def opening(*_):
    print('{"event": "opening"}', file=sys.stderr, flush=True)
    time.sleep(600)
commands.pipe.open_model = opening
program.main()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script, "pipe", "--progress", "json", "--abort-on-eof"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        send(process, as_frame(RGB))
        wait_for(process, "opening")
        if how == "signal":
            process.send_signal(signal.SIGTERM)
        else:
            process.stdin.close()
        code, answers, events = ended(process)
        assert (code, answers, events[-1]["exit_code"]) == (130, [], 130)


@pytest.mark.slow
def test_a_reader_that_has_gone_ends_it_quietly() -> None:
    with started(*QUICK) as process:
        process.stdout.close()
        process.stdout = None
        send(process, as_frame(RGB) * 3)
        code, _, events = ended(process)
        assert code == 130
        assert [x["event"] for x in events if x["event"] != "step"] == ["start", "error"]


@pytest.mark.slow
def test_a_bad_frame_ends_it_though_input_stays_open() -> None:
    for words in ([], ["--abort-on-eof"]):
        with started(*QUICK, *words) as process:
            send(process, HOSTILE["big endian"])
            assert ended(process)[:2] == (6, [])


@pytest.mark.slow
@POSIX
def test_closed_standard_streams() -> None:
    command = [sys.executable, "-m", "engine", "pipe", *QUICK]
    for redirection in ("<&-", ">&-"):
        done = subprocess.run(
            ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *command],
            cwd=ROOT,
            input=as_frame(RGB),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 6
        assert b"is closed" in done.stderr


@pytest.mark.slow
def test_the_example_in_the_docs() -> None:
    text = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    quick = f'"pipe", "--model", {str(TINY)!r}, "--layers", "mixed0"'
    assert '"pipe"' in code
    code = code.replace('"pipe"', quick) + "print(dreamed.shape, dreamed.dtype)\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "(120, 160, 3) float32" in done.stdout
    assert "done" in done.stdout


def test_the_header_in_the_docs() -> None:
    text = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[1]
    scope: dict = {}
    exec("import struct\n" + code, scope)  # noqa: S102
    assert scope["header"]("<f4", 7, 8, 4) == bytes(wire.Header("<f4", (7, 8, 4)))
