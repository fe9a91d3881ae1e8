"""`deepdream pipe`: hostile input in this process; pipes, signals and ends of input in one of its own."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from engine import machine
from engine.ascent.order import order_for
from engine.cli import main as cli
from engine.errors import Cancelled
from engine.pictures.pixels import from_model, to_model
from engine.pipe import mailbox, wire
from engine.pipe import serve as pipe
from engine.settings.config import DreamConfig
from tests.engine.conftest import QUICK, TINY
from tests.engine.pipe.test_wire import HOSTILE, as_frame

ROOT = Path(__file__).parents[3]
SETTINGS = DreamConfig(layers={"mixed0": 1.0, "mixed1": 1.0}, iterations=2)
ENDLESS = ["--model", str(TINY), "--layers", "mixed0", "--iterations", "10000", "--max-loss", "none"]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")


def frame(kind: str, channels: int, height: int = 30, width: int = 40) -> np.ndarray:
    random = np.random.default_rng(channels)
    if kind == "|u1":
        return random.integers(0, 256, (height, width, channels), np.uint8)
    return random.random((height, width, channels), np.float32)


FRAMES = [frame(kind, channels, 30 + channels) for kind in wire.KINDS for channels in (1, 2, 3, 4)]
RGB = frame("|u1", 3)


def frames_of(content: bytes) -> list[np.ndarray]:
    stream, found = io.BytesIO(content), []
    while (header := wire.read_header(stream.read)) is not None:
        found.append(wire.read_pixels(stream.read, header))
    return found


def events_of(lines: bytes) -> list[dict]:
    return [json.loads(x) for x in lines.splitlines()]


def dreamed(picture: np.ndarray, model, config: DreamConfig = SETTINGS) -> np.ndarray:
    *_, last = pipe.steps(picture, model, order_for(model, config))
    return pipe.finish(picture, last, model)


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


def ended(process: subprocess.Popen[bytes], seconds: float = 5.0) -> tuple[int, list[np.ndarray], list[dict]]:
    """Read until the process ends; fail if it does not within some seconds."""
    began = time.monotonic()
    out = process.stdout.read() if process.stdout else b""
    err = process.stderr.read()
    code = process.wait(20)
    assert time.monotonic() - began < seconds
    return code, frames_of(out), events_of(err)


# Colours


@pytest.mark.parametrize("picture", FRAMES, ids=lambda x: f"{x.dtype}-{x.shape[2]}")
def test_the_answer_has_type_shape_and_alpha_of_the_frame(picture: np.ndarray, tiny) -> None:
    before = picture.copy()
    answer = dreamed(picture, tiny)
    assert (answer.dtype, answer.shape) == (picture.dtype, picture.shape)
    assert picture.tobytes() == before.tobytes()
    count = 1 if picture.shape[2] <= 2 else 3
    assert answer[..., count:].tobytes() == picture[..., count:].tobytes()
    change = np.abs(answer[..., :count].astype(float) - picture[..., :count])
    assert change.mean() > (1 if picture.dtype == np.uint8 else 1 / 255)


@pytest.mark.parametrize("kind", wire.KINDS)
def test_transparent_pixels_are_dreamed_on_as_their_colour(kind: str, tiny) -> None:
    picture = frame(kind, 4)
    picture[:15, :, 3] = 0
    np.testing.assert_array_equal(dreamed(picture, tiny)[..., :3], dreamed(picture[..., :3], tiny))


def test_8_bit_frames_become_what_files_become(tiny) -> None:
    import engine

    file = engine.dream(RGB, model=tiny, layers="mixed0,mixed1", iterations=2)
    np.testing.assert_array_equal(dreamed(RGB, tiny), file.pixels)


def test_grey_is_the_luma_of_the_dreamed_colours(tiny) -> None:
    grey = frame("<f4", 1)
    colours = dreamed(np.repeat(grey, 3, axis=2), tiny)
    expected = colours @ np.array([0.2126, 0.7152, 0.0722])
    np.testing.assert_allclose(dreamed(grey, tiny)[..., 0], expected, atol=1e-6)


def test_float_is_not_rounded_to_8_bit(tiny) -> None:
    picture = frame("<f4", 3)
    answer = dreamed(picture, tiny) * 255
    assert np.abs(answer - np.rint(answer)).mean() == pytest.approx(0.25, abs=0.02)
    weak = dreamed(
        picture, tiny, DreamConfig(layers={"mixed0": 1}, iterations=1, octaves=1, step_size=0.00001)
    )
    assert 0 < np.abs(weak - picture).mean() < 0.00002


@pytest.mark.parametrize("channels", [1, 3])
def test_a_dream_that_changes_nothing_gives_float_back_bit_for_bit(channels: int, tiny) -> None:
    picture = frame("<f4", channels) * 3 - 1
    nothing = DreamConfig(layers={"mixed0": 1}, octaves=1, max_loss=0)
    assert dreamed(picture, tiny, nothing).tobytes() == picture.tobytes()


def test_highlights_and_shadows_outside_0_to_1_stay(tiny) -> None:
    picture = frame("<f4", 4)
    picture[3, 4, :3], picture[5, 6, :3] = 7.5, -2.0
    picture[..., 3] = picture[..., 3] * 4 - 2
    answer = dreamed(picture, tiny)
    clipped = picture.copy()
    clipped[..., :3] = clipped[..., :3].clip(0, 1)
    change = dreamed(clipped, tiny) - clipped
    np.testing.assert_allclose(answer, picture + change, atol=1e-6)
    assert answer[3, 4].max() > 7
    assert answer[5, 6, :3].min() < -1.5
    inside = dreamed(clipped, tiny)[..., :3]
    assert inside.min() >= 0
    assert inside.max() <= 1


def test_the_picture_so_far_has_full_size(tiny) -> None:
    first = next(pipe.steps(RGB, tiny, order_for(tiny, SETTINGS)))
    assert first.shape < RGB.shape[:2]
    answer = pipe.finish(RGB, first, tiny)
    assert answer.shape == RGB.shape
    assert np.abs(answer.astype(int) - from_model(to_model(RGB))).mean() < 10


# In this process


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
            code = cli.main(["pipe", "--progress", "json", *QUICK, *words])
        out, err = capfdbinary.readouterr()
        return code, frames_of(out), events_of(err)

    return serve


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
        "heavy = {'numpy', 'scipy', 'PIL', 'onnxruntime'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for word in ("npy", "--abort-on-eof", "SIGTERM", "exit code 6", "400 million", "--layers"):
        assert word in done.stdout


def test_pillow_is_not_loaded_for_a_frame() -> None:
    script = (
        "import sys; from engine.cli.main import main; code = main(sys.argv[1:]);"
        "sys.exit('loaded PIL' if 'PIL' in sys.modules else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "pipe", *QUICK],
        cwd=ROOT,
        input=as_frame(RGB),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_reader_that_takes_nothing_does_not_hold_us_once_we_shall_stop(monkeypatch) -> None:
    monkeypatch.setattr(mailbox, "PATIENCE", 0.2)
    reading, writing = os.pipe()
    try:
        with pytest.raises(Cancelled, match="nobody"):
            mailbox.Outbox(writing).send(np.zeros((500, 500, 4), np.uint8), lambda: True)
    finally:
        os.close(reading)
        time.sleep(0.1)  # the writing thread sees it
        os.close(writing)


# In a process of its own


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


def test_frames_sent_ahead_are_not_lost_while_the_end_of_input_is_watched() -> None:
    with started(*QUICK, "--abort-on-eof") as process:
        send(process, as_frame(RGB) * 5)
        for _ in range(5):
            header = wire.read_header(process.stdout.read)
            assert wire.read_pixels(process.stdout.read, header).shape == RGB.shape
        process.stdin.close()
        assert ended(process)[0] == 0


@pytest.mark.parametrize("keep", [False, True])
def test_the_end_of_input_stops_the_work(keep: bool) -> None:
    with started(*ENDLESS, "--abort-on-eof", *(["--keep-partial"] if keep else [])) as process:
        send(process, as_frame(FRAMES[-1]))
        wait_for(process, "step")
        process.stdin.close()
        code, answers, events = ended(process, 3)
        assert code == 130
        assert [(x.dtype, x.shape) for x in answers] == (
            [(FRAMES[-1].dtype, FRAMES[-1].shape)] if keep else []
        )
        assert events[-1].items() >= {"event": "error", "exit_code": 130}.items()
        if keep:
            assert answers[0][..., 3].tobytes() == FRAMES[-1][..., 3].tobytes()
            assert np.abs(answers[0] - FRAMES[-1]).mean() > 0.001


def test_the_end_of_input_is_seen_past_a_frame_sent_ahead_and_past_garbage() -> None:
    for ahead in (as_frame(RGB), b"garbage, and more of it"):
        with started(*ENDLESS, "--abort-on-eof") as process:
            send(process, as_frame(RGB) + ahead)
            wait_for(process, "step")
            process.stdin.close()
            assert ended(process, 3)[:2] == (130, [])


def test_without_abort_on_eof_the_end_of_input_stops_nothing() -> None:
    with started(*QUICK) as process:
        send(process, as_frame(RGB))
        process.stdin.close()
        code, answers, _ = ended(process)
        assert (code, len(answers)) == (0, 1)


def test_the_end_of_input_in_the_middle_of_a_frame() -> None:
    for words, expected in (([], 6), (["--abort-on-eof"], 130)):
        with started(*QUICK, *words) as process:
            wait_for(process, "start")
            send(process, as_frame(RGB)[:1000])
            process.stdin.close()
            assert ended(process, 3)[:2] == (expected, [])


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
        code, answers, events = ended(process, 3)
        assert (code, [x.shape for x in answers]) == (130, [RGB.shape] if keep else [])
        assert events[-1]["exit_code"] == 130


@POSIX
@pytest.mark.parametrize("sent", [0, 5, 1000], ids=["before a frame", "in a header", "in the pixels"])
def test_sigterm_while_a_frame_is_arriving(sent: int) -> None:
    with started(*QUICK) as process:
        send(process, as_frame(RGB)[:sent])
        wait_for(process, "start")
        process.send_signal(signal.SIGTERM)
        assert ended(process, 3)[:2] == (130, [])


@POSIX
@pytest.mark.parametrize("how", ["signal", "end of input"])
def test_stopping_while_the_model_is_still_opening(how: str) -> None:
    script = """
import sys, time
from engine.cli import main as cli, commands
def opening(*_):
    print('{"event": "opening"}', file=sys.stderr, flush=True)
    time.sleep(60)
commands.pipe.open_model = opening
sys.exit(cli.main(sys.argv[1:]))
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
        code, answers, events = ended(process, 3)
        assert (code, answers, events[-1]["exit_code"]) == (130, [], 130)


def test_a_reader_that_has_gone_ends_it_quietly() -> None:
    with started(*QUICK) as process:
        process.stdout.close()
        process.stdout = None
        send(process, as_frame(RGB) * 3)
        code, _, events = ended(process)
        assert code == 130
        assert [x["event"] for x in events if x["event"] != "step"] == ["start", "error"]


def test_a_bad_frame_ends_it_though_input_stays_open() -> None:
    for words in ([], ["--abort-on-eof"]):
        with started(*QUICK, *words) as process:
            send(process, HOSTILE["big endian"])
            assert ended(process)[:2] == (6, [])


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
