"""Who may ask, and what is refused before anything is done."""

from __future__ import annotations

import sys

import pytest

from engine.studio import safety
from tests.engine.studio.conftest import sent

TOKEN = "a token for the tests"  # noqa: S105


def test_a_page_of_another_site_can_change_nothing(client) -> None:
    for method, path in (
        ("POST", "/api/pictures"),
        ("POST", "/api/dreams"),
        ("DELETE", "/api/pictures/" + "A" * 16),
        ("POST", "/"),
    ):
        answer = client.request(method, path, headers={"x-deepdream": ""}, content=b"PICTURE")
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
        assert "x-deepdream: 1" in answer.json()["hint"]
    assert client.get("/api/studio", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200  # a link to it


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8600", "127.0.0.1.evil.example", "", "[::2]:8600"]
)
def test_only_this_machine_s_own_names_are_answered(client, host: str) -> None:
    answer = client.get("/api/studio", headers={"host": host})
    assert (answer.status_code, answer.json()["status"]) == (400, 400)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:9999", "[::1]:8600"])
def test_whatever_the_port(client, host: str) -> None:
    assert client.get("/api/studio", headers={"host": host}).status_code == 200


def test_every_answer_says_what_the_browser_may_do(client) -> None:
    for path in ("/", "/api/studio", "/api/none", "/none"):
        headers = client.get(path).headers
        for name, value in safety.PAGE.items():
            assert headers[name] == value
    policy = safety.PAGE["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy


def test_a_token_is_asked_for_everywhere(client_of) -> None:
    with client_of(token=TOKEN) as client:
        for path in ("/", "/index.html", "/api/studio", "/api/dreams/events", "/api/none", "/openapi.json"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert TOKEN not in answer.text
        for wrong in ("Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é", TOKEN):
            headers = {"authorization": wrong.encode("latin-1")}
            assert client.get("/api/studio", headers=headers).status_code == 401
        assert client.get("/api/studio", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_the_token_becomes_a_cookie_that_no_script_reads(client_of) -> None:
    with client_of(token=TOKEN) as client:
        assert client.get("/", params={"token": "wrong"}, follow_redirects=False).status_code == 401
        assert client.get("/", params={"token": ""}, follow_redirects=False).status_code == 401
        answer = client.get("/", params={"token": TOKEN}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert cookie.startswith("deepdream-8600=")
        assert client.get("/api/studio").status_code == 200  # by the cookie
        assert sent(client)["name"] == "cat.png"
        forged = client.post("/api/pictures", headers={"x-deepdream": "0"}, content=b"PICTURE")
        assert forged.status_code == 403


def test_words_are_compared_in_constant_time(client_of, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(safety.secrets, "compare_digest", lambda *x: asked.append(x) or False)
    with client_of(token=TOKEN) as client:
        client.get("/api/studio", headers={"authorization": f"Bearer {TOKEN}"})
    assert (TOKEN.encode(), TOKEN.encode()) in asked


def test_a_request_that_is_too_long_is_not_read_to_its_end(client_of) -> None:
    with client_of(request=1000) as client:
        answer = client.post("/api/dreams", content=b"[" * 2000)
        assert (answer.status_code, answer.json()["detail"]) == (413, "the request is too long")
        parts = iter([b"[" * 600] * 3)
        assert client.post("/api/dreams", content=parts).status_code == 413


def test_unknown_paths_and_methods(client) -> None:
    key = "A" * 16
    for method, path, allowed in (
        ("PUT", "/api/dreams", "GET, POST"),
        ("GET", f"/api/dreams/{key}/stop", "POST"),
        ("PATCH", f"/api/pictures/{key}", "DELETE, GET"),
        ("POST", "/api/studio", "GET"),
        ("GET", "/api/pictures/sample", "POST"),
    ):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert client.get("/api").status_code == 404
    assert client.get("/api/none").json()["detail"] == "there is no such path"


def test_a_fault_of_our_own_shows_nothing_of_the_inside(client, monkeypatch) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(client.app.state.studio, "order", broken)
    client._transport.raise_server_exceptions = False
    answer = client.post("/api/dreams", json={"picture": "A" * 16})
    assert (answer.status_code, answer.json()["detail"]) == (500, "the studio has a fault")
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "99999"], "--port 99999 is out of range"),
        (["--port", "one"], "--port one is out of range"),
        (["--host", "no such host"], "the studio cannot be at no such host:8600"),
        (["--token", "short"], "the token is too short"),
        (["--keep", "/proc/none"], "the studio cannot keep anything in /proc/none"),
        (["--max-memory", "1MB"], "--max-memory"),
    ],
)
def test_what_cannot_be_is_refused_at_once(run, tmp_path, monkeypatch, words, said) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code, out, err = run("studio", "--no-browser", *words)
    assert (code, out, len(err.splitlines())) == (2, "", 2), err
    assert said in err


def test_without_the_extra_the_error_names_it(run, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "engine.studio.serving", None)
    monkeypatch.delattr("engine.studio.serving", raising=False)
    code, _, err = run("studio", "--no-browser")
    assert (code, 'pip install "deepdream-onnx[web]"' in err) == (2, True)
