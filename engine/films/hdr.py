"""Colours of bright and of wide films in sRGB: the curves PQ and HLG, and primaries other than Rec. 709's.

The curves are those of ITU-R BT.2100, light is reduced as in Report BT.2390 (5.4.1), and the white of sRGB is
HDR's reference white (Report BT.2408).  Whatever is below the knee keeps its light; only highlights give way.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PQ: Final = 16
HLG: Final = 18
"""FFmpeg's numbers of the two curves."""

WHITE: Final = 203.0
"""Light of HDR's reference white, which becomes the white of sRGB, in cd/m²."""

BRIGHTEST: Final = 1000.0
"""Light from which highlights are white, in cd/m²."""

BT709: Final = 1

_D65: Final = (0.3127, 0.3290)

_DCI: Final = (0.314, 0.351)

PRIMARIES: Final = {
    BT709: (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *_D65),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65),  # Rec. 601 with 625 lines
    6: (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, *_D65),  # Rec. 601 with 525 lines
    7: (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, *_D65),  # SMPTE 240M
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),  # Rec. 2020
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_DCI),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65),  # Display P3
}
"""x and y of red, green, blue and white, by FFmpeg's number of the primaries."""

_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073

_LEVELS: Final = np.linspace(0, 1, 65536)


def is_srgb(transfer: int, primaries: int) -> bool:
    """Return whether colours with these numbers of FFmpeg are shown as they are."""
    return transfer not in {PQ, HLG} and (primaries == BT709 or primaries not in PRIMARIES)


def to_srgb(values: NDArray[np.uint16], transfer: int, primaries: int) -> NDArray[np.uint8]:
    """Turn colours [H, W, 3], 0 to 65535, with a transfer curve and primaries, into sRGB, 0 to 255.

    Colours that sRGB cannot show are clipped.  Unknown primaries of PQ and HLG count as Rec. 2020, as in all
    HDR films; other curves as that of sRGB, to which players treat them alike.
    """
    bright = transfer in {PQ, HLG}
    light = _light(transfer)[values]
    if bright:
        primaries = primaries if primaries in PRIMARIES else 9
        light *= _reduction(transfer, light)
    light = light @ _matrix(primaries).T
    places = (light.clip(0, 1) * np.float32(65535) + np.float32(0.5)).astype(np.uint16)
    return _shown()[places]


def pq(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return PQ's signal, 0 to 1, of light in cd/m²."""
    power = (light.clip(0) / 10000) ** _M1
    signal: NDArray[np.float64] = ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2
    return signal


def pq_light(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the light, in cd/m², of PQ's signal, 0 to 1."""
    power = signal ** (1 / _M2)
    light: NDArray[np.float64] = 10000 * ((power - _C1).clip(0) / (_C2 - _C3 * power)) ** (1 / _M1)
    return light


def reduced(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return light, in cd/m², with highlights up to BRIGHTEST fitted below WHITE."""
    peak, goal = pq(np.array([BRIGHTEST, WHITE]))
    most = goal / peak
    knee = 1.5 * most - 0.5
    signal = (pq(light) / peak).clip(0, 1)
    t = ((signal - knee) / (1 - knee)).clip(0)
    curve = (
        (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    )
    return pq_light(np.where(signal < knee, signal, curve) * peak)


@functools.lru_cache(maxsize=4)
def _light(transfer: int) -> NDArray[np.float32]:
    """Return the light of each 16-bit value; 1 is the white of sRGB, or for HLG the brightest of a scene."""
    if transfer == PQ:
        light = pq_light(_LEVELS) / WHITE
    elif transfer == HLG:
        light = np.where(_LEVELS <= 0.5, _LEVELS**2 / 3, (np.exp((_LEVELS - _C) / _A) + _B) / 12)
    else:
        light = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


def _reduction(transfer: int, light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what each place [H, W, 1] is multiplied by, so that hues stay."""
    if transfer == HLG:  # a scene's light becomes that of a screen of 1000 cd/m²
        luma = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
        gain = np.maximum(luma, 1e-6)[..., np.newaxis] ** np.float32(0.2) * np.float32(BRIGHTEST / WHITE)
    else:
        gain = np.ones((*light.shape[:2], 1), np.float32)
    places = np.sqrt(light.max(-1, keepdims=True) * gain * np.float32(WHITE / 10000))
    factor: NDArray[np.float32] = gain * np.interp(places, *_reductions()).astype(np.float32)
    return factor


@functools.lru_cache(maxsize=1)
def _reductions() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places, the root of light as a share of 10,000 cd/m², and the share that is left there."""
    places = np.linspace(0.0, 1.0, 4096)
    light = np.maximum(places**2 * 10000, 1e-6)
    return places, reduced(light) / light


@functools.lru_cache(maxsize=8)
def _matrix(primaries: int) -> NDArray[np.float32]:
    """Return the matrix from linear colours with these primaries to those of sRGB; white stays white."""
    matrix = np.linalg.inv(_xyz(BT709)) @ _xyz(primaries)
    return np.asarray(matrix / matrix.sum(1, keepdims=True), np.float32)


def _xyz(primaries: int) -> NDArray[np.float64]:
    """Return the matrix from linear colours to XYZ."""
    xy = np.array(PRIMARIES.get(primaries, PRIMARIES[BT709])).reshape(4, 2)
    xyz = np.c_[xy, 1 - xy.sum(1)] / xy[:, 1:]
    scale = np.linalg.solve(xyz[:3].T, xyz[3])
    return np.asarray(xyz[:3].T * scale)


@functools.lru_cache(maxsize=1)
def _shown() -> NDArray[np.uint8]:
    """Return the 8-bit sRGB value of each 16-bit light."""
    shown = np.where(_LEVELS <= 0.0031308, _LEVELS * 12.92, 1.055 * _LEVELS ** (1 / 2.4) - 0.055)
    levels: NDArray[np.uint8] = np.rint(shown * 255).astype(np.uint8)
    return levels
