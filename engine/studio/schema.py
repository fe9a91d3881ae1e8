"""What goes over the wire, as pydantic's models: the OpenAPI document is made of them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from engine.settings.config import COEFFICIENT_LIMIT, settings
from engine.settings.origin import LONGEST

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16}$", description="what the studio calls it")]
Name = Annotated[str, Field(max_length=LONGEST, description="a file's name, for people")]
Status = Literal["queued", "working", "stopping", "done", "stopped", "failed"]

Use = Literal["dream", "guide", "mask"]
"""What a picture is for."""

OVER: Final = ("done", "stopped", "failed")
"""States after which nothing changes any more."""

SELECTOR: Final = r"[^:=,+\s]+(:\d{1,6}(\+\d{1,6})*)?"
NUMBER: Final = r"[+-]?(\d{1,9}(\.\d{0,9})?|\.\d{1,9})"
LAYERS: Final = rf"^{SELECTOR}(={NUMBER})?(,{SELECTOR}(={NUMBER})?)*$"
"""Layers and channels as the command line takes them: `mixed3=0.5,mixed4,mixed5:12+40=2`."""


def _settings_schema() -> dict[str, Any]:
    """Describe settings as the engine's table does, which is what checks them."""
    coefficient = {"type": "number", "minimum": -COEFFICIENT_LIMIT, "maximum": COEFFICIENT_LIMIT}
    by_layer = {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": f"^{SELECTOR}$"},
        "additionalProperties": coefficient,
    }
    described: dict[str, Any] = {
        "preset": {"type": "string", "description": "the look to start from: a name of GET /api/studio"},
        "layers": {
            "anyOf": [{"type": "string", "pattern": LAYERS}, by_layer],
            "description": "coefficients of layers, or of channels: mixed3=0.5,mixed5:12+40=2",
        },
    }
    for name, setting in settings().items():
        kind = {int: "integer", float: "number", bool: "boolean"}[setting.kind]
        one: dict[str, Any] = {"type": kind}
        if kind != "boolean":
            one |= {"minimum": setting.low, "maximum": setting.high}
        described[name] = {"anyOf": [one, {"type": "null"}]} if setting.optional else one
        described[name] |= {"description": setting.help}
    return {"type": "object", "properties": described, "additionalProperties": False}


Settings = Annotated[dict[str, Any], WithJsonSchema(_settings_schema())]


class Wanted(BaseModel):
    """What a request says; a name that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class Control(BaseModel):
    """One setting, and how to show it."""

    name: str
    label: str
    kind: Literal["integer", "number", "switch"]
    min: float
    max: float
    optional: bool = Field(description="whether null is a value too")
    default: float | bool | None = Field(description="its value in the look that dreams begin with")
    slider: tuple[float, float] = Field(description="the useful part of the range")
    gamma: float = Field(description="how the slider is bent: above 1, small values get more of its length")
    step: float
    digits: int
    place: int = Field(description="place among what is shown at once, from 1 on; 0 for what waits")
    option: str = Field(description="its name on the command line")
    help: str


class Look(BaseModel):
    """Settings with a name."""

    name: str
    title: str
    description: str
    group: Literal["pictures", "films", "comparison", "own"]
    settings: dict[str, Any]


class Layer(BaseModel):
    """A layer of the model."""

    name: str
    channels: int
    block: str = Field("", description="the layer whose block it lies inside; empty for most")


class Format(BaseModel):
    """A format that a result can be had in."""

    name: str
    title: str
    depths: list[str]
    alpha: bool
    lossy: bool


class Bounds(BaseModel):
    """What the studio takes at most."""

    bytes: int
    pixels: int
    queue: int
    age: float | None = Field(description="seconds after which what nobody looked at is removed")


class About(BaseModel):
    """The studio, and all that can be chosen."""

    version: str
    device: str
    fallback: str = Field(description="why not the GPU; empty where there is nothing to say")
    threads: int
    model: str
    smallest: int = Field(description="smallest side of a picture, in pixels")
    limits: Bounds
    default: str = Field(description="the look that dreams begin with")
    films: bool = Field(description="whether films can be written as MP4 here: the extra [video]")
    formats: list[Format]
    controls: list[Control]
    looks: list[Look]
    layers: list[Layer]
    layer_settings: dict[str, Any] = Field(
        description="what a layer or a channel is dreamed with in its thumbnail, and so where one is picked"
    )


class Picture(BaseModel):
    """A picture that is here to be dreamed on, to guide, or to mask."""

    id: Id
    name: Name
    use: Use = Field(
        default="dream", description="what it was sent for; a mask goes with the dream it was for"
    )
    width: int
    height: int
    depth: str = Field(description="bits per channel: 8, 16 or float")
    alpha: bool
    recipe: dict[str, Any] | None = Field(description="how it was made, if it is an old result")
    warnings: list[str]
    created: float
    preview: str = Field(description="where a copy for the page is")


class Progress(BaseModel):
    """How far a dream is."""

    fraction: float
    octave: int
    octaves: int
    iteration: int
    iterations: int
    seconds_left: float | None


class Fault(BaseModel):
    """What went wrong, and a way out."""

    detail: str
    hint: str


class Film(BaseModel):
    """A film of a result."""

    status: Status
    fraction: float = 0.0
    seconds_left: float | None = None
    file: str = ""
    error: Fault | None = None


class Dream(BaseModel):
    """A dream: waiting, at work, or over."""

    id: Id
    name: Name
    status: Status
    picture: Id
    preset: str
    settings: dict[str, Any]
    guide: Id | None
    mask: str | None
    width: int
    height: int
    created: float
    begun: float | None = None
    ended: float | None = None
    progress: Progress | None = None
    preview: str | None = Field(
        default=None, description="where the picture so far is; another address each time"
    )
    result: str | None = Field(default=None, description="where the result is; ?format=jpg and so on")
    error: Fault | None = None
    warnings: list[str] = []
    film: Film | None = None


class DreamWanted(Wanted):
    """A dream that is asked for."""

    picture: Id
    settings: Settings = {}
    guide: Id | None = Field(default=None, description="a picture to steer toward")
    mask: Literal["alpha"] | Id | None = Field(
        default=None,
        description="a picture that is white where to dream, or alpha: where the picture is opaque",
    )
    name: Name = ""


class FilmWanted(Wanted):
    """A zoom film that is asked for."""

    seconds: float = Field(8.0, ge=1, le=60)
    fps: float = Field(25.0, ge=5, le=60)
    size: int = Field(640, ge=64, le=1920, description="longer side in pixels")
    format: Literal["mp4", "webm", "webp", "gif"] = "mp4"


class Command(BaseModel):
    """The command line that makes a dream again."""

    command: str
    words: list[str]


class Problem(BaseModel):
    """What went wrong with a request, after RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    hint: str
