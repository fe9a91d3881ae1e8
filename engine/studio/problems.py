"""Errors as problem+json (RFC 9457): the engine's sentence, and the way out."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Match, Route

from engine import atomic
from engine.errors import DreamError, ImageError, UsageError
from engine.studio.schema import Problem

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

MEDIA: Final = "application/problem+json"


class Refused(Exception):  # noqa: N818 - it is an answer
    """Refuse a request, with a status of HTTP."""

    def __init__(self, status: int, detail: str, hint: str = "", *, wait: int | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.hint, self.wait = status, detail, hint, wait
        """`wait` is after how many seconds to try again, if that may help."""


def gone(what: str) -> Refused:
    """Return the refusal of what is not here."""
    return Refused(HTTPStatus.NOT_FOUND, f"there is no such {what}", "it was removed, or has expired")


def response(status: int, detail: str, hint: str = "", headers: dict[str, str] | None = None) -> JSONResponse:
    """Return an answer that says what went wrong."""
    phrase = HTTPStatus(status).phrase
    problem = Problem(type="about:blank", title=phrase, status=status, detail=detail, hint=hint)
    return JSONResponse(problem.model_dump(), status, headers, media_type=MEDIA)


def status_of(error: DreamError) -> int:
    """Return the status that an error of the engine's leads to."""
    if isinstance(error, UsageError | ImageError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.INTERNAL_SERVER_ERROR


def install(app: FastAPI) -> None:
    """Have every error answered in this way."""

    async def refused(_: Request, error: Any) -> JSONResponse:
        headers = None if error.wait is None else {"Retry-After": str(error.wait)}
        return response(error.status, error.detail, error.hint, headers)

    async def failed(_: Request, error: Any) -> JSONResponse:
        return response(status_of(error), str(error), error.hint)

    async def invalid(_: Request, error: Any) -> JSONResponse:
        return response(
            HTTPStatus.UNPROCESSABLE_ENTITY, _first(error), "docs/openapi.json says what is taken"
        )

    async def plain(_: Request, error: Any) -> JSONResponse:
        return response(error.status_code, str(error.detail), headers=dict(error.headers or {}))

    async def of_system(_: Request, error: Any) -> JSONResponse:
        reason = error.strerror or "the studio's folder cannot be used"
        full = atomic.is_full(error)
        status = HTTPStatus.INSUFFICIENT_STORAGE if full else HTTPStatus.INTERNAL_SERVER_ERROR
        return response(status, reason, "make room on the disk, or delete results" if full else "")

    async def bug(_: Request, __: Any) -> JSONResponse:
        return response(HTTPStatus.INTERNAL_SERVER_ERROR, "the studio has a fault", "the terminal says more")

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(DreamError, failed)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(OSError, of_system)
    app.add_exception_handler(Exception, bug)


def _first(error: RequestValidationError) -> str:
    """Say in a line what is wrong first."""
    found = error.errors()[0]
    place = ".".join(str(x) for x in found["loc"] if x not in {"body", "query", "path"})
    said = str(found["msg"])
    return f"{place}: {said}" if place else said


class Unknown:
    """The application of all paths of the API that are none, and of methods that a path does not take."""

    def __init__(self, routes: list[BaseRoute]) -> None:
        """Take the paths that there are."""
        self._routes = routes

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        """Refuse; where the path is known, say which methods it takes."""
        whole = dict(scope, root_path="")
        known = [x for x in self._routes if isinstance(x, Route) and x.matches(whole)[0] is not Match.NONE]
        exact = [x for x in known if "{" not in x.path]
        found = {method for route in exact or known for method in route.methods or ()}
        if not found:
            raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such path")
        allowed = {"Allow": ", ".join(sorted(found))}
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, "the path does not take this method", allowed)
