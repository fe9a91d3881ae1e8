"""The command line, mostly in this process; signals, pipes and imports in one of its own."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.ascent.order import order_for
from engine.ascent.step import Step
from engine.batch import jobs as batch
from engine.cli import console
from engine.cli.commands import dream as dream_command
from engine.errors import ImageError
from engine.files import images
from engine.library.dreaming import Dreaming
from engine.settings.config import DreamConfig
from engine.settings.tiling import Tiling
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
    code, out, err = run("dream", photo, "-o", photo.with_name("dream"), *QUICK)
    assert (code, out) == (0, f"{photo.with_name('dream.png')}\n")
    assert err.splitlines()[0].startswith("dreaming on cpu")
    assert err.splitlines()[1:] == ["octave 1/3 15x20", "octave 2/3 21x28", "octave 3/3 30x40"]
    before, after = (images.load(x).pixels.astype(int) for x in (photo, photo.with_name("dream.png")))
    assert 1 < np.abs(before - after).mean() < 30


def test_verbose_tells_each_loss(run, photo: Path) -> None:
    _, _, err = run("dream", photo, "--verbose", "--device", "cpu", *QUICK)
    losses = [float(x.split()[-1]) for x in err.splitlines() if "iteration" in x]
    assert len(losses) == 6
    assert losses[1] > losses[0]


def test_max_loss_is_told(run, photo: Path) -> None:
    _, _, err = run("dream", photo, "--max-loss", "0", *QUICK)
    assert err.count("above max loss") == 3


def test_progress_none_is_silent(run, photo: Path) -> None:
    assert run("dream", photo, "--progress", "none", *QUICK) == (
        0,
        f"{photo.with_suffix('.dream.png')}\n",
        "",
    )


def test_json_lines(run, photo: Path) -> None:
    code, _, err = run("dream", photo, "--progress", "json", "--octaves", 5, *QUICK)
    events = [json.loads(x) for x in err.splitlines()]
    assert code == 0
    assert [x["event"] for x in events] == ["start", "warning", *["step"] * 6, "done"]
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
    assert events[-1]["output"] == str(photo.with_suffix(".dream.png"))
    assert events[-2]["fraction"] == 1


def test_errors_as_json_lines_even_in_the_options(run) -> None:
    for words in (["--progress", "json", "--octave", "2"], ["--progress=json", "--octave", "2"]):
        code, _, err = run("dream", "x.png", *words)
        event = json.loads(err)
        assert (code, event["event"], event["hint"]) == (2, "error", "did you mean --octaves?")


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
        (["layers", "{photo}"], 2, "takes no argument"),
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


def test_one_bad_picture_does_not_stop_the_others(run, photo: Path) -> None:
    bad, good = photo.with_name("bad.png"), copies(photo, "good.png")[0]
    bad.write_text("no picture")
    code, out, err = run("dream", bad, good, "-o", photo.with_name("out"), *QUICK)
    assert code == 3
    assert out == f"{photo.with_name('out') / 'good.dream.png'}\n"
    assert err.count("error") == 1
    code, _, err = run("dream", bad, good, "-o", photo.with_name("out"), *QUICK)
    assert "skipped" in err
    code, _, _ = run("dream", bad, good, copies(photo, "good.jpg")[0], *QUICK)
    assert code == 1  # an ImageError and a UsageError: no code in common


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


def test_json_lines_of_several_at_once_carry_their_names(run, photo: Path) -> None:
    second, bad = copies(photo, "second.png", "bad.png")
    bad.write_text("no picture")
    words = [photo, bad, second, *QUICK, "--threads", 2, "--progress", "json"]
    code, _, err = run("dream", *words)
    events = [json.loads(x) for x in err.splitlines()]
    assert code == 3
    assert (events[0]["jobs"], events[0]["pictures"]) == (2, 3)
    for path in (photo, second):
        own = [x for x in events[1:] if x["image"] == str(path)]
        assert [x["event"] for x in own] == [*["step"] * 6, "done"]
        assert [x["fraction"] for x in own[:-1]] == sorted(x["fraction"] for x in own[:-1])


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


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["--help"],
        ["dream", "--help"],
        ["zoom", "--help"],
        ["video", "--help"],
        ["gallery", "--help"],
        ["dream", "x", "--octav"],
    ],
)
def test_help_and_usage_errors_load_nothing_heavy(words: list[str]) -> None:
    script = (
        "import sys; from engine.cli.main import main; code = main(sys.argv[1:]);"
        "heavy = {'numpy', 'scipy', 'PIL', 'onnxruntime'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == (2 if "x" in words else 0), done.stderr


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
    began = time.monotonic()
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert process.returncode == 130
    assert json.loads(err.splitlines()[-1])["exit_code"] == 130
    result = photo.with_suffix(".dream.png")
    assert out.decode() == (f"{result}\n" if keep else "")
    assert {x.name for x in photo.parent.iterdir()} == {"photo.png"} | ({result.name} if keep else set())
    if keep:
        assert images.load(result).shape == (30, 40)


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_signals_stop_several_at_once(photo: Path, which: signal.Signals, keep: bool) -> None:
    copies(photo, "second.png", "third.png")
    words = ["--model", TINY, "--layers", "mixed0", "--iterations", 10000, "--max-loss", "none"]
    process = start(
        *("dream", photo.parent, "-o", photo.with_name("out"), "--threads", 2, "--progress", "json", *words),
        *(["--keep-partial"] if keep else []),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    seen: set[str] = set()
    while len(seen) < 2:
        event = json.loads(process.stderr.readline())
        seen |= {event["image"]} if event["event"] == "step" else set()
    process.send_signal(which)
    began = time.monotonic()
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert process.returncode == 130
    last = json.loads(err.splitlines()[-1])
    results = {photo.with_name("out") / f"{x}.dream.png" for x in ("photo", "second")}
    assert last["exit_code"] == 130
    assert all(str(x) in last["message"] for x in results)
    assert set(photo.with_name("out").iterdir()) == (results if keep else set())
    assert set(map(Path, out.decode().splitlines())) == (results if keep else set())
    for path in results if keep else ():
        assert images.load(path).shape == (30, 40)


def test_a_partial_picture_that_cannot_be_kept_does_not_cost_the_others(photo: Path, tiny, capfd) -> None:
    gone, there = Path("none/a.png"), photo.with_name("b.png")
    config = DreamConfig(layers={"mixed0": 1.0}, iterations=1)
    dreaming = Dreaming.begin(images.read(photo), order_for(tiny, config), tiny)
    step = next(dreaming.steps())
    unfinished = [batch.Progress(batch.Job(photo, x), step, dreaming) for x in (gone, there)]
    streams = batch.Streams(None, None)
    error = dream_command._kept(unfinished, streams, console.Silent())
    assert isinstance(error, ImageError)
    assert "none" in str(error)
    assert capfd.readouterr().out == f"{there}\n"
    assert images.load(there).shape == (30, 40)


def test_one_bar_for_several_at_once(monkeypatch, capsys, tiny) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    now = iter([0.0, 10.0, 20.0])
    bar = console.Bar(lambda: next(now))
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


def test_lines_of_several_at_once_say_whose_they_are(capsys, tiny) -> None:
    lines = console.Lines(verbose=True)
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
    bar = console.Bar(lambda: next(now))
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
    assert type(console.reporter("auto")) is console.Lines
    monkeypatch.setattr(console.sys.stderr, "isatty", lambda: True)
    assert type(console.reporter("auto")) is console.Bar
    assert type(console.reporter("auto", verbose=True)) is console.Lines


def test_a_failed_gpu_is_told_when_the_cpu_steps_in(run, photo: Path, monkeypatch, tiny) -> None:
    from dataclasses import replace

    from engine.network import model

    opened = model.DreamModel(replace(tiny._session, fallback="CUDA device 0 does not work: driver"), "tiny")
    monkeypatch.setattr(dream_command, "open_model", lambda *_: opened)
    _, _, err = run("dream", photo, *QUICK)
    assert "warning: CUDA device 0 does not work: driver: dreaming on the CPU" in err
