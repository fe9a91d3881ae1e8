"""Dreams by the API: asked for, watched, stopped, had, removed."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest

from engine.errors import ImageError
from engine.library.command import command_line
from engine.settings import presets
from engine.settings.recipe import Recipe
from engine.studio.work.desk import Desk
from tests.engine.studio.conftest import FACTS, dreamed, events, ordered, sent


def test_a_dream_from_picture_to_result(client) -> None:
    picture = sent(client, name="고양이.png")
    dream = dreamed(client, picture["id"])
    assert (dream["status"], dream["name"], dream["picture"]) == ("done", "고양이.png", picture["id"])
    assert dream["error"] is None
    answer = client.get(dream["result"])
    assert answer.content == b"DREAM OF PICTURE"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "%EA%B3%A0" in answer.headers["content-disposition"]
    assert client.get(dream["preview"]).content == b"PICTURE"
    assert client.get("/api/dreams").json() == [dream]
    recipe = client.get(f"/api/dreams/{dream['id']}/recipe").json()
    assert recipe["settings"] == json.loads(json.dumps(dream["settings"]))


def test_events_tell_how_it_is_now_and_how_it_goes_on(client) -> None:
    told = events(client, f"/api/dreams/{ordered(client, sent(client)['id'])['id']}/events")
    names = [x for x, _ in told]
    assert names[0] == "state"
    assert names[-1] == "end"
    assert {"progress", "preview"} <= set(names)
    assert told[-1][1]["status"] == "done"
    again = events(client, f"/api/dreams/{told[-1][1]['id']}/events")
    assert [x for x, _ in again] == ["state", "progress", "preview", "end"]


def test_a_models_own_layers_stand_in_for_a_looks(client_of, monkeypatch) -> None:
    other = {"layers": [{"name": "block4_conv3", "channels": 4}], "default_layers": {"block4_conv3": 1.5}}
    for name, value in other.items():
        monkeypatch.setitem(FACTS, name, value)
    with client_of() as client:
        dream = dreamed(client, sent(client)["id"], settings={"preset": "classic"})
    assert dream["settings"]["layers"] == {"block4_conv3": 1.5}
    assert dream["status"] == "done"


def test_a_stop_keeps_the_picture_so_far(client, held) -> None:
    dream = ordered(client, sent(client)["id"])
    waiting = ordered(client, sent(client)["id"])
    while client.get(f"/api/dreams/{dream['id']}").json()["progress"] is None:
        pass
    assert client.post(f"/api/dreams/{waiting['id']}/stop").json()["status"] == "stopped"
    assert client.post(f"/api/dreams/{dream['id']}/stop").json()["status"] in {"stopping", "stopped"}
    over = events(client, f"/api/dreams/{dream['id']}/events")[-1][1]
    assert over["status"] == "stopped"
    assert client.get(over["result"]).status_code == 200
    never = client.get(f"/api/dreams/{waiting['id']}").json()
    assert (never["status"], never["result"]) == ("stopped", None)
    assert client.get(f"/api/dreams/{waiting['id']}/result").status_code == 409
    assert client.post(f"/api/dreams/{dream['id']}/stop").json()["status"] == "stopped"  # again: nothing


def test_one_that_is_removed_at_work_is_gone_and_the_next_one_goes_on(client, held) -> None:
    picture = sent(client)["id"]
    first, second = ordered(client, picture), ordered(client, picture)
    assert client.delete(f"/api/dreams/{first['id']}").status_code == 204
    held.clear()
    assert events(client, f"/api/dreams/{second['id']}/events")[-1][1]["status"] == "done"
    for path in ("", "/events", "/result", "/preview", "/recipe", "/command"):
        answer = client.get(f"/api/dreams/{first['id']}{path}")
        assert (answer.status_code, answer.json()["detail"]) == (404, "there is no such dream")


def test_settings_are_a_look_and_what_is_changed(client) -> None:
    wanted = {"preset": "coral", "iterations": 3, "layers": "mixed0=0.5,mixed1:2"}
    dream = dreamed(client, sent(client)["id"], settings=wanted)
    look = presets.load("coral").settings
    assert dream["settings"] == {**look, "iterations": 3, "layers": {"mixed0": 0.5, "mixed1:2": 1.0}}
    told = client.get(f"/api/dreams/{dream['id']}/command").json()
    recipe = Recipe.from_json(json.dumps(client.get(f"/api/dreams/{dream['id']}/recipe").json()))
    assert told["words"] == ["deepdream", *command_line(recipe, "cat.png")]
    assert told["command"].startswith("deepdream dream cat.png ")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"octaves": 99}, "--octaves 99 is out of range"),
        ({"octave": 4}, "did you mean octaves?"),
        ({"preset": "corl"}, "there is no preset called 'corl'"),
        ({"preset": "/etc/passwd.toml"}, "there is no preset called"),
        ({"preset": ["dream"]}, "there is no preset called"),
        ({"layers": "mixed7"}, "no layer called 'mixed7'"),
        ({"layers": "mixed0:1+9999"}, "mixed0 has no channel 9999"),
        ({"layers": {"mixed0:9999": 1.0}}, "mixed0 has no channel 9999"),
        ({"layers": "=="}, "is not NAME=NUMBER"),
        ({"layers": {}}, "names no layer"),
        ({"layers": 3}, "--layers cannot be 3"),
        ({"blend": "much"}, "--blend cannot be 'much'"),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_the_engine_s_words(client, settings, said) -> None:
    answer = client.post("/api/dreams", json={"picture": sent(client)["id"], "settings": settings})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]
    assert answer.json()["hint"]
    assert client.get("/api/dreams").json() == []


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"picture": "x"},
        {"picture": None},
        {"picture": "A" * 16, "other": 1},
        [],
        None,
        {"picture": "../../../../e"},
    ],
)
def test_orders_that_make_no_sense(client, wanted) -> None:
    answer = client.post("/api/dreams", json=wanted)
    assert answer.status_code == 422
    assert set(answer.json()) == {"type", "title", "status", "detail", "hint"}


def test_guides_and_masks_are_pictures_that_are_here(client) -> None:
    picture, other = sent(client)["id"], sent(client)["id"]
    assert dreamed(client, picture, guide=other, mask=other)["status"] == "done"
    assert dreamed(client, picture, mask="alpha")["status"] == "done"
    for wrong in ({"guide": "A" * 16}, {"mask": "A" * 16}):
        answer = client.post("/api/dreams", json={"picture": picture, **wrong})
        assert (answer.status_code, answer.json()["detail"]) == (404, "there is no such picture")
    answer = client.delete(f"/api/pictures/{other}")
    assert (answer.status_code, answer.json()["hint"]) == (409, "delete its dreams first")


def full(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_dream_that_the_disk_has_no_room_for_does_not_wait(client, monkeypatch) -> None:
    picture = sent(client)["id"]
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        answer = client.post("/api/dreams", json={"picture": picture})
    assert (answer.status_code, answer.json()["detail"]) == (507, "No space left on device")
    assert client.get("/api/dreams").json() == []
    assert dreamed(client, picture)["status"] == "done"


def test_a_format_that_the_disk_has_no_room_for(client, monkeypatch) -> None:
    result = dreamed(client, sent(client)["id"])["result"]
    monkeypatch.setattr(shutil, "copy", full)
    answer = client.get(result, params={"format": "jpg"})
    assert (answer.status_code, "make room" in answer.json()["hint"]) == (507, True)


@pytest.mark.parametrize("of_engine", [False, True])
def test_a_worker_says_that_the_disk_is_full(of_engine: bool) -> None:
    def job() -> Iterator[dict[str, object]]:
        yield {"event": "step"}
        try:
            full()
        except OSError as error:
            if of_engine:
                raise ImageError("/a/place/result.png cannot be written") from error
            raise

    reading, keeps_it_open = os.pipe()
    answers, writing = os.pipe()
    Desk(reading, writing).tell_all(job())
    said = [json.loads(x) for x in os.read(answers, 10_000).splitlines()]
    assert [x["event"] for x in said] == ["step", "error"]
    assert said[1]["full"] == errno.ENOSPC
    assert keeps_it_open  # else the desk would end this process


def test_a_full_queue_says_so_and_when_to_come_back(client_of, held) -> None:
    with client_of(queue=2) as client:
        picture = sent(client)["id"]
        for _ in range(2):
            ordered(client, picture)
        answer = client.post("/api/dreams", json={"picture": picture})
        assert (answer.status_code, answer.json()["detail"]) == (429, "2 dreams wait already")
        assert int(answer.headers["retry-after"]) > 0
        held.clear()


def test_a_film_of_a_result(client) -> None:
    dream = dreamed(client, sent(client)["id"])
    assert client.get(f"/api/dreams/{dream['id']}/film").status_code == 409
    answer = client.post(f"/api/dreams/{dream['id']}/film", json={"seconds": 2, "format": "webp"})
    assert answer.status_code == 201
    over = events(client, f"/api/dreams/{dream['id']}/events")[-1][1]
    assert (over["status"], over["film"]["status"]) == ("done", "done")
    answer = client.get(f"/api/dreams/{dream['id']}/film")
    assert (answer.content, answer.headers["content-type"]) == (b"FILM", "image/webp")


def test_what_waited_waits_again_after_the_studio_was_killed(client_of, held) -> None:
    with client_of() as client:
        done_first = sent(client)["id"]
        working, queued = ordered(client, done_first), ordered(client, done_first)
        while client.get(f"/api/dreams/{working['id']}").json()["progress"] is None:
            pass
        folder = client.app.state.studio.shelf.folder
        killed = folder.with_name("killed")
        shutil.copytree(folder, killed)
        (killed / "dreams" / ("B" * 16)).mkdir()  # begun, and not written
        (killed / "dreams" / ("C" * 16)).mkdir()
        (killed / "dreams" / ("C" * 16) / "record.json").write_text('{"id": "of another version"}')
        held.clear()
    with client_of(killed) as client:
        over = events(client, f"/api/dreams/{queued['id']}/events")[-1][1]
        assert over["status"] == "done"
        broken = client.get(f"/api/dreams/{working['id']}").json()
        assert (broken["status"], broken["error"]["detail"]) == (
            "failed",
            "the studio ended in the middle of it",
        )
        assert len(client.get("/api/dreams").json()) == 2
        assert not (killed / "dreams" / ("B" * 16)).exists()
        assert (killed / "dreams" / ("C" * 16) / "record.json").exists()


@pytest.mark.slow
def test_fifty_clients_each_get_their_own_or_a_clear_refusal(client_of) -> None:
    with client_of(queue=30, waiting=40) as client:

        def one(number: int) -> str:
            answer = client.post("/api/pictures", content=b"PICTURE %d" % number)
            if answer.status_code == 503:
                assert answer.headers["retry-after"]
                return "busy"
            answer = client.post("/api/dreams", json={"picture": answer.json()["id"]})
            if answer.status_code == 429:
                assert answer.headers["retry-after"]
                return "queue"
            over = events(client, f"/api/dreams/{answer.json()['id']}/events")[-1][1]
            assert client.get(over["result"]).content == b"DREAM OF PICTURE %d" % number
            assert client.get(over["preview"]).content == b"PICTURE %d" % number
            return str(over["status"])

        with ThreadPoolExecutor(50) as pool:
            results = list(pool.map(one, range(50)))
    assert set(results) <= {"done", "queue", "busy"}
    assert results.count("done") >= 30
