"""Dreaming on films: without flicker, with their sound and times, and resumed after a stop."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from engine.ascent.order import order_for
from engine.errors import UsageError
from engine.films import decode, video
from engine.films.flow import Flow
from engine.films.project import dreamed, settle
from engine.films.store import folder_of
from engine.network.model import load_model
from engine.pictures.pixels import from_model, to_model
from engine.settings.config import DreamConfig
from tests.engine.conftest import QUICK
from tests.engine.films.conftest import light, made_frames, panned, photograph, played

if TYPE_CHECKING:
    from engine.films.project import Project

av = pytest.importorskip("av")
pytest.importorskip("cv2")


def project(tiny, source: Path, target: Path, carrying: video.Carrying | None = None, **settings) -> Project:
    made, _ = video.project(source, target, light(tiny, **settings), tiny, carrying or video.Carrying())
    return made


def flicker(frames: list[np.ndarray], speed: int) -> float:
    """Mean difference between a frame and the one before, moved by the known movement of the camera."""
    inner = np.s_[6:-6, 10:-10]
    pairs = [(a[:, speed:][inner].astype(int), b[:, :-speed][inner]) for a, b in pairwise(frames)]
    return float(np.mean([np.abs(a - b).mean() for a, b in pairs]))


@pytest.mark.slow
def test_a_film_flickers_less_than_frames_dreamed_alone(tiny, film, tmp_path: Path) -> None:
    """The film pans by two pixels a frame, and has noise; steps and strength are the same both ways."""
    source = film(frames=panned(10, 96, 128))
    given = {"iterations": 6, "octaves": 3}
    carried = made_frames(project(tiny, source, tmp_path / "d.gif", **given))
    work = settle((96, 128), light(tiny, **given), tiny)
    plain = [x.image for x in decode.shots(source)]
    alone = [from_model(dreamed(to_model(x), work, i)[0]) for i, x in enumerate(plain, 1)]
    still, each, with_flow = (flicker(x, 2) for x in (plain, alone, carried))
    assert with_flow - still < 0.5 * (each - still)
    strength = [np.abs(a.astype(int) - b).mean() for a, b in zip(carried, plain, strict=True)]
    expected = np.mean([np.abs(a.astype(int) - b).mean() for a, b in zip(alone, plain, strict=True)])
    assert 0.5 * expected < min(strength[4:])
    assert max(strength) < 2 * expected


@pytest.mark.slow
def test_the_embedded_model_flickers_less_too(film, tmp_path: Path) -> None:
    model = load_model(device="cpu")
    order = order_for(model, DreamConfig(layers={"mixed3": 1.0}, iterations=10, octaves=2, clip=True))
    source = film(frames=panned(6, 150, 200))
    plain = [x.image for x in decode.shots(source)]
    work = settle((150, 200), order, model)
    made, _ = video.project(source, tmp_path / "d.gif", order, model, video.Carrying())
    carried = made_frames(made)
    alone = [from_model(dreamed(to_model(x), work, i)[0]) for i, x in enumerate(plain, 1)]
    still, each, with_flow = (flicker(x, 2) for x in (plain, alone, carried))
    assert with_flow - still < 0.4 * (each - still)


@pytest.mark.slow
def test_sound_is_copied_packet_by_packet(run, film) -> None:
    source = film(frames=panned(12), sound=True)
    for name in ("out.mp4", "out.mkv"):
        target = source.with_name(name)
        code, out, err = run("video", source, target, *QUICK)
        assert (code, out) == (0, f"{target}\n"), err
        packets = []
        for path in (source, target):
            with av.open(str(path)) as opened:
                found = [x for x in opened.demux(audio=0) if x.dts is not None]
                packets.append([(bytes(x), float(x.pts * x.time_base)) for x in found])
        assert [x[0] for x in packets[0]] == [x[0] for x in packets[1]]
        assert [x[1] for x in packets[0]] == pytest.approx([x[1] for x in packets[1]], abs=0.002)


def test_a_part_of_a_film_has_a_part_of_its_sound(tiny, film, tmp_path: Path) -> None:
    source = film(frames=panned(25), sound=True)
    made = project(tiny, source, tmp_path / "d.mp4")
    frames = made.make()
    for frame in frames:
        if frame.number == 10:
            break
    frames.close()
    made.write(partly=True)
    assert len(played(made.target)) == 10
    with av.open(str(made.target)) as opened:
        times = [float(x.pts * x.time_base) for x in opened.demux(audio=0) if x.dts is not None]
    assert 0.3 < times[-1] < 0.45


@pytest.mark.slow
def test_sound_that_does_not_fit_gives_a_warning(run, film) -> None:
    source = film(sound=True)
    for name, said in (("out.webm", "cannot hold sound in aac"), ("out.gif", "cannot have sound")):
        code, _, err = run("video", source, "-o", source.with_name(name), *QUICK)
        assert code == 0
        assert said in err


@pytest.mark.slow
def test_times_stay_uneven(run, film) -> None:
    source = film(times=[0, 40, 200, 210, 500, 540])
    target = source.with_name("out.mp4")
    assert run("video", source, target, *QUICK)[0] == 0
    assert list(decode.times(target)) == [Fraction(x, 1000) for x in (0, 40, 200, 210, 500, 540)]


@pytest.mark.slow
def test_a_rotated_film_comes_out_upright_and_at_the_chosen_size(run, film) -> None:
    source = film(turned=90)
    target = source.with_name("out.mp4")
    assert run("video", source, target, "--size", 40, *QUICK)[0] == 0
    assert played(target)[0].shape == (40, 30, 3)


@pytest.mark.slow
def test_a_resumed_run_makes_the_same_frames(tiny, film, tmp_path: Path) -> None:
    source = film(frames=panned(7))
    whole, stopped = tmp_path / "whole.gif", tmp_path / "stopped.gif"
    list(project(tiny, source, whole, jitter=4).make(keep_frames=True))
    run = project(tiny, source, stopped, jitter=4).make()
    for frame in run:
        if frame.number == 4:
            break
    run.close()
    rest = list(project(tiny, source, stopped, jitter=4).make(keep_frames=True))
    assert [x.number for x in rest] == [5, 6, 7, 7]
    for path in folder_of(whole).iterdir():
        assert path.read_bytes() == (folder_of(stopped) / path.name).read_bytes()
    with pytest.raises(UsageError, match="carry was"):
        project(tiny, source, stopped, video.Carrying(carry=0.5), jitter=4).make()
    with pytest.raises(UsageError, match="source was"):
        project(tiny, film("other.mp4", panned(7, speed=1)), stopped, jitter=4).make()


def test_a_frame_after_a_cut_starts_afresh(tiny, film, tmp_path: Path) -> None:
    """It is dreamed as if it were the first frame of its film."""
    other = np.random.default_rng(5).integers(0, 256, (6, 8, 3), np.uint8)
    scene = np.asarray(Image.fromarray(other).resize((64, 48)))
    source = film(frames=[*panned(3), scene, scene], codec="ffv1", name="in.mkv")
    frames = made_frames(project(tiny, source, tmp_path / "d.gif", iterations=8))
    cut = [x.image for x in decode.shots(source)][3]
    expected = dreamed(to_model(cut), settle(cut.shape[:2], light(tiny, iterations=8), tiny), 4)[0]
    np.testing.assert_array_equal(frames[3], from_model(expected))


@pytest.mark.slow
def test_places_outside_the_mask_do_not_change(run, film) -> None:
    source = film(frames=panned(4), codec="ffv1", name="in.mkv")
    mask = np.zeros((48, 64), np.uint8)
    mask[:, 32:] = 255
    Image.fromarray(mask).save(source.with_name("mask.png"))
    target = source.with_name("out.mp4")
    words = ["--mask", source.with_name("mask.png"), "--keep-frames", *QUICK]
    assert run("video", source, target, *words)[0] == 0
    for i, shot in enumerate(decode.shots(source), 1):
        with Image.open(folder_of(target) / f"{i:06}.png") as image:
            frame = np.asarray(image)
        np.testing.assert_array_equal(frame[:, :32], shot.image[:, :32])
        assert np.abs(frame[:, 50:].astype(int) - shot.image[:, 50:]).mean() > 1


def test_flow_follows_a_known_move() -> None:
    whole = photograph(120, 200)
    before, after = whole[10:90, 20:140], whole[13:93, 15:135]  # things move 5 right and 3 up
    flow = Flow()
    back, trust = flow.between(before, after)
    inner = np.s_[12:-12, 12:-12]
    assert np.abs(np.median(back[inner], axis=(0, 1)) - (-5, 3)).max() < 0.3
    assert trust[inner].mean() > 0.8
    warped = flow.warped(before.astype(np.float32), back)
    assert np.abs(warped[inner] - after[inner]).mean() < 4
    assert trust.min() >= 0
    assert trust.max() <= 1


def test_what_was_hidden_is_not_trusted() -> None:
    background = photograph(80, 120)
    thing = np.random.default_rng(0).integers(0, 256, (5, 5, 3), np.uint8)
    thing = np.asarray(Image.fromarray(thing).resize((40, 40)))
    frames = []
    for x in (20, 32):
        frame = background.copy()
        frame[20:60, x : x + 40] = thing
        frames.append(frame)
    _, trust = Flow().between(*frames)
    uncovered = trust[24:56, 22:30].mean()
    elsewhere = trust[5:15, :].mean()
    assert uncovered < 0.4
    assert elsewhere > 0.9


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["{folder}/none.mp4"], 3, "does not exist"),
        (["{folder}/photo.txt"], 3, "cannot be read as a film"),
        (["{film}", "{film}"], 2, "is the input"),
        (["{film}", "out.xyz"], 3, "not name a film format"),
        (["{film}", "--carry", "1"], 2, "from 0 to 0.98"),
        (["{film}", "--frame-iterations", "0"], 2, "from 1 to 1000"),
        (["{film}", "--size", "big"], 2, "--size 640"),
    ],
)
def test_mistakes_are_one_clear_line(run, film, words, code, said) -> None:
    source = film()
    source.with_name("photo.txt").write_text("no film")
    words = [x.format(film=source, folder=source.parent) for x in words]
    got, out, err = run("video", *words, *QUICK)
    lines = [x for x in err.splitlines() if not x.startswith("dreaming")]
    assert (got, out) == (code, "")
    assert said in err
    assert len(lines) <= 2
    assert {x.name for x in source.parent.iterdir()} == {"in.mp4", "photo.txt"}


def test_carrying_nothing_dreams_each_frame_alone(tiny, film, tmp_path: Path) -> None:
    source = film(frames=panned(3), codec="ffv1", name="in.mkv")
    carrying = video.Carrying(carry=0.0, frame_iterations=1)
    frames = made_frames(project(tiny, source, tmp_path / "d.gif", carrying))
    order = light(tiny)
    order = replace(order, config=replace(order.config, iterations=1))
    for i, shot in enumerate(decode.shots(source), 1):
        expected = dreamed(to_model(shot.image), settle(shot.image.shape[:2], order, tiny), i)[0]
        np.testing.assert_array_equal(frames[i - 1], from_model(expected))
