"""Damaged frames for `pipe`: headers that lie, pixels that end early, several frames in a row."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from random import Random

import numpy as np

from tests.fuzz.case import LIGHT, TINY, Case, pixels
from tests.fuzz.mutate import damaged

TYPES = ("|u1", "<f4", ">f4", "<f8", "|O", "<U9", "|V8", "<i4", "", "[('a','|u1')]", "|u1'")
SHAPES = (
    "(18, 26, 3)", "(18, 26, 4)", "(18, 26, 1)", "(18, 26, 5)", "(18, 26)", "()", "(0, 26, 3)", "(-1, 26, 3)",
    "18", "(99999999, 99999999, 3)", "(18, 26, True)", "(1e3, 2, 3)", "(18L, 26, 3)", "(((((1)))))",
    "(18, 26, 3, 1)",
)  # fmt: skip


def make(random: Random) -> Case:
    """Return one to three frames, the last of them damaged."""
    sound = [frame(random.randrange(4)) for _ in range(random.choice((0, 0, 1, 2)))]
    if random.random() < 0.6:
        last, what = damaged(random, frame(random.randrange(4)))
    else:
        last, what = _claimed(random)
    words = ("pipe", "--model", str(TINY), "--layers", "mixed0,mixed1", *LIGHT)
    # 3: a sound frame may be too small for the model.
    return Case(
        f"{len(sound)} frames before {what}", words, frozenset({3, 6}), stdin=b"".join((*sound, last))
    )


def _claimed(random: Random) -> tuple[bytes, str]:
    """Return a frame whose header says what its pixels are not."""
    kind, shape = random.choice(TYPES), random.choice(SHAPES)
    order = random.choice(("False", "False", "True", "0", "None"))
    text = f"{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}"
    if random.random() < 0.2:
        text = text[: random.randrange(len(text))] + random.choice(("", "[" * 900, "#", "\\", "(" * 90))
    raw = (text + " " * random.choice((0, 0, 20, 5000))).encode() + b"\n"
    version = random.choice((b"\x01\x00", b"\x01\x00", b"\x01\x00", b"\x02\x00", b"\x00\x01", b"\xff\xff"))
    length = min(len(raw) + random.choice((0, 0, 0, 1, -1, 4000)), 65535)
    body = bytes(random.choice((0, 1, 18 * 26 * 3, 18 * 26 * 4)))
    return b"\x93NUMPY" + version + length.to_bytes(2, "little") + raw + body, text[:100]


@cache
def frame(kind: int) -> bytes:
    """Return a sound frame: colours or grey with alpha, of 8 bits or float."""
    values = pixels(18, 26)
    if kind % 2:
        values = np.ascontiguousarray(values[..., :2])
    buffer = BytesIO()
    np.save(buffer, values.astype("<f4") / 255 if kind > 1 else values)
    return buffer.getvalue()
