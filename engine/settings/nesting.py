"""How deep the tables and lists of a file may lie in each other."""

from __future__ import annotations

from typing import Final

DEEPEST: Final = 32
"""Levels; what this program writes has four at most."""


def refuse_deep(value: object) -> None:
    """Raise RecursionError where tables and lists lie deeper in each other than DEEPEST levels.

    Parsers raise the same at some depth, but each version of Python at another one, and a dotted key of TOML
    nests without any. What passes here can be walked, compared and shown everywhere.
    """
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [part for table in level for part in _parts(table)]
        if not level:
            return
    raise RecursionError("it is nested too deeply")


def _parts(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
