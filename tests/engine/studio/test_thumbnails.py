"""Where thumbnails are written: names of layers come from model files, and these from anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.studio.work.thumbnails import file_of


@pytest.mark.parametrize("name", ["dream", "mixed4", "mixed4:12", "mixed4:12+40", "block1_conv2_act"])
def test_usual_names_stay_readable(name: str) -> None:
    assert file_of(name) == name.replace(":", ".") + ".webp"


@pytest.mark.parametrize(
    "name",
    [
        "inception_4c/output",
        "../../out",
        "/etc/out",
        "..",
        ".out",
        "C:\\out",
        "a\\b",
        "층",
        "-o",
        "x" * 300,
        " ",
    ],
)
def test_no_name_of_a_layer_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    file = tmp_path / file_of(name)
    file.write_bytes(b"")
    assert [x.name for x in tmp_path.iterdir()] == [file_of(name)]
    assert file.resolve().parent == tmp_path.resolve()


def test_no_two_layers_share_a_file() -> None:
    names = ["inception_4c/output", "inception_4c_output", "inception_4c\\output", "Inception_4c/output"]
    assert len({file_of(x) for x in names}) == len(names)
