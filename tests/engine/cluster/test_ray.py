"""Forty pictures on a head and three nodes, of which parts are lost: each result once, and the same."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.engine.cluster.conftest import PICTURES, Driver, Finished, Nodes

pytestmark = [pytest.mark.slow, pytest.mark.cluster]


def contents(folder: Path) -> dict[str, bytes]:
    return {x.name: x.read_bytes() for x in folder.iterdir()}


def words(nodes: Nodes) -> list[str]:
    return ["--cluster", nodes.address]


def complete(done: Finished, out: Path, pictures: Path) -> None:
    assert done.code == 0, done.err
    assert contents(out) == contents(pictures / "local")


def test_a_driver_that_was_killed_goes_on(nodes: Nodes, pictures: Path, tmp_path: Path) -> None:
    order = [pictures / "in", "-o", tmp_path / "out", *words(nodes)]
    driver = Driver(*order).until(5)
    driver.process.kill()
    before = driver.finish()
    assert before.code == -signal.SIGKILL
    found = len(list((tmp_path / "out").glob("*.png")))
    assert 5 <= found < PICTURES
    after = Driver(*order).finish()
    complete(after, tmp_path / "out", pictures)
    assert len(after.out) == PICTURES - found
    assert not set(before.out) & set(after.out)
    assert f"skipped: {found} finished already" in after.err


def test_a_store_gets_each_result_once(nodes: Nodes, store, pictures: Path) -> None:
    """The bucket keeps all versions of an object, so that one written twice would show."""
    store.create_bucket(Bucket="dreams")
    store.put_bucket_versioning(Bucket="dreams", VersioningConfiguration={"Status": "Enabled"})
    for file in (pictures / "in").iterdir():
        store.upload_file(str(file), "dreams", f"in/{file.name}")
    order = ["s3://dreams/in", "-o", "s3://dreams/out", *words(nodes)]
    driver = Driver(*order).until(3)
    os.kill(nodes.workers()[-1], signal.SIGKILL)
    driver.until(6)
    driver.process.kill()
    driver.finish()
    after = Driver(*order).finish()
    assert after.code == 0, after.err
    written = store.list_object_versions(Bucket="dreams", Prefix="out/")["Versions"]
    assert len(written) == len({x["Key"] for x in written}) == PICTURES
    got = {
        x["Key"].removeprefix("out/"): store.get_object(Bucket="dreams", Key=x["Key"])["Body"].read()
        for x in written
    }
    assert got == contents(pictures / "local")


def test_workers_and_nodes_may_be_lost(nodes: Nodes, pictures: Path, tmp_path: Path) -> None:
    """The last test here, for one node is left at the end; to start others takes longest of all."""
    first, second, _ = nodes.cluster.list_all_nodes()[1:]
    driver = Driver(pictures / "in", "-o", tmp_path / "out", *words(nodes)).until(3)
    os.kill(nodes.workers()[-1], signal.SIGKILL)
    driver.until(6)
    nodes.kill(first)
    driver.until(9)
    nodes.freeze(second)
    done = driver.finish()
    complete(done, tmp_path / "out", pictures)
    assert len(done.out) == len(set(done.out)) == PICTURES
    assert "a worker is lost" in done.err
    assert f"{PICTURES} done" in done.err
