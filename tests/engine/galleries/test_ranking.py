"""Which channels a picture excites."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine
from engine.errors import ImageError, UsageError
from engine.galleries.ranking import noise_like, rank_channels
from engine.pictures.pixels import to_model
from tests.engine.conftest import QUICK, TINY, noise

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def picture() -> np.ndarray:
    """Smooth waves and an edge, away from black and white."""
    y, x = np.mgrid[:48, :64]
    waves = np.stack([np.sin(x / 5), np.cos(y / 7), np.sin((x + y) / 9)], axis=2) * 40 + 128
    waves[:, 40:] += 30
    return waves.astype(np.uint8)


def test_shares_are_energies_divided_by_the_layer_s_mean(tiny, picture) -> None:
    ranked = rank_channels(picture, model=tiny, count=99)
    energies = tiny.energies(to_model(picture)).astype(float)
    for name, channels in ranked.items():
        places = slice(0, 4) if name == "mixed0" else slice(4, 10)
        expected = energies[places] / energies[places].mean()
        assert [x.layer for x in channels] == [name] * len(expected)
        assert sorted(x.channel for x in channels) == list(range(len(expected)))
        for x in channels:
            assert x.share == pytest.approx(expected[x.channel], rel=1e-5)
            assert x.selector == f"{name}:{x.channel}"


def test_the_highest_score_comes_first(tiny, picture) -> None:
    for channels in rank_channels(picture, model=tiny).values():
        scores = [x.score for x in channels]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= x.score <= x.share for x in channels)


def test_noise_itself_stands_out_nowhere(tiny, picture) -> None:
    """Compared with noise of the same kind, no channel's score is far above share / (1 + share)."""
    (plain,) = noise_like(picture, 1)
    for channels in rank_channels(plain, model=tiny).values():
        assert max(x.score for x in channels) < 1.3


def test_count_layers_and_the_same_result_again(tiny, picture) -> None:
    ranked = rank_channels(picture, layers=["mixed1"], count=2, model=tiny)
    assert list(ranked) == ["mixed1"]
    assert len(ranked["mixed1"]) == 2
    assert engine.rank_channels(picture, layers=["mixed1"], count=2, model=tiny) == ranked


def test_noise_has_the_picture_s_colours_and_spectrum(picture) -> None:
    (noise_picture,) = noise_like(picture, 1)
    before, after = (x.astype(float) for x in (picture, noise_picture))
    np.testing.assert_allclose(after.mean(axis=(0, 1)), before.mean(axis=(0, 1)), atol=0.5)
    np.testing.assert_allclose(
        np.cov(after.reshape(-1, 3).T), np.cov(before.reshape(-1, 3).T), rtol=0.1, atol=15
    )
    strength = [np.abs(np.fft.fft2(x, axes=(0, 1))) for x in (before, after)]
    assert np.corrcoef(strength[0].ravel(), strength[1].ravel())[0, 1] > 0.99


def test_noise_shows_nothing_of_the_picture(picture) -> None:
    copies = [np.corrcoef(picture.ravel(), x.ravel())[0, 1] for x in noise_like(picture, 30)]
    assert abs(np.mean(copies)) < 0.2
    assert np.std(copies) > 0.05  # they differ from each other


def test_an_even_picture_is_its_own_noise(tiny) -> None:
    even = np.full((40, 40, 3), 77, np.uint8)
    for copy in noise_like(even, 2):
        np.testing.assert_array_equal(copy, even)
    rank_channels(even, model=tiny)


def test_unknown_layers_and_too_small_pictures(tiny, picture) -> None:
    with pytest.raises(UsageError, match="mixed9") as caught:
        rank_channels(picture, layers=["mixed9"], model=tiny)
    assert "mixed0" in caught.value.hint
    with pytest.raises(ImageError, match="too small"):
        rank_channels(noise(3, 40), model=tiny)


@pytest.mark.slow
def test_what_every_picture_excites_does_not_come_first() -> None:
    model = engine.load_model(device="cpu")
    ranked = [
        rank_channels(Image.open(EXAMPLES / x), model=model, count=99999)["mixed4"]
        for x in ("dogs.jpg", "palace.jpg", "sunset.jpg")
    ]
    strongest = [{x.channel for x in sorted(r, key=lambda x: -x.share)[:10]} for r in ranked]
    first = [{x.channel for x in r[:10]} for r in ranked]
    assert len(set.intersection(*strongest)) >= 2  # so an order by share would describe the network
    assert not set.intersection(*first)


@pytest.mark.slow
def test_the_command_lists_selectors_that_can_be_pasted(run, photo: Path) -> None:
    words = ["layers", "--picture", photo, "--channels", 3, "--model", TINY]
    code, out, _ = run(*words)
    assert code == 0
    ranked = [x for r in rank_channels(photo, count=3, model=TINY).values() for x in r]
    assert [x.split()[0] for x in out.splitlines()[1:]] == [x.selector for x in ranked]
    assert [x.split()[1] for x in out.splitlines()[1:]] == [f"{x.score:.1f}" for x in ranked]
    assert run("dream", photo, "--layers", f"{ranked[0].selector},{ranked[-1].selector}", *QUICK[:2])[0] == 0
    code, out, _ = run(*words, "--json")
    assert [x["selector"] for x in json.loads(out)] == [x.selector for x in ranked]
    assert [x["share"] for x in json.loads(out)] == pytest.approx([x.share for x in ranked], rel=1e-4)


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--channels", 3], 2), (["--channels", 0, "--picture", "x"], 2), (["--picture", "nothing.png"], 3)],
)
def test_what_the_command_refuses(run, words, code) -> None:
    assert run("layers", *words, "--model", TINY)[:2] == (code, "")
