# -*- coding: utf-8 -*-
"""The selection, sent to the engine as the alpha channel of a frame, for `--mask alpha`."""

from __future__ import unicode_literals

import struct

from .frames import ITEM_SIZE

_ON = {"|u1": b"\xff", "<f4": struct.pack(str("<f"), 1.0)}


def put_on(kind, channels, pixels, shares):
    """Return (channels, pixels) of a frame that is opaque where anything is selected, and nowhere else.

    kind, channels, pixels: of the frame, see `frames.header`; shares: how much each pixel is selected, a byte
    each.  Partly selected pixels are opaque too: the result is applied through the selection, which weakens
    it.
    """
    item, colours = ITEM_SIZE[kind], _colours(channels)
    old, new = item * channels, item * (colours + 1)
    masked = bytearray(len(pixels) // old * new)
    for at in range(item * colours):
        masked[at::new] = pixels[at::old]
    for at, byte in enumerate(bytearray(_ON[kind])):
        masked[item * colours + at :: new] = shares.translate(bytes(bytearray([0] + [byte] * 255)))
    return colours + 1, bytes(masked)


def take_off(kind, channels, pixels, dreamed):
    """Return `pixels` with the colours that the engine returned for `put_on`'s frame; alpha is unchanged."""
    item, colours = ITEM_SIZE[kind], _colours(channels)
    old, new = item * channels, item * (colours + 1)
    merged = bytearray(pixels)
    for at in range(item * colours):
        merged[at::old] = dreamed[at::new]
    return bytes(merged)


def _colours(channels):
    return 1 if channels <= 2 else 3
