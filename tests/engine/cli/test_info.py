"""`deepdream info --measure`: what it keeps, when, and what it says that `auto` takes."""

from __future__ import annotations

import json

import pytest

from engine import machine
from engine.cli.commands import info
from engine.network import measured
from engine.network.model import load_model
from tests.engine.conftest import TINY
from tests.engine.network.test_webgpu import CARD
from tests.engine.network.test_webgpu import offered as offered  # noqa: PLC0414 - a fixture

DEVICE = f"webgpu: {CARD.name}"


@pytest.fixture
def told(offered, monkeypatch, tmp_path, run):
    """Return what `info` tells where a step takes so long on the CPU and on the GPU, and what it warns of."""
    offered(CARD)
    seconds = {"cpu": 0.4, DEVICE: 0.9}
    monkeypatch.setattr(machine, "caches", lambda: tmp_path / "caches")
    monkeypatch.setattr(info, "open_model", lambda _, device: load_model(TINY, device=device, threads=1))
    monkeypatch.setattr(info, "_seconds", lambda model, _: seconds[model.device])

    def told(*words: str) -> tuple[dict, str]:
        code, out, err = run("info", "--json", *words)
        assert code == 0
        return json.loads(out), err

    return told


def test_what_is_measured_is_kept_and_told(told) -> None:
    assert told()[0]["devices"]["auto"] == DEVICE
    assert not measured.file().exists()  # nobody asked for it
    facts, _ = told("--measure")
    assert facts["a step of 512x512"] == {"cpu": "400 ms", DEVICE: "900 ms"}
    assert facts["devices"]["auto"] == f"cpu (measured faster, 400 ms a step, than {DEVICE}, 900 ms)"
    assert told()[0]["devices"] == facts["devices"]


@pytest.mark.parametrize("words", [("--measure", "64"), ("--measure", "--model", str(TINY))])
def test_what_says_little_of_other_dreams_is_not_kept(told, words: tuple[str, ...]) -> None:
    assert told(*words)[0]["devices"]["auto"] == DEVICE
    assert not measured.file().exists()


def test_what_cannot_be_kept_is_told_all_the_same(told) -> None:
    measured.file().parent.parent.mkdir()
    measured.file().parent.write_text("a file where the folder should be")
    facts, err = told("--measure")
    assert facts["a step of 512x512"]["cpu"] == "400 ms"
    assert "warning: what was measured cannot be kept: File exists" in err
