"""The page's texts: each has its Korean, GIMP's words are GIMP's; and what the page weighs and loads."""

from __future__ import annotations

import re

from . import make_words

PAGE = make_words.PAGE
LARGEST = 150_000
"""Bytes of the whole page."""


def test_words_are_gimps() -> None:
    again = "run python -m tests.engine.studio.make_words, then translate what it names"
    assert (PAGE / "words.js").read_text("utf-8") == make_words.written(), again


def test_korean_has_every_text_and_no_other() -> None:
    wanted = make_words.of_page() | make_words.of_tables()
    assert set(make_words.own()) == wanted - set(make_words.korean())


def test_korean_keeps_values() -> None:
    for text, korean in make_words.own().items():
        assert korean
        assert sorted(re.findall(r"\{\w+\}", korean)) == sorted(re.findall(r"\{\w+\}", text)), text


def test_all_of_the_catalogue_is_read() -> None:
    """An entry that is not written as the others are would be left out of the tests above."""
    entries = re.findall(r'^  "', (PAGE / "ko.js").read_text("utf-8"), re.MULTILINE)
    assert len(entries) == len(make_words.own()) > 60


def test_texts_are_whole() -> None:
    """A text in parts, or with a value already in it, can't be found in a catalogue."""
    for path in make_words.modules():
        assert not re.findall(r"\bN?_\(\s*`", path.read_text("utf-8")), path.name


def test_page_is_light_and_loads_nothing_from_elsewhere() -> None:
    files = list(PAGE.iterdir())
    assert sum(x.stat().st_size for x in files) < LARGEST
    for path in files:
        text = path.read_text("utf-8")
        addresses = set(re.findall(r"https?://[^\s\"')]+", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path.name


def test_page_keeps_to_the_policy() -> None:
    """No inline script or style, and nothing read as HTML: the server's policy forbids them."""
    html = (PAGE / "index.html").read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", html)
    for path in PAGE.glob("*.js"):
        text = path.read_text("utf-8")
        assert text.startswith("// @ts-check\n"), path.name
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
        )
