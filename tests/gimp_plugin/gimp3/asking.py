"""Python code on its way to another process of the same root, and the answer: over a socket in a folder."""

import ast
import socket
import traceback


def ask(place, code, patience):
    """Run code in the process that answers at `place`; return its `result`.  patience: seconds."""
    with socket.socket(socket.AF_UNIX) as talk:
        talk.settimeout(patience)
        talk.connect(str(place))
        talk.sendall(code.encode())
        talk.shutdown(socket.SHUT_WR)
        kind, _, text = _heard(talk).partition(" ")
    if kind != "ok":
        raise RuntimeError(text or "it ended before it answered")
    return ast.literal_eval(text)


def listen(place):
    """Return a socket that is listened at; one of a process that has ended makes room for it."""
    place.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place))
    listener.listen()
    return listener


def answer(talk, scope):
    """Run what is asked in a connection, among the names of `scope`."""
    scope.pop("result", None)
    try:
        exec(_heard(talk), scope)  # noqa: S102 - that is what it is for
        said = "ok " + repr(scope.get("result"))
    except Exception:  # noqa: BLE001 - whoever asks is told
        said = "error " + traceback.format_exc()
    with talk:
        talk.sendall(said.encode())


def _heard(talk):
    return b"".join(iter(lambda: talk.recv(1 << 16), b"")).decode()
