"""What a new film takes over: sound, subtitles, chapters, titles; and what it cannot hold is told first."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ImageError
from engine.films import decode, encode, store, tracks, video
from engine.films.store import folder_of
from tests.engine.conftest import QUICK
from tests.engine.films.conftest import light, panned, played

av = pytest.importorskip("av")
pytest.importorskip("cv2")

SOUNDS = {
    "aac": "fltp",
    "ac3": "fltp",
    "flac": "s16",
    "mp2": "s16",
    "pcm_s16le": "s16",
    "pcm_u8": "u8",
    "pcm_f32le": "flt",
    "adpcm_ms": "s16p",
}
"""Codecs of sound and the samples that they take."""


def sounding(
    path: Path, codecs: dict[str, dict[str, str]], *, delay: float = 0.0, start: float = 0.0
) -> Path:
    """Record a film with sound in each of the codecs, with tags; in Matroska with subtitles and chapters."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        voices = [output.add_stream(x.rstrip("_"), rate=44100, layout="mono") for x in codecs]
        for voice, tags in zip(voices, codecs.values(), strict=True):
            voice.metadata.update(tags)
        if path.suffix == ".mkv":
            words = output.add_mux_stream("subrip")
            words.metadata["language"] = "fre"
            stream.metadata["title"] = "Pictures"
            output.metadata.update({"title": "My film", "artist": "Me", "location": "+48.1+11.5/"})
            output.set_chapters(
                [
                    chapter(1, 0, 400, "One"),
                    chapter(2, 400, 1000, "Two"),
                ]
            )
        output.start_encoding()
        for i, frame in enumerate(panned(25)):
            made = av.VideoFrame.from_ndarray(frame, "rgb24").reformat(format="yuv420p")
            made.pts, made.time_base = round(start * 25) + i, Fraction(1, 25)
            output.mux(stream.encode(made))
        output.mux(stream.encode(None))
        for voice, codec in zip(voices, codecs, strict=True):
            heard = tone(SOUNDS[codec.rstrip("_")])
            heard.pts = round((start + delay) * 44100)
            output.mux([*voice.encode(heard), *voice.encode(None)])
        if path.suffix == ".mkv":
            said = av.Packet(b"Bonjour")
            said.stream, said.pts, said.dts, said.duration = words, 100, 100, 500
            said.time_base = Fraction(1, 1000)
            output.mux(said)
    return path


def chapter(number: int, start: int, end: int, title: str) -> dict[str, object]:
    base = {"id": number, "start": start, "end": end, "time_base": Fraction(1, 1000)}
    return {**base, "metadata": {"title": title}}


def tone(kind: str) -> av.AudioFrame:
    wave = np.sin(np.arange(44100) / 10)[None]
    scale = {"s16": 20000, "s16p": 20000, "u8": 100}.get(kind, 1)
    values = (wave * scale + 128 * (kind == "u8")).astype(
        {"s16": "i2", "s16p": "i2", "u8": "u1"}.get(kind, "f4")
    )
    heard = av.AudioFrame.from_ndarray(values, kind, "mono")
    heard.sample_rate = 44100
    return heard


def described(path: Path) -> dict[str, object]:
    """What PyAV reads of a film beside its pictures: tags, chapters, and the bytes and times of packets."""
    with av.open(str(path)) as film:
        tags = {name.lower(): text for name, text in film.metadata.items()}
        streams = []
        for stream in film.streams:
            names = stream.metadata
            streams.append((stream.type, names.get("language"), names.get("title") or names.get("name")))
        chapters = [
            (*(round(float(x[y] * x["time_base"]), 3) for y in ("start", "end")), x["metadata"]["title"])
            for x in film.chapters()
        ]
    return {
        "title": tags.get("title"),
        "artist": tags.get("artist"),
        "streams": streams,
        "chapters": chapters,
    }


def packets(path: Path, index: int) -> tuple[list[bytes], list[float]]:
    with av.open(str(path)) as film:
        found = [x for x in film.demux(film.streams[index]) if x.dts is not None]
        return [bytes(x) for x in found], [float(x.pts * x.time_base) for x in found]


TWO = {"aac": {"language": "ger", "title": "Deutsch"}, "aac_": {"language": "eng", "title": "Comments"}}


@pytest.mark.slow
def test_tracks_chapters_and_titles_are_those_of_the_source(run, tmp_path: Path) -> None:
    source, target = sounding(tmp_path / "in.mkv", TWO, delay=0.5), tmp_path / "out.mkv"
    code, _, err = run("video", source, target, *QUICK)
    assert (code, "left out" in err) == (0, False)
    assert described(target) == described(source)
    for index in (1, 2, 3):
        before, after = packets(source, index), packets(target, index)
        assert before[0] == after[0]
        assert before[1] == pytest.approx(after[1], abs=0.002)
    assert packets(target, 1)[1][0] == pytest.approx(0.477, abs=0.002)
    with av.open(str(target)) as film:
        assert not [x for x in film.metadata if "location" in x.lower()]


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_other_containers_hold_most_of_it(tmp_path: Path, suffix: str) -> None:
    source, target = sounding(tmp_path / "in.mkv", TWO), (tmp_path / "out").with_suffix(suffix)
    taken, lost = tracks.chosen(source, target)
    assert lost == ("this film format cannot hold subtitles in srt (.mkv can): left out",)
    assert encode.write(decode.shots(source), target, Fraction(25), tracks=taken) == ()
    before, after = described(source), described(target)
    assert (after["title"], after["artist"]) == ("My film", "Me")
    assert after["streams"][1:3] == before["streams"][1:3]
    assert after["streams"][0][2] == "Pictures"
    assert after["chapters"] == before["chapters"]
    # What is told of the new film, when it is the source, is told of nothing else than these.
    assert tracks.chosen(target, tmp_path / "again.mkv")[1] == ()


@pytest.mark.parametrize("codec", SOUNDS)
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_sound_either_fits_or_is_told_before_the_first_frame(tmp_path: Path, codec: str, suffix: str) -> None:
    """Compared with what really becomes of it: no film fails at its end."""
    source = sounding(tmp_path / {"adpcm_ms": "in.avi", "pcm_u8": "in.avi"}.get(codec, "in.mkv"), {codec: {}})
    target = (tmp_path / "out").with_suffix(suffix)
    taken, lost = tracks.chosen(source, target)
    assert encode.write(list(decode.shots(source))[:3], target, Fraction(25), tracks=taken) == ()
    with av.open(str(target)) as film:
        fits = bool(film.streams.audio)
    assert fits == (not any("cannot hold sound" in x for x in lost))
    if fits:
        # The containers cut plain samples into pieces of other lengths.
        assert b"".join(packets(target, 1)[0]) == b"".join(packets(source, 1)[0])


def test_a_container_that_refuses_only_a_codec_s_header_is_found(tmp_path: Path) -> None:
    """QuickTime lists FLAC as a codec that it takes, and refuses it when the header is written."""
    source = sounding(tmp_path / "in.mkv", {"flac": {}})
    with av.open(io.BytesIO(), "w", format="mov") as output:
        assert "flac" in output.supported_codecs
    _, lost = tracks.chosen(source, tmp_path / "out.mov")
    assert any("cannot hold sound in flac (.mp4 and .mkv can)" in x for x in lost)


@pytest.mark.slow
def test_sound_can_be_left_out(run, tmp_path: Path) -> None:
    source, target = sounding(tmp_path / "in.mkv", {"aac": {}}), tmp_path / "out.mkv"
    code, _, err = run("video", source, target, "--no-sound", *QUICK)
    assert (code, "sound" in err) == (0, False)
    assert [x[0] for x in described(target)["streams"]] == ["video", "subtitle"]


def test_a_film_that_begins_late_begins_at_0(tmp_path: Path) -> None:
    """So do recordings of broadcasts, hours late; what lies between sound and pictures stays."""
    source, target = sounding(tmp_path / "in.ts", {"mp2": {}}, start=100, delay=0.2), tmp_path / "out.mp4"
    with av.open(str(source)) as film:
        begins = [float(x.start_time * x.time_base) for x in film.streams]
    assert min(begins) > 99
    taken, _ = tracks.chosen(source, target)
    encode.write(decode.shots(source), target, Fraction(25), time_base=Fraction(1, 90000), tracks=taken)
    with av.open(str(target)) as film:
        moved = [float(x.start_time * x.time_base) for x in film.streams]
    assert min(moved) == pytest.approx(0, abs=0.03)
    assert moved[1] - moved[0] == pytest.approx(begins[1] - begins[0], abs=0.03)


def test_damaged_sound_never_costs_the_film(tmp_path: Path, monkeypatch) -> None:
    source, target = sounding(tmp_path / "in.mkv", {"aac": {}}), tmp_path / "out.mp4"
    taken, _ = tracks.chosen(source, target)
    demuxed = tracks.Copier._next

    def backwards(copier: tracks.Copier) -> object:
        packet = demuxed(copier)
        if packet is not None and packet.dts == 302:  # a time before those that came
            packet.dts = packet.pts = -5
        return packet

    monkeypatch.setattr(tracks.Copier, "_next", backwards)
    lost = encode.write(decode.shots(source), target, Fraction(25), tracks=taken)
    assert lost == ("damaged pieces of sound or subtitles were left out: 1",)
    assert len(played(target)) == 25


def test_a_full_disk_loses_no_frame(tiny, tmp_path: Path, monkeypatch) -> None:
    source = sounding(tmp_path / "in.mkv", {"aac": {}})

    def project():
        return video.project(source, tmp_path / "out.mp4", light(tiny), tiny, video.Carrying())[0]

    save = np.save

    def full(file, array, **options):
        if len(list(folder_of(tmp_path / "out.mp4").glob("0*.png"))) == 4:
            raise OSError(28, "No space left on device")
        save(file, array, **options)

    monkeypatch.setattr(store.np, "save", full)
    made = []
    with pytest.raises(ImageError, match="No space left on device") as caught:
        made.extend(x.number for x in project().make())
    assert made == [1, 2, 3]
    assert "make room there, then run the same command again" in caught.value.hint
    monkeypatch.undo()
    assert next(project().make()).number == 4


@pytest.mark.slow
def test_a_full_disk_at_the_end_loses_no_frame(tiny, tmp_path: Path, monkeypatch) -> None:
    source = sounding(tmp_path / "in.mkv", {"aac": {}})
    made = video.project(source, tmp_path / "out.mp4", light(tiny), tiny, video.Carrying())[0]

    def full(*words, **options):
        raise ImageError("out.mp4 cannot be written: No space left on device")

    monkeypatch.setattr(encode, "write", full)
    with pytest.raises(ImageError) as caught:
        list(made.make())
    assert "run the same command again" in caught.value.hint
    assert len(list(folder_of(tmp_path / "out.mp4").glob("0*.png"))) == 25
    monkeypatch.undo()
    assert [x.number for x in made.make()] == [25]
    assert len(played(tmp_path / "out.mp4")) == 25


def test_a_disk_that_is_full_at_once_leaves_no_folder(tiny, tmp_path: Path, monkeypatch) -> None:
    source = sounding(tmp_path / "in.mkv", {"aac": {}})
    made = video.project(source, tmp_path / "out.mp4", light(tiny), tiny, video.Carrying())[0]

    def full(file, array, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.np, "save", full)
    with pytest.raises(ImageError, match="No space left on device"):
        list(made.make())
    assert [x.name for x in tmp_path.iterdir()] == ["in.mkv"]


@pytest.mark.slow
def test_frames_that_are_made_need_no_more_room(tiny, tmp_path: Path, monkeypatch) -> None:
    source = sounding(tmp_path / "in.mkv", {"aac": {}})
    made = video.project(source, tmp_path / "out.mp4", light(tiny), tiny, video.Carrying())[0]
    frames = made.make()
    for frame in frames:
        if frame.number == 20:
            break
    frames.close()
    assert made.frames is not None
    usage = type("Usage", (), {"free": (made.frames - 20) * 48 * 64 * 5 // 2})
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: usage)
    made.make()
    usage.free -= 1
    with pytest.raises(ImageError, match="on the disk, but only"):
        made.make()
