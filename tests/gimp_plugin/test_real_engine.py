"""The plug-in's side of the wire with the real engine."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest

from engine.cli import main as cli
from engine.cli import parser
from engine.cli.commands.common import configured
from engine.settings.config import settings
from gimp_plugin.deepdream_common import (
    child,
    live,
    mask,
    parameters,
    process,
    words,
)
from tests.gimp_plugin.conftest import REPOSITORY

FIELDS = {name.replace("_", "-"): (name, setting) for name, setting in settings().items() if setting.dialog}


def read(arguments):
    """Return the DreamConfig that the engine makes of a command and options."""
    return configured(parser.parse(cli.COMMANDS, arguments))


def parse(settings_of_dialog, **keywords):
    """Return the DreamConfig that the engine makes of the plug-in's options."""
    return read(["pipe", *words.engine_options(settings_of_dialog, **keywords)])


# All the way


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "channels"), [("|u1", 1), ("|u1", 2), ("|u1", 3), ("|u1", 4), ("<f4", 4)])
def test_real_engine_dreams(kind, channels, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    noise = np.random.default_rng(1).random((80, 90, channels)).astype(np.float32)
    picture = noise if kind == "<f4" else (noise * 255).astype(np.uint8)
    given = words.engine_options({"octaves": 1, "iterations": 2, "device": "cpu"})
    engine = process.Engine([sys.executable, "-m", "engine"], given, kind, *picture.shape, picture.tobytes())
    events = []
    try:
        while not engine.finished:
            events.append(engine.poll(0.1))
        dreamed = np.frombuffer(engine.result(), kind).reshape(picture.shape)
    finally:
        engine.close()
    kinds = [event["event"] for event in events if event]
    assert kinds[0] == "start"
    assert kinds.count("step") == 2
    colours = channels - 1 if channels in (2, 4) else channels
    assert not np.array_equal(dreamed[..., :colours], picture[..., :colours])
    np.testing.assert_array_equal(dreamed[..., colours:], picture[..., colours:])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["|u1", "<f4"])
def test_real_engine_keeps_to_the_selection(kind, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    noise = np.random.default_rng(1).random((80, 90, 3)).astype(np.float32)
    picture = noise if kind == "<f4" else (noise * 255).astype(np.uint8)
    shares = np.zeros((80, 90), np.uint8)
    shares[20:60, 20:60] = 200
    channels, raw = mask.put_on(kind, 3, picture.tobytes(), shares.tobytes())
    chosen = words.masked({**parameters.DEFAULTS, "octaves": 1, "iterations": 2, "device": "cpu"}, 40, 40)
    command = [sys.executable, "-m", "engine"]
    engine = process.Engine(command, words.engine_options(chosen) + words.MASK, kind, 80, 90, channels, raw)
    try:
        while not engine.finished:
            engine.poll(0.1)
        answer = mask.take_off(kind, 3, picture.tobytes(), engine.result())
    finally:
        engine.close()
    dreamed = np.frombuffer(answer, kind).reshape(picture.shape)
    np.testing.assert_array_equal(dreamed[shares == 0], picture[shares == 0])
    assert not np.array_equal(dreamed[30:50, 30:50], picture[30:50, 30:50])
    assert engine.about["event"] == "start"


@pytest.mark.slow
def test_result_that_is_begun_ahead_is_that_of_a_process(monkeypatch):
    """Byte for byte, and of the same model: the recipe says no more than that."""
    monkeypatch.chdir(REPOSITORY)
    picture = np.random.default_rng(1).random((80, 90, 4)).astype(np.float32)
    frame = ("<f4", *picture.shape, picture.tobytes())
    options = words.engine_options({"octaves": 1, "iterations": 3, "jitter": 5, "device": "cpu"})
    engine = process.Engine([sys.executable, "-m", "engine"], options, *frame)
    warm = live.Live([sys.executable, "-m", "engine"])
    try:
        while not engine.finished:
            engine.poll(0.1)
        warm.ask(options, ("|u1", 80, 90, 3, bytes(80 * 90 * 3)))
        number, event = warm.ask(options, frame, background=True), {}
        while (event.get("dream"), event.get("event")) != (number, "done"):
            event = warm.poll() or time.sleep(0.01) or {}
            if event.get("dream") == number and event["event"] == "step":
                warm.hurry(number)
    finally:
        engine.close()
        warm.close()
    assert event["pixels"] == engine.result()
    assert warm.about["model_file"] == engine.about["model_file"]


@pytest.fixture
def long_dream(monkeypatch):
    """The real engine on a dream of many iterations, closed at the end."""
    monkeypatch.chdir(REPOSITORY)
    picture = np.random.default_rng(1).integers(0, 256, (80, 90, 3), np.uint8)
    given = words.engine_options({"octaves": 1, "iterations": 10000, "max-loss": 0, "device": "cpu"})
    engine = process.Engine([sys.executable, "-m", "engine"], given, "|u1", 80, 90, 3, picture.tobytes())
    yield engine
    engine.close()
    assert engine._process.returncode is not None


@pytest.mark.slow
def test_real_engine_stops_and_keeps(long_dream):
    steps = 0
    while not long_dream.finished:
        event = long_dream.poll(0.1)
        steps += event is not None and event["event"] == "step"
        if steps == 2:
            long_dream.stop()
    assert len(long_dream.result()) == 80 * 90 * 3


@pytest.mark.slow
@pytest.mark.parametrize("until", [None, "start", "step"])
def test_real_engine_ends_with_its_input(long_dream, until, monkeypatch):
    while until is not None and (long_dream.poll(0.1) or {}).get("event") != until:
        assert not long_dream.finished
    monkeypatch.setattr(child, "STOP_SECONDS", 20.0)
    long_dream.close()
    assert long_dream._process.returncode == 130, "it had to be killed"
