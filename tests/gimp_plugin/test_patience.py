"""Waiting for an engine that starts slowly, with a process and a clock that are made up."""

from __future__ import annotations

import os
import subprocess

import pytest

from gimp_plugin import patience


class Slow:
    """A process that answers after so many looks."""

    pid = 1

    def __init__(self, looks):
        self.looks, self.killed = looks, False

    def communicate(self, timeout=None):
        if self.killed or not self.looks:
            return "0.2.0", ""
        self.looks -= 1
        raise subprocess.TimeoutExpired("engine", timeout)

    def kill(self):
        self.killed = True


def test_program_that_computes_has_all_the_time(monkeypatch, capsys):
    clock = iter(range(1000))
    monkeypatch.setattr(patience, "computed", lambda process: next(clock))
    assert patience.finish(Slow(50), "is starting") == ("0.2.0", "")
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["  the engine is starting: 20 s so far", "  the engine is starting: 40 s so far"]
    assert len(lines) == 50


@pytest.mark.parametrize("seconds", [None, 3.5])
def test_program_that_does_nothing_is_ended(monkeypatch, capsys, seconds):
    monkeypatch.setattr(patience, "computed", lambda process: seconds)
    process = Slow(50)
    with pytest.raises(subprocess.TimeoutExpired):
        patience.finish(process, "is starting")
    assert process.killed
    assert process.looks == 50 - patience.IDLE_LOOKS
    assert "is starting, but does nothing: 20 s" in capsys.readouterr().err


def test_one_that_only_waits_for_a_while_is_not(monkeypatch):
    clock = [0] * patience.IDLE_LOOKS + [1] * patience.IDLE_LOOKS + [2]
    monkeypatch.setattr(patience, "computed", lambda process: clock.pop(0))
    assert patience.finish(Slow(len(clock) - 1), "is starting") == ("0.2.0", "")


def test_computed_seconds_grow():
    before = patience.computed(os.getpid())
    assert before is not None
    while patience.computed(os.getpid()) == before:
        sum(range(100_000))
    assert patience.computed(os.getpid()) > before


def test_nothing_is_known_of_a_process_that_is_gone():
    assert patience.computed(2**22 + 1) is None
