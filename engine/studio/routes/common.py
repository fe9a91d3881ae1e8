"""What all paths have in common."""

from pathlib import Path as PicturePath
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Depends, Path, Request
from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response, StreamingResponse

from engine.studio.studio import Studio


class KeyConvertor(Convertor[str]):
    """What of a path may be the name of a picture or a dream: nothing else gets as far as a route."""

    regex = "[A-Za-z0-9_-]{16}"

    def convert(self, value: str) -> str:
        """Return the name."""
        return value

    def to_string(self, value: str) -> str:
        """Return the part of the path."""
        return value


register_url_convertor("key", KeyConvertor())

Key = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{16}$")]


def studio_of(request: Request) -> Studio:
    """Return the studio that a request is for."""
    found: Studio = request.app.state.studio
    return found


Here = Annotated[Studio, Depends(studio_of)]


class Events(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


class Image(Response):
    """A picture for the page."""

    media_type = "image/webp"


def image(file: PicturePath, headers: dict[str, str] | None = None) -> Image:
    """Return a picture's file, read in one go: that of a dream that grows is replaced at any moment."""
    return Image(file.read_bytes(), headers=headers)


KEPT: Final = {"Cache-Control": "private, max-age=3600"}
"""Headers of what stays as it is."""

Answers: TypeAlias = dict[int | str, dict[str, Any]]

EVENTS: Final[Answers] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}
IMAGE: Final[Answers] = {200: {"content": {"image/webp": {"schema": {"type": "string", "format": "binary"}}}}}
"""What such paths answer, for the OpenAPI document."""
