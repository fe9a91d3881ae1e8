"""Who may ask: host, token, a header against forged requests; and what the browser may do."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse

from engine.studio.problems import response

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = "x-deepdream"
"""Sent with every request that changes something: no page of another site can send it without being asked."""

PAGE: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "media-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Sent with every answer."""


class Guard:
    """An ASGI application around another: refuses what may not come in."""

    def __init__(
        self, app: ASGIApp, *, token: str | None, hosts: frozenset[str] | None, request: int, port: int
    ) -> None:
        """Take the token, None for none; the names of this host, None for any; bytes of a request's body."""
        self._app, self._token, self._hosts, self._request = app, token, hosts, request
        self._cookie = f"deepdream-{port}"  # cookies of all ports of a host are in one jar

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in PAGE.items():
                    headers[name] = value
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._answer(scope, Headers(scope=scope))
        if answer is not None:
            await answer(scope, receive, sending)
            return
        await self._app(scope, self._bounded(scope, receive), sending)

    def _answer(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request that does not get through."""
        if self._hosts is not None and _host(headers.get("host", "")) not in self._hosts:
            return response(HTTPStatus.BAD_REQUEST, "this studio is not known by that name", LOCAL)
        forged = headers.get("sec-fetch-site") == "cross-site" and scope["path"].startswith("/api/")
        if forged or (scope["method"] not in {"GET", "HEAD"} and headers.get(HEADER) != "1"):
            hint = f"programs send the header {HEADER}: 1"
            return response(HTTPStatus.FORBIDDEN, "the request does not come from the studio's page", hint)
        if self._token is None:
            return None
        if scope["path"] == "/" and b"token=" in scope["query_string"]:
            return self._welcome(scope)
        if not self._knows(headers):
            hint = "open the address that the studio printed when it started"
            wanted = {"WWW-Authenticate": "Bearer"}
            return response(HTTPStatus.UNAUTHORIZED, "this studio wants its token", hint, wanted)
        return None

    def _welcome(self, scope: Scope) -> Response:
        """Give the page its cookie, and an address without the token."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not self._same(given):
            return response(HTTPStatus.UNAUTHORIZED, "that is not this studio's token", "")
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        answer.set_cookie(self._cookie, given, httponly=True, samesite="strict")
        return answer

    def _knows(self, headers: Headers) -> bool:
        kind, _, word = headers.get("authorization", "").partition(" ")
        cookie = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        return (kind.lower() == "bearer" and self._same(word.strip())) or self._same(cookie)

    def _same(self, word: str) -> bool:
        """Compare with the token, in a time that says nothing about it."""
        return secrets.compare_digest(word.encode(), (self._token or "").encode()) and bool(self._token)

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """Bound the body of a request; a picture's has a limit of its own, where it is written to a file."""
        if scope["method"] == "POST" and scope["path"] == "/api/pictures":
            return receive
        count = 0

        async def receiving() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self._request:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request is too long")
            return message

        return receiving


LOCAL: Final = "open http://127.0.0.1 or http://localhost, or start it with --host"


def _host(header: str) -> str:
    """Return the name in a Host header, without the port."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.partition(":")[0].lower()
