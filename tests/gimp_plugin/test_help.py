"""The help page that is installed with the plug-in."""

from __future__ import annotations

import re

import pytest

from gimp_plugin.deepdream_common import help_page, parameters, texts
from gimp_plugin.install import files
from tests.gimp_plugin import make_help, make_texts

LIMIT = 400_000
"""Bytes that all of the help may take."""


@pytest.fixture(params=make_help.LANGUAGES)
def language(request):
    return request.param


def test_page_is_made_of_the_tables_and_translations(language):
    found = (make_help.HELP / language / "index.html").read_text(encoding="utf-8")
    assert found == make_help.page(language), make_help.__doc__


def test_page_needs_nothing_from_elsewhere(language):
    folder = make_help.HELP / language
    text = (folder / "index.html").read_text(encoding="utf-8")
    loaded = re.findall(r'(?:src|<link[^>]*href)="([^"]*)"', text)
    assert loaded
    assert all((folder / name).is_file() for name in loaded), loaded
    assert "<script" not in text
    assert "@import" not in text
    places = set(re.findall(r'href="#([^"]*)"', text))
    assert places == set(re.findall(r'<h2 id="([^"]*)"', text))


def test_every_control_and_look_is_on_the_page(language):
    text = (make_help.HELP / language / "index.html").read_text(encoding="utf-8")
    assert "{{" not in text
    assert text.count("<figcaption>") == len(parameters.PRESETS) + 1
    unnamed = {"preset", "blend", "fit-selection"}  # the looks, the amount, and what only scripts have
    named = [x for x in parameters.PARAMETERS if x.name not in unnamed]
    texts.use([language])
    missing = [x.name for x in named if f"<dt>{make_help.html.escape(make_help.title(x))}</dt>" not in text]
    texts.use()
    assert not missing


def test_what_the_page_calls_by_its_name_is_in_the_dialog(language):
    template = (make_help.TEMPLATES / f"{language}.html").read_text(encoding="utf-8")
    named = {name for kind, name in make_help.PLACE.findall(template) if kind == "text"}
    assert named
    assert named <= set(make_texts.texts())


def test_help_is_small_and_all_of_it_is_installed():
    own = [path for path in make_help.HELP.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in own) < LIMIT
    for host in ("gimp2", "gimp3"):
        assert set(own) <= set(files(host).values())


def test_gimp_finds_the_page_by_the_procedures_name(language):
    text = (make_help.HELP / language / "gimp-help.xml").read_text(encoding="utf-8")
    assert f'<help-item id="{parameters.PROCEDURE}" ref="index.html"/>' in text


@pytest.mark.parametrize(("spoken", "expected"), [("ko_KR.UTF-8", "ko"), ("de", "en"), ("C", "en")])
def test_page_is_in_the_users_language(spoken, expected, monkeypatch):
    monkeypatch.setenv("LANGUAGE", spoken)
    texts.use()
    try:
        assert help_page.path() == str(make_help.HELP / expected / "index.html")
    finally:
        monkeypatch.undo()
        texts.use()
