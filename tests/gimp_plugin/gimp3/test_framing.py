"""What a view shows of a picture, and how large; the size of the forms as one number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gimp_plugin.gimp3.deepdream import forms, framing

SIDE = st.integers(1, 5000)


@given(
    st.tuples(SIDE, SIDE), st.tuples(st.integers(50, 2000), st.integers(50, 2000)), st.sampled_from([1, 2, 3])
)
def test_a_fitted_picture_fills_the_room_in_one_direction(
    picture: tuple[int, int], room: tuple[int, int], unit: int
) -> None:
    size = framing.fitted(picture, room, unit)
    assert max(size) % unit == 0
    assert all(side >= 1 for side in size)
    longest = max(size)
    fits = [
        all(side * each <= most * max(picture) for side, most in zip(picture, room, strict=True))
        for each in (longest, longest + unit)
    ]
    assert fits == [longest > unit or fits[0], False]
    assert max(picture) * size[0] == pytest.approx(longest * picture[0], abs=max(picture))


def test_a_small_picture_is_enlarged_only_where_that_is_wanted() -> None:
    assert framing.fitted((100, 50), (400, 400)) == (400, 200)
    assert framing.fitted((100, 50), (400, 400), enlarge=False) == (100, 50)
    assert framing.fitted((4000, 2000), (400, 400), enlarge=False) == (400, 200)


@given(
    st.tuples(st.integers(-50, 50), st.integers(-50, 50), SIDE, SIDE),
    st.tuples(SIDE, SIDE),
    st.tuples(st.floats(-9000, 9000), st.floats(-9000, 9000)),
)
def test_a_part_lies_within_the_whole(
    whole: tuple[int, int, int, int], room: tuple[int, int], centre: tuple[float, float]
) -> None:
    x, y, width, height = framing.part(whole, room, centre)
    assert (width, height) == (min(whole[2], room[0]), min(whole[3], room[1]))
    assert whole[0] <= x <= x + width <= whole[0] + whole[2]
    assert whole[1] <= y <= y + height <= whole[1] + whole[3]


def test_a_part_has_its_centre_in_the_middle() -> None:
    assert framing.part((0, 0, 1000, 800), (100, 100), (500, 400)) == (450, 350, 100, 100)


@pytest.mark.parametrize("octaves", range(1, 9))
def test_the_size_of_the_forms_is_the_number_of_octaves_where_that_decides(octaves: int) -> None:
    assert forms.from_share(forms.to_share(0, octaves), 0) == {"octaves": octaves}


@given(st.integers(32, 512))
def test_the_size_of_the_forms_is_the_smallest_size_where_there_is_one(min_size: int) -> None:
    assert forms.from_share(forms.to_share(min_size, 3), min_size) == {"min-size": min_size}


def test_a_smaller_smallest_size_makes_larger_forms() -> None:
    assert forms.to_share(512, 3) == 0 < forms.to_share(160, 3) < forms.to_share(32, 3) == 1
    assert forms.to_share(2000, 3) == 0
