"""`/api/pictures`: pictures come in, and are shown."""

from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from engine.network.contract import LONGEST
from engine.studio import sse
from engine.studio.problems import Refused
from engine.studio.routes.common import EVENTS, IMAGE, KEPT, Events, Here, Image, Key, image
from engine.studio.schema import Picture, Use
from engine.studio.studio import Studio

router = APIRouter(prefix="/api/pictures", tags=["pictures"])

SAMPLE: Final = "sample.jpg"
SIZES: Final = (256, 800, 1600, 3200)
"""Longer sides of the copies that are made of a picture."""

FILE: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("")
async def all_pictures(studio: Here) -> list[Picture]:
    """Tell of all pictures, the newest first; guides and masks are among them."""
    return list(studio.shelf.pictures)


@router.post("", status_code=201, openapi_extra=FILE)
async def send(
    request: Request, studio: Here, name: Annotated[str, Query(max_length=1000)] = "", use: Use = "dream"
) -> Picture:
    """Take a picture: its file is the body, whatever the format; `name` is what it is called."""
    return await studio.take(name, request.stream(), use)


@router.post("/sample", status_code=201)
async def sample(studio: Here) -> Picture:
    """Take the picture that comes with the studio."""
    content = resources.files("engine.studio").joinpath("sample", SAMPLE).read_bytes()

    async def parts() -> AsyncIterator[bytes]:
        yield content

    return await studio.take(SAMPLE, parts())


@router.get("/{key:key}")
async def tell(key: Key, studio: Here) -> Picture:
    """Tell of a picture."""
    return studio.picture(key)


@router.delete("/{key:key}", status_code=204, response_class=Response)
async def remove(key: Key, studio: Here) -> None:
    """Remove a picture that no dream was made with."""
    studio.remove_picture(studio.picture(key))


@router.get("/{key:key}/preview", response_class=Image, responses=IMAGE)
async def preview(key: Key, studio: Here, longest: Annotated[int, Query(ge=1, le=3200)] = 1600) -> Image:
    """Show a copy of a picture whose longer side has about `longest` pixels."""
    picture = studio.picture(key)
    size = next(x for x in SIZES if x >= longest)
    folder = studio.shelf.pictures.folder(key)
    target = folder / f"preview-{size}.webp"
    if not target.exists():
        await studio.readers.do(
            "show", source=str(folder / "source"), name=picture.name, target=str(target), longest=size
        )
    return image(target, KEPT)


@router.get("/{key:key}/thumbnails", response_class=Events, responses=EVENTS)
async def thumbnails(
    key: Key,
    studio: Here,
    kind: Literal["looks", "layers", "channels"],
    layer: Annotated[str, Query(max_length=LONGEST)] = "",
) -> Events:
    """Show what each look, layer, or channel of a layer makes of a picture, as it is dreamed.

    Events: `names`, of all that come, in their order; `thumbnail` for each; `problem` where it ends early;
    `end`.
    """
    picture = studio.picture(key)
    if kind == "channels" and layer not in [x.name for x in studio.about.layers]:
        raise Refused(422, "there is no such layer", "GET /api/studio names the layers")
    return Events(_sheet(studio, picture, kind, layer if kind == "channels" else ""))


@router.get("/{key:key}/thumbnails/{name}", response_class=Image, responses=IMAGE)
async def thumbnail(key: Key, name: str, studio: Here) -> Image:
    """Show a thumbnail."""
    studio.picture(key)
    folder = studio.shelf.pictures.folder(key) / "thumbnails"
    found = {x.name: x for x in folder.glob("*.webp")} if folder.exists() else {}
    if name not in found:  # never a path that a client made
        raise Refused(404, "there is no such thumbnail", "ask for its picture's thumbnails first")
    return image(found[name], KEPT)


async def _sheet(studio: Studio, picture: Picture, kind: str, layer: str) -> AsyncIterator[str]:
    folder: Path = studio.shelf.pictures.folder(picture.id)
    sent: set[str] = set()
    named = False
    with studio.helper.listening(picture, folder, kind, layer) as sheet:
        async for rang in studio.bell.rings():
            if not rang:
                yield sse.COMMENT
                continue
            if sheet.names and not named:
                named = True
                yield sse.event("names", {"kind": kind, "names": sheet.names})
            for name, file in list(sheet.ready.items()):
                if name not in sent:
                    sent.add(name)
                    url = f"/api/pictures/{picture.id}/thumbnails/{file}"
                    yield sse.event("thumbnail", {"kind": kind, "name": name, "url": url})
            if sheet.error is not None:
                yield sse.event("problem", sheet.error.model_dump())
            if sheet.complete or sheet.error is not None:
                yield sse.event("end", {"complete": sheet.complete})
                return
