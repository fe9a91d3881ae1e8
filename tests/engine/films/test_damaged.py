"""Films that end early or are damaged: what could be read is made into a film, and the rest is told."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine
from engine.errors import ImageError, IncompleteError
from engine.films import decode, encode
from engine.films.store import folder_of
from engine.films.tally import Tally
from tests.engine.conftest import QUICK
from tests.engine.films.conftest import panned, played
from tests.engine.films.recorded import record

pytest.importorskip("av")
pytest.importorskip("cv2")

KINDS = {
    "in.mp4": {"fast_start": True},
    "in.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "fast_start": True},
    "in.mkv": {},
    "in.webm": {"codec": "libvpx-vp9", "pix_fmt": "yuv420p"},
    "in.avi": {"codec": "mpeg4", "pix_fmt": "yuv420p"},
    "in.flv": {"codec": "flv1", "pix_fmt": "yuv420p"},
}
"""Kinds of film that say how long they are, before their pictures."""


def long(path: Path) -> Path:
    """Record 30 frames of noise, each of which takes about as many bytes."""
    return record(path, [noise(x) for x in range(30)], **KINDS[path.name])


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def spoilt(path: Path, start: float, length: int) -> Path:
    """Overwrite some bytes with noise, from a share of the file on."""
    content = bytearray(path.read_bytes())
    place = int(len(content) * start)
    noise = np.random.default_rng(0).integers(0, 256, length, np.uint8)
    content[place : place + length] = noise.tobytes()
    path.write_bytes(content)
    return path


def read(path: Path) -> Tally:
    tally = Tally()
    assert len(list(decode.shots(path, tally))) == tally.frames
    return tally


@pytest.mark.parametrize("name", KINDS)
def test_a_whole_film_is_whole(tmp_path: Path, name: str) -> None:
    tally = read(long(tmp_path / name))
    assert (tally.frames, tally.missing, tally.warnings) == (30, 0, ())


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_film_that_was_cut_ends_early(tmp_path: Path, name: str, share: float) -> None:
    tally = read(cut(long(tmp_path / name), share))
    assert 0 < tally.frames < 30
    assert tally.missing > 0
    assert tally.of in {"30", "about 30"}


def test_a_gif_that_was_cut_ends_early(tmp_path: Path) -> None:
    """It does not say how long it is, but its last frame is broken."""
    frames = [Image.fromarray(x) for x in panned(30)]
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:], duration=40)
    assert read(tmp_path / "in.gif").missing == 0
    tally = read(cut(tmp_path / "in.gif", 0.5))
    assert 0 < tally.frames < 30
    assert tally.missing > 0
    assert tally.read == f"{tally.frames} frames could be read, and no more"


@pytest.mark.slow
def test_the_command_writes_what_there_is_and_ends_with_7(run, tmp_path: Path) -> None:
    source, target = cut(long(tmp_path / "in.webm"), 0.4), tmp_path / "out.mp4"
    expected = read(source).frames
    code, out, err = run("video", source, target, *QUICK)
    assert (code, out) == (7, f"{target}\n")
    assert f"the film ends early: {expected} of about 30 frames could be read; {target} holds these" in err
    assert len(played(target)) == expected
    assert not folder_of(target).exists()


@pytest.mark.slow
def test_a_call_raises_when_the_film_is_written(tiny, tmp_path: Path) -> None:
    source = cut(long(tmp_path / "in.mp4"), 0.6)
    frames: list[engine.Frame] = []
    with pytest.raises(IncompleteError, match=r"of 30 frames") as caught:
        engine.video(
            source,
            tmp_path / "out.mp4",
            model=tiny,
            layers="mixed0",
            octaves=1,
            iterations=1,
            progress=frames.append,
        )
    assert caught.value.exit_code == 7
    assert len(played(tmp_path / "out.mp4")) == len(frames) == read(source).frames


@pytest.mark.slow
def test_damage_in_the_middle_is_skipped_and_counted(run, tmp_path: Path) -> None:
    """Each frame of this film stands alone, so that only the damaged one is lost."""
    frames = [noise(x) for x in range(12)]
    source = record(tmp_path / "in.mp4", frames, codec="png", pix_fmt="rgb24", fast_start=True)
    spoilt(source, 0.5, 200)
    tally = read(source)
    assert (tally.missing, tally.frames + tally.broken) == (0, 12)
    assert tally.broken + tally.flawed == 1
    code, out, err = run("video", source, tmp_path / "out.mp4", *QUICK)
    assert (code, out) == (0, f"{tmp_path / 'out.mp4'}\n")
    assert "damaged frames" in err
    assert len(played(tmp_path / "out.mp4")) == tally.frames


def test_frames_that_are_gone_without_a_trace_are_noticed_by_their_times(tmp_path: Path) -> None:
    source = record(tmp_path / "in.ts", options={"g": "1"}, pix_fmt="yuv420p")
    spoilt(source, 0.5, 3000)
    tally = read(source)
    assert tally.frames + tally.holes == 30
    assert tally.frames < 30
    assert any("seem to be missing" in x for x in tally.warnings)


def test_uneven_times_are_no_damage(film) -> None:
    tally = read(film(frames=panned(8), times=[0, 40, 100, 160, 170, 400, 1000, 1010]))
    assert (tally.missing, tally.warnings) == (0, ())


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_times_are_those_of_the_frames_whatever_the_damage(tmp_path: Path, name: str) -> None:
    """Frames and times are read in two passes, which must agree."""
    path = long(tmp_path / name)
    random = np.random.default_rng(1)
    whole = path.read_bytes()
    for _ in range(4):
        broken = bytearray(whole)
        for place in random.integers(600, len(broken), 20):
            broken[place] ^= 0xFF
        path.write_bytes(broken)
        with contextlib.suppress(ImageError):
            assert [x.time for x in decode.shots(path)] == list(decode.times(path))


def test_a_film_of_another_size_in_the_middle_is_scaled(tmp_path: Path) -> None:
    """Recordings of calls do that."""
    av = pytest.importorskip("av")
    path = tmp_path / "in.mkv"
    sizes = [(64, 48)] * 3 + [(32, 24)] * 3
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for i, (width, height) in enumerate(sizes):
            encoder = av.CodecContext.create("mjpeg", "w")
            encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
            encoder.time_base = Fraction(1, 25)
            picture = Image.fromarray(panned(6)[i]).resize((width, height))
            frame = av.VideoFrame.from_image(picture).reformat(format="yuvj420p")
            frame.pts = i
            for packet in [*encoder.encode(frame), *encoder.encode(None)]:
                packet.stream = stream
                output.mux(packet)
    seen = list(decode.shots(path))
    assert [x.image.shape for x in seen] == [(48, 64, 3)] * 6
    assert np.abs(seen[5].image.astype(int) - panned(6)[5]).mean() < 12


def test_a_damaged_time_does_not_cost_the_film(film, tmp_path: Path) -> None:
    """With gaps of weeks, containers refuse the film when all its frames are dreamed."""
    weeks = 3 * 7 * 86400 * 1000
    source = film("in.mkv", panned(6), times=[0, 40, 80, weeks, weeks + 40, weeks + 80])
    assert list(decode.times(source)) == [Fraction(x, 25) for x in range(6)]
    encode.write(decode.shots(source), tmp_path / "out.mov", Fraction(25), time_base=Fraction(1, 1000))
    assert len(played(tmp_path / "out.mov")) == 6
