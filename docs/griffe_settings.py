"""For the API page: show a setting of `DreamConfig` with its default, without all else that is said of it.

`octaves: int = _setting(3, "--octaves", …)` becomes `octaves: int = 3`.
"""

from __future__ import annotations

from typing import Any

import griffe


class Settings(griffe.Extension):
    """Replace the calls that make a setting by its default."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Look at one attribute, before the signature of its class is made."""
        if not isinstance(attr.value, griffe.ExprCall):
            return
        maker = str(attr.value.function)
        if maker == "_setting":
            attr.value = attr.value.arguments[0]
        elif maker == "_switch":
            attr.value = "False"
