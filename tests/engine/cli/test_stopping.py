"""Signals, and readers that have gone: in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.ascent.order import order_for
from engine.batch import events
from engine.cli import reporters
from engine.cli.commands import dream as dream_command
from engine.errors import ImageError
from engine.files import images
from engine.library.dreaming import Dreaming
from engine.settings.config import DreamConfig
from tests.engine.cli.test_cli import start
from tests.engine.conftest import QUICK, TINY, copies, noise

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_a_reader_that_has_gone_does_not_stop_the_dream(photo: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "engine", "dream", photo, *QUICK],
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 0
    assert b"Broken" not in done.stderr
    assert photo.with_suffix(".dream.png").exists()


@pytest.mark.slow
def test_closed_stdout(photo: Path) -> None:
    command = [sys.executable, "-m", "engine", "dream", str(photo), *QUICK]
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *command], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&- <&-', "sh", *command[:-6], "-o", "-", *QUICK],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 3
    assert b"standard output is closed" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_signals_stop_within_a_step(photo: Path, which: signal.Signals, keep: bool) -> None:
    words = [
        "--model",
        TINY,
        "--layers",
        "mixed0",
        "--iterations",
        10000,
        "--max-loss",
        "none",
        "--progress",
        "json",
    ]
    process = start(
        "dream",
        photo,
        *words,
        *(["--keep-partial"] if keep else []),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    while b'"step"' not in process.stderr.readline():
        pass
    process.send_signal(which)
    out, err = process.communicate(timeout=120)
    assert err.count(b'"step"') < 5000  # of 10000 an octave: seconds would tell of the machine's load
    assert process.returncode == 130
    assert json.loads(err.splitlines()[-1])["exit_code"] == 130
    result = photo.with_suffix(".dream.png")
    assert out.decode() == (f"{result}\n" if keep else "")
    assert {x.name for x in photo.parent.iterdir()} == {"photo.png"} | ({result.name} if keep else set())
    if keep:
        assert images.load(result).shape == (30, 40)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_signals_stop_several_at_once(photo: Path, which: signal.Signals, keep: bool) -> None:
    copies(photo, "second.png", "third.png")
    report = photo.with_name("report.json")
    words = ["--model", TINY, "--layers", "mixed0", "--iterations", 10000, "--max-loss", "none"]
    process = start(
        *("dream", photo.parent, "-o", photo.with_name("out"), "--threads", 2, "--progress", "json", *words),
        *("--report", report),
        *(["--keep-partial"] if keep else []),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    seen: set[str] = set()
    while len(seen) < 2:
        event = json.loads(process.stderr.readline())
        seen |= {event["image"]} if event["event"] == "step" else set()
    process.send_signal(which)
    out, err = process.communicate(timeout=120)
    assert err.count(b'"step"') < 5000  # of 10000 an octave: seconds would tell of the machine's load
    assert process.returncode == 130
    last = json.loads(err.splitlines()[-1])
    results = {photo.with_name("out") / f"{x}.dream.png" for x in ("photo", "second")}
    assert last["exit_code"] == 130
    assert all(str(x) in last["message"] for x in results)
    assert set(photo.with_name("out").iterdir()) == (results if keep else set())
    assert set(map(Path, out.decode().splitlines())) == (results if keep else set())
    for path in results if keep else ():
        assert images.load(path).shape == (30, 40)
    end = json.loads(err.splitlines()[-2])
    counts = {"done": 0, "not_begun": 3, "exit_code": 130}
    assert {"event": "end", **counts}.items() <= end.items()
    assert [x["status"] for x in json.loads(report.read_text())["pictures"]] == ["not begun"] * 3


def test_a_partial_picture_that_cannot_be_kept_does_not_cost_the_others(photo: Path, tiny, capfd) -> None:
    gone, there = Path("none/a.png"), photo.with_name("b.png")
    config = DreamConfig(layers={"mixed0": 1.0}, iterations=1)
    dreaming = Dreaming.begin(images.read(photo), order_for(tiny, config), tiny)
    step = next(dreaming.steps())
    unfinished = [events.Progress(events.Job(photo, x), step, dreaming) for x in (gone, there)]
    streams = events.Streams(None, None)
    error = dream_command._kept(unfinished, streams, reporters.Reporter())
    assert isinstance(error, ImageError)
    assert "none" in str(error)
    assert capfd.readouterr().out == f"{there}\n"
    assert images.load(there).shape == (30, 40)


def test_what_a_partial_picture_could_not_keep_is_told(photo: Path, tiny, capfd) -> None:
    noise(30, 40, "RGBA").save(photo)
    config = DreamConfig(layers={"mixed0": 1.0}, iterations=1)
    dreaming = Dreaming.begin(images.read(photo), order_for(tiny, config), tiny)
    job = events.Job(photo, photo.with_name("b.jpg"))
    unfinished = [events.Progress(job, next(dreaming.steps()), dreaming)]
    dream_command._kept(unfinished, events.Streams(None, None), reporters.Reporter())
    assert f"{photo}: JPEG has no alpha: the transparency is lost" in capfd.readouterr().err
