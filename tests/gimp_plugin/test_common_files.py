"""Progress, log and engine file; and that the common modules run in Python 2.7."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys

import pytest

from gimp_plugin.deepdream_common import (
    engine_file,
    log_file,
    process,
)
from gimp_plugin.deepdream_common.progress import Pace, Several
from tests.gimp_plugin.conftest import PLUGIN

# Progress, log, engine file


def test_pace_tells_octave_iteration_and_time_left():
    now = iter([100.0, 110.0, 120.0, 5000.0])
    pace = Pace(lambda: next(now))
    event = {"octave": 1, "octaves": 3, "iteration": 1, "iterations": 20, "fraction": 0.2}
    assert pace.text(event) == "Octave 1 of 3, iteration 1 of 20"
    assert (
        pace.text({**event, "iteration": 2, "fraction": 0.3}) == "Octave 1 of 3, iteration 2 of 20, 1:10 left"
    )
    assert pace.text({**event, "fraction": 1.0}).endswith("0:00 left")
    assert pace.text({**event, "fraction": 0.5}).endswith("2:16:07 left")
    assert Pace.fraction({"fraction": 7}) == 1.0
    assert Pace.fraction({}) == 0.0


def test_several_dreams_have_one_progress():
    now = iter([0.0, 10.0, 20.0, 30.0])
    event = {"octave": 1, "octaves": 3, "iteration": 1, "iterations": 20, "fraction": 0.5}
    one, two = Several(1, lambda: next(now)), Several(2, lambda: next(now))
    one.begin()
    assert (one.fraction(event), one.text(event)) == (0.5, "Octave 1 of 3, iteration 1 of 20")
    two.begin()
    assert two.fraction(event) == 0.25
    assert two.text(event).startswith("Layer 1 of 2. Octave 1 of 3")
    two.begin()
    assert two.fraction(event) == 0.75
    assert two.text(event) == "Layer 2 of 2. Octave 1 of 3, iteration 1 of 20, 0:05 left"


def test_log_keeps_the_newest(tmp_path):
    for i in range(3):
        log_file.write(str(tmp_path), [f"{i} “{'x' * 90000}”"])
    text = (tmp_path / log_file.NAME).read_text(encoding="utf-8")
    assert len(text) <= log_file.LIMIT
    assert "  2 “xxx" in text
    assert "  0 “" not in text


def test_log_that_can_not_be_written_is_no_failure(tmp_path):
    log_file.write(str(tmp_path / "missing"), ["x"])


@pytest.mark.parametrize(
    "text", [None, "", "{}", "[]", '{"command": []}', '{"command": [1]}', '{"command": "x"}', "[" * 90_000]
)
def test_bad_engine_file_has_a_way_out(tmp_path, text):
    if text is not None:
        (tmp_path / engine_file.NAME).write_text(text, encoding="utf-8")
    with pytest.raises(process.EngineError, match="deepdream-gimp install"):
        engine_file.read(str(tmp_path))


def test_engine_that_is_gone_is_named(tmp_path):
    (tmp_path / engine_file.NAME).write_text(
        '{"command": ["/gone/python", "-m", "engine"]}', encoding="utf-8"
    )
    with pytest.raises(process.EngineError, match="there is no /gone/python"):
        engine_file.read(str(tmp_path))


# Python 2.7


def sources():
    return sorted(
        str(path) for name in ("deepdream_common", "gimp2") for path in (PLUGIN / name).rglob("*.py")
    )


def test_vermin_finds_python_2_syntax_only():
    if importlib.util.find_spec("vermin") is None:
        pytest.skip("vermin is not installed: pip install vermin")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import vermin; vermin.main()",
            "-t=2.7-",
            "-t=3.0-",
            "--violations",
            "--no-tips",
            *sources(),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert sources()


@pytest.mark.skipif(os.name != "posix", reason="Python 2.7 is made on Debian only")
def test_python_2_compiles_it(python27):
    code = "import sys\nfor f in sys.argv[1:]: compile(open(f).read(), f, 'exec')"
    subprocess.run([python27, "-c", code, *sources()], check=True)


def test_common_modules_import_the_standard_library_only():
    for path in (PLUGIN / "deepdream_common").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [x.name for x in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            assert all(x.split(".")[0] in sys.stdlib_module_names | {"Queue"} for x in names), (path, names)
