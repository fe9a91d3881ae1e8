"""The settings of a dream: one frozen table that options, presets and dialogs are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypedDict

from engine.errors import UsageError
from engine.settings.pickling import Pickled
from engine.settings.selectors import EXAMPLE, format_layers, layer_of, nearest, parse_selector, suggest
from engine.settings.setting import Dialog, Setting, brief

if TYPE_CHECKING:
    from collections.abc import Iterable

COEFFICIENT_LIMIT: Final = 1000.0
"""Largest size of a layer coefficient, either sign: beyond it float32 losses lose their meaning."""

LAST: Final = 2
"""How many of a model's layers stand in for those of the default preset, where it has none of them."""

Chosen: TypeAlias = Literal["layers", "preset", "nothing"]
"""What a user has chosen about the layers: the layers themselves, settings that name some, or neither."""

KERAS_LAYERS: Final[Mapping[str, float]] = MappingProxyType(
    {"mixed2": 0.2, "mixed3": 0.5, "mixed4": 2.0, "mixed5": 1.5}
)


def _setting(
    default: Any,
    option: str,
    low: float,
    high: float,
    text: str,
    dialog: Dialog | None,
    *,
    kind: Any = None,
    optional: bool = False,
) -> Any:
    setting = Setting(option, kind or type(default), low, high, text, optional, dialog)
    return field(default=default, metadata={"setting": setting})


def _switch(option: str, text: str, dialog: Dialog | None) -> Any:
    return _setting(False, option, 0, 1, text, dialog)


def _checked_layers(layers: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(layers, Mapping):
        raise UsageError(f"--layers cannot be {brief(layers)}", hint=EXAMPLE)
    if not layers:
        raise UsageError("--layers names no layer", hint=EXAMPLE)
    number = Setting("--layers", float, -COEFFICIENT_LIMIT, COEFFICIENT_LIMIT, "")
    checked: dict[str, float] = {}
    for name, coefficient in layers.items():
        parse_selector(str(name))
        try:
            checked[str(name)] = float(number.check(coefficient) or 0)
        except UsageError as error:
            text = f"--layers {name}={brief(coefficient)} is out of range"
            raise UsageError(text, hint=error.hint) from None
    return checked


@dataclass(frozen=True, kw_only=True)
class DreamConfig(Pickled):
    """Everything that decides what a dream looks like, except the model and the pictures that take part.

    The defaults are those of Keras' DeepDream example (keras.io/examples/generative/deep_dream), which has
    none of the settings from `jitter` on.  Raises UsageError for a value outside its range.
    """

    layers: Mapping[str, float] = field(default_factory=lambda: KERAS_LAYERS, hash=False)
    """Coefficients: what the mean activation² of a layer, or of channels such as `mixed3:87` or
    `mixed5:12+40`, counts in the loss; each -1000 to 1000.  What is named twice adds up."""

    octaves: int = _setting(
        3,
        "--octaves",
        1,
        20,
        "number of sizes that are dreamed on, smallest first",
        Dialog(
            label="Oc_taves",
            tooltip="How many sizes of the picture to dream on, from small to large: more give larger forms. "
            "Where there is a smallest size, that decides",
            at_once=2,
            slider=(1, 8),
        ),
    )
    """Number of sizes in the ladder, the full one included; 1 to 20."""

    octave_scale: float = _setting(
        1.4,
        "--octave-scale",
        1.0,
        10.0,
        "size of an octave relative to the one before",
        Dialog(
            label="Octave scale",
            tooltip="Each octave is so many times as large as the one before: near 1, forms of all sizes "
            "flow into each other; at 2, large and small ones stand apart",
            slider=(1.1, 2.0),
        ),
    )
    """Ratio between the sides of one octave and those of the octave before it; 1 to 10."""

    min_size: int | None = _setting(
        None,
        "--min-size",
        32,
        8192,
        "smaller side of the first octave, whatever the picture's size: as many octaves as it takes",
        Dialog(
            label="Smallest si_ze",
            tooltip="The smaller, the larger the forms become, in small and large pictures alike: shorter"
            " side of the first octave in pixels, 32 or more. 0 counts octaves instead",
            at_once=3,
            slider=(0, 512),
            step=10,
        ),
        kind=int,
        optional=True,
    )
    """Smaller side of the first octave in pixels, instead of a number of octaves: then small and large
    pictures get forms of the same size relative to the picture.  The scale is the nearest to `octave_scale`
    that ends there.  None for off, or 32 to 8192."""

    max_size: int | None = _setting(
        None,
        "--max-size",
        128,
        8192,
        "smaller side of the last octave, or none: of what is larger only the picture's own detail is added",
        Dialog(
            label="Largest size",
            tooltip="How fine the forms may become: of a larger picture, a copy with this shorter side in"
            " pixels is dreamed on, enlarged, and given back the picture's own detail, which is "
            "much faster. 128 or more; 0 dreams at full size",
            slider=(0, 4096),
            step=100,
        ),
        kind=int,
        optional=True,
    )
    """Smaller side of the last octave in pixels: a picture that is larger takes hardly longer, gets forms of
    the same size relative to it, and keeps its own sharpness.  None for no bound, or 128 to 8192."""

    iterations: int = _setting(
        20,
        "--iterations",
        1,
        10000,
        "ascent steps in each octave",
        Dialog(
            label="_Iterations",
            tooltip="More steps make the forms clearer and denser, and take longer. So many are made in "
            "each octave",
            at_once=4,
            slider=(1, 100),
            gamma=1.5,
        ),
    )
    """Ascent steps in each octave; 1 to 10000."""

    step_size: float = _setting(
        0.01,
        "--step",
        0.00001,
        1.0,
        "mean change of a pixel in one step, where black to white is 2",
        Dialog(
            label="Stren_gth",
            tooltip="How strongly each step changes the picture: larger makes the forms bolder and "
            "coarser, smaller fainter and finer",
            at_once=1,
            slider=(0.001, 0.1),
            gamma=2.0,
            step=0.001,
            digits=4,
        ),
    )
    """Mean change of a pixel in one step, in the model's range, where 0.01 is 1.3 of 255; 1e-05 to 1."""

    max_loss: float | None = _setting(
        10.0,
        "--max-loss",
        0.0,
        1e6,
        "loss above which an octave ends early, or none",
        Dialog(
            label="Ma_x loss",
            tooltip="A brake: an octave ends early once its forms are so strong that the loss is above "
            "this. A smaller number keeps the dream fainter; 0 never brakes",
            slider=(0.0, 50.0),
            step=1.0,
            digits=1,
        ),
        optional=True,
    )
    """Loss above which an octave ends before its next step, None for never; 0 to 1e+06."""

    jitter: int = _setting(
        0,
        "--jitter",
        0,
        512,
        "pixels by which each step randomly shifts the picture, and back",
        Dialog(
            label="_Jitter",
            tooltip="Hides the grid that the network would leave in the picture: each step shifts it by "
            "up to so many pixels at random, and back",
            slider=(0, 64),
        ),
    )
    """Largest random move of the picture before each gradient, undone after it, in pixels: evens out the
    network's grid; 0 to 512."""

    margin: int = _setting(
        0,
        "--margin",
        0,
        512,
        "pixels of its reflection that are computed around the picture, so that it dreams up to its edge",
        Dialog(
            label="Margin",
            tooltip="Lets the forms grow up to the picture's edge: each step dreams on so many pixels of "
            "reflection around it, too. 64 is enough for all layers",
            slider=(0, 96),
        ),
    )
    """Pixels of the picture's reflection around it that count in each gradient, so that the dream reaches its
    edge; at least as much as `jitter` hides what that brings in at an edge; 0 to 512."""

    natural_colours: float = _setting(
        0.0,
        "--natural-colours",
        0.0,
        1.0,
        "how far the dream keeps to colours that photographs have",
        Dialog(
            label="Natural colours",
            tooltip="How far the dream keeps to colours that photographs have, instead of rainbow flecks",
        ),
    )
    """How far steps are made in colours as photographs have them, which are mostly light and shade: 0 not at
    all, 1 as in photographs; 0 to 1."""

    blur: float = _setting(
        0.0,
        "--blur",
        0.0,
        8.0,
        "pixels that each step is blurred by, so that calm areas grow no dots",
        Dialog(
            label="Blur of a step",
            tooltip="Keeps calm areas, such as sky and skin, free of dots: each step is blurred by so "
            "many pixels. 0.8 is enough; more makes softer forms",
            slider=(0.0, 3.0),
        ),
    )
    """Standard deviation in pixels of the Gaussian that each step is blurred with, which ends the dots that
    pooling layers like; 0 to 8."""

    clip: bool = _switch(
        "--clip",
        "keep colours between black and white in each step",
        Dialog(
            label="Keep in range",
            tooltip="Nothing burns out or drowns in black: in each step, colours stay between black and "
            "white",
        ),
    )
    """Whether values are kept in the model's range after each step; true or false."""

    smooth: float = _setting(
        0.0,
        "--smooth",
        0.0,
        2.0,
        "how much to strengthen coarse forms relative to fine ones: larger, calmer",
        Dialog(
            label="Smoothness",
            tooltip="Makes large forms stronger and fine ones weaker, so that the picture looks calmer. "
            "At 1, all sizes are equally strong",
        ),
    )
    """How far the gradient's scales are made equally strong: 1 makes them equal, beyond that coarse ones
    lead; 0 to 2."""

    total_variation: float = _setting(
        0.0,
        "--total-variation",
        0.0,
        10.0,
        "strength of the pull against noise, relative to the dream",
        Dialog(
            label="Less noise",
            tooltip="Wipes fine noise away while the dream grows; much of it leaves flat areas. In "
            "proportion to the dream's own strength",
            slider=(0.0, 2.0),
            gamma=1.5,
        ),
    )
    """Weight of the descent of total variation in a step, relative to the normalised gradient; 0 to 10."""

    stay_close: float = _setting(
        0.0,
        "--stay-close",
        0.0,
        100.0,
        "strength of the pull back to the picture, relative to the dream",
        Dialog(
            label="Stay close",
            tooltip="Holds the dream back, so that the picture stays recognisable. In proportion to the "
            "dream's own strength",
            slider=(0.0, 10.0),
            gamma=2.0,
        ),
    )
    """Weight of the distance from the picture in a step, relative to the normalised gradient: at 2, an
    average pixel gets no further than half of the way from grey to white; 0 to 100."""

    keep_colours: bool = _switch(
        "--keep-colours",
        "dream on lightness only",
        Dialog(label="Keep colours", tooltip="The picture keeps its hues: only its light and shade dream"),
    )
    """Whether red, green and blue are changed alike, so that hues stay the picture's; true or false."""

    blend: float = _setting(
        1.0,
        "--blend",
        0.0,
        1.0,
        "how much of the dream the result has",
        Dialog(
            label="Blend",
            tooltip="How much of the dream is seen in the result; the rest is the original picture",
        ),
    )
    """Share of the dream in the result, the rest is the picture as it was; 0 to 1."""

    feather: int = _setting(
        16,
        "--feather",
        0,
        1024,
        "pixels inside a mask's edge over which the dream fades in",
        Dialog(
            label="Feather",
            tooltip="Softens the border: the dream fades in over so many pixels inside the selection's edge",
            slider=(0, 128),
            gamma=1.5,
        ),
    )
    """Pixels inside the edge of a mask over which the dream reaches its strength; 0 to 1024."""

    guide_places: bool = _switch(
        "--guide-places",
        "steer each place toward the place of the guide that it resembles most",
        Dialog(
            label="Guide place by place",
            tooltip="Steer each place towards the place of the guide that it resembles most, instead of the "
            "whole picture towards the whole guide",
        ),
    )
    """Whether a guide steers place by place: each place of the picture toward the one of the guide that it
    resembles most; without a guide, nothing; true or false."""

    seed: int = _setting(
        0,
        "--seed",
        0,
        2**32 - 1,
        "what all random numbers start from",
        Dialog(
            label="Seed",
            tooltip="Another number gives another dream of the same look: all random numbers start from it",
            slider=(0, 100),
        ),
    )
    """Where all random numbers of a dream come from; 0 to 4294967295."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", MappingProxyType(_checked_layers(self.layers)))
        for name, setting in settings().items():
            object.__setattr__(self, name, setting.check(getattr(self, name)))


class Settings(TypedDict, total=False):
    """The settings of `DreamConfig` as keyword arguments; layers may be text such as `mixed3=0.5,mixed4`."""

    layers: Mapping[str, float] | str
    octaves: int
    octave_scale: float
    min_size: int | None
    max_size: int | None
    iterations: int
    step_size: float
    max_loss: float | None
    jitter: int
    margin: int
    natural_colours: float
    blur: float
    clip: bool
    smooth: float
    total_variation: float
    stay_close: float
    keep_colours: bool
    blend: float
    feather: int
    guide_places: bool
    seed: int


def settings() -> dict[str, Setting]:
    """Return, by field name, what is known about every setting in `DreamConfig` but the layers."""
    return {x.name: x.metadata["setting"] for x in fields(DreamConfig) if "setting" in x.metadata}


def refuse_unknown(names: Iterable[str], also: Iterable[str] = ()) -> None:
    """Raise UsageError, with the most similar setting, for a name that is none.

    `also` are other words that may have been meant.
    """
    known = [x.name for x in fields(DreamConfig)]
    for name in names:
        if name not in known:
            near = nearest(name, [*known, *also])
            raise UsageError(
                f"there is no setting called {brief(name)}" + (f"; did you mean {near}?" if near else ""),
                hint=f"there are: {', '.join(known)}",
            )


def changed(config: DreamConfig, given: Mapping[str, Any]) -> DreamConfig:
    """Return a configuration with some settings replaced, by field name.

    A number of octaves takes the place of a smallest size.  Raises UsageError for a value out of range, and
    for a name that is no setting.
    """
    refuse_unknown(given)
    if "octaves" in given and "min_size" not in given:
        given = {**given, "min_size": None}
    return replace(config, **given)


def fit_layers(
    config: DreamConfig,
    available: Iterable[str],
    *,
    chosen: Chosen,
    default: Mapping[str, float] | None = None,
) -> tuple[DreamConfig, tuple[str, ...]]:
    """Match the configured layers with those that a model offers.

    Layers that the user has chosen must all be there.  Of a preset's layers, those that a smaller model
    does not have are left out; where that leaves none, the model's own `default` takes their place, or, if
    it has none and the user has chosen nothing, its last ones.  Returns the configuration to use and what
    the user should be told.  Raises UsageError, with suggestions, for an unknown layer and where nothing is
    left.
    """
    names = list(available)
    missing = [x for x in dict.fromkeys(map(layer_of, config.layers)) if x not in names]
    if not missing:
        return config, ()
    if chosen == "layers":
        raise UsageError(f"the model has no layer called {missing[0]!r}", hint=suggest(missing[0], names))
    kept = {x: value for x, value in config.layers.items() if layer_of(x) in names}
    if not kept and default:
        kept = dict(default)
    if not kept and chosen == "nothing":
        kept = dict.fromkeys(names[-LAST:], 1.0)
    if not kept:
        raise UsageError(
            "the model has none of the preset's layers", hint=f"choose with --layers from: {', '.join(names)}"
        )
    warning = f"the model has no {', '.join(missing)}: dreaming with {format_layers(kept)}"
    return replace(config, layers=kept), (warning,)
