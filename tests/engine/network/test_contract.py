"""What a model file says about itself is read, or refused in words."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.network.contract import Layer, Metadata, Stem

STEM = Stem(8, 31, 2, ("a", "stem"), ("b",), ("c", "d"), 2)
NAMES = ("kept", "padded_forward", "padded_backward")
WHOLE = Metadata("net", (Layer("one", 3, 8), Layer("two", 5, 16)), (-1.0, 1.0), 2, 59, "w", "e", STEM)


@pytest.mark.parametrize(
    "metadata",
    [
        WHOLE,
        replace(WHOLE, stem=None),
        replace(WHOLE, stem=replace(STEM, after=5)),
        replace(WHOLE, default_layers={"two": 1.5}, gradient_bytes=9),
        replace(WHOLE, layers=(Layer("one", 3, 8, "two"), Layer("two", 5, 16))),
    ],
)
def test_what_is_written_is_read_again(metadata: Metadata) -> None:
    assert Metadata.from_props(metadata.to_props()) == metadata


def test_a_stem_of_before_ends_as_it_begins() -> None:
    """Such files say only how far it sees beyond a picture's beginning, as those of earlier versions do."""
    props = WHOLE.to_props()
    assert "after" not in json.loads(props["deepdream.stem"])
    found = Metadata.from_props(props).stem
    assert found is not None
    assert (found.before, found.after) == (2, 2)


@pytest.mark.parametrize("key", [key for key in WHOLE.to_props() if key != "deepdream.stem"])
def test_what_is_missing_is_named(key: str) -> None:
    props = WHOLE.to_props()
    del props[key]
    with pytest.raises(ValueError, match=key):
        Metadata.from_props(props)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("layers", "[]"),
        ("layers", "null"),
        ("layers", "[1]"),
        ("layers", '[{"name": "a", "channels": 1e999, "stride": 1}]'),
        ("layers", '[{"name": "a", "channels": 0, "stride": 1}]'),
        ("layers", "[" * 100_000),
        ("layers", '[{"name": "a", "channels": 1, "stride": 1, "block": "b"}]'),
        ("layers", '[{"name": "a", "channels": 1, "stride": 1, "block": "a"}]'),
        ("value_range", "[1, -1]"),
        ("value_range", "[NaN, 1]"),
        ("value_range", "1"),
        ("border", "-1"),
        ("min_size", "x"),
        ("stem", "null"),
        ("stem", "{}"),
        (
            "stem",
            '{"stride": 0, "field": 7, "before": 2, "kept": [], "padded_forward": [], "padded_backward": []}',
        ),
        (
            "stem",
            '{"stride": 2, "field": 7, "before": 3, "kept": [], "padded_forward": [], "padded_backward": []}',
        ),
        (
            "stem",
            '{"stride": 2, "field": 7, "before": 2, "kept": 1, "padded_forward": [], "padded_backward": []}',
        ),
        ("stem", json.dumps(dict.fromkeys(NAMES, ()) | {"stride": 2, "field": 7, "before": 2, "after": 7})),
        ("default_layers", "[]"),
        ("default_layers", '{"three": 1}'),
        ("default_layers", '{"two": NaN}'),
        ("default_layers", "[" * 100_000),
        ("gradient_bytes", "-1"),
        ("gradient_bytes", "1e3"),
        ("schema", "3"),
    ],
)
def test_what_makes_no_sense_is_refused(key: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"do not make sense|lack|follows version"):
        Metadata.from_props({**WHOLE.to_props(), f"deepdream.{key}": value})


@pytest.mark.parametrize(("schema", "targets"), [("1", False), ("2", True)])
def test_files_of_both_formats_are_read(schema: str, targets: bool) -> None:
    read = Metadata.from_props({**WHOLE.to_props(), "deepdream.schema": schema})
    assert read.has_targets is targets
    assert read.to_props()["deepdream.schema"] == schema


def test_positions_and_the_size_that_has_them() -> None:
    assert [STEM.positions(x) for x in (0, 26, 27, 34, 35)] == [0, 0, 1, 1, 2]
    for size in range(27, 300):
        assert STEM.positions(STEM.size(STEM.positions(size))) == STEM.positions(size)
        assert STEM.size(STEM.positions(size)) <= size
