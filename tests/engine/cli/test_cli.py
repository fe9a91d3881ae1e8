"""The command line in this process: what it writes, says and refuses."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.cli.commands import dream as dream_command
from engine.files import images
from tests.engine.conftest import QUICK, TINY, copies, noise

ROOT = Path(__file__).parents[3]


def start(*words: object, **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def test_dream_writes_a_picture_and_prints_its_path(run, photo: Path) -> None:
    code, out, err = run("dream", photo, "-o", photo.with_name("dream"), *QUICK, "--preset", "keras")
    assert (code, out) == (0, f"{photo.with_name('dream.png')}\n")
    assert err.splitlines()[0].startswith("dreaming on cpu")
    assert err.splitlines()[1:] == ["octave 1/3 15x20", "octave 2/3 21x28", "octave 3/3 30x40"]
    before, after = (images.load(x).pixels.astype(int) for x in (photo, photo.with_name("dream.png")))
    assert 1 < np.abs(before - after).mean() < 30


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["drem", "photo.png"], 2, "did you mean dream?"),
        (["{photo}"], 2, "did you mean: deepdream dream"),
        ([], 2, "COMMAND"),
        (["dream"], 2, "INPUT"),
        (["dream", "{photo}", "--octave", "4"], 2, "did you mean --octaves?"),
        (["dream", "{photo}", "--octaves=99"], 2, "from 1 to 20"),
        (["dream", "{photo}", "--octaves", "two"], 2, "from 1 to 20"),
        (["dream", "{photo}", "--step", "nan"], 2, "--step"),
        (["dream", "{photo}", "--device", "gpu"], 2, "cuda:N"),
        (["dream", "{photo}", "--progress", "jsno"], 2, "did you mean json?"),
        (["dream", "{photo}", "--preset", "kears"], 2, "did you mean keras?"),
        (["dream", "{photo}", "--threads", "0"], 2, "--threads"),
        (["dream", "{photo}", "--jobs", "0"], 2, "a number from 1"),
        (["dream", "{photo}", "--jobs", "many"], 2, "auto, or a number"),
        (["dream", "{photo}", "--layers", "mixd0"], 2, "did you mean mixed0?"),
        (["dream", "{folder}/none.png"], 3, "there is no picture"),
        (["dream", "{folder}/text.png"], 3, "not a picture"),
        (["dream", "{folder}/small.png"], 3, "at least 11"),
        (["dream", "{photo}", "-o", "/proc/none/dream.png"], 3, "cannot be written"),
        (["dream", "{photo}", "-o", "{folder}/text.png/dream.png"], 3, "cannot be written"),
        (["dream", "{photo}", "--model", "{folder}/text.png"], 4, "not an ONNX model"),
        (["dream", "{photo}", "--device", "cuda"], 5, "has no CUDA"),
        (["layers", "{photo}"], 2, "does not take the argument"),
    ],
)
def test_one_clear_line_and_the_right_exit_code(run, photo: Path, words, code, said) -> None:
    photo.with_name("text.png").write_text("no picture")
    noise(5, 5).save(photo.with_name("small.png"))
    words = [x.format(photo=photo, folder=photo.parent) for x in words]
    extra = QUICK[:2] + QUICK[4:] if "--layers" in words else QUICK
    if "--model" in words:
        extra = []
    if words[:1] == ["dream"] and len(words) > 1:
        words += extra
    got, out, err = run(*words)
    lines = [x for x in err.splitlines() if not x.startswith("dreaming")]
    assert (got, out) == (code, "")
    assert lines[0].startswith("deepdream: error: ")
    assert len(lines) <= 2
    assert said in err
    assert not list(photo.parent.glob("*dream*"))


def test_debug_shows_where_an_error_comes_from(run, photo: Path) -> None:
    for words in (["--octaves", "99"], ["--model", "none.onnx"]):
        assert "Traceback" in run("dream", photo, "--debug", *words)[2]
    assert "Traceback" in run("dream", photo.with_name("none.png"), "--debug", *QUICK)[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--guide-places"], "--guide-places changes nothing without a --guide"),
        (["--feather", "5"], "--feather changes nothing without a --mask"),
        (
            ["--octaves", "1", "--min-size", "none", "--octave-scale", "2"],
            "--octave-scale changes nothing where there is one octave",
        ),
        (["--no-guide-places"], ""),
        (["--guide-places", "--guide", "{photo}"], ""),
        (["--feather", "5", "--mask", "{photo}"], ""),
        (["--octaves", "2", "--octave-scale", "1.2"], ""),
    ],
)
def test_options_that_change_nothing_say_so(run, photo: Path, words: list[str], said: str) -> None:
    given = [word.format(photo=photo) for word in words]
    code, _, err = run("dream", photo, "-o", photo.with_name("dream"), *QUICK, *given)
    assert code in (0, 2), err  # the tiny model's file knows no targets
    told = [line for line in err.splitlines() if "changes nothing" in line]
    assert [line.removeprefix("deepdream: warning: ") for line in told] == ([said] if said else [])


def test_one_bad_picture_does_not_stop_the_others(run, photo: Path) -> None:
    bad, good = photo.with_name("bad.png"), copies(photo, "good.png")[0]
    bad.write_text("no picture")
    code, out, err = run("dream", bad, good, "-o", photo.with_name("out"), *QUICK)
    assert code == 3
    assert out == f"{photo.with_name('out') / 'good.dream.png'}\n"
    assert err.count("error") == 1
    code, _, err = run("dream", bad, good, "-o", photo.with_name("out"), *QUICK)
    assert "skipped" in err
    other = photo.with_name("other")
    other.mkdir()
    code, _, _ = run("dream", bad, good, shutil.copy(good, other), "-o", photo.with_name("new"), *QUICK)
    assert code == 1  # an ImageError and a UsageError: no code in common


@pytest.mark.slow
def test_pictures_at_once_give_the_same_files_as_one_after_another(run, photo: Path) -> None:
    """Each picture has one thread both times: more would compute its last bits in another order."""
    for i in range(5):
        noise(30 + i, 57).save(photo.with_name(f"{i}.png"))
    once, each = photo.with_name("once"), photo.with_name("each")
    run("dream", photo.parent, "-o", each, *QUICK, "--threads", 1)
    code, out, err = run("dream", photo.parent, "-o", once, *QUICK, "--threads", 2, "--jobs", 2)
    assert code == 0
    assert "2 threads, 2 pictures at once" in err.splitlines()[0]
    assert len(out.splitlines()) == 6
    for path in each.iterdir():
        assert path.read_bytes() == (once / path.name).read_bytes()


def test_inputs_may_stand_on_both_sides_of_options(run, photo: Path) -> None:
    second = copies(photo, "second.png")[0]
    code, out, _ = run("dream", photo, *QUICK, second)
    assert (code, len(out.splitlines())) == (0, 2)


def test_options_reach_the_library(run, photo: Path, tiny) -> None:
    run("dream", photo, *QUICK, "--octaves", 2, "--octave-scale", 1.5, "--step", 0.02, "--max-loss", "none")
    expected = engine.dream(
        photo,
        layers="mixed0,mixed1",
        iterations=2,
        octaves=2,
        octave_scale=1.5,
        step_size=0.02,
        max_loss=None,
        model=tiny,
    )
    written = images.load(photo.with_suffix(".dream.png")).pixels.astype(int)
    assert np.abs(written - expected.pixels).max() <= 1


@pytest.mark.slow
def test_stdin_to_stdout(photo: Path) -> None:
    process = start("dream", "-", *QUICK, stdin=subprocess.PIPE)
    out, err = process.communicate(photo.read_bytes(), timeout=60)
    assert process.returncode == 0, err
    assert images.load(io.BytesIO(out)).shape == (30, 40)


def test_layers_and_info(run) -> None:
    code, out, _ = run("layers", "--model", TINY)
    assert code == 0
    assert out.splitlines()[1].split() == ["mixed0", "4", "2", "0"]
    code, out, _ = run("layers", "--model", TINY, "--json")
    assert json.loads(out)[1]["name"] == "mixed1"
    code, out, _ = run("info", "--model", TINY)
    assert code == 0
    for word in ("onnxruntime", "works", "has no CUDA", "min_size", "mixed0 mixed1", "keras"):
        assert word in out
    code, out, _ = run("info", "--model", TINY, "--json")
    assert json.loads(out)["model"]["min_size"] == 11


def test_a_failed_gpu_is_told_when_the_cpu_steps_in(run, photo: Path, monkeypatch, tiny) -> None:
    from dataclasses import replace

    from engine.network import model

    opened = model.DreamModel(replace(tiny._session, fallback="CUDA device 0 does not work: driver"), "tiny")
    monkeypatch.setattr(dream_command, "open_model", lambda *_: opened)
    _, _, err = run("dream", photo, *QUICK)
    assert "warning: CUDA device 0 does not work: driver: dreaming on the CPU" in err


def test_a_list_stands_for_inputs_and_options_may_be_anywhere(run, photo: Path, monkeypatch) -> None:
    monkeypatch.chdir(photo.parent)
    copies(photo, "b.png", "c.png")
    Path("list").write_text("b.png\nc.png\n")
    code, out, _ = run("dream", "--from", "list", "-o", "out", *QUICK, "photo.png", "--format", "jpg")
    assert code == 0
    assert sorted(out.split()) == [f"out/{x}.dream.jpg" for x in ("b", "c", "photo")]
    assert run("dream", "--from", "-", "-", *QUICK)[0] == 2


@pytest.mark.parametrize(("name", "content"), [("list", b"b.png\nphoto.png\n"), ("-", b"b.png\0photo.png")])
def test_a_list_may_be_all_there_is(run, photo: Path, monkeypatch, name: str, content: bytes) -> None:
    monkeypatch.chdir(photo.parent)
    copies(photo, "b.png")
    Path("list").write_bytes(content)
    with Path("list").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        code, out, err = run("dream", "--from", name, "-o", "out", *QUICK)
    assert (code, sorted(out.split())) == (0, ["out/b.dream.png", "out/photo.dream.png"]), err
