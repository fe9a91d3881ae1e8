"""What can be chosen: controls, looks, layers and formats, from the engine's own tables."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal

from engine._version import __version__
from engine.errors import UsageError
from engine.galleries.looks import LOOK
from engine.settings import presets
from engine.settings.config import settings
from engine.studio.schema import About, Bounds, Control, Look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.settings.setting import Setting
    from engine.studio.limits import Limits

KINDS: Final[dict[type, Literal["integer", "number", "switch"]]] = {
    int: "integer",
    float: "number",
    bool: "switch",
}


def about(facts: dict[str, Any], limits: Limits) -> About:
    """Return all that a page has to know, once the model is open."""
    return About(
        version=__version__,
        limits=Bounds(bytes=limits.bytes, pixels=limits.pixels, queue=limits.queue, age=limits.age),
        default=presets.DEFAULT,
        films=find_spec("av") is not None,
        controls=list(_controls()),
        looks=list(_looks()),
        layer_settings=_layer_settings(),
        **{x: facts[x] for x in ("device", "fallback", "threads", "smallest", "layers", "formats")},
        model=facts["model"].replace("\\", "/").rpartition("/")[2],  # no folder of ours
    )


def look_names() -> list[str]:
    """Return the names of all looks, in their order."""
    return presets.names()


def _layer_settings() -> dict[str, Any]:
    """Return the gallery's settings, bounded so that a large picture takes no longer than a small one."""
    config = replace(LOOK, max_size=presets.PRESETS[presets.DEFAULT].max_size)
    return {x: getattr(config, x) for x in settings()}


def _controls() -> Iterator[Control]:
    default = presets.PRESETS[presets.DEFAULT]
    for name, setting in settings().items():
        yield _control(name, setting, getattr(default, name))


def _control(name: str, setting: Setting, default: float | None) -> Control:
    shown = setting.dialog
    slider = (setting.low, setting.high) if shown is None or shown.slider is None else shown.slider
    step = None if shown is None else shown.step
    return Control(
        name=name,
        label=name.replace("_", " ").capitalize() if shown is None else shown.label.replace("_", ""),
        kind=KINDS[setting.kind],
        min=setting.low,
        max=setting.high,
        optional=setting.optional,
        default=default,
        slider=slider,
        gamma=1.0 if shown is None else shown.gamma,
        step=step if step is not None else (0.1 if setting.kind is float else 1),
        digits=0 if setting.kind is not float else 2 if shown is None else shown.digits,
        place=0 if shown is None else shown.at_once,
        option=setting.option,
        help=setting.help if shown is None else shown.tooltip or setting.help,
    )


def _looks() -> Iterator[Look]:
    for name in presets.names():
        try:
            preset = presets.load(name)
        except UsageError:  # a broken file of the user's must not hide the others
            continue
        yield Look(
            name=name,
            title=preset.title,
            description=" ".join(filter(None, [preset.description, _needs(preset)])),
            group=_group(name),
            settings=preset.settings,
        )


def _needs(preset: presets.Preset) -> str:
    return f"Needs the model {preset.needs}." if preset.needs else ""


def _group(name: str) -> Literal["pictures", "films", "comparison", "own"]:
    if name not in presets.ORDER:
        return "own"
    if name == presets.FILMS:
        return "films"
    later = presets.ORDER[presets.ORDER.index(presets.FILMS) :]
    return "comparison" if name in later else "pictures"
