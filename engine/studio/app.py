"""The studio as an ASGI application: the API, the page, and the guard around both."""

import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.staticfiles import StaticFiles

from engine._version import __version__
from engine.studio import problems, safety
from engine.studio.routes import about, dreams, pictures
from engine.studio.schema import Problem
from engine.studio.studio import Studio

LOCAL = frozenset(["127.0.0.1", "localhost", "[::1]"])
"""Names of this machine for itself."""


def api() -> FastAPI:
    """Return the application without a studio: its OpenAPI document is always the same."""
    app = FastAPI(
        title="DeepDream studio",
        version=__version__,
        description="What the studio's page uses. Requests that are not GET need the header x-deepdream: 1.",
        docs_url=None,  # these would load scripts from elsewhere
        redoc_url=None,
    )
    routers = [part.router for part in (about, pictures, dreams)]
    for router in routers:
        app.include_router(router)
    problems.install(app)
    app.mount("/api", problems.Unknown([route for router in routers for route in router.routes]))
    app.openapi = partial(document, app)  # type: ignore[method-assign]  # as FastAPI documents it
    return app


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, in which each path may answer with a problem."""
    made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    answer = {"description": "What went wrong", "content": {problems.MEDIA: problem}}
    for path in made["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)  # FastAPI's own form of it
            operation["responses"]["default"] = answer
    parts = made["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        parts.pop(name, None)
    parts["Problem"] = Problem.model_json_schema()
    return made


def application(
    studio: Studio, *, token: str | None = None, hosts: frozenset[str] | None = LOCAL, port: int = 0
) -> FastAPI:
    """Return the application of a studio, which is opened and closed with it."""
    app = api()

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        await studio.open()
        try:
            yield
        finally:
            await studio.close()

    app.router.lifespan_context = living
    app.state.studio = studio
    mimetypes.add_type("text/javascript", ".js")  # Windows may know it by another name
    app.mount("/", StaticFiles(directory=Path(__file__).parent / "page", html=True))
    app.add_middleware(safety.Guard, token=token, hosts=hosts, request=studio.limits.request, port=port)
    return app
