"""Progress: lines, the bar, JSON lines."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import wcwidth

from engine.ascent.step import Step
from engine.cli import reporters
from engine.cli.reporters.bar import Bar
from engine.cli.reporters.json_lines import JsonLines
from engine.cli.reporters.lines import Lines
from engine.errors import ImageError
from engine.settings.config import DreamConfig
from engine.settings.tiling import Tiling
from tests.engine.conftest import QUICK, TINY, copies, noise

ROOT = Path(__file__).parents[3]


def test_verbose_tells_each_loss(run, photo: Path) -> None:
    _, _, err = run("dream", photo, "--verbose", "--device", "cpu", *QUICK, "--preset", "keras")
    losses = [float(x.split()[-1]) for x in err.splitlines() if "iteration" in x]
    assert len(losses) == 6
    assert losses[1] > losses[0]


def test_max_loss_is_told(run, photo: Path) -> None:
    _, _, err = run("dream", photo, "--max-loss", "0", *QUICK, "--preset", "keras")
    assert err.count("above max loss") == 3


def test_progress_none_is_silent(run, photo: Path) -> None:
    assert run("dream", photo, "--progress", "none", *QUICK) == (
        0,
        f"{photo.with_suffix('.dream.png')}\n",
        "",
    )


@pytest.mark.parametrize("progress", ["none", "auto", "bar", "json"])
def test_what_is_lost_is_told_whatever_progress_is(run, tmp_path: Path, progress: str) -> None:
    noise(30, 40, "RGBA").save(tmp_path / "in.png")
    words = ("dream", tmp_path / "in.png", "-o", tmp_path / "out.jpg", "--progress", progress, *QUICK)
    code, _, err = run(*words)
    assert (code, err.count("JPEG has no alpha: the transparency is lost")) == (0, 1)
    code, _, err = run(*words)
    assert (code, err.count("already exists")) == (2, 1)
    if progress == "none":
        assert err.startswith("deepdream: error: ")


def test_json_lines(run, photo: Path) -> None:
    code, _, err = run("dream", photo, "--progress", "json", "--octaves", 5, *QUICK, "--preset", "keras")
    events = [json.loads(x) for x in err.splitlines()]
    assert code == 0
    assert [x["event"] for x in events] == ["start", "warning", *["step"] * 6, "done", "end"]
    assert {"protocol": 1, "device": "cpu", "model": str(TINY)}.items() <= events[0].items()
    assert events[2] | {"loss": 0} == {
        "event": "step",
        "image": str(photo),
        "octave": 1,
        "octaves": 3,
        "iteration": 1,
        "iterations": 2,
        "shape": [15, 20],
        "loss": 0,
        "fraction": events[2]["fraction"],
        "stopped": False,
    }
    assert events[-2]["output"] == str(photo.with_suffix(".dream.png"))
    assert events[-3]["fraction"] == 1
    counts = {"done": 1, "skipped": 0, "failed": 0, "not_begun": 0, "exit_code": 0}
    assert counts.items() <= events[-1].items()


def test_the_look_at_results_shows_how_far_it_is(monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    times = [0.0, 1.0, 11.0]
    for reporter in (Lines(clock=iter(times).__next__), Bar(iter(times).__next__), JsonLines()):
        for seen in (100, 150, 200):
            reporter.looking(seen, 400)
        said = capsys.readouterr().err
        assert "200" in said
        assert ("150" in said) == isinstance(reporter, Bar)
        reporter.waiting(2)
        reporter.waiting(2)
        assert capsys.readouterr().err.count("2") == 1


def test_errors_as_json_lines_even_in_the_options(run) -> None:
    for words in (["--progress", "json", "--octave", "2"], ["--progress=json", "--octave", "2"]):
        code, _, err = run("dream", "x.png", *words)
        event = json.loads(err)
        assert (code, event["event"], event["hint"]) == (2, "error", "did you mean --octaves?")


def test_json_lines_of_several_at_once_carry_their_names(run, photo: Path) -> None:
    second, bad = copies(photo, "second.png", "bad.png")
    bad.write_text("no picture")
    words = [photo, bad, second, *QUICK, "--preset", "keras", "--threads", 2, "--progress", "json"]
    code, _, err = run("dream", *words)
    events = [json.loads(x) for x in err.splitlines()]
    assert code == 3
    assert (events[0]["jobs"], events[0]["pictures"]) == (2, 3)
    for path in (photo, second):
        own = [x for x in events[1:] if x.get("image") == str(path)]
        assert [x["event"] for x in own] == [*["step"] * 6, "done"]
        assert [x["fraction"] for x in own[:-1]] == sorted(x["fraction"] for x in own[:-1])


def test_one_bar_for_several_at_once(monkeypatch, capsys, tiny) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    now = iter([0.0, 10.0, 20.0])
    bar = Bar(lambda: next(now))
    bar.start(tiny, DreamConfig(), Tiling(), 4, 2)
    image = np.zeros((1, 1, 3), np.float32)

    def step(name: str, fraction: float) -> None:
        bar.step(name, Step(1, 3, 1, 20, (15, 20), 1.0, fraction, False, (), image, image, (1, 1)))

    for name, fraction in (("x/a.png", 0.1), ("x/b.png", 0.1), ("x/a.png", 0.5)):
        step(name, fraction)
    bar.done("x/a.png", "a.dream.png", 1.0)
    step("x/" + "c" * 80 + ".png", 0.3)
    lines = capsys.readouterr().err.split("\r\x1b[K")
    assert lines[1].endswith("0/4 pictures  -:-- left  a.png 10%")
    assert lines[2].endswith("0/4 pictures  -:-- left  a.png 10%, b.png 10%")
    assert lines[3].endswith("0/4 pictures  1:25 left  a.png 50%, b.png 10%")  # 10 s for (0.6 - 0.2) / 4
    assert lines[4] == ""
    assert lines[5].startswith("[##########....................] 1/4 pictures  ")
    assert "b.png 10%, ccc" in lines[5]
    assert len(lines[5]) < 80


def test_several_one_by_one_have_one_bar_with_failures(monkeypatch, capsys, tiny) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    now = iter([0.0, 10.0])
    bar = Bar(lambda: next(now))
    bar.start(tiny, DreamConfig(), Tiling(), 100)
    image = np.zeros((1, 1, 3), np.float32)

    def step(name: str, fraction: float) -> None:
        bar.step(name, Step(1, 3, 1, 20, (15, 20), 1.0, fraction, False, (), image, image, (1, 1)))

    step("x/a.png", 0.5)
    for i in range(18):
        bar.done(f"{i}.png", "", 1.0)
    bar.done("x/a.png", "", 1.0)
    bar.error(ImageError("b.png is not a picture"), name="b.png")
    step("x/c.png", 0.5)
    last = capsys.readouterr().err.split("\r\x1b[K")[-1]
    assert last.endswith("] 20/100 pictures  2/s  0:40 left  1 failed  c.png 50%")


def test_several_pictures_are_a_line_every_ten_seconds(capsys, tiny) -> None:
    times = [0.0]
    lines = Lines(clock=lambda: times[0])
    lines.start(tiny, DreamConfig(), Tiling(), 4, 1)
    image = np.zeros((1, 1, 3), np.float32)
    capsys.readouterr()
    for second in range(31):
        times[0] = float(second)
        name, fraction = f"{second // 10}.png", (second % 10 + 1) / 10
        lines.step(name, Step(1, 3, 1, 20, (15, 20), 1.0, fraction, False, (), image, image, (1, 1)))
        if fraction == 1:
            lines.done(name, "", 1.0)
    said = capsys.readouterr().err.splitlines()
    assert [x.partition("  ")[0] for x in said] == [f"{i}/4 pictures" for i in (1, 2, 3)]
    assert said[1] == "2/4 pictures  6/min  0:19 left"


def test_lines_of_several_at_once_say_whose_they_are(capsys, tiny) -> None:
    lines = Lines(verbose=True)
    lines.start(tiny, DreamConfig(), Tiling(), 4, 2)
    image = np.zeros((1, 1, 3), np.float32)
    for stopped in (False, True):
        lines.step("a.png", Step(1, 3, 2, 20, (15, 20), 1.0, 0.1, stopped, (), image, image, (1, 1)))
    said = capsys.readouterr().err.splitlines()
    assert said[1:] == [
        "a.png: iteration 2/20 loss 1.0000",
        "a.png: stopped at iteration 2: loss 1.0000 is above max loss",
    ]


def test_the_bar_fits_the_terminal_and_tells_the_time_left(monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    now = iter([0.0, 10.0])
    bar = Bar(lambda: next(now))
    image = np.zeros((1, 1, 3), np.float32)
    for iteration, fraction in ((1, 0.1), (2, 0.2)):
        bar.step("x", Step(1, 3, iteration, 20, (15, 20), 1.0, fraction, False, (), image, image, image))
    bar.done("x", "x.png", 1.0)
    lines = capsys.readouterr().err.split("\r\x1b[K")
    assert lines[2].startswith("[###")
    assert lines[2].endswith("1:20 left")
    assert len(lines[2]) < 100
    assert lines[3] == ""


def test_a_terminal_gets_the_bar_a_file_gets_lines(monkeypatch) -> None:
    assert type(reporters.for_progress("auto")) is Lines
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert type(reporters.for_progress("auto")) is Bar
    assert type(reporters.for_progress("auto", verbose=True)) is Lines


NAMES = [
    "한국어 사진 이름이 아주 길어요 그래도 한 줄에 들어가야 해요.png",
    "cafe\u0301 " + "e\u0301" * 60 + ".png",
    "日本語" * 20 + ".png",
]
"""Wide characters, and letters with a combining accent, which take no cell of their own."""


@pytest.mark.parametrize("columns", [40, 79, 80])
@pytest.mark.parametrize("name", [*NAMES, "line\nbreak\x1b[2J.png"])
def test_the_bar_stays_on_one_line_whatever_the_names(
    monkeypatch, capsys, tiny, name: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    bar = Bar()
    bar.start(tiny, DreamConfig(), Tiling(), 4, 2)
    image = np.zeros((1, 1, 3), np.float32)
    capsys.readouterr()
    for picture in (name, "b" + name):
        bar.step(picture, Step(1, 3, 1, 20, (15, 20), 1.0, 0.1, False, (), image, image, image))
    bar.cell(name, 1, 2)
    for line in capsys.readouterr().err.split("\r\x1b[K")[1:]:
        assert "\n" not in line
        assert "\x1b" not in line
        assert wcwidth.wcswidth(line) < columns


def test_as_many_letters_fit_as_the_terminal_has_cells_for(monkeypatch, capsys, tiny) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    bar = Bar()
    bar.cell("e\u0301" * 100, 1, 2)
    line = capsys.readouterr().err.removeprefix("\r\x1b[K")
    assert len(line) - line.count("\u0301") == 79


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo terminals")
def test_the_bar_on_a_real_terminal_of_80_columns(photo: Path) -> None:
    """Each drawing begins with a return to the line's start: nothing may have wrapped before it."""
    import fcntl
    import pty
    import struct
    import termios

    korean = [Path(shutil.copy(photo, photo.with_name(x))) for x in (NAMES[0], "또 하나의 " + NAMES[0])]
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}}
    words = [*QUICK, "--preset", "keras", "--threads", "2", "--jobs", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", "dream", *korean, *words],
        cwd=ROOT,
        env={**environment, "PYTHONUTF8": "1"},
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # Linux ends a terminal that nobody holds with EIO
        while part := os.read(ours, 1 << 16):
            said += part
    os.close(ours)
    assert process.wait(60) == 0
    drawn = [x for x in said.decode().split("\r\x1b[K") if "pictures  " in x]
    assert len(drawn) >= 12
    assert any("한국어" in x for x in drawn)
    for line in drawn:
        assert 0 < wcwidth.wcswidth(line) < 80
