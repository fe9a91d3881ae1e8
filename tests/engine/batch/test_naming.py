"""The names of results."""

from __future__ import annotations

import os
from itertools import permutations
from pathlib import Path

import pytest

from engine.batch.events import Failed, Job, Skipped
from engine.batch.finding import Found
from engine.batch.naming import Naming, targets
from engine.batch.planning import plan
from engine.errors import UsageError
from tests.engine.conftest import copies


def names(*pictures: str, naming: Naming | None = None) -> list[str]:
    found = [Found(Path("in", x), Path(x).parent) for x in pictures]
    placed = targets(found, naming or Naming(), lambda x: Path("/out", x.below))
    return [placed[x].relative_to("/out").as_posix() for x in found]


def test_pictures_of_one_stem_get_their_suffix_into_the_name() -> None:
    assert names("a.jpg", "a.png", "b.jpg") == ["a.jpg.dream.png", "a.png.dream.png", "b.dream.png"]
    assert names("a.jpg", "a.png", "a.jpg.png") == [
        "a.jpg.dream.png",
        "a.png.dream.png",
        "a.jpg.png.dream.png",
    ]


def test_names_are_the_same_in_any_order() -> None:
    pictures = ("a.jpg", "a.png", "A.png", "a.jpg.png", "ä.png", "a\u0308.png", "x/a.png", "X/a.png")
    expected = dict(zip(pictures, names(*pictures), strict=True))
    folded = {x.casefold() for x in expected.values()}
    assert len(folded) == len(pictures)
    for order in list(permutations(pictures))[::997]:
        assert dict(zip(order, names(*order), strict=True)) == expected


def test_what_is_one_name_on_some_disks_gets_digits() -> None:
    first, second, third = names("a.png", "A.png", "b.png")
    assert first.startswith("a.png~")
    assert second.startswith("A.png~")
    assert first[6:] != second[6:]
    assert third == "b.dream.png"


@pytest.mark.parametrize("template", ["{stem}.dream{suffix}", "so-{name}-far{suffix}"])
@pytest.mark.parametrize("stem", ["a" * 251, "山" * 83, "é" * 125 + "x"], ids=["one byte", "three", "two"])
def test_no_name_is_longer_than_names_can_be(stem: str, template: str) -> None:
    naming = Naming.of(template, "jpeg")
    found = names(stem + ".jpg", stem + ".png", "b.png", naming=naming)
    assert all(len(os.fsencode(x)) <= 255 for x in found)
    assert len(set(found)) == 3
    assert all(naming.made(x) for x in found)


@pytest.mark.parametrize(
    ("template", "form", "name"),
    [
        (None, None, "photo.dream.png"),
        (None, "jpg", "photo.dream.jpg"),
        (None, ".TIFF", "photo.dream.tiff"),
        ("{stem}-dreamt", "webp", "photo-dreamt.webp"),
        ("{stem}.v2", None, "photo.v2.png"),
        ("{name}.jpg", None, "photo.jpg.jpg"),
        ("{name}.jpg", "jpeg", "photo.jpg.jpg"),
        ("x {stem}{suffix}", None, "x photo.png"),
    ],
)
def test_names_and_formats_can_be_chosen(template: str | None, form: str | None, name: str) -> None:
    assert Naming.of(template, form).name(Found(Path("photo.jpg"))) == name
    assert Naming.of(template, form).made(name) != Naming.of(template, form).bare


@pytest.mark.parametrize(
    ("template", "form", "said"),
    [
        ("dream", None, "needs either"),
        ("{stem}{name}", None, "once"),
        ("{stem}{number}", None, "other braces"),
        ("{stem!r}", None, "other braces"),
        ("{stem", None, "other braces"),
        ("a/{stem}", None, "no name of a file"),
        ("{stem}.jpg", "png", "--name ends in .jpg"),
        (None, "gif", "format cannot be"),
    ],
)
def test_names_that_make_no_sense_are_refused(template: str | None, form: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Naming.of(template, form)


def test_results_that_look_like_pictures_need_a_folder_of_their_own(photo: Path, monkeypatch) -> None:
    monkeypatch.chdir(photo.parent)
    bare = Naming.of("{stem}", "jpg")
    for out in (None, "."):
        (item,) = plan(["."], out, naming=bare)
        assert isinstance(item, Failed)
        assert "would look like one of the pictures" in str(item.error)
    (item,) = plan(["."], "out", naming=bare)
    assert isinstance(item, Job)
    assert item.target == Path("out/photo.jpg")
    item.target.touch()
    assert plan(["."], "out", naming=bare, recursive=True) == [Skipped(item)]


def test_own_results_are_known_by_their_template(photo: Path, monkeypatch) -> None:
    monkeypatch.chdir(photo.parent)
    copies(photo, "photo-dreamt.tif")
    assert plan(["."], naming=Naming.of("{stem}-dreamt", "tif"))[0] == Skipped(
        Job(Path("photo.png"), Path("photo-dreamt.tif"))
    )


def test_a_single_file_is_named_by_o(photo: Path, monkeypatch) -> None:
    monkeypatch.chdir(photo.parent)
    with pytest.raises(UsageError, match="results in folders"):
        plan(["photo.png"], "x.png", naming=Naming.of(None, "jpg"))
    assert plan(["photo.png"], "x", naming=Naming.of(None, "jpg")) == [Job(Path("photo.png"), Path("x.jpg"))]
    assert plan(["photo.png"], naming=Naming.of("{stem}_", None)) == [
        Job(Path("photo.png"), Path("photo_.png"))
    ]
