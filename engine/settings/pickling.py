"""Settings through pickle and copy: their tables are read-only views, which Python does not pickle."""

from __future__ import annotations

from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Pickled:
    """A dataclass that is pickled as the arguments it was made with, and checks them again."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        values = {x.name: getattr(self, x.name) for x in fields(self) if x.init}  # type: ignore[arg-type]  # a dataclass, as said
        tables = {name: dict(x) for name, x in values.items() if isinstance(x, MappingProxyType)}
        return _made, (type(self), values | tables)


def _made(kind: type[Any], values: dict[str, Any]) -> Any:
    return kind(**values)
