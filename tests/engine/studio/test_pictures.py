"""Pictures come in: what is taken, what is refused, what is shown."""

from __future__ import annotations

import errno
import json
from http import HTTPStatus
from pathlib import Path

import pytest

from engine.studio import studio as studios
from tests.engine.conftest import as_file, noise
from tests.engine.studio.conftest import dreamed, events, sent


def kept(client) -> list[Path]:
    return list((client.app.state.studio.shelf.folder / "pictures").iterdir())


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "GIF"])
def test_a_real_picture(client, form: str) -> None:
    picture = sent(client, as_file(noise(30, 40), form).getvalue(), "Foto.dat")
    assert (picture["width"], picture["height"], picture["name"]) == (40, 30, "Foto.dat")
    answer = client.get(picture["preview"])
    assert answer.headers["content-type"] == "image/webp"
    assert client.get(f"/api/pictures/{picture['id']}").json() == picture


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the picture is empty"),
        (b"no picture", "cat.png is not a picture in a known format"),
        (as_file(noise(30, 40), "PNG").getvalue()[:200], "cat.png is damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "cat.png is not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "cat.png is not a picture"),
    ],
)
def test_what_is_no_picture_is_refused_and_leaves_nothing(client, content: bytes, said: str) -> None:
    answer = client.post("/api/pictures", params={"name": "cat.png"}, content=content)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert str(client.app.state.studio.shelf.folder) not in answer.text
    assert kept(client) == []


def test_limits_are_asked_before_anything_is_decoded(client_of) -> None:
    picture = as_file(noise(30, 40), "PNG").getvalue()
    with client_of(pixels=1000) as client:
        answer = client.post("/api/pictures", params={"name": "cat.png"}, content=picture)
        assert (answer.status_code, "million pixels, more than" in answer.json()["detail"]) == (422, True)
        assert kept(client) == []
    with client_of(bytes=500) as client:
        answer = client.post("/api/pictures", content=picture)
        assert answer.status_code == 413
        assert answer.json()["title"] == HTTPStatus(413).phrase  # which is another one since Python 3.13
        answer = client.post("/api/pictures", content=iter([picture[:300]] * 3))  # no length is told
        assert answer.status_code == 413
        assert kept(client) == []
    with client_of(disk=500) as client:
        answer = client.post("/api/pictures", content=picture)
        assert (answer.status_code, answer.json()["detail"]) == (507, "the studio is full")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", ".._.._boot.ini"),
        ("/", "_"),
        ("..", "_"),
        ("a\0b\x1b[2J.png", "a_b_[2J.png"),
        ("꿈꾸는 고양이.png", "꿈꾸는 고양이.png"),
        ("", "picture"),
        (" ", "picture"),
        ("x" * 900, "x" * 255),
        ("<script>.png", "_script_.png"),
    ],
)
def test_no_name_becomes_a_path(client, name: str, shown: str) -> None:
    picture = sent(client, name=name)
    assert picture["name"] == shown
    folder = client.app.state.studio.shelf.pictures.folder(picture["id"])
    assert sorted(x.name for x in folder.iterdir()) == ["preview-1600.webp", "record.json", "source"]


@pytest.mark.parametrize(
    "key", ["..", "%2e%2e", "%2e%2e%2f%2e%2e%2fetc", "A" * 15, "A" * 17, "A" * 15 + "%00", "record.json"]
)
@pytest.mark.parametrize("path", ["", "/preview", "/thumbnails?kind=looks", "/thumbnails/record.json"])
def test_no_address_leads_out_of_the_shelf(client, key: str, path: str) -> None:
    assert client.get(f"/api/pictures/{key}{path}").status_code in {404, 405, 422}


def test_thumbnails_and_only_these_by_their_names(client) -> None:
    picture = sent(client)["id"]
    told = events(client, f"/api/pictures/{picture}/thumbnails?kind=layers")
    assert [x for x, _ in told] == ["names", "thumbnail", "thumbnail", "end"]
    assert told[0][1]["names"] == ["mixed0", "mixed1"]
    for _, one in told[1:-1]:
        assert client.get(one["url"]).status_code == 200
    assert told[-1][1] == {"complete": True}
    assert events(client, f"/api/pictures/{picture}/thumbnails?kind=layers") == told  # kept
    for name in ("record.json", "..%2Frecord.json", "source", "none.webp"):
        assert client.get(f"/api/pictures/{picture}/thumbnails/{name}").status_code in {404, 405}
    assert client.get(f"/api/pictures/{picture}/thumbnails?kind=channels&layer=mixed9").status_code == 422
    assert client.get(f"/api/pictures/{picture}/thumbnails?kind=other").status_code == 422


def test_all_pictures_are_told_and_what_each_is_for(client) -> None:
    first, second = sent(client, name="one.png"), sent(client, name="two.png")
    guide = client.post("/api/pictures", params={"use": "guide"}, content=b"PICTURE").json()
    assert client.get("/api/pictures").json() == [guide, second, first]
    assert [x["use"] for x in (first, guide)] == ["dream", "guide"]
    assert client.post("/api/pictures", params={"use": "else"}, content=b"PICTURE").status_code == 422


def test_a_mask_goes_with_the_last_dream_that_has_it(client) -> None:
    picture, guide = sent(client)["id"], sent(client)["id"]
    mask = client.post("/api/pictures", params={"use": "mask"}, content=b"PICTURE").json()["id"]
    dreams = [dreamed(client, picture, mask=mask, guide=guide) for _ in range(2)]
    left = []
    for dream in dreams:
        assert client.delete(f"/api/dreams/{dream['id']}").status_code == 204
        left.append({x["id"] for x in client.get("/api/pictures").json()})
    assert left == [{picture, guide, mask}, {picture, guide}]
    assert len(kept(client)) == 2


def test_the_sample(client) -> None:
    answer = client.post("/api/pictures/sample")
    assert (answer.status_code, answer.json()["width"], answer.json()["name"]) == (201, 1024, "sample.jpg")


def test_an_old_result_brings_its_settings(client, run, photo: Path) -> None:
    from tests.engine.conftest import QUICK

    assert run("dream", photo, "-o", photo.with_name("old.png"), *QUICK)[0] == 0
    picture = sent(client, photo.with_name("old.png").read_bytes())
    assert picture["recipe"]["settings"]["iterations"] == 2
    assert picture["recipe"]["settings"]["layers"] == {"mixed0": 1.0, "mixed1": 1.0}


def test_removed_pictures_are_gone(client) -> None:
    picture = sent(client)
    assert client.delete(f"/api/pictures/{picture['id']}").status_code == 204
    assert client.get(picture["preview"]).status_code == 404
    assert client.delete(f"/api/pictures/{picture['id']}").status_code == 404
    assert kept(client) == []


def test_a_full_disk_is_said(client, monkeypatch) -> None:
    async def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(studios.Studio, "_receive", full)
    answer = client.post("/api/pictures", content=b"PICTURE")
    assert (answer.status_code, answer.json()["detail"]) == (507, "No space left on device")
    assert kept(client) == []


def test_what_nobody_looks_at_expires_unless_it_is_needed(client, monkeypatch) -> None:
    from tests.engine.studio.conftest import dreamed

    lonely, used = sent(client), sent(client)
    dream = dreamed(client, used["id"])
    shelf = client.app.state.studio.shelf
    shelf.expire(3600)
    assert len(list(shelf.pictures)) == 2
    now = __import__("time").time()
    monkeypatch.setattr("engine.studio.shelf.time.time", lambda: now + 7200)
    shelf.dreams.get(dream["id"])  # somebody looks at it
    shelf.expire(3600)
    assert [x.id for x in shelf.pictures] == [used["id"]]
    assert json.loads(client.get(f"/api/pictures/{lonely['id']}").text)["status"] == 404
    monkeypatch.setattr("engine.studio.shelf.time.time", lambda: now + 14400)
    shelf.expire(3600)
    assert not list(shelf.dreams)
    shelf.expire(3600)
    assert not list(shelf.pictures)
