"""Text that can come from anybody, read as TOML or JSON within limits, which no file of this program reaches.

Parsers have weak points: depth that ends their recursion, dotted keys of TOML and long numbers that take time
by the square.  So each text is measured here before a parser gets it, and what it says afterwards.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, Final, NoReturn

LARGEST: Final = 64 * 1024
"""Bytes of TOML or characters of JSON, at most."""

DEEPEST: Final = 32
"""Levels of tables and lists in each other, at most; what this program writes has four."""

_SAID: Final = re.compile(
    r"""
    \#[^\n]*+
    | ["]{3} (?: [^"\\] | \\. | "(?!"") )*+ (?:["]{3})?
    | [']{3} (?: [^'] | '(?!'') )*+ (?:[']{3})?
    | " (?: [^"\\\n] | \\[^\n] )*+ "?
    | ' [^'\n]*+ '?
    """,
    re.VERBOSE | re.DOTALL,
)
"""Comments and strings of TOML, closed or not."""

_LONG_KEY: Final = re.compile(rf"(?<![\w-])[\w-]++(?:[ \t]*+\.[ \t]*+[\w-]++){{{DEEPEST}}}")
"""A key of TOML with more parts than DEEPEST, each of which opens a table in the one before; without strings,
which may be parts too."""


def from_toml(content: bytes) -> dict[str, Any]:
    """Read TOML; raise ValueError, which says what the text is, as in `not valid TOML: …`, for any other."""
    if len(content) > LARGEST:
        raise ValueError(f"too long: {LARGEST // 1024} KiB is the limit")
    try:
        text = content.decode("utf-8")
        if _LONG_KEY.search(_SAID.sub(lambda x: "" if x[0].startswith("#") else "s", text)):
            raise RecursionError
        table = tomllib.loads(text)
        _refuse_deep(table)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"not valid TOML: what line {line} holds is not text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not valid TOML: {error}") from None
    except ValueError:  # Python reads no decimal number of more than 4,300 digits
        raise ValueError("not valid TOML: a number has too many digits") from None
    return table


def from_json(text: str) -> Any:
    """Read JSON; raise ValueError, which says what the text is, as in `no JSON: …`, for any other.

    A table that names something twice is refused: two programs might read it in two ways.
    """
    if len(text) > LARGEST:
        raise ValueError("too long to be one")
    try:
        value = json.loads(text, parse_int=_whole, parse_constant=_no_number, object_pairs_hook=_table)
        _refuse_deep(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"no JSON: {error}") from None
    return value


def _refuse_deep(value: object) -> None:
    """Raise RecursionError where tables and lists lie deeper in each other than DEEPEST levels.

    Parsers raise the same at some depth, but each version of Python at another one, and a dotted key of TOML
    nests without any. What passes here can be walked, compared and shown everywhere.
    """
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [part for table in level for part in _parts(table)]
        if not level:
            return
    raise RecursionError


def _parts(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name is given twice in the same table")
    return table


def _whole(digits: str) -> float:
    """Read a whole number; one of many digits, which is out of any range, cheaply."""
    return int(digits) if len(digits) < 20 else float(digits)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number")
