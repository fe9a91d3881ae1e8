"""What a person reads: everything goes through gettext, and every text has a translation."""

from __future__ import annotations

import ast
import gettext
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

from gimp_plugin.deepdream_common import texts

from . import make_texts
from .plugin27 import INDEXED

SHOWS = {
    "Label", "Button", "ProcedureDialog", "add_button", "append_page", "message", "new_with_label",
    "new_with_mnemonic", "progress_init", "progress_set_text", "set_documentation", "set_label", "set_markup",
    "set_menu_label", "set_text", "set_title", "set_tooltip_markup", "set_tooltip_text",
}  # fmt: skip
"""Functions whose texts a person reads."""

ARGUMENTS = {"label", "title", "text", "tooltip_text", "tooltip_markup", "placeholder_text", "secondary_text"}
"""Named arguments of that kind."""

TOLD = re.compile(r"(Error|Refused)$")
"""Exceptions whose message is for the user."""

INSIDE = {"FrameError", "RuntimeError", "ValueError", "TypeError", "IOError", "OSError"}
"""Those that become a part of another message, or are a bug."""

PROSE = re.compile(r"^[A-Z_][a-z_]+ (?!.*[=/()]{2})[^=]*[a-z]|…$|^_?[A-Z][a-z]*_[a-z]+$")
"""What is written for people, wherever it stands: more than a word, and begun with a capital letter."""

FORMS = re.compile(r"%(\(\w+\))?[\d.]*[sdf]|</?\w+>")
"""What a text holds for values and for markup."""

NAMES = {"The DeepDream authors", "The DeepDream authors, MIT licence", "DeepDream ONNX contributors"}
"""Prose that is the same in each language."""

CATALOGUES = make_texts.catalogues()


def name_of(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def worded(node: ast.AST) -> list[ast.AST]:
    """Return the texts with a letter in an expression that are neither in a call of their own nor a key."""
    if isinstance(node, (ast.Call, ast.Dict, ast.Subscript)):
        return []
    if isinstance(node, ast.Constant):
        text = FORMS.sub("", node.value) if isinstance(node.value, str) else ""
        return [node] if re.search(r"[^\W\d_]", text) else []
    return [text for child in ast.iter_child_nodes(node) for text in worded(child)]


def shown(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the expressions of a module that a person reads when they are run."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = name_of(node.func)
            if name in SHOWS or (TOLD.search(name) and name not in INSIDE):
                yield from node.args
            yield from (keyword.value for keyword in node.keywords if keyword.arg in ARGUMENTS)


def documentation(tree: ast.Module) -> set[int]:
    """Return the ids of the texts that stand alone: docstrings, and those below a constant."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def tables(tree: ast.Module) -> set[int]:
    """Return the ids of the texts in calls for a table, which `make_texts.of_tables` reads."""
    calls = [x for x in ast.walk(tree) if isinstance(x, ast.Call)]
    made = [x for x in calls if name_of(x.func) in ("Parameter", "Preset", "_layer", "_plain", "_choice")]
    return {id(node) for call in made for node in ast.walk(call)}


def unmarked(path: Path) -> list[str]:
    """Return the texts of a module that nobody can translate, each with its line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    spared = documentation(tree) | tables(tree) | {id(text) for text in make_texts.marked(tree)}
    logged = [x for x in ast.walk(tree) if isinstance(x, ast.Call) and name_of(x.func) in ("log", "_log")]
    spared |= {id(node) for call in logged for node in ast.walk(call)}
    found = {id(text): text for node in shown(tree) for text in worded(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and PROSE.search(node.value):
            found[id(node)] = node
    left = [
        x for key, x in found.items() if key not in spared and x.value not in NAMES | make_texts.of_tables()
    ]
    return [f"{path.name}:{x.lineno}: {x.value!r}" for x in left]


@pytest.mark.parametrize("path", make_texts.sources(), ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_what_a_person_reads_is_marked(path):
    assert not unmarked(path)


@pytest.mark.parametrize("path", make_texts.sources(), ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_underscore_is_the_translator_only(path):
    """In a module that translates, a value thrown away has another name: Python 2 would call it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [x for x in ast.walk(tree) if isinstance(x, ast.ImportFrom)]
    if any(alias.name == "_" for x in imports for alias in x.names):
        names = [x for x in ast.walk(tree) if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)]
        arguments = [x for x in ast.walk(tree) if isinstance(x, ast.arg)]
        lines = [x.lineno for x in names if x.id == "_"] + [x.lineno for x in arguments if x.arg == "_"]
        assert not lines


def test_marked_texts_are_whole():
    """A text in parts, or with a value already in it, can't be found in a catalogue."""
    for path in make_texts.sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and name_of(node.func) in ("_", "N_"):
                assert not isinstance(node.args[0], (ast.JoinedStr, ast.BinOp)), (path, node.lineno)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
class TestCatalogue:
    def test_has_every_text_and_no_other(self, path):
        known = [entry.msgid for entry in polib.pofile(path)]
        again = "run python -m tests.gimp_plugin.make_texts, then translate what it names"
        assert known == make_texts.texts(), again

    def test_translates_every_text(self, path):
        catalogue = polib.pofile(path)
        assert not [entry.msgid for entry in catalogue.untranslated_entries()]
        assert not [entry.msgid for entry in catalogue.fuzzy_entries()]

    def test_keeps_values_lines_and_mnemonics(self, path):
        for entry in polib.pofile(path):
            if entry.msgstr:
                for form in (r"%\(\w+\)[.\d]*[sdf]|\{\w*\}", r"\n", r"(?<![\w%])_(?=\w)|_(?=\w)"):
                    expected, found = (sorted(re.findall(form, x)) for x in (entry.msgid, entry.msgstr))
                    assert found == expected, entry.msgid

    def test_is_compiled(self, path):
        assert path.with_suffix(".mo").read_bytes() == make_texts.renewed(polib.pofile(path)).to_binary()


@pytest.fixture
def speak():
    yield texts.use
    texts.use([])


def test_language_is_the_users(speak):
    speak(["xx_YY.UTF-8", "ko_KR.UTF-8", "C"])
    assert texts._("_Cancel") == "취소(_C)"
    assert texts._("") == ""
    assert texts._("A text without a translation") == "A text without a translation"
    speak(["en_GB.UTF-8", "en_GB", "en", "ko", "C"])
    assert texts._("_Cancel") == "_Cancel"
    speak(["xx"])
    assert texts._("_Cancel") == "_Cancel"


def test_language_is_that_of_the_environment(speak, monkeypatch):
    for name, value in (
        ("LANGUAGE", ""),
        ("LC_ALL", ""),
        ("LC_MESSAGES", "ko_KR.UTF-8"),
        ("LANG", "en_GB.UTF-8"),
    ):
        monkeypatch.setenv(name, value)
    speak()
    assert texts._("_Cancel") == "취소(_C)"
    monkeypatch.setenv("LANGUAGE", "en")
    speak()
    assert texts._("_Cancel") == "_Cancel"


def test_damaged_catalogue_is_none(speak, monkeypatch, tmp_path):
    monkeypatch.setattr(texts, "FOLDER", str(tmp_path))
    monkeypatch.setattr(gettext, "_translations", {})
    file = tmp_path / "ko" / "LC_MESSAGES" / "deepdream.mo"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"damaged")
    speak(["ko"])
    assert texts._("_Cancel") == "_Cancel"


@pytest.mark.skipif(os.name != "posix", reason="Python 2.7 is made on Debian only")
def test_gimp_2_speaks_it_too(plugin, monkeypatch):
    monkeypatch.setenv("LANGUAGE", "ko")
    report = plugin.run(INDEXED)
    assert "인덱스 색상 이미지" in report.error
    parameters = report.procedures["plug-in-deep-dream"]
    assert "결과" in json.dumps(parameters, ensure_ascii=False)
