"""Frames: what is written is read, by NumPy and by the plug-in too, and nothing hostile gets through."""

from __future__ import annotations

import io
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.errors import WireError
from engine.pipe import wire

SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 4))
PICTURES = st.one_of(
    arrays.arrays(np.uint8, SHAPES),
    arrays.arrays(
        np.dtype("<f4"), SHAPES, elements=st.floats(allow_nan=False, allow_infinity=False, width=32)
    ),
)


def as_npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def as_frame(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    wire.write(file.write, array)
    return file.getvalue()


def read(read_some: wire.Read) -> np.ndarray | None:
    header = wire.read_header(read_some)
    return None if header is None else wire.read_pixels(read_some, header)


def with_header(text: str | bytes, version: bytes = b"\x01\x00", length: int | None = None) -> bytes:
    raw = text if isinstance(text, bytes) else text.encode("latin-1")
    return b"\x93NUMPY" + version + struct.pack("<H", len(raw) if length is None else length) + raw


def described(descr: str = "'|u1'", order: str = "False", shape: str = "(2, 2, 3)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


@pytest.mark.slow
@given(PICTURES, st.integers(1, 200))
def test_what_is_written_is_read_however_it_arrives(picture: np.ndarray, most: int) -> None:
    stream = io.BytesIO(as_frame(picture) + as_npy(picture))
    taken: list[bytes] = []

    def take(part: memoryview) -> int:
        taken.append(bytes(part[:most]))
        return len(taken[-1])

    for _ in range(2):
        got = read(lambda count: stream.read(min(count, most)))
        assert got is not None
        assert (got.dtype, got.shape, got.tobytes()) == (picture.dtype, picture.shape, picture.tobytes())
    assert read(stream.read) is None
    wire.write(take, picture)
    assert b"".join(taken) == as_frame(picture)


@pytest.mark.slow
@given(PICTURES)
def test_numpy_reads_what_we_write_and_finds_the_length_that_it_expects(picture: np.ndarray) -> None:
    got = np.load(io.BytesIO(as_frame(picture)))
    assert got.dtype == picture.dtype
    assert got.tobytes() == picture.tobytes()
    assert as_frame(picture) == as_npy(picture)


@given(st.integers(1, 400_000_000), st.integers(1, 400_000_000), st.integers(1, 4))
def test_headers_have_128_bytes(height: int, width: int, channels: int) -> None:
    assert len(bytes(wire.Header("<f4", (height, width, channels)))) == 128


def test_not_contiguous_and_big_endian_arrays_are_written_right() -> None:
    picture = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    for array in (picture[:, ::-1], picture.transpose(1, 0, 2)[..., :3], picture.astype(">f4")):
        got = read(io.BytesIO(as_frame(array)).read)
        assert got is not None
        np.testing.assert_array_equal(got, array)


@pytest.mark.slow
@given(PICTURES)
def test_the_plug_in_and_the_engine_understand_each_other(picture: np.ndarray) -> None:
    frames = pytest.importorskip("gimp_plugin.deepdream_common.frames")
    kind = picture.dtype.str
    stream = io.BytesIO(as_frame(picture))
    assert frames.read_header(stream.read) == (kind, *picture.shape)
    assert stream.read() == picture.tobytes()
    sent = frames.header(kind, *picture.shape) + picture.tobytes()
    assert len(picture.tobytes()) == frames.size(kind, *picture.shape)
    got = read(io.BytesIO(sent).read)
    assert got is not None
    assert (got.dtype, got.tobytes()) == (picture.dtype, picture.tobytes())


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 3)}",
        '{"shape":(2,2,3),"descr":"|u1","fortran_order":False}',
        "{ 'fortran_order' : False , 'shape' : ( 2 , 2 , 3 , ) , 'descr' : '|u1' , }   \n",
    ],
)
def test_other_writers_spellings(text: str) -> None:
    header = wire.read_header(io.BytesIO(with_header(text)).read)
    assert header == wire.Header("|u1", (2, 2, 3))


class Boom:
    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("unpickled",))


GOOD = as_npy(np.zeros((2, 2, 3), np.uint8))

HOSTILE = {
    "garbage": b"GET / HTTP/1.1\r\n\r\n",
    "a picture file": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "a pickle": pickle.dumps(Boom()),
    "half the magic": b"\x93NUM",
    "half the preamble": GOOD[:9],
    "half the header": GOOD[:60],
    "no pixels": GOOD[:128],
    "a pixel too few": GOOD[:-1],
    "version 2": b"\x93NUMPY\x02\x00" + struct.pack("<I", 118) + GOOD[10:],
    "version 3": b"\x93NUMPY\x03\x00" + struct.pack("<I", 118) + GOOD[10:],
    "version 1.1": b"\x93NUMPY\x01\x01" + GOOD[8:],
    "header said to be shorter": GOOD[:8] + struct.pack("<H", 40) + GOOD[10:],
    "header said to be longer": GOOD[:8] + struct.pack("<H", 125) + GOOD[10:],
    "header said to be huge": GOOD[:8] + struct.pack("<H", 65535) + GOOD[10:],
    "empty header": with_header(""),
    "no dict": with_header("[1, 2]"),
    "empty dict": with_header("{}"),
    "a key too few": with_header("{'descr': '|u1', 'shape': (2, 2, 3)}"),
    "a key too many": with_header(described()[:-3] + " 'more': False}"),
    "a key twice": with_header(
        "{'descr': '|u1', 'descr': '|u1', 'shape': (2, 2, 3), 'fortran_order': False}"
    ),
    "code": with_header(described(shape="(2, 2, __import__('os').getpid())")),
    "code as descr": with_header(described(descr="__import__('os').getpid()")),
    "code behind": with_header(described().strip() + ".__class__"),
    "nested": with_header("{" * 2000 + "}" * 2000),
    "deep brackets": with_header(described(shape="(" * 1500 + ")" * 1500)),
    "a long chain of signs": with_header(described(shape="(" + "-" * 3500 + "2, 2, 3)")),
    "a long chain of words": with_header(described(order="not " * 900 + "True")),
    "a long sum": with_header(described(shape="(2" + "+1" * 1500 + ", 2, 3)")),
    "Python 2's numbers": with_header(described(shape="(2L, 2L, 3L)")),
    "a leading zero": with_header(described(shape="(02, 2, 3)")),
    "one number as shape": with_header(described(shape="(12)")),
    "truth values as shape": with_header(described(shape="(True, True, True)")),
    "a shape as descr": with_header(described(descr="(2, 2)")),
    "a type of several": with_header(described(descr="'u1,u1'")),
    "a type that does not exist": with_header(described(descr="'x7'")),
    "a type too large": with_header(described(descr="'V999999999'")),
    "quotes that do not match": with_header(described(descr="'|u1\"")),
    "a zero byte": with_header(described() + "\0"),
    "objects": as_npy(np.full((2, 2, 3), None)),
    "objects, pickled in": with_header(described("'|O'")) + pickle.dumps(Boom()),
    "a record": as_npy(np.zeros((2, 2, 3), [("r", "u1")])),
    "big endian": as_npy(np.zeros((2, 2, 3), ">f4")),
    "a type by a name that NumPy warns of": with_header(described("'a5'")),
    "doubles": as_npy(np.zeros((2, 2, 3))),
    "16 bits": as_npy(np.zeros((2, 2, 3), np.uint16)),
    "signed": as_npy(np.zeros((2, 2, 3), np.int8)),
    "truth values": as_npy(np.zeros((2, 2, 3), bool)),
    "Fortran order": as_npy(np.asfortranarray(np.zeros((2, 2, 3), np.uint8))),
    "order of another kind": with_header(described(order="'no'")),
    "two sides": as_npy(np.zeros((2, 2), np.uint8)),
    "four sides": as_npy(np.zeros((1, 2, 2, 3), np.uint8)),
    "no sides": as_npy(np.zeros((), np.uint8)),
    "no height": as_npy(np.zeros((0, 2, 3), np.uint8)),
    "no width": as_npy(np.zeros((2, 0, 3), np.uint8)),
    "no channels": as_npy(np.zeros((2, 2, 0), np.uint8)),
    "five channels": as_npy(np.zeros((2, 2, 5), np.uint8)),
    "a negative side": with_header(described(shape="(-2, 2, 3)")),
    "two negative sides": with_header(described(shape="(-2, -2, 3)")),
    "a side with a fraction": with_header(described(shape="(2.0, 2, 3)")),
    "a side in other digits": with_header(described(shape="(\xb2, 2, 3)")),
    "huge": with_header(described(shape="(1000000, 1000000, 4)")),
    "just too large": with_header(described(shape="(20001, 20000, 1)")),
    "beyond 64 bits": with_header(described(shape="(4294967296, 4294967296, 4)")),
    "beyond 64 bits, zero when cut": with_header(described(shape="(9223372036854775808, 2, 4)")),
    "thousands of digits": with_header(described(shape=f"({'9' * 3000}, 1, 1)")),
    "not a number": as_npy(np.array([[[0.5, np.nan, 0.5]]], "<f4")),
    "infinite": as_npy(np.array([[[0.5, np.inf]]], "<f4")),
    "infinite the other way": as_npy(np.array([[[-np.inf]]], "<f4")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_frames_are_refused_in_words(name: str) -> None:
    with pytest.raises(WireError) as caught:
        read(io.BytesIO(HOSTILE[name]).read)
    message = str(caught.value) + caught.value.hint
    assert message.isprintable()
    assert len(message) < 300


@pytest.mark.parametrize("shape", ["(20001, 20000, 1)", "(1, 400000001, 4)"])
def test_nothing_is_read_or_given_room_behind_the_header_of_a_frame_too_large(shape: str) -> None:
    stream = io.BytesIO(with_header(described("'<f4'", shape=shape)) + bytes(1000))
    with pytest.raises(WireError, match="400 million"):
        wire.read_header(stream.read)
    assert len(stream.read()) == 1000


def test_the_largest_frame_has_a_good_header() -> None:
    stream = io.BytesIO(with_header(described(shape="(20000, 20000, 4)")))
    assert wire.read_header(stream.read) == wire.Header("|u1", (20000, 20000, 4))


@pytest.mark.parametrize(
    "name", [x for x in HOSTILE if x.startswith(("deep", "a long", "Python 2", "nested"))]
)
def test_what_could_overwhelm_pythons_parser_never_reaches_it(name: str, monkeypatch) -> None:
    monkeypatch.setattr(np.lib.format, "read_array_header_1_0", lambda *_, **__: pytest.fail("reached"))
    with pytest.raises(WireError, match="cannot be understood"):
        wire.read_header(io.BytesIO(HOSTILE[name]).read)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(content: bytes) -> None:
    for stream in (io.BytesIO(content), io.BytesIO(b"\x93NUMPY\x01\x00" + content)):
        try:
            read(stream.read)
        except WireError:
            continue
        assert not content


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_one_wrong_byte_is_refused_or_harmless(position: int, value: int) -> None:
    content = bytearray(GOOD)
    content[position] = value
    try:
        got = read(io.BytesIO(content).read)
    except WireError:
        return
    assert got is not None
    assert got.size <= 12
