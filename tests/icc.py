"""Colour profiles made on the spot, so that the tests need none of anybody's."""

from __future__ import annotations

import struct

import numpy as np

DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
PROPHOTO = ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491))
WHITE = (0.96420, 1.0, 0.82491)


def rgb(lights: tuple[tuple[float, ...], ...], curve: bytes) -> bytes:
    """An RGB profile of three lights, XYZ each, behind the same curve."""
    tags = {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve, b"wtpt": xyz(WHITE)}
    tags |= {name: xyz(x) for name, x in zip((b"rXYZ", b"gXYZ", b"bXYZ"), lights, strict=True)}
    return profile(b"mntr", b"RGB ", b"XYZ ", tags)


def grey(curve: bytes) -> bytes:
    return profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": curve, b"wtpt": xyz(WHITE)})


def cmyk(lightness: int) -> bytes:
    """A CMYK profile to which any coloured ink is a grey of this lightness, 0 to 255, and black is black."""
    lights = [255, 0, *(0 if corner % 2 else lightness for corner in range(2, 16))]
    corners = bytes(v for light in lights for v in (light, 128, 128))
    ramp = bytes(range(256))
    matrix = struct.pack(">9i", *(int(x) << 16 for x in np.eye(3).ravel()))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + 4 * ramp + corners + 3 * ramp
    return profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table, b"wtpt": xyz(WHITE)})


def rgb_by_table(lightness: int) -> bytes:
    """An RGB profile that is no matrix: white is white, and black a grey of this lightness."""
    levels = [lightness + (255 - lightness) * sum(x) // 3 for x in np.ndindex(2, 2, 2)]
    corners = bytes(v for level in levels for v in (level, 128, 128))
    ramp = bytes(range(256))
    matrix = struct.pack(">9i", *(int(x) << 16 for x in np.eye(3).ravel()))
    forward = b"mft1\0\0\0\0" + bytes([3, 3, 2, 0]) + matrix + 3 * ramp + corners + 3 * ramp
    back = bytes(v for x in np.ndindex(2, 2, 2) for v in (255 * x[0],) * 3)
    backward = b"mft1\0\0\0\0" + bytes([3, 3, 2, 0]) + matrix + 3 * ramp + back + 3 * ramp
    return profile(b"scnr", b"RGB ", b"Lab ", {b"A2B0": forward, b"B2A0": backward, b"wtpt": xyz(WHITE)})


def gamma(exponent: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(exponent * 256))


def table(values: np.ndarray) -> bytes:
    content = struct.pack(">I", len(values)) + np.rint(values * 65535).astype(">u2").tobytes()
    return b"curv\0\0\0\0" + content + b"\0" * (len(content) % 4)


def parametric(kind: int, *numbers: float) -> bytes:
    return b"para\0\0\0\0" + struct.pack(f">Hxx{len(numbers)}i", kind, *(round(x * 65536) for x in numbers))


SRGB_CURVE = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(x * 65536) for x in values))


def profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    name = b"made by a test"
    description = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + b"\0" + b"\0" * (8 + 3 + 67)
    tags = {b"desc": description, b"cprt": b"text\0\0\0\0nobody's\0", **tags}
    directory, content = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        directory += struct.pack(">4sII", tag, start + len(content), len(data))
        content += data + b"\0" * (-len(data) % 4)
    size = start + len(content)
    header = struct.pack(
        ">I4sI4s4s4s12s4s", size, b"\0" * 4, 0x02400000, kind, space, connection, b"\0" * 12, b"acsp"
    )
    header += b"\0" * 28 + struct.pack(">3i", *(round(x * 65536) for x in WHITE))
    return header.ljust(128, b"\0") + directory + content
