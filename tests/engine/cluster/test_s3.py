"""Pictures in a bucket, without a cluster: an S3 on this machine that keeps all versions."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from engine.files import images
from engine.remote import Remote
from tests.engine.conftest import QUICK

pytestmark = [pytest.mark.slow, pytest.mark.cluster]


@pytest.fixture
def bucket(store):
    """A bucket `plain`, with three pictures in `in/`, one of them below `deep/`."""
    store.create_bucket(Bucket="plain")
    store.put_bucket_versioning(Bucket="plain", VersioningConfiguration={"Status": "Enabled"})
    for seed, name in enumerate(("a.png", "꿈 #1 100%.png", "deep/c.png")):
        buffer = io.BytesIO()
        values = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)
        Image.fromarray(values).save(buffer, "PNG")
        store.put_object(Bucket="plain", Key=f"in/{name}", Body=buffer.getvalue())
    yield store
    for x in store.list_object_versions(Bucket="plain")["Versions"]:
        store.delete_object(Bucket="plain", Key=x["Key"], VersionId=x["VersionId"])
    store.delete_bucket(Bucket="plain")


def versions(store) -> list[str]:
    found = store.list_object_versions(Bucket="plain", Prefix="out/").get("Versions", [])
    return sorted(x["Key"] for x in found)


def test_a_tree_of_a_bucket_into_another_and_again(bucket, run, tmp_path) -> None:
    words = ["dream", "s3://plain/in", "-o", "s3://plain/out", "--recursive", *QUICK, "--threads", 1]
    code, out, err = run(*words)
    assert code == 0, err
    names = ["a.dream.png", "deep/c.dream.png", "꿈 #1 100%.dream.png"]
    assert sorted(out.splitlines()) == sorted(f"s3://plain/out/{x}" for x in names)
    assert versions(bucket) == sorted(f"out/{x}" for x in names)
    code, out, err = run(*words)
    assert (code, out) == (0, "")
    assert "skipped: 3 finished already" in err
    assert versions(bucket) == sorted(f"out/{x}" for x in names)
    code, out, _ = run(*words, "--iterations", 3)
    assert (code, len(out.splitlines()), len(versions(bucket))) == (0, 3, 6)
    code, out, _ = run("dream", "s3://plain/in/a.png", "-o", tmp_path / "a.png", *QUICK, "--threads", 1)
    assert (code, out) == (0, f"{tmp_path / 'a.png'}\n")


def test_a_bucket_takes_an_object_once(bucket) -> None:
    place = Remote.of("s3://plain/out/x.png")
    place.write(b"first")
    with pytest.raises(FileExistsError):
        place.write(b"second")
    assert versions(bucket) == ["out/x.png"]


def test_what_is_missing_or_refused_is_one_line(bucket, run, monkeypatch) -> None:
    code, _, err = run("dream", "s3://plain/in/none.png", "-o", "s3://plain/out/", *QUICK)
    assert code == 3
    assert "there is no picture s3://plain/in/none.png" in err
    code, _, err = run("dream", "s3://nowhere/in", "-o", "s3://plain/out", *QUICK)
    assert code == 3
    assert len(err.splitlines()) <= 4, err
    assert images.pixel_count(Remote.of("s3://plain/in/a.png")) == 24 * 32
