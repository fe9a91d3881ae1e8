"""Curves and colours of HDR and wide films, compared with the tables of their standards."""

from __future__ import annotations

import numpy as np
import pytest

from engine.films import hdr

LIGHT = np.array([0.1, 1, 10, 100, 203, 1000, 10000])
SIGNAL = np.array([0.0623, 0.1499, 0.2997, 0.5081, 0.5807, 0.7518, 1.0])
"""Light in cd/m² and PQ's signal, from SMPTE ST 2084 and Report BT.2408."""


def shown(signal: np.ndarray, transfer: int, primaries: int = 9) -> np.ndarray:
    values = np.rint(np.asarray(signal) * 65535).astype(np.uint16)
    return hdr.to_srgb(np.repeat(values.reshape(1, -1, 1), 3, 2), transfer, primaries)[0, :, 0]


def test_pq_is_the_standard_s() -> None:
    np.testing.assert_allclose(hdr.pq(LIGHT), SIGNAL, atol=1e-4)
    np.testing.assert_allclose(hdr.pq_light(hdr.pq(LIGHT)), LIGHT, rtol=1e-6)


def test_only_highlights_give_way() -> None:
    dark = np.array([0.0, 0.1, 1, 10, 50, 85])
    np.testing.assert_allclose(hdr.reduced(dark), dark, rtol=1e-6, atol=1e-6)
    curve = hdr.reduced(np.linspace(0, 1000, 2000))
    assert (np.diff(curve) >= 0).all()
    assert curve[-1] == pytest.approx(hdr.WHITE)
    assert hdr.reduced(np.array([4000.0]))[0] == pytest.approx(hdr.WHITE)


@pytest.mark.parametrize("transfer", [hdr.PQ, hdr.HLG])
def test_light_below_the_knee_is_the_same_light_in_srgb(transfer: int) -> None:
    """20.3 cd/m² is a tenth of the white; a screen of 1000 cd/m² shows HLG's (3 · 0.0203^(1/1.2))^½ so."""
    signal = {hdr.PQ: hdr.pq(np.array([20.3]))[0], hdr.HLG: np.sqrt(3 * 0.0203 ** (1 / 1.2))}[transfer]
    expected = 255 * (1.055 * 0.1 ** (1 / 2.4) - 0.055)
    assert abs(int(shown(np.array([signal]), transfer)[0]) - expected) <= 1.5


@pytest.mark.parametrize("transfer", [hdr.PQ, hdr.HLG])
def test_brighter_is_never_darker(transfer: int) -> None:
    ramp = shown(np.linspace(0, 1, 4000), transfer).astype(int)
    assert (np.diff(ramp) >= 0).all()
    assert (ramp[0], ramp[-1]) == (0, 255)


def test_hues_stay_where_light_is_reduced() -> None:
    """Of a bright orange within sRGB, the channels keep their proportions in light."""
    light = np.array([[[600.0, 300, 150]]])
    values = np.rint(hdr.pq(light) * 65535).astype(np.uint16)
    seen = hdr.to_srgb(values, hdr.PQ, hdr.BT709)[0, 0].astype(float) / 255
    back = ((seen + 0.055) / 1.055) ** 2.4
    assert back[0] / back[1] == pytest.approx(2, rel=0.05)
    assert back[0] / back[2] == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize("primaries", hdr.PRIMARIES)
def test_greys_stay_grey(primaries: int) -> None:
    assert (shown(np.arange(256) / 255, 1, primaries) == np.arange(256)).all()


def test_what_is_srgb_already_is_known() -> None:
    for transfer in (1, 2, 6, 13):
        assert hdr.is_srgb(transfer, 1)
        assert hdr.is_srgb(transfer, 2)
        assert not hdr.is_srgb(transfer, 9)
    assert not hdr.is_srgb(hdr.PQ, 1)
    assert not hdr.is_srgb(hdr.HLG, 2)
