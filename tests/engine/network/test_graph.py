"""Model files taken apart: the parts together are the whole, and what is broken is refused."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from engine.network.contract import (
    CHANNEL_WEIGHTS,
    ENERGIES,
    GRADIENT,
    IMAGE,
    LOSS,
    OUTPUTS,
    STEM,
    STEM_GRADIENT,
    Metadata,
    Stem,
    layer_energies,
    layer_targets,
    layer_weights,
)
from engine.network.graph import Graph, Tensor
from tests.engine.conftest import TINY

CONTENT = TINY.read_bytes()
SIZES = [(1, 11, 11), (1, 12, 30), (2, 47, 68)]
WEIGHTS: dict[str, tuple[int | str, ...]] = {CHANNEL_WEIGHTS: (10,)}
PICTURE: dict[str, tuple[int | str, ...]] = {IMAGE: ("N", "H", "W", 3)}


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Graph(CONTENT)


@pytest.fixture(scope="module")
def stem(graph: Graph) -> Stem:
    found = Metadata.from_props(graph.props).stem
    assert found is not None
    return found


def run(content: bytes, outputs: list[str], given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return dict(zip(outputs, session.run(outputs, given), strict=True))


def feeds(size: tuple[int, ...]) -> dict[str, np.ndarray]:
    random = np.random.default_rng(sum(size))
    image = random.uniform(-1, 1, (*size, 3)).astype(np.float32)
    return {IMAGE: image, CHANNEL_WEIGHTS: random.uniform(0, 2, 10).astype(np.float32)}


def planes(*names: str) -> dict[str, tuple[int | str, ...]]:
    return {name: ("N", f"{name} c", f"{name} h", f"{name} w") for name in names}


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    for name, array in found.items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-6, atol=1e-6 * np.abs(expected[name]).max())


def test_it_tells_what_the_file_takes_and_gives(graph: Graph) -> None:
    picture, weights = Tensor(True, (None, None, None, 3)), Tensor(True, (10,))
    assert graph.inputs == {IMAGE: picture, CHANNEL_WEIGHTS: weights}
    assert graph.outputs == {
        LOSS: Tensor(True, (None,)),
        GRADIENT: picture,
        ENERGIES: Tensor(True, (None, 10)),
    }
    assert graph.props["deepdream.network"] == "tiny"


def test_it_tells_channels_and_kernels(graph: Graph, stem: Stem) -> None:
    assert graph.channels(STEM) == 5
    for name in (*stem.padded_forward, *stem.padded_backward):
        assert graph.kernel(name) == ((3, 3), (1, 1, 1, 1))
    for look, name in [(graph.channels, "none"), (graph.kernel, "none"), (graph.kernel, STEM)]:
        with pytest.raises(ValueError, match=name):
            look(name)


@pytest.mark.parametrize("size", SIZES)
def test_parts_one_after_another_compute_what_the_whole_does(
    graph: Graph, stem: Stem, size: tuple[int, ...]
) -> None:
    given = feeds(size)
    there = graph.part(PICTURE, stem.kept)
    seen = run(there, list(stem.kept), {IMAGE: given[IMAGE]})
    trunk = graph.part(planes(STEM) | WEIGHTS, [LOSS, STEM_GRADIENT, ENERGIES])
    trunk_feeds = {STEM: seen[STEM], CHANNEL_WEIGHTS: given[CHANNEL_WEIGHTS]}
    upper = run(trunk, [LOSS, STEM_GRADIENT, ENERGIES], trunk_feeds)
    back = graph.part(PICTURE | planes(STEM_GRADIENT, *stem.kept), [GRADIENT])
    lower = run(back, [GRADIENT], {**seen, IMAGE: given[IMAGE], STEM_GRADIENT: upper.pop(STEM_GRADIENT)})
    assert np.abs(lower[GRADIENT]).max() > 0
    assert_same(upper | lower, run(CONTENT, list(OUTPUTS), given))


def test_a_part_holds_what_it_needs_and_nothing_else(graph: Graph) -> None:
    content = graph.part({IMAGE: (1, 20, "W", 3)}, [STEM])
    part = Graph(content)
    assert part.inputs == {IMAGE: Tensor(True, (1, 20, None, 3))}
    assert list(part.outputs) == [STEM]
    assert part.props == graph.props
    assert len(content) < len(CONTENT) / 4
    given = feeds((1, 20, 31))
    seen = run(content, [STEM], {IMAGE: given[IMAGE]})
    assert seen[STEM].shape == (1, 5, 9, 15)


def test_a_part_without_its_inputs_is_refused(graph: Graph) -> None:
    with pytest.raises(ValueError, match="no tensor called image"):
        graph.part(WEIGHTS, [LOSS])
    with pytest.raises(ValueError, match="no tensor called slope"):
        graph.part(PICTURE | WEIGHTS, ["slope"])


def test_padding_can_be_left_out(graph: Graph, stem: Stem) -> None:
    """In a picture that is a part of another: what is seen away from its edges is the same."""
    image = feeds((1, 31, 40))[IMAGE]
    last = stem.padded_forward[-1]
    padded = run(graph.part(PICTURE, [last]), [last], {IMAGE: image})[last]
    bare = graph.part(PICTURE, [last], dict.fromkeys(stem.padded_forward, (0, 0, 0, 0)))
    assert_same(run(bare, [last], {IMAGE: image}), {last: padded[..., 2:-2, 2:-2]})
    one_side = graph.part(PICTURE, [last], dict.fromkeys(stem.padded_forward, (1, 0, 0, 1)))
    assert_same(run(one_side, [last], {IMAGE: image}), {last: padded[..., :-2, 2:]})
    assert graph.kernel(last)[1] == (1, 1, 1, 1)  # the graph itself is as it was


@pytest.mark.parametrize(("layer", "places"), [("mixed0", slice(0, 4)), ("mixed1", slice(4, 10))])
@pytest.mark.parametrize("size", SIZES)
def test_without_a_layer_the_others_are_computed_as_if_it_had_no_weight(
    graph: Graph, layer: str, places: slice, size: tuple[int, ...]
) -> None:
    given = feeds(size)
    cut = graph.without([layer_weights(layer), layer_energies(layer)])
    content = cut.part(PICTURE | WEIGHTS, list(OUTPUTS))
    found = run(content, list(OUTPUTS), given)
    given[CHANNEL_WEIGHTS][places] = 0
    expected = run(CONTENT, list(OUTPUTS), given)
    expected[ENERGIES] = np.delete(expected[ENERGIES], places, axis=1)
    assert np.abs(expected[GRADIENT]).max() > 0
    assert_same(found, expected)


def test_without_the_deepest_layer_less_is_computed(graph: Graph) -> None:
    cut = graph.without([layer_weights("mixed1"), layer_energies("mixed1")])
    assert len(cut.part(PICTURE | WEIGHTS, [LOSS, GRADIENT])) < len(
        graph.part(PICTURE | WEIGHTS, [LOSS, GRADIENT])
    )
    assert graph.part(PICTURE | WEIGHTS, list(OUTPUTS)) == Graph(CONTENT).part(
        PICTURE | WEIGHTS, list(OUTPUTS)
    )


def test_without_any_layer_there_is_no_loss(graph: Graph) -> None:
    names = [name(x) for x in ("mixed0", "mixed1") for name in (layer_weights, layer_targets)]
    cut = graph.without(names)
    with pytest.raises(ValueError, match="no tensor called loss"):
        cut.part(PICTURE | WEIGHTS, [LOSS])


@pytest.mark.parametrize("content", [b"", b"hello world", b"\x89PNG\r\n\x1a\n", bytes(1000), b"\xff" * 1000])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not an ONNX model"):
        Graph(content)


def test_a_file_cut_off_is_refused() -> None:
    for length in range(0, len(CONTENT), 97):
        try_out(CONTENT[:length])


def test_random_bytes_are_refused() -> None:
    random = np.random.default_rng(5)
    for _ in range(300):
        try_out(random.bytes(int(random.integers(1, 3000))))


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_file_is_read_or_refused_with_a_value_error(seed: int) -> None:
    random = np.random.default_rng(seed)
    for _ in range(150):
        damaged = bytearray(CONTENT)
        for _ in range(int(random.integers(1, 5))):
            place, length = int(random.integers(len(damaged))), int(random.integers(1, 30))
            # Overwrites, leaves out, puts in, according to which of the two is longer.
            damaged[place : place + int(random.integers(length + 1))] = random.bytes(length)
        try_out(bytes(damaged))


def try_out(content: bytes) -> None:
    """Do all that can be done with a file; nothing but ValueError may come."""
    try:
        graph = Graph(content)
        stem = Metadata.from_props(graph.props).stem
        assert isinstance(graph.inputs | graph.outputs, dict)
        cut = graph.without([layer_weights("mixed1"), layer_energies("mixed1")])
        cut.part(planes(STEM) | WEIGHTS, [LOSS, STEM_GRADIENT, ENERGIES])
        for name in () if stem is None else stem.padded_forward:
            cut.kernel(name)
    except ValueError:
        pass
