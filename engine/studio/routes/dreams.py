"""`/api/dreams`: dreams are asked for, watched, stopped, and had."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from starlette.responses import FileResponse, Response

from engine.files.formats import names
from engine.library.command import command_line, quoted
from engine.settings.recipe import Recipe
from engine.studio import sse
from engine.studio.problems import Refused
from engine.studio.queue import result_of
from engine.studio.routes.common import EVENTS, IMAGE, Answers, Events, Here, Image, Key, image
from engine.studio.schema import Command, Dream, DreamWanted, FilmWanted
from engine.studio.shelf import busy
from engine.studio.studio import Studio

router = APIRouter(prefix="/api/dreams", tags=["dreams"])

FORMAT: Final = {"enum": list(names())}
"""What a result can be had in; not each of them on each machine."""

MEDIA: Final = {"jxl": "image/jxl", "heic": "image/heic", "avif": "image/avif"}
"""Types that not every system knows."""

FILE: Final = {"schema": {"type": "string", "format": "binary"}}
RESULT: Final[Answers] = {200: {"content": {"image/*": FILE}}}
FILM: Final[Answers] = {200: {"content": {"video/*": FILE, "image/*": FILE}}}
"""What such paths answer, for the OpenAPI document."""


@router.get("")
async def shelf(studio: Here) -> list[Dream]:
    """Tell of all dreams, the newest first."""
    return list(studio.shelf.dreams)


@router.post("", status_code=201)
async def order(wanted: DreamWanted, studio: Here) -> Dream:
    """Ask for a dream; it waits until those before it are done."""
    return studio.order(wanted)


@router.get("/events", response_class=Events, responses=EVENTS)
async def all_events(studio: Here) -> Events:
    """Tell of all dreams, as they change, for as long as anybody listens; the events are those of one dream.

    A dream that is removed is told by the event `removed`.
    """
    return Events(_changes(studio, lambda: list(studio.shelf.dreams), for_ever=True))


@router.get("/{key:key}")
async def tell(key: Key, studio: Here) -> Dream:
    """Tell of a dream."""
    return studio.dream(key)


@router.delete("/{key:key}", status_code=204, response_class=Response)
async def remove(key: Key, studio: Here) -> None:
    """Remove a dream and all that belongs to it; one that is at work is ended."""
    await studio.queue.remove(studio.dream(key))


@router.post("/{key:key}/stop")
async def stop(key: Key, studio: Here) -> Dream:
    """Stop a dream, or its film; a dream keeps the picture so far."""
    dream = studio.dream(key)
    studio.queue.stop(dream)
    return dream


@router.get("/{key:key}/events", response_class=Events, responses=EVENTS)
async def events(key: Key, studio: Here) -> Events:
    """Tell how a dream goes on, first how it is now.

    Events: `state`, the dream; `progress`, with its `id`; `preview`, with the `url` of the picture so far;
    `end`, the dream, when nothing will change any more.
    """
    studio.dream(key)

    def chosen() -> list[Dream]:
        found = studio.shelf.dreams.get(key)
        return [] if found is None else [found]

    return Events(_changes(studio, chosen, for_ever=False))


@router.get("/{key:key}/preview", response_class=Image, responses=IMAGE)
async def preview(key: Key, studio: Here) -> Image:
    """Show the picture so far, or the result, small; what follows `?look=` makes another address of it."""
    studio.dream(key)
    file = studio.shelf.dreams.folder(key) / "preview.webp"
    if not file.exists():
        raise Refused(404, "there is nothing to see yet", "wait for the event preview")
    return image(file)


@router.get("/{key:key}/result", response_class=FileResponse, responses=RESULT)
async def result(
    key: Key,
    studio: Here,
    format: Annotated[str, Query(max_length=8, json_schema_extra=FORMAT)] = "png",  # noqa: A002 - the API's word
    quality: Annotated[int | None, Query(ge=1, le=100)] = None,
) -> FileResponse:
    """Give the result at full size, its recipe inside, in a format of GET /api/studio."""
    dream = studio.dream(key)
    if format not in [x.name for x in studio.about.formats]:
        raise Refused(404, "there is no such format here", "GET /api/studio names the formats")
    folder = studio.shelf.dreams.folder(key)
    kept = result_of(folder)
    file = folder / f"result-{quality or 'usual'}.{format}"
    if kept.suffix == f".{format}":
        file = kept
    elif not file.exists():
        await studio.readers.do(
            "write", source=str(kept), target=str(file), format=format, quality=quality, name=dream.name
        )
    return FileResponse(file, media_type=MEDIA.get(format), filename=f"{_stem(dream.name)}.dream.{format}")


@router.get("/{key:key}/recipe")
async def recipe(key: Key, studio: Here) -> dict[str, Any]:
    """Give everything that is needed to make the result again."""
    table: dict[str, Any] = json.loads(_recipe(studio, key).to_json())
    return table


@router.get("/{key:key}/command")
async def command(key: Key, studio: Here) -> Command:
    """Give the command line that makes the result again."""
    name = studio.dream(key).name
    words = ["deepdream", *command_line(_recipe(studio, key), f"./{name}" if name.startswith("-") else name)]
    return Command(command=quoted(words), words=words)


@router.post("/{key:key}/film", status_code=201)
async def order_film(key: Key, wanted: FilmWanted, studio: Here) -> Dream:
    """Ask for a film that flies into the result; the dream's events tell how it goes on."""
    dream = studio.dream(key)
    result_of(studio.shelf.dreams.folder(key))
    if busy(dream):
        raise Refused(409, "the dream or its film is at work", "wait until it is done, or stop it")
    studio.queue.add_film(dream, wanted)
    return dream


@router.get("/{key:key}/film", response_class=FileResponse, responses=FILM)
async def film(key: Key, studio: Here) -> FileResponse:
    """Give the film."""
    dream = studio.dream(key)
    if dream.film is None or dream.film.status != "done":
        raise Refused(409, "there is no film", "ask for one, and wait until it is done")
    file = studio.shelf.dreams.folder(key) / dream.film.file
    return FileResponse(file, filename=f"{_stem(dream.name)}.zoom{file.suffix}")


def _recipe(studio: Studio, key: str) -> Recipe:
    studio.dream(key)
    file = studio.shelf.dreams.folder(key) / "recipe.json"
    if not file.exists():
        raise Refused(409, "there is no result yet", "wait until it is done")
    return Recipe.from_json(file.read_text(encoding="utf-8"))


def _stem(name: str) -> str:
    stem = name.rpartition(".")[0] or name
    return stem[:80]


Told = Literal["state", "progress", "preview"]


async def _changes(
    studio: Studio, chosen: Callable[[], list[Dream]], *, for_ever: bool
) -> AsyncIterator[str]:
    """Yield what has changed about some dreams, each time that the bell rings."""
    sent: dict[tuple[str, str], Any] = {}
    async for rang in studio.bell.rings():
        if not rang:
            yield sse.COMMENT
            continue
        dreams = {x.id: x for x in chosen()}
        for key in {x for x, _ in sent} - set(dreams):
            yield sse.event("removed", {"id": key})
            sent = {x: y for x, y in sent.items() if x[0] != key}
        for dream in dreams.values():
            for name, data in _facts(dream):
                if sent.get((dream.id, name)) != data:
                    sent[dream.id, name] = data
                    yield sse.event(name, data)
        if not for_ever and not any(map(busy, dreams.values())):
            for dream in dreams.values():
                yield sse.event("end", dream.model_dump())
            return


def _facts(dream: Dream) -> list[tuple[Told, Any]]:
    """Return what is told of a dream as it is now."""
    facts: list[tuple[Told, Any]] = [("state", dream.model_dump(exclude={"progress", "preview"}))]
    if dream.progress is not None:
        facts.append(("progress", {"id": dream.id, **dream.progress.model_dump()}))
    if dream.preview is not None:
        facts.append(("preview", {"id": dream.id, "url": dream.preview}))
    return facts
