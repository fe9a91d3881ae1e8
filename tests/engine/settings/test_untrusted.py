"""Presets and recipes come from anybody: what a parser gets is bounded, whatever it holds."""

from __future__ import annotations

import contextlib
import json
import sys
import tomllib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.settings.untrusted import DEEPEST, LARGEST, from_json, from_toml

KEYS = {
    "bare": "a",
    "longer": "a-b_c",
    "quoted": '"a"',
    "literal": "'a'",
    "with dots inside": '"a.b"',
    "with an escaped quote": '"\\""',
    "with what looks like a comment": "'#'",
}


@pytest.mark.parametrize("part", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("dot", [".", " . ", "\t.\t"])
@pytest.mark.parametrize("form", ["{} = 1", "[{}]", "[[{}]]", "x = {{{} = 1}}", "x = [1, {{{} = 1}}]"])
def test_a_key_of_many_parts_reaches_no_parser(
    part: str, dot: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In 64 KiB, a table of 1000 names and keys in it take a parser ten seconds."""
    from_toml(form.format(dot.join([part] * 6)).encode())
    monkeypatch.setattr(tomllib, "loads", lambda _: pytest.fail("it was parsed"))
    with pytest.raises(ValueError, match="nested too deeply"):
        from_toml(form.format(dot.join([part] * (DEEPEST + 1))).encode())


@pytest.mark.parametrize("before", ["'\"', ", "'''\"''', ", '""" \\""" # """, ', '[], # """\n', '"\\"#", '])
def test_no_string_and_no_comment_hides_a_key(before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"x = [{before}{{{{{{}} = 1}}}}]"
    from_toml(text.format("a.a").encode())
    monkeypatch.setattr(tomllib, "loads", lambda _: pytest.fail("it was parsed"))
    with pytest.raises(ValueError, match="nested too deeply"):
        from_toml(text.format(".".join("a" * (DEEPEST + 1))).encode())


@pytest.mark.slow
def test_how_much_work_the_worst_text_is() -> None:
    """Counted in calls, since seconds say more about the machine."""
    head = "[" + ".".join("a" * (DEEPEST - 1)) + "]\n"
    lines = [head, *(f"k{number} = 1\n" for number in range(5000))]
    text = "".join(lines)[:LARGEST].rpartition("\n")[0]
    calls: Counter[str] = Counter()
    sys.setprofile(lambda _frame, event, _what: calls.update([event]))
    try:
        from_toml(text.encode())
    finally:
        sys.setprofile(None)
    assert calls.total() < 40 * LARGEST


@pytest.mark.parametrize(
    "text",
    [
        'description = "' + "One. Two, three. " * 60 + '"',
        'description = """\n' + "A line. Another.\n" * 60 + '"""',
        "# " + "." * 200 + " 12",
        "layers = {" + ", ".join(f'"mixed5:{x}" = 0.5' for x in range(300)) + "}",
        "[layers]\n" + "\n".join(f'"mixed5:{x}" = 0.5' for x in range(2000)),
    ],
)
def test_what_people_write_is_not_deep(text: str) -> None:
    assert from_toml(text.encode()) == tomllib.loads(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\xff\xfe", "not valid TOML: what line 1 holds is not text in UTF-8"),
        (b"a = 1\nb = '\xe4'", "not valid TOML: what line 2 holds is not text in UTF-8"),
        (b"a = 1\na = 2", "not valid TOML"),
        (b"[a]\n[a]", "not valid TOML"),
        (b"a = " + b"9" * 60_000, "too many digits"),
        (b"a = " + b"1_" * 30_000 + b"1", "too many digits"),
        (b"a = " + b"[" * 30_000 + b"]" * 30_000, "nested too deeply"),
        (b"a = " + b"{a=" * 15_000 + b"1" + b"}" * 15_000, "nested too deeply"),
        (b"a = " + b"[" * 40 + b"]" * 40, "nested too deeply"),
        (b"#" * (LARGEST + 1), "too long"),
    ],
)
def test_toml_that_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        from_toml(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1, "a": 2}', "given twice"),
        ('{"a": {"b": 1, "b": 1}}', "given twice"),
        ('{"a": ' * 33 + "1" + "}" * 33, "nested too deeply"),
        ("[" * 32_000 + "]" * 32_000, "nested too deeply"),
        ("Infinity", "not a number"),
        (" " * (LARGEST + 1), "too long"),
        ("1" * 10**6, "too long"),
    ],
)
def test_json_that_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        from_json(text)


def test_long_numbers_of_json_are_read_as_what_they_are_near() -> None:
    assert from_json("9" * 60_000) == float("inf")
    assert from_json("1" + "0" * 30) == 1e30
    assert from_json("1" * 19) == int("1" * 19)


@given(st.text() | st.text("a.=\"[]{}\\\n ,1'#"))
def test_any_text_is_read_as_its_parser_does_or_refused(text: str) -> None:
    for read, parser in ((from_toml, tomllib.loads), (from_json, json.loads)):
        with contextlib.suppress(ValueError):
            found = read(text.encode() if read is from_toml else text)
            assert repr(found) == repr(parser(text))
