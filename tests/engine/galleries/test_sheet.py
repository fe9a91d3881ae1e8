"""Contact sheets: nothing is lost, nothing is covered, and the page can be printed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.galleries.sheet import Cell, compose

SHAPES = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=12)


def plain(shape: tuple[int, int], number: int, label: str = "mixed0") -> Cell:
    """A cell of one colour that is neither paper nor ink nor anything in between."""
    return Cell(label, np.full((*shape, 3), (200, 10 * number, 7), np.uint8))


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(SHAPES, st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40))
def test_every_picture_is_complete(shapes, label) -> None:
    sheet = compose([plain(shape, i, label) for i, shape in enumerate(shapes)], note=label)
    for i, (height, width) in enumerate(shapes):
        rows, columns = np.nonzero((sheet == (200, 10 * i, 7)).all(axis=2))
        assert len(rows) == height * width
        assert (rows.max() - rows.min() + 1, columns.max() - columns.min() + 1) == (height, width)


def test_cells_come_in_their_order() -> None:
    sheet = compose([plain((30, 40), i) for i in range(12)])
    corners = [np.argwhere((sheet == (200, 10 * i, 7)).all(axis=2))[0].tolist() for i in range(12)]
    assert corners == sorted(corners)


@pytest.mark.parametrize("shape", [(222, 296), (296, 222), (256, 256), (80, 800), (800, 80)])
def test_a_sheet_fits_a_page(shape) -> None:
    height, width = compose([plain(shape, i) for i in range(12)], "a note").shape[:2]
    assert 0.7 < width / height < 2.2


def test_each_label_stands_below_its_picture() -> None:
    named, blank = (compose([plain((90, 120), i, label) for i in range(4)]) for label in ("mixed0", ""))
    assert named.shape == blank.shape
    inked = np.argwhere((named != blank).any(axis=2))
    for i in range(4):
        place = np.argwhere((named == (200, 10 * i, 7)).all(axis=2))
        (top, left), (bottom, right) = place.min(axis=0), place.max(axis=0)
        below = (inked[:, 0] > bottom) & (inked[:, 0] < bottom + 40)
        below &= (inked[:, 1] >= left) & (inked[:, 1] <= right)
        assert below.sum() > 50, (i, top)
    assert not (inked[:, :, np.newaxis] == 0).any()


def test_a_label_longer_than_its_picture_makes_room() -> None:
    long = "mixed3:100+200+300=0.25,mixed4:400"
    short, wide = (compose([plain((40, 30), i, x) for i in range(4)]) for x in ("mixed0", long))
    assert wide.shape[1] > short.shape[1]


def test_a_long_note_is_broken_into_lines() -> None:
    cells = [plain((90, 120), i) for i in range(4)]
    one, many = compose(cells, "short"), compose(cells, "--option value " * 30)
    assert many.shape[1] == one.shape[1]
    assert many.shape[0] > one.shape[0] > compose(cells).shape[0]


def test_the_margins_are_paper() -> None:
    sheet = compose([plain((90, 120), i, "mixed0,mixed1") for i in range(7)], "a note " * 40)
    for edge in (sheet[:12], sheet[-12:], sheet[:, :12], sheet[:, -12:]):
        assert (edge == 255).all()
