"""Who goes with a cluster's folder when the command has ended: its own processes, and nobody else's."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cluster import keeper

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads /proc, which is Linux")

WAITING = "import sys; print(flush=True); sys.stdin.read()"
WITH_A_FILE = f"import os; file = open(os.environ['FILE'], 'w'); {WAITING}"


class Waiting:
    """A process that has begun to wait."""

    def __init__(self, script: str, *words: object, **options: object) -> None:
        self.process = subprocess.Popen(  # type: ignore[call-overload]
            [sys.executable, "-c", script, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            **options,
        )
        assert self.process.stdout.readline()

    def killed(self) -> bool:
        """Let it end; return whether it was killed before."""
        self.process.communicate(timeout=60)
        return bool(self.process.returncode == -signal.SIGKILL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dd-꿈" / "logs").mkdir(parents=True)
    return tmp_path / "dd-꿈"


def test_all_of_a_cluster_ends_with_its_command_and_nothing_else(folder: Path) -> None:
    log = {"env": {"FILE": str(folder / "logs" / "agent.log")}}
    ours = [Waiting(WAITING, "/x/ray/agent.py", f"--dir={folder}/x"), Waiting(WITH_A_FILE, **log)]
    (folder / "read.log").touch()
    reader = {"env": {"FILE": str(folder / "read.log")}}
    others = [
        Waiting(WAITING, "/x/ray/agent.py", f"--dir={folder.with_name('dd-other')}"),
        Waiting(WAITING, folder / "logs"),  # somebody lists it
        Waiting(WITH_A_FILE.replace("'w'", "'r'"), **reader),
    ]
    with (folder / "logs" / "driver.log").open("w"):  # by the command itself
        keeping = keeper.started(str(folder))
        assert folder.is_dir()
        keeping.communicate()
    assert not folder.exists()
    assert [x.killed() for x in ours + others] == [True, True, False, False, False]


@pytest.mark.slow
def test_it_works_where_the_command_is_killed(folder: Path) -> None:
    root = Path(__file__).parents[3]
    script = (
        f"import sys; sys.path.insert(0, sys.argv[1]); from engine.cluster import keeper; "
        f"sys.argv[2] and keeper.started(sys.argv[2]); {WAITING}"
    )
    command = Waiting(script, root, folder)
    named = Waiting(WAITING, "/x/ray/agent.py", folder)
    command.process.kill()
    named.process.wait(60)
    assert named.killed()
    assert command.killed()
