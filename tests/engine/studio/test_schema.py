"""What the OpenAPI document says is what the server does, asked by schemathesis, the same each time."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
import uvicorn

from engine.studio.app import application
from engine.studio.limits import Limits
from engine.studio.studio import Studio
from tests.engine.studio.conftest import MODEL, FakeWorker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMATHESIS = os.environ.get("DEEPDREAM_SCHEMATHESIS") or shutil.which("schemathesis")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SCHEMATHESIS, reason="needs schemathesis, in an environment of its own: .ci/run"),
]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A studio whose workers answer at once, on a port of its own."""
    studio = Studio(tmp_path, MODEL, Limits(bytes=100_000, queue=10_000), FakeWorker.start)
    server = uvicorn.Server(uvicorn.Config(application(studio), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive()
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    studio.bell.close()
    thread.join()


def test_the_server_does_what_its_document_says(url: str, tmp_path: Path) -> None:
    """A body that is no picture is refused, which no schema can say."""
    words = ["run", f"{url}/openapi.json", "--header", "x-deepdream: 1", "--seed", "1", "--max-examples", "5"]
    words += ["--phases", "coverage,fuzzing,stateful", "--exclude-path-regex", "events|thumbnails"]
    words += ["--exclude-checks", "positive_data_acceptance"]
    done = subprocess.run(
        [str(SCHEMATHESIS), *words], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert "Test cases:" in done.stdout
