"""docs/openapi.json is what the server says of itself; make_openapi writes it."""

from __future__ import annotations

import json

from engine.studio.app import api
from engine.studio.schema import LAYERS
from tests.engine.studio.make_openapi import FILE, text


def test_the_committed_document_is_true() -> None:
    assert FILE.read_text("utf-8") == text(), "run python -m tests.engine.studio.make_openapi"


def test_each_path_may_answer_with_a_problem_and_only_in_that_form() -> None:
    for path, operations in api().openapi()["paths"].items():
        for operation in operations.values():
            assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"], path
            assert "422" not in operation["responses"]
    assert "HTTPValidationError" not in json.dumps(api().openapi())


def test_the_grammar_of_layers_is_the_engine_s() -> None:
    import re

    from engine.settings.selectors import parse_layers

    for good in ("mixed3", "mixed3=0.5,mixed4", "mixed5:12+40=2", "a=-1.5", "a=.5"):
        assert re.fullmatch(LAYERS, good)
        parse_layers(good)
    for bad in ("", "=", "a=", "a,", "a:b", "a=1=2", "a b"):
        assert not re.fullmatch(LAYERS, bad)


def test_the_server_gives_the_same(client) -> None:
    assert client.get("/openapi.json").json() == api().openapi()
    assert client.get("/docs").status_code == 404
