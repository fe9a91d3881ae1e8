"""Colour profiles: from a file's own colours to the sRGB that the network sees, and back.

Profiles of a matrix and three curves, as cameras, screens and working spaces have, are computed here in
floating point, so no depth is lost.  All others are sampled with Little CMS, which comes with Pillow, and
interpolated.  Colours are relative to white (ICC.1:2022, annexes E and F).  Nothing here raises: a profile
that makes no sense counts as sRGB, as in most programs.
"""

from __future__ import annotations

import contextlib
import functools
import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

SAMPLES: Final = 65536
"""Places at which a profile's curve is kept: each value of 16 bits."""

GRID: Final = np.linspace(0, 1, SAMPLES)
"""The places."""

MESH: Final = 33
"""Places along each axis at which a profile other than a matrix is sampled."""

LARGEST_PROFILE: Final = 16_000_000
"""Bytes; those of printers have 3 million at most."""

SRGB: Final = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)
"""Red, green and blue of sRGB as XYZ under D50, in columns, as its profiles have them."""

ALIKE: Final = 2e-3
"""How far a profile's colours may be from sRGB to count as that."""


class Space(Protocol):
    """An RGB colour space that is not sRGB."""

    def to_srgb(self, values: Floats) -> Floats:
        """Turn colours [..., 3], 0 to 1, into sRGB; what sRGB cannot show is clipped."""

    def from_srgb(self, values: Floats) -> Floats:
        """Turn sRGB [..., 3], 0 to 1, into colours of this space, clipped where it is the smaller one."""


@functools.lru_cache(maxsize=8)
def space_of(icc: bytes | None) -> Space | None:
    """Return the space of an RGB profile; None if that is sRGB, or the profile is not usable."""
    if not icc or icc[16:20] != b"RGB ":
        return None
    # Damaged profiles raise exceptions of every kind, and their curves leave the range of floats: NumPy
    # would warn of that.  Other programs show such pictures all the same.
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        tags = _tags(icc)
        space = _Mesh.sampled(icc) if b"A2B0" in tags else _Matrix.read(tags)
        return None if _is_srgb(space) else space
    return None


def grey_curve(icc: bytes) -> NDArray[np.float64] | None:
    """Return the sRGB value of each 16-bit grey under a grey profile; None if the profile is not usable."""
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        return _encode(_curve(_tags(icc)[b"kTRC"]))
    return None


def _is_srgb(space: Space) -> bool:
    shades = np.linspace(0, 1, 9)
    values = np.stack(np.meshgrid(shades, shades, shades), axis=-1).astype(np.float32)
    # From sRGB, where nothing is clipped: a wider space has other values for the same colours.
    return bool(np.abs(space.from_srgb(values) - values).max() < ALIKE)


def _tags(icc: bytes) -> dict[bytes, bytes]:
    if len(icc) > LARGEST_PROFILE:
        raise ValueError("an absurdly large profile")
    (count,) = struct.unpack_from(">I", icc, 128)
    tags = {}
    for place in range(min(count, 200)):
        name, offset, size = struct.unpack_from(">4sII", icc, 132 + 12 * place)
        tags[name] = icc[offset : offset + size]
    return tags


@dataclass(frozen=True, eq=False)
class _Matrix:
    """A space of three primaries, each with a tone curve."""

    forward: Floats
    """Amount of each light, 0 to 1, at SAMPLES even places of its value, [3, SAMPLES]."""

    backward: Floats
    """Value of each light, 0 to 1, at SAMPLES even places of the square root of its amount, [3, SAMPLES]."""

    to_linear_srgb: Floats
    """Matrix from amounts of light to linear sRGB."""

    from_linear_srgb: Floats
    """Matrix from linear sRGB to amounts of light."""

    @classmethod
    def read(cls, tags: dict[bytes, bytes]) -> _Matrix:
        lights = np.column_stack([_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")])
        curves = np.stack([_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")])
        # Square roots, because values are dense where there is little light.
        inverse = np.stack([np.interp(GRID**2, curve, GRID) for curve in curves])
        matrix = np.linalg.inv(SRGB) @ lights
        back = np.linalg.inv(matrix)  # raises if the matrix is singular
        return cls(*(x.astype(np.float32) for x in (curves, inverse, matrix, back)))

    def to_srgb(self, values: Floats) -> Floats:
        # The nearest place is exact enough: only the network sees these colours.
        places = _places(values)
        light = np.stack([curve[places[..., i]] for i, curve in enumerate(self.forward)], axis=-1)
        shown: Floats = _encoded()[_places(light @ self.to_linear_srgb.T)]
        return shown

    def from_srgb(self, values: Floats) -> Floats:
        light = (_at(_decoded(), values) @ self.from_linear_srgb.T).clip(0, 1)
        roots = np.sqrt(light)
        return np.stack([_at(curve, roots[..., i]) for i, curve in enumerate(self.backward)], axis=-1)


def _places(values: Floats) -> NDArray[np.uint16]:
    """Return the nearest of SAMPLES even places of values, which are clipped to 0..1."""
    places: NDArray[np.uint16] = (values.clip(0, 1) * np.float32(SAMPLES - 1) + np.float32(0.5)).astype(
        np.uint16
    )
    return places


def _at(curve: Floats, values: Floats) -> Floats:
    """Interpolate a curve of SAMPLES even places at values from 0 to 1."""
    places = values * np.float32(SAMPLES - 1)
    before = places.astype(np.uint16)
    places -= before
    found: Floats = curve[before]
    places *= curve[np.minimum(before, SAMPLES - 2) + 1] - found
    found += places
    return found


@dataclass(frozen=True, eq=False)
class _Mesh:
    """A space that is known only at the points of a mesh, in steps of 1/255."""

    there: Floats
    """sRGB at the mesh's points in this space, [MESH, MESH, MESH, 3]."""

    back: Floats
    """This space's colours at the mesh's points in sRGB."""

    @classmethod
    def sampled(cls, icc: bytes) -> _Mesh:
        from PIL import Image, ImageCms  # noqa: PLC0415 - the rest does without

        shades = np.rint(np.linspace(0, 255, MESH))
        points = np.stack(np.meshgrid(shades, shades, shades, indexing="ij"), axis=-1).astype(np.uint8)
        image = Image.fromarray(points.reshape(MESH, MESH * MESH, 3))
        own = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        srgb = ImageCms.createProfile("sRGB")
        meshes = []
        for source, target in ((own, srgb), (srgb, own)):
            transform = ImageCms.buildTransform(
                source, target, "RGB", "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC
            )
            found = np.asarray(ImageCms.applyTransform(image, transform), np.float32) / np.float32(255)
            meshes.append(found.reshape(points.shape))
        return cls(*meshes)

    def to_srgb(self, values: Floats) -> Floats:
        return _between(self.there, values)

    def from_srgb(self, values: Floats) -> Floats:
        return _between(self.back, values)


def _between(mesh: Floats, values: Floats) -> Floats:
    """Interpolate linearly along the three axes of a mesh."""
    places = values.clip(0, 1) * np.float32(MESH - 1)
    first = np.minimum(places.astype(np.intp), MESH - 2)
    share = places - first
    found = np.zeros(values.shape, np.float32)
    for corner in np.ndindex(2, 2, 2):
        weight = np.where(corner, share, 1 - share).prod(axis=-1, keepdims=True)
        found += weight * mesh[tuple(np.moveaxis(first + corner, -1, 0))]
    return found


def _xyz(tag: bytes) -> NDArray[np.float64]:
    if tag[:4] != b"XYZ ":
        raise ValueError("not an XYZ tag")
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes) -> NDArray[np.float64]:
    """Return an ICC curve at SAMPLES even places, rising, 0 to 1 (ICC.1:2022, 10.6 and 10.18)."""
    if tag[:4] == b"para":
        curve = _parametric(tag, GRID)
    elif tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count < 2:
            curve = GRID ** (struct.unpack_from(">H", tag, 12)[0] / 256) if count else GRID
        else:
            table = np.frombuffer(tag, ">u2", min(count, SAMPLES), 12) / 65535
            curve = np.interp(GRID, np.linspace(0, 1, len(table)), table)
    else:
        raise ValueError("not a curve")
    if not np.isfinite(curve).all() or curve[-1] <= curve[0]:
        raise ValueError("a curve that does not rise")
    return np.maximum.accumulate(curve.clip(0, 1))


def _parametric(tag: bytes, x: NDArray[np.float64]) -> NDArray[np.float64]:
    (kind,) = struct.unpack_from(">H", tag, 8)
    count = (1, 3, 4, 5, 7)[kind]
    given = [value / 65536 for value in struct.unpack_from(f">{count}i", tag, 12)]
    g, a, b, c, d, e, f = given + [1.0, 0.0, 0.0, 0.0, 0.0, 0.0][count - 1 :]
    if kind == 0:
        return np.asarray(x**g)
    power = np.asarray(np.maximum(a * x + b, 0) ** g)
    if kind in {1, 2}:  # c is what lies below everything
        power += c
        return power
    power += e
    power[x < d] = c * x[x < d] + f
    return power


def _encode(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sRGB's values of amounts of light, 0 to 1 (IEC 61966-2-1)."""
    bent = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, light * 12.92, bent)


@functools.cache
def _encoded() -> Floats:
    """Return sRGB's values at SAMPLES even places of an amount of light."""
    return _encode(GRID).astype(np.float32)


@functools.cache
def _decoded() -> Floats:
    """Return amounts of light at SAMPLES even places of sRGB's values."""
    return np.where(GRID <= 0.04045, GRID / 12.92, ((GRID + 0.055) / 1.055) ** 2.4).astype(np.float32)
