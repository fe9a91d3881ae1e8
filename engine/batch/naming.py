"""The names of results: always the same for the same pictures, and distinct on every file system."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from engine import paths
from engine.errors import UsageError
from engine.files.formats import FORMATS, format_named
from engine.remote import place_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engine.batch.finding import Found
    from engine.remote import Place

TEMPLATE: Final = "{stem}.dream{suffix}"
"""How results are named unless somebody wants other names."""

FIELDS: Final = ("stem", "name", "suffix")
"""What can stand in braces: of a picture `photo.jpg` `photo` and `photo.jpg`; and the result's suffix."""

SURELY: Final = 2
"""The level at which names differ for certain, see `Naming.name`."""

_SUFFIXES: Final = "|".join(map(re.escape, FORMATS))

_OURS: Final = re.compile(rf".*(\.dream({_SUFFIXES})|\.gallery\.png)", re.DOTALL | re.IGNORECASE)
"""Names of results of ours: in a folder they are not dreamed on again."""


@dataclass(frozen=True)
class Naming:
    """How results are named.  Raises UsageError for a template that cannot be followed."""

    template: str = TEMPLATE
    """A name with `FIELDS` in braces."""

    suffix: str = ".png"
    """What `{suffix}` stands for."""

    @classmethod
    def of(cls, template: str | None, form: str | None) -> Naming:
        """Return the naming that is wanted: `form` is a format, such as `jpg`, both None for the standard.

        A template that does not end in the suffix of a format gets one.  Raises what `format_named` raises,
        and UsageError where the two contradict each other.
        """
        suffix = ".png" if form is None else "." + form.lower().removeprefix(".")
        template = TEMPLATE if template is None else template
        own = PurePath(template).suffix.lower()
        if own in FORMATS:
            if form is not None and FORMATS[own] is not format_named(form):
                raise UsageError(
                    f"--name ends in {own}, and --format is {form}", hint="leave one of them out"
                )
            suffix = own
        elif not template.endswith("{suffix}"):
            template += "{suffix}"
        format_named(suffix)
        return cls(template, suffix)

    def __post_init__(self) -> None:
        hint = "--name takes " + ", ".join(f"{{{x}}}" for x in FIELDS)
        texts = re.sub(r"\{(stem|name|suffix)\}", "", self.template)
        if "{" in texts or "}" in texts:
            raise UsageError(f"--name {self.template} has other braces", hint=hint)
        if len(re.findall(r"\{(?:stem|name)\}", self.template)) != 1:
            raise UsageError(f"--name {self.template} needs either {{stem}} or {{name}}, once", hint=hint)
        if re.search(r"[/\\\0]", self._filled("")):
            raise UsageError(f"--name {self.template} is no name of a file", hint="-o names the folder")

    def name(self, found: Found, level: int = 0) -> str:
        """Return the name of a picture's result.

        At level 1 it has the picture's suffix in it, too: `photo.jpg.dream.png`.  At level 2 digits stand for
        the picture's name and its place in a tree.  It has 255 bytes at most.
        """
        stem, name = ("stdin", "stdin") if found.source is None else (found.source.stem, found.source.name)
        own = name if level or "{name}" in self.template else stem
        if level == SURELY:
            whole = (found.below / name).as_posix().encode("utf-8", "surrogateescape")
            own += "~" + hashlib.sha256(whole).hexdigest()[:8]
        around = len(self._filled("").encode("utf-8", "surrogateescape"))
        return self._filled(paths.named(own, "", paths.LONGEST - around))

    def _filled(self, own: str) -> str:
        return self.template.format(stem=own, name=own, suffix=self.suffix)

    @property
    def bare(self) -> bool:
        """Whether these names say nothing but the picture's own: results cannot be told from pictures."""
        return PurePath("x" + self._filled("")).stem == "x"

    def made(self, name: str) -> bool:
        """Tell whether a file's name is that of a result, by this naming or the standard one."""
        if _OURS.fullmatch(name):
            return True
        before, after = self._filled("\0").split("\0")
        form = rf"{re.escape(before)}.+{re.escape(after)}"
        return not self.bare and bool(re.fullmatch(form, name, re.DOTALL | re.IGNORECASE))


STANDARD: Final = Naming()
"""Results are `photo.dream.png`."""


def targets(
    pictures: Iterable[Found], naming: Naming, folder: Callable[[Found], Place]
) -> dict[Found, Place]:
    """Return where each picture's result goes: into its `folder`, with names that are distinct there.

    Where several pictures would get one name, each gets its own suffix into it; where that is not enough,
    digits.  Names that differ in capitals or in the spelling of accents only are one name, as they are on
    many disks.  Only pictures of one name in several folders, whose results go into one, stay together.
    """
    levels = dict.fromkeys(pictures, 0)
    folders = {x: folder(x) for x in levels}
    places = {x: paths.folded(place_key(x)) for x in set(folders.values())}
    while True:
        groups = defaultdict(list)
        for x, level in levels.items():
            groups[places[folders[x]], paths.folded(naming.name(x, level))].append(x)
        crowded = [(group, min(levels[x] for x in group)) for group in groups.values() if len(group) > 1]
        rising = [x for group, low in crowded for x in group if levels[x] == low < SURELY]
        if not rising:
            return {x: folders[x] / naming.name(x, level) for x, level in levels.items()}
        for x in rising:
            levels[x] += 1
