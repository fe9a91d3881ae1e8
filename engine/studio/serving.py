"""Start the studio: its port, its token, its browser; and end it."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import secrets
import socket
import threading
import webbrowser
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from engine.errors import UsageError
from engine.studio.app import LOCAL, application
from engine.studio.limits import Limits
from engine.studio.place import shelf_folder
from engine.studio.studio import Studio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PORT: Final = 8600
"""Where the studio is found, if that is free."""

TOKEN: Final = "DEEPDREAM_TOKEN"  # noqa: S105 - its name
"""The environment's name for the token: a command line can be read by every user of a machine."""

AT_ONCE: Final = 256
"""Connections at the same time, at most."""

PATIENCE: Final = 3
"""Seconds that open connections get at the end."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the studio is found, and by whom."""

    host: str = "127.0.0.1"
    port: int | None = None
    """None for `PORT`, or a free one where that is taken."""
    token: str | None = None
    keep: str | None = None
    """The folder that the shelf is kept in; None for one that is removed at the end."""


class Server(uvicorn.Server):
    """A server that leaves signals to the command line, and ends open streams before it waits for them."""

    def __init__(self, config: uvicorn.Config, studio: Studio) -> None:
        super().__init__(config)
        self._studio = studio
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Change nothing about signals."""
        self._loop = asyncio.get_running_loop()
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then all else."""
        self._studio.bell.close()
        await super().shutdown(sockets)

    def end(self) -> bool:
        """End soon; can be called from any thread."""
        self.should_exit = True
        return True


def serve(
    place: Place,
    model: dict[str, Any],
    tell: Callable[[str], object],
    ending: Callable[[Callable[[], bool]], Any],
    *,
    browser: bool,
) -> None:
    """Run the studio until a signal ends it.

    `tell` prints the address; `ending` gives a context in which a signal calls a function instead of ending
    the process.  Raises UsageError for a place that cannot be had, and the DreamError of the model.
    """
    local = _is_local(place.host)
    token = place.token or os.environ.get(TOKEN) or (None if local else secrets.token_urlsafe(18))
    with shelf_folder(place.keep) as folder, _bound(place) as listening:
        limits = Limits() if place.keep is None else replace(Limits(), age=None)
        studio = Studio(folder, model, limits)
        port = listening.getsockname()[1]
        app = application(studio, token=token, hosts=LOCAL if local else None, port=port)
        config = uvicorn.Config(
            app,
            log_level="critical",
            access_log=False,  # which would have the token
            server_header=False,
            limit_concurrency=AT_ONCE,
            timeout_graceful_shutdown=PATIENCE,
            lifespan="off",
            ws="none",
        )
        url = f"http://{_shown(place.host)}:{port}/" + (f"?token={token}" if token else "")
        server = Server(config, studio)
        with ending(server.end):
            asyncio.run(_run(server, studio, listening, lambda: _announce(url, tell, browser=browser)))


async def _run(server: Server, studio: Studio, listening: socket.socket, ready: Callable[[], object]) -> None:
    await studio.open()
    try:
        ready()
        await server.serve([listening])
    finally:
        await studio.close()


def _announce(url: str, tell: Callable[[str], object], *, browser: bool) -> None:
    tell(url)
    if browser:  # some wait for the browser to be closed
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


@contextlib.contextmanager
def _bound(place: Place) -> Iterator[socket.socket]:
    """Give a socket that listens at a place; raise UsageError where that cannot be had."""
    wanted = PORT if place.port is None else place.port
    try:
        family, _, _, _, address = socket.getaddrinfo(place.host, wanted, type=socket.SOCK_STREAM)[0]
        listening = _listening(family, address, wanted, free=place.port is None)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = "--port 0 takes a free one; --host names an address of this machine"
        raise UsageError(f"the studio cannot be at {place.host}:{wanted}: {reason}", hint=hint) from error
    with listening:
        yield listening


def _listening(family: int, address: Any, port: int, *, free: bool) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it means that two may listen
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address[0], port, *address[2:]))
        listening.listen(AT_ONCE)
    except OSError:
        listening.close()
        if not free:
            raise
        return _listening(family, address, 0, free=False)
    return listening


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(host: str) -> str:
    """Return what a browser on this machine calls a host."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - all of them: this one too
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
