"""A small picture in each format that is read, made by Pillow where it writes it, otherwise by hand."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
from PIL import Image

from engine.files import images
from engine.files.formats import FORMATS
from engine.pictures.picture import Picture
from tests.engine.conftest import as_file, noise

HEIGHT, WIDTH = 12, 16


def sample(form: str) -> bytes:
    """A file of this format, of HEIGHT x WIDTH pixels unless the format chooses."""
    if form in BY_HAND:
        return BY_HAND[form]()
    if form in {"HEIF", "JXL"}:
        suffix = {"HEIF": ".heic", "JXL": ".jxl"}[form]
        return images.encode(Picture(np.asarray(noise(HEIGHT, WIDTH))), FORMATS[suffix])[0]
    mode = {"GIF": "L", "XBM": "1", "MSP": "1"}.get(form, "RGB")
    return as_file(noise(HEIGHT, WIDTH, mode), form).getvalue()


def _psd(channels: int = 3) -> bytes:
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, channels, HEIGHT, WIDTH, 8, 3)
    return head + b"\0" * 12 + b"\0\0" + bytes(range(HEIGHT * WIDTH)) * channels


def _bitmap(height: int) -> bytes:
    return struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, 24, 0, 0, 0, 0, 0, 0) + b"\7" * (
        height * WIDTH * 3
    )


def _cur() -> bytes:
    bitmap = _bitmap(2 * HEIGHT)
    return b"\0\0\2\0\1\0" + struct.pack("<BBBBHHII", WIDTH, HEIGHT, 0, 0, 0, 0, len(bitmap), 22) + bitmap


def _dcx() -> bytes:
    return struct.pack("<III", 0x3ADE68B1, 12, 0) + as_file(noise(HEIGHT, WIDTH), "PCX").getvalue()


def _sun() -> bytes:
    size = HEIGHT * WIDTH * 3
    return struct.pack(">8I", 0x59A66A95, WIDTH, HEIGHT, 24, size, 1, 0, 0) + b"\7" * size


def _xpm() -> bytes:
    rows = ",\n".join(f'"{"ab" * (WIDTH // 2)}"' for _ in range(HEIGHT))
    head = f'"{WIDTH} {HEIGHT} 2 1",\n"a c #ff0000",\n"b c #000000",\n'
    return f"/* XPM */\nstatic char *x[] = {{\n{head}{rows}\n}};\n".encode()


def _fli() -> bytes:
    pixels = bytes(range(HEIGHT * WIDTH))
    part = struct.pack("<IH", 6 + len(pixels), 16) + pixels  # a copy
    frame = struct.pack("<IHH8x", 16 + len(part), 0xF1FA, 1) + part
    head = struct.pack("<IHHHHHHI", 128 + len(frame), 0xAF12, 1, WIDTH, HEIGHT, 8, 3, 50)
    return head.ljust(128, b"\0") + frame


def _pcd() -> bytes:
    return (b"\0" * 2048 + b"PCD_IPI").ljust(96 * 2048, b"\0") + b"\x80" * (768 * 512 * 3 // 2)


BY_HAND: dict[str, Callable[[], bytes]] = {
    "PSD": _psd,
    "CUR": _cur,
    "DCX": _dcx,
    "SUN": _sun,
    "XPM": _xpm,
    "FLI": _fli,
    "PCD": _pcd,
    "ICNS": lambda: mac_icon(noise(128, 128)).getvalue(),
}

EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 12\n%%EndComments\n"
    b"newpath 0 0 moveto 16 12 lineto stroke\nshowpage\n%%EOF\n"
)


def psd_of(channels: int) -> io.BytesIO:
    return io.BytesIO(_psd(channels))


def icon(inside: Image.Image) -> io.BytesIO:
    """A Windows icon that says 16 x 16, around a PNG picture that may say otherwise."""
    content = as_file(inside, "PNG").getvalue()
    head = b"\0\0\1\0\1\0" + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(content), 22)
    return io.BytesIO(head + content)


def mac_icon(inside: Image.Image) -> io.BytesIO:
    """The same for macOS."""
    content = as_file(inside, "PNG").getvalue()
    entry = b"ic07" + struct.pack(">I", 8 + len(content)) + content
    return io.BytesIO(b"icns" + struct.pack(">I", 8 + len(entry)) + entry)


def many_scans(count: int) -> bytes:
    """A progressive JPEG that draws over its picture so many times more; each time takes ten bytes."""
    content = as_file(noise(HEIGHT, WIDTH), "JPEG", progressive=True).getvalue()
    again = b"\xff\xda\0\x08\x01\x01\0\0\0\x10"  # the first component's averages, a bit more exactly
    return content[:-2] + count * again + b"\xff\xd9"


def broken_fax() -> bytes:
    """A TIFF file of a fax with a code that there is none of; libtiff complains, and goes on."""
    values = np.random.default_rng(0).integers(0, 2, (64, 64)).astype(bool)
    content = bytearray(as_file(Image.fromarray(values), "TIFF", compression="group4").getvalue())
    with Image.open(io.BytesIO(content)) as image:
        place = image.tag_v2[273][0]
    content[place + 40 : place + 44] = b"\1\2\3\4"
    return bytes(content)
