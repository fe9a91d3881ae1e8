"""Reading films: order, times and rotation; files that are not films, and hostile ones."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ImageError
from engine.films import decode
from tests.engine.films.conftest import panned
from tests.engine.films.recorded import record

pytest.importorskip("av")


def test_frames_in_order_with_their_times(film) -> None:
    frames = panned(6)
    path = film(frames=frames, times=[0, 40, 100, 160, 170, 400])
    seen = list(decode.shots(path))
    assert [x.time for x in seen] == [Fraction(x, 1000) for x in (0, 40, 100, 160, 170, 400)]
    assert list(decode.times(path)) == [x.time for x in seen]
    for before, after in zip(frames, seen, strict=True):
        assert np.abs(before.astype(int) - after.image).mean() < 4


def test_the_properties_of_a_film(film) -> None:
    found = decode.look(film(sound=True))
    assert (found.shape, found.frames, found.has_sound, found.warnings) == ((48, 64), 6, True, ())
    assert found.rate == 25
    assert not decode.look(film("mute.mkv")).has_sound


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_films_of_turned_phones_are_upright(film, turned: int) -> None:
    frames = panned(2)
    upright = np.rot90(frames[0], turned // 90)
    path = film(frames=frames, turned=turned)
    assert decode.look(path).shape == upright.shape[:2]
    seen = next(decode.shots(path)).image
    assert np.abs(upright.astype(int) - seen).mean() < 4


def test_what_is_not_a_film_is_refused(film, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "text.mp4").write_text("no film")
    (tmp_path / "empty.mp4").write_bytes(b"")
    whole = film().read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    for name in ("text.mp4", "empty.mp4", "cut.mp4", "none.mp4", "."):
        with pytest.raises(ImageError):
            decode.look(tmp_path / name)
    monkeypatch.setattr(decode, "MOST", 1000)
    with pytest.raises(ImageError, match="too large"):
        decode.look(film())


def test_a_playlist_is_not_a_film(film, tmp_path: Path) -> None:
    """FFmpeg would follow a playlist to any file or address."""
    path = film()
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile {path.name}\n")
    (tmp_path / "play.mp4").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{path}\n#EXT-X-ENDLIST\n"
    )
    for name in ("list.mp4", "play.mp4"):
        with pytest.raises(ImageError):
            decode.look(tmp_path / name)


def test_a_name_is_never_an_address(film, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    film("a:b.mp4")
    assert decode.look(Path("a:b.mp4")).shape == (48, 64)
    with pytest.raises(ImageError, match="does not exist"):
        decode.look(Path("http://localhost/film.mp4"))


def test_damage_in_the_middle_is_reported(film, tmp_path: Path) -> None:
    """Whatever the damage, there are frames or an ImageError, never anything else."""
    content = bytearray(film("in.mkv", panned(40)).read_bytes())
    random = np.random.default_rng(0)
    for i in range(8):
        broken = bytearray(content)
        for place in random.integers(300, len(content), 30):
            broken[place] ^= 0xFF
        (tmp_path / f"{i}.mkv").write_bytes(broken)
        with contextlib.suppress(ImageError):
            assert len(list(decode.shots(tmp_path / f"{i}.mkv"))) <= 40


def test_frames_of_an_avi_come_in_steady_steps(tmp_path: Path) -> None:
    """It states no times, and with frames that look ahead, FFmpeg's guesses are in the order of decoding."""
    path = record(tmp_path / "in.avi", panned(20), pix_fmt="yuv420p", options={"bf": "3"})
    assert list(decode.times(path)) == [Fraction(x, 25) for x in range(20)]


def test_a_cover_is_no_film(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "song.m4a"), "w", format="mp4") as output:
        voice = output.add_stream("aac", rate=44100, layout="mono")
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        heard = av.AudioFrame.from_ndarray(np.zeros((1, 4410), np.float32), "fltp", "mono")
        heard.sample_rate = 44100
        picture = av.VideoFrame.from_ndarray(panned(1)[0], "rgb24").reformat(format="yuvj420p")
        packets = [*voice.encode(heard), *voice.encode(None), *cover.encode(picture), *cover.encode(None)]
        for packet in packets:
            output.mux(packet)
    with pytest.raises(ImageError, match="contains no video"):
        decode.look(tmp_path / "song.m4a")
