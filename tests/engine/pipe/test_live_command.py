"""`pipe --live` as a command, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.settings import presets
from engine.settings.config import DreamConfig
from tests.engine.conftest import TINY
from tests.engine.network.test_blocks import in_blocks
from tests.engine.pipe.frames import frame
from tests.engine.pipe.talk import Talk, request

ROOT = Path(__file__).parents[3]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], Talk]]]:
    started = []

    def start(*words: str) -> tuple[subprocess.Popen[bytes], Talk]:
        process = subprocess.Popen(
            [sys.executable, "-m", "engine", "pipe", "--live", "--model", str(TINY), *words],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ
            | {"XDG_CONFIG_HOME": str(tmp_path), "APPDATA": str(tmp_path), "HOME": str(tmp_path)},
        )
        watchdog = threading.Timer(120, process.kill)
        watchdog.start()
        talk = Talk(process.stdin.fileno(), os.dup(process.stdout.fileno()))
        started.append((process, talk, watchdog))
        return process, talk

    yield start
    for process, talk, watchdog in started:
        watchdog.cancel()
        talk.close()
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


def settings(*words: str) -> list[str]:
    return ["--preset", "keras", "--layers", "mixed0", "--iterations", "2", *words]


@pytest.mark.slow
def test_start_tells_what_computes_and_the_users_own_presets(start, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    file = presets.save("mine", DreamConfig(layers={"mixed0": 2.0}, octaves=5), "Mine alone")
    file.with_name("broken.toml").write_text("octaves = 'x'")
    presets.save("deeper", DreamConfig(layers={"mixed9": 1.0}), needs="inception_v3")
    process, talk = start()
    first, second = talk.next(), talk.next()
    assert {"event": "start", "protocol": 1, "device": "cpu", "model": str(TINY)}.items() <= first.items()
    assert first["layers"][0] == ["mixed0", 4]
    assert first["models"] == ["inception_v3_mixed5"]
    elsewhere, own = first["presets"]
    assert elsewhere["needs"] == "inception_v3"
    assert elsewhere["hint"] == "deepdream model get inception_v3 gets it"
    assert "message" not in own
    assert (own["name"], own["title"], own["description"]) == ("mine", "mine", "Mine alone")
    assert own["settings"].items() >= {"layers": {"mixed0": 2.0}, "octaves": 5, "max_size": None}.items()
    assert second["event"] == "warning"
    assert "broken" in second["message"]
    talk.say(request(1, "--preset", "mine", "--iterations", "1"))
    talk.until("done", 1)
    process.stdin.close()
    assert process.wait(60) == 0


@pytest.mark.slow
def test_only_what_makes_the_picture_may_be_asked_for(start) -> None:
    process, talk = start()
    talk.until("start")
    for number, words in enumerate(
        [
            "--model no-such-model",
            "--threads 1",
            "-o x",
            "--help",
            "--version",
            "x.png",
            "--progress bar",
            "--",
            "--octaves 0",
            "--layers mixed77",
            "--guide /nowhere",
            "--device x",
        ]
    ):
        talk.say(request(number, *settings(*words.split())))
        talk.until("error", number)
    talk.say(request(99, *settings("--mask", "alpha"), picture=frame("|u1", 4)))
    talk.until("done", 99)
    process.stdin.close()
    assert process.wait(60) == 0


@pytest.mark.slow
def test_a_request_may_name_a_model_which_is_told(start, tmp_path: Path) -> None:
    process, talk = start()
    talk.until("start")
    whole = np.zeros((80, 90, 3), np.uint8)
    words = ["--preset", "keras", "--octaves", "1", "--iterations", "1"]
    talk.say(request(1, *words, "--model", "inception_v3_mixed5", "--layers", "mixed77", picture=whole))
    model, error = talk.until("error", 1)
    assert (model["event"], model["model"]) == ("model", "inception_v3_mixed5.onnx")
    assert ["mixed5", 768] in model["layers"]
    assert "mixed77" in error["message"]
    talk.say(request(2, *words, "--layers", "mixed0"))
    assert next(x.get("model") for x in talk.until("done", 2)) == str(TINY)
    talk.say(request(3, *words, "--model", str(in_blocks(tmp_path)), "--layers", "mixed0"))
    assert next(x["inside"] for x in talk.until("done", 3) if "inside" in x) == ["mixed0"]
    assert "inside" not in model
    process.stdin.close()
    assert process.wait(60) == 0


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--octaves", "2"], ["--abort-on-eof"], ["--keep-partial"]])
def test_settings_are_not_for_the_command(start, words: list[str]) -> None:
    process, _ = start(*words)
    assert b"--live" in process.communicate()[1]
    assert process.returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize("how", ["idle", "at work", "in a line", "in a frame"])
def test_the_end_of_input_ends_it(start, how: str) -> None:
    process, talk = start()
    talk.until("start")
    if how == "at work":
        talk.say(request(1, *settings("--iterations", "10000", "--max-loss", "none")))
        talk.until("step", 1)
    elif how == "in a line":
        talk.say(b'{"dream": 1')
    elif how == "in a frame":
        talk.say(request(1)[:-5])
    process.stdin.close()
    assert process.wait(60) == (6 if how.startswith("in") else 0)


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize("how", ["starting", "idle", "at work", "in a frame"])
def test_a_signal_ends_it(start, how: str) -> None:
    process, talk = start()
    if how != "starting":
        talk.until("start")
    if how == "at work":
        talk.say(request(1, *settings("--iterations", "10000", "--max-loss", "none")))
        talk.until("step", 1)
    elif how == "in a frame":
        talk.say(request(1)[:-5])
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in ({-signal.SIGTERM, 130} if how == "starting" else {130})
