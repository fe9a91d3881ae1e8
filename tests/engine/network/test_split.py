"""SplitModel: the stem in tiles, and only what the chosen layers need, give the whole model's gradient."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.errors import ModelError
from engine.network import spans as cutting
from engine.network.buffers import Buffers
from engine.network.contract import Stem
from engine.network.model import DreamModel, load_model
from engine.network.spans import Span
from engine.network.split import SplitModel
from tests.engine.conftest import TINY

STRIDE, SMALLEST = 2, 11
LAYERS = [("mixed0",), ("mixed1",), ("mixed0", "mixed1")]
TUTORIAL = {"mixed2": 0.2, "mixed3": 0.5, "mixed4": 2.0, "mixed5": 1.5}
EXAMPLES = Path(__file__).parents[3] / "examples"
Area = tuple[slice, slice]


@cache
def whole() -> DreamModel:
    return load_model(TINY, device="cpu", threads=1)


@cache
def taken_apart(layers: tuple[str, ...], threads: int) -> SplitModel:
    return SplitModel(TINY.read_bytes(), whole().metadata, layers, threads)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (height, width, 3)).astype(np.float32)


def channel_weights(model: DreamModel, layers: tuple[str, ...]) -> np.ndarray:
    """Return a weight of its own for each channel of the layers, and none for the others."""
    own = np.random.default_rng(1).uniform(0.5, 2, model.metadata.channels)
    return (own * model.channel_weights(dict.fromkeys(layers, 1.0))).astype(np.float32)


def everything(image: np.ndarray) -> Area:
    return slice(0, image.shape[0]), slice(0, image.shape[1])


def relative_error(found: np.ndarray, truth: np.ndarray) -> float:
    distance, size = float(np.linalg.norm(found - truth)), float(np.linalg.norm(truth))
    return distance / size if size else distance


def assert_as_the_whole(made: SplitModel, model: DreamModel, image: np.ndarray, weights: np.ndarray) -> None:
    loss, slope, energies = model.evaluate(image, weights)
    gradient = np.zeros_like(image)
    found_loss, found_energies = made.add_gradient(
        gradient, image, weights, everything(image), everything(image)
    )
    assert relative_error(gradient, slope) < 1e-5
    assert found_loss == pytest.approx(loss, rel=1e-5)
    of_layers = np.repeat(
        [layer in made.layers for layer in model.metadata.layers],
        [layer.channels for layer in model.metadata.layers],
    )
    assert relative_error(found_energies, energies[of_layers]) < 1e-5


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    st.integers(SMALLEST, 200),
    st.integers(SMALLEST, 200),
    st.sampled_from(LAYERS),
    st.sampled_from([1, 2, 3]),
)
@example(SMALLEST, SMALLEST, ("mixed0", "mixed1"), 1)
@example(SMALLEST, SMALLEST, ("mixed1",), 3)
@example(SMALLEST, 150, ("mixed0", "mixed1"), 2)
@example(64, 64, ("mixed0", "mixed1"), 1)
@example(65, 68, ("mixed0", "mixed1"), 1)
@example(199, 141, ("mixed0",), 3)
def test_the_gradient_is_the_whole_models(
    height: int, width: int, layers: tuple[str, ...], threads: int
) -> None:
    """Pictures of one tile and of many, on the same parts, one after another."""
    image = picture(height, width, seed=height * width)
    assert_as_the_whole(taken_apart(layers, threads), whole(), image, channel_weights(whole(), layers))


def cores(length: int, edges: list[int], halo: int) -> list[tuple[slice, slice]]:
    """Cut a side at `edges`; return each core with its window."""
    return [
        (slice(a, b), slice(max(a - halo, 0), min(b + halo, length)))
        for a, b in pairwise([0, *edges, length])
    ]


def in_windows(
    made: SplitModel, image: np.ndarray, weights: np.ndarray, edges: tuple[list[int], list[int]], halo: int
) -> np.ndarray:
    """Return the gradient that all cores of a grid add up to."""
    gradient = np.zeros_like(image)
    count = positions(*image.shape[:2])
    for (row, high), (column, wide) in product(*map(cores, image.shape[:2], edges, (halo, halo))):
        seen = made.seen_size((high, wide), image)
        # The model divides by the window's own number of positions.
        own = weights * np.float32(positions(*seen) / count)
        made.add_gradient(gradient, image, own, (high, wide), (row, column))
    return gradient


def positions(height: int, width: int) -> int:
    stem = whole().metadata.stem
    assert stem is not None
    return stem.positions(height) * stem.positions(width)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("size", "edges"),
    [
        ((121, 90), ([40, 80], [30, 60])),
        ((160, 101), ([32, 100, 130], [2, 98])),
        ((83, 140), ([], [70])),
        ((84, 61), ([82], [60])),  # a last core without a position of its own
    ],
)
def test_the_cores_of_a_grid_add_up_to_the_whole_gradient(
    size: tuple[int, int], edges: tuple[list[int], list[int]], threads: int
) -> None:
    """The tiny model's layers see four positions of the stem around each, so that 16 pixels are enough."""
    image, layers = picture(*size), ("mixed0", "mixed1")
    weights = channel_weights(whole(), layers)
    _, slope, _ = whole().evaluate(image, weights)
    made = taken_apart(layers, threads)
    assert relative_error(in_windows(made, image, weights, edges, 16), slope) < 1e-5
    assert relative_error(in_windows(made, image, weights, edges, 4), slope) > 1e-3 or edges[0] == [82]


def test_it_adds_to_what_is_there() -> None:
    image, layers = picture(70, 90), ("mixed0", "mixed1")
    weights, made = channel_weights(whole(), layers), taken_apart(layers, 2)
    once, twice = np.zeros_like(image), np.zeros_like(image)
    for gradient in (once, twice, twice):
        made.add_gradient(gradient, image, weights, everything(image), everything(image))
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-6)


def test_without_weight_nothing_is_added() -> None:
    image, made = picture(70, 90), taken_apart(("mixed0", "mixed1"), 1)
    gradient = np.zeros_like(image)
    loss, energies = made.add_gradient(
        gradient, image, np.zeros(10, np.float32), everything(image), everything(image)
    )
    assert loss == 0
    assert not gradient.any()
    assert (energies > 0).any()


def test_layers_come_in_the_models_order() -> None:
    assert [x.name for x in taken_apart(("mixed1", "mixed0"), 1).layers] == ["mixed0", "mixed1"]
    assert [x.name for x in taken_apart(("mixed1",), 1).layers] == ["mixed1"]


def test_it_holds_more_after_a_larger_window() -> None:
    made = SplitModel(TINY.read_bytes(), whole().metadata, ("mixed0",), 1)
    held = [made.held_pixels]
    for side in (40, 80, 20):
        image = picture(side, side)
        made.add_gradient(np.zeros_like(image), image, np.ones(10, np.float32), *(everything(image),) * 2)
        held.append(made.held_pixels)
    assert held[0] < held[1] < held[2] == held[3]


def test_windows_of_one_size_share_memory_and_nothing_of_what_was_seen() -> None:
    buffers = Buffers()
    first = buffers.whole((1, 5, 20, 30))
    assert buffers.whole((1, 5, 20, 30)) is first
    assert not np.shares_memory(buffers.whole((1, 5, 30, 20)), first)
    layers = ("mixed0", "mixed1")
    made, weights = taken_apart(layers, 2), channel_weights(whole(), layers)
    for image in (picture(70, 90), picture(70, 90, seed=1), picture(90, 70)):
        fresh = SplitModel(TINY.read_bytes(), whole().metadata, layers, 2)
        found, expected = np.zeros_like(image), np.zeros_like(image)
        for model, gradient in ((made, found), (fresh, expected)):
            model.add_gradient(gradient, image, weights, everything(image), everything(image))
        np.testing.assert_array_equal(found, expected)


def test_a_file_that_does_not_describe_its_stem_is_refused() -> None:
    with pytest.raises(ValueError, match="does not describe its stem"):
        SplitModel(TINY.read_bytes(), replace(whole().metadata, stem=None), ("mixed0",), 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kept": ("none",)},
        {"kept": ("stem", "loss")},
        {"padded_forward": ("stem",)},
        {"padded_backward": ("none",)},
        {"stride": 4},
        {"field": 9},
        {"padded_forward": ()},
    ],
)
def test_a_stem_that_is_not_what_the_file_says_is_refused(wrong: dict[str, object]) -> None:
    metadata, image = whole().metadata, picture(150, 150)
    assert metadata.stem is not None
    described = replace(metadata, stem=replace(metadata.stem, **wrong))  # type: ignore[arg-type]

    def compute() -> None:
        made = SplitModel(TINY.read_bytes(), described, ("mixed0",), 2)
        made.add_gradient(np.zeros_like(image), image, np.ones(10, np.float32), *(everything(image),) * 2)

    with pytest.raises(
        (ModelError, ValueError), match=r"stem is not what the file says|has no tensor called"
    ):
        compute()


STEMS = [
    Stem(8, 31, 2, (), (), (), 2),
    Stem(2, 7, 2, (), (), (), 2),
    Stem(4, 9, 0, (), (), (), 0),
    Stem(8, 27, 7, (), (), (), 13),  # GoogLeNet's: its last two positions may see beyond the picture
]


def assert_cover(spans: list[Span], stem: Stem, area: range, size: int) -> None:
    """Check that each position belongs to one span, and that a span has the pixels that its own see."""
    assert [p for x in spans for p in range(x.start + x.shared, x.stop)] == list(area)
    for x in spans:
        sees = x.start * stem.stride - stem.before, (x.stop - 1) * stem.stride - stem.before + stem.field
        assert x.first == (x.start == 0)
        assert x.last == (x.stop == stem.positions(size))
        assert (x.from_pixel, x.to_pixel) == (0 if x.first else sees[0], size if x.last else sees[1])
        assert 0 <= x.from_pixel <= max(sees[0], 0)
        assert min(sees[1], size) <= x.to_pixel <= size


@given(st.sampled_from(STEMS), st.integers(31, 1500), st.integers(31, 1500), st.integers(1, 8))
def test_a_whole_picture_is_cut_evenly(stem: Stem, height: int, width: int, threads: int) -> None:
    sides = cutting.cut_evenly(stem, (height, width), threads)
    longest = []
    for spans, size in zip(sides, (height, width), strict=True):
        assert_cover(list(spans), stem, range(stem.positions(size)), size)
        lengths = [x.stop - x.start for x in spans]
        assert max(lengths) - min(lengths) <= 1
        assert min(lengths) >= min(cutting.SMALLEST, stem.positions(size))
        assert not any(x.shared for x in spans)
        longest.append(max(lengths))
    assert longest[0] * longest[1] <= cutting.SIDE**2


@pytest.mark.parametrize(
    ("size", "threads", "rows", "columns"),
    [
        ((275, 275), 1, 1, 1),  # 32x32 positions
        ((275, 275), 2, 1, 2),
        ((275, 275), 4, 2, 2),
        ((275, 275), 16, 4, 4),
        ((368, 288), 2, 2, 1),  # not four tiles of two sizes each: they would share more pixels
        ((1043, 1043), 1, 4, 4),
        ((95, 95), 16, 1, 1),  # there is nothing to share out
    ],
)
def test_tiles_are_as_few_as_keep_the_processors_busy(
    size: tuple[int, int], threads: int, rows: int, columns: int
) -> None:
    sides = cutting.cut_evenly(STEMS[0], size, threads)
    assert tuple(map(len, sides)) == (rows, columns)


@given(st.sampled_from(STEMS), st.integers(31, 3000), st.integers(0, 400), st.integers(1, 400))
def test_a_windows_side_is_cut_into_few_lengths(stem: Stem, size: int, start: int, length: int) -> None:
    count = stem.positions(size)
    start = min(start, count - 1)
    stop = min(start + length, count)
    if count - stop < stem.at_end:  # a window never parts these
        stop = count
    spans = cutting.cut_equally(stem, start, stop, size)
    assert_cover(spans, stem, range(start, stop), size)
    assert max(x.stop - x.start for x in spans) <= cutting.SIDE + (stem.at_end - 1) * cutting.SMALLEST
    lengths = {x.stop - x.start for x in spans}
    assert all(x % cutting.SMALLEST == 0 for x in lengths) or lengths == {stop - start}


def test_windows_do_not_part_the_positions_at_a_pictures_end() -> None:
    """Wherever a window ends, none of its spans sees more of the picture than there is."""
    stem = STEMS[-1]
    for size in range(40, 140):
        count = stem.positions(size)
        assert (count - 1) * stem.stride + stem.field - stem.before - stem.after <= size
        inner = (count - stem.at_end - 1) * stem.stride - stem.before + stem.field
        assert inner <= size


@pytest.fixture(scope="module")
def embedded() -> DreamModel:
    return load_model(device="cpu", threads=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size"), [("temple.jpg", (333, 251)), ("mountains.jpg", (150, 601)), ("mountains.jpg", (59, 59))]
)
@pytest.mark.parametrize("layers", [*({f"mixed{i}": 1.0} for i in range(6)), TUTORIAL], ids=" ".join)
def test_on_photographs_with_the_embedded_model(
    embedded: DreamModel, name: str, size: tuple[int, int], layers: dict[str, float]
) -> None:
    with Image.open(EXAMPLES / name) as file:
        scaled = file.convert("RGB").resize((size[1], size[0]), Image.Resampling.LANCZOS)
    image = np.asarray(scaled, np.float32) / np.float32(127.5) - np.float32(1)
    made = embedded.split_for(layers)
    assert made is not None
    assert_as_the_whole(made, embedded, image, embedded.channel_weights(layers))
